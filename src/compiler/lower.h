/* SPDX-License-Identifier: MIT */
/*
 * compiler/lower.h: what the passes that make C out of nodes share.
 */
#ifndef WEFT_COMPILER_LOWER_H
#define WEFT_COMPILER_LOWER_H

#include "compiler/tree.h"

/* Bytes of the source and what stands for them. */
struct edit {
	uint32_t begin, end;
	const char *text;
};

struct edits {
	struct edit *at;
	size_t count, capacity;
};

void edits_add(struct edits *edits, uint32_t begin, uint32_t end, const char *text);
void edits_sort(struct edits *edits);
/* Whether of any two that are sorted one is inside of the other, or they have nothing in common. */
bool edits_nest(const struct edits *edits);
/* Copies bytes of the source with the edits made. */
void edits_render(const struct edits *edits, const struct source *source, uint32_t begin,
		uint32_t end, struct text *out);

/* `call`, `lvalue = call` or weft_when(condition, one of them). */
struct branch {
	struct node *condition, *lvalue, *call;
	bool is_blocking;
};

/* False: the node is no argument of a built-in. */
bool branch_parse(struct tree *tree, struct node *argument, struct branch *branch);
/* The call in ((void)weft_blocking_(), (call)) and its like; NULL: it is none. */
struct node *marked_call(struct node *node, const char *mark);

/* locals.c: sets `hoisted` of the function's variables, and marks literals that move. */
void locals_find_hoisted(struct tree *tree, struct function *function);

/* checks.c: warnings; after locals_find_hoisted. */
void check_function(struct tree *tree, struct function *function);

/* closing.c: warns of what is open when its block is left. */
void check_closing(struct tree *tree, const struct function *function);

/* cancel_safety.c: whether something is lost, perhaps, if the select in `function` cancels a call of
 * `branch`. */
bool cancel_may_lose(struct tree *tree, const struct function *function, const struct node *select,
		const struct function *branch);

/* Whether the body of a loop may run twice: weft_try is a `do ... while (0)`, and many a macro. */
bool node_repeats(const struct source *source, const struct node *node);

/* Where a struct of the frame gets a member: scopes that do not live at the same time overlap. */
struct scope {
	struct scope *outer, *inner, *next;
	struct text members;
	unsigned serial, first_line, last_line; /* of a scope of the text */
};

/* In front of generated functions whose lines gcov shall not count. (Only then: clang does not put them in
 * line for callers without the attribute.) */
static inline const char *lower_uncounted(const struct tree *tree)
{
	return tree->options->count_lines ? "__attribute__((__no_profile_instrument_function__)) "
					  : "";
}

struct point {
	struct place place;
	const char *member;
	const struct function *child;
	const char *flags;
};

/* What becomes of a function. */
struct lowered {
	struct text lifted; /* types and functions at file scope, before the frame */
	struct text frame;  /* the members after args */
	struct text body;
	struct point *points;
	size_t point_count, point_capacity;
	const struct function **embedded;
	size_t embedded_count, embedded_capacity;
	bool uses_func_name;
};

struct label_home {
	struct label_home *next;
	const char *name;
	struct node *node;
};

/* A function being lowered. */
struct lower {
	struct tree *tree;
	struct source *source;
	struct function *function;
	struct lowered *to;
	struct edits edits;
	struct scope *scope, root;
	unsigned scope_count;
	struct text *out;
	const char *out_file; /* where a debugger is told that the next byte of `out` comes from */
	unsigned out_line;
	size_t out_seen;
	struct layer *layer;
	unsigned serial; /* of temporaries, labels, blocks */
	struct label_home *labels;
};

void lower_function(
		struct tree *tree, struct function *function, const struct edits *async_objects);

/* statement.c */
/* Whether the variable's cleanup attribute is carried out by us, among what its block has deferred. */
bool statement_cleans(const struct variable *variable);
void lower_cleanup(struct lower *lower, const struct variable *variable);
void lower_statement(struct lower *lower, struct node *node);
/* Whether a red zone follows the variable in the frame: builds for the address sanitizer. */
bool statement_guards(const struct lower *lower, const struct variable *variable);
void lower_guard(struct lower *lower, const struct variable *variable);

/* future.c: a future stands only where one is meant. */
void future_check_uses(struct lower *lower, struct node *body);
/* A weft_future: its place in the frame, and its end at that of the block. */
void lower_future(struct lower *lower, const struct variable *variable);

/* declaration.c */
void lower_declaration(struct lower *lower, struct node *node);
bool type_is_variably_modified(CXType type);
/* lift.c: types declared in the body; the edits are sorted before and not after. They are named before. */
void lower_name_types(struct lower *lower);
void lower_lift_types(struct lower *lower);

/* verbatim.c: whether nothing in the statement has to change. */
bool statement_is_verbatim(const struct lower *lower, const struct node *node);
/* Pragmas stand between statements: from `begin` to the next one. */
void lower_pragmas(struct lower *lower, uint32_t begin, const struct node *next);

/* function.c */
struct node *label_node(const struct lower *lower, const char *name);
void lower_sync(struct lower *lower, uint32_t offset);
void lower_scope_push(struct lower *lower);
void lower_scope_enter(struct lower *lower, const struct node *node); /* a scope of the text */
void lower_scope_pop(struct lower *lower);

/* expression.c: emits what has to happen before, returns the text of the value, which has to be used
 * before the next await unless `await_follows`. */
const char *lower_expression(struct lower *lower, struct node *node, bool await_follows);
/* Whether the text of its value, awaits done, still does something. */
bool expression_leaves_effect(struct lower *lower, const struct node *node);
/* Polls a future that is embedded as `member`, whose function is `child`. */
void lower_await_point(struct lower *lower, uint32_t at, const char *member,
		const struct function *child, const char *flags, const char *poll);
const char *lower_render(struct lower *lower, uint32_t begin, uint32_t end);
/* The same for a place in front of the function: a variable's name stands there for its type only. */
void lower_render_outside(struct lower *lower, uint32_t begin, uint32_t end, struct text *out);
/* A variable for a value: in the frame if it has to survive an await. Returns how to write it. */
const char *lower_temporary(struct lower *lower, uint32_t at, CXType type, bool in_frame);

/* Gives what we made (a temporary, an argument, a result) a value, also if it is of a type that C does not
 * assign: a struct with a const member. */
void lower_store(struct text *out, const char *place, CXType type, const char *value);

bool type_is_void(CXType type);

/* types.c: a type as C, to be used inside of __typeof__(...). */
const char *type_text(struct tree *tree, const struct function *function, uint32_t at, CXType type);
/* Without its outermost qualifiers. */
const char *type_value_text(
		struct tree *tree, const struct function *function, uint32_t at, CXType type);

/* unnamed.c: the same for a struct or union without a name. NULL: there are no words for it. */
const char *unnamed_text(struct tree *tree, const struct function *function, CXType type);

/* An object of the type, and a call that gives it, for where it is not evaluated. */
const char *type_object(
		struct tree *tree, const struct function *function, uint32_t at, CXType type);
const char *type_result(
		struct tree *tree, const struct function *function, uint32_t at, CXType type);

bool type_has_const_member(CXType type);

/* function.c: what stands for the name of an async function. */
const char *async_address(struct tree *tree, const struct node *name);

/* frames.c: who awaits whom, cycles, and where frames can be embedded. */
void frames_analyse(struct tree *tree);
bool frames_embeds(const struct tree *tree, const struct function *caller,
		const struct function *callee);

#endif
