/* SPDX-License-Identifier: MIT */
/*
 * compiler/closing.c: streams, sinks, sets and scopes that are left open (W111).
 *
 * Why         What a variable of these kinds has started refers to it, so its block may not be left before
 *             a close has been awaited. A future in a variable and a weft_scope see to that themselves.
 * How         One walk in the order of the text. A variable is open from the first call that makes it
 *             start something; a close makes it closed, and a deferred one for good. Whatever leaves its
 *             block in between is a mistake, said once, where it was opened: the defer belongs before
 *             that. What a block that ends with a jump has closed is open behind it again.
 * Not here    variables whose address goes to who is not of the library, who may close them; members of
 *             structs, which usually outlive the function; and what runs to its end in each way. So a
 *             stream that was asked until 0 came may be closed once more: it costs nothing then.
 */
#include <string.h>

#include "compiler/lower.h"

static const struct kind {
	const char *type; /* of the variable, or of its first member */
	const char *close;
	const char *openers[8]; /* calls that start something */
} kinds[] = {
	{ "struct weft_stream", "weft_stream_close",
			{ "weft_stream_next", "weft_stream_collect", "weft_stream_fold",
					"weft_stream_any", "weft_stream_all", "weft_stream_count",
					"weft_stream_for_each_concurrent", "weft_sink_send_all" } },
	{ "struct weft_sink", "weft_sink_close",
			{ "weft_sink_feed", "weft_sink_flush", "weft_sink_send" } },
	{ "struct weft_set", "weft_set_close",
			{ "weft_set_push_", "weft_set_put", "weft_set_add" } },
	{ "struct weft_join_set", "weft_join_set_close",
			{ "weft_spawn_in_", "weft_spawn_in_on_", "weft_join_set_spawn",
					"weft_join_set_spawn_on", "weft_scope_spawn",
					"weft_scope_spawn_on" } },
	{ "struct weft_scope", "weft_scope_close",
			{ "weft_spawn_in_", "weft_spawn_in_on_", "weft_scope_spawn",
					"weft_scope_spawn_on" } },
};

struct closing {
	struct closing *next;
	const struct variable *variable;
	const struct kind *kind;
	uint32_t opened_at; /* 0: closed */
	bool is_done;       /* closed for good, by somebody else, or complained of */
};

struct walk {
	struct tree *tree;
	struct closing *all;
	unsigned defers; /* around */
};

static enum CXVisitorResult visit_first(CXCursor field, CXClientData data)
{
	*(CXType *)data = clang_getCanonicalType(clang_getCursorType(field));
	return CXVisit_Break;
}

static const struct kind *kind_of_type(struct tree *tree, CXType type)
{
	CXType first = { .kind = CXType_Invalid };

	type = clang_getCanonicalType(type);
	if (type.kind != CXType_Record)
		return NULL;
	clang_Type_visitFields(type, visit_first, &first);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(tree_type_name(tree, type), kinds[i].type) == 0 ||
				(first.kind == CXType_Record && i < 2 &&
						strcmp(tree_type_name(tree, first),
								kinds[i].type) == 0))
			return &kinds[i];
	return NULL;
}

/* The variable of a weft_scope: its end is that of the block, whatever happens. */
static bool closes_itself(const struct variable *variable)
{
	const struct node *around = variable->node ? variable->node->parent->parent : NULL;

	return around && around->kind == NODE_FOR && node_awaits_at_end(around);
}

static void find_variables(struct walk *walk, const struct function *function)
{
	for (const struct variable *v = function->variables; v; v = v->next) {
		const struct kind *kind = v->parameter < 0 && !v->is_static && !closes_itself(v)
				? kind_of_type(walk->tree, v->type)
				: NULL;
		struct closing *closing;

		if (!kind || !v->block)
			continue;
		closing = arena_zalloc(&walk->tree->arena, sizeof *closing);
		closing->variable = v;
		closing->kind = kind;
		closing->next = walk->all;
		walk->all = closing;
	}
}

/* ---- calls ---- */

static bool names(const struct node *node, const struct variable *variable)
{
	if (node->kind == NODE_NAME && node->variable == variable)
		return true;
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && names(node->child[i], variable))
			return true;
	return false;
}

static bool opens(const struct closing *closing, const char *name)
{
	for (size_t i = 0; i < sizeof closing->kind->openers / sizeof *closing->kind->openers &&
			closing->kind->openers[i];
			i++)
		if (strcmp(name, closing->kind->openers[i]) == 0)
			return true;
	return false;
}

