/* SPDX-License-Identifier: MIT */
/*
 * compiler/locals.c: which locals move into the frame.
 *
 * A local stays where it is, in a register, unless
 *   its value is needed after an await: it is live across one (backward dataflow over the statements), or
 *   its address may be known, it is volatile, or something runs when its scope is left, and there is an
 *   await in its scope.
 *
 * How         flow() turns the set of variables that are live after a statement into the set that is live
 *             before it. At an await everything live after it is hoisted. Loops and labels are repeated
 *             until nothing changes; the sets only grow.
 *             Inside of a full expression the order is the one that expression.c makes: plain reads happen
 *             after the last await, what has an effect and stands to the left of an await before it.
 *             Where this file knows less it keeps a variable alive, which costs bytes and is never wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/lower.h"

struct flow {
	struct tree *tree;
	struct function *function;
	struct variable **variables; /* by index */
	size_t words;
	uint64_t *on_break, *on_continue, *cases; /* NULL: none around */
	struct label_live {
		struct label_live *next;
		const char *name;
		uint64_t *live;
	} * labels;
	unsigned awaiting_ends; /* blocks around whose end awaits */
	bool changed;
};

static uint64_t *set_make(struct flow *flow)
{
	return arena_zalloc(&flow->tree->arena, flow->words * sizeof(uint64_t));
}

static uint64_t *set_copy(struct flow *flow, const uint64_t *from)
{
	uint64_t *set = set_make(flow);

	memcpy(set, from, flow->words * sizeof *set);
	return set;
}

/* Returns whether `into` has grown. */
static bool set_add_all(struct flow *flow, uint64_t *into, const uint64_t *from)
{
	bool grown = false;

	for (size_t i = 0; i < flow->words; i++) {
		grown |= (from[i] & ~into[i]) != 0;
		into[i] |= from[i];
	}
	return grown;
}

static void set_clear(struct flow *flow, uint64_t *set)
{
	memset(set, 0, flow->words * sizeof *set);
}

static void use(uint64_t *live, const struct variable *variable)
{
	live[variable->index / 64] |= (uint64_t)1 << (variable->index % 64);
}

static void kill(uint64_t *live, const struct variable *variable)
{
	live[variable->index / 64] &= ~((uint64_t)1 << (variable->index % 64));
}

static void use_names(const struct node *node, uint64_t *live)
{
	if (node->kind == NODE_NAME && node->variable)
		use(live, node->variable);
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			use_names(node->child[i], live);
}

static void kill_declared(const struct node *node, uint64_t *live)
{
	if (node->kind == NODE_VARIABLE && node->variable)
		kill(live, node->variable);
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			kill_declared(node->child[i], live);
}

/* Of what awaits nothing: what a statement expression declares is not there before it. In the frame it
 * might share its place with the callee whose arguments the expression is among. */
static void use_all(const struct node *node, uint64_t *live)
{
	use_names(node, live);
	if (node->has_statement)
		kill_declared(node, live);
}

static void hoist_all(struct flow *flow, const uint64_t *live)
{
	for (unsigned i = 0; i < flow->function->variable_count; i++)
		if (live[i / 64] >> (i % 64) & 1 && !flow->variables[i]->is_static)
			flow->variables[i]->hoisted = true;
}

static void flow_statement(struct flow *flow, struct node *node, uint64_t *live);
static void flow_inside(struct flow *flow, struct node *node, uint64_t *live);

/* The variable that `x = ...` gives a whole new value. */
static struct variable *assigned(struct flow *flow, struct node *node)
{
	const struct source *source = flow->tree->source;
	struct node *left;

	if (node->kind != NODE_ASSIGN ||
			!source_token_is(source, source_token(source, node->child[0]->end), "="))
		return NULL;
	left = node_strip(node->child[0]);
	return left->kind == NODE_NAME ? left->variable : NULL;
}

static void flow_expression(struct flow *flow, struct node *node, uint64_t *live);

/* What is only read is read after the last await among the operands. Those of an assignment are evaluated
 * from the right to the left. */
static void flow_operands(struct flow *flow, struct node *node, uint64_t *live)
{
	bool reversed = node->kind == NODE_ASSIGN;

	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && !node->child[i]->has_await)
			use_all(node->child[i], live);
	for (unsigned i = 0; i < node->count; i++) {
		struct node *child = node->child[reversed ? i : node->count - 1 - i];

		if (child && child->has_await)
			flow_expression(flow, child, live);
	}
}

/* The variables that the branches of a built-in assign when it is done. */
static void kill_targets(struct flow *flow, struct node *call, uint64_t *live)
{
	struct branch branch;

	for (unsigned i = 0; i < call->count; i++)
		if (branch_parse(flow->tree, call->child[i], &branch) && branch.lvalue &&
				!branch.condition && branch.lvalue->kind == NODE_NAME &&
				branch.lvalue->variable)
			kill(live, branch.lvalue->variable);
}

