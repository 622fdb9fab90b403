/* SPDX-License-Identifier: MIT */
/*
 * weft/join_set.h: tasks whose results come in the order in which they end.
 *
 *     struct weft_join_set set = WEFT_JOIN_SET_INIT;
 *     uint64_t id;
 *     int result, err;
 *
 *     for (int i = 0; i < 8; i++)
 *             weft_try(weft_spawn_in(&set.tasks, fetch(urls[i])));
 *     while ((err = await weft_join_set_next(&set, &result, &id)) == 0)
 *             printf("%d\n", result);                      // whoever has ended first
 *     weft_try(await weft_join_set_close(&set));
 *
 * (weft_spawn_in is weftcc's; by hand: weft_join_set_spawn.) A task in the set goes on whatever becomes of
 * the others. What nobody has taken is dropped by the close, which every use ends with: it waits for
 * those that still run, and lets the first error among them, and those that nobody took, cancel the
 * others. To end them all at once: weft_join_set_cancel, and then close; to let them go: detach_all, then
 * close.
 *
 * Memory:  the set is the caller's, usually in its frame; it must not move or die between the first spawn
 *          and the end of the close. After that it can be used again. A task in it costs two pointers
 *          more than another, and keeps its memory until its result is taken.
 * Threads: spawn, cancel and count from the task that holds the set and from those in it, wherever they
 *          run; try_next, detach_all, next and close by the one that holds it.
 *
 * Tokio's JoinSet is the model; a set that is left is not aborted silently, but closed.
 */
#ifndef WEFT_JOIN_SET_H
#define WEFT_JOIN_SET_H

#include <weft/scope.h>

WEFT_BEGIN_DECLS

struct weft_join_set {
	struct weft_scope tasks;           /* for weft_spawn_in; else private */
	struct weft_task *oldest, *newest; /* private: those that have ended */
	size_t count;                      /* private */
};

/* clang-format off */
#define WEFT_JOIN_SET_INIT \
	{ { NULL, { NULL, NULL }, 0, 0, false, false, true, true }, NULL, NULL, 0 }
/* clang-format on */

/* Starts a task on the runtime of the calling one; the arguments are copied. Returns 0; -ENOMEM;
 * -ESHUTDOWN; -ENXIO outside a runtime: then the arguments are still yours. *task (NULL: not wanted) is
 * for weft_task_cancel, weft_task_is_done and weft_task_id, by the one that holds the set, until the
 * task's result has been taken. It is not yours to join or detach. */
WEFT_NODISCARD int weft_join_set_spawn(struct weft_join_set *set, const struct weft_async *async,
		const void *args, struct weft_task **task);

/* The same on another runtime: see weft_scope_spawn_on. */
WEFT_NODISCARD int weft_join_set_spawn_on(struct weft_join_set *set, struct weft_runtime *runtime,
		const struct weft_async *async, const void *args, struct weft_task **task);

/* How many are in it: those that run, and those whose result has not been taken. */
size_t weft_join_set_count(const struct weft_join_set *set);

/* Cancels all that run, and those that will be spawned before the next close has ended. Idempotent; they
 * end, with what they make of it, like others. Time linear in their number. */
void weft_join_set_cancel(struct weft_join_set *set);

/* Lets go of all that run, which go on as detached tasks do, and drops the results of those that have
 * ended. Those that are ending at this moment stay until the close. Only by the one that holds the set. */
void weft_join_set_detach_all(struct weft_join_set *set);

/* The result of whoever has ended first and not been taken: copied to *result (of the size of that task's
 * result; NULL: not wanted), its weft_task_id to *id (NULL: not wanted). 0; -EAGAIN: all run; -ECHILD:
 * the set is empty. */
WEFT_NODISCARD int weft_join_set_try_next(struct weft_join_set *set, void *result, uint64_t *id);

/* async int weft_join_set_next(set, result, id): the same, and waits until one has ended. 0; -ECHILD;
 * -ECANCELED: none was taken, and none is cancelled by it. */
WEFT_ASYNC_3(int, weft_join_set_next, struct weft_join_set *, void *, uint64_t *);

struct weft_join_set_next__frame {
	struct weft_join_set_next__args args;
};

/* async int weft_join_set_close(set): waits until all have ended, also those that are spawned meanwhile;
 * drops their results, and gives the first below 0 of those that are an int or ssize_t, or 0. That one
 * cancels the others. Cancelling the close cancels them, too, and they are waited for all the same. */
WEFT_ASYNC_1(int, weft_join_set_close, struct weft_join_set *);

struct weft_join_set_close__frame {
	struct weft_join_set_close__args args;
};

WEFT_END_DECLS

#endif
