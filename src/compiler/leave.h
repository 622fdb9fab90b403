/* SPDX-License-Identifier: MIT */
/*
 * compiler/leave.h: what encloses a statement, and the ways out of it.
 */
#ifndef WEFT_COMPILER_LEAVE_H
#define WEFT_COMPILER_LEAVE_H

#include "compiler/lower.h"

enum layer_kind { LAYER_BLOCK, LAYER_LOOP, LAYER_SWITCH, LAYER_TASKS, LAYER_DEFERRED };
enum leave_kind { LEAVE_RETURN, LEAVE_BREAK, LEAVE_CONTINUE, LEAVE_GOTO };

struct deferred {
	struct node *statement; /* NULL: text */
	const char *text;
	const char *tasks; /* of a weft_scope: the scope's name */
	const struct variable *future;
	uint32_t at; /* of the declaration, or of the defer */
};

struct leave {
	enum leave_kind kind;
	const char *label;
	size_t remaining; /* what was deferred before a label in the block itself: it stays */
};

/* What encloses the statement that is being lowered. */
struct layer {
	struct layer *outer;
	enum layer_kind kind;
	struct node *node;
	unsigned serial;
	struct deferred *deferred;
	size_t deferred_count, deferred_capacity;
	struct leave *leaves;
	size_t leave_count, leave_capacity;
	const char *why; /* the variable that says why the block is left; NULL: it ends the function */
	bool continue_by_goto, break_by_goto;
};

struct layer *layer_push(struct lower *lower, enum layer_kind kind, struct node *node);
void layer_pop(struct lower *lower);

/* A block, or a `for` whose declaration defers: `defers` is whether it is left by way of what it has
 * deferred, `awaits` whether there is an await in that. */
struct layer *layer_enter_block(struct lower *lower, struct node *node, bool defers, bool awaits);
/* Whether something of the block is deferred, an await or not. */
bool layer_is_needed(const struct lower *lower, const struct node *block);
void layer_defer(struct layer *layer, struct deferred deferred);
/* Emits what is deferred. */
void layer_leave_block(struct lower *lower, struct layer *layer);

/* return, break, continue, or `goto label`, by way of all that is deferred in between. */
void lower_leave(struct lower *lower, uint32_t at, enum leave_kind kind, const char *label);

#endif
