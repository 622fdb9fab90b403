/* SPDX-License-Identifier: MIT */
/*
 * compiler/checks.c: mistakes that compile and that no C compiler can see.
 *
 * One walk over each async function in the order of the text, which is nearly that of execution: what is
 * locked and not unlocked again before an await is held across it, in most programs. A check that knows
 * less than everything warns; only what is wrong whatever happens is an error. docs/diagnostics.md has a
 * section for each code.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/lower.h"

struct lock {
	const char *what; /* the text of the argument */
	uint32_t at;
	bool held;
};

struct checks {
	struct tree *tree;
	struct function *function;
	struct lock locks[16];
	unsigned lock_count;
	unsigned awaits;
	struct {
		const char *name;
		unsigned awaits; /* before its last use */
	} of_thread[16];
	unsigned of_thread_count;
	bool awaited;      /* an await, and no plain call since */
	bool joins_a_task; /* somewhere in the function */
};

static const struct {
	const char *name, *instead;
} blocking[] = {
	{ "sleep", "await weft_sleep(...)" },
	{ "usleep", "await weft_sleep(...)" },
	{ "nanosleep", "await weft_sleep(...)" },
	{ "clock_nanosleep", "await weft_sleep(...)" },
	{ "recv", "await weft_tcp_read(...)" },
	{ "recvfrom", "await weft_tcp_read(...)" },
	{ "recvmsg", "await weft_tcp_read(...)" },
	{ "send", "await weft_tcp_write(...)" },
	{ "sendto", "await weft_tcp_write(...)" },
	{ "sendmsg", "await weft_tcp_write(...)" },
	{ "accept", "await weft_tcp_accept(...)" },
	{ "accept4", "await weft_tcp_accept(...)" },
	{ "connect", "await weft_tcp_connect(...)" },
	{ "poll", "await on what it waits for" },
	{ "ppoll", "await on what it waits for" },
	{ "select", "await weft_select(...)" },
	{ "pselect", "await weft_select(...)" },
	{ "epoll_wait", "await on what it waits for" },
	{ "pthread_join", "await weft_blocking(pthread_join(...))" },
	{ "pthread_cond_wait", "await on what it waits for" },
	{ "pthread_cond_timedwait", "await on what it waits for" },
	{ "pthread_barrier_wait", "await on what it waits for" },
	{ "sem_wait", "await on what it waits for" },
	{ "weft_task_join_blocking", "await weft_task_join(...)" },
	{ "wait", "await weft_blocking(...)" },
	{ "waitpid", "await weft_blocking(...)" },
	{ "system", "await weft_blocking(...)" },
	{ "popen", "await weft_blocking(...)" },
	{ "getaddrinfo", "await weft_blocking(...)" },
	{ "gethostbyname", "await weft_blocking(...)" },
	{ "fsync", "await weft_blocking(...)" },
	{ "fdatasync", "await weft_blocking(...)" },
	{ "flock", "await weft_blocking(...)" },
	{ "lockf", "await weft_blocking(...)" },
	{ "getchar", "await weft_blocking(...)" },
	{ "gets", "await weft_blocking(...)" },
	{ "scanf", "await weft_blocking(...)" },
};

static const char *const lockers[] = { "pthread_mutex_lock", "pthread_rwlock_rdlock",
	"pthread_rwlock_wrlock", "pthread_spin_lock", "mtx_lock" };
static const char *const unlockers[] = { "pthread_mutex_unlock", "pthread_rwlock_unlock",
	"pthread_spin_unlock", "mtx_unlock" };

/* These give a handle. */
static const char *const spawners[] = { "weft_spawn_", "weft_spawn_local_", "weft_spawn_on_" };

/* An ignored result of one of these is an error; of sleeping, yielding and closing it is not. */
static const char *const must_look[] = { "acquire", "recv", "receive", "lock", "wait", "accept",
	"connect", "read", "write", "join" };

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof *(names))

static const char *text_of(struct checks *checks, const struct node *node)
{
	return arena_copy(&checks->tree->arena, checks->tree->source->text + node->begin,
			node->end - node->begin);
}

static void check_blocking(struct checks *checks, const struct node *call, const char *name)
{
	for (size_t i = 0; i < sizeof blocking / sizeof *blocking; i++)
		if (strcmp(name, blocking[i].name) == 0)
			diagnose_mistake(checks->tree, call->begin, MISTAKE_BLOCKING_CALL,
					"`%s` blocks the worker, and all tasks on it: use %s", name,
					blocking[i].instead);
	if (node_strip(call->child[0])->is_blocking)
		diagnose_mistake(checks->tree, call->begin, MISTAKE_BLOCKING_CALL,
				"`%s` is marked as blocking: use await weft_blocking(%s(...))",
				name, name);
}

