/* SPDX-License-Identifier: MIT */
/*
 * compiler/unnamed.c: words for a struct or union without a name.
 *
 * C has none, but what is declared with it has a type: the first object, typedef or member of it is
 * looked for, and the way from there is written as an expression.
 *
 *     struct { struct { int x; } in[2]; } all;       (all.in)[0]
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/tree_parts.h"

struct declarator {
	CXCursor record, found; /* found: null cursor, there is none */
};

/* What is declared by `T x[2], *y`: T. */
static CXType innermost_type(CXType type)
{
	type = clang_getCanonicalType(type);
	while (type.kind == CXType_Pointer || type_is_array(type))
		type = clang_getCanonicalType(type.kind == CXType_Pointer
						? clang_getPointeeType(type)
						: clang_getArrayElementType(type));
	return type;
}

static enum CXChildVisitResult visit_declarator(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct declarator *declarator = data;
	CXType type = cursor.kind == CXCursor_TypedefDecl
			? clang_getTypedefDeclUnderlyingType(cursor)
			: clang_getCursorType(cursor);

	(void)parent;
	if (cursor.kind != CXCursor_VarDecl && cursor.kind != CXCursor_TypedefDecl &&
			cursor.kind != CXCursor_FieldDecl)
		return CXChildVisit_Continue;
	if (!clang_equalCursors(clang_getTypeDeclaration(innermost_type(type)), declarator->record))
		return CXChildVisit_Continue;
	declarator->found = cursor;
	return CXChildVisit_Break;
}

static const char *object_of(struct tree *tree, const struct function *function, CXCursor record);

/* The declarator as an object. */
static const char *declared_object(struct tree *tree, const struct function *function,
		CXCursor declared, CXCursor parent)
{
	const char *name = cursor_name(tree, declared), *outer;

	if (declared.kind == CXCursor_TypedefDecl)
		return arena_printf(&tree->arena, "(*(%s *)0)", name);
	if (declared.kind == CXCursor_FieldDecl) {
		outer = object_of(tree, function, parent);
		return outer ? arena_printf(&tree->arena, "%s.%s", outer, name) : NULL;
	}
	for (const struct variable *v = function ? function->variables : NULL; v; v = v->next)
		if (strcmp(v->name, name) == 0)
			return NULL; /* means that one in the function */
	return name;
}

static const char *object_of(struct tree *tree, const struct function *function, CXCursor record)
{
	CXCursor parent = clang_getCursorSemanticParent(record);
	struct declarator declarator = { record, clang_getNullCursor() };
	const char *text, *tag = cursor_name(tree, record);
	CXType type;

	if (!clang_Cursor_isAnonymous(record) && *tag && !strchr(tag, ' '))
		return arena_printf(&tree->arena, "(*(%s *)0)",
				tree_type_name(tree, clang_getCursorType(record)));
	clang_visitChildren(parent, visit_declarator, &declarator);
	if (clang_Cursor_isNull(declarator.found))
		return NULL;
	text = declared_object(tree, function, declarator.found, parent);
	type = clang_getCanonicalType(declarator.found.kind == CXCursor_TypedefDecl
					? clang_getTypedefDeclUnderlyingType(declarator.found)
					: clang_getCursorType(declarator.found));
	for (; text && (type.kind == CXType_Pointer || type_is_array(type));
			type = clang_getCanonicalType(type.kind == CXType_Pointer
							? clang_getPointeeType(type)
							: clang_getArrayElementType(type)))
		text = arena_printf(&tree->arena, "(%s)[0]", text);
	return text;
}

const char *unnamed_text(struct tree *tree, const struct function *function, CXType type)
{
	const char *object = object_of(
			tree, function, clang_getTypeDeclaration(clang_getCanonicalType(type)));

	/* without the qualifiers of the object */
	return object ? arena_printf(&tree->arena, "__typeof__((void)0, %s)", object) : NULL;
}
