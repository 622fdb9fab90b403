/* SPDX-License-Identifier: MIT */
/*
 * compiler/tree.c: libclang's cursors made into nodes.
 *
 * How         The parser sees the text with _Await and _Defer blanked out (so offsets stay) and with
 *             _Async as a calling convention, which makes async-ness a part of the type: it survives
 *             typedefs, members and `?:`, and mixing up plain and async pointers is an error. Then the
 *             blanked words are put back as nodes around the call, or statement, that they precede.
 * Holes       What libclang does not say is read off the tokens: the operator of an expression, the empty
 *             parts of a `for`, where a statement's semicolon is, `a ?: b`. Implicit conversions are left
 *             out: a node is always something that the user wrote.
 * System      headers as gcc expands them hold what clang cannot parse; the bodies of their inline
 * headers     functions are dropped first, and errors in them do not count.
 */
#include "compiler/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASYNC_CONVENTION = CXCallingConv_PreserveMost };

/* ---- types ---- */

bool type_is_async_function(CXType type)
{
	type = clang_getCanonicalType(type);
	return (type.kind == CXType_FunctionProto || type.kind == CXType_FunctionNoProto) &&
			(int)clang_getFunctionTypeCallingConv(type) == ASYNC_CONVENTION;
}

bool type_is_async_pointer(CXType type)
{
	type = clang_getCanonicalType(type);
	return type.kind == CXType_Pointer && type_is_async_function(clang_getPointeeType(type));
}

bool type_is_array(CXType type)
{
	type = clang_getCanonicalType(type);
	return type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray ||
			type.kind == CXType_VariableArray;
}

bool type_is_aggregate(CXType type)
{
	return type_is_array(type) || clang_getCanonicalType(type).kind == CXType_Record;
}

const char *tree_type_name(struct tree *tree, CXType type)
{
	CXString string = clang_getTypeSpelling(type);
	const char *name = clang_getCString(string);

	name = arena_copy(&tree->arena, name, strlen(name));
	clang_disposeString(string);
	return name;
}

/* ---- places ---- */

static uint32_t location_offset(CXSourceLocation location)
{
	unsigned offset;

	clang_getFileLocation(location, NULL, NULL, NULL, &offset);
	return offset;
}

static uint32_t cursor_begin(CXCursor cursor)
{
	return location_offset(clang_getRangeStart(clang_getCursorExtent(cursor)));
}

static uint32_t cursor_end(CXCursor cursor)
{
	return location_offset(clang_getRangeEnd(clang_getCursorExtent(cursor)));
}

static const char *cursor_name(struct tree *tree, CXCursor cursor)
{
	CXString string = clang_getCursorSpelling(cursor);
	const char *name = clang_getCString(string);

	name = arena_copy(&tree->arena, name, strlen(name));
	clang_disposeString(string);
	return name;
}

/* ---- nodes ---- */

bool node_is_statement(const struct node *node)
{
	return node->kind >= NODE_FIRST_STATEMENT && node->kind != NODE_VARIABLE;
}

struct node *node_strip(struct node *node)
{
	while (node && node->kind == NODE_PAREN && node->count == 1)
		node = node->child[0];
	return node;
}

const char *call_name(const struct node *call)
{
	const struct node *callee = call->kind == NODE_CALL ? node_strip(call->child[0]) : NULL;

	return callee && callee->kind == NODE_NAME ? callee->name : "";
}

static struct node *node_make(struct tree *tree, enum node_kind kind, uint32_t begin, uint32_t end)
{
	struct node *node = arena_zalloc(&tree->arena, sizeof *node);

	node->kind = kind;
	node->begin = begin;
	node->end = end;
	return node;
}

static void node_children(struct tree *tree, struct node *node, unsigned count)
{
	node->child = arena_zalloc(&tree->arena, (count ? count : 1) * sizeof *node->child);
	node->count = count;
}

/* ---- functions and variables ---- */

struct function *tree_find(const struct tree *tree, const char *name, size_t size)
{
	for (struct function *f = tree->functions; f; f = f->next)
		if (strlen(f->name) == size && memcmp(f->name, name, size) == 0)
			return f;
	return NULL;
}

static struct function *function_of(struct tree *tree, CXCursor cursor)
{
	const char *name = cursor_name(tree, cursor);
	struct function *function = tree_find(tree, name, strlen(name));

