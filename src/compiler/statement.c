/* SPDX-License-Identifier: MIT */
/*
 * compiler/statement.c: statements with awaits in them, and the ways out of a block.
 *
 * A statement in which nothing has to change is copied. The others keep their shape where they can: the
 * dispatch at the top of the function jumps to labels, so loops, switches and labels around an await stay
 * what they are. A loop whose condition awaits becomes `for (;;) { ...; if (!condition) break; ... }`.
 *
 * Deferred    statements, cleanups and the end of a weft_scope are emitted once, at the end of their
 *             block, last first. Whoever leaves the block notes why, jumps to the first that is due, and
 *             after the last the reason decides where to go on: perhaps to the deferred of the next block.
 *
 *                 { ...; if (bad) { weft_x1 = 1; goto weft_u1_2; }  ...
 *                   weft_x1 = 0;
 *                 weft_u1_2: the second; weft_u1_1: the first;
 *                   if (weft_x1 == 1) return ...; }
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/call.h"

enum layer_kind { LAYER_BLOCK, LAYER_LOOP, LAYER_SWITCH, LAYER_TASKS, LAYER_DEFERRED };
enum leave_kind { LEAVE_RETURN, LEAVE_BREAK, LEAVE_CONTINUE, LEAVE_GOTO };

struct deferred {
	struct node *statement; /* NULL: text */
	const char *text;
	const char *tasks; /* of a weft_scope: the scope's name */
	const struct variable *future;
	uint32_t at; /* of the declaration, or of the defer */
};

struct leave {
	enum leave_kind kind;
	const char *label;
	size_t remaining; /* what was deferred before a label in the block itself: it stays */
};

/* What encloses the statement that is being lowered. */
struct layer {
	struct layer *outer;
	enum layer_kind kind;
	struct node *node;
	unsigned serial;
	struct deferred *deferred;
	size_t deferred_count, deferred_capacity;
	struct leave *leaves;
	size_t leave_count, leave_capacity;
	const char *why; /* the variable that says why the block is left */
	bool continue_by_goto, break_by_goto;
};

/* ---- leaving ---- */

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
		return encloses(layer->node, label_node(lower, label));
	}
	return true;
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

static void leave_by_deferred(struct lower *lower, struct layer *layer, struct leave leave)
{
	layer->leaves = grow(layer->leaves, layer->leave_count, &layer->leave_capacity,
			sizeof *layer->leaves);
	layer->leaves[layer->leave_count++] = leave;
	text_printf(lower->out, "{ %s = %zu; goto weft_u%u_%zu; }", layer->why, layer->leave_count,
			layer->serial, layer->deferred_count);
}

static void lower_leave(struct lower *lower, uint32_t at, enum leave_kind kind, const char *label)
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

static struct layer *layer_push(struct lower *lower, enum layer_kind kind, struct node *node)
{
	struct layer *layer = arena_zalloc(&lower->tree->arena, sizeof *layer);

	layer->outer = lower->layer;
	layer->kind = kind;
	layer->node = node;
	layer->serial = ++lower->serial;
	lower->layer = layer;
	return layer;
}

static void layer_pop(struct lower *lower)
{
	struct layer *layer = lower->layer;

	lower->layer = layer->outer;
	free(layer->deferred);
	free(layer->leaves);
}

