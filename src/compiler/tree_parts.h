/* SPDX-License-Identifier: MIT */
/*
 * compiler/tree_parts.h: what parse.c (files), tree.c (nodes) and wrap.c (their words) share.
 */
#ifndef WEFT_COMPILER_TREE_PARTS_H
#define WEFT_COMPILER_TREE_PARTS_H

#include "compiler/tree.h"

/* tree.c */
struct variable *variable_at(const struct function *function, uint32_t name_at);
/* Another use of a variable, of which no node is shown. */
void function_name(struct tree *tree, struct function *function, uint32_t at,
		struct variable *variable);
uint32_t location_offset(CXSourceLocation location);
uint32_t cursor_begin(CXCursor cursor);
uint32_t cursor_end(CXCursor cursor);
const char *cursor_name(struct tree *tree, CXCursor cursor);
struct node *node_make(struct tree *tree, enum node_kind kind, uint32_t begin, uint32_t end);
void node_children(struct tree *tree, struct node *node, unsigned count);
struct function *function_of(struct tree *tree, CXCursor cursor);
/* What an object at file scope is initialised with. */
void tree_build_object(struct tree *tree, CXCursor cursor);
/* Parameters and body. */
void tree_build_body(struct tree *tree, struct function *function);
/* The operator between two operands, or the token of a unary one. */
size_t operator_token(const struct source *source, const struct node *node);

/* marks.c: the function of a cleanup attribute; that of a weft_future; WEFT_BLOCKING. */
const char *cleanup_of(struct tree *tree, CXCursor variable);
struct future *future_of(struct tree *tree, const struct node *node);
bool is_marked_blocking(CXCursor function);

/* A result of the type stands for that part of the body from now on. */
void function_substitute(struct function *function, uint32_t begin, uint32_t end, CXType type);

/* atomics.c: makes a call of the node if it is that of a built-in for atomics. */
void atomic_call(struct tree *tree, struct node *node);

/* local_types.c: what a function declares, or names, of types. */
bool is_type_declaration(CXCursor cursor);
bool function_holds(const struct function *function, uint32_t offset);
void local_types_note(struct tree *tree, struct function *function, CXCursor cursor);
void local_types_note_use(struct function *function, CXCursor cursor);
/* A value of the type is used, whose name is not. */
void local_types_note_value(struct function *function, CXType type);
/* All uses in there. */
void local_types_note_uses(struct function *function, CXCursor cursor);

/* wrap.c: puts the words of the language into a body, and notes what its nodes hold. */
void wrap_body(struct tree *tree, struct function *function);
/* W002: there is no async call behind the await. `call` is what is there, or NULL. */
void await_refuse(struct tree *tree, uint32_t at, const struct node *call);

/* unevaluated.c: an operand that is never evaluated, or chosen among others: tokens [begin, end) */
struct operand {
	struct operand *outer;
	size_t begin, end;
	bool is_choice;
};

/* To be called with each token of the body: which operand is around the next one. */
void unevaluated_note(struct tree *tree, const struct function *function, size_t token,
		struct operand **innermost);
/* Notes the names of variables in operands that libclang does not show: in attributes, and where _Generic
 * names types. */
void unevaluated_find_names(struct tree *tree, struct function *function);
/* What decides there: never evaluated, or else chosen; NULL: evaluated. */
const struct operand *unevaluated_at(const struct operand *innermost);
/* The await at `token` stands for the type of its result. Returns the last token that it stands before. */
size_t unevaluated_await(
		struct tree *tree, struct function *function, size_t token, struct node *awaited);

#endif
