/* SPDX-License-Identifier: MIT */
/*
 * compiler/expression.c: expressions with awaits in them.
 *
 * lower_expression() emits the statements that have to run before, awaits among them, and returns the
 * text of an expression without await that has the value. The text is the user's, with what was awaited
 * replaced by where the result is.
 *
 * Order       Left to right. An operand with an effect that stands to the left of an await is evaluated
 *             into a temporary before it; what only reads is read after the last await. For `=` and `op=`
 *             the right side's awaits come first. `&&`, `||`, `?:` and `,` become statements if an await
 *             depends on them.
 * Results     stay in the child's frame, and the next child overwrites them: so a value that another await
 *             follows is copied into a temporary.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/lower.h"

/* ---- text ---- */

const char *lower_render(struct lower *lower, uint32_t begin, uint32_t end)
{
	struct text text = { NULL, 0, 0 };
	const char *copy;

	edits_render(&lower->edits, lower->source, begin, end, &text);
	copy = arena_copy(&lower->tree->arena, text.at ? text.at : "", text.size);
	text_free(&text);
	return copy;
}

static const char *say(struct lower *lower, const char *format, const char *argument)
{
	struct text text = { NULL, 0, 0 };
	const char *copy;

	for (; *format; format++)
		if (*format == '@')
			text_puts(&text, argument);
		else
			text_add(&text, format, 1);
	copy = arena_copy(&lower->tree->arena, text.at ? text.at : "", text.size);
	text_free(&text);
	return copy;
}

static bool is_void(CXType type)
{
	return clang_getCanonicalType(type).kind == CXType_Void;
}

const char *lower_temporary(struct lower *lower, uint32_t at, CXType type, bool in_frame)
{
	const char *text = type_value_text(lower->tree, lower->function, at, type);
	unsigned serial = ++lower->serial;

	if (in_frame && lower->function->is_async) {
		text_printf(&lower->scope->members, "\t__typeof__(%s) weft_t%u;\n", text, serial);
		return arena_printf(&lower->tree->arena, "weft_f->weft_t%u", serial);
	}
	text_printf(lower->out, "__typeof__(%s) weft_t%u; ", text, serial);
	return arena_printf(&lower->tree->arena, "weft_t%u", serial);
}

/* ---- arguments of built-ins ---- */

/* x in ((void)(x), 0) */
static struct node *branch_operand(struct tree *tree, struct node *argument)
{
	struct node *comma = node_strip(argument), *cast;

	if (!argument || argument->kind != NODE_PAREN || comma->kind != NODE_BINARY ||
			comma->count != 2 ||
			!source_token_is(tree->source,
					source_token(tree->source, comma->child[0]->end), ","))
		return NULL;
	cast = comma->child[0];
	if (cast->count == 0 || !is_void(cast->type))
		return NULL;
	return node_strip(cast->child[cast->count - 1]);
}

struct node *marked_call(struct tree *tree, struct node *node, const char *mark)
{
	struct node *comma = node_strip(node), *marker;

	(void)tree;
	if (!comma || comma->kind != NODE_BINARY || comma->count != 2)
		return NULL;
	marker = comma->child[0];
	if (marker->count == 0)
		return NULL;
	marker = node_strip(marker->child[marker->count - 1]);
	if (strcmp(call_name(marker), mark) != 0)
		return NULL;
	return node_strip(comma->child[1]);
}

bool branch_parse(struct tree *tree, struct node *argument, struct branch *branch)
{
	struct node *inner;

	memset(branch, 0, sizeof *branch);
	branch->call = branch_operand(tree, argument);
	if (!branch->call)
		return false;
	if (strcmp(call_name(branch->call), "weft_when_") == 0 && branch->call->count == 3) {
		branch->condition = branch->call->child[1];
		branch->call = branch_operand(tree, branch->call->child[2]);
		if (!branch->call)
			return false;
	}
	if (branch->call->kind == NODE_ASSIGN) {
		branch->lvalue = node_strip(branch->call->child[0]);
		branch->call = node_strip(branch->call->child[1]);
	}
	inner = marked_call(tree, branch->call, "weft_blocking_");
	if (inner) {
		branch->is_blocking = true;
		branch->call = inner;
	}
	return true;
}

/* ---- calls ---- */

/* A callee: where its frame goes, and what is filled in. */
struct callee {
	const struct function *function; /* NULL: called through a pointer */
	CXType type;                     /* of the function */
	const char *async;               /* an expression: const struct weft_async * */
	const char *args_struct;         /* "struct f__args" */
	bool embedded;
};

/* For a call through a pointer the prefix is laid out from the pointer's type. It may alias what the
 * function itself calls its arguments. */