static void defer_add(struct layer *layer, struct deferred deferred)
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
	defer_add(layer,
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
	defer_add(layer,
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
	defer_add(layer, (struct deferred){ .future = variable, .at = variable->name_at });
}

static bool block_defers(const struct lower *lower, const struct node *block)
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

/* Whether the block is left by way of what it has deferred, and the reason is kept where. */
static struct layer *block_enter(struct lower *lower, struct node *node, bool defers, bool awaits)
{
	struct layer *layer = layer_push(lower, LAYER_BLOCK, node);

	lower_scope_enter(lower, node);
	if (!defers)
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

static void block_leave(struct lower *lower, struct layer *layer)
{
	struct text *out = lower->out;
	uint32_t at = layer->node->end - 1;
	struct layer *deferring;

	if (layer->deferred_count) {
		lower_sync(lower, at);
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
		layer_pop(lower);
	}
	lower->layer = layer;
	lower_scope_pop(lower);
	layer_pop(lower);
}

/* Its labels stay where they are. */
static void lower_defer(struct lower *lower, struct layer *layer, const struct node *node)
{
	for (; node->kind != NODE_DEFER; node = node->child[0]) {
		lower_sync(lower, node->begin);
		text_printf(lower->out, "%s ; ",
				lower_render(lower, node->begin, node->child[0]->begin));
	}
	defer_add(layer, (struct deferred){ .statement = node->child[0], .at = node->begin });
}

static void lower_block(struct lower *lower, struct node *node)
{
	bool defers = block_defers(lower, node) || node_awaits_at_end(node);
	uint32_t at = node->begin + 1;
	struct layer *layer;

	text_puts(lower->out, "{ ");
	layer = block_enter(lower, node, defers, node_awaits_at_end(node));
	for (unsigned i = 0; i < node->count; i++) {
		struct node *child = node->child[i];

		lower_pragmas(lower, at, child);
		at = child->end;
		if (node_deferred(child))
			lower_defer(lower, layer, child);
		else
			lower_statement(lower, child);
	}
	block_leave(lower, layer);
	lower_sync(lower, node->end - 1);
	text_puts(lower->out, " }");
}

/* A statement in the place of one: what it becomes may be several. */
static void lower_body(struct lower *lower, struct node *node)
{
	if (node->kind == NODE_BLOCK) {
		lower_statement(lower, node);
	} else if (node->kind == NODE_DEFER) { /* a scope of its own, which ends here */
		lower_body(lower, node->child[0]);
	} else {
		text_puts(lower->out, "{ ");
		lower_statement(lower, node);
		text_puts(lower->out, " }");
	}
}

/* ---- statements ---- */

static void lower_if(struct lower *lower, struct node *node)
{
	bool awaits = node->child[0]->has_await;
	const char *condition;

	if (awaits)
		text_puts(lower->out, "{ ");
	condition = lower_expression(lower, node->child[0], false);
	text_printf(lower->out, "if (%s) ", condition);
	lower_body(lower, node->child[1]);
	if (node->child[2]) {
		text_puts(lower->out, " else ");
		lower_body(lower, node->child[2]);
	}
	if (awaits)
		text_puts(lower->out, " }");
}

static void lower_while(struct lower *lower, struct node *node)
{
	const char *condition;

	layer_push(lower, LAYER_LOOP, node);
	if (node->child[0]->has_await) {
		text_puts(lower->out, "for (;;) { ");
		condition = lower_expression(lower, node->child[0], false);
		text_printf(lower->out, "if (!(%s)) break; ", condition);
		lower_body(lower, node->child[1]);
		text_puts(lower->out, " }");
	} else {
		text_printf(lower->out, "while (%s) ",
				lower_expression(lower, node->child[0], false));
		lower_body(lower, node->child[1]);
	}
	layer_pop(lower);
}

static void lower_do(struct lower *lower, struct node *node)
{
	struct layer *layer = layer_push(lower, LAYER_LOOP, node);
	const char *condition;

	if (node->child[1]->has_await) {
		layer->continue_by_goto = true;
		text_puts(lower->out, "for (;;) { ");
		lower_body(lower, node->child[0]);
		text_printf(lower->out, " weft_n%u: ; ", layer->serial);
		condition = lower_expression(lower, node->child[1], false);
		text_printf(lower->out, "if (!(%s)) break; }", condition);
	} else {
		text_puts(lower->out, "do ");
		lower_body(lower, node->child[0]);
		lower_sync(lower, node->child[1]->begin);
		text_printf(lower->out, " while (%s);",
				lower_expression(lower, node->child[1], false));
	}
	layer_pop(lower);
}

/* for (struct weft_scope s = ...; the macro weft_scope. */
static struct variable *scope_of_tasks(const struct node *node)
{
	return node_awaits_at_end(node) ? node->child[0]->child[0]->variable : NULL;
}

static void lower_scope_of_tasks(struct lower *lower, struct node *node, struct variable *tasks)
{
	struct layer *layer, *loop;
	const char *name = arena_printf(&lower->tree->arena, "weft_f->%s", tasks->member);

	if (!lower->function->is_async) {
		diagnose_error(lower->tree, node->begin, "W003",
				"weft_scope in `%s`, which is not async: its end awaits",
				lower->function->name);
		return;
	}
	lower_scope_enter(lower, node);
	text_printf(&lower->scope->members, "\tstruct weft_scope %s;\n", tasks->member);
	text_printf(lower->out, "{ __builtin_memset((void *)&%s, 0, sizeof %s); ", name, name);
	loop = layer_push(lower, LAYER_TASKS, node);
	loop->break_by_goto = loop->continue_by_goto = true;
	layer = block_enter(lower, node, true, true);
	defer_add(layer, (struct deferred){ .tasks = name });
	lower_body(lower, node->child[3]);
	block_leave(lower, layer);
	text_printf(lower->out, " weft_z%u: weft_n%u: ; }", loop->serial, loop->serial);
	layer_pop(lower);
	lower_scope_pop(lower);
}

static bool declares_hoisted(const struct node *node)
{
	for (unsigned i = 0; node && node->kind == NODE_DECLARATION && i < node->count; i++)
		if (node->child[i]->variable->hoisted)
			return true;
	return false;
}

static void lower_for(struct lower *lower, struct node *node)
{
	struct node *start = node->child[0], *condition = node->child[1], *step = node->child[2];
	bool moves = start && (start->has_await || declares_hoisted(start));
	bool unrolls = (condition && condition->has_await) || (step && step->has_await);
	struct variable *tasks = scope_of_tasks(node);
	struct text *out = lower->out;
	struct layer *layer;

	if (tasks) {
		lower_scope_of_tasks(lower, node, tasks);
		return;
	}
	lower_scope_enter(lower, node);
	if (moves || unrolls) {
		text_puts(out, "{ ");
		if (start && node_is_statement(start))
			lower_declaration(lower, start);
		else if (start)
			text_printf(out, "%s; ", lower_expression(lower, start, false));
	}
	layer = layer_push(lower, LAYER_LOOP, node);
	if (unrolls) {
		layer->continue_by_goto = true;
		text_puts(out, "for (;;) { ");
		if (condition) {
			const char *value = lower_expression(lower, condition, false);

			text_printf(out, "if (!(%s)) break; ", value);
		}
		lower_body(lower, node->child[3]);
		text_printf(out, " weft_n%u: ; ", layer->serial);
		if (step) {
			const char *value;

			lower_sync(lower, step->begin);
			value = lower_expression(lower, step, false);
			text_printf(out, "%s; ", value);
		}
		text_puts(out, "}");
	} else {
		text_puts(out, "for (");
		if (moves || !start)
			text_puts(out, "; ");
		else if (node_is_statement(start))
			text_printf(out, "%s ", lower_render(lower, start->begin, start->end));
		else
			text_printf(out, "%s; ", lower_expression(lower, start, false));
		if (condition)
			text_puts(out, lower_expression(lower, condition, false));
		text_puts(out, "; ");
		if (step)
			text_puts(out, lower_expression(lower, step, false));
		text_puts(out, ") ");
		lower_body(lower, node->child[3]);
	}
	layer_pop(lower);
	if (moves || unrolls)
		text_puts(out, " }");
	lower_scope_pop(lower);
}

static void lower_switch(struct lower *lower, struct node *node)
{
	const char *operand;
	bool awaits = node->child[0]->has_await;

	if (awaits)
		text_puts(lower->out, "{ ");
	operand = lower_expression(lower, node->child[0], false);
	text_printf(lower->out, "switch (%s) ", operand);
	layer_push(lower, LAYER_SWITCH, node);
	lower_body(lower, node->child[1]);
	layer_pop(lower);
	if (awaits)
		text_puts(lower->out, " }");
}

static void lower_return(struct lower *lower, struct node *node)
{
	CXType result = clang_getCanonicalType(lower->function->result);

	text_puts(lower->out, "{ ");
	if (node->count) {
		const char *value = lower_expression(lower, node->child[0], false);

		if (result.kind == CXType_Void)
			text_printf(lower->out, "%s; ", value);
		else
			lower_store(lower->out,
					lower->function->is_async ? "weft_f->args.result"
								  : "weft_result",
					result, value);
	}
	lower_leave(lower, node->begin, LEAVE_RETURN, NULL);
	text_puts(lower->out, " }");
}

static void lower_expression_statement(struct lower *lower, struct node *node)
{
	const char *value;

	if (node->has_await)
		text_puts(lower->out, "{ ");
	value = lower_expression(lower, node, false);
	text_puts(lower->out, value);
	if (value[0] == '\0' || value[strlen(value) - 1] != ';')
		text_puts(lower->out, ";");
	if (node->has_await)
		text_puts(lower->out, " }");
}

void lower_statement(struct lower *lower, struct node *node)
{
	lower_sync(lower, node->begin);
	if (statement_is_verbatim(lower, node)) {
		text_puts(lower->out, lower_render(lower, node->begin, node->end));
		return;
	}
	switch (node->kind) {
	case NODE_BLOCK:
		lower_block(lower, node);
		break;
	case NODE_DECLARATION:
		lower_declaration(lower, node);
		break;
	case NODE_IF:
		lower_if(lower, node);
		break;
	case NODE_WHILE:
		lower_while(lower, node);
		break;
	case NODE_DO:
		lower_do(lower, node);
		break;
	case NODE_FOR:
		lower_for(lower, node);
		break;
	case NODE_SWITCH:
		lower_switch(lower, node);
		break;
	case NODE_RETURN:
		lower_return(lower, node);
		break;
	case NODE_GOTO:
		lower_leave(lower, node->begin, LEAVE_GOTO, node->name);
		break;
	case NODE_BREAK:
		lower_leave(lower, node->begin, LEAVE_BREAK, NULL);
		break;
	case NODE_CONTINUE:
		lower_leave(lower, node->begin, LEAVE_CONTINUE, NULL);
		break;
	case NODE_LABEL:
	case NODE_CASE:
		text_puts(lower->out, lower_render(lower, node->begin, node->child[0]->begin));
		text_puts(lower->out, " ");
		lower_body(lower, node->child[0]);
		break;
	case NODE_DEFER:
		lower_body(lower, node->child[0]);
		break;
	default:
		lower_expression_statement(lower, node);
	}
}