static void check_locks(struct checks *checks, const struct node *call, const char *name)
{
	const char *what;

	if (call->count < 2)
		return;
	what = text_of(checks, call->child[1]);
	if (IS_AMONG(name, lockers) && checks->lock_count < 16)
		checks->locks[checks->lock_count++] = (struct lock){ what, call->begin, true };
	if (IS_AMONG(name, unlockers))
		for (unsigned i = 0; i < checks->lock_count; i++)
			if (strcmp(checks->locks[i].what, what) == 0)
				checks->locks[i].held = false;
}

/* A local whose address is in the expression: `&x`, or an array. */
static const struct variable *address_in(const struct node *node, const struct source *source)
{
	const struct node *operand = node_strip((struct node *)node);

	if (operand->kind == NODE_UNARY && source_is_at(source, operand->begin, "&"))
		operand = node_strip(operand->child[0]);
	else if (!type_is_array(operand->type))
		return NULL;
	while (operand->kind == NODE_EXPRESSION && operand->count > 0 &&
			clang_getCanonicalType(operand->child[0]->type).kind != CXType_Pointer)
		operand = node_strip(operand->child[0]);
	if (operand->kind == NODE_NAME && operand->variable && !operand->variable->is_static &&
			!(type_is_array(operand->type) && operand->variable->parameter >= 0))
		return operand->variable;
	return NULL;
}

static void check_spawn(struct checks *checks, const struct node *call, const char *name)
{
	struct branch branch;
	bool detached = strcmp(name, "weft_spawn_detached_") == 0;

	if (!IS_AMONG(name, spawners) && !detached)
		return;
	if (!branch_parse(checks->tree, call->child[call->count - 1], &branch) ||
			branch.call->kind != NODE_CALL)
		return;
	for (unsigned i = 1; i < branch.call->count; i++) {
		const struct variable *local =
				address_in(branch.call->child[i], checks->tree->source);

		if (local && (detached || !checks->joins_a_task))
			diagnose_mistake(checks->tree, branch.call->child[i]->begin,
					MISTAKE_DANGLING_LOCAL,
					"the task may outlive `%s`: spawn it in a weft_scope, or "
					"pass a copy",
					local->name);
	}
}

/* NULL: it is not known by name. */
static const struct function *function_of_branch(const struct node *call)
{
	if (call->kind == NODE_CALL)
		return node_strip(call->child[0])->function;
	return call->kind == NODE_NAME && call->variable && call->variable->future
			? call->variable->future->function
			: NULL;
}

static void check_select(struct checks *checks, const struct node *call, const char *name)
{
	if (strncmp(name, "weft_select", 11) != 0)
		return;
	for (unsigned i = 1; i < call->count; i++) {
		struct branch branch;
		const struct function *function;

		if (!branch_parse(checks->tree, call->child[i], &branch))
			continue;
		function = function_of_branch(branch.call);
		if (function && cancel_may_lose(checks->tree, checks->function, call, function))
			diagnose_mistake(checks->tree, branch.call->begin, MISTAKE_CANCEL_SAFE,
					"`%s` may have done half of its work when another branch "
					"wins: mark "
					"it WEFT_CANCEL_SAFE if that is harmless, or await it elsewhere",
					function->name);
	}
}

static void check_ignored(struct checks *checks, const struct node *statement)
{
	const struct function *function;

	if (IS_AMONG(call_name(statement), spawners))
		diagnose_mistake(checks->tree, statement->begin, MISTAKE_LOST_TASK,
				"the task's handle is lost: keep it for a join, or use "
				"weft_spawn_detached");
	if (statement->kind != NODE_AWAIT)
		return;
	function = function_of_branch(node_strip(statement->child[0]));
	if (!function || !function->is_foreign)
		return;
	for (size_t i = 0; i < sizeof must_look / sizeof *must_look; i++)
		if (strstr(function->name, must_look[i])) {
			diagnose_mistake(checks->tree, statement->begin, MISTAKE_UNUSED_RESULT,
					"the result of `%s` is ignored, and it may not have "
					"happened: it says "
					"so by a number below 0",
					function->name);
			return;
		}
}

