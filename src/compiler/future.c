/* SPDX-License-Identifier: MIT */
/*
 * compiler/future.c: futures kept in a variable.
 *
 * A weft_future(f) x is a branch and a frame of f side by side in the frame of the caller. It is one
 * of its own if f's cannot be embedded, or if x is for whatever has the type of a call through a
 * pointer:
 *
 *     declared --start--> started --await, or an end as a branch--> done (as declared)
 *                            '----block left: cancelled, awaited----> done
 *
 * Started is that the branch has been made. Nothing runs but in an await, and whatever awaits a
 * future ends it, also as the loser of a select: so it is new or done, and a built-in moves the branch
 * into an array of its own.
 */
#include <string.h>

#include "compiler/call.h"

static const struct variable *future_in(struct node *node)
{
	node = node_strip(node);
	return node && node->kind == NODE_NAME && node->variable && node->variable->future
			? node->variable
			: NULL;
}

const struct variable *future_as_branch(const struct branch *branch)
{
	return branch->is_blocking ? NULL : future_in(branch->call);
}

struct callee future_callee(struct lower *lower, const struct variable *variable)
{
	struct arena *arena = &lower->tree->arena;
	struct future *future = variable->future;
	struct function *function = future->function;
	struct callee callee = { .function = function, .type = future->type };

	callee.async = arena_printf(arena, "weft_f->%s.async", variable->member);
	if (function) {
		callee.args_struct = arena_printf(arena, "struct %s__args", function->name);
		callee.embedded = frames_embeds(lower->tree, lower->function, function);
		return callee;
	}
	if (!future->args_struct)
		future->args_struct = call_signature(lower, variable->name_at, future->type);
	callee.args_struct = future->args_struct;
	return callee;
}

const char *future_frame(struct lower *lower, const struct variable *future)
{
	return arena_printf(&lower->tree->arena, "%s__frame", future->member);
}

/* ---- declaring ---- */

/* What editors and libclang take x for has to be what it gives, or temporaries get the wrong type. */
static bool has_type_of_result(struct lower *lower, const struct variable *variable)
{
	CXType result = clang_getResultType(variable->future->type);
	uint32_t at = variable->name_at;

	return type_is_void(result) ||
			strcmp(type_value_text(lower->tree, lower->function, at,
					       clang_getCanonicalType(result)),
					type_value_text(lower->tree, lower->function, at,
							clang_getCanonicalType(variable->type))) ==
			0;
}

/* Arguments that are of the right types; nothing evaluates them. */
static const char *any_arguments(struct tree *tree, CXType function)
{
	const char *text = "";

	for (int i = 0; i < clang_getNumArgTypes(function); i++) {
		CXType type = clang_getArgType(function, (unsigned)i);
		bool is_struct = clang_getCanonicalType(type).kind == CXType_Record;

		text = arena_printf(&tree->arena, "%s%s%s%s%s", text, i ? ", " : "",
				is_struct ? "(" : "", is_struct ? tree_type_name(tree, type) : "0",
				is_struct ? "){ 0 }" : "");
	}
	return text;
}

static bool check_declared(struct lower *lower, const struct variable *variable)
{
	const struct node *in = variable->node->parent->parent;
	const struct function *function = variable->future->function;

	if (!lower->function->is_async)
		diagnose_error(lower->tree, variable->name_at, "W003",
				"weft_future in `%s`, which is not async: its block's end awaits",
				lower->function->name);
	else if (variable->is_static || type_is_array(variable->type) || variable->node->count ||
			!in || in->kind != NODE_BLOCK)
		diagnose_error(lower->tree, variable->name_at, "W010",
				"weft_future declares variables of a block: no array, not static, and "
				"nothing behind a `=`");
	else if (!has_type_of_result(lower, variable))
		diagnose_error(lower->tree, variable->name_at, "W010",
				"`%s` gives what its name alone does not tell: declare `%s` by a call, "
				"which is not evaluated: weft_future(%s(%s)) %s;",
				function ? function->name : "this", variable->name,
				function ? function->name : "",
				any_arguments(lower->tree, variable->future->type), variable->name);
	else
		return true;
	return false;
}

