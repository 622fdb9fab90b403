/* SPDX-License-Identifier: MIT */
/*
 * weft/join_all.h: waits for an array of futures, as many as are known at run time.
 *
 *     for (i = 0; i < count; i++) {
 *             fetch__init(&frames[i].args, urls[i]);
 *             children[i] = weft_set_child_make(&fetch__async, &frames[i]);
 *     }
 *     weft_await(f, f->join, weft_try_join_all, children, count);
 *     if (f->join.args.result < 0)
 *             ...                                      // the first error; the others have unwound
 *
 * As weft_join and weft_try_join (weft/branch.h), which take branches that are written down. In async C
 * it is a set that is filled by weft_set_push and awaited by weft_set_join or weft_set_try_join.
 *
 * All children run in the task that awaits them, none in parallel to another. Up to WEFT_JOIN_ALL_SCAN of
 * them are all polled at each wake of the task; of more only those that were woken, which costs some
 * instructions more for each wake, and the same whether there are ten or a million.
 *
 * Memory:  children and frames are the caller's, and borrowed until the join is READY. Nothing allocates.
 * Threads: whoever polls the function around.
 *
 * Rust's join_all, which takes the same turn at 30.
 */
#ifndef WEFT_JOIN_ALL_H
#define WEFT_JOIN_ALL_H

#include <weft/set.h>

WEFT_BEGIN_DECLS

enum {
	WEFT_JOIN_ALL_SCAN = 5 /* measured: docs/sets.md */
};

/* A child whose frame, of type `async`, has been initialised. */
static inline struct weft_set_child weft_set_child_make(const struct weft_async *async, void *frame)
{
	struct weft_set_child child = { async, frame, NULL, NULL, NULL, NULL, { NULL }, 0, 0, 0, 0,
		0 };

	return child;
}

/* Private. */
struct weft_joining {
	struct weft_set set;
	size_t begun;
	int error;
	bool stops; /* at the first error */
};

/* async int weft_join_all(children, count): waits until all have ended. Gives 0. Cancelling it cancels the
 * children, and they are waited for all the same; what they make of it is in their results. */
WEFT_ASYNC_2(int, weft_join_all, struct weft_set_child *, size_t);

struct weft_join_all__frame {
	struct weft_join_all__args args;
	struct weft_joining joining;
};

/* async int weft_try_join_all(children, count): the same, until one fails: a result below 0, of a function
 * whose result is an int or ssize_t, cancels the others. Gives that result, or 0, when all have ended. */
WEFT_ASYNC_2(int, weft_try_join_all, struct weft_set_child *, size_t);

struct weft_try_join_all__frame {
	struct weft_try_join_all__args args;
	struct weft_joining joining;
};

/* async int weft_set_join(set), weft_set_try_join(set): as these two, with the children of a set, also
 * those that are put in meanwhile. They are freed; their results are where weft_set_put was told to store
 * them. Afterwards the set is empty. */
WEFT_ASYNC_1(int, weft_set_join, struct weft_set *);
WEFT_ASYNC_1(int, weft_set_try_join, struct weft_set *);

struct weft_set_join__frame {
	struct weft_set_join__args args;
};

struct weft_set_try_join__frame {
	struct weft_set_try_join__args args;
	int error;
};

WEFT_END_DECLS

#endif
