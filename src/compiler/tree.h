/* SPDX-License-Identifier: MIT */
/*
 * compiler/tree.h: what libclang says about a file, as a tree of offsets.
 *
 * The only file that talks to libclang is tree.c; the passes after it see nodes. A node says where its
 * text is and what it is; the text itself is never printed from the tree but copied from the source.
 */
#ifndef WEFT_COMPILER_TREE_H
#define WEFT_COMPILER_TREE_H

#include <clang-c/Index.h>

#include "compiler/applied.h"
#include "compiler/source.h"
#include "compiler/translate.h"

enum node_kind {
	/* expressions; whatever has no kind of its own is copied, with its children lowered in place */
	NODE_EXPRESSION,
	NODE_NAME,
	NODE_CALL, /* callee, arguments */
	NODE_AWAIT,
	NODE_PAREN,
	NODE_UNARY,
	NODE_BINARY,
	NODE_ASSIGN,      /* also op= */
	NODE_CONDITIONAL, /* condition, then (NULL in `a ?: b`), else */
	NODE_COMPOUND_LITERAL,
	NODE_STATEMENT_EXPRESSION,
	NODE_UNEVALUATED, /* sizeof, typeof, _Alignof */
	/* statements */
	NODE_FIRST_STATEMENT,
	NODE_STATEMENT = NODE_FIRST_STATEMENT, /* asm, attributes */
	NODE_BLOCK,
	NODE_DECLARATION, /* of NODE_VARIABLEs */
	NODE_IF,          /* condition, then, else or NULL */
	NODE_SWITCH,      /* operand, body */
	NODE_WHILE,       /* condition, body */
	NODE_DO,          /* body, condition */
	NODE_FOR,         /* start, condition, step (each may be NULL), body */
	NODE_GOTO,
	NODE_COMPUTED_GOTO,
	NODE_CONTINUE,
	NODE_BREAK,
	NODE_RETURN, /* value or none */
	NODE_LABEL,  /* statement */
	NODE_CASE,   /* statement; also default */
	NODE_EMPTY,
	NODE_DEFER, /* statement */
	/* parts of a declaration */
	NODE_VARIABLE /* initialiser or none */
};

struct function;

/* What a weft_future variable holds calls of. */
struct future {
	struct function *function; /* NULL: whatever has the type */
	CXType type;               /* of the function */
	const char *args_struct;   /* without a function: the prefix of its frames */
};

/* A local variable or a parameter. */
struct variable {
	struct variable *next;
	const char *name;
	uint32_t name_at;   /* identifies it */
	struct node *node;  /* NULL: a parameter */
	struct node *block; /* that it is declared in */
	CXType type;
	int parameter; /* its number, or -1 */
	unsigned index;
	bool is_static; /* or extern: it has no place in a frame */
	bool address_taken;
	bool is_volatile;
	const char *cleanup;   /* the function of its attribute */
	struct future *future; /* of a weft_future variable */
	bool hoisted;
	const char *member; /* what stands for it in the frame */
};

struct node {
	enum node_kind kind;
	uint32_t begin, end; /* of a statement: with its semicolon */
	struct node *parent, **child;
	unsigned count;
	CXType type;               /* of an expression, before implicit conversions */
	struct variable *variable; /* NODE_NAME, NODE_VARIABLE */
	struct function *function; /* NODE_NAME of an async function */
	const char *name;          /* what NODE_NAME says; of a label: each has another address */
	bool has_await;            /* here or below */
	bool has_effect;
	bool has_builtin;   /* a call of an async function or of a built-in */
	bool has_statement; /* a statement expression, or a literal that moves into the frame */
	bool is_async;      /* NODE_CALL: of an async function */
	bool moves;         /* NODE_COMPOUND_LITERAL: into the frame */
	bool is_bit_field;  /* NODE_EXPRESSION: a member that is one */
	bool is_taken;      /* NODE_NAME of a future: by what may have one */
	bool is_blocking;   /* NODE_NAME: of a function marked WEFT_BLOCKING */
	bool is_thread_local;
};

/* A use of a local type, enumerator or file-scope type inside a function. */
struct type_use {
	uint32_t at;
	uint32_t declared_at;
};

/* A struct, union, enum or typedef that is declared inside a function. What stands inside of another comes
 * before it. */
struct local_type {
	uint32_t begin, end; /* the specifier with its attributes, or the typedef up to this name */
	uint32_t name_at, name_size;
	uint32_t declared_at; /* of its first declaration: identifies it */
	bool is_typedef, is_anonymous;
	bool names_locals;  /* of a typedef: sizeof, or typeof, of a variable */
	CXType underlying;  /* of a typedef */
	const char *lifted; /* its name at file scope */
	struct {
		uint32_t at, size;
	} * enumerators;
	unsigned enumerator_count;
};