	if (function)
		return function;
	function = arena_zalloc(&tree->arena, sizeof *function);
	function->name = name;
	function->variables_end = &function->variables;
	*tree->functions_end = function;
	tree->functions_end = &function->next;
	return function;
}

static struct variable *variable_make(struct tree *tree, struct function *function, CXCursor cursor)
{
	struct variable *variable = arena_zalloc(&tree->arena, sizeof *variable);

	variable->name = cursor_name(tree, cursor);
	variable->name_at = location_offset(clang_getCursorLocation(cursor));
	variable->type = clang_getCursorType(cursor);
	variable->parameter = -1;
	variable->index = function->variable_count++;
	*function->variables_end = variable;
	function->variables_end = &variable->next;
	return variable;
}

static struct variable *variable_at(const struct function *function, uint32_t name_at)
{
	for (struct variable *v = function->variables; v; v = v->next)
		if (v->name_at == name_at)
			return v;
	return NULL;
}

/* ---- from cursors to nodes ---- */

struct builder {
	struct tree *tree;
	struct function *function; /* NULL: at file scope */
	struct node **children;    /* of the cursor that is visited */
	size_t count, capacity;
	CXCursor *cursors;
	size_t cursor_capacity;
};

static struct node *build(struct tree *tree, struct function *function, CXCursor cursor);

static bool is_within(const struct function *function, uint32_t offset)
{
	return function && offset >= function->begin && offset < function->end;
}

static void note_type_use(struct function *function, CXCursor cursor)
{
	CXCursor declared = clang_getCursorReferenced(cursor);
	uint32_t declared_at = location_offset(clang_getCursorLocation(declared));

	if (!function || clang_Cursor_isNull(declared))
		return;
	if (!is_within(function, declared_at) || declared_at < function->body_begin) {
		uint32_t end = cursor_end(declared);

		if (end > function->needs)
			function->needs = end;
		return;
	}
	function->type_uses = grow(function->type_uses, function->type_use_count,
			&function->type_use_capacity, sizeof *function->type_uses);
	function->type_uses[function->type_use_count++] =
			(struct type_use){ location_offset(clang_getCursorLocation(cursor)),
				declared_at };
}

