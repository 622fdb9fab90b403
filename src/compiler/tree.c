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
#include "compiler/tree_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- types ---- */

bool type_is_async_function(CXType type)
{
	enum CXCallingConv convention;

	type = clang_getCanonicalType(type);
	if (type.kind != CXType_FunctionProto && type.kind != CXType_FunctionNoProto)
		return false;
	convention = clang_getFunctionTypeCallingConv(type);
	return convention == CXCallingConv_PreserveMost || convention == CXCallingConv_AAPCS_VFP;
}

bool type_is_async_pointer(CXType type)
{
	type = clang_getCanonicalType(type);
	return type.kind == CXType_Pointer && type_is_async_function(clang_getPointeeType(type));
}

CXType type_of_function(CXType type)
{
	type = clang_getCanonicalType(type);
	return type.kind == CXType_Pointer ? clang_getCanonicalType(clang_getPointeeType(type))
					   : type;
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

uint32_t location_offset(CXSourceLocation location)
{
	unsigned offset;

	clang_getFileLocation(location, NULL, NULL, NULL, &offset);
	return offset;
}

uint32_t cursor_begin(CXCursor cursor)
{
	return location_offset(clang_getRangeStart(clang_getCursorExtent(cursor)));
}

uint32_t cursor_end(CXCursor cursor)
{
	return location_offset(clang_getRangeEnd(clang_getCursorExtent(cursor)));
}

const char *cursor_name(struct tree *tree, CXCursor cursor)
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

bool node_is_loop(const struct node *node)
{
	return node->kind == NODE_FOR || node->kind == NODE_WHILE || node->kind == NODE_DO;
}

bool node_is_value(const struct node *node)
{
	return node->kind == NODE_BLOCK && node->parent &&
			node->parent->kind == NODE_STATEMENT_EXPRESSION;
}

bool node_declares_future(const struct node *node)
{
	for (unsigned i = 0; node->kind == NODE_DECLARATION && i < node->count; i++)
		if (node->child[i]->variable && node->child[i]->variable->future)
			return true;
	return false;
}

const struct node *node_deferred(const struct node *node)
{
	while (node->kind == NODE_LABEL || node->kind == NODE_CASE)
		node = node->child[0];
	return node->kind == NODE_DEFER ? node : NULL;
}

bool node_awaits_at_end(const struct node *node)
{
	const struct node *start = node->kind == NODE_FOR ? node->child[0] : NULL;

	if (start && start->kind == NODE_DECLARATION && start->count == 2)
		return strncmp(start->child[1]->variable->name, "weft_scope_of_", 14) == 0;
	for (unsigned i = 0; node->kind == NODE_BLOCK && i < node->count; i++) {
		const struct node *deferred = node_deferred(node->child[i]);

		if ((deferred && deferred->has_await) || node_declares_future(node->child[i]))
			return true;
	}
	return false;
}

bool node_is_operator(const struct source *source, const struct node *node, const char *operator)
{
	return node->kind == NODE_BINARY && node->count == 2 &&
			source_token_is(source,
					source_token(source, node->child[0]->end), operator);
}

struct node *node_strip(struct node *node)
{
	while (node && node->kind == NODE_PAREN && node->count == 1)
		node = node->child[0];
	return node;
}

bool is_builtin_name(const char *name, size_t size)
{
	return size > 6 && memcmp(name, "weft_", 5) == 0 && name[size - 1] == '_';
}

const char *call_name(const struct node *call)
{
	const struct node *callee = call->kind == NODE_CALL ? node_strip(call->child[0]) : NULL;

	return callee && callee->kind == NODE_NAME ? callee->name : "";
}

struct node *node_make(struct tree *tree, enum node_kind kind, uint32_t begin, uint32_t end)
{
	struct node *node = arena_zalloc(&tree->arena, sizeof *node);

	node->kind = kind;
	node->begin = begin;
	node->end = end;
	return node;
}

void node_children(struct tree *tree, struct node *node, unsigned count)
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

struct function *function_of(struct tree *tree, CXCursor cursor)
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

struct variable *variable_at(const struct function *function, uint32_t name_at)
{
	for (struct variable *v = function->variables; v; v = v->next)
		if (v->name_at == name_at)
			return v;
	return NULL;
}

void function_substitute(struct function *function, uint32_t begin, uint32_t end, CXType type)
{
	function->substitutes = grow(function->substitutes, function->substitute_count,
			&function->substitute_capacity, sizeof *function->substitutes);
	function->substitutes[function->substitute_count++] =
			(struct substitute){ begin, end, type };
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

static enum CXChildVisitResult visit_child(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct builder *builder = data;
	struct node *node;

	(void)parent;
	if (clang_isAttribute(cursor.kind))
		return CXChildVisit_Continue;
	if (cursor.kind == CXCursor_TypeRef) {
		local_types_note_use(builder->function, cursor);
		return CXChildVisit_Continue;
	}
	if (is_type_declaration(cursor)) {
		/* A reference to one that is declared elsewhere is no declaration. */
		if (builder->function && function_holds(builder->function, cursor_begin(cursor)) &&
				cursor_begin(cursor) > builder->function->body_begin)
			local_types_note(builder->tree, builder->function, cursor);
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
size_t operator_token(const struct source *source, const struct node *node)
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

static void note_name(struct function *function, struct node *name)
{
	function->names = grow(function->names, function->name_count, &function->name_capacity,
			sizeof *function->names);
	function->names[function->name_count++] = name;
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
	node->is_thread_local = referenced.kind == CXCursor_VarDecl &&
			clang_getCursorTLSKind(referenced) != CXTLS_None;
	if (referenced.kind == CXCursor_FunctionDecl)
		node->is_blocking = is_marked_blocking(referenced);
	if (referenced.kind == CXCursor_EnumConstantDecl)
		local_types_note_use(function, cursor);
	if (function_holds(function, declared_at))
		node->variable = variable_at(function, declared_at);
	if (node->variable || node->function)
		note_name(function, node);
	return node;
}

void function_name(struct tree *tree, struct function *function, uint32_t at,
		struct variable *variable)
{
	const struct source *source = tree->source;
	struct node *name = node_make(
			tree, NODE_NAME, at, source->tokens[source_token(source, at)].end);

	name->name = variable->name;
	name->variable = variable;
	note_name(function, name);
}

static void note_in_type(struct function *function, struct node *node)
{
	function->in_types = grow(function->in_types, function->in_type_count,
			&function->in_type_capacity, sizeof *function->in_types);
	function->in_types[function->in_type_count++] = node;
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
		node->variable->cleanup = cleanup_of(tree, cursor);
		node->variable->future = future_of(tree, node);
	}
	if (!clang_Cursor_isNull(initialiser)) {
		uint32_t begin = cursor_begin(initialiser);

		for (unsigned i = 0; i < node->count; i++)
			if (node->child[i]->begin <= begin && begin < node->child[i]->end)
				value = node->child[i];
	}
	for (unsigned i = 0; i < node->count; i++)
		if (function && node->child[i] != value)
			note_in_type(function, node->child[i]);
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

/* A declaration in the body of what has no place in it: its types may name what has. */
static void build_prototype(struct tree *tree, struct function *function, CXCursor cursor)
{
	struct builder children = { .tree = tree, .function = function };

	if (!function || cursor_begin(cursor) < function->body_begin)
		return;
	if (cursor.kind == CXCursor_FunctionDecl) {
		function->prototypes = grow(function->prototypes, function->prototype_count,
				&function->prototype_capacity, sizeof *function->prototypes);
		function->prototypes[function->prototype_count++] =
				location_offset(clang_getCursorLocation(cursor));
	}
	clang_visitChildren(cursor, visit_child, &children);
	for (size_t i = 0; i < children.count; i++)
		note_in_type(function, children.children[i]);
	free(children.children);
	free(children.cursors);
}

/* Of these libclang visits nothing, which takes it long. */
static bool has_children(enum CXCursorKind kind)
{
	return kind != CXCursor_DeclRefExpr && kind != CXCursor_IntegerLiteral &&
			kind != CXCursor_CharacterLiteral && kind != CXCursor_StringLiteral;
}

static struct node *build(struct tree *tree, struct function *function, CXCursor cursor)
{
	struct builder children = { .tree = tree, .function = function };
	CXSourceRange extent = clang_getCursorExtent(cursor);
	uint32_t begin = location_offset(clang_getRangeStart(extent)),
		 end = location_offset(clang_getRangeEnd(extent));
	enum node_kind kind = kind_of(cursor.kind);
	struct node *node;

	if (cursor.kind == CXCursor_LabelRef || cursor.kind == CXCursor_MemberRef ||
			cursor.kind == CXCursor_FieldDecl)
		return NULL;
	if (cursor.kind == CXCursor_ParmDecl || cursor.kind == CXCursor_FunctionDecl) {
		build_prototype(tree, function, cursor);
		return NULL;
	}
	if (kind == NODE_VARIABLE && function)
		variable_make(tree, function, cursor);
	if (has_children(cursor.kind))
		clang_visitChildren(cursor, visit_child, &children);
	/* what stands for an anonymous member has no place but that of what is in it */
	if (end == 0 && children.count) {
		begin = children.children[0]->begin;
		end = children.children[children.count - 1]->end;
	}
	if (cursor.kind == CXCursor_UnexposedExpr && children.count == 1 &&
			children.children[0]->begin == begin && children.children[0]->end == end) {
		node = children.children[0]; /* an implicit conversion */
	} else if (cursor.kind == CXCursor_UnexposedStmt && children.count == 1 &&
			node_is_statement(children.children[0]) &&
			children.children[0]->kind != NODE_EMPTY) {
		node = children.children[0]; /* a pragma that is about the loop behind it */
	} else {
		node = node_make(tree, kind, begin, end);
		node->type = clang_getCursorType(cursor);
		local_types_note_value(function, node->type);
		node_children(tree, node, (unsigned)children.count);
		for (size_t i = 0; i < children.count; i++) {
			node->child[i] = children.children[i];
			if (node->child[i]->end > node->end) /* one that is behind a macro */
				node->end = node->child[i]->end;
		}
		if (kind == NODE_NAME)
			build_name(tree, function, node, cursor);
		if (cursor.kind == CXCursor_MemberRefExpr)
			node->is_bit_field = clang_Cursor_isBitField(clang_getCursorReferenced(
							     cursor)) != 0;
		if (kind == NODE_CALL && children.count &&
				(type_is_async_pointer(clang_getCursorType(children.cursors[0])) ||
						type_is_async_function(clang_getCursorType(
								children.cursors[0]))))
			node->is_async = true;
		finish(tree, function, node, cursor, &children);
		atomic_call(tree, node);
	}
	free(children.children);
	free(children.cursors);
	return node;
}

void tree_build_object(struct tree *tree, CXCursor cursor)
{
	build(tree, NULL, cursor);
}

void tree_build_body(struct tree *tree, struct function *function)
{
	int count = clang_Cursor_getNumArguments(function->cursor);
	struct builder builder = { .tree = tree, .function = function };

	function->parameter_count = count < 0 ? 0 : (unsigned)count;
	for (int i = 0; i < count; i++) {
		CXCursor argument = clang_Cursor_getArgument(function->cursor, (unsigned)i);
		struct variable *variable = variable_make(tree, function, argument);

		variable->parameter = i;
		local_types_note_uses(function, argument);
	}
	clang_visitChildren(function->cursor, visit_child, &builder);
	for (size_t i = 0; i < builder.count; i++)
		if (builder.children[i]->kind == NODE_BLOCK)
			function->body = builder.children[i];
	free(builder.children);
	free(builder.cursors);
	if (function->body)
		wrap_body(tree, function);
}