/* What stands for a part of the body wherever that goes: a result of the type. */
struct substitute {
	uint32_t begin, end;
	CXType type;
};

struct declaration {
	uint32_t begin, end; /* a definition's end is where its body begins */
	uint32_t name_at;
	bool is_definition;
	bool is_first; /* of the functions declared there: `int f(void), g(void);` */
};

struct function {
	struct function *next;
	const char *name;
	bool is_async, is_static, is_inline, is_weak, is_variadic, has_prototype, is_defined;
	CXCursor cursor;
	CXType type, result;
	struct declaration *declarations;
	size_t declaration_count, declaration_capacity;
	uint32_t begin, body_begin, end; /* of the definition */
	uint32_t needs; /* no type that it uses is declared at or after this offset */
	struct node *body;
	struct variable *variables, **variables_end;
	unsigned variable_count, parameter_count;
	uint32_t *prototypes; /* where functions that the body declares have their names */
	size_t prototype_count, prototype_capacity;
	struct node **names; /* every use of a variable */
	size_t name_count, name_capacity;
	struct node **in_types; /* operands in the types of declarations: no part of `body` */
	size_t in_type_count, in_type_capacity;
	struct type_use *type_uses;
	size_t type_use_count, type_use_capacity;
	struct local_type *types;
	size_t type_count, type_capacity;
	struct substitute *substitutes;
	size_t substitute_count, substitute_capacity;
	/* what the frames pass finds */
	struct function **callees; /* awaited directly by name */
	size_t callee_count, callee_capacity;
	unsigned order, low; /* for the search of cycles */
	bool on_stack, is_recursive;
	bool args_emitted, frame_emitted, is_foreign; /* declared by the library's macros */
	bool has_foreign_frame;                       /* and so is its frame */
	bool has_now;                                 /* and what may end it at once: f__now */
	bool has_waits; /* and whether it would have to wait: f__waits */
	struct lowered *lowered;
};

/* A declarator with _Async in it that declares no function: a pointer, a member, a typedef. */
struct async_object {
	uint32_t begin, end;
};

struct tree {
	struct source *source;
	const struct translate_options *options;
	struct arena arena;
	struct function *functions, **functions_end; /* async ones, and plain ones that use them */
	struct node **file_names;                    /* async functions named outside functions */
	size_t file_name_count, file_name_capacity;
	uint32_t last_declaration; /* where that of the last function begins */
	unsigned error_count, warning_count;
	struct applied applied; /* what was replaced in the output */
	bool is_inconsistent;   /* edits overlap: a defect of ours */
	bool packs;             /* the file has a #pragma pack */
	CXIndex index;
	CXTranslationUnit unit;
};

/* Parses and builds. 0, -EINVAL (said), -ELIBACC. */
int tree_build(struct tree *tree, struct source *source, const struct translate_options *options);
void tree_free(struct tree *tree);

struct function *tree_find(const struct tree *tree, const char *name, size_t size);

/* Spelled as C; in the tree's arena. */
const char *tree_type_name(struct tree *tree, CXType type);
bool type_is_async_function(CXType type);
bool type_is_async_pointer(CXType type);
/* Of what is called: a function, or a pointer to one. */
CXType type_of_function(CXType type);
bool type_is_aggregate(CXType type);
bool type_is_array(CXType type);

bool node_is_statement(const struct node *node);
/* Whether it is the block of a statement expression: what it ends with is a value. */
bool node_is_value(const struct node *node);
/* The defer that a statement is, behind its labels; NULL: it is none. */
const struct node *node_deferred(const struct node *node);
/* Whether leaving the block awaits: a deferred statement does, or it is that of a weft_scope. */
bool node_awaits_at_end(const struct node *node);
/* Whether it is the declaration of a weft_future, or of several. */
bool node_declares_future(const struct node *node);
bool node_is_loop(const struct node *node); /* for, while, do */
/* Whether it is `a operator b`. */
bool node_is_operator(const struct source *source, const struct node *node, const char *operator);
struct node *node_strip(struct node *node); /* without parentheses around it */
/* The function that a call names, async or not: its text, or "" if it is no name. */
const char *call_name(const struct node *call);
/* What the macros of <weft/async.h> stand for: weft_join_ and its like. */
bool is_builtin_name(const char *name, size_t size);

/* diagnose.c: "file:line:column: error: text [W001]", the line and a caret. */
__attribute__((format(printf, 4, 5))) void diagnose_error(
		struct tree *tree, uint32_t at, const char *code, const char *format, ...);
/* "warning: text [W101, -Wweft-blocking-call]", or an error, or nothing: as the flags say, and a comment
 * there. */
__attribute__((format(printf, 4, 5))) void diagnose_mistake(
		struct tree *tree, uint32_t at, enum mistake mistake, const char *format, ...);

#endif
