/* SPDX-License-Identifier: MIT */
/*
 * compiler/cancel_safety.c: whether a select that cancels an async function may lose something.
 *
 * Why      A leaf that is cancelled had no effect; a function that has done one thing and waits for the
 *          next leaves half of its work behind, and nobody knows which half. Only its author can say
 *          that this is harmless, so W108 asks. But asking everybody teaches to mark without thinking,
 *          and two kinds of functions need no mark.
 * One wait On each way through the function there is one await at most, of something that loses nothing
 *          itself, not in a loop, and before it nothing was done but computing in locals. Cancelled
 *          there, nothing has happened; not cancelled there, it goes through.
 * The end  After the select the program only ends: it stands in `main`, or in a static function that is
 *          named once, where `main` awaits it, and no await, no start of a task and no loop follow.
 *          What the losers lose, the end of the program would have cancelled as well.
 * Both read the order of the text and believe less than they could: what they do not know, loses.
 */
#include <string.h>

#include "compiler/lower.h"

enum { DEPTH_MAX = 16 }; /* of functions that await each other */

static bool is_marked(const struct source *source, const struct function *function)
{
	for (size_t d = 0; d < function->declaration_count; d++)
		for (size_t i = source_token(source, function->declarations[d].begin);
				i < source->token_count &&
				source->tokens[i].begin < function->declarations[d].end;
				i++)
			if (source_token_is(source, i, "\"weft_cancel_safe\""))
				return true;
	return false;
}

bool node_repeats(const struct source *source, const struct node *node)
{
	const struct node *condition = node->kind == NODE_DO ? node->child[1] : NULL;

	return node_is_loop(node) &&
			!(condition && condition->end - condition->begin == 1 &&
					source_is_at(source, condition->begin, "0"));
}

/* ---- one wait ---- */

/* A way through a function, up to a place in it. */
struct way {
	struct tree *tree;
	unsigned depth;
	bool acted, awaited; /* somebody else may have noticed; an await is behind */
	bool loses;
};

static bool way_goes_on(struct way *way, struct node *node);

/* Whether it is one of the library's that, cancelled, may have done a part and says how much. */
static bool is_partial(const char *name)
{
	static const char *const parts[] = { "_all", "_exact", "copy", "flush" };

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

static bool is_safe(struct tree *tree, const struct function *function, unsigned depth)
{
	struct way way = { .tree = tree, .depth = depth };

	if (function->is_foreign)
		return !is_partial(function->name);
	if (is_marked(tree->source, function))
		return true;
	if (!function->body || depth == DEPTH_MAX)
		return false;
	way_goes_on(&way, function->body);
	return !way.loses;
}

static void way_call(struct way *way, struct node *call)
{
	const struct function *function;

	for (unsigned i = 1; i < call->count; i++)
		way_goes_on(way, call->child[i]);
	function = node_strip(call->child[0])->function;
	if (!function || !is_safe(way->tree, function, way->depth + 1))
		way->loses = true;
}

/* A select or a deadline loses what its branches lose; so do they that wait for more than one. */
static void way_branches(struct way *way, struct node *call)
{
	static const char *const of_one[] = { "weft_select_", "weft_select_biased_",
		"weft_timeout_", "weft_deadline_", "weft_with_" };
	bool waits_for_one = false;

	for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++)
		waits_for_one |= strcmp(call_name(call), of_one[i]) == 0;
	if (!waits_for_one)
		way->loses = true;
	for (unsigned i = 1; i < call->count && !way->loses; i++) {
		struct branch branch;

		if (!branch_parse(way->tree, call->child[i], &branch))
			way_goes_on(way, call->child[i]);
		else if (branch.call->kind != NODE_CALL || branch.is_blocking)
			way->loses = true;
		else
			way_call(way, branch.call);
	}
}

static void way_await(struct way *way, struct node *node)
{
	struct node *call = node_strip(node->child[0]);

	if (call->kind != NODE_CALL)
		way->loses = true;
	else if (call->is_async)
		way_call(way, call);
	else
		way_branches(way, call);
	if (way->acted || way->awaited)
		way->loses = true;
	way->awaited = true;
}

/* Goes on in both ways, as far as there are two. */
static void way_merge(struct way *way, const struct way *other)
{
	way->acted |= other->acted;
	way->awaited |= other->awaited;
	way->loses |= other->loses;
}

static bool way_forks(struct way *way, struct node *node)
{
	struct way other;
	bool goes_on, other_goes_on = true;

	way_goes_on(way, node->child[0]);
	other = *way;
	goes_on = way_goes_on(way, node->child[1]);
	if (node->count > 2 && node->child[2])
		other_goes_on = way_goes_on(&other, node->child[2]);
	other.loses |= way->loses;
	if (!goes_on)
		*way = other;
	else if (other_goes_on)
		way_merge(way, &other);
	way->loses |= other.loses;
	return goes_on || other_goes_on;
}

/* To each case from the start, and from the one before it unless that ends. */
static void way_switch(struct way *way, struct node *node)
{
	struct node *body = node->child[1];
	struct way start, end;
	bool goes_on = false;

	way_goes_on(way, node->child[0]);
	start = end = *way;
	for (unsigned i = 0; body->kind == NODE_BLOCK && i < body->count; i++) {
		struct node *child = body->child[i];

		if (child->kind == NODE_CASE) {
			struct way before = *way;

			*way = start;
			if (goes_on)
				way_merge(way, &before);
			goes_on = true;
			while (child->kind == NODE_CASE)
				child = child->child[0];
		}
		if (goes_on)
			goes_on = child->kind != NODE_BREAK && way_goes_on(way, child);

		way_merge(&end, way);
	}
	if (body->kind != NODE_BLOCK)
		end.loses = true;
	*way = end;
}

