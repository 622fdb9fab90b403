/* SPDX-License-Identifier: MIT */
/*
 * compiler/branches.c: built-ins that take branches.
 *
 * A branch is `call` or `lvalue = call`. All branches live side by side in the caller's frame: an array of
 * struct weft_branch, and each one's frame. Their arguments and the addresses of their lvalues are
 * evaluated first, from left to right; the lvalues are assigned when the built-in is done.
 */
#include <errno.h>
#include <string.h>

#include "compiler/call.h"

/* ---- arguments of built-ins ---- */

/* x in ((void)(x), 0) */
static struct node *branch_operand(struct tree *tree, struct node *argument)
{
	struct node *comma = node_strip(argument), *cast;

	if (!argument || argument->kind != NODE_PAREN ||
			!node_is_operator(tree->source, comma, ","))
		return NULL;
	cast = comma->child[0];
	if (cast->count == 0 || !type_is_void(cast->type))
		return NULL;
	return node_strip(cast->child[cast->count - 1]);
}

struct node *marked_call(struct node *node, const char *mark)
{
	struct node *comma = node_strip(node), *marker;

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
	inner = marked_call(branch->call, "weft_blocking_");
	if (inner) {
		branch->is_blocking = true;
		branch->call = inner;
	}
	return true;
}

/* ---- branches ---- */

struct started {
	struct branch branch;
	const struct variable *future; /* NULL: the branch is a call */
	struct callee callee;
	const char **arguments;
	const char *member;     /* of the child's frame, or of a pointer to it */
	const char *target;     /* what the result is assigned to; NULL: nobody wants it */
	const char *takes_part; /* where the value of a weft_when is kept; NULL: it has none */
	struct job job;         /* of weft_blocking */
};

/* A bit-field has no address: that of what it is a member of. */
static const char *bit_field_target(struct lower *lower, struct node *lvalue)
{
	const struct source *source = lower->source;
	size_t operator= source_token(source, lvalue->child[0]->end);
	bool is_pointer = source_token_is(source, operator, "->");
	const char *base = lower_expression(lower, lvalue->child[0], false);
	unsigned serial = ++lower->serial;

	text_printf(&lower->scope->members, "\tvoid *weft_l%u;\n", serial);
	text_printf(lower->out, "weft_f->weft_l%u = (void *)%s(%s); ", serial,
			is_pointer ? "" : "&", base);
	return arena_printf(&lower->tree->arena, "((__typeof__(%s)%s)weft_f->weft_l%u)->%s", base,
			is_pointer ? "" : " *", serial,
			lower_render(lower, source->tokens[operator].end, lvalue->end));
}

/* Where a branch's result goes: the address is taken now, unless the variable has a name. */
static const char *branch_target(struct lower *lower, struct node *lvalue)
{
	unsigned serial = ++lower->serial;
	const char *text;

	if (lvalue->is_bit_field)
		return bit_field_target(lower, lvalue);
	text = lower_expression(lower, lvalue, false);
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
	if (branch_parse(tree, argument, &started->branch) &&
			(started->future = future_as_branch(&started->branch))) {
		started->callee = future_callee(lower, started->future);
		started->member = future_frame(lower, started->future);
		return true;
	}
	if (!started->branch.call || started->branch.call->kind != NODE_CALL ||
			!(started->branch.is_blocking || started->branch.call->is_async)) {
		struct node *operand = branch_operand(tree, argument);

		diagnose_error(tree, operand ? operand->begin : argument->begin, "W005",
				"a branch is a call of an async function, a future, or an assignment of "
				"one");
		return false;
	}
	if (started->branch.call->has_await) {
		diagnose_error(tree, started->branch.call->begin, "W006",
				"await inside a branch: await it before, in a variable of its own");
		return false;
	}
	if (started->branch.is_blocking) {
		if (!job_define(lower, started->branch.call, &started->job))
			return false;
		started->callee = job_callee(lower);
		started->member = started->job.member;
		return true;
	}
	started->callee = callee_of(lower, started->branch.call);
	started->member = arena_printf(&tree->arena, "weft_c%u", ++lower->serial);
	return true;
}

/* What is evaluated before any branch starts. */
static void prepare_branch(struct lower *lower, struct started *started)
{
	if (!started->future)
		started->arguments = call_arguments(lower, started->branch.call, &started->callee);
	if (started->branch.lvalue)
		started->target = branch_target(lower, started->branch.lvalue);
}

/* The frame of a branch, filled in: what to poll, and a pointer to it. */
static struct own_frame enter_branch(struct lower *lower, struct started *started)
{
	struct arena *arena = &lower->tree->arena;
	struct callee *callee = &started->callee;
	struct node *call = started->branch.call;

