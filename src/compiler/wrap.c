/* SPDX-License-Identifier: MIT */
/*
 * compiler/wrap.c: await and defer become nodes; what each node holds is noted; labels of one name are
 * told apart.
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/tree_parts.h"

/* ---- the words of the language ---- */

static void replace_child(struct node *parent, const struct node *old, struct node *new)
{
	for (unsigned i = 0; parent && i < parent->count; i++)
		if (parent->child[i] == old)
			parent->child[i] = new;
}

static void link_parents(struct node *node)
{
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i]) {
			node->child[i]->parent = node;
			link_parents(node->child[i]);
		}
}

/* The innermost node of the kind that begins there: `await f(x).y` awaits f(x). */
static struct node *find_first(struct node *node, enum node_kind kind, uint32_t begin)
{
	struct node *found = NULL;

	for (unsigned i = 0; i < node->count && !found; i++)
		if (node->child[i] && node->child[i]->begin <= begin && begin < node->child[i]->end)
			found = find_first(node->child[i], kind, begin);
	return found || node->begin != begin || node->kind != kind ? found : node;
}

static bool is_future(const struct node *node)
{
	return node->kind == NODE_NAME && node->variable && node->variable->future;
}

/* Also where no node of the body is: in the type of a declaration. */
static struct node *find_in_function(
		const struct function *function, enum node_kind kind, uint32_t begin)
{
	struct node *found = find_first(function->body, kind, begin);

	for (size_t i = 0; i < function->in_type_count && !found; i++)
		found = find_first(function->in_types[i], kind, begin);
	return found;
}

/* Whether anything is known of what begins there. */
static bool is_seen(const struct function *function, uint32_t begin)
{
	for (enum node_kind kind = NODE_EXPRESSION; kind <= NODE_UNEVALUATED; kind++)
		if (find_in_function(function, kind, begin))
			return true;
	return false;
}

/* What the await before stands for: a call; one in parentheses, of a macro, perhaps; or a future. */
static struct node *find_awaited(const struct function *function, uint32_t begin)
{
	struct node *call = find_in_function(function, NODE_CALL, begin), *inside;

	if (!call)
		call = find_in_function(function, NODE_PAREN, begin);
	if (!call)
		call = find_in_function(function, NODE_NAME, begin);
	if (!call || (call->kind == NODE_NAME && !is_future(call)))
		return NULL;
	/* await pick(x)(y): what is picked is async, not who picks */
	for (struct node *up = call; call->kind == NODE_CALL && !call->is_async; up = up->parent)
		if (!up || up->begin != begin)
			break;
		else if (up->kind == NODE_CALL && up->is_async)
			call = up;
	inside = node_strip(call); /* await (f(x)) */
	return call->kind == NODE_PAREN && inside->kind != NODE_CALL &&
					inside->kind != NODE_BINARY && !is_future(inside)
			? NULL
			: call;
}

void await_refuse(struct tree *tree, uint32_t at, const struct node *call)
{
	if (call && *call_name(call))
		diagnose_error(tree, at, "W002", "`%s` is not async: call it without await",
				call_name(call));
	else
		diagnose_error(tree, at, "W002", "await stands before a call of an async function");
}

static struct node *find_statement(struct node *node, uint32_t begin)
{
	for (unsigned i = 0; i < node->count; i++) {
		struct node *child = node->child[i];

		if (!child || begin < child->begin || begin >= child->end)
			continue;
		if (child->begin == begin &&
				(node->kind == NODE_BLOCK || node->kind == NODE_IF ||
						node->kind == NODE_LABEL ||
						node->kind == NODE_CASE || node->kind == NODE_FOR ||
						node->kind == NODE_WHILE || node->kind == NODE_DO))
			return child;
		return find_statement(child, begin);
	}
	return NULL;
}

static struct node *innermost(struct node *node, uint32_t at)
{
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i] && node->child[i]->begin <= at && at < node->child[i]->end)
			return innermost(node->child[i], at);
	return node;
}

/* Also in what a typeof asks for. */
static struct node *innermost_in_function(const struct function *function, uint32_t at)
{
	for (size_t i = 0; i < function->in_type_count; i++)
		if (function->in_types[i]->begin <= at && at < function->in_types[i]->end)
			return innermost(function->in_types[i], at);
	return innermost(function->body, at);
}

/* Whether it is in the brackets of an array's length, not in those of a subscript. */
static bool is_in_length(
		const struct tree *tree, struct function *function, size_t token, size_t first)
{
	const struct source *source = tree->source;
	const struct node *around;
	uint32_t open;

	for (size_t i = token; i-- > first;) {
		char c = source->text[source->tokens[i].begin];

		if (source->tokens[i].kind != TOKEN_PUNCTUATION)
			continue;
		if (strchr(";{}", c))
			return false;
		if (c != '[' || source_match(source, i) <= token)
			continue;
		open = source->tokens[i].begin;
		around = innermost_in_function(function, open);
		return around->kind != NODE_EXPRESSION || around->count != 2 ||
				around->child[0]->end > open;
	}
	return false;
}