static void flow_expression(struct flow *flow, struct node *node, uint64_t *live)
{
	struct variable *variable;

	if (!node)
		return;
	if ((variable = assigned(flow, node))) {
		kill(live, variable);
		flow_expression(flow, node->child[1], live);
		return;
	}
	if (node->kind == NODE_PAREN && node->count == 1) {
		flow_expression(flow, node->child[0], live);
	} else if (node->kind == NODE_STATEMENT_EXPRESSION && node->count == 1) {
		flow_statement(flow, node->child[0], live);
	} else if (node_is_operator(flow->tree->source, node, ",")) {
		flow_expression(flow, node->child[1], live);
		flow_expression(flow, node->child[0], live);
	} else if (node_is_operator(flow->tree->source, node, "&&") ||
			node_is_operator(flow->tree->source, node, "||")) {
		uint64_t *without = set_copy(flow, live);

		flow_expression(flow, node->child[1], live);
		set_add_all(flow, live, without);
		flow_expression(flow, node->child[0], live);
	} else if (node->kind == NODE_CONDITIONAL) {
		uint64_t *other = set_copy(flow, live);

		flow_expression(flow, node->child[1], other);
		flow_expression(flow, node->child[2], live);
		set_add_all(flow, live, other);
		flow_expression(flow, node->child[0], live);
	} else if (!node->has_await) {
		use_all(node, live);
	} else if (node->kind == NODE_AWAIT) {
		kill_targets(flow, node_strip(node->child[0]), live);
		hoist_all(flow, live);
		flow_operands(flow, node, live);
	} else {
		flow_operands(flow, node, live);
	}
}

static uint64_t *label_live(struct flow *flow, const char *name)
{
	struct label_live *label;

	for (label = flow->labels; label; label = label->next)
		if (label->name == name)
			return label->live;
	label = arena_zalloc(&flow->tree->arena, sizeof *label);
	label->name = name;
	label->live = set_make(flow);
	label->next = flow->labels;
	flow->labels = label;
	return label->live;
}

/* Repeats `around` until the set at the loop's head grows no more. */
static void flow_loop(struct flow *flow, struct node *node, uint64_t *live)
{
	struct node *condition = node->kind == NODE_FOR ? node->child[1]
			: node->kind == NODE_WHILE      ? node->child[0]
							: node->child[1];
	struct node *body = node->kind == NODE_FOR ? node->child[3]
			: node->kind == NODE_WHILE ? node->child[1]
						   : node->child[0];
	struct node *step = node->kind == NODE_FOR ? node->child[2] : NULL;
	uint64_t *outer_break = flow->on_break, *outer_continue = flow->on_continue;
	uint64_t *after = set_copy(flow, live), *head = set_make(flow), *again = set_make(flow);
	bool grown;

	if (node->kind == NODE_FOR && !condition)
		set_clear(flow, live); /* the condition does not leave it */
	do {
		uint64_t *at = set_copy(flow, live);

		flow->on_break = after;
		flow->on_continue = again;
		/* at: before the condition, if the loop is left or goes on */
		set_add_all(flow, at, head);
		if (node->kind == NODE_DO) {
			flow_expression(flow, condition, at);
			grown = set_add_all(flow, again, at);
			flow_statement(flow, body, at);
		} else {
			flow_expression(flow, condition, at);
			memcpy(again, at, flow->words * sizeof *at);
			flow_expression(flow, step, again);
			at = set_copy(flow, again);
			flow_statement(flow, body, at);
			grown = false;
		}
		grown |= set_add_all(flow, head, at);
	} while (grown);
	flow->on_break = outer_break;
	flow->on_continue = outer_continue;
	set_add_all(flow, live, head);
	if (node->kind == NODE_DO)
		memcpy(live, head, flow->words * sizeof *live);
	else
		flow_expression(flow, condition, live);
	if (node->kind == NODE_FOR && node->child[0]) {
		if (node_is_statement(node->child[0]))
			flow_statement(flow, node->child[0], live);
		else
			flow_expression(flow, node->child[0], live);
	}
}

static void flow_switch(struct flow *flow, struct node *node, uint64_t *live)
{
	uint64_t *outer_break = flow->on_break, *outer_cases = flow->cases;
	uint64_t *after = set_copy(flow, live), *cases = set_copy(flow, live);

	flow->on_break = after;
	flow->cases = cases;
	flow_statement(flow, node->child[1], live);
	flow->on_break = outer_break;
	flow->cases = outer_cases;
	memcpy(live, cases, flow->words * sizeof *live);
	flow_expression(flow, node->child[0], live);
}

static void flow_if(struct flow *flow, struct node *node, uint64_t *live)
{
	uint64_t *other = set_copy(flow, live);

	flow_statement(flow, node->child[1], live);
	if (node->child[2])
		flow_statement(flow, node->child[2], other);
	set_add_all(flow, live, other);
	flow_expression(flow, node->child[0], live);
}

