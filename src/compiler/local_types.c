/* SPDX-License-Identifier: MIT */
/*
 * compiler/local_types.c: types that are declared inside of a function, and where their names are used.
 *
 * They are noted while the tree is built, inner ones first; lift.c moves them to file scope.
 */
#include <string.h>

#include "compiler/tree_parts.h"

struct finder {
	struct tree *tree; /* NULL: in a parameter */
	struct function *function;
	bool names_locals; /* something in there is a local variable */
};

bool function_holds(const struct function *function, uint32_t offset)
{
	return function && offset >= function->begin && offset < function->end;
}

bool is_type_declaration(CXCursor cursor)
{
	return cursor.kind == CXCursor_StructDecl || cursor.kind == CXCursor_UnionDecl ||
			cursor.kind == CXCursor_EnumDecl || cursor.kind == CXCursor_TypedefDecl;
}

static uint32_t declared_at(CXCursor declaration)
{
	return location_offset(clang_getCursorLocation(clang_getCanonicalCursor(declaration)));
}

static void note_need(struct function *function, CXCursor declared)
{
	uint32_t end = cursor_end(declared);

	if (end > function->needs)
		function->needs = end;
}

void local_types_note_value(struct function *function, CXType type)
{
	bool is_whole = true;
	CXCursor declared;

	for (; type.kind == CXType_Pointer || type.kind == CXType_ConstantArray;
			type = type.kind == CXType_Pointer ? clang_getPointeeType(type)
							   : clang_getArrayElementType(type))
		is_whole &= type.kind != CXType_Pointer;
	if (!function || type.kind <= CXType_LastBuiltin)
		return;
	declared = clang_getTypeDeclaration(type);
	if (declared.kind == CXCursor_NoDeclFound ||
			(!is_whole && declared.kind != CXCursor_TypedefDecl))
		return;
	if (!function_holds(function, cursor_begin(declared)))
		note_need(function, declared);
}

void local_types_note_use(struct function *function, CXCursor cursor)
{
	CXCursor declared = clang_getCursorReferenced(cursor);
	uint32_t at = location_offset(clang_getCursorLocation(declared));

	if (!function || clang_Cursor_isNull(declared))
		return;
	if (!function_holds(function, at) || at < function->body_begin) {
		note_need(function, declared);
		return;
	}
	function->type_uses = grow(function->type_uses, function->type_use_count,
			&function->type_use_capacity, sizeof *function->type_uses);
	function->type_uses[function->type_use_count++] =
			(struct type_use){ location_offset(clang_getCursorLocation(cursor)),
				declared_at(declared) };
}

static enum CXChildVisitResult visit_enumerator(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct finder *finder = data;
	struct local_type *type = &finder->function->types[finder->function->type_count - 1];
	const char *name = cursor_name(finder->tree, cursor);

	(void)parent;
	if (cursor.kind == CXCursor_EnumConstantDecl) {
		type->enumerators[type->enumerator_count].at =
				location_offset(clang_getCursorLocation(cursor));
		type->enumerators[type->enumerator_count++].size = (uint32_t)strlen(name);
	}
	return CXChildVisit_Continue;
}

static enum CXChildVisitResult count_enumerator(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	*(size_t *)data += cursor.kind == CXCursor_EnumConstantDecl;
	return CXChildVisit_Continue;
}

static enum CXChildVisitResult visit_uses(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct finder *finder = data;
	CXCursor referenced = clang_getCursorReferenced(cursor);
	struct variable *variable;

	(void)parent;
	if (cursor.kind == CXCursor_TypeRef ||
			(cursor.kind == CXCursor_DeclRefExpr &&
					referenced.kind == CXCursor_EnumConstantDecl))
		local_types_note_use(finder->function, cursor);
	else if (cursor.kind == CXCursor_DeclRefExpr && finder->tree &&
			(variable = variable_at(finder->function, declared_at(referenced)))) {
		finder->names_locals = true;
		function_name(finder->tree, finder->function, cursor_begin(cursor), variable);
	}
	return CXChildVisit_Recurse;
}

/* A member without a name has to keep its type without a name in its place. */
static enum CXChildVisitResult visit_members(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct finder *finder = data;

	(void)parent;
	if (is_type_declaration(cursor) && !clang_Cursor_isAnonymousRecordDecl(cursor))
		local_types_note(finder->tree, finder->function, cursor);
	else if (is_type_declaration(cursor))
		clang_visitChildren(cursor, visit_members, finder);
	return CXChildVisit_Continue;
}

/* The end of a specifier, with the attributes behind it. */
static uint32_t specifier_end(const struct source *source, uint32_t end)
{
	for (size_t i = source_token(source, end); source_token_is(source, i, "__attribute__") ||
			source_token_is(source, i, "__attribute");
			i++) {
		i = source_match(source, i + 1);
		if (i == source->token_count)
			break;
		end = source->tokens[i].end;
	}
	return end;
}

/* A type that is declared inside a function. */
void local_types_note(struct tree *tree, struct function *function, CXCursor cursor)
{
	bool is_typedef = cursor.kind == CXCursor_TypedefDecl;
	struct local_type *type;
	const char *name = cursor_name(tree, cursor);
	uint32_t name_at = location_offset(clang_getCursorLocation(cursor));
	struct finder finder = { .tree = tree, .function = function };
	size_t count = 0;

	for (size_t i = 0; i < function->type_count; i++)
		if (function->types[i].name_at == name_at &&
				function->types[i].is_typedef == is_typedef)
			return;
	clang_visitChildren(cursor, visit_members, &finder);
	function->types = grow(function->types, function->type_count, &function->type_capacity,
			sizeof *function->types);
	type = &function->types[function->type_count++];
	memset(type, 0, sizeof *type);
	type->begin = is_typedef ? source_with_attributes(tree->source, cursor_begin(cursor))
				 : cursor_begin(cursor);
	type->end = cursor_end(cursor);
	type->name_at = name_at;
	type->name_size = (uint32_t)strlen(name);
	type->declared_at = declared_at(cursor);
	type->is_typedef = is_typedef;
	type->is_anonymous = !is_typedef && (!*name || name_at == cursor_begin(cursor));
	if (is_typedef)
		type->underlying = clang_getTypedefDeclUnderlyingType(cursor);
	else if (clang_isCursorDefinition(cursor))
		type->end = specifier_end(tree->source, type->end);
	clang_visitChildren(cursor, count_enumerator, &count);
	type->enumerators = arena_zalloc(&tree->arena, (count + 1) * sizeof *type->enumerators);
	clang_visitChildren(cursor, visit_enumerator, &finder);
	clang_visitChildren(cursor, visit_uses, &finder);
	type->names_locals = finder.names_locals;
}

void local_types_note_uses(struct function *function, CXCursor cursor)
{
	struct finder finder = { .function = function };

	clang_visitChildren(cursor, visit_uses, &finder);
}