/* Whether it is there, which has been said. Even sizeof evaluates the length in it, but not around it. */
static bool refuse_length(struct tree *tree, struct function *function, size_t token,
		const struct operand *operand)
{
	bool found = is_in_length(
			tree, function, token, operand && !operand->is_choice ? operand->begin : 0);

	if (found)
		diagnose_error(tree, tree->source->tokens[token].begin, "W011",
				"await in the length of an array, which would be variable in scope of "
				"it: allocate it");
	return found;
}

static void wrap_await(struct tree *tree, struct function *function, size_t token)
{
	const struct source *source = tree->source;
	uint32_t at = source->tokens[token].begin;
	uint32_t begin = source->tokens[token + (token + 1 < source->token_count)].begin;
	struct node *call = find_awaited(function, begin), *node, *up;

	if (!call) {
		await_refuse(tree, at, NULL);
		return;
	}
	node = node_make(tree, NODE_AWAIT, at, call->end);
	node->type = is_future(node_strip(call))
			? clang_getResultType(node_strip(call)->variable->future->type)
			: call->type;
	node_children(tree, node, 1);
	node->child[0] = call;
	up = call->parent;
	replace_child(up, call, node);
	node->parent = up;
	call->parent = node;
	for (; up && up->begin == begin; up = up->parent)
		up->begin = at;
}

/* Returns the last token of what the await, which stands for a type, stands before. */
static size_t wrap_type(struct tree *tree, struct function *function, size_t token)
{
	const struct source *source = tree->source;
	uint32_t begin = source->tokens[token + (token + 1 < source->token_count)].begin;
	struct node *call = find_awaited(function, begin);

	if (call || !is_seen(function, begin))
		return unevaluated_await(tree, function, token, call);
	await_refuse(tree, source->tokens[token].begin, NULL);
	return token;
}

static void wrap_awaits(struct tree *tree, struct function *function, size_t first)
{
	const struct source *source = tree->source;
	struct operand *innermost = NULL;
	const struct operand *operand;

	for (size_t i = first; i < source->token_count && source->tokens[i].begin < function->end;
			i++) {
		unevaluated_note(tree, function, i, &innermost);
		if (!source_token_is(source, i, "_Await"))
			continue;
		operand = unevaluated_at(innermost);
		if (refuse_length(tree, function, i, operand))
			continue;
		if (operand && operand->is_choice)
			diagnose_error(tree, source->tokens[i].begin, "W004",
					"await in an operand that may not be evaluated: await it before");
		else if (operand)
			i = wrap_type(tree, function, i);
		else
			wrap_await(tree, function, i);
	}
}

static void wrap_defer(struct tree *tree, struct function *function, size_t token)
{
	const struct source *source = tree->source;
	uint32_t at = source->tokens[token].begin;
	uint32_t begin = token + 1 < source->token_count ? source->tokens[token + 1].begin : at;
	struct node *statement = find_statement(function->body, begin), *node, *up;

	if (!statement || statement->kind == NODE_DECLARATION) {
		diagnose_error(tree, at, "W020",
				"defer stands before a statement, and this is none");
		return;
	}
	node = node_make(tree, NODE_DEFER, at, statement->end);
	node_children(tree, node, 1);
	node->child[0] = statement;
	up = statement->parent;
	replace_child(up, statement, node);
	node->parent = up;
	statement->parent = node;
	for (; up && up->begin == begin; up = up->parent)
		up->begin = at;
}

static uint32_t after_semicolon(const struct source *source, uint32_t end)
{
	size_t next = source_token(source, end);

	return source_token_is(source, next, ";") ? source->tokens[next].end : end;
}

/* Statements end with their semicolon. */
static void end_statements(const struct source *source, struct node *node)
{
	for (unsigned i = 0; i < node->count; i++) {
		struct node *child = node->child[i];

		if (!child)
			continue;
		end_statements(source, child);
		bool in_statement = node->kind == NODE_BLOCK || node->kind == NODE_LABEL ||
				node->kind == NODE_CASE || node->kind == NODE_DEFER ||
				(node->kind == NODE_IF && i > 0) ||
				(node->kind == NODE_FOR && i == 3) ||
				(node->kind == NODE_WHILE && i == 1) ||
				(node->kind == NODE_DO && i == 0) ||
				(node->kind == NODE_SWITCH && i == 1);
		bool has_own = child->kind == NODE_BLOCK || child->kind == NODE_EMPTY ||
				child->kind == NODE_DECLARATION || child->kind == NODE_IF ||
				child->kind == NODE_FOR || child->kind == NODE_WHILE ||
				child->kind == NODE_SWITCH || child->kind == NODE_LABEL ||
				child->kind == NODE_CASE || child->kind == NODE_DEFER;

		if (in_statement && !has_own)
			child->end = after_semicolon(source, child->end);
	}
	if (node->count &&
			(node->kind == NODE_LABEL || node->kind == NODE_CASE ||
					node->kind == NODE_DEFER || node->kind == NODE_IF ||
					node->kind == NODE_FOR || node->kind == NODE_WHILE ||
					node->kind == NODE_SWITCH))
		for (unsigned i = 0; i < node->count; i++)
			if (node->child[i] && node->child[i]->end > node->end)
				node->end = node->child[i]->end;
}

