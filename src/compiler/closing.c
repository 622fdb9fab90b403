/* SPDX-License-Identifier: MIT */
/*
 * compiler/closing.c: streams, sinks, sets and scopes that are left open (W111).
 *
 * Why         What a variable of these kinds has started refers to it, so its block may not be left before
 *             a close has been awaited. A future in a variable and a weft_scope see to that themselves.
 * How         The ways through the function are followed. A variable is open from the first call that
 *             makes it start something; a close makes it closed, and a deferred one as long as its block
 *             lasts.
 *             Whatever leaves the variable's block while it is open is a mistake, said once, where it was
 *             opened: the defer belongs before that. Where ways meet, it is open if it is by one of them.
 *             A loop is followed twice, a goto until nothing new comes to its label.
 * Believed    An `if` without an else runs, and so does the body of a loop: `if (open) close` is right,
 *             and nobody here knows what `open` says.
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

/* How a variable is at a place: the offset where it was opened, or one of these. */
#define CLOSED 0u
#define DEFERRED UINT32_MAX /* what runs at the end of a block closes it */

struct closing {
	struct closing *next;
	const struct variable *variable;
	const struct kind *kind;
	unsigned index;
	bool is_done; /* closed by somebody else, or complained of */
};

struct label_ways {
	struct label_ways *next;
	const char *name;
	uint32_t *state;
};

/* A state has an entry for each variable; NULL: no way comes here. */
struct walk {
	struct tree *tree;
	struct closing *all;
	unsigned count;
	unsigned defers; /* around */
	uint32_t *now;
	uint32_t **on_break, **on_continue; /* where such ways go on; NULL: none around */
	const uint32_t *cases; /* before the switch around; NULL: none, or no way there */
	bool has_default;
	struct label_ways *labels;
	bool changed; /* a way to a label that was behind us */
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
	const struct node *around = variable->node->parent; /* NULL: in what typeof asks for */

	around = around ? around->parent : NULL;
	return around && around->kind == NODE_FOR && node_awaits_at_end(around);
}

static void find_variables(struct walk *walk, const struct function *function)
{
	for (const struct variable *v = function->variables; v; v = v->next) {
		const struct kind *kind = v->block && !v->is_static && !closes_itself(v)
				? kind_of_type(walk->tree, v->type)
				: NULL;
		struct closing *closing;

		if (!kind)
			continue;
		closing = arena_zalloc(&walk->tree->arena, sizeof *closing);
		closing->variable = v;
		closing->kind = kind;
		closing->index = walk->count++;
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
			uint32_t *state = &walk->now[c->index];

			if (!names(call->child[i], c->variable))
				continue;
			if (strncmp(name, "weft_", 5) != 0)
				c->is_done = true; /* somebody else has the address */
			else if (strcmp(name, c->kind->close) == 0 && walk->defers)
				*state = DEFERRED;
			else if (strcmp(name, c->kind->close) == 0 && *state != DEFERRED)
				*state = CLOSED;
			else if (*state == CLOSED && !walk->defers && opens(c, name))
				*state = call->begin;
			break;
		}
}

/* ---- ways out ---- */

