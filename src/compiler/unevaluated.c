/* SPDX-License-Identifier: MIT */
/*
 * compiler/unevaluated.c: operands that are only looked at.
 *
 * An await in the operand of sizeof, typeof and their like stands for the type of its result: in its place
 * comes a call of nothing that gives this type, ((__typeof__(T) (*)(void))0)(), and nothing is awaited.
 * What _Generic and __builtin_choose_expr choose among is evaluated or not; the compiler decides that
 * after us.
 *
 * How         The regions are noted while a body's tokens are walked, as a stack, since they nest. What is
 *             innermost decides of the length of an array, which even sizeof evaluates; else being inside
 *             of one that is never evaluated does.
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/tree_parts.h"

/* A word whose operand is looked at and not evaluated. */
static bool looks_only(const struct source *source, size_t token)
{
	static const char *const words[] = { "typeof", "__typeof__", "__typeof", "typeof_unqual",
		"__typeof_unqual__", "__typeof_unqual", "sizeof", "_Alignof", "alignof",
		"__alignof__", "__alignof", "__builtin_constant_p", "__builtin_classify_type",
		"__builtin_object_size", "__builtin_dynamic_object_size" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (source_token_is(source, token, words[i]))
			return true;
	return false;
}

/* The node that begins there and is `sizeof x` or `_Alignof x`: without parentheses its end is a matter of
 * grammar. */
static const struct node *find_operator(const struct node *node, uint32_t begin)
{
	const struct node *found = NULL;

	if (node->kind == NODE_UNEVALUATED && node->begin == begin)
		return node;
	for (unsigned i = 0; i < node->count && !found; i++)
		if (node->child[i] && node->child[i]->begin <= begin && begin < node->child[i]->end)
			found = find_operator(node->child[i], begin);
	return found;
}

static void push(struct tree *tree, struct operand **innermost, size_t begin, size_t end,
		bool is_choice)
{
	struct operand *operand = arena_zalloc(&tree->arena, sizeof *operand);

	*operand = (struct operand){ *innermost, begin, end, is_choice };
	*innermost = operand;
}

/* The first comma of _Generic(...), or the end. */
static size_t end_of_first(const struct source *source, size_t open, size_t close)
{
	for (size_t i = open + 1; i < close; i++) {
		if (source_token_is(source, i, ","))
			return i;
		if (source->tokens[i].kind == TOKEN_PUNCTUATION &&
				strchr("([{", source->text[source->tokens[i].begin]))
			i = source_match(source, i);
	}
	return close;
}

void unevaluated_note(struct tree *tree, const struct function *function, size_t token,
		struct operand **innermost)
{
	const struct source *source = tree->source;
	const struct node *operator;
	size_t close;

	while (*innermost && (*innermost)->end <= token)
		*innermost = (*innermost)->outer;
	if (source->tokens[token].kind != TOKEN_WORD)
		return;
	close = source_token_is(source, token + 1, "(") ? source_match(source, token + 1)
							: token + 1;
	if (looks_only(source, token)) {
		operator= find_operator(function->body, source->tokens[token].begin);
		push(tree, innermost,
				token, operator? source_token(source, operator->end) : close + 1,
				false);
	} else if (source_token_is(source, token, "_Generic")) {
		push(tree, innermost, token, close, true);
		push(tree, innermost, token, end_of_first(source, token + 1, close), false);
	} else if (source_token_is(source, token, "__builtin_choose_expr")) {
		push(tree, innermost, token, close, true);
	}
}

const struct operand *unevaluated_at(const struct operand *innermost)
{
	for (const struct operand *operand = innermost; operand; operand = operand->outer)
		if (!operand->is_choice)
			return operand;
	return innermost;
}

/* Where libclang shows no node: in attributes, for example. */
static bool substitute_unseen(struct tree *tree, struct function *function, size_t token)
{
	const struct source *source = tree->source;
	const struct token *name = &source->tokens[token + 1];
	const struct function *callee =
			tree_find(tree, source->text + name->begin, name->end - name->begin);
	size_t close = source_match(source, token + 2);

	if (!callee || !callee->is_async || !source_token_is(source, token + 2, "(") ||
			close == source->token_count)
		return false;
	function_substitute(function, source->tokens[token].begin, source->tokens[close].end,
			callee->result);
	return true;
}

size_t unevaluated_await(
		struct tree *tree, struct function *function, size_t token, struct node *awaited)
{
	uint32_t at = tree->source->tokens[token].begin;
	const struct node *call = node_strip(awaited);
	CXType type;

	if (!call && !substitute_unseen(tree, function, token))
		diagnose_error(tree, at, "W004",
				"await in an operand that is not evaluated: write the type that it gives");
	if (!call)
		return token;
	if (call->kind == NODE_CALL ? !call->is_async &&
							!is_builtin_name(call_name(call),
									strlen(call_name(call)))
				    : call->kind != NODE_NAME &&
							!marked_call(awaited, "weft_blocking_")) {
		await_refuse(tree, at, call);
		return token;
	}
	type = call->kind == NODE_NAME ? clang_getResultType(call->variable->future->type)
				       : call->type;
	function_substitute(function, at, awaited->end, type);
	/* no call any more, and nothing to look into */
	awaited->kind = NODE_EXPRESSION;
	awaited->is_async = false;
	awaited->count = 0;
	awaited->begin = at;
	return source_token(tree->source, awaited->end) - 1;
}

/* ---- names ---- */

static bool has_node(const struct node *node, uint32_t begin, uint32_t end)
{
	bool found = node->begin >= begin && node->end <= end;

	for (unsigned i = 0; i < node->count && !found; i++)
		if (node->child[i] && node->child[i]->begin < end && begin < node->child[i]->end)
			found = has_node(node->child[i], begin, end);
	return found;
}

/* Whether there is a node in the operand, so that all of its names have theirs. */
static bool is_shown(const struct function *function, uint32_t begin, uint32_t end)
{
	bool found = has_node(function->body, begin, end);

	for (size_t i = 0; i < function->in_type_count && !found; i++)
		found = has_node(function->in_types[i], begin, end);
	return found;
}

static bool is_word_of(const struct source *source, size_t token, const char *const *words)
{
	for (; *words; words++)
		if (source_token_is(source, token, *words))
			return true;
	return false;
}

/* The innermost variable of the name that is in scope there. */
static struct variable *variable_in_scope(
		const struct source *source, const struct function *function, size_t token)
{
	uint32_t at = source->tokens[token].begin;
	struct variable *found = NULL;

	for (struct variable *v = function->variables; v; v = v->next)
		if (source_token_is(source, token, v->name) && v->name_at < at &&
				(!v->block || (v->block->begin <= at && at < v->block->end)) &&
				(!found || v->name_at > found->name_at))
			found = v;
	return found;
}

/* The variables named between the tokens, which are those of an expression or a type. */
static void find_names(struct tree *tree, struct function *function, size_t begin, size_t end)
{
	static const char *const in_front_of_others[] = { ".", "->", NULL };
	static const char *const operators[] = { "__extension__", "__real__", "__imag__", NULL };
	const struct source *source = tree->source;
	struct variable *variable;

	for (size_t i = begin; i < end; i++) {
		if (source_token_is(source, i, "{")) /* the members of a type */
			i = source_match(source, i);
		else if (source->tokens[i].kind == TOKEN_WORD &&
				!is_word_of(source, i - 1, in_front_of_others) &&
				(source->tokens[i - 1].kind != TOKEN_WORD ||
						looks_only(source, i - 1) ||
						is_word_of(source, i - 1, operators)) &&
				(variable = variable_in_scope(source, function, i)))
			function_name(tree, function, source->tokens[i].begin, variable);
	}
}

void unevaluated_find_names(struct tree *tree, struct function *function)
{
	const struct source *source = tree->source;
	size_t first = source_token(source, function->body_begin);

	if (!function->is_async)
		return;
	for (size_t i = first; i < source->token_count && source->tokens[i].begin < function->end;
			i++) {
		size_t end = i + 2;

		if (source->tokens[i].kind != TOKEN_WORD || !looks_only(source, i) ||
				find_operator(function->body, source->tokens[i].begin))
			continue;
		if (source_token_is(source, i + 1, "("))
			end = source_match(source, i + 1);
		if (end < source->token_count &&
				!is_shown(function, source->tokens[i + 1].begin,
						source->tokens[end].end)) {
			find_names(tree, function, i + 1, end);
			i = end - 1;
		}
	}
}