/* The variable cannot be kept in a register: of a member or an element it is that of the whole. */
static void note_address(struct node *operand)
{
	while (operand->kind == NODE_EXPRESSION && operand->count > 0 &&
			clang_getCanonicalType(operand->child[0]->type).kind != CXType_Pointer)
		operand = node_strip(operand->child[0]);
	if (operand->kind == NODE_NAME && operand->variable)
		operand->variable->address_taken = true;
}

/* Which nodes hold an await, have an effect; which variables' addresses are taken; blocks. */
static void annotate(struct tree *tree, struct node *node, struct node *block)
{
	const struct source *source = tree->source;
	struct branch pushed;

	if (node->kind == NODE_VARIABLE && node->variable)
		node->variable->block = block;
	if (node->kind == NODE_BLOCK || node->kind == NODE_FOR)
		block = node;
	node->has_await |= node->kind == NODE_AWAIT ||
			(node->kind == NODE_VARIABLE && node->variable && node->variable->future) ||
			(node->kind == NODE_FOR && node_awaits_at_end(node));
	node->has_effect |= node->kind == NODE_CALL || node->kind == NODE_ASSIGN ||
			node->kind == NODE_AWAIT || node->kind == NODE_STATEMENT_EXPRESSION;
	node->has_statement |= node->kind == NODE_STATEMENT_EXPRESSION;
	node->has_builtin |= node->kind == NODE_CALL &&
			(node->is_async ||
					is_builtin_name(call_name(node), strlen(call_name(node))));
	if (node->kind == NODE_UNARY) {
		size_t operator= operator_token(source, node);
		struct node *operand = node_strip(node->child[0]);

		node->has_effect |= source_token_is(source, operator, "++") ||
				source_token_is(source, operator, "--");
		if (source_token_is(source, operator, "&"))
			note_address(operand);
	}
	if (strcmp(call_name(node), "weft_set_push_") == 0 && node->count == 3 &&
			branch_parse(tree, node->child[2], &pushed) && pushed.lvalue)
		note_address(pushed.lvalue); /* where the result is stored, later */
	if (node->kind == NODE_NAME && node->variable) {
		if (type_is_array(node->variable->type) && node->variable->parameter < 0)
			node->variable->address_taken = true;
		node->has_effect |= node->variable->is_volatile;
	}
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i]) {
			annotate(tree, node->child[i], block);
			node->has_await |= node->child[i]->has_await;
			node->has_effect |= node->child[i]->has_effect;
			node->has_statement |= node->child[i]->has_statement;
			node->has_builtin |= node->child[i]->has_builtin;
		}
	/* a member that is an array gives away the address of the whole */
	if (node->kind == NODE_EXPRESSION && node->count > 0 && type_is_array(node->type))
		note_address(node);
}

/* ---- labels ---- */

struct label_name {
	struct label_name *next;
	const struct node *block; /* whose __label__ declares it, or the body */
	const char *name;
};

/* `{ __label__ out, again; ...` */
static bool declares_label(const struct source *source, const struct node *block, const char *name)
{
	for (size_t i = source_token(source, block->begin) + 1;
			source_token_is(source, i, "__label__"); i++)
		for (; i < source->token_count && !source_token_is(source, i, ";"); i++)
			if (source_token_is(source, i, name))
				return true;
	return false;
}

/* Gives the names of a label and of each goto there one address, which no other label has. */
static void name_labels(struct tree *tree, const struct function *function, struct node *node,
		struct label_name **names)
{
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i])
			name_labels(tree, function, node->child[i], names);
	if (node->kind != NODE_LABEL && node->kind != NODE_GOTO)
		return;

	const struct node *block = node->parent;
	struct label_name *label = *names;

	while (block != function->body &&
			!(block->kind == NODE_BLOCK &&
					declares_label(tree->source, block, node->name)))
		block = block->parent;
	while (label && !(label->block == block && strcmp(label->name, node->name) == 0))
		label = label->next;
	if (!label) {
		label = arena_zalloc(&tree->arena, sizeof *label);
		*label = (struct label_name){ *names, block, node->name };
		*names = label;
	}
	node->name = label->name;
}

void wrap_body(struct tree *tree, struct function *function)
{
	const struct source *source = tree->source;
	size_t first = source_token(source, function->body_begin);
	struct label_name *labels = NULL;

	link_parents(function->body);
	name_labels(tree, function, function->body, &labels);
	for (size_t i = 0; i < function->in_type_count; i++)
		link_parents(function->in_types[i]);
	wrap_awaits(tree, function, first);
	end_statements(source, function->body);
	for (size_t i = first; i < source->token_count && source->tokens[i].begin < function->end;
			i++)
		if (source_token_is(source, i, "_Defer"))
			wrap_defer(tree, function, i);
	annotate(tree, function->body, NULL);
	unevaluated_find_names(tree, function);
}