static void say(struct walk *walk, struct closing *closing, uint32_t left_at)
{
	const char *name = closing->variable->name;

	closing->is_done = true;
	diagnose_mistake(walk->tree, walk->now[closing->index], MISTAKE_UNCLOSED,
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

static bool is_open(const struct walk *walk, const struct closing *closing)
{
	uint32_t state = walk->now[closing->index];

	return state != CLOSED && state != DEFERRED && !closing->is_done;
}

/* ---- ways ---- */

static uint32_t *state_copy(struct walk *walk, const uint32_t *state)
{
	uint32_t *copy =
			state ? arena_zalloc(&walk->tree->arena, walk->count * sizeof *copy) : NULL;

	if (copy)
		memcpy(copy, state, walk->count * sizeof *copy);
	return copy;
}

/* Two ways meet. Returns whether the first has become another. */
static bool state_merge(struct walk *walk, uint32_t **into, const uint32_t *from)
{
	bool changed = false;

	if (!from)
		return false;
	if (!*into) {
		*into = state_copy(walk, from);
		return true;
	}
	for (unsigned i = 0; i < walk->count; i++) {
		bool was_open = (*into)[i] != CLOSED && (*into)[i] != DEFERRED;
		bool says_less = from[i] == DEFERRED || (from[i] == CLOSED && (*into)[i] == CLOSED);

		if (was_open || says_less)
			continue;
		(*into)[i] = from[i];
		changed = true;
	}
	return changed;
}

static uint32_t **label_state(struct walk *walk, const char *name)
{
	struct label_ways *label = walk->labels;

	while (label && label->name != name)
		label = label->next;
	if (!label) {
		label = arena_zalloc(&walk->tree->arena, sizeof *label);
		label->name = name;
		label->next = walk->labels;
		walk->labels = label;
	}
	return &label->state;
}

static void walk_jump(struct walk *walk, const struct node *node)
{
	for (struct closing *c = walk->all; c; c = c->next)
		if (is_open(walk, c) && leaves(node, c->variable->block))
			say(walk, c, node->begin);
	if (node->kind == NODE_GOTO)
		walk->changed |= state_merge(walk, label_state(walk, node->name), walk->now);
	else if (node->kind == NODE_BREAK && walk->on_break)
		state_merge(walk, walk->on_break, walk->now);
	else if (node->kind == NODE_CONTINUE && walk->on_continue)
		state_merge(walk, walk->on_continue, walk->now);
	walk->now = NULL;
}

static void walk_node(struct walk *walk, const struct node *node);

static void walk_children(struct walk *walk, const struct node *node)
{
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			walk_node(walk, node->child[i]);
}

static void end_block(struct walk *walk, const struct node *node)
{
	for (struct closing *c = walk->now ? walk->all : NULL; c; c = c->next)
		if (is_open(walk, c) && c->variable->block == node)
			say(walk, c, node->end - 1);
}

/* What it defers has run at its end. */
static void walk_scope(struct walk *walk, const struct node *node)
{
	const uint32_t *before = state_copy(walk, walk->now);

	if (node->kind == NODE_BLOCK)
		walk_children(walk, node);
	else
		walk_node(walk, node);
	end_block(walk, node);
	for (struct closing *c = walk->now ? walk->all : NULL; c; c = c->next)
		if (walk->now[c->index] == DEFERRED && !(before && before[c->index] == DEFERRED))
			walk->now[c->index] = CLOSED;
}

static void walk_if(struct walk *walk, const struct node *node)
{
	uint32_t *before;

	walk_node(walk, node->child[0]);
	before = state_copy(walk, walk->now);
	walk_scope(walk, node->child[1]);
	if (node->child[2]) {
		uint32_t *after = walk->now;

		walk->now = before;
		walk_scope(walk, node->child[2]);
		state_merge(walk, &walk->now, after);
	} else if (!walk->now) {
		walk->now = before;
	}
}

static void walk_switch(struct walk *walk, const struct node *node)
{
	uint32_t **outer_break = walk->on_break, *after = NULL;
	const uint32_t *outer_cases = walk->cases;
	bool outer_default = walk->has_default;

	walk_node(walk, node->child[0]);
	walk->cases = state_copy(walk, walk->now);
	walk->on_break = &after;
	walk->has_default = false;
	walk->now = NULL; /* only a case comes in */
	walk_scope(walk, node->child[1]);
	state_merge(walk, &walk->now, after);
	if (!walk->now && !walk->has_default)
		walk->now = state_copy(walk, walk->cases);
	walk->on_break = outer_break;
	walk->cases = outer_cases;
	walk->has_default = outer_default;
}

/* Once around. Returns how things are when the condition ends it. */
static uint32_t *walk_round(struct walk *walk, const struct node *node)
{
	const struct node *condition = node->child[node->kind == NODE_WHILE ? 0 : 1];
	const struct node *body =
			node->child[node->kind == NODE_FOR ? 3 : node->kind == NODE_WHILE];
	const struct node *step = node->kind == NODE_FOR ? node->child[2] : NULL;
	uint32_t *again = NULL, *end = NULL;

	walk->on_continue = &again;
	if (node->kind != NODE_DO && condition) {
		walk_node(walk, condition);
		end = state_copy(walk, walk->now);
	}
	walk_scope(walk, body);
	state_merge(walk, &walk->now, again);
	if (node->kind == NODE_DO) {
		walk_node(walk, condition);
		end = state_copy(walk, walk->now);
	} else if (step) {
		walk_node(walk, step);
	}
	return end;
}

/* The second time around begins as the first has ended. */
static void walk_loop(struct walk *walk, const struct node *node)
{
	uint32_t **outer_break = walk->on_break, **outer_continue = walk->on_continue;
	uint32_t *after = NULL, *end;

	if (node->kind == NODE_FOR && node->child[0])
		walk_node(walk, node->child[0]);
	walk->on_break = &after;
	end = walk_round(walk, node);
	if (node_awaits_at_end(node)) /* weft_scope */
		end = walk->now;
	else if (walk->now && node_repeats(walk->tree->source, node))
		end = walk_round(walk, node);
	state_merge(walk, &after, end);
	walk->now = after;
	end_block(walk, node);
	walk->on_break = outer_break;
	walk->on_continue = outer_continue;
}

static void walk_case(struct walk *walk, const struct node *node)
{
	walk->has_default |= source_is_at(walk->tree->source, node->begin, "default");
	state_merge(walk, &walk->now, walk->cases);
	walk_children(walk, node);
}

/* A part of an expression that leaves the function may not be evaluated. */
static void walk_expression(struct walk *walk, const struct node *node)
{
	for (unsigned i = 0; i < node->count; i++) {
		uint32_t *before = state_copy(walk, walk->now);

		if (node->child[i])
			walk_node(walk, node->child[i]);
		if (!walk->now && i > 0)
			walk->now = before;
	}
	if (node->kind == NODE_CALL && walk->now)
		note_call(walk, node);
}

static void walk_variable(struct walk *walk, const struct node *node)
{
	for (const struct closing *c = walk->now ? walk->all : NULL; c; c = c->next)
		if (c->variable == node->variable)
			walk->now[c->index] = CLOSED;
	walk_children(walk, node);
}

static void walk_statement(struct walk *walk, const struct node *node)
{
	switch (node->kind) {
	case NODE_BLOCK:
		walk_scope(walk, node);
		break;
	case NODE_IF:
		walk_if(walk, node);
		break;
	case NODE_SWITCH:
		walk_switch(walk, node);
		break;
	case NODE_FOR:
	case NODE_WHILE:
	case NODE_DO:
		walk_loop(walk, node);
		break;
	case NODE_CASE:
		walk_case(walk, node);
		break;
	case NODE_LABEL:
		state_merge(walk, &walk->now, *label_state(walk, node->name));
		walk_children(walk, node);
		break;
	case NODE_RETURN:
	case NODE_GOTO:
	case NODE_BREAK:
	case NODE_CONTINUE:
		walk_children(walk, node);
		if (walk->now)
			walk_jump(walk, node);
		break;
	default:
		walk->defers += node->kind == NODE_DEFER;
		walk_children(walk, node);
		walk->defers -= node->kind == NODE_DEFER;
	}
}

static void walk_node(struct walk *walk, const struct node *node)
{
	if (node->kind == NODE_VARIABLE)
		walk_variable(walk, node);
	else if (node_is_statement(node))
		walk_statement(walk, node);
	else if (node->kind != NODE_UNEVALUATED) /* as in the macros that check types */
		walk_expression(walk, node);
}

void check_closing(struct tree *tree, const struct function *function)
{
	struct walk walk = { .tree = tree };

	find_variables(&walk, function);
	if (!walk.all)
		return;
	do {
		walk.changed = false;
		walk.now = arena_zalloc(&tree->arena, walk.count * sizeof *walk.now);
		walk_node(&walk, function->body);
	} while (walk.changed);
}
