/* SPDX-License-Identifier: MIT */
/*
 * exec/dump.c: all tasks of the process, what each waits for, and who never can go on.
 *
 * How         1  Every task that is idle is claimed, as by a waker: until its commit it is neither
 *                polled nor freed, so that its frames can be read. It is polled once more afterwards,
 *                for nothing.
 *             2  Each strand, of a task, of a branch, or of a future that a leaf polls (of a set, a shared
 *                one; weft/visitor.h), becomes a node: the function at its inner end, and the leaf, or the
 *                branches, that it waits for.
 *             3  A node is taken for stuck until it is shown that it may go on: it waits for time, the
 *                kernel, a thread, something that nobody is known to hold; or for a lock, a task,
 *                branches of which one may go on. That is repeated until nothing changes; who is left
 *                never goes on by itself.
 *             4  From each of these one follows whom it waits for; who is met twice is in a cycle.
 * Limits      Who holds a lock is known in checked builds only (exec/holders.c); otherwise cycles through
 *             joins and scopes are found, and no others. A task of a current-thread runtime is claimed
 *             by its home thread only; for others it is one that runs. A function by hand without a
 *             table may go on.
 * Cost        linear in the tasks, times the length of the longest chain of waits. Nothing while
 *             nobody asks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/join_set.h>
#include <weft/scope.h>
#include <weft/time.h>
#include <weft/visitor.h>

#include "base/atomic.h"
#include "exec/holders.h"
#include "exec/runtime.h"
#include "exec/scope.h"
#include "exec/trace.h"
#include "os/os.h"

enum { DUMP_RUNTIMES_MAX = 64, NODE_NONE = -1 };

enum node_wait {
	NODE_RUNS, /* or is about to; or has nobody who waits for it */
	NODE_OUTSIDE,
	NODE_OBJECT, /* nobody is known to hold it */
	NODE_HELD,
	NODE_TASK,
	NODE_CHILDREN, /* of a scope, a join set or a stream */
	NODE_BRANCHES  /* or the futures that a leaf polls */
};

struct node {
	uint64_t id; /* of the task */
	struct weft_task *task;
	const struct weft_strand *strand;
	int parent;  /* of a branch: the node that awaits it */
	int blocker; /* one that this waits for, of those that are stuck */
	int met;     /* in which search */
	enum node_wait wait;
	bool stuck;
	bool waits_for_all;
	struct weft__place place;      /* the function that awaits */
	const struct weft_async *leaf; /* NULL: it is not known */
	const void *object;
};

struct weft__dump {
	int fd;
	struct weft_runtime *runtimes[DUMP_RUNTIMES_MAX];
	struct weft__guest *visits[DUMP_RUNTIMES_MAX];
	int runtime_count;
	struct weft_runtime *walked;
	struct weft_task *claimed; /* through `next` */
	struct node *nodes;        /* those of a task are neighbours, its own strand first */
	int count, room;
	int *by_id; /* open addressing: the first node of a task */
	unsigned id_mask;
	bool no_memory;
};

/* ---- 1: claiming ---- */

static void dump_running(
		struct weft__dump *dump, struct weft_task *task, const struct weft_async *async)
{
	dprintf(dump->fd, "task %llx, %s (%s:%u): runs, or is about to\n",
			(unsigned long long)weft_task_id(task), async->name, async->file,
			weft__task_line(task, async));
}

static void dump_claim(struct weft_task *task, void *arg)
{
	struct weft__dump *dump = arg;
	/* pairs with the start */
	const struct weft_async *async = atomic_load_acquire(&task->async);
	struct weft_runtime *runtime = dump->walked; /* the slot may be another task's by now */
	bool is_here = weft__worker_current && weft__worker_current->runtime == runtime;

	/* acquire pairs with weft__task_ended */
	if (!async || atomic_load_acquire(&task->ended))
		return;
	if ((runtime->options.flavour == WEFT_CURRENT_THREAD && !is_here) ||
			!runtime->executor.flavour->hold(task)) {
		dump_running(dump, task, async);
		return;
	}
	task->next = dump->claimed;
	dump->claimed = task;
}

static void dump_release(struct weft__dump *dump)
{
	while (dump->claimed) {
		struct weft_task *task = dump->claimed;

		dump->claimed = task->next;
		task->executor->flavour->commit(task);
	}
	for (int i = 0; i < dump->runtime_count; i++)
		weft__visit_end(dump->visits[i]);
}

/* ---- 2: nodes ---- */

