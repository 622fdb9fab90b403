/* SPDX-License-Identifier: MIT */
/*
 * weft/scope.h: tasks that end before the block that started them is left.
 *
 *     struct fetch_all__frame {                        // struct weft_scope scope; in the frame
 *     ...
 *             f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
 *             for (f->i = 0; f->i < 8 && err == 0; f->i++) {
 *                     fetch__init(&args, &f->results[f->i], f->urls[f->i]);
 *                     err = weft_scope_spawn(&f->scope, &fetch__async, &args);
 *             }
 *             weft_await(f, f->close, weft_scope_close, &f->scope);
 *             weft_return(f, f->close.args.result);    // the first error, or 0
 *
 * That is what weftcc makes of `weft_scope (scope) { ... weft_spawn_in(&scope, fetch(...)); ... }`.
 * Since the frame that holds the scope outlives the children, they may use what is in it.
 *
 * A child is a task: it runs on any worker, in parallel to the others. It has no handle. If its result
 * is an int or ssize_t below 0, that is an error; the first one is kept, and cancels the others. Where
 * they are to go on all the same: weft_scope_keep_going. The one that holds the scope is not cancelled
 * by it.
 *
 * (What others call a nursery or a task group. Trio's are the model; that the first error cancels the
 * siblings is the default there, too.)
 *
 * Memory:  the scope is the caller's, usually in its frame. It must not move or die between the first
 *          spawn and the end of the close that follows. A child costs two pointers more than a task.
 * Threads: spawn, cancel and error from the task that holds the scope and from its children, wherever
 *          they run; close by the one that holds it.
 */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H

#include <weft/task.h>

WEFT_BEGIN_DECLS

/* Private. */
struct weft_scope {
	struct weft_task *children; /* those that have not ended, the newest first */
	struct weft_waker waker;    /* of who closes; ops NULL: nobody waits */
	uint32_t lock;
	int error;
	bool cancelled;
	bool closed;
	bool keeps_going;
	bool keeps_results; /* it is that of a weft_join_set */
};

/* clang-format off */
#define WEFT_SCOPE_INIT { NULL, { NULL, NULL }, 0, 0, false, false, false, false }
/* clang-format on */

/* Starts a child on the runtime of the calling task; the arguments are copied. Returns 0; -ENOMEM;
 * -ESHUTDOWN; -ENXIO outside a runtime: then the arguments are still yours. In a scope that has been
 * cancelled the child starts cancelled, so that what it was given is released. */
WEFT_NODISCARD int weft_scope_spawn(
		struct weft_scope *scope, const struct weft_async *async, const void *args);

/* The same on another runtime, also by who runs on none (-ENXIO is not given). That one must go on until
 * the child has ended: when it is destroyed it cancels the child, but waits for it for its grace only. */
WEFT_NODISCARD int weft_scope_spawn_on(struct weft_scope *scope, struct weft_runtime *runtime,
		const struct weft_async *async, const void *args);

/* From here on an error cancels nobody: it is kept, if it is the first, and the others go on. */
void weft_scope_keep_going(struct weft_scope *scope);

/* Cancels all children, and those that will be spawned before the next close has ended. Idempotent;
 * they have yet to unwind: weft_scope_close waits for that. Time linear in the number of children. */
void weft_scope_cancel(struct weft_scope *scope);

/* The first result below 0, or 0: of the children that have ended so far. What it was at a close stays
 * until the next spawn. */
int weft_scope_error(const struct weft_scope *scope);

/* async int weft_scope_close(scope): waits until all children have ended, also those that are spawned
 * meanwhile; then gives weft_scope_error, and the scope can be used again. Cancelling it cancels the
 * children, and they are waited for all the same; -ECANCELED is then what they make of it. */
WEFT_ASYNC_1(int, weft_scope_close, struct weft_scope *);

struct weft_scope_close__frame {
	struct weft_scope_close__args args;
};

WEFT_END_DECLS

#endif