/* `x = 1` and `x++`, where x is a local that nobody else knows, are no action. */
static void way_store(struct way *way, const struct node *node)
{
	const struct node *place = node_strip(node->child[0]);

	if (place->kind != NODE_NAME || !place->variable || place->variable->is_static ||
			place->variable->is_volatile)
		way->acted = true;
}

static bool way_children(struct way *way, struct node *node)
{
	bool goes_on = true;

	for (unsigned i = 0; i < node->count && goes_on; i++)
		if (node->child[i])
			goes_on = way_goes_on(way, node->child[i]);
	return goes_on;
}

/* Whether what follows the node is on the way. */
static bool way_goes_on(struct way *way, struct node *node)
{
	switch (node->kind) {
	case NODE_UNEVALUATED:
		return true;
	case NODE_AWAIT:
		way_await(way, node);
		return true;
	case NODE_IF:
		return way_forks(way, node);
	case NODE_SWITCH:
		way_switch(way, node);
		return true;
	case NODE_STATEMENT_EXPRESSION: /* evaluated or not */
		way_children(way, node);
		return true;
	case NODE_RETURN:
		way_children(way, node);
		return false;
	case NODE_DO:
		if (!node_repeats(way->tree->source, node))
			return way_goes_on(way, node->child[0]);
		/* fall through */
	case NODE_FOR:
	case NODE_WHILE:
	case NODE_DEFER:
		way->loses |= node->has_await;
		way->acted |= node->has_effect;
		return true;
	case NODE_CASE:  /* not where a switch has its cases */
	case NODE_LABEL: /* a loop, perhaps */
	case NODE_GOTO:
	case NODE_COMPUTED_GOTO:
		way->loses = true;
		return true;
	case NODE_STATEMENT: /* assembly */
	case NODE_CALL:
		way_children(way, node);
		way->acted = true;
		return true;
	case NODE_ASSIGN:
		way_children(way, node);
		way_store(way, node);
		return true;
	case NODE_UNARY:
		way_children(way, node);
		if (node->has_effect && !node->child[0]->has_effect)
			way_store(way, node);
		return true;
	case NODE_VARIABLE:
		way->loses |= node->has_await && node->variable && node->variable->future;
		way->acted |= node->variable && node->variable->cleanup;
		return way_children(way, node);
	case NODE_NAME:
		way->acted |= node->has_effect;
		return true;
	default:
		return way_children(way, node);
	}
}

/* ---- the end ---- */

static bool has_label(const struct node *node)
{
	if (node->kind == NODE_LABEL)
		return true;
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && has_label(node->child[i]))
			return true;
	return false;
}

/* Whether nothing asynchronous comes after it in its function. */
static bool is_last(
		const struct tree *tree, const struct function *function, const struct node *node)
{
	if (has_label(function->body))
		return false;
	for (const struct node *up = node->parent; up; node = up, up = up->parent) {
		bool is_after = false;

		if (node_repeats(tree->source, up) || up->kind == NODE_DEFER ||
				node_awaits_at_end(up))
			return false;
		for (unsigned i = 0; i < up->count; i++) {
			const struct node *child = up->child[i];
			bool is_other_way = up->kind == NODE_IF && i == 2 && up->child[1] == node;

			if (is_after && !is_other_way && child &&
					(child->has_await || child->has_builtin))
				return false;
			is_after |= child == node;
		}
	}
	return true;
}

/* Where functions are named. */
struct uses {
	const struct function *of, *in; /* in which function the last one is */
	const struct node *last;
	unsigned count;
};

static void uses_find(struct uses *uses, const struct function *in, const struct node *node)
{
	if (node->kind == NODE_NAME && node->function == uses->of) {
		uses->count++;
		uses->last = node;
		uses->in = in;
	}
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			uses_find(uses, in, node->child[i]);
}

static bool ends_program(const struct tree *tree, const struct function *function,
		const struct node *node, unsigned depth)
{
	struct uses uses = { .of = function };
	const struct node *call;

	if (!is_last(tree, function, node) || depth == DEPTH_MAX)
		return false;
	if (strcmp(function->name, "main") == 0)
		return true;
	if (!function->is_static)
		return false;
	for (const struct function *f = tree->functions; f; f = f->next)
		if (f->body)
			uses_find(&uses, f, f->body);
	for (size_t i = 0; i < tree->file_name_count; i++)
		if (tree->file_names[i]->function == function)
			return false;
	if (uses.count != 1)
		return false;
	for (call = uses.last->parent; call && call->kind == NODE_PAREN;)
		call = call->parent;
	return call && call->kind == NODE_CALL && call->parent &&
			call->parent->kind == NODE_AWAIT &&
			ends_program(tree, uses.in, call->parent, depth + 1);
}

bool cancel_may_lose(struct tree *tree, const struct function *function, const struct node *select,
		const struct function *branch)
{
	if (branch->is_foreign || is_safe(tree, branch, 0))
		return false;
	return !ends_program(tree, function, select, 0);
}
