/* SPDX-License-Identifier: MIT */
/*
 * compiler/marks.c: what a declaration says beside its type: attributes, and that it is a future.
 */
#include <string.h>

#include "compiler/tree_parts.h"

static enum CXChildVisitResult visit_annotation(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	if (cursor.kind == CXCursor_AnnotateAttr) {
		CXString string = clang_getCursorSpelling(cursor);

		*(bool *)data |= strcmp(clang_getCString(string), "weft_blocking") == 0;
		clang_disposeString(string);
	}
	return CXChildVisit_Continue;
}

bool is_marked_blocking(CXCursor function)
{
	bool marked = false;

	clang_visitChildren(function, visit_annotation, &marked);
	return marked;
}

const char *cleanup_of(struct tree *tree, const struct node *node)
{
	const struct source *source = tree->source;

	for (size_t i = source_token(source, node->begin);
			i < source->token_count && source->tokens[i].begin < node->end; i++)
		if ((source_token_is(source, i, "cleanup") ||
				    source_token_is(source, i, "__cleanup__")) &&
				source_token_is(source, i + 1, "("))
			return arena_copy(&tree->arena, source->text + source->tokens[i + 2].begin,
					source->tokens[i + 2].end - source->tokens[i + 2].begin);
	return NULL;
}

/* weft_future(f) x; is __typeof__(weft_future_of_((const void *)(f))) x; */
const struct function *future_of(struct tree *tree, const struct node *node)
{
	const struct source *source = tree->source;
	size_t i = source_token(source, node->variable->name_at);

	/* back to the specifiers, which the first declarator has and the others share */
	while (i > 0 && !source_token_is(source, i, "weft_future_of_"))
		if (source_token_is(source, --i, ";") || source_token_is(source, i, "{") ||
				source_token_is(source, i, "}"))
			return NULL;
	for (; i < source->token_count && source->tokens[i].begin < node->variable->name_at; i++) {
		const struct token *token = &source->tokens[i];
		const struct function *function = token->kind == TOKEN_WORD
				? tree_find(tree, source->text + token->begin,
						  token->end - token->begin)
				: NULL;

		if (function && function->is_async)
			return function;
	}
	return NULL;
}
