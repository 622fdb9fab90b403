/* SPDX-License-Identifier: MIT */
/*
 * compiler/call.c: calls of async functions: awaited, or given to a task.
 */
#include "compiler/call.h"

#include <errno.h>
#include <string.h>

/* For a call through a pointer the prefix is laid out from the pointer's type. It may alias what the
 * function itself calls its arguments. */
const char *call_signature(struct lower *lower, uint32_t at, CXType type)
{
	unsigned serial = ++lower->serial;
	struct text *out = &lower->to->lifted;
	CXType result = clang_getResultType(type);

	text_printf(out, "struct %s__weft_a%u {\n\tstruct weft_frame base;\n",
			lower->function->name, serial);
	if (!type_is_void(result))
		text_printf(out, "\t__typeof__(%s) result;\n",
				type_value_text(lower->tree, lower->function, at, result));
	for (int i = 0; i < clang_getNumArgTypes(type); i++)
		text_printf(out, "\t__typeof__(%s) p%d;\n",
				type_value_text(lower->tree, lower->function, at,
						clang_getArgType(type, (unsigned)i)),
				i);
	text_puts(out, "} __attribute__((may_alias));\n");
	return arena_printf(
			&lower->tree->arena, "struct %s__weft_a%u", lower->function->name, serial);
}

struct callee callee_of(struct lower *lower, struct node *call)
{
	struct node *name = node_strip(call->child[0]);
	struct callee callee = { .type = type_of_function(call->child[0]->type) };

	if (name->kind == NODE_NAME && name->function) {
		callee.function = name->function;
		callee.type = clang_getCanonicalType(name->function->type);
		callee.async = arena_printf(
				&lower->tree->arena, "&%s__async", name->function->name);
		callee.args_struct = arena_printf(
				&lower->tree->arena, "struct %s__args", name->function->name);
		callee.embedded = frames_embeds(lower->tree, lower->function, name->function);
	} else {
		callee.args_struct = call_signature(lower, call->begin, callee.type);
	}
	return callee;
}

const char *callee_pointer(struct lower *lower, struct node *call)
{
	return arena_printf(&lower->tree->arena, "%s(%s)",
			type_is_async_function(node_strip(call->child[0])->type) ? "&" : "",
			lower_expression(lower, call->child[0], false));
}

void callee_keep(struct lower *lower, struct node *call, struct callee *callee)
{
	unsigned serial = ++lower->serial;
	const char *pointer = callee_pointer(lower, call);

	callee->async = arena_printf(&lower->tree->arena, "weft_f->weft_p%u", serial);
	text_printf(&lower->scope->members, "\tconst struct weft_async *weft_p%u;\n", serial);
	text_printf(lower->out, "%s = %s; ", callee->async, pointer);
}

const char **call_arguments(struct lower *lower, struct node *call, struct callee *callee)
{
	const char **texts = arena_zalloc(&lower->tree->arena, (call->count + 1) * sizeof *texts);
	unsigned last = 0;

	if (!callee->async && call->child[0]->has_await) /* in a frame that arguments may share */
		callee_keep(lower, call, callee);
	for (unsigned i = 1; i < call->count; i++)
		if (call->child[i]->has_await)
			last = i;
	for (unsigned i = 1; i < call->count; i++) {
		bool follows = i < last;

		texts[i - 1] = lower_expression(lower, call->child[i], follows);
		if (follows && expression_leaves_effect(lower, call->child[i])) {
			const char *temporary = lower_temporary(
					lower, call->child[i]->begin, call->child[i]->type, true);

			lower_store(lower->out, temporary, call->child[i]->type, texts[i - 1]);
			texts[i - 1] = temporary;
		}
	}
	return texts;
}

/* Whether its arguments can be stored one by one: none of them is read from a child that perhaps shares
 * its memory with this one, and assignment does to each what a call would (not to transparent unions). */
static bool takes_stores(const struct callee *callee, const struct node *call)
{
	for (unsigned i = 1; i < call->count; i++) {
		CXType type = clang_getCanonicalType(clang_getArgType(callee->type, i - 1));

		if (call->child[i]->has_await ||
				(type.kind == CXType_Record &&
						clang_getTypeDeclaration(type).kind !=
								CXCursor_StructDecl))
			return false;
	}
	return true;
}

/* Fills in the arguments of the frame at `frame`, a pointer. In stores rather than by f__init, which
 * without optimization is a function more to compile. */
