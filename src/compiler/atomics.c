/* SPDX-License-Identifier: MIT */
/*
 * compiler/atomics.c: __atomic_load(...) and its like as calls.
 *
 * Why         libclang shows them without a kind of their own, although they have an effect. And clang
 *             refuses those of gcc's <stdatomic.h> on what is _Atomic, so the parser sees macros in their
 *             place (parse.c): all that a macro is made of then begins at its name, and ends there, before
 *             the arguments, of which some are shown twice.
 * How         What begins at such a name becomes a call of it, with each argument once, from left to
 *             right. The nodes of a macro's body begin there, too, and are taken apart in the same way
 *             before.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/tree_parts.h"
#include "compiler/words.h"

static bool names_atomic(const struct source *source, size_t token)
{
	const char *text = source->text + source->tokens[token].begin;

	return token + 1 < source->token_count && source->tokens[token].kind == TOKEN_WORD &&
			(starts_with(text, "__atomic_") || starts_with(text, "__c11_atomic_")) &&
			source_token_is(source, token + 1, "(");
}

static int compare_begins(const void *a, const void *b)
{
	const struct node *const *left = a, *const *right = b;

	return (*left)->begin < (*right)->begin ? -1 : (*left)->begin > (*right)->begin;
}

/* The arguments in the node, or the node as one, are added. */
static void add_arguments(struct node *call, uint32_t name_end, struct node *node)
{
	if (node->begin >= name_end) {
		call->child[call->count++] = node;
		return;
	}
	for (unsigned i = 1; node->kind == NODE_CALL && i < node->count; i++)
		call->child[call->count++] = node->child[i];
}

void atomic_call(struct tree *tree, struct node *node)
{
	const struct source *source = tree->source;
	size_t name = source_token(source, node->begin);
	struct node **parts = node->child;
	unsigned part_count = node->count, count = 1;
	size_t close;

	if (name >= source->token_count || source->tokens[name].begin != node->begin ||
			!names_atomic(source, name))
		return;
	close = source_match(source, name + 1);
	if (close == source->token_count || node->end > source->tokens[close].end)
		return; /* it only begins with one */
	for (unsigned i = 0; i < part_count; i++)
		count += 1 + parts[i]->count;
	node_children(tree, node, count);
	node->kind = NODE_CALL;
	node->end = source->tokens[close].end;
	node->count = 1;
	node->child[0] = node_make(tree, NODE_NAME, node->begin, source->tokens[name].end);
	node->child[0]->type = node->type;
	node->child[0]->name = "";
	for (unsigned i = 0; i < part_count; i++)
		add_arguments(node, node->child[0]->end, parts[i]);
	qsort(node->child + 1, node->count - 1, sizeof *node->child, compare_begins);
	count = node->count;
	node->count = 1;
	for (unsigned i = 1; i < count; i++)
		if (i == 1 || node->child[i]->begin != node->child[node->count - 1]->begin)
			node->child[node->count++] = node->child[i];
}
