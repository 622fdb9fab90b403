/* SPDX-License-Identifier: MIT */
/*
 * compiler/types.c: the types of parameters, results and temporaries.
 *
 * Declarations are copied from the source. Only where there is none to copy is a type spelled: with the
 * typedef names of the source, so that their attributes stay, and always inside of __typeof__(...), so
 * that no declarator has to be put together.
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/machine.h"

static const char *arithmetic(enum CXTypeKind kind)
{
	switch (kind) {
	case CXType_Bool:
		return "_Bool";
	case CXType_Char_U:
	case CXType_Char_S:
		return "char";
	case CXType_SChar:
		return "signed char";
	case CXType_UChar:
		return "unsigned char";
	case CXType_Short:
		return "short";
	case CXType_UShort:
		return "unsigned short";
	case CXType_Int:
		return "int";
	case CXType_UInt:
		return "unsigned";
	case CXType_Long:
		return "long";
	case CXType_ULong:
		return "unsigned long";
	case CXType_LongLong:
		return "long long";
	case CXType_ULongLong:
		return "unsigned long long";
	case CXType_Int128:
		return "__int128";
	case CXType_UInt128:
		return "unsigned __int128";
	case CXType_Float:
		return "float";
	case CXType_Double:
		return "double";
	case CXType_LongDouble:
		return "long double";
	case CXType_Float128:
		return "__float128";
	default:
		return NULL;
	}
}

static enum CXVisitorResult visit_field(CXCursor field, CXClientData data)
{
	bool *found = data;
	CXType type = clang_getCanonicalType(clang_getCursorType(field));

	while (type_is_array(type))
		type = clang_getCanonicalType(clang_getArrayElementType(type));
	*found |= clang_isConstQualifiedType(type) || type_has_const_member(type);
	return *found ? CXVisit_Break : CXVisit_Continue;
}

bool type_has_const_member(CXType type)
{
	bool found = false;

	type = clang_getCanonicalType(type);
	if (type.kind == CXType_Record)
		clang_Type_visitFields(type, visit_field, &found);
	return found;
}

/* The type declared inside of the function that has a name at file scope, or NULL. */
static const struct local_type *local_type(const struct function *function, CXCursor declared)
{
	unsigned at;

	if (!function || clang_Cursor_isNull(declared))
		return NULL;
	clang_getFileLocation(clang_getCursorLocation(clang_getCanonicalCursor(declared)), NULL,
			NULL, NULL, &at);
	for (size_t i = 0; i < function->type_count; i++)
		if (function->types[i].declared_at == at && function->types[i].lifted &&
				function->types[i].is_typedef ==
						(declared.kind == CXCursor_TypedefDecl))
			return &function->types[i];
	return NULL;
}

static const char *enum_text(CXType canonical)
{
	CXType integer = clang_getEnumDeclIntegerType(clang_getTypeDeclaration(canonical));

	return arithmetic(clang_getCanonicalType(integer).kind);
}

static const char *tag_word(CXType type)
{
	CXCursor declared = clang_getTypeDeclaration(clang_getCanonicalType(type));

	return declared.kind == CXCursor_EnumDecl             ? "enum"
			: declared.kind == CXCursor_UnionDecl ? "union"
							      : "struct";
}

static const char *with_const(struct tree *tree, CXType type, const char *text)
{
	return clang_isConstQualifiedType(type) ? arena_printf(&tree->arena, "const %s", text)
						: text;
}

static bool is_function(CXType type)
{
	type = clang_getCanonicalType(type);
	return type.kind == CXType_FunctionProto || type.kind == CXType_FunctionNoProto;
}

/* __typeof__(element)[count] */
static const char *array_text(
		struct tree *tree, const struct function *function, uint32_t at, CXType type)
{
	const char *element = type_text(tree, function, at, clang_getArrayElementType(type));

	if (type.kind == CXType_ConstantArray)
		return arena_printf(&tree->arena, "__typeof__(%s)[%lld]", element,
				clang_getArraySize(type));
	return arena_printf(&tree->arena, "__typeof__(%s)[]", element);
}