static int node_add(struct weft__dump *dump, const struct node *node)
{
	if (dump->count == dump->room) {
		int room = dump->room ? 2 * dump->room : 256;
		struct node *nodes = realloc(dump->nodes, (size_t)room * sizeof *nodes);

		if (!nodes)
			return NODE_NONE;
		dump->nodes = nodes;
		dump->room = room;
	}
	dump->nodes[dump->count] = *node;
	return dump->count++;
}

/* The first argument of a leaf, which is a pointer. */
static const void *leaf_object(const struct weft_async *leaf, const void *frame)
{
	size_t align = sizeof(void *);
	size_t offset = (leaf->result_offset + leaf->result_size + align - 1) & ~(align - 1);

	return *(void *const *)(const void *)((const char *)frame + offset);
}

static enum node_wait leaf_wait(const struct weft_async *leaf)
{
	if (leaf == &weft_task_join__async)
		return NODE_TASK;
	if (leaf == &weft_scope_close__async || leaf == &weft_join_set_next__async ||
			leaf == &weft_join_set_close__async)
		return NODE_CHILDREN;
	if (leaf->flags & WEFT_ASYNC_CHILDREN)
		return NODE_BRANCHES;
	if ((leaf->flags & WEFT_ASYNC_HELD) == WEFT_ASYNC_HELD)
		return NODE_HELD;
	return leaf->flags & WEFT_ASYNC_OBJECT ? NODE_OBJECT : NODE_OUTSIDE;
}

/* Whether time alone will end its branch. */
static bool is_timed(const struct weft_async *async, const void *frame)
{
	const struct weft_deadline__frame *deadline = frame;

	return async == &weft_deadline__async && deadline->args.p0 != WEFT_NEVER;
}

/* Follows embedded frames. The first of *count branches, if it is those that it waits for; or the frame of
 * a leaf that tells what it polls, and *count is 0. */
static void *node_follow(
		struct node *node, const struct weft_async *async, void *frame, unsigned *count)
{
	enum weft__trace_step step;

	for (;;) {
		if (((const struct weft_frame *)frame)->at == 0)
			return NULL; /* not polled yet */
		node->wait = NODE_OUTSIDE;
		if (async->flags & WEFT_ASYNC_LEAF) {
			node->leaf = async;
			node->wait = leaf_wait(async);
			node->waits_for_all = async == &weft_scope_close__async ||
					async == &weft_join_set_close__async ||
					(async->flags & WEFT_ASYNC_ALL);
			if (async->flags & WEFT_ASYNC_OBJECT)
				node->object = leaf_object(async, frame);
			*count = 0;
			return async->flags & WEFT_ASYNC_CHILDREN ? frame : NULL;
		}
		node->place = (struct weft__place){ async, weft__trace_line(async, frame) };
		if (is_timed(async, frame))
			node->leaf = async;
		step = weft__trace_next(&async, &frame, count);
		if (step == TRACE_END)
			return NULL;
		if (step == TRACE_BRANCHES) {
			if (!node->leaf)
				node->wait = NODE_BRANCHES;
			return frame;
		}
	}
}

static int node_walk(struct weft__dump *dump, const struct node *above, int parent,
		const struct weft_strand *strand, const struct weft_async *async, void *frame);

/* What a leaf tells of what it polls. */
struct dump_visitor {
	struct weft_visitor visitor;
	struct weft__dump *dump;
	int parent;
};

static void visit_node(struct weft_visitor *visitor, const struct node *node)
{
	const struct dump_visitor *at = (const struct dump_visitor *)visitor;

	if (node_add(at->dump, node) == NODE_NONE)
		at->dump->no_memory = true;
}

/* A node of the same task, below the leaf's. */
static struct node visit_below(const struct weft_visitor *visitor)
{
	const struct dump_visitor *at = (const struct dump_visitor *)visitor;
	struct node node = at->dump->nodes[at->parent];

	return (struct node){ .id = node.id,
		.task = node.task,
		.parent = at->parent,
		.blocker = NODE_NONE,
		.place = node.place };
}

static void visit_future(struct weft_visitor *visitor, const struct weft_strand *strand,
		const struct weft_async *async, void *frame)
{
	const struct dump_visitor *at = (const struct dump_visitor *)visitor;
	const struct node node = visit_below(visitor);

	(void)node_walk(at->dump, &node, at->parent, strand, async, frame);
}

static void visit_scope(struct weft_visitor *visitor, struct weft_scope *scope)
{
	struct node node = visit_below(visitor);

	node.wait = NODE_CHILDREN;
	node.stuck = true;
	node.object = scope;
	visit_node(visitor, &node);
}

static void visit_unknown(struct weft_visitor *visitor)
{
	struct node node = visit_below(visitor);

	node.wait = NODE_OUTSIDE;
	visit_node(visitor, &node);
}