	if (started->future) {
		future_need(lower, started->future);
		return (struct own_frame){ callee->async,
			arena_printf(arena, "weft_f->%s.frame", started->future->member) };
	}
	if (started->branch.is_blocking) {
		job_start(lower, call, &started->job, started->arguments);
		return (struct own_frame){ callee->async,
			arena_printf(arena, "&weft_f->%s", started->member) };
	}
	if (callee->embedded) {
		call_embed(lower, callee->function, started->member);
		call_init(lower, callee, call, started->arguments,
				arena_printf(arena, "&weft_f->%s.args", started->member));
		return (struct own_frame){ callee->async,
			arena_printf(arena, "&weft_f->%s", started->member) };
	}
	if (!callee->async)
		callee_keep(lower, call, callee);
	text_printf(&lower->scope->members, "\tvoid *%s;\n", started->member);
	return call_alloc(lower, callee, call, started->arguments, started->member);
}

static CXType branch_result(const struct started *started)
{
	return started->branch.is_blocking ? started->job.result
					   : clang_getResultType(started->callee.type);
}

/* The result goes where it is wanted; a frame of its own is given back. */
static void leave_branch(struct lower *lower, const struct started *started, const char *condition)
{
	const struct callee *callee = &started->callee;

	if (started->target && !type_is_void(branch_result(started))) {
		if (condition)
			text_printf(lower->out, "if (%s) ", condition);
		if (started->branch.is_blocking)
			text_printf(lower->out, "%s = %s; ", started->target,
					job_value(lower, &started->job));
		else if (callee->embedded)
			text_printf(lower->out, "%s = weft_f->%s.args.result; ", started->target,
					started->member);
		else
			text_printf(lower->out, "%s = %s; ", started->target,
					call_own_result(lower, callee, started->member));
	}
	if (!callee->embedded)
		text_printf(lower->out, "%sweft_frame_free(weft_cx, weft_f->%s); ",
				condition ? arena_printf(&lower->tree->arena, "if (%s) ", condition)
					  : "",
				started->member);
}

/* The condition of a weft_when opens a block, in which the branch is made. */
static void enter_condition(struct lower *lower, struct started *started, bool selects)
{
	struct node *condition = started->branch.condition;
	unsigned serial = ++lower->serial;

	if (!selects)
		diagnose_error(lower->tree, condition->parent->begin, "W007",
				"weft_when is for the branches of a select");
	text_printf(&lower->scope->members, "\t_Bool weft_w%u;\n", serial);
	started->takes_part = arena_printf(&lower->tree->arena, "weft_f->weft_w%u", serial);
	text_printf(lower->out, "%s = %s; if (%s) { ", started->takes_part,
			lower_expression(lower, condition, false), started->takes_part);
}

/* A branch, with its frame, in its place among those of the built-in. */
static void make_branch(struct lower *lower, struct started *started, const char *place)
{
	struct own_frame own = enter_branch(lower, started);

	if (started->future) /* it has been made, and cancelled, perhaps */
		text_printf(lower->out, "%s = weft_f->%s; weft_branch_clear(&weft_f->%s); ", place,
				started->future->member, started->future->member);
	else
		text_printf(lower->out, "%s = weft_branch_make(%s, %s); ", place, own.async,
				own.frame);
	if (started->takes_part)
		text_printf(lower->out, "} else weft_branch_disable(&%s); ", place);
}

/* A join, try_join or select. */
struct several {
	struct node *node;
	const char *name; /* of the built-in */
	bool selects;
	unsigned count, serial;
	struct started *started;
};

static void make_branches(struct lower *lower, const struct several *all, bool prepared)
{
	for (unsigned i = 0; i < all->count; i++) {
		struct started *started = &all->started[i];

		if (!started->branch.call)
			continue;
		if (started->branch.condition)
			enter_condition(lower, started, all->selects);
		if (!prepared)
			prepare_branch(lower, started);
		make_branch(lower, started,
				arena_printf(&lower->tree->arena, "weft_f->weft_b%u[%u]",
						all->serial, i));
	}
}

