/* SPDX-License-Identifier: MIT */
/*
 * compiler/call.h: calls of async functions: their frames, arguments and results.
 */
#ifndef WEFT_COMPILER_CALL_H
#define WEFT_COMPILER_CALL_H

#include "compiler/lower.h"

/* A callee: where its frame goes, and what is filled in. */
struct callee {
	const struct function *function; /* NULL: called through a pointer */
	CXType type;                     /* of the function */
	const char *async;               /* an expression: const struct weft_async * */
	const char *args_struct;         /* "struct f__args" */
	bool embedded;
};

/* A struct for the prefix of frames of a function of that type. */
const char *call_signature(struct lower *lower, uint32_t at, CXType type);
struct callee callee_of(struct lower *lower, struct node *call);
/* The expression for a callee that is no name: evaluate it once. */
const char *callee_pointer(struct lower *lower, struct node *call);
/* Evaluates it into a member of the frame. */
void callee_keep(struct lower *lower, struct node *call, struct callee *callee);
/* The texts of a call's arguments, awaits in them done; and the callee, if something is awaited for it. */
const char **call_arguments(struct lower *lower, struct node *call, struct callee *callee);
/* Fills in the arguments of the frame at `frame`, a pointer. */
void call_init(struct lower *lower, const struct callee *callee, const struct node *call,
		const char **arguments, const char *frame);
/* A frame of its own at `member`, a pointer, with its arguments: what to poll and where. It gives -ENOMEM
 * if there is no memory. The callee's expression is used twice. */
struct own_frame {
	const char *async, *frame;
};
struct own_frame call_alloc(struct lower *lower, const struct callee *callee,
		const struct node *call, const char **arguments, const char *member);
/* The result in it. */
const char *call_own_result(struct lower *lower, const struct callee *callee, const char *member);
/* Whether f__now may end the call without a frame, and the condition that tries it, which stores what the
 * call gives in `result`. The arguments become variables, since they are used again if it does not end. */
bool call_has_now(const struct lower *lower, const struct callee *callee);
const char *call_now(struct lower *lower, const struct callee *callee, const struct node *call,
		const char **arguments, const char *result);
/* The condition that it has to wait, after that: f__waits. */
const char *call_waits(struct lower *lower, const struct callee *callee, const struct node *call,
		const char **arguments);
/* A frame that is a member of the caller's. */
void call_embed(struct lower *lower, const struct function *child, const char *member);
void call_note_embedded(struct lower *lower, const struct function *child);
/* The value of a result, which the next await may overwrite: a temporary if one follows. */
const char *call_keep(struct lower *lower, uint32_t at, CXType type, const char *value,
		bool await_follows);
bool call_result_is_int(CXType result);

const char *call_await(
		struct lower *lower, struct node *node, struct node *call, bool await_follows);
/* `head weft_p, &weft_args tail`, in an expression that makes the args. */
const char *call_spawn(struct lower *lower, const struct branch *branch, const char *head,
		const char *tail);
/* A future in a set, whose result goes to the address `target` when it ends. */
const char *call_push(struct lower *lower, const struct branch *branch, const char *set,
		const char *target);
const char *call_run(struct lower *lower, struct node *node, struct node *call);

/* future.c */
/* False: it cannot be declared so, and that has been said. */
bool future_declare(struct lower *lower, const struct variable *future);
const char *future_start(struct lower *lower, struct node *start);
const char *future_cancel(struct lower *lower, struct node *call);
const char *future_await(struct lower *lower, struct node *node, const struct variable *future,
		bool await_follows);
/* When its block is left: what has been started is cancelled and awaited. */
void future_end(struct lower *lower, uint32_t at, const struct variable *future);
/* The variable in `x` or `lvalue = x`; NULL: the branch is a call. */
const struct variable *future_as_branch(const struct branch *branch);
/* Its callee, whose descriptor is only known after it was started. */
struct callee future_callee(struct lower *lower, const struct variable *future);
/* The member that holds its frame, or a pointer to that. */
const char *future_frame(struct lower *lower, const struct variable *future);
/* Aborts the program unless it was started. */
void future_need(struct lower *lower, const struct variable *future);
void future_poll(struct lower *lower, uint32_t at, const struct variable *future);

/* branches.c: join, try_join, select; timeout, deadline, shield. */
const char *branch_await_all(
		struct lower *lower, struct node *node, struct node *call, bool await_follows);
const char *branch_await_timed(
		struct lower *lower, struct node *node, struct node *call, bool await_follows);
/* weft_set_push: needs no await. */
const char *branch_push(struct lower *lower, struct node *node, const struct branch *branch);

/* job.c: what weft_blocking is given to do. */
struct job {
	unsigned serial;
	CXType result;
	const char *name;     /* of its struct */
	const char *member;   /* the leaf's frame */
	const char *function; /* NULL: called through a pointer */
	const char *pointer;  /* that was awaited, or NULL */
};

/* False: the call is not one of a plain function, and that has been said. */
bool job_define(struct lower *lower, struct node *call, struct job *job);
struct callee job_callee(struct lower *lower);
/* Makes job and leaf members of the scope, and fills them in. */
void job_start(struct lower *lower, struct node *call, const struct job *job,
		const char **arguments);
const char *job_value(struct lower *lower, const struct job *job);
const char *job_await(
		struct lower *lower, struct node *node, struct node *call, bool await_follows);

#endif