/* The strand's node, and those below it. `above`: of which task, and where, if the strand's own frames do
 * not tell. */
static int node_walk(struct weft__dump *dump, const struct node *above, int parent,
		const struct weft_strand *strand, const struct weft_async *async, void *frame)
{
	struct node node = { .id = above->id,
		.task = above->task,
		.strand = strand,
		.parent = parent,
		.blocker = NODE_NONE };
	struct dump_visitor visitor = { { visit_future, visit_scope, visit_unknown }, dump, 0 };
	struct weft_branch *branch;
	unsigned count = 0;
	void *below;

	if (strand)
		weft__trace_innermost(strand, &async, &frame);
	node.place = above->place.async && async->flags & WEFT_ASYNC_LEAF
			? above->place
			: (struct weft__place){ async, async->line };
	below = node_follow(&node, async, frame, &count);
	node.stuck = node.wait > NODE_OBJECT;
	visitor.parent = node_add(dump, &node);
	if (visitor.parent == NODE_NONE) {
		dump->no_memory = true;
		return NODE_NONE;
	}
	if (below && count == 0)
		node.leaf->each(below, &visitor.visitor);
	for (branch = below; count > 0; count--, branch++)
		if (weft__trace_is_live(branch))
			(void)node_walk(dump, &node, visitor.parent, &branch->strand, branch->async,
					branch->frame);
	return visitor.parent;
}

static int *id_slot(const struct weft__dump *dump, uint64_t id)
{
	unsigned at = (unsigned)((id * 0x9e3779b97f4a7c15u) >> 32) & dump->id_mask;

	while (dump->by_id[at] != NODE_NONE && dump->nodes[dump->by_id[at]].id != id)
		at = (at + 1) & dump->id_mask;
	return &dump->by_id[at];
}

/* False: no memory. */
static bool dump_build(struct weft__dump *dump)
{
	size_t size = 2;

	for (struct weft_task *task = dump->claimed; task; task = task->next) {
		const struct node above = { .id = weft_task_id(task), .task = task };

		(void)node_walk(dump, &above, NODE_NONE, &task->strand, task->async,
				weft__task_frame(task));
	}
	if (dump->no_memory)
		return false;
	while (size < 2 * (size_t)dump->count)
		size *= 2;
	dump->by_id = malloc(size * sizeof *dump->by_id);
	if (!dump->by_id)
		return false;
	memset(dump->by_id, 0xff, size * sizeof *dump->by_id);
	dump->id_mask = (unsigned)size - 1;
	for (int i = 0; i < dump->count; i++)
		if (dump->nodes[i].parent == NODE_NONE)
			*id_slot(dump, dump->nodes[i].id) = i;
	return true;
}

/* ---- 3: who is stuck ---- */

/* The strand's node, or that of the task's own; NODE_NONE: the task is not idle. */
static int node_of(const struct weft__dump *dump, uint64_t id, const struct weft_strand *strand)
{
	int first = *id_slot(dump, id);

	for (int i = first; strand && i != NODE_NONE && i < dump->count && dump->nodes[i].id == id;
			i++)
		if (dump->nodes[i].strand == strand)
			return i;
	return first;
}

static bool is_stuck(const struct weft__dump *dump, int index)
{
	return index != NODE_NONE && dump->nodes[index].stuck;
}

struct waited { /* for several */
	const struct weft__dump *dump;
	int count, stuck;
	int blocker; /* the first that is stuck */
};

static void waited_add(struct waited *waited, int index)
{
	waited->count++;
	if (!is_stuck(waited->dump, index))
		return;
	if (!waited->stuck++)
		waited->blocker = index;
}

static void waited_holder(const struct weft__held *held, void *arg)
{
	struct waited *waited = arg;

	waited_add(waited,
			held->ended ? NODE_NONE : node_of(waited->dump, held->task, held->strand));
}

static void waited_children(struct waited *waited, const void *object)
{
	struct weft_scope *scope = (struct weft_scope *)(uintptr_t)object;

	weft__lock_acquire(weft__scope_lock(scope));
	for (struct weft_task *child = scope->children; child;
			child = weft__scope_links(child)->older)
		waited_add(waited, node_of(waited->dump, weft_task_id(child), NULL));
	weft__lock_release(weft__scope_lock(scope));
}

static void waited_branches(struct waited *waited, int index)
{
	const struct weft__dump *dump = waited->dump;

	for (int i = index + 1; i < dump->count && dump->nodes[i].id == dump->nodes[index].id; i++)
		if (dump->nodes[i].parent == index)
			waited_add(waited, i);
}