void call_init(struct lower *lower, const struct callee *callee, const struct node *call,
		const char **arguments, const char *frame)
{
	struct arena *arena = &lower->tree->arena;

	if (callee->function && *frame == '&' && takes_stores(callee, call)) {
		text_printf(lower->out, "%s.base.at = 0; ", frame + 1);
		for (unsigned i = 1; i < call->count; i++)
			lower_store(lower->out, arena_printf(arena, "%s.p%u", frame + 1, i - 1),
					clang_getArgType(callee->type, i - 1), arguments[i - 1]);
		return;
	}
	if (callee->function) {
		text_printf(lower->out, "%s__init(%s", callee->function->name, frame);
		for (unsigned i = 1; i < call->count; i++)
			text_printf(lower->out, ", %s", arguments[i - 1]);
		text_puts(lower->out, "); ");
		return;
	}
	text_printf(lower->out, "{ %s *weft_a = (void *)%s; weft_a->base.at = 0; ",
			callee->args_struct, frame);
	for (unsigned i = 1; i < call->count; i++)
		lower_store(lower->out, arena_printf(arena, "weft_a->p%u", i - 1),
				clang_getArgType(callee->type, i - 1), arguments[i - 1]);
	text_puts(lower->out, "} ");
}

void call_note_embedded(struct lower *lower, const struct function *child)
{
	struct lowered *to = lower->to;

	for (size_t i = 0; i < to->embedded_count; i++)
		if (to->embedded[i] == child)
			return;
	to->embedded = grow(to->embedded, to->embedded_count, &to->embedded_capacity,
			sizeof *to->embedded);
	to->embedded[to->embedded_count++] = child;
}

/* A place to go on at. */
static size_t add_point(struct lower *lower, uint32_t at, const char *member,
		const struct function *child, const char *flags)
{
	struct lowered *to = lower->to;

	to->points = grow(to->points, to->point_count, &to->point_capacity, sizeof *to->points);
	to->points[to->point_count++] =
			(struct point){ source_place(lower->source, at), member, child, flags };
	return to->point_count;
}

void lower_await_point(struct lower *lower, uint32_t at, const char *member,
		const struct function *child, const char *flags, const char *poll)
{
	size_t point;

	if (lower->tree->options->suspend_always) {
		point = add_point(lower, at, "args", NULL, "0");
		text_printf(lower->out,
				"weft_f->args.base.at = %zu; weft_context_yield(weft_cx); "
				"return WEFT_PENDING; weft_%zu: ; ",
				point, point);
	}
	point = add_point(lower, at, member, child, flags);
	text_printf(lower->out,
			"weft_f->args.base.at = %zu; weft_%zu: "
			"if (%s == WEFT_PENDING) return WEFT_PENDING; ",
			point, point, poll);
}

bool call_result_is_int(CXType result)
{
	CXType canonical = clang_getCanonicalType(result);

	return canonical.kind == CXType_Int || canonical.kind == CXType_Long;
}

void call_embed(struct lower *lower, const struct function *child, const char *member)
{
	text_printf(&lower->scope->members, "\tstruct %s__frame %s;\n", child->name, member);
	call_note_embedded(lower, child);
}

struct own_frame call_alloc(struct lower *lower, const struct callee *callee,
		const struct node *call, const char **arguments, const char *member)
{
	struct arena *arena = &lower->tree->arena;
	const char *async = callee->async, *frame = arena_printf(arena, "weft_f->%s", member);

	text_printf(lower->out, "%s = weft_frame_alloc(weft_cx, %s); if (%s) { ", frame, async,
			frame);
	call_init(lower, callee, call, arguments,
			arena_printf(arena, "((%s *)%s)", callee->args_struct, frame));
	if (!call_result_is_int(clang_getResultType(callee->type))) {
		text_printf(lower->out, "} else weft_out_of_memory(%s); ", async);
		return (struct own_frame){ async, frame };
	}
	text_puts(lower->out, "} ");
	return (struct own_frame){
		arena_printf(arena, "(%s ? %s : &weft_no_memory__async)", frame, async),
		arena_printf(arena, "(%s ? %s : (void *)&weft_no_memory_frame)", frame, frame),
	};
}

const char *call_own_result(struct lower *lower, const struct callee *callee, const char *member)
{
	struct arena *arena = &lower->tree->arena;
	const char *result = arena_printf(
			arena, "((%s *)weft_f->%s)->result", callee->args_struct, member);

	return call_result_is_int(clang_getResultType(callee->type))
			? arena_printf(arena, "(weft_f->%s ? %s : %d)", member, result, -ENOMEM)
			: result;
}

