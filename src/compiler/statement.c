/* SPDX-License-Identifier: MIT */
/*
 * compiler/statement.c: statements with awaits in them.
 *
 * A statement in which nothing has to change is copied. The others keep their shape where they can: the
 * dispatch at the top of the function jumps to labels, so loops, switches and labels around an await stay
 * what they are. A loop whose condition awaits becomes `for (;;) { ...; if (!condition) break; ... }`.
 * What is left with its block: compiler/leave.c.
 */
#include <string.h>

#include "compiler/call.h"
#include "compiler/leave.h"

/* Its labels stay where they are. */
static void lower_defer(struct lower *lower, struct layer *layer, const struct node *node)
{
	for (; node->kind != NODE_DEFER; node = node->child[0]) {
		lower_sync(lower, node->begin);
		text_printf(lower->out, "%s ; ",
				lower_render(lower, node->begin, node->child[0]->begin));
	}
	layer_defer(layer, (struct deferred){ .statement = node->child[0], .at = node->begin });
}

static void lower_block(struct lower *lower, struct node *node)
{
	bool defers = layer_is_needed(lower, node) || node_awaits_at_end(node);
	uint32_t at = node->begin + 1;
	struct layer *layer;
	unsigned first = 0;

	text_puts(lower->out, "{ ");
	while (first < node->count &&
			source_is_at(lower->source, node->child[first]->begin, "__label__"))
		lower_statement(lower, node->child[first++]); /* in front of all others */
	layer = layer_enter_block(lower, node, defers, node_awaits_at_end(node));
	for (unsigned i = first; i < node->count; i++) {
		struct node *child = node->child[i];

		lower_pragmas(lower, at, child);
		at = child->end;
		if (node_deferred(child))
			lower_defer(lower, layer, child);
		else
			lower_statement(lower, child);
	}
	layer_leave_block(lower, layer);
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
	layer = layer_enter_block(lower, node, true, true);
	layer_defer(layer, (struct deferred){ .tasks = name });
	lower_body(lower, node->child[3]);
	layer_leave_block(lower, layer);
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

/* for (declaration with cleanups; ...): they run when the loop is left. */
static bool cleans_up(const struct node *node)
{
	for (unsigned i = 0; node && node->kind == NODE_DECLARATION && i < node->count; i++)
		if (statement_cleans(node->child[i]->variable))
			return true;
	return false;
}

/* for (start; condition; step), as it stands. */
static void lower_for_head(
		struct lower *lower, struct node *start, struct node *condition, struct node *step)
{
	struct text *out = lower->out;

	text_puts(out, "for (");
	if (!start)
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
}

static void lower_for(struct lower *lower, struct node *node)
{
	struct node *start = node->child[0], *condition = node->child[1], *step = node->child[2];
	bool cleans = cleans_up(start);
	bool moves = start && (start->has_await || cleans || declares_hoisted(start));
	bool unrolls = (condition && condition->has_await) || (step && step->has_await);
	struct variable *tasks = scope_of_tasks(node);
	struct text *out = lower->out;
	struct layer *layer, *around = NULL;

	if (tasks) {
		lower_scope_of_tasks(lower, node, tasks);
		return;
	}
	lower_scope_enter(lower, node);
	if (moves || unrolls) {
		text_puts(out, "{ ");
		if (cleans)
			around = layer_enter_block(lower, node, true, false);
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
		lower_for_head(lower, moves ? NULL : start, condition, step);
		lower_body(lower, node->child[3]);
	}
	layer_pop(lower);
	if (around)
		layer_leave_block(lower, around);
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
		if (node_is_statement(node->child[0]) || node->child[0]->has_await)
			lower_body(lower, node->child[0]);
		else /* the value of ({ ... }), perhaps */
			lower_statement(lower, node->child[0]);
		break;
	case NODE_DEFER: /* in ({ ... }), where it has been refused */
		break;
	default:
		lower_expression_statement(lower, node);
	}
}