/* Returns the built-in's value. `tried`: whether a select has looked at all branches. */
static const char *await_branches(struct lower *lower, const struct several *all, const char *tried)
{
	struct arena *arena = &lower->tree->arena;
	const char *value = "((void)0)", *poll;
	unsigned serial = all->serial;

	if (all->selects) {
		text_printf(&lower->scope->members, "\tstruct weft_selection weft_s%u;\n", serial);
		text_printf(lower->out,
				"weft_f->weft_s%u = (struct weft_selection){ .biased = %d, "
				".tried = %s }; ",
				serial, strcmp(all->name, "weft_select_biased_") == 0, tried);
		poll = arena_printf(arena,
				"weft_select_poll(weft_f->weft_b%u, %u, weft_cx, &weft_f->weft_s%u)",
				serial, all->count, serial);
		value = arena_printf(arena, "weft_f->weft_s%u.winner", serial);
	} else if (strcmp(all->name, "weft_try_join_") == 0) {
		text_printf(&lower->scope->members, "\tint weft_e%u;\n", serial);
		text_printf(lower->out, "weft_f->weft_e%u = 0; ", serial);
		poll = arena_printf(arena,
				"weft_try_join_poll(weft_f->weft_b%u, %u, weft_cx, &weft_f->weft_e%u)",
				serial, all->count, serial);
		value = arena_printf(arena, "weft_f->weft_e%u", serial);
	} else {
		poll = arena_printf(arena, "weft_join_poll(weft_f->weft_b%u, %u, weft_cx)", serial,
				all->count);
	}
	lower_await_point(lower, all->node->begin, arena_printf(arena, "weft_b%u", serial), NULL,
			arena_printf(arena, "WEFT_POINT_BRANCH | %uu << 8", all->count), poll);
	for (unsigned i = 0; i < all->count; i++)
		if (all->started[i].branch.call)
			leave_branch(lower, &all->started[i], all->started[i].takes_part);
	return value;
}

/* Whether each branch may end without a frame, or say that it has to wait, so that it is the next one's
 * turn. */
static bool select_has_now(const struct lower *lower, const struct several *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		const struct started *started = &all->started[i];

		if (!started->branch.call || started->branch.condition || started->future ||
				started->branch.is_blocking ||
				!call_has_now(lower, &started->callee) ||
				!started->callee.function->has_waits)
			return false;
	}
	return all->selects && all->count > 0;
}

/* Stores the index of the branch that has ended at once, tried from the first on, or around from any; -1:
 * all have to wait; -2: of one nothing is known, and it has to be polled. */
static void try_each(struct lower *lower, const struct several *all, const char *winner,
		const char **outcomes)
{
	unsigned last = all->count - 1;

	if (strcmp(all->name, "weft_select_biased_") == 0) {
		text_printf(lower->out, "%s = -1; ", winner);
		for (unsigned i = 0; i < all->count; i++)
			text_printf(lower->out, "%s%s = %s; ",
					i ? arena_printf(&lower->tree->arena, "if (%s == -1) ",
							    winner)
					  : "",
					winner, outcomes[i]);
		return;
	}
	text_printf(lower->out,
			"{ unsigned weft_n = %u, weft_i = weft_select_draw(weft_cx, weft_n); "
			"for (%s = -1; weft_n > 0 && %s == -1; weft_n--, "
			"weft_i = weft_i == %u ? 0 : weft_i + 1) %s = ",
			all->count, winner, winner, last, winner);
	for (unsigned i = 0; i < last; i++)
		text_printf(lower->out, "weft_i == %u ? %s : ", i, outcomes[i]);
	text_printf(lower->out, "%s; } ", outcomes[last]);
}

/* A select of leaves that may end at once makes no frame if one of them does. */
static void select_now(struct lower *lower, const struct several *all, const char *winner)
{
	struct arena *arena = &lower->tree->arena;
	const char **outcomes = arena_zalloc(arena, all->count * sizeof *outcomes);
	const char **results = arena_zalloc(arena, all->count * sizeof *results);

	for (unsigned i = 0; i < all->count; i++) {
		struct started *started = &all->started[i];
		struct node *call = started->branch.call;
		const char *now;

		prepare_branch(lower, started);
		results[i] = lower_temporary(lower, call->begin, branch_result(started), false);
		now = call_now(lower, &started->callee, call, started->arguments, results[i]);
		outcomes[i] = arena_printf(arena, "(%s ? %u : %s ? -1 : -2)", now, i,
				call_waits(lower, &started->callee, call, started->arguments));
		text_printf(lower->out, "%s = %d; ", results[i], -ECANCELED);
	}
	try_each(lower, all, winner, outcomes);
	text_printf(lower->out, "if (%s < 0) { ", winner);
	make_branches(lower, all, true);
	text_printf(lower->out, "%s = %s; } else { ", winner,
			await_branches(lower, all, arena_printf(arena, "%s == -1", winner)));
	for (unsigned i = 0; i < all->count; i++)
		if (all->started[i].target)
			text_printf(lower->out, "%s = %s; ", all->started[i].target, results[i]);
	text_puts(lower->out, "} ");
}

const char *branch_await_all(
		struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct several all = { .node = node, .name = call_name(call), .count = call->count - 1 };
	const char *value = NULL;

	all.selects = strncmp(all.name, "weft_select", 11) == 0;
	all.serial = ++lower->serial;
	all.started = arena_zalloc(&lower->tree->arena, (all.count + 1) * sizeof *all.started);
	for (unsigned i = 0; i < all.count; i++)
		if (!start_branch(lower, call->child[i + 1], &all.started[i]))
			all.started[i].branch.call = NULL;
	if (select_has_now(lower, &all))
		value = lower_temporary(lower, node->begin, node->type, follows);
	lower_scope_push(lower);
	text_printf(&lower->scope->members, "\tstruct weft_branch weft_b%u[%u];\n", all.serial,
			all.count);
	if (value) {
		select_now(lower, &all, value);
		lower_scope_pop(lower);
		return value;
	}
	make_branches(lower, &all, false);
	value = await_branches(lower, &all, "0");
	lower_scope_pop(lower);
	if (strcmp(all.name, "weft_join_") == 0)
		return value;
	return call_keep(lower, node->begin, node->type, value, follows);
}