const char *call_keep(
		struct lower *lower, uint32_t at, CXType type, const char *value, bool follows)
{
	const char *temporary;

	if (!follows || type_is_void(type))
		return value;
	temporary = lower_temporary(lower, at, type, true);
	lower_store(lower->out, temporary, type, value);
	return temporary;
}

/* In a frame of its own, which the context allocates and frees. */
static const char *await_own(struct lower *lower, struct node *node, struct node *call,
		struct callee *callee, bool follows)
{
	struct arena *arena = &lower->tree->arena;
	CXType result = clang_getResultType(callee->type);
	const char **arguments = call_arguments(lower, call, callee);
	const char *member = arena_printf(arena, "weft_c%u", ++lower->serial), *value = "((void)0)";
	unsigned serial = ++lower->serial;
	size_t point;

	lower_scope_push(lower);
	text_printf(&lower->scope->members, "\tvoid *%s;\n", member);
	lower_scope_pop(lower);
	if (!type_is_void(result))
		value = lower_temporary(lower, node->begin, result, follows);
	text_printf(lower->out,
			"{ const struct weft_async *weft_p%u = %s; weft_f->%s = "
			"weft_frame_enter(weft_cx, weft_p%u); if (!weft_f->%s) ",
			serial, callee->async ? callee->async : callee_pointer(lower, call), member,
			serial, member);
	if (call_result_is_int(result))
		text_printf(lower->out, "%s = %d; else { ", value, -ENOMEM);
	else
		text_printf(lower->out, "weft_out_of_memory(weft_p%u); { ", serial);
	call_init(lower, callee, call, arguments,
			arena_printf(arena, "((%s *)weft_f->%s)", callee->args_struct, member));
	/* when the caller is polled again, the child has ended: the label is behind the descent */
	point = add_point(lower, node->begin, member, callee->function, "WEFT_POINT_OWN");
	text_printf(lower->out,
			"weft_f->args.base.at = %zu; if (weft_frame_descend(weft_cx, weft_f->%s) == "
			"WEFT_PENDING) return WEFT_PENDING;\nweft_%zu: ; ",
			point, member, point);
	if (!type_is_void(result))
		lower_store(lower->out, value, result,
				arena_printf(arena, "((%s *)weft_f->%s)->result",
						callee->args_struct, member));
	text_printf(lower->out, "weft_frame_leave(weft_cx, weft_f->%s); } } ", member);
	return value;
}

/* In a frame that is a member of the caller's. Returns where the result is. */
static const char *await_embedded(struct lower *lower, struct node *node, struct node *call,
		struct callee *callee, const char **arguments)
{
	struct arena *arena = &lower->tree->arena;
	const char *member = arena_printf(arena, "weft_c%u", ++lower->serial);

	lower_scope_push(lower);
	call_embed(lower, callee->function, member);
	lower_scope_pop(lower);
	call_init(lower, callee, call, arguments, arena_printf(arena, "&weft_f->%s.args", member));
	lower_await_point(lower, node->begin, member, callee->function, "0",
			arena_printf(arena, "%s__poll(&weft_f->%s, weft_cx)",
					callee->function->name, member));
	return arena_printf(arena, "weft_f->%s.args.result", member);
}

/* `head`, the arguments, and a parenthesis. */
static const char *call_inline(struct lower *lower, const char *head, const char *comma,
		const struct node *call, const char **arguments)
{
	struct text text = { NULL, 0, 0 };
	const char *copy;

	text_puts(&text, head);
	for (unsigned i = 1; i < call->count; i++)
		text_printf(&text, "%s%s", i == 1 ? comma : ", ", arguments[i - 1]);
	copy = arena_printf(&lower->tree->arena, "%s)", text.at);
	text_free(&text);
	return copy;
}

const char *call_now(struct lower *lower, const struct callee *callee, const struct node *call,
		const char **arguments, const char *result)
{
	for (unsigned i = 1; i < call->count; i++) {
		CXType type = clang_getArgType(callee->type, i - 1);
		const char *temporary = lower_temporary(lower, call->begin, type, false);

		lower_store(lower->out, temporary, type, arguments[i - 1]);
		arguments[i - 1] = temporary;
	}
	return call_inline(lower,
			arena_printf(&lower->tree->arena, "%s__now(weft_cx, &%s",
					callee->function->name, result),
			", ", call, arguments);
}

const char *call_waits(struct lower *lower, const struct callee *callee, const struct node *call,
		const char **arguments)
{
	return call_inline(lower,
			arena_printf(&lower->tree->arena, "%s__waits(", callee->function->name), "",
			call, arguments);
}