bool future_declare(struct lower *lower, const struct variable *variable)
{
	const char *frame = future_frame(lower, variable);

	if (!check_declared(lower, variable))
		return false;
	text_printf(&lower->scope->members, "\tstruct weft_branch %s;\n", variable->member);
	if (future_callee(lower, variable).embedded)
		call_embed(lower, variable->future->function, frame);
	else
		text_printf(&lower->scope->members, "\tvoid *%s;\n", frame);
	text_printf(lower->out, "weft_branch_clear(&weft_f->%s); ", variable->member);
	return true;
}

/* ---- uses ---- */

static void take(struct node *node)
{
	node = node_strip(node);
	if (node && node->kind == NODE_NAME)
		node->is_taken = true;
}

void future_check_uses(struct lower *lower, struct node *node)
{
	const char *name = call_name(node);
	struct branch branch;

	if (node->kind == NODE_AWAIT)
		take(node->child[0]);
	if (is_builtin_name(name, strlen(name)))
		for (unsigned i = 1; i < node->count; i++) {
			struct node *argument = node_strip(node->child[i]);

			if (argument->kind == NODE_UNARY) /* weft_start_(&x, ...) */
				take(argument->child[0]);
			else if (branch_parse(lower->tree, node->child[i], &branch))
				take(branch.call);
		}
	if (future_in(node) && node->kind == NODE_NAME && !node->is_taken)
		diagnose_error(lower->tree, node->begin, "W010",
				"`%s` is a future: it is started, awaited, cancelled, or a branch",
				node->name);
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			future_check_uses(lower, node->child[i]);
}

/* The variable in weft_start_(&(x), ...); NULL: said. */
static const struct variable *future_named(struct lower *lower, struct node *call)
{
	struct node *address = call->count > 1 ? node_strip(call->child[1]) : NULL;
	const struct variable *variable = address && address->kind == NODE_UNARY
			? future_in(address->child[0])
			: NULL;

	if (!variable)
		diagnose_error(lower->tree, call->begin, "W010",
				"this takes a variable that was declared as weft_future(function)");
	return variable;
}

/* The call in weft_start_(&(x), call); NULL: said. */
static struct node *started_call(
		struct lower *lower, struct node *start, const struct variable *variable)
{
	const struct future *future = variable->future;
	struct branch branch;

	if (branch_parse(lower->tree, start->child[2], &branch) && branch.call->kind == NODE_CALL &&
			branch.call->is_async && !branch.lvalue) {
		struct node *callee = node_strip(branch.call->child[0]);

		if (future->function ? callee->function == future->function
				     : clang_equalTypes(type_of_function(callee->type),
						       future->type))
			return branch.call;
	}
	diagnose_error(lower->tree, start->begin, "W010",
			future->function
					? "`%s` is a future of `%s`: it is started with a call of that"
					: "`%s` is a future of another type of function%s",
			variable->name, future->function ? future->function->name : "");
	return NULL;
}

/* Through a pointer the descriptor is kept in `weft_p`, a variable of the expression. */
static const char *begin_start(struct lower *lower, struct node *call, const struct future *future,
		const char *kept)
{
	struct node *name = node_strip(call->child[0]);
	struct arena *arena = &lower->tree->arena;

	if (future->function)
		return "__extension__ ({ ";
	return arena_printf(arena, "__extension__ ({ const struct weft_async *weft_p = %s; ",
			name->kind == NODE_NAME && name->function
					? arena_printf(arena, "&%s__async", name->function->name)
					: kept ? kept
					       : callee_pointer(lower, call));
}

