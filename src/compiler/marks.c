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

struct cleanup {
	struct tree *tree;
	const char *function;
};

/* Of the declarator or of all: the attributes of those beside it are not shown. */
static enum CXChildVisitResult visit_cleanup(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct cleanup *cleanup = data;
	const struct source *source = cleanup->tree->source;
	size_t word;

	(void)parent;
	if (!clang_isAttribute(cursor.kind))
		return CXChildVisit_Continue;
	word = source_token(source, cursor_begin(cursor));
	if ((source_token_is(source, word, "cleanup") ||
			    source_token_is(source, word, "__cleanup__")) &&
			word + 2 < source->token_count)
		cleanup->function = arena_copy(&cleanup->tree->arena,
				source->text + source->tokens[word + 2].begin,
				source->tokens[word + 2].end - source->tokens[word + 2].begin);
	return CXChildVisit_Continue;
}

const char *cleanup_of(struct tree *tree, CXCursor variable)
{
	struct cleanup cleanup = { tree, NULL };
	const struct function *function;

	clang_visitChildren(variable, visit_cleanup, &cleanup);
	function = cleanup.function ? tree_find(tree, cleanup.function, strlen(cleanup.function))
				    : NULL;
	if (function && function->is_async)
		diagnose_error(tree, location_offset(clang_getCursorLocation(variable)), "W023",
				"a cleanup attribute calls `%s`, which is async: write `defer await "
				"%s(...)` after the declaration",
				cleanup.function, cleanup.function);
	return cleanup.function;
}

/* The first async function, or call, in there. */
static const struct node *find_async(const struct node *node)
{
	const struct node *found = NULL;

	if ((node->kind == NODE_CALL && node->is_async) ||
			(node->kind == NODE_NAME && node->function))
		return node;
	for (unsigned i = 0; i < node->count && !found; i++)
		found = node->child[i] ? find_async(node->child[i]) : NULL;
	return found;
}

/* weft_future(f) x; is __typeof__(*(...f... *)weft_future_of_()) x; */
struct future *future_of(struct tree *tree, const struct node *node)
{
	const struct source *source = tree->source;
	size_t i = source_token(source, node->variable->name_at);
	const struct node *async = NULL, *name;
	struct future *future;

	/* back to the specifiers, which the first declarator has and the others share */
	while (i > 0 && !source_token_is(source, i, "weft_future_of_"))
		if (source_token_is(source, --i, ";") || source_token_is(source, i, "{") ||
				source_token_is(source, i, "}"))
			return NULL;
	for (unsigned c = 0; c < node->count && !async; c++)
		async = find_async(node->child[c]);
	future = arena_zalloc(&tree->arena, sizeof *future);
	if (!async) {
		diagnose_error(tree, node->variable->name_at, "W010",
				"weft_future takes an async function, or a call of one");
		return NULL;
	}
	name = async->kind == NODE_CALL ? node_strip(async->child[0]) : async;
	future->function = name->kind == NODE_NAME ? name->function : NULL;
	future->type = type_of_function(
			future->function ? future->function->type : async->child[0]->type);
	return future;
}