static void flow_statement(struct flow *flow, struct node *node, uint64_t *live)
{
	bool awaits_at_end = node_awaits_at_end(node);

	if (awaits_at_end)
		hoist_all(flow, live);
	flow->awaiting_ends += awaits_at_end;
	flow_inside(flow, node, live);
	flow->awaiting_ends -= awaits_at_end;
	if (flow->awaiting_ends &&
			(node->kind == NODE_GOTO || node->kind == NODE_BREAK ||
					node->kind == NODE_CONTINUE))
		hoist_all(flow, live); /* it may leave such a block */
}

static void flow_inside(struct flow *flow, struct node *node, uint64_t *live)
{
	switch (node->kind) {
	case NODE_BLOCK:
		for (unsigned i = node->count; i-- > 0;)
			flow_statement(flow, node->child[i], live);
		break;
	case NODE_DECLARATION:
		for (unsigned i = node->count; i-- > 0;) {
			struct variable *variable = node->child[i]->variable;

			if (variable)
				kill(live, variable);
			if (node->child[i]->count)
				flow_expression(flow, node->child[i]->child[0], live);
		}
		break;
	case NODE_IF:
		flow_if(flow, node, live);
		break;
	case NODE_SWITCH:
		flow_switch(flow, node, live);
		break;
	case NODE_WHILE:
	case NODE_DO:
	case NODE_FOR:
		flow_loop(flow, node, live);
		break;
	case NODE_GOTO:
		memcpy(live, label_live(flow, node->name), flow->words * sizeof *live);
		break;
	case NODE_LABEL:
		flow_statement(flow, node->child[0], live);
		flow->changed |= set_add_all(flow, label_live(flow, node->name), live);
		break;
	case NODE_CASE:
		flow_statement(flow, node->child[0], live);
		set_add_all(flow, flow->cases, live);
		break;
	case NODE_BREAK:
		memcpy(live, flow->on_break, flow->words * sizeof *live);
		break;
	case NODE_CONTINUE:
		memcpy(live, flow->on_continue, flow->words * sizeof *live);
		break;
	case NODE_RETURN:
		set_clear(flow, live);
		if (node->count)
			flow_expression(flow, node->child[0], live);
		break;
	case NODE_DEFER: /* its variables are hoisted anyway */
		break;
	default:
		flow_expression(flow, node, live);
	}
}

/* What runs when a block is left needs its variables then. */
static void take_addresses(struct node *node)
{
	if (node->kind == NODE_NAME && node->variable)
		node->variable->address_taken = true;
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			take_addresses(node->child[i]);
}

static void find_defers(struct node *node)
{
	if (node->kind == NODE_DEFER)
		take_addresses(node);
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			find_defers(node->child[i]);
}

/* A literal whose address lasts as long as its block moves, if there is an await in that block. Returns
 * whether there is one below. */
static bool find_literals(struct tree *tree, struct node *node, bool block_awaits)
{
	bool found = false;

	if (node->kind == NODE_BLOCK || node->kind == NODE_FOR)
		block_awaits = node->has_await;
	if (node->kind == NODE_COMPOUND_LITERAL && block_awaits) {
		const struct node *up = node->parent;
		bool moves = type_is_array(node->type);

		while (up && (up->kind == NODE_PAREN || up->kind == NODE_EXPRESSION) && !moves &&
				up->count == 1) {
			moves = type_is_array(up->type);
			up = up->parent;
		}
		if (up && up->kind == NODE_UNARY && source_is_at(tree->source, up->begin, "&"))
			moves = true;
		node->moves = moves;
		found = moves;
	}
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			found |= find_literals(tree, node->child[i], block_awaits);
	node->has_statement |= found;
	return found;
}

void locals_find_hoisted(struct tree *tree, struct function *function)
{
	struct flow flow = {
		.tree = tree, .function = function, .words = function->variable_count / 64 + 1
	};

	find_literals(tree, function->body, false);
	if (!function->body->has_await)
		return;
	find_defers(function->body);
	flow.variables = arena_zalloc(
			&tree->arena, (function->variable_count + 1) * sizeof *flow.variables);
	for (struct variable *v = function->variables; v; v = v->next)
		flow.variables[v->index] = v;
	do {
		flow.changed = false;
		flow_statement(&flow, function->body, set_make(&flow));
	} while (flow.changed);
	for (struct variable *v = function->variables; v; v = v->next) {
		bool awaits = v->block && v->block->has_await;

		if (v->parameter >= 0 || v->is_static)
			v->hoisted = false;
		else if (v->future)
			v->hoisted = true;
		else if (awaits && (v->address_taken || v->is_volatile || v->cleanup))
			v->hoisted = true;
	}
}