const char *future_start(struct lower *lower, struct node *start)
{
	struct arena *arena = &lower->tree->arena;
	const struct variable *variable = future_named(lower, start);
	struct node *call = variable ? started_call(lower, start, variable) : NULL;
	struct text text = { NULL, 0, 0 }, *out = lower->out;
	const char **arguments, *frame, *member, *copy;
	struct callee callee, kept = { .async = NULL };
	struct own_frame own;

	if (!call)
		return "0";
	member = variable->member;
	frame = future_frame(lower, variable);
	callee = future_callee(lower, variable);
	callee.async = callee.function ? arena_printf(arena, "&%s__async", callee.function->name)
				       : "weft_p";
	arguments = call_arguments(lower, call, callee.function ? &callee : &kept);
	text_puts(&text, begin_start(lower, call, variable->future, kept.async));
	lower->out = &text;
	text_printf(&text,
			"if (weft_branch_is_made(&weft_f->%s)) weft_branch_misuse(&weft_f->%s); ",
			member, member);
	if (callee.embedded) {
		own = (struct own_frame){ callee.async, arena_printf(arena, "&weft_f->%s", frame) };
		call_init(lower, &callee, call, arguments,
				arena_printf(arena, "(%s *)%s", callee.args_struct, own.frame));
	} else {
		own = call_alloc(lower, &callee, call, arguments, frame);
	}
	text_printf(&text, "weft_f->%s = weft_branch_make(%s, %s); (void)0; })", member, own.async,
			own.frame);
	lower->out = out;
	copy = arena_copy(arena, text.at, text.size);
	text_free(&text);
	return copy;
}

const char *future_cancel(struct lower *lower, struct node *call)
{
	const struct variable *future = future_named(lower, call);

	return future ? arena_printf(&lower->tree->arena, "((void)(weft_f->%s.cancelled = 1))",
					future->member)
		      : "0";
}

void future_need(struct lower *lower, const struct variable *future)
{
	text_printf(lower->out,
			"if (!weft_branch_is_made(&weft_f->%s)) weft_branch_misuse(&weft_f->%s); ",
			future->member, future->member);
}

void future_poll(struct lower *lower, uint32_t at, const struct variable *future)
{
	lower_await_point(lower, at, future->member, NULL, "WEFT_POINT_BRANCH",
			arena_printf(&lower->tree->arena, "weft_branch_poll(&weft_f->%s, weft_cx)",
					future->member));
}

/* The future is as declared again, and an own frame is given back. */
static void finish(struct lower *lower, const struct variable *future)
{
	text_printf(lower->out, "weft_branch_clear(&weft_f->%s); ", future->member);
	if (!future_callee(lower, future).embedded)
		text_printf(lower->out, "weft_frame_free(weft_cx, weft_f->%s); ",
				future_frame(lower, future));
}

const char *future_await(struct lower *lower, struct node *node, const struct variable *future,
		bool await_follows)
{
	struct callee callee = future_callee(lower, future);
	CXType result = clang_getResultType(callee.type);
	const char *frame = future_frame(lower, future), *value = "((void)0)";

	future_need(lower, future);
	future_poll(lower, node->begin, future);
	if (!type_is_void(result) && callee.embedded) {
		value = call_keep(lower, node->begin, result,
				arena_printf(&lower->tree->arena, "weft_f->%s.args.result", frame),
				await_follows);
	} else if (!type_is_void(result)) {
		value = lower_temporary(lower, node->begin, result, await_follows);
		lower_store(lower->out, value, result, call_own_result(lower, &callee, frame));
	}
	finish(lower, future);
	return value;
}

void future_end(struct lower *lower, uint32_t at, const struct variable *future)
{
	text_printf(lower->out,
			"if (weft_branch_is_made(&weft_f->%s)) { weft_f->%s.cancelled = 1; ",
			future->member, future->member);
	future_poll(lower, at, future);
	finish(lower, future);
	text_puts(lower->out, "} ");
}