static void check_call(struct checks *checks, const struct node *call)
{
	const char *name = call_name(call);

	if (strcmp(name, "__errno_location") == 0) {
		if (checks->awaited)
			diagnose_mistake(checks->tree, call->begin, MISTAKE_ERRNO,
					"errno after an await is that of another thread, "
					"perhaps: what was "
					"awaited gives its error as a result below 0");
		return;
	}
	if (!call->is_async)
		check_blocking(checks, call, name);
	check_locks(checks, call, name);
	check_spawn(checks, call, name);
	check_select(checks, call, name);
	if (!call->is_async && strncmp(name, "weft_", 5) != 0)
		checks->awaited = false;
}

static void check_await(struct checks *checks, const struct node *node)
{
	for (unsigned i = 0; i < checks->lock_count; i++)
		if (checks->locks[i].held) {
			diagnose_mistake(checks->tree, node->begin, MISTAKE_LOCKED_AWAIT,
					"await while `%s` is locked (line %u): another thread may "
					"go on here, "
					"and who waits for the lock blocks a worker; unlock it first",
					checks->locks[i].what,
					source_place(checks->tree->source, checks->locks[i].at)
							.line);
			checks->locks[i].held = false; /* once is enough */
		}
	checks->awaited = true;
	checks->awaits++;
}

/* Used before an await and after it. */
static void check_thread_local(struct checks *checks, const struct node *name)
{
	for (unsigned i = 0; i < checks->of_thread_count; i++)
		if (strcmp(checks->of_thread[i].name, name->name) == 0) {
			if (checks->of_thread[i].awaits != checks->awaits)
				diagnose_mistake(checks->tree, name->begin, MISTAKE_THREAD_LOCAL,
						"`%s` is thread-local, and the thread may be another "
						"one since the await: keep what belongs to the task "
						"in a local",
						name->name);
			checks->of_thread[i].awaits = checks->awaits;
			return;
		}
	if (checks->of_thread_count < 16) {
		checks->of_thread[checks->of_thread_count].name = name->name;
		checks->of_thread[checks->of_thread_count++].awaits = checks->awaits;
	}
}

static bool is_in_statement_place(const struct node *node)
{
	const struct node *up = node->parent;

	if (!up || node_is_statement(node))
		return false;
	return up->kind == NODE_BLOCK || up->kind == NODE_LABEL || up->kind == NODE_CASE ||
			(up->kind == NODE_IF && up->child[0] != node) ||
			(up->kind == NODE_WHILE && up->child[1] == node) ||
			(up->kind == NODE_DO && up->child[0] == node) ||
			(up->kind == NODE_FOR && up->child[3] == node);
}

static void walk(struct checks *checks, struct node *node)
{
	struct node *blocking_call = marked_call(node, "weft_blocking_");

	if (is_in_statement_place(node))
		check_ignored(checks, node);
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && !blocking_call)
			walk(checks, node->child[i]);
	for (unsigned i = 1; blocking_call && i < blocking_call->count; i++)
		walk(checks, blocking_call->child[i]);
	if (node->kind == NODE_NAME && node->is_thread_local)
		check_thread_local(checks, node);
	if (node->kind == NODE_CALL)
		check_call(checks, node);
	if (node->kind == NODE_AWAIT)
		check_await(checks, node);
}

static bool joins(const struct node *node)
{
	if (strncmp(call_name(node), "weft_task_join", 14) == 0)
		return true;
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && joins(node->child[i]))
			return true;
	return false;
}

static void check_frame(struct checks *checks)
{
	long long limit = checks->tree->options->frame_limit ? checks->tree->options->frame_limit
							     : 65536;
	long long total = 0, largest = 0;
	const struct variable *worst = NULL;

	for (const struct variable *v = checks->function->variables; v; v = v->next) {
		long long size =
				v->hoisted || v->parameter >= 0 ? clang_Type_getSizeOf(v->type) : 0;

		if (size < 0)
			continue;
		total += size;
		if (size > largest) {
			largest = size;
			worst = v;
		}
	}
	if (total > limit && worst)
		diagnose_mistake(checks->tree, worst->name_at, MISTAKE_LARGE_FRAME,
				"`%s` keeps %lld bytes in its frame, and so does each of its tasks; `%s` "
				"alone has %lld: allocate it where it is needed",
				checks->function->name, total, worst->name, largest);
}

void check_function(struct tree *tree, struct function *function)
{
	struct checks checks = { .tree = tree, .function = function };

	if (!function->is_async)
		return;
	checks.joins_a_task = joins(function->body);
	walk(&checks, function->body);
	check_closing(tree, function);
	check_frame(&checks);
}