static void note_call(struct walk *walk, const struct node *call)
{
	const char *name = call_name(call);

	for (struct closing *c = walk->all; c; c = c->next)
		for (unsigned i = 1; i < call->count; i++) {
			if (!names(call->child[i], c->variable))
				continue;
			if (strncmp(name, "weft_", 5) != 0)
				c->is_done = true; /* somebody else has the address */
			else if (strcmp(name, c->kind->close) == 0) {
				c->opened_at = 0;
				c->is_done |= walk->defers > 0;
			} else if (!c->opened_at && !walk->defers && opens(c, name))
				c->opened_at = call->begin;
			break;
		}
}

/* ---- ways out ---- */

static void say(struct walk *walk, struct closing *closing, uint32_t left_at)
{
	const char *name = closing->variable->name;

	closing->is_done = true;
	diagnose_mistake(walk->tree, closing->opened_at, MISTAKE_UNCLOSED,
			"`%s` is open from here on, and line %u leaves its block without a close: write "
			"`defer await %s(&%s);` before",
			name, source_place(walk->tree->source, left_at).line, closing->kind->close,
			name);
}

static bool is_around(const struct node *outer, const struct node *node)
{
	while (node && node != outer)
		node = node->parent;
	return node != NULL;
}

/* What a break or a continue leaves, or NULL. */
static const struct node *node_left(const struct node *jump)
{
	const struct node *up = jump->parent;

	while (up && !node_is_loop(up) && !(up->kind == NODE_SWITCH && jump->kind == NODE_BREAK))
		up = up->parent;
	return up;
}

static bool is_label(const struct node *node, const char *name)
{
	if (node->kind == NODE_LABEL && node->name == name)
		return true;
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && is_label(node->child[i], name))
			return true;
	return false;
}

/* Whether the jump leaves the block. */
static bool leaves(const struct node *jump, const struct node *block)
{
	switch (jump->kind) {
	case NODE_RETURN:
		return true;
	case NODE_GOTO:
		return !is_label(block, jump->name);
	case NODE_BREAK:
	case NODE_CONTINUE: /* for (declaration; ...) is a block that `continue` stays in */
		return block != node_left(jump) ? is_around(node_left(jump), block)
						: jump->kind == NODE_BREAK;
	default:
		return false;
	}
}

static void note_jump(struct walk *walk, const struct node *node)
{
	for (struct closing *c = walk->all; c; c = c->next)
		if (c->opened_at && !c->is_done && leaves(node, c->variable->block))
			say(walk, c, node->begin);
}

static bool is_jump(const struct node *node)
{
	return node->kind == NODE_RETURN || node->kind == NODE_GOTO || node->kind == NODE_BREAK ||
			node->kind == NODE_CONTINUE;
}

static void walk_node(struct walk *walk, const struct node *node);

/* Behind a block that ends with a jump things are as they were before it. */
static void walk_block(struct walk *walk, const struct node *block)
{
	const struct node *last = block->count ? block->child[block->count - 1] : NULL;
	struct closing *before = NULL;

	for (const struct closing *c = last && is_jump(last) ? walk->all : NULL; c; c = c->next) {
		struct closing *copy = arena_zalloc(&walk->tree->arena, sizeof *copy);

		*copy = (struct closing){ before, c->variable, c->kind, c->opened_at, false };
		before = copy;
	}
	for (unsigned i = 0; i < block->count; i++)
		walk_node(walk, block->child[i]);
	for (struct closing *c = walk->all; c && !(last && is_jump(last)); c = c->next)
		if (c->opened_at && !c->is_done && c->variable->block == block)
			say(walk, c, block->end - 1);
	for (; before; before = before->next)
		for (struct closing *c = walk->all; c; c = c->next)
			if (c->variable == before->variable)
				c->opened_at = before->opened_at;
}

static void walk_node(struct walk *walk, const struct node *node)
{
	if (node->kind == NODE_UNEVALUATED) /* as in the macros that check types */
		return;
	walk->defers += node->kind == NODE_DEFER;
	if (node->kind == NODE_BLOCK)
		walk_block(walk, node);
	else
		for (unsigned i = 0; i < node->count; i++)
			if (node->child[i])
				walk_node(walk, node->child[i]);
	walk->defers -= node->kind == NODE_DEFER;
	if (node->kind == NODE_CALL)
		note_call(walk, node);
	else if (is_jump(node))
		note_jump(walk, node);
}

void check_closing(struct tree *tree, const struct function *function)
{
	struct walk walk = { .tree = tree };

	find_variables(&walk, function);
	if (walk.all)
		walk_node(&walk, function->body);
}