static const char *signature(struct lower *lower, uint32_t at, CXType type)
{
	unsigned serial = ++lower->serial;
	struct text *out = &lower->to->lifted;
	CXType result = clang_getResultType(type);

	text_printf(out, "struct %s__weft_a%u {\n\tstruct weft_frame base;\n",
			lower->function->name, serial);
	if (!is_void(result))
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

static CXType function_type(CXType type)
{
	type = clang_getCanonicalType(type);
	return type.kind == CXType_Pointer ? clang_getCanonicalType(clang_getPointeeType(type))
					   : type;
}

static struct callee callee_of(struct lower *lower, struct node *call)
{
	struct node *name = node_strip(call->child[0]);
	struct callee callee = { .type = function_type(call->child[0]->type) };

	if (name->kind == NODE_NAME && name->function) {
		callee.function = name->function;
		callee.type = clang_getCanonicalType(name->function->type);
		callee.async = arena_printf(
				&lower->tree->arena, "&%s__async", name->function->name);
		callee.args_struct = arena_printf(
				&lower->tree->arena, "struct %s__args", name->function->name);
		callee.embedded = frames_embeds(lower->tree, lower->function, name->function);
	} else {
		callee.args_struct = signature(lower, call->begin, callee.type);
	}
	return callee;
}

/* The texts of a call's arguments, awaits in them done. */
static const char **lower_arguments(struct lower *lower, struct node *call)
{
	const char **texts = arena_zalloc(&lower->tree->arena, (call->count + 1) * sizeof *texts);
	unsigned last = 0;

	for (unsigned i = 1; i < call->count; i++)
		if (call->child[i]->has_await)
			last = i;
	for (unsigned i = 1; i < call->count; i++) {
		bool follows = i < last;

		texts[i - 1] = lower_expression(lower, call->child[i], follows);
		if (follows && call->child[i]->has_effect && !call->child[i]->has_await) {
			const char *temporary = lower_temporary(
					lower, call->child[i]->begin, call->child[i]->type, true);

			text_printf(lower->out, "%s = %s; ", temporary, texts[i - 1]);
			texts[i - 1] = temporary;
		}
	}
	return texts;
}

/* Fills in the arguments of the frame at `frame`, a pointer. */
static void emit_init(struct lower *lower, const struct callee *callee, const struct node *call,
		const char **arguments, const char *frame)
{
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
		text_printf(lower->out, "weft_a->p%u = %s; ", i - 1, arguments[i - 1]);
	text_puts(lower->out, "} ");
}

static void note_embedded(struct lower *lower, const struct function *child)
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
static size_t add_point(struct lower *lower, uint32_t at, const char *member, const struct function *child,
		const char *flags)
{
	struct lowered *to = lower->to;

	to->points = grow(to->points, to->point_count, &to->point_capacity, sizeof *to->points);
	to->points[to->point_count++] = (struct point){ source_place(lower->source, at).line, member, child,
		flags };
	return to->point_count;
}

void lower_await_point(struct lower *lower, uint32_t at, const char *member,
		const struct function *child, const char *flags, const char *poll)
{
	size_t point;

	/* a frame of its own is on the strand by now: the caller cannot be resumed before it */
	if (lower->tree->options->suspend_always && strcmp(flags, "WEFT_POINT_OWN") != 0) {
		point = add_point(lower, at, "args", NULL, "0");
		text_printf(lower->out,
				"weft_f->args.base.at = %zu; weft_context_yield(weft_cx); "
				"return WEFT_PENDING;\nweft_%zu: ; ",
				point, point);
	}
	point = add_point(lower, at, member, child, flags);
	text_printf(lower->out,
			"weft_f->args.base.at = %zu;\nweft_%zu: if (%s == WEFT_PENDING) return WEFT_PENDING; ",
			point, point, poll);
}

static bool result_is_int(CXType result)
{
	CXType canonical = clang_getCanonicalType(result);

	return canonical.kind == CXType_Int || canonical.kind == CXType_Long;
}

/* An embedded child: `member` of the frame. */
static void member_of(struct lower *lower, const struct callee *callee, const char *member)
{
	text_printf(&lower->scope->members, "\tstruct %s__frame %s;\n", callee->function->name,
			member);
	note_embedded(lower, callee->function);
}

static const char *await_call(
		struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct arena *arena = &lower->tree->arena;
	struct callee callee = callee_of(lower, call);
	CXType result = clang_getResultType(callee.type);
	const char **arguments = lower_arguments(lower, call);
	const char *member = arena_printf(arena, "weft_c%u", ++lower->serial), *value = "((void)0)";
	const char *temporary;

	if (callee.embedded) {
		lower_scope_push(lower, true);
		member_of(lower, &callee, member);
		lower_scope_pop(lower);
		emit_init(lower, &callee, call, arguments,
				arena_printf(arena, "&weft_f->%s.args", member));
		lower_await_point(lower, node->begin, member, callee.function, "0",
				arena_printf(arena, "%s__poll(&weft_f->%s, weft_cx)",
						callee.function->name, member));
		if (is_void(result))
			return value;
		value = arena_printf(arena, "weft_f->%s.args.result", member);
		if (!follows)
			return value;
		temporary = lower_temporary(lower, node->begin, result, true);
		text_printf(lower->out, "%s = %s; ", temporary, value);
		return temporary;
	}
	if (!callee.async) {
		const char *callee_text = lower_expression(lower, call->child[0], false);

		callee.async = arena_printf(arena, "%s(%s)",
				type_is_async_function(node_strip(call->child[0])->type) ? "&" : "",
				callee_text);
	}
	lower_scope_push(lower, true);
	text_printf(&lower->scope->members, "\tvoid *%s;\n", member);
	lower_scope_pop(lower);
	if (!is_void(result))
		value = lower_temporary(lower, node->begin, result, follows);
	if (!callee.function) { /* the callee is evaluated once */
		unsigned serial = ++lower->serial;

		text_printf(lower->out,
				"{ const struct weft_async *weft_p%u = %s; weft_f->%s = "
				"weft_frame_enter(weft_cx, weft_p%u); ",
				serial, callee.async, member, serial);
		callee.async = arena_printf(arena, "weft_p%u", serial);
	} else {
		text_printf(lower->out, "{ weft_f->%s = weft_frame_enter(weft_cx, %s); ", member,
				callee.async);
	}
	text_printf(lower->out, "if (!weft_f->%s) ", member);
	if (!is_void(result) && result_is_int(result))
		text_printf(lower->out, "%s = %d; else { ", value, -ENOMEM);
	else
		text_printf(lower->out, "weft_out_of_memory(%s); { ", callee.async);
	emit_init(lower, &callee, call, arguments,
			arena_printf(arena, "((%s *)weft_f->%s)", callee.args_struct, member));
	lower_await_point(lower, node->begin, member, callee.function, "WEFT_POINT_OWN",
			arena_printf(arena, "weft_frame_descend(weft_cx, weft_f->%s)", member));
	/* when the caller is polled again, the child has ended: the label is behind the descent */
	{
		struct text *out = lower->out;
		char *label = NULL, *descend;
		struct text moved = { NULL, 0, 0 };
		const char *name = arena_printf(arena, "\nweft_%zu: ", lower->to->point_count);

		for (char *p = out->at; (p = strstr(p, name)); p++)
			label = p;
		descend = label + strlen(name);
		text_puts(&moved, descend);
		out->size = (size_t)(label - out->at);
		text_printf(out, " %s%s", moved.at, name);
		text_free(&moved);
	}
	if (!is_void(result))
		text_printf(lower->out, "%s = ((%s *)weft_f->%s)->result; ", value,
				callee.args_struct, member);
	text_printf(lower->out, "weft_frame_leave(weft_cx, weft_f->%s); } } ", member);
	return value;
}

/* ---- branches ---- */

struct started {
	struct branch branch;
	struct callee callee;
	const char **arguments;
	const char *member; /* of the child's frame, or of a pointer to it */
	const char *target; /* what the result is assigned to; NULL: nobody wants it */
};

/* Where a branch's result goes: the address is taken now, unless the variable has a name. */
static const char *branch_target(struct lower *lower, struct node *lvalue)
{
	unsigned serial = ++lower->serial;
	const char *text = lower_expression(lower, lvalue, false);

	if (lvalue->kind == NODE_NAME)
		return text;
	text_printf(&lower->scope->members, "\tvoid *weft_l%u;\n", serial);
	text_printf(lower->out, "weft_f->weft_l%u = (void *)&(%s); ", serial, text);
	return arena_printf(
			&lower->tree->arena, "*(__typeof__(%s) *)weft_f->weft_l%u", text, serial);
}

static bool start_branch(struct lower *lower, struct node *argument, struct started *started)
{
	struct tree *tree = lower->tree;

	memset(started, 0, sizeof *started);
	if (!branch_parse(tree, argument, &started->branch) || started->branch.is_blocking ||
			started->branch.call->kind != NODE_CALL ||
			!started->branch.call->is_default) {
		struct node *operand = branch_operand(tree, argument);

		diagnose_error(tree, operand ? operand->begin : argument->begin, "W005",
				"a branch is a call of an async function, or an assignment of one");
		return false;
	}
	if (started->branch.call->has_await) {
		diagnose_error(tree, started->branch.call->begin, "W006",
				"await inside a branch: await it before, in a variable of its own");
		return false;
	}
	started->callee = callee_of(lower, started->branch.call);
	started->member = arena_printf(&tree->arena, "weft_c%u", ++lower->serial);
	return true;
}

/* The frame of a branch, filled in; leaves a pointer to it. */
static const char *enter_branch(struct lower *lower, struct started *started)
{
	struct arena *arena = &lower->tree->arena;
	struct callee *callee = &started->callee;
	struct node *call = started->branch.call;

	started->arguments = lower_arguments(lower, call);
	if (started->branch.lvalue)
		started->target = branch_target(lower, started->branch.lvalue);
	if (callee->embedded) {
		member_of(lower, callee, started->member);
		emit_init(lower, callee, call, started->arguments,
				arena_printf(arena, "&weft_f->%s.args", started->member));
		return arena_printf(arena, "&weft_f->%s", started->member);
	}
	if (!callee->async) {
		const char *text = lower_expression(lower, call->child[0], false);
		unsigned serial = ++lower->serial;

		text_printf(&lower->scope->members, "\tconst struct weft_async *weft_p%u;\n",
				serial);
		text_printf(lower->out, "weft_f->weft_p%u = %s(%s); ", serial,
				type_is_async_function(node_strip(call->child[0])->type) ? "&" : "",
				text);
		callee->async = arena_printf(arena, "weft_f->weft_p%u", serial);
	}
	text_printf(&lower->scope->members, "\tvoid *%s;\n", started->member);
	text_printf(lower->out,
			"weft_f->%s = weft_frame_alloc(weft_cx, %s); "
			"if (!weft_f->%s) weft_out_of_memory(%s); ",
			started->member, callee->async, started->member, callee->async);
	emit_init(lower, callee, call, started->arguments,
			arena_printf(arena, "((%s *)weft_f->%s)", callee->args_struct,
					started->member));
	return arena_printf(arena, "weft_f->%s", started->member);
}

/* The result goes where it is wanted; a frame of its own is given back. */
static void leave_branch(struct lower *lower, const struct started *started, const char *condition)
{
	const struct callee *callee = &started->callee;

	if (started->target && !is_void(clang_getResultType(callee->type))) {
		if (condition)
			text_printf(lower->out, "if (%s) ", condition);
		if (callee->embedded)
			text_printf(lower->out, "%s = weft_f->%s.args.result; ", started->target,
					started->member);
		else
			text_printf(lower->out, "%s = ((%s *)weft_f->%s)->result; ",
					started->target, callee->args_struct, started->member);
	}
	if (!callee->embedded)
		text_printf(lower->out, "%sweft_frame_free(weft_cx, weft_f->%s); ",
				condition ? arena_printf(&lower->tree->arena, "if (%s) ", condition)
					  : "",
				started->member);
}

/* join, try_join, select */
static const char *await_branches(
		struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct arena *arena = &lower->tree->arena;
	const char *name = call_name(call), *value = "((void)0)", *temporary, *poll;
	unsigned count = call->count - 1, serial = ++lower->serial;
	struct started *started = arena_zalloc(arena, (count + 1) * sizeof *started);
	const char **conditions = arena_zalloc(arena, (count + 1) * sizeof *conditions);
	bool selects = strncmp(name, "weft_select", 11) == 0;

	lower_scope_push(lower, true);
	text_printf(&lower->scope->members, "\tstruct weft_branch weft_b%u[%u];\n", serial, count);
	for (unsigned i = 0; i < count; i++) {
		const char *frame;

		if (!start_branch(lower, call->child[i + 1], &started[i]))
			continue;
		if (started[i].branch.condition) {
			unsigned when = ++lower->serial;

			if (!selects)
				diagnose_error(lower->tree, started[i].branch.condition->begin,
						"W007",
						"weft_when is for the branches of a select");
			text_printf(&lower->scope->members, "\t_Bool weft_w%u;\n", when);
			conditions[i] = arena_printf(arena, "weft_f->weft_w%u", when);
			text_printf(lower->out, "%s = %s; if (%s) { ", conditions[i],
					lower_expression(lower, started[i].branch.condition, false),
					conditions[i]);
		}
		frame = enter_branch(lower, &started[i]);
		text_printf(lower->out, "weft_f->weft_b%u[%u] = weft_branch_make(%s, %s); ", serial,
				i, started[i].callee.async, frame);
		if (conditions[i])
			text_printf(lower->out,
					"} else weft_branch_disable(&weft_f->weft_b%u[%u]); ",
					serial, i);
	}
	if (selects) {
		text_printf(&lower->scope->members, "\tstruct weft_selection weft_s%u;\n", serial);
		text_printf(lower->out,
				"weft_f->weft_s%u = (struct weft_selection){ .biased = %d }; ",
				serial, strcmp(name, "weft_select_biased_") == 0);
		poll = arena_printf(arena,
				"weft_select_poll(weft_f->weft_b%u, %u, weft_cx, &weft_f->weft_s%u)",
				serial, count, serial);
		value = arena_printf(arena, "weft_f->weft_s%u.winner", serial);
	} else if (strcmp(name, "weft_try_join_") == 0) {
		text_printf(&lower->scope->members, "\tint weft_e%u;\n", serial);
		text_printf(lower->out, "weft_f->weft_e%u = 0; ", serial);
		poll = arena_printf(arena,
				"weft_try_join_poll(weft_f->weft_b%u, %u, weft_cx, &weft_f->weft_e%u)",
				serial, count, serial);
		value = arena_printf(arena, "weft_f->weft_e%u", serial);
	} else {
		poll = arena_printf(arena, "weft_join_poll(weft_f->weft_b%u, %u, weft_cx)", serial,
				count);
	}
	lower_await_point(lower, node->begin, arena_printf(arena, "weft_b%u", serial), NULL,
			"WEFT_POINT_BRANCH", poll);
	for (unsigned i = 0; i < count; i++)
		if (started[i].branch.call)
			leave_branch(lower, &started[i], conditions[i]);
	lower_scope_pop(lower);
	if (!follows || strcmp(name, "weft_join_") == 0)
		return value;
	temporary = lower_temporary(lower, node->begin, node->type, true);
	text_printf(lower->out, "%s = %s; ", temporary, value);
	return temporary;
}

/* timeout, deadline, shield */
static const char *await_timed(
		struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct arena *arena = &lower->tree->arena;
	const char *name = call_name(call), *value, *temporary, *limit, *frame;
	size_t size = strlen(name) - 1; /* without the underscore */
	struct function *timer = tree_find(lower->tree, name, size);
	unsigned serial = ++lower->serial;
	struct started started;

	if (!timer || call->count != 3) {
		diagnose_error(lower->tree, node->begin, "W040", "#include <weft/time.h> for this");
		return "0";
	}
	limit = lower_expression(lower, call->child[1], false);
	lower_scope_push(lower, true);
	text_printf(&lower->scope->members, "\tstruct %s__frame weft_d%u;\n", timer->name, serial);
	note_embedded(lower, timer);
	if (!start_branch(lower, call->child[2], &started)) {
		lower_scope_pop(lower);
		return "0";
	}
	frame = enter_branch(lower, &started);
	text_printf(lower->out, "%s__init(&weft_f->weft_d%u.args, %s, %s, %s); ", timer->name,
			serial, limit, started.callee.async, frame);
	lower_await_point(lower, node->begin, arena_printf(arena, "weft_d%u", serial), timer, "0",
			arena_printf(arena, "%s__poll(&weft_f->weft_d%u, weft_cx)", timer->name,
					serial));
	leave_branch(lower, &started, NULL);
	lower_scope_pop(lower);
	value = arena_printf(arena,
			started.branch.lvalue ? "(weft_f->weft_d%u.args.result == -62 ? -62 : 0)"
					      : "((int)weft_f->weft_d%u.args.result)",
			serial);
	if (!follows)
		return value;
	temporary = lower_temporary(lower, node->begin, node->type, true);
	text_printf(lower->out, "%s = %s; ", temporary, value);
	return temporary;
}

/* A plain call on the blocking pool: its arguments and its result travel in a struct of the frame. */
static const char *await_blocking(
		struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct arena *arena = &lower->tree->arena;
	struct tree *tree = lower->tree;
	unsigned serial = ++lower->serial;
	const char *job, **arguments, *value = "((void)0)", *temporary;
	struct text *out = &lower->to->lifted;
	struct node *name;
	CXType type, result;
	bool direct;

	if (call->kind != NODE_CALL || call->is_default) {
		diagnose_error(tree, call->begin, "W008",
				"weft_blocking takes a call of a plain function");
		return "0";
	}
	name = node_strip(call->child[0]);
	type = function_type(call->child[0]->type);
	result = clang_getResultType(type);
	direct = name->kind == NODE_NAME && !name->variable;
	job = arena_printf(arena, "%s__weft_j%u", lower->function->name, serial);
	text_printf(out, "struct %s {\n", job);
	if (!is_void(result))
		text_printf(out, "\t__typeof__(%s) result;\n",
				type_value_text(tree, lower->function, call->begin, result));
	if (!direct)
		text_printf(out, "\t__typeof__(%s) function;\n",
				type_value_text(tree, lower->function, call->begin,
						call->child[0]->type));
	for (unsigned i = 1; i < call->count; i++) {
		bool fixed = (int)i <= clang_getNumArgTypes(type);

		text_printf(out, "\t__typeof__(%s) p%u;\n",
				type_value_text(tree, lower->function, call->child[i]->begin,
						fixed ? clang_getArgType(type, i - 1)
						      : call->child[i]->type),
				i);
	}
	text_printf(out,
			"};\nstatic void %s__run(void *weft_j)\n{\n\tstruct %s *weft_job = weft_j;\n\n\t%s%s(",
			job, job, is_void(result) ? "" : "weft_job->result = ",
			direct ? name->name : "weft_job->function");
	for (unsigned i = 1; i < call->count; i++)
		text_printf(out, "%sweft_job->p%u", i > 1 ? ", " : "", i);
	text_puts(out, ");\n}\n");
	arguments = lower_arguments(lower, call);
	lower_scope_push(lower, true);
	text_printf(&lower->scope->members,
			"\tstruct %s weft_j%u;\n\tstruct weft_blocking__frame weft_d%u;\n", job,
			serial, serial);
	lower_scope_pop(lower);
	if (!is_void(result))
		text_printf(lower->out,
				"__builtin_memset(&weft_f->weft_j%u.result, 0, sizeof "
				"weft_f->weft_j%u.result); ",
				serial, serial);
	if (!direct)
		text_printf(lower->out, "weft_f->weft_j%u.function = %s; ", serial,
				lower_expression(lower, call->child[0], false));
	for (unsigned i = 1; i < call->count; i++)
		text_printf(lower->out, "weft_f->weft_j%u.p%u = %s; ", serial, i, arguments[i - 1]);
	text_printf(lower->out,
			"weft_blocking__init(&weft_f->weft_d%u.args, %s__run, &weft_f->weft_j%u); ",
			serial, job, serial);
	lower_await_point(lower, node->begin, arena_printf(arena, "weft_d%u", serial),
			tree_find(tree, "weft_blocking", 13), "0",
			arena_printf(arena, "weft_blocking__poll(&weft_f->weft_d%u, weft_cx)",
					serial));
	if (is_void(result))
		return value;
	value = arena_printf(arena, "weft_f->weft_j%u.result", serial);
	if (result_is_int(result))
		value = arena_printf(arena,
				"(weft_f->weft_d%u.args.result < 0 ? weft_f->weft_d%u.args.result : %s)",
				serial, serial, value);
	if (!follows)
		return value;
	temporary = lower_temporary(lower, node->begin, result, true);
	text_printf(lower->out, "%s = %s; ", temporary, value);
	return temporary;
}

static bool starts_with(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

static const char *lower_await(struct lower *lower, struct node *node, bool follows)
{
	struct node *call = node_strip(node->child[0]), *inner;
	const char *name = call_name(call);

	if (!lower->function->is_async) {
		diagnose_error(lower->tree, node->begin, "W003",
				"await in `%s`, which is not async: declare it async, or use weft_run(call)",
				lower->function->name);
		return "0";
	}
	if ((inner = marked_call(lower->tree, node->child[0], "weft_blocking_")))
		return await_blocking(lower, node, inner, follows);
	if (starts_with(name, "weft_join_") || starts_with(name, "weft_try_join_") ||
			starts_with(name, "weft_select_"))
		return await_branches(lower, node, call, follows);
	if (strcmp(name, "weft_timeout_") == 0 || strcmp(name, "weft_deadline_") == 0 ||
			strcmp(name, "weft_shield_") == 0)
		return await_timed(lower, node, call, follows);
	if (call->kind != NODE_CALL || !call->is_default) {
		if (*name)
			diagnose_error(lower->tree, node->begin, "W002",
					"`%s` is not async: call it without await", name);
		else
			diagnose_error(lower->tree, node->begin, "W002",
					"await stands before a call of an async function");
		return "0";
	}
	return await_call(lower, node, call, follows);
}

/* ---- spawning: needs no await ---- */

static const char *spawn(struct lower *lower, struct node *call, const char *head, const char *tail,
		struct node *spawned)
{
	struct arena *arena = &lower->tree->arena;
	struct text text = { NULL, 0, 0 }, *out = lower->out;
	struct callee callee;
	const char **arguments, *copy;

	if (!spawned || spawned->kind != NODE_CALL || !spawned->is_default) {
		diagnose_error(lower->tree, spawned ? spawned->begin : call->begin, "W005",
				"what is spawned is a call of an async function");
		return "0";
	}
	callee = callee_of(lower, spawned);
	arguments = lower_arguments(lower, spawned);
	if (!callee.async)
		callee.async = arena_printf(arena, "%s(%s)",
				type_is_async_function(node_strip(spawned->child[0])->type) ? "&"
											    : "",
				lower_expression(lower, spawned->child[0], false));
	lower->out = &text;
	text_printf(&text, "__extension__ ({ %s weft_args; ", callee.args_struct);
	emit_init(lower, &callee, spawned, arguments, "&weft_args");
	text_printf(&text, "%s%s, &weft_args%s; })", head, callee.async, tail);
	lower->out = out;
	copy = arena_printf(arena, "(%s)", text.at);
	text_free(&text);
	return copy;
}

static const char *lower_run(struct lower *lower, struct node *node, struct node *call)
{
	struct arena *arena = &lower->tree->arena;
	CXType result;

	(void)node;
	if (call->kind != NODE_CALL || !call->is_default) {
		diagnose_error(lower->tree, call->begin, "W005",
				"weft_run takes a call of an async function");
		return "0";
	}
	if (lower->function->is_async)
		diagnose_error(lower->tree, node->begin, "W009",
				"weft_run in an async function would block its worker: use await");
	result = clang_getResultType(function_type(call->child[0]->type));
	if (is_void(result))
		return spawn(lower, call, "int weft_e = weft_run_async(",
				", (void *)0); if (weft_e < 0) weft_run_failed(weft_e)", call);
	return spawn(lower, call,
			arena_printf(arena, "__typeof__(%s) weft_r; int weft_e = weft_run_async(",
					type_value_text(lower->tree, lower->function, call->begin,
							result)),
			", &weft_r); if (weft_e < 0) weft_run_failed(weft_e); weft_r", call);
}

/* A built-in that needs no await, or NULL. */
static const char *lower_builtin(struct lower *lower, struct node *node)
{
	const char *name = call_name(node);
	struct branch branch;
	struct node *inner = marked_call(lower->tree, node, "weft_run_");

	if (inner && node->kind == NODE_PAREN)
		return lower_run(lower, node, inner);
	if (node->kind != NODE_CALL || !starts_with(name, "weft_"))
		return NULL;
	if (strcmp(name, "weft_cancelled_here_") == 0)
		return "weft_context_cancelled(weft_cx)";
	if (strcmp(name, "weft_now_here_") == 0)
		return "weft_now(weft_cx)";
	if (strcmp(name, "weft_spawn_in_") == 0 &&
			branch_parse(lower->tree, node->child[2], &branch))
		return spawn(lower, node,
				arena_printf(&lower->tree->arena, "weft_scope_spawn(%s, ",
						lower_expression(lower, node->child[1], false)),
				")", branch.call);
	if (node->count < 2 || !branch_parse(lower->tree, node->child[1], &branch))
		return NULL;
	if (strcmp(name, "weft_spawn_") == 0)
		return spawn(lower, node, "weft_task_spawn((void *)0, ", ")", branch.call);
	if (strcmp(name, "weft_spawn_local_") == 0)
		return spawn(lower, node, "weft_task_spawn_local(", ")", branch.call);
	if (strcmp(name, "weft_spawn_detached_") == 0)
		return spawn(lower, node, "weft_task_spawn_detached((void *)0, ", ")", branch.call);
	if (strcmp(name, "weft_join_") == 0 || strcmp(name, "weft_try_join_") == 0 ||
			starts_with(name, "weft_select") || strcmp(name, "weft_timeout_") == 0 ||
			strcmp(name, "weft_deadline_") == 0 || strcmp(name, "weft_shield_") == 0) {
		diagnose_error(lower->tree, node->begin, "W001",
				"this does nothing until it is awaited: write `await` before it");
		return "0";
	}
	return NULL;
}

/* ---- expressions ---- */

static bool is_operator(struct lower *lower, const struct node *node, const char *operator)
{
	return node->kind == NODE_BINARY && node->count == 2 &&
			source_token_is(lower->source,
					source_token(lower->source, node->child[0]->end), operator);
}

/* The node's own text with its children's replaced. */
static const char *compose(struct lower *lower, struct node *node, const char **values)
{
	struct text text = { NULL, 0, 0 };
	uint32_t at = node->begin;
	const char *copy;

	for (;;) { /* in the order of the text */
		struct node *next = NULL;
		const char *value = NULL;

		for (unsigned i = 0; i < node->count; i++)
			if (node->child[i] && values[i] && node->child[i]->begin >= at &&
					(!next || node->child[i]->begin < next->begin)) {
				next = node->child[i];
				value = values[i];
			}
		if (!next)
			break;
		edits_render(&lower->edits, lower->source, at, next->begin, &text);
		text_puts(&text, value);
		at = next->end;
	}
	edits_render(&lower->edits, lower->source, at, node->end, &text);
	copy = arena_copy(&lower->tree->arena, text.at ? text.at : "", text.size);
	text_free(&text);
	return copy;
}

/* Operands from left to right (an assignment: right before left), then the operation. */
static const char *lower_operands(struct lower *lower, struct node *node, bool follows)
{
	const char **values = arena_zalloc(&lower->tree->arena, (node->count + 1) * sizeof *values);
	bool reversed = node->kind == NODE_ASSIGN;

	for (unsigned n = 0; n < node->count; n++) {
		unsigned i = reversed ? node->count - 1 - n : n;
		struct node *child = node->child[i];
		bool later = false;

		if (!child)
			continue;
		for (unsigned m = n + 1; m < node->count; m++) {
			struct node *other = node->child[reversed ? node->count - 1 - m : m];

			later |= other && other->has_await;
		}
		/* what the operation itself computes is read by the text, so after everything here */
		values[i] = lower_expression(lower, child, follows || later);
		if (later && child->has_effect && !child->has_await && !reversed &&
				!is_void(child->type)) {
			const char *temporary =
					lower_temporary(lower, child->begin, child->type, true);

			text_printf(lower->out, "%s = %s; ", temporary, values[i]);
			values[i] = temporary;
		}
	}
	return compose(lower, node, values);
}

static const char *lower_logical(struct lower *lower, struct node *node, bool follows, bool is_and)
{
	const char *left = lower_expression(lower, node->child[0], false);
	const char *temporary = lower_temporary(lower, node->begin, node->type, follows), *right;

	text_printf(lower->out, is_and ? "if (%s) { " : "if (!(%s)) { ", left);
	right = lower_expression(lower, node->child[1], false);
	text_printf(lower->out, "%s = !!(%s); } else %s = %d; ", temporary, right, temporary,
			!is_and);
	return temporary;
}

static const char *lower_conditional(struct lower *lower, struct node *node, bool follows)
{
	bool plain = is_void(node->type);
	const char *condition = lower_expression(lower, node->child[0], false), *temporary, *value;

	if (!node->child[1]) { /* a ?: b */
		temporary = lower_temporary(lower, node->begin, node->type, true);
		text_printf(lower->out, "%s = %s; if (!%s) { ", temporary, condition, temporary);
		value = lower_expression(lower, node->child[2], false);
		text_printf(lower->out, "%s = %s; } ", temporary, value);
		return temporary;
	}
	temporary = plain ? "((void)0)" : lower_temporary(lower, node->begin, node->type, follows);
	text_printf(lower->out, "if (%s) { ", condition);
	value = lower_expression(lower, node->child[1], false);
	if (plain)
		text_printf(lower->out, "%s; } else { ", value);
	else
		text_printf(lower->out, "%s = %s; } else { ", temporary, value);
	value = lower_expression(lower, node->child[2], false);
	if (plain)
		text_printf(lower->out, "%s; } ", value);
	else
		text_printf(lower->out, "%s = %s; } ", temporary, value);
	return temporary;
}

/* With an await in it the statements move out, and the value of the last one into a temporary. */
static const char *lower_statement_expression(struct lower *lower, struct node *node, bool follows)
{
	struct node *block = node->child[0];
	struct node *last = block->count ? block->child[block->count - 1] : NULL;
	bool has_value = last && !node_is_statement(last) && !is_void(node->type);
	const char *temporary = "((void)0)";

	if (has_value)
		temporary = lower_temporary(lower, node->begin, node->type, follows);
	text_puts(lower->out, "{ ");
	lower_scope_push(lower, false);
	for (unsigned i = 0; i + has_value < block->count; i++)
		lower_statement(lower, block->child[i]);
	if (has_value) {
		const char *value;

		/* a statement's end has its semicolon */
		lower_sync(lower, last->begin);
		value = lower_expression(lower, last, false);
		if (value[strlen(value) - 1] == ';')
			value = arena_copy(&lower->tree->arena, value, strlen(value) - 1);
		text_printf(lower->out, "%s = %s; ", temporary, value);
	}
	lower_scope_pop(lower);
	text_puts(lower->out, "} ");
	return temporary;
}

/* Without one it stays, and its statements are lowered in place. */
static const char *lower_in_place(struct lower *lower, struct node *node)
{
	struct text text = { NULL, 0, 0 }, *out = lower->out;
	const char *copy;

	lower->out = &text;
	lower->out_file = NULL;
	lower->out_seen = 0;
	text_puts(&text, "(");
	lower_statement(lower, node->child[0]);
	text_puts(&text, ")");
	lower->out = out;
	lower->out_file = NULL;
	lower->out_seen = out->size;
	copy = arena_copy(&lower->tree->arena, text.at, text.size);
	text_free(&text);
	return copy;
}

/* Its storage moves into the frame, and is filled in whenever it is evaluated. */
static const char *lower_literal(struct lower *lower, struct node *node, bool follows)
{
	unsigned serial = ++lower->serial;
	const char *text = lower_operands(lower, node, follows), *type;

	type = type_is_array(node->type)
			? tree_type_name(lower->tree, node->type)
			: type_text(lower->tree, lower->function, node->begin, node->type);
	text_printf(&lower->scope->members, "\t__typeof__(%s) weft_k%u;\n", type, serial);
	return say(lower,
			arena_printf(&lower->tree->arena,
					"(*(__typeof__(weft_f->weft_k%u) *)__builtin_memcpy((void *)&weft_f->weft_k%u, "
					"(const void *)&@, sizeof weft_f->weft_k%u))",
					serial, serial, serial),
			text);
}

static bool is_interesting(const struct tree *tree, const struct node *node)
{
	if (node->kind == NODE_CALL && (node->is_default || starts_with(call_name(node), "weft_")))
		return true;
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && is_interesting(tree, node->child[i]))
			return true;
	return false;
}

const char *lower_expression(struct lower *lower, struct node *node, bool follows)
{
	const char *builtin;

	if (!node->has_await && !node->has_statement && !is_interesting(lower->tree, node))
		return lower_render(lower, node->begin, node->end);
	if ((builtin = lower_builtin(lower, node)))
		return builtin;
	switch (node->kind) {
	case NODE_AWAIT:
		return lower_await(lower, node, follows);
	case NODE_CALL:
		if (node->is_default) {
			const char *name = call_name(node);

			diagnose_error(lower->tree, node->begin, "W001",
					"`%s` is async: a call of it does nothing until it is awaited or "
					"spawned; write `await` before it",
					*name ? name : "this");
			return "0";
		}
		break;
	case NODE_BINARY:
		if (node->child[1]->has_await && is_operator(lower, node, "&&"))
			return lower_logical(lower, node, follows, true);
		if (node->child[1]->has_await && is_operator(lower, node, "||"))
			return lower_logical(lower, node, follows, false);
		if (node->child[1]->has_await && is_operator(lower, node, ",")) {
			text_printf(lower->out, "(void)(%s); ",
					lower_expression(lower, node->child[0], false));
			return lower_expression(lower, node->child[1], follows);
		}
		break;
	case NODE_CONDITIONAL:
		if (node->child[2]->has_await || (node->child[1] && node->child[1]->has_await))
			return lower_conditional(lower, node, follows);
		break;
	case NODE_STATEMENT_EXPRESSION:
		return node->has_await ? lower_statement_expression(lower, node, follows)
				       : lower_in_place(lower, node);
	case NODE_COMPOUND_LITERAL:
		if (node->is_default)
			return lower_literal(lower, node, follows);
		break;
	case NODE_UNEVALUATED:
		if (node->has_await)
			diagnose_error(lower->tree, node->begin, "W004",
					"await in an operand that is not evaluated");
		break;
	default:
		break;
	}
	return lower_operands(lower, node, follows);
}