bool call_has_now(const struct lower *lower, const struct callee *callee)
{
	return callee->embedded && callee->function->has_now &&
			!lower->tree->options->suspend_always;
}

/* What ends without a frame, if it does, comes first. */
static const char *await_now(struct lower *lower, struct node *node, struct node *call,
		struct callee *callee, const char **arguments, bool follows)
{
	CXType result = clang_getResultType(callee->type);
	const char *value = lower_temporary(lower, node->begin, result, follows);

	text_printf(lower->out, "if (!%s) { ", call_now(lower, callee, call, arguments, value));
	lower_store(lower->out, value, result,
			await_embedded(lower, node, call, callee, arguments));
	text_puts(lower->out, "} ");
	return value;
}

const char *call_await(struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct callee callee = callee_of(lower, call);
	CXType result = clang_getResultType(callee.type);
	const char **arguments, *value;

	if (!callee.embedded)
		return await_own(lower, node, call, &callee, follows);
	arguments = call_arguments(lower, call, &callee);
	if (call_has_now(lower, &callee))
		return await_now(lower, node, call, &callee, arguments, follows);
	value = await_embedded(lower, node, call, &callee, arguments);
	return type_is_void(result) ? "((void)0)"
				    : call_keep(lower, node->begin, result, value, follows);
}

/* ---- spawning: needs no await ---- */

static const char *spawn(
		struct lower *lower, struct node *spawned, const char *head, const char *tail)
{
	struct arena *arena = &lower->tree->arena;
	struct text text = { NULL, 0, 0 }, *out = lower->out;
	struct callee callee;
	const char **arguments, *copy;

	callee = callee_of(lower, spawned);
	arguments = call_arguments(lower, spawned, &callee);
	if (!callee.async)
		callee.async = callee_pointer(lower, spawned);
	lower->out = &text;
	text_printf(&text, "__extension__ ({ %s weft_args; ", callee.args_struct);
	call_init(lower, &callee, spawned, arguments, "&weft_args");
	text_printf(&text, "const struct weft_async *weft_p = %s; %sweft_p, &weft_args%s; })",
			callee.async, head, tail);
	lower->out = out;
	copy = arena_printf(arena, "(%s)", text.at);
	text_free(&text);
	return copy;
}

const char *call_spawn(struct lower *lower, const struct branch *branch, const char *head,
		const char *tail)
{
	if (branch->lvalue)
		diagnose_error(lower->tree, branch->lvalue->begin, "W005",
				"what a task gives goes to who joins it, and is assigned to nothing here: "
				"spawn the call alone");
	else if (branch->call->kind != NODE_CALL || !branch->call->is_async)
		diagnose_error(lower->tree, branch->call->begin, "W005",
				"what is spawned is a call of an async function");
	else
		return spawn(lower, branch->call, head, tail);
	return "0";
}

const char *call_push(struct lower *lower, const struct branch *branch, const char *set,
		const char *target)
{
	struct arena *arena = &lower->tree->arena;

	if (branch->call->kind == NODE_CALL && branch->call->is_async)
		return spawn(lower, branch->call, arena_printf(arena, "weft_set_put(%s, ", set),
				arena_printf(arena, ", %s)", target));
	diagnose_error(lower->tree, branch->call->begin, "W005",
			"what is put into a set is a call of an async function, or an assignment of one");
	return "0";
}

const char *call_run(struct lower *lower, struct node *node, struct node *call)
{
	struct arena *arena = &lower->tree->arena;
	CXType result;

	if (call->kind != NODE_CALL || !call->is_async) {
		diagnose_error(lower->tree, call->begin, "W005",
				"weft_run takes a call of an async function");
		return "0";
	}
	if (lower->function->is_async)
		diagnose_error(lower->tree, node->begin, "W009",
				"weft_run in an async function would block its worker: use await");
	result = clang_getResultType(type_of_function(call->child[0]->type));
	if (type_is_void(result))
		return spawn(lower, call, "int weft_e = weft_run_async(",
				", (void *)0); if (weft_e < 0) weft_run_failed(weft_e, weft_p)");
	return spawn(lower, call,
			arena_printf(arena, "__typeof__(%s) weft_r; int weft_e = weft_run_async(",
					type_value_text(lower->tree, lower->function, call->begin,
							result)),
			", &weft_r); if (weft_e < 0) weft_run_failed(weft_e, weft_p); weft_r");
}