const char *type_text(struct tree *tree, const struct function *function, uint32_t at, CXType type)
{
	CXType canonical = clang_getCanonicalType(type);
	const struct local_type *local = local_type(function, clang_getTypeDeclaration(type));
	const char *name;

	if (local && local->is_typedef)
		return with_const(tree, type, local->lifted);
	if (canonical.kind == CXType_Pointer) {
		if (type_is_async_function(clang_getPointeeType(canonical)))
			return "const struct weft_async *";
		/* a typedef keeps its name; what it says was translated where it stands */
		if (type.kind == CXType_Pointer && !is_function(clang_getPointeeType(type)))
			return arena_printf(&tree->arena, "__typeof__(%s) *%s",
					type_text(tree, function, at, clang_getPointeeType(type)),
					clang_isConstQualifiedType(type) ? " const" : "");
	}
	if (type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray)
		return array_text(tree, function, at, type);
	local = local_type(function, clang_getTypeDeclaration(canonical));
	if (local)
		return with_const(tree, type,
				arena_printf(&tree->arena, "%s %s", tag_word(type), local->lifted));
	name = tree_type_name(tree, type);
	if (strstr(name, "typeof") && !clang_equalTypes(type, canonical))
		return type_text(tree, function, at, canonical); /* of a local's name, perhaps */
	if (machine_names_async(name) || strstr(name, "(unnamed") || strstr(name, "(anonymous")) {
		if (canonical.kind == CXType_Record)
			name = unnamed_text(tree, function, canonical);
		else
			name = canonical.kind == CXType_Enum ? enum_text(canonical) : NULL;
		if (name)
			return with_const(tree, type, name);
		diagnose_error(tree, at, "W030",
				"this type has to be named by a typedef to be used here");
		return "int";
	}
	return name;
}

/* Not by a typedef, whose kind differs between versions of libclang. */
static bool is_array_as_written(CXType type)
{
	return type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray;
}

const char *type_value_text(
		struct tree *tree, const struct function *function, uint32_t at, CXType type)
{
	CXType canonical = clang_getCanonicalType(type);
	const char *name = arithmetic(canonical.kind);

	if (name)
		return name;
	if (canonical.kind == CXType_Enum && (name = enum_text(canonical)))
		return name;
	if (type_is_array(type))
		return arena_printf(&tree->arena, "__typeof__(%s) *",
				type_text(tree, function, at,
						clang_getArrayElementType(is_array_as_written(type)
										? type
										: canonical)));
	if (is_function(canonical))
		return arena_printf(&tree->arena, "__typeof__(%s) *",
				type_text(tree, function, at, canonical));
	if (!clang_isConstQualifiedType(type) && !clang_isVolatileQualifiedType(type))
		return type_text(tree, function, at, type);
	/* a value has no qualifiers */
	if (canonical.kind == CXType_Pointer) {
		CXType pointee = clang_getPointeeType(canonical);

		return type_is_async_function(pointee)
				? type_text(tree, function, at, canonical)
				: arena_printf(&tree->arena, "__typeof__(%s) *",
						  type_text(tree, function, at, pointee));
	}
	name = type_text(tree, function, at, canonical);
	for (;;) {
		if (strncmp(name, "const ", 6) == 0)
			name += 6;
		else if (strncmp(name, "volatile ", 9) == 0)
			name += 9;
		else
			break;
	}
	return name;
}

const char *type_object(
		struct tree *tree, const struct function *function, uint32_t at, CXType type)
{
	return arena_printf(&tree->arena, "(*(__typeof__(%s) *)0)",
			type_text(tree, function, at, type));
}

const char *type_result(
		struct tree *tree, const struct function *function, uint32_t at, CXType type)
{
	return arena_printf(&tree->arena, "((__typeof__(%s) (*)(void))0)()",
			type_is_void(type) ? "void" : type_value_text(tree, function, at, type));
}
