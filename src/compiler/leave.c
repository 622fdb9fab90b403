/* SPDX-License-Identifier: MIT */
/*
 * compiler/leave.c: the ways out of a block, and what they run.
 *
 * Deferred    statements, cleanups and the end of a weft_scope are emitted once, at the end of their
 *             block, last first. Whoever leaves the block notes why, jumps to the first that is due, and
 *             after the last the reason decides where to go on: perhaps to the deferred of the next block.
 *
 *                 { ...; if (bad) { weft_x1 = 1; goto weft_u1_2; }  ...
 *                   weft_x1 = 0;
 *                 weft_u1_2: the second; weft_u1_1: the first;
 *                   if (weft_x1 == 1) return ...; }
 * Back        A `goto` to a label of the block itself leaves the scopes of what is declared after it:
 *             it begins in the same way, and goes on behind the last of those that it leaves.
 */
#include "compiler/leave.h"

#include <stdlib.h>

#include "compiler/call.h"

static bool encloses(const struct node *outer, const struct node *node)
{
	for (; node; node = node->parent)
		if (node == outer)
			return true;
	return false;
}

static bool arrives(const struct lower *lower, const struct layer *layer, enum leave_kind kind,
		const char *label)
{
	switch (kind) {
	case LEAVE_RETURN:
		return false;
	case LEAVE_BREAK:
		return layer->kind == LAYER_LOOP || layer->kind == LAYER_SWITCH ||
				layer->kind == LAYER_TASKS;
	case LEAVE_CONTINUE:
		return layer->kind == LAYER_LOOP || layer->kind == LAYER_TASKS;
	case LEAVE_GOTO:
		break;
	}
	return encloses(layer->node, label_node(lower, label));
}

/* How much of what the layer has deferred is not left by the jump: `goto` back to a label in the block
 * leaves the scope of what is declared after it. */
static size_t remaining_after(const struct lower *lower, const struct layer *layer,
		enum leave_kind kind, const char *label)
{
	size_t count = layer->deferred_count;

	if (!arrives(lower, layer, kind, label))
		return 0;
	if (kind != LEAVE_GOTO)
		return count;
	while (count > 0 && layer->deferred[count - 1].at > label_node(lower, label)->begin)
		count--;
	return count;
}

static bool is_same_way(const struct leave *one, const struct leave *other)
{
	return one->kind == other->kind && one->remaining == other->remaining &&
			(one->kind != LEAVE_GOTO || one->label == other->label);
}

static void leave_by_deferred(struct lower *lower, struct layer *layer, struct leave leave)
{
	size_t reason = 0;

	if (!layer->why) {
		text_printf(lower->out, "goto weft_u%u_%zu;", layer->serial, layer->deferred_count);
		return;
	}
	while (reason < layer->leave_count && !is_same_way(&layer->leaves[reason], &leave))
		reason++;
	if (reason == layer->leave_count) {
		layer->leaves = grow(layer->leaves, layer->leave_count, &layer->leave_capacity,
				sizeof *layer->leaves);
		layer->leaves[layer->leave_count++] = leave;
	}
	text_printf(lower->out, "{ %s = %zu; goto weft_u%u_%zu; }", layer->why, reason + 1,
			layer->serial, layer->deferred_count);
}