/* A future that was cancelled needs no limit, and the timer would not know. */
static void await_timed(struct lower *lower, uint32_t at, const struct started *started,
		const struct function *timer, unsigned serial)
{
	struct arena *arena = &lower->tree->arena;
	const struct variable *future = started->future;
	const char *member = arena_printf(arena, "weft_d%u", serial), *result = "0";

	if (future) {
		if (call_result_is_int(clang_getResultType(started->callee.type)))
			result = started->callee.embedded
					? arena_printf(arena, "weft_f->%s.args.result",
							  started->member)
					: call_own_result(lower, &started->callee, started->member);
		text_printf(lower->out, "if (weft_f->%s.cancelled) { ", future->member);
		future_poll(lower, at, future);
		text_printf(lower->out, "weft_f->%s.args.result = %s; } else { ", member, result);
	}
	lower_await_point(lower, at, member, timer, "0",
			arena_printf(arena, "%s__poll(&weft_f->%s, weft_cx)", timer->name, member));
	if (future)
		text_printf(lower->out, "} weft_branch_clear(&weft_f->%s); ", future->member);
}

/* timeout, deadline, shield, with: a future around one branch */
const char *branch_await_timed(
		struct lower *lower, struct node *node, struct node *call, bool follows)
{
	struct arena *arena = &lower->tree->arena;
	const char *name = call_name(call), *value, *limit;
	size_t size = strlen(name) - 1; /* without the underscore */
	struct function *timer = tree_find(lower->tree, name, size);
	unsigned serial = ++lower->serial;
	struct started started = { .future = NULL };
	struct own_frame own;

	limit = lower_expression(lower, call->child[1], false);
	if (!start_branch(lower, call->child[2], &started))
		return "0";
	lower_scope_push(lower);
	text_printf(&lower->scope->members, "\tstruct %s__frame weft_d%u;\n", timer->name, serial);
	call_note_embedded(lower, timer);
	prepare_branch(lower, &started);
	own = enter_branch(lower, &started);
	if (call->child[1]->has_await) /* its result is perhaps where the timer will be */
		text_printf(lower->out, "%s__init(&weft_f->weft_d%u.args, %s, %s, %s); ",
				timer->name, serial, limit, own.async, own.frame);
	else
		text_printf(lower->out,
				"weft_f->weft_d%u.args.base.at = 0; weft_f->weft_d%u.args.p0 = %s; "
				"weft_f->weft_d%u.args.p1 = %s; weft_f->weft_d%u.args.p2 = %s; ",
				serial, serial, limit, serial, own.async, serial, own.frame);
	await_timed(lower, node->begin, &started, timer, serial);
	leave_branch(lower, &started, NULL);
	lower_scope_pop(lower);
	if (started.branch.lvalue)
		value = arena_printf(arena, "(weft_f->weft_d%u.args.result == %d ? %d : 0)", serial,
				-ETIME, -ETIME);
	else
		value = arena_printf(arena, "((int)weft_f->weft_d%u.args.result)", serial);
	if (started.branch.is_blocking && !started.branch.lvalue &&
			call_result_is_int(started.job.result))
		value = arena_printf(arena, "(weft_f->weft_d%u.args.result < 0 ? %s : (int)%s)",
				serial, value, job_value(lower, &started.job));
	return call_keep(lower, node->begin, node->type, value, follows);
}

/* ---- sets ---- */

/* The child's result is copied to the lvalue when it ends, so it is of the same type. */
const char *branch_push(struct lower *lower, struct node *node, const struct branch *branch)
{
	struct arena *arena = &lower->tree->arena;
	const char *set = lower_expression(lower, node->child[1], false), *target = "(void *)0";

	if (branch->lvalue && branch->call->kind == NODE_CALL && branch->call->is_async) {
		CXType result = clang_getResultType(type_of_function(branch->call->child[0]->type));

		if (!clang_equalTypes(clang_getCanonicalType(branch->lvalue->type),
				    clang_getCanonicalType(result)))
			diagnose_error(lower->tree, branch->lvalue->begin, "W026",
					"the result is stored here as it is: give this its type");
		target = arena_printf(
				arena, "&(%s)", lower_expression(lower, branch->lvalue, false));
	}
	return call_push(lower, branch, set, target);
}