static enum CXChildVisitResult visit_enumerator(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct builder *builder = data;
	struct local_type *type = &builder->function->types[builder->function->type_count - 1];
	const char *name = cursor_name(builder->tree, cursor);

	(void)parent;
	if (cursor.kind == CXCursor_EnumConstantDecl && type->enumerator_count < 4096) {
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
	struct builder *builder = data;

	(void)parent;
	if (cursor.kind == CXCursor_TypeRef)
		note_type_use(builder->function, cursor);
	return CXChildVisit_Recurse;
}

/* A type that is declared inside a function. */
static void note_local_type(struct tree *tree, struct function *function, CXCursor cursor)
{
	struct local_type *type;
	const char *name = cursor_name(tree, cursor);
	uint32_t begin = cursor_begin(cursor);
	struct builder builder = { .tree = tree, .function = function };
	size_t count = 0;

	if (!function)
		return;
	for (size_t i = 0; i < function->type_count; i++)
		if (function->types[i].begin == begin &&
				function->types[i].is_typedef ==
						(cursor.kind == CXCursor_TypedefDecl))
			return;
	function->types = grow(function->types, function->type_count, &function->type_capacity,
			sizeof *function->types);
	type = &function->types[function->type_count++];
	memset(type, 0, sizeof *type);
	type->begin = begin;
	type->end = cursor_end(cursor);
	type->name_at = location_offset(clang_getCursorLocation(cursor));
	type->name_size = (uint32_t)strlen(name);
	type->is_typedef = cursor.kind == CXCursor_TypedefDecl;
	type->is_anonymous = !type->is_typedef && (!*name || type->name_at == begin);
	clang_visitChildren(cursor, count_enumerator, &count);
	type->enumerators = arena_zalloc(&tree->arena, (count + 1) * sizeof *type->enumerators);
	clang_visitChildren(cursor, visit_enumerator, &builder);
	clang_visitChildren(cursor, visit_uses, &builder);
}

static bool is_type_declaration(CXCursor cursor)
{
	return cursor.kind == CXCursor_StructDecl || cursor.kind == CXCursor_UnionDecl ||
			cursor.kind == CXCursor_EnumDecl || cursor.kind == CXCursor_TypedefDecl;
}

static enum CXChildVisitResult visit_child(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct builder *builder = data;
	struct node *node;

	(void)parent;
	if (clang_isAttribute(cursor.kind))
		return CXChildVisit_Continue;
	if (cursor.kind == CXCursor_TypeRef) {
		note_type_use(builder->function, cursor);
		return CXChildVisit_Continue;
	}
	if (is_type_declaration(cursor)) {
		/* A reference to one that is declared elsewhere is no declaration. */
		if (builder->function && is_within(builder->function, cursor_begin(cursor)) &&
				cursor_begin(cursor) > builder->function->body_begin)
			note_local_type(builder->tree, builder->function, cursor);
		return CXChildVisit_Continue;
	}
	node = build(builder->tree, builder->function, cursor);
	if (!node)
		return CXChildVisit_Continue;
	if (builder->count >= builder->cursor_capacity)
		builder->cursors = grow(builder->cursors, builder->count, &builder->cursor_capacity,
				sizeof *builder->cursors);
	builder->children = grow(builder->children, builder->count, &builder->capacity,
			sizeof *builder->children);
	builder->cursors[builder->count] = cursor;
	builder->children[builder->count++] = node;
	return CXChildVisit_Continue;
}

static uint32_t after_semicolon(const struct source *source, uint32_t end)
{
	size_t next = source_token(source, end);

	return source_token_is(source, next, ";") ? source->tokens[next].end : end;
}

static enum node_kind kind_of(enum CXCursorKind kind)
{
	switch (kind) {
	case CXCursor_DeclRefExpr:
		return NODE_NAME;
	case CXCursor_CallExpr:
		return NODE_CALL;
	case CXCursor_ParenExpr:
		return NODE_PAREN;
	case CXCursor_UnaryOperator:
		return NODE_UNARY;
	case CXCursor_BinaryOperator:
		return NODE_BINARY;
	case CXCursor_CompoundAssignOperator:
		return NODE_ASSIGN;
	case CXCursor_ConditionalOperator:
		return NODE_CONDITIONAL;
	case CXCursor_CompoundLiteralExpr:
		return NODE_COMPOUND_LITERAL;
	case CXCursor_StmtExpr:
		return NODE_STATEMENT_EXPRESSION;
	case CXCursor_UnaryExpr:
		return NODE_UNEVALUATED;
	case CXCursor_CompoundStmt:
		return NODE_BLOCK;
	case CXCursor_DeclStmt:
		return NODE_DECLARATION;
	case CXCursor_IfStmt:
		return NODE_IF;
	case CXCursor_SwitchStmt:
		return NODE_SWITCH;
	case CXCursor_WhileStmt:
		return NODE_WHILE;
	case CXCursor_DoStmt:
		return NODE_DO;
	case CXCursor_ForStmt:
		return NODE_FOR;
	case CXCursor_GotoStmt:
		return NODE_GOTO;
	case CXCursor_IndirectGotoStmt:
		return NODE_COMPUTED_GOTO;
	case CXCursor_ContinueStmt:
		return NODE_CONTINUE;
	case CXCursor_BreakStmt:
		return NODE_BREAK;
	case CXCursor_ReturnStmt:
		return NODE_RETURN;
	case CXCursor_LabelStmt:
		return NODE_LABEL;
	case CXCursor_CaseStmt:
	case CXCursor_DefaultStmt:
		return NODE_CASE;
	case CXCursor_NullStmt:
		return NODE_EMPTY;
	case CXCursor_VarDecl:
		return NODE_VARIABLE;
	default:
		return clang_isStatement(kind) ? NODE_STATEMENT : NODE_EXPRESSION;
	}
}

/* The operator between two operands, or the token of a unary one. */
static size_t operator_token(const struct source *source, const struct node *node)
{
	if (node->count == 2)
		return source_token(source, node->child[0]->end);
	if (node->count == 1 && node->child[0]->begin == node->begin)
		return source_token(source, node->child[0]->end);
	return source_token(source, node->begin);
}

/* The parts of a `for`, which libclang gives without saying which they are. */
static void arrange_for(struct tree *tree, struct node *node)
{
	const struct source *source = tree->source;
	size_t open = source_token(source, node->begin) + 1, close = source_match(source, open);
	struct node **parts = arena_zalloc(&tree->arena, 4 * sizeof *parts);
	uint32_t semicolon[2] = { 0, 0 };
	int seen = 0;

	for (size_t i = open + 1; i < close && seen < 2; i++) {
		char c = source->text[source->tokens[i].begin];

		if (source->tokens[i].kind != TOKEN_PUNCTUATION)
			continue;
		if (c == '(' || c == '{' || c == '[')
			i = source_match(source, i);
		else if (c == ';')
			semicolon[seen++] = source->tokens[i].begin;
	}
	for (unsigned i = 0; i < node->count; i++) {
		uint32_t begin = node->child[i]->begin;
		int part = i + 1 == node->count && begin >= source->tokens[close].end ? 3
				: begin < semicolon[0]                                ? 0
				: begin < semicolon[1]                                ? 1
										      : 2;

		parts[part] = node->child[i];
	}
	node->child = parts;
	node->count = 4;
}

static struct node *build_name(
		struct tree *tree, struct function *function, struct node *node, CXCursor cursor)
{
	CXCursor referenced = clang_getCursorReferenced(cursor);
	uint32_t declared_at = location_offset(clang_getCursorLocation(referenced));

	node->name = cursor_name(tree, cursor);
	if (referenced.kind == CXCursor_FunctionDecl && type_is_async_function(node->type)) {
		node->function = function_of(tree, referenced);
		if (!function) {
			tree->file_names = grow(tree->file_names, tree->file_name_count,
					&tree->file_name_capacity, sizeof *tree->file_names);
			tree->file_names[tree->file_name_count++] = node;
		}
	}
	if (!function)
		return node;
	if (referenced.kind == CXCursor_EnumConstantDecl)
		note_type_use(function, cursor);
	if (is_within(function, declared_at))
		node->variable = variable_at(function, declared_at);
	if (node->variable || node->function) {
		function->names = grow(function->names, function->name_count,
				&function->name_capacity, sizeof *function->names);
		function->names[function->name_count++] = node;
	}
	return node;
}

static const char *cleanup_of(struct tree *tree, const struct node *node)
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

static void build_variable(
		struct tree *tree, struct function *function, struct node *node, CXCursor cursor)
{
	enum CX_StorageClass storage = clang_Cursor_getStorageClass(cursor);
	CXCursor initialiser = clang_Cursor_getVarDeclInitializer(cursor);
	struct node *value = NULL;

	if (function) {
		node->variable = variable_at(
				function, location_offset(clang_getCursorLocation(cursor)));
		node->variable->node = node;
		node->variable->is_static = storage == CX_SC_Static || storage == CX_SC_Extern;
		node->variable->is_volatile = clang_isVolatileQualifiedType(node->variable->type);
		node->variable->cleanup = cleanup_of(tree, node);
	}
	if (!clang_Cursor_isNull(initialiser)) {
		uint32_t begin = cursor_begin(initialiser);

		for (unsigned i = 0; i < node->count; i++)
			if (node->child[i]->begin <= begin && begin < node->child[i]->end)
				value = node->child[i];
	}
	node->count = value != NULL;
	if (value)
		node->child[0] = value;
}

/* What is not known before the children are. */
static void finish(struct tree *tree, struct function *function, struct node *node, CXCursor cursor,
		struct builder *children)
{
	const struct source *source = tree->source;

	switch (node->kind) {
	case NODE_CONDITIONAL:
		if (node->count == 3 && node->child[0]->begin != node->child[1]->begin)
			break;
		__attribute__((fallthrough));
	case NODE_EXPRESSION: /* `a ?: b` is shown as a, a, a, b */
		if (node->count >= 3 && node->child[0]->begin == node->child[1]->begin &&
				source_token_is(source, source_token(source, node->child[0]->end),
						"?")) {
			node->kind = NODE_CONDITIONAL;
			node->child[2] = node->child[node->count - 1];
			node->child[1] = NULL;
			node->count = 3;
		}
		break;
	case NODE_BINARY:
		if (node->count == 2 && source_token_is(source, operator_token(source, node), "="))
			node->kind = NODE_ASSIGN;
		break;
	case NODE_IF:
		if (node->count == 2)
			node_children(tree, node, 3), node->child[0] = children->children[0],
						      node->child[1] = children->children[1];
		break;
	case NODE_FOR:
		arrange_for(tree, node);
		break;
	case NODE_CASE:
		node->is_default = cursor.kind == CXCursor_DefaultStmt;
		if (node->count > 1)
			node->child[0] = node->child[node->count - 1];
		node->count = 1;
		break;
	case NODE_LABEL:
		node->name = cursor_name(tree, cursor);
		break;
	case NODE_GOTO: {
		size_t label = source_token(source, node->begin) + 1;

		node->name = arena_copy(&tree->arena, source->text + source->tokens[label].begin,
				source->tokens[label].end - source->tokens[label].begin);
		node->count = 0;
		break;
	}
	case NODE_COMPOUND_LITERAL:
	case NODE_VARIABLE:
		if (node->kind == NODE_VARIABLE)
			build_variable(tree, function, node, cursor);
		break;
	default:
		break;
	}
}

static struct node *build(struct tree *tree, struct function *function, CXCursor cursor)
{
	struct builder children = { .tree = tree, .function = function };
	uint32_t begin = cursor_begin(cursor), end = cursor_end(cursor);
	enum node_kind kind = kind_of(cursor.kind);
	struct node *node;

	if (cursor.kind == CXCursor_LabelRef || cursor.kind == CXCursor_MemberRef ||
			cursor.kind == CXCursor_ParmDecl || cursor.kind == CXCursor_FieldDecl ||
			cursor.kind == CXCursor_FunctionDecl)
		return NULL;
	if (kind == NODE_VARIABLE && function)
		variable_make(tree, function, cursor);
	clang_visitChildren(cursor, visit_child, &children);
	if (cursor.kind == CXCursor_UnexposedExpr && children.count == 1 &&
			children.children[0]->begin == begin && children.children[0]->end == end) {
		node = children.children[0]; /* an implicit conversion */
	} else {
		node = node_make(tree, kind, begin, end);
		node->type = clang_getCursorType(cursor);
		node_children(tree, node, (unsigned)children.count);
		if (children.count)
			memcpy(node->child, children.children,
					children.count * sizeof *node->child);
		if (kind == NODE_NAME)
			build_name(tree, function, node, cursor);
		if (kind == NODE_CALL && children.count &&
				(type_is_async_pointer(clang_getCursorType(children.cursors[0])) ||
						type_is_async_function(clang_getCursorType(
								children.cursors[0]))))
			node->is_default = true; /* of a call: it is async */
		finish(tree, function, node, cursor, &children);
	}
	free(children.children);
	free(children.cursors);
	return node;
}

/* ---- the words of the language ---- */

static bool replace_child(struct node *parent, const struct node *old, struct node *new)
{
	for (unsigned i = 0; parent && i < parent->count; i++)
		if (parent->child[i] == old) {
			parent->child[i] = new;
			return true;
		}
	return false;
}

static void link_parents(struct node *node)
{
	for (unsigned i = 0; i < node->count; i++)
		if (node->child[i]) {
			node->child[i]->parent = node;
			link_parents(node->child[i]);
		}
}

/* The innermost node that begins there and is a call, or a marked comma in parentheses. */
static struct node *find_awaited(struct node *node, uint32_t begin)
{
	struct node *found = NULL;

	for (unsigned i = 0; i < node->count && !found; i++)
		if (node->child[i] && node->child[i]->begin <= begin && begin < node->child[i]->end)
			found = find_awaited(node->child[i], begin);
	if (found)
		return found;
	if (node->begin != begin)
		return NULL;
	if (node->kind == NODE_CALL || node->kind == NODE_AWAIT)
		return node;
	if (node->kind == NODE_PAREN)
		return node;
	return NULL;
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

static void wrap_await(struct tree *tree, struct function *function, size_t token)
{
	const struct source *source = tree->source;
	uint32_t at = source->tokens[token].begin;
	uint32_t begin = token + 1 < source->token_count ? source->tokens[token + 1].begin : at;
	struct node *call = find_awaited(function->body, begin), *node, *up;

	if (call && call->kind == NODE_PAREN) { /* await (f(x)) */
		struct node *inside = node_strip(call);

		if (inside->kind != NODE_CALL && inside->kind != NODE_BINARY)
			call = NULL;
	}
	if (!call || call->kind == NODE_AWAIT) {
		diagnose_error(tree, at, "W002", "await stands before a call of an async function");
		return;
	}
	node = node_make(tree, NODE_AWAIT, at, call->end);
	node->type = call->type;
	node_children(tree, node, 1);
	node->child[0] = call;
	up = call->parent;
	replace_child(up, call, node);
	node->parent = up;
	call->parent = node;
	for (; up && up->begin == begin; up = up->parent)
		up->begin = at;
}

static void wrap_defer(struct tree *tree, struct function *function, size_t token)
{
	const struct source *source = tree->source;
	uint32_t at = source->tokens[token].begin;
	uint32_t begin = token + 1 < source->token_count ? source->tokens[token + 1].begin : at;
	struct node *statement = find_statement(function->body, begin), *node, *up;

	if (!statement || statement->kind == NODE_DECLARATION) {
		diagnose_error(tree, at, "W020", "defer stands before a statement in a block");
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

/* Which nodes hold an await, have an effect; which variables' addresses are taken; blocks. */
static void annotate(struct tree *tree, struct node *node, struct node *block)
{
	const struct source *source = tree->source;

	if (node->kind == NODE_VARIABLE && node->variable)
		node->variable->block = block;
	if (node->kind == NODE_BLOCK || node->kind == NODE_FOR)
		block = node;
	node->has_await |= node->kind == NODE_AWAIT;
	node->has_effect |= node->kind == NODE_CALL || node->kind == NODE_ASSIGN ||
			node->kind == NODE_AWAIT || node->kind == NODE_STATEMENT_EXPRESSION;
	node->has_statement |= node->kind == NODE_STATEMENT_EXPRESSION;
	if (node->kind == NODE_UNARY) {
		size_t operator= operator_token(source, node);
		struct node *operand = node_strip(node->child[0]);

		node->has_effect |= source_token_is(source, operator, "++") ||
				source_token_is(source, operator, "--");
		if (source_token_is(source, operator, "&")) {
			/* of a member or an element it is that of the whole */
			while (operand->kind == NODE_EXPRESSION && operand->count > 0 &&
					clang_getCanonicalType(operand->child[0]->type).kind !=
							CXType_Pointer)
				operand = node_strip(operand->child[0]);
			if (operand->kind == NODE_NAME && operand->variable)
				operand->variable->address_taken = true;
		}
	}
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
		}
	/* a member that is an array gives away the address of the whole */
	if (node->kind == NODE_EXPRESSION && node->count > 0 && type_is_array(node->type)) {
		struct node *whole = node;

		while (whole->kind == NODE_EXPRESSION && whole->count > 0 &&
				clang_getCanonicalType(whole->child[0]->type).kind !=
						CXType_Pointer)
			whole = node_strip(whole->child[0]);
		if (whole->kind == NODE_NAME && whole->variable)
			whole->variable->address_taken = true;
	}
}

/* ---- the body of a function ---- */

static bool is_word_of_interest(const struct tree *tree, size_t token)
{
	const struct source *source = tree->source;
	const struct token *t = &source->tokens[token];

	if (t->kind != TOKEN_WORD)
		return false;
	if (source_token_is(source, token, "_Await") || source_token_is(source, token, "_Async") ||
			source_token_is(source, token, "_Defer"))
		return true;
	if (t->end - t->begin > 6 && source->text[t->end - 1] == '_' &&
			memcmp(source->text + t->begin, "weft_", 5) == 0)
		return true;
	const struct function *function =
			tree_find(tree, source->text + t->begin, t->end - t->begin);
	return function && function->is_async;
}

static bool has_words(const struct tree *tree, uint32_t begin, uint32_t end)
{
	for (size_t i = source_token(tree->source, begin);
			i < tree->source->token_count && tree->source->tokens[i].begin < end; i++)
		if (is_word_of_interest(tree, i))
			return true;
	return false;
}

static void build_function(struct tree *tree, struct function *function)
{
	const struct source *source = tree->source;
	int count = clang_Cursor_getNumArguments(function->cursor);
	struct builder builder = { .tree = tree, .function = function };

	function->parameter_count = count < 0 ? 0 : (unsigned)count;
	for (int i = 0; i < count; i++) {
		CXCursor argument = clang_Cursor_getArgument(function->cursor, (unsigned)i);
		struct variable *variable = variable_make(tree, function, argument);

		variable->parameter = i;
		clang_visitChildren(argument, visit_uses, &builder);
	}
	clang_visitChildren(function->cursor, visit_child, &builder);
	for (size_t i = 0; i < builder.count; i++)
		if (builder.children[i]->kind == NODE_BLOCK)
			function->body = builder.children[i];
	free(builder.children);
	free(builder.cursors);
	if (!function->body)
		return;
	link_parents(function->body);
	for (size_t i = source_token(source, function->body_begin);
			i < source->token_count && source->tokens[i].begin < function->end; i++)
		if (source_token_is(source, i, "_Await"))
			wrap_await(tree, function, i);
	end_statements(source, function->body);
	for (size_t i = source_token(source, function->body_begin);
			i < source->token_count && source->tokens[i].begin < function->end; i++)
		if (source_token_is(source, i, "_Defer"))
			wrap_defer(tree, function, i);
	annotate(tree, function->body, NULL);
}

/* ---- the file ---- */

static bool has_async_before(const struct source *source, uint32_t begin, uint32_t end)
{
	for (size_t i = source_token(source, begin);
			i < source->token_count && source->tokens[i].begin < end; i++)
		if (source_token_is(source, i, "_Async"))
			return true;
	return false;
}

static void note_function(struct tree *tree, CXCursor cursor)
{
	CXType type = clang_getCursorType(cursor);
	bool is_async = type_is_async_function(type);
	bool is_definition = clang_isCursorDefinition(cursor);
	uint32_t begin = cursor_begin(cursor), end = cursor_end(cursor);
	struct function *function;
	struct declaration *declaration;
	const struct source *source = tree->source;

	if (strcmp(cursor_name(tree, cursor), "main") ==
			0) /* clang gives main no calling convention */
		is_async = has_async_before(
				source, begin, location_offset(clang_getCursorLocation(cursor)));
	if (!is_async && !(is_definition && has_words(tree, begin, end)))
		return;
	function = function_of(tree, cursor);
	function->is_async = is_async;
	function->is_static |= clang_Cursor_getStorageClass(cursor) == CX_SC_Static;
	function->is_inline |= clang_Cursor_isFunctionInlined(cursor) != 0;
	function->is_variadic = clang_Cursor_isVariadic(cursor) != 0;
	function->has_prototype = clang_getCanonicalType(type).kind == CXType_FunctionProto;
	if (!function->is_defined) {
		function->cursor = cursor;
		function->type = type;
		function->result = clang_getResultType(type);
	}
	for (size_t i = source_token(source, begin);
			i < source->token_count && source->tokens[i].begin < end; i++)
		if (source_token_is(source, i, "weak") || source_token_is(source, i, "__weak__"))
			function->is_weak = true;
		else if (source_token_is(source, i, "{"))
			break;
	function->declarations = grow(function->declarations, function->declaration_count,
			&function->declaration_capacity, sizeof *function->declarations);
	declaration = &function->declarations[function->declaration_count++];
	declaration->begin = begin;
	declaration->end = end;
	declaration->is_definition = is_definition;
	if (is_definition) {
		function->is_defined = true;
		function->cursor = cursor;
		function->begin = begin;
		function->end = end;
		/* the body ends where the definition does, so it begins with the match of its last brace */
		for (size_t i = source_token(source, begin);
				i < source->token_count && source->tokens[i].begin < end; i++) {
			if (source_token_is(source, i, "("))
				i = source_match(source, i);
			else if (source_token_is(source, i, "{")) {
				size_t close = source_match(source, i);

				function->body_begin = source->tokens[i].begin;
				if (close < source->token_count && source->tokens[close].end >= end)
					break;
				i = close;
			}
		}
		declaration->end = function->body_begin;
	}
}

static enum CXChildVisitResult visit_functions(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	if (cursor.kind == CXCursor_FunctionDecl)
		note_function(data, cursor);
	return CXChildVisit_Continue;
}

/* Objects at file scope whose initialisers name async functions. */
static enum CXChildVisitResult visit_objects(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct tree *tree = data;

	(void)parent;
	if (cursor.kind == CXCursor_VarDecl &&
			has_words(tree, cursor_begin(cursor), cursor_end(cursor)))
		build(tree, NULL, cursor);
	if (cursor.kind == CXCursor_StructDecl) {
		/* struct f__frame is complete: somebody's f is written by hand, or by the library */
		const char *name = cursor_name(tree, cursor);
		size_t size = strlen(name);
		struct function *f = NULL;

		if (size > 7 && strcmp(name + size - 7, "__frame") == 0)
			f = tree_find(tree, name, size - 7);
		if (f && clang_isCursorDefinition(cursor))
			f->has_foreign_frame = true;
		f = size > 6 && strcmp(name + size - 6, "__args") == 0
				? tree_find(tree, name, size - 6)
				: NULL;
		if (f && clang_isCursorDefinition(cursor))
			f->is_foreign = true;
	}
	return CXChildVisit_Continue;
}

static bool is_attribute_word(const struct source *source, size_t token)
{
	static const char *const words[] = { "__attribute__", "__attribute", "_Alignas", "__asm__",
		"__asm", "asm", "typeof", "__typeof__", "__typeof", "_Static_assert" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (source_token_is(source, token, words[i]))
			return true;
	return false;
}

static void blank(char *text, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
		if (text[i] != '\n')
			text[i] = ' ';
}

/* What the parser gets: a copy of the same size. */
static char *text_for_parser(const struct source *source)
{
	char *text = malloc(source->size + 1);
	bool has_parameters = false;

	if (!text)
		return NULL;
	memcpy(text, source->text, source->size);
	text[source->size] = '\0';
	for (size_t i = 0; i < source->token_count; i++) {
		const struct token *token = &source->tokens[i];

		if (source_token_is(source, i, "_Await") || source_token_is(source, i, "_Defer"))
			blank(text, token->begin, token->end);
		if (token->kind != TOKEN_PUNCTUATION)
			continue;
		if (source_token_is(source, i, "(")) {
			bool is_attribute = i > 0 && is_attribute_word(source, i - 1);
			size_t close = source_match(source, i);

			if (close < source->token_count &&
					source_place(source, token->begin).system) {
				has_parameters |= !is_attribute;
				i = close;
			}
		} else if (source_token_is(source, i, "{")) {
			size_t close = source_match(source, i);

			if (close == source->token_count ||
					!source_place(source, token->begin).system)
				continue;
			if (has_parameters) {
				blank(text, token->begin, source->tokens[close].end);
				text[token->begin] = ';';
			}
			i = close;
			has_parameters = has_parameters ? false : has_parameters;
		} else if (source_token_is(source, i, ";")) {
			has_parameters = false;
		}
	}
	return text;
}

static void say_parse_errors(struct tree *tree)
{
	for (unsigned i = 0; i < clang_getNumDiagnostics(tree->unit); i++) {
		CXDiagnostic diagnostic = clang_getDiagnostic(tree->unit, i);

		if (clang_getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error) {
			uint32_t at = location_offset(clang_getDiagnosticLocation(diagnostic));
			CXString string = clang_getDiagnosticSpelling(diagnostic);

			if (!source_place(tree->source, at).system)
				diagnose_error(tree, at, NULL, "%s", clang_getCString(string));
			clang_disposeString(string);
		}
		clang_disposeDiagnostic(diagnostic);
	}
}

int tree_build(struct tree *tree, struct source *source, const struct translate_options *options)
{
	/* gcc's types and attributes that clang does not know */
	static const char *const compatibility[] = { "-x", "c", "-w", "-ferror-limit=50",
		"-D_Async=__attribute__((preserve_most))", "-D_Float128=__float128",
		"-D_Float64x=long double", "-D_Float64=double", "-D_Float32x=double",
		"-D_Float32=float", "-D__malloc__(...)=__malloc__" };
	const char *arguments[256];
	int count = 0;
	char *text = text_for_parser(source);
	struct CXUnsavedFile file = { "weftcc.c", text, source->size };
	enum CXErrorCode error;

	memset(tree, 0, sizeof *tree);
	tree->source = source;
	tree->options = options;
	tree->functions_end = &tree->functions;
	for (size_t i = 0; i < sizeof compatibility / sizeof *compatibility; i++)
		arguments[count++] = compatibility[i];
	for (const char *const *flag = options->flags; flag && *flag && count < 255; flag++)
		arguments[count++] = *flag;
	tree->index = clang_createIndex(0, 0);
	error = clang_parseTranslationUnit2(tree->index, file.Filename, arguments, count, &file, 1,
			CXTranslationUnit_None, &tree->unit);
	free(text);
	if (error != CXError_Success) {
		fprintf(stderr, "weftcc: %s: libclang could not parse it at all (error %d)\n",
				options->path, (int)error);
		return -ELIBACC;
	}
	say_parse_errors(tree);
	if (tree->error_count)
		return -EINVAL;

	CXCursor unit = clang_getTranslationUnitCursor(tree->unit);

	clang_visitChildren(unit, visit_functions, tree);
	clang_visitChildren(unit, visit_objects, tree);
	for (struct function *f = tree->functions; f; f = f->next)
		if (f->is_defined)
			build_function(tree, f);
	return tree->error_count ? -EINVAL : 0;
}

void tree_free(struct tree *tree)
{
	for (struct function *f = tree->functions; f; f = f->next) {
		free(f->declarations);
		free(f->names);
		free(f->type_uses);
		free(f->types);
		free(f->callees);
	}
	free(tree->file_names);
	if (tree->unit)
		clang_disposeTranslationUnit(tree->unit);
	if (tree->index)
		clang_disposeIndex(tree->index);
	arena_free(&tree->arena);
}