void lower_leave(struct lower *lower, uint32_t at, enum leave_kind kind, const char *label)
{
	struct text *out = lower->out;
	struct layer *layer;
	size_t remaining;

	for (layer = lower->layer; layer; layer = layer->outer) {
		if (layer->kind == LAYER_DEFERRED && !arrives(lower, layer, kind, label)) {
			diagnose_error(lower->tree, at, "W021",
					"a deferred statement cannot be left by a jump");
			return;
		}
		remaining = remaining_after(lower, layer, kind, label);
		if (layer->kind == LAYER_BLOCK && remaining < layer->deferred_count) {
			leave_by_deferred(lower, layer, (struct leave){ kind, label, remaining });
			return;
		}
		if (arrives(lower, layer, kind, label))
			break;
	}
	switch (kind) {
	case LEAVE_RETURN:
		if (lower->function->is_async)
			text_puts(out, "{ weft_f->args.base.at = 4294967295u; return WEFT_READY; }");
		else if (clang_getCanonicalType(lower->function->result).kind == CXType_Void)
			text_puts(out, "return;");
		else
			text_puts(out, "return weft_result;");
		break;
	case LEAVE_BREAK:
		if (layer && layer->break_by_goto)
			text_printf(out, "goto weft_z%u;", layer->serial);
		else
			text_puts(out, "break;");
		break;
	case LEAVE_CONTINUE:
		if (layer && layer->continue_by_goto)
			text_printf(out, "goto weft_n%u;", layer->serial);
		else
			text_puts(out, "continue;");
		break;
	case LEAVE_GOTO:
		text_printf(out, "goto %s;", label);
		break;
	}
}

struct layer *layer_push(struct lower *lower, enum layer_kind kind, struct node *node)
{
	struct layer *layer = arena_zalloc(&lower->tree->arena, sizeof *layer);

	layer->outer = lower->layer;
	layer->kind = kind;
	layer->node = node;
	layer->serial = ++lower->serial;
	lower->layer = layer;
	return layer;
}

void layer_pop(struct lower *lower)
{
	struct layer *layer = lower->layer;

	lower->layer = layer->outer;
	free(layer->deferred);
	free(layer->leaves);
}

void layer_defer(struct layer *layer, struct deferred deferred)
{
	layer->deferred = grow(layer->deferred, layer->deferred_count, &layer->deferred_capacity,
			sizeof *layer->deferred);
	layer->deferred[layer->deferred_count++] = deferred;
}

void lower_cleanup(struct lower *lower, const struct variable *variable)
{
	struct layer *layer = lower->layer;

	while (layer && layer->kind != LAYER_BLOCK)
		layer = layer->outer;
	layer_defer(layer,
			(struct deferred){ .at = variable->name_at,
					.text = arena_printf(&lower->tree->arena, "%s(&%s%s);",
							variable->cleanup,
							variable->hoisted ? "weft_f->" : "",
							variable->hoisted ? variable->member
									  : variable->name) });
}

/* ---- blocks ---- */

bool statement_guards(const struct lower *lower, const struct variable *variable)
{
	return lower->tree->options->sanitize_address && variable && variable->hoisted &&
			variable->address_taken && variable->block &&
			variable->block->kind == NODE_BLOCK && !node_is_value(variable->block);
}

/* Poisoned where the variable is declared, until its block is left: what comes after it in the frame is
 * as far away as it is on the stack. */
void lower_guard(struct lower *lower, const struct variable *variable)
{
	unsigned serial = ++lower->serial;
	struct layer *layer = lower->layer;

	while (layer->kind != LAYER_BLOCK)
		layer = layer->outer;
	text_printf(&lower->scope->members, "\tchar weft_g%u[40];\n", serial);
	text_printf(lower->out, "weft_frame_guard(weft_f->weft_g%u); ", serial);
	layer_defer(layer,
			(struct deferred){ .at = variable->name_at,
					.text = arena_printf(&lower->tree->arena,
							"weft_frame_unguard(weft_f->weft_g%u);",
							serial) });
}

void lower_future(struct lower *lower, const struct variable *variable)
{
	struct layer *layer = lower->layer;

	if (!future_declare(lower, variable))
		return;
	while (layer->kind != LAYER_BLOCK)
		layer = layer->outer;
	layer_defer(layer, (struct deferred){ .future = variable, .at = variable->name_at });
}