/* Whether it still looks so. */
static bool node_look(const struct weft__dump *dump, int index, int *blocker)
{
	const struct node *node = &dump->nodes[index];
	struct waited waited = { dump, 0, 0, NODE_NONE };
	if (node->wait == NODE_HELD)
		weft__held_each(node->object, waited_holder, &waited);
	else if (node->wait == NODE_TASK)
		waited_add(&waited, node_of(dump, weft_task_id(node->object), NULL));
	else if (node->wait == NODE_CHILDREN)
		waited_children(&waited, node->object);
	else
		waited_branches(&waited, index);
	*blocker = waited.blocker;
	return waited.stuck && (node->waits_for_all || waited.stuck == waited.count);
}

static void dump_settle(struct weft__dump *dump)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (int i = 0; i < dump->count; i++) {
			if (!dump->nodes[i].stuck || node_look(dump, i, &dump->nodes[i].blocker))
				continue;
			dump->nodes[i].stuck = false;
			changed = true;
		}
	}
}

/* ---- 4: what is said ---- */

static void say_holder(const struct weft__held *held, void *arg)
{
	const struct weft__dump *dump = arg;

	if (!held->task) {
		dprintf(dump->fd, "; %s: a thread has some", weft__held_name(held->kind));
		return;
	}
	dprintf(dump->fd, "; %s %s by task %llx in %s (%s:%u)%s", weft__held_name(held->kind),
			held->kind == HELD_RECEIVER ? "was used" : "was taken",
			(unsigned long long)held->task, held->place.async->name,
			held->place.async->file, held->place.line,
			held->ended ? ", which has ended" : "");
}

static void say_node(const struct weft__dump *dump, const struct node *node)
{
	const struct weft__place *place = &node->place;

	dprintf(dump->fd, "%s %llx, %s, in %s (%s:%u): ",
			node->parent == NODE_NONE ? "task" : "    branch of",
			(unsigned long long)node->id, node->task->async->name, place->async->name,
			place->async->file, place->line);
	if (node->leaf)
		dprintf(dump->fd, "%s", node->leaf->name);
	else if (node->wait == NODE_CHILDREN)
		dprintf(dump->fd, "the tasks of a stream");
	else
		dprintf(dump->fd, "%s", node->wait == NODE_BRANCHES ? "its branches" : "not known");
	if (node->wait == NODE_TASK)
		dprintf(dump->fd, " of task %llx", (unsigned long long)weft_task_id(node->object));
	else if (node->object)
		dprintf(dump->fd, " %p", node->object);
	if (node->wait == NODE_HELD)
		weft__held_each(node->object, say_holder, (void *)(uintptr_t)dump);
	dprintf(dump->fd, "\n");
}

/* From here to whom has been met before; if in this search, that is on a cycle. */
static int cycle_find(struct weft__dump *dump, int from, int search)
{
	int at = from;

	while (dump->nodes[at].met == 0) {
		dump->nodes[at].met = search;
		at = dump->nodes[at].blocker;
	}
	return dump->nodes[at].met == search ? at : NODE_NONE;
}

/* Returns how many tasks are stuck. */
static int dump_say(struct weft__dump *dump)
{
	int tasks = 0;

	for (int i = 0; i < dump->count; i++)
		say_node(dump, &dump->nodes[i]);
	for (int i = 0; i < dump->count; i++) {
		int cycle = dump->nodes[i].stuck ? cycle_find(dump, i, i + 1) : NODE_NONE,
		    at = cycle;

		tasks += dump->nodes[i].stuck && dump->nodes[i].parent == NODE_NONE;
		if (cycle == NODE_NONE)
			continue;
		dprintf(dump->fd,
				"deadlock: each of these waits for the next, "
				"and the last for the first\n");
		do {
			say_node(dump, &dump->nodes[at]);
			at = dump->nodes[at].blocker;
		} while (at != cycle);
	}
	return tasks;
}

int weft_dump(int fd)
{
	struct weft__dump dump = { .fd = fd };
	int stuck = -ENOMEM;

	dump.runtime_count = weft__registry_visit(dump.runtimes, dump.visits, DUMP_RUNTIMES_MAX);
	for (int i = 0; i < dump.runtime_count; i++) {
		dump.walked = dump.runtimes[i];
		weft__walk_tasks(dump.walked, dump_claim, &dump);
	}
	if (dump_build(&dump)) {
		dump_settle(&dump);
		stuck = dump_say(&dump);
	}
	dump_release(&dump);
	free(dump.nodes);
	free(dump.by_id);
	return stuck;
}