bool layer_is_needed(const struct lower *lower, const struct node *block)
{
	for (unsigned i = 0; i < block->count; i++) {
		const struct node *child = block->child[i];

		if (node_deferred(child))
			return true;
		if (child->kind == NODE_DECLARATION)
			for (unsigned v = 0; v < child->count; v++)
				if (statement_cleans(child->child[v]->variable) ||
						statement_guards(lower, child->child[v]->variable))
					return true;
	}
	return false;
}

/* Whether a return from the block, and nothing else that leaves it, goes on as at its end. */
static bool ends_in_return(const struct lower *lower, const struct node *block)
{
	const struct function *function = lower->function;

	return function->is_async && block == function->body && !lower->labels &&
			strcmp(function->name, "main") != 0; /* whose end returns 0 */
}

/* Whether the block is left by way of what it has deferred, and the reason is kept where. */
struct layer *layer_enter_block(struct lower *lower, struct node *node, bool defers, bool awaits)
{
	struct layer *layer = layer_push(lower, LAYER_BLOCK, node);

	lower_scope_enter(lower, node);
	if (!defers || ends_in_return(lower, node))
		return layer;
	if (awaits) {
		text_printf(&lower->scope->members, "\tint weft_x%u;\n", layer->serial);
		layer->why = arena_printf(&lower->tree->arena, "weft_f->weft_x%u", layer->serial);
	} else {
		layer->why = arena_printf(&lower->tree->arena, "weft_x%u", layer->serial);
		text_printf(lower->out, "int %s; ", layer->why);
	}
	return layer;
}

static void close_tasks(struct lower *lower, uint32_t at, const char *name)
{
	struct arena *arena = &lower->tree->arena;
	const char *member = arena_printf(arena, "weft_d%u", ++lower->serial);
	struct function *close = tree_find(lower->tree, "weft_scope_close", 16);

	lower_scope_push(lower);
	text_printf(&lower->scope->members, "\tstruct weft_scope_close__frame %s;\n", member);
	lower_scope_pop(lower);
	text_printf(lower->out, "weft_scope_close__init(&weft_f->%s.args, &%s); ", member, name);
	lower_await_point(lower, at, member, close, "0",
			arena_printf(arena, "weft_scope_close__poll(&weft_f->%s, weft_cx)",
					member));
}

/* Those that leave what is left to do behind the first `remaining` of the deferred. */
static void leaves_go_on(
		struct lower *lower, const struct layer *layer, size_t remaining, uint32_t at)
{
	for (size_t i = 0; i < layer->leave_count; i++)
		if (layer->leaves[i].remaining == remaining) {
			text_printf(lower->out, "if (%s == %zu) ", layer->why, i + 1);
			lower_leave(lower, at, layer->leaves[i].kind, layer->leaves[i].label);
			text_puts(lower->out, " ");
		}
}

void layer_leave_block(struct lower *lower, struct layer *layer)
{
	struct text *out = lower->out;
	uint32_t at = layer->node->end - 1;
	struct layer *deferring;

	if (layer->deferred_count) {
		lower_sync(lower, at);
		if (layer->why)
			text_printf(out, "%s = 0; ", layer->why);
		lower->layer = layer->outer;
		deferring = layer_push(lower, LAYER_DEFERRED, NULL);
		for (size_t i = layer->deferred_count; i > 0; i--) {
			const struct deferred *deferred = &layer->deferred[i - 1];

			text_printf(out, "weft_u%u_%zu: ; ", layer->serial, i);
			if (deferred->statement) {
				lower->layer->node = deferred->statement;
				lower_statement(lower, deferred->statement);
			} else if (deferred->future) {
				future_end(lower, at, deferred->future);
			} else if (deferred->tasks) {
				close_tasks(lower, at, deferred->tasks);
			} else {
				text_puts(out, deferred->text);
			}
			text_puts(out, " ");
			lower->layer = layer->outer;
			leaves_go_on(lower, layer, i - 1, at);
			lower->layer = deferring;
		}
	}
	lower->layer = layer;
	lower_scope_pop(lower);
	layer_pop(lower);
}
