/* SPDX-License-Identifier: MIT */
/*
 * weft/set.h: any number of futures side by side in one task, given back as they end.
 *
 *     static async int fetch_all(const char *const *urls, size_t count)
 *     {
 *             struct weft_set set = WEFT_SET_INIT;
 *             int length;
 *
 *             defer await weft_set_close(&set);                // whatever happens: all have ended
 *             for (size_t i = 0; i < count; i++)
 *                     weft_try(weft_set_push(&set, fetch(urls[i])));
 *             while (await weft_set_next(&set, &length) == 0)  // in the order in which they end
 *                     printf("%d bytes\n", length);
 *             return 0;
 *     }
 *
 * A child is a future of any async function, with a strand and a waker of its own. Only children that
 * were woken are polled, so a set costs as much per child whether it has one or a million. All belong to
 * one task, none runs in parallel to another; what is to be is a task in a scope (weft/scope.h).
 *
 * Children go on only while somebody awaits `next` or `close`. A child that holds a lock, or has just been
 * given one, keeps it in between: do not await anything that needs it outside of the set.
 *
 * For an adaptor of streams, or any poll function: weft_set_add puts a child of its own in, whose node
 * and frame it embeds; weft_set_put one whose memory is the set's. Each poll then calls
 *
 *             if (weft_set_poll_next(&f->set, cx, &child) == WEFT_PENDING)
 *                     return WEFT_PENDING;                     // with room: put the next one in before
 *             if (!child)
 *                     ...                                      // the set is empty
 *             memcpy(item, weft_set_child_result(child), child->async->result_size);
 *             weft_set_release(child, cx);
 *
 * and, when it is cancelled or closed, weft_set_poll_close until that is READY. A set that begins as
 * WEFT_SET_ORDERED_INIT gives back in the order in which children were put in: buffered(n); the other is
 * buffer_unordered(n).
 *
 * Memory:  a set is the caller's, usually in its frame. It must not move or die between the first child
 *          and the end of a close. weft_set_put allocates once per child, add never.
 * Threads: the task that holds the set, or its children. Wakes of children come from any thread.
 * Order:   children are polled in the order in which they were woken, each once per poll at most.
 *
 * Rust's FuturesUnordered and FuturesOrdered are the model; this set stops when the budget is spent, and
 * closing it awaits the children.
 */
#ifndef WEFT_SET_H
#define WEFT_SET_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft_set;

/* A child, in front of the frame or elsewhere. Fill in nothing: weft_set_add does. */
struct weft_set_child {
	const struct weft_async *async;
	void *frame;          /* of type async */
	struct weft_set *set; /* private from here on */
	struct weft_set_child *older, *newer;
	struct weft_set_child *next;
	struct weft_strand strand;
	uint32_t round;
	uint8_t state;
	uint8_t cloned;
	uint8_t owned;
	uint8_t ended;
};

/* Private. */
struct weft_set {
	struct weft_set_child *oldest, *newest;
	struct weft_set_child *ready_first, *ready_last;
	struct weft_set_child *unsure;
	struct weft_waker waker;
	const struct weft_async *verified;
	size_t count;
	uint32_t lock;
	uint32_t round;
	bool waiting;
	bool cancelled;
	bool ordered;
};

/* clang-format off */
#define WEFT_SET_INIT \
	{ NULL, NULL, NULL, NULL, NULL, { NULL, NULL }, NULL, 0, 0, 0, false, false, false }
#define WEFT_SET_ORDERED_INIT \
	{ NULL, NULL, NULL, NULL, NULL, { NULL, NULL }, NULL, 0, 0, 0, false, false, true }
/* clang-format on */

/* Puts in a child whose frame, of type `async`, has been initialised; it is first polled by the next
 * `next`. Node and frame are the caller's, and borrowed until the child is given back. */
void weft_set_add(struct weft_set *set, struct weft_set_child *child,
		const struct weft_async *async, void *frame);

/* Makes a child in memory of the runtime that polls the calling task; the arguments are copied. Where
 * `result` is not NULL, the child's result is stored there when it ends; it must live as long. Returns 0;
 * -ENOMEM; -ENXIO where no runtime polls: then the arguments are still yours. In a set that has been
 * cancelled the child starts cancelled, so that what it was given is released.
 *
 * In async C that is weft_set_push(&set, call) or weft_set_push(&set, lvalue = call). */
WEFT_NODISCARD int weft_set_put(struct weft_set *set, const struct weft_async *async,
		const void *args, void *result);

/* The same, as the oldest: of an ordered set the first to be given back. */
WEFT_NODISCARD int weft_set_put_front(struct weft_set *set, const struct weft_async *async,
		const void *args, void *result);

/* How many children there are: not yet given back. */
static inline size_t weft_set_count(const struct weft_set *set)
{
	return set->count;
}

/* Cancels all children, and those that are put in before the set is empty again. They have yet to
 * unwind, and are given back by `next` like others. Idempotent. Time linear in their number. */
void weft_set_cancel(struct weft_set *set);

/* A step. READY: *ended is a child that has ended, and is not in the set any more; or NULL, if the set is
 * empty. PENDING: none has ended; as with every poll, the waker is registered or the context yields.
 * Nothing is lost if it is not called again for a while. A cancelled context does not reach the children:
 * whoever calls this gives -ECANCELED then, or closes the set. */
WEFT_NODISCARD enum weft_poll weft_set_poll_next(
		struct weft_set *set, struct weft_context *cx, struct weft_set_child **ended);

/* Of a child that was given back. */
static inline void *weft_set_child_result(const struct weft_set_child *child)
{
	return (char *)child->frame + child->async->result_offset;
}

/* Frees a child that was given back, if weft_set_put had made it. */
void weft_set_release(struct weft_set_child *child, struct weft_context *cx);

/* The steps of a close: cancels and polls all children. READY: the set is empty, and can be used again. */
WEFT_NODISCARD enum weft_poll weft_set_poll_close(struct weft_set *set, struct weft_context *cx);

/* async int weft_set_next(set, result): waits until a child has ended, copies its result to *result
 * (NULL: not wanted; otherwise all children have results of that type) and frees it. Gives 0;
 * -ECHILD if the set is empty; -ECANCELED if it was cancelled: then all children are as they were. */
WEFT_ASYNC_2(int, weft_set_next, struct weft_set *, void *);

struct weft_set_next__frame {
	struct weft_set_next__args args;
};

/* async int weft_set_close(set): cancels all children and waits until they have ended, whatever it is
 * cancelled by itself. Gives 0. A set that was never used, or is empty, is closed at once. */
WEFT_ASYNC_1(int, weft_set_close, struct weft_set *);

struct weft_set_close__frame {
	struct weft_set_close__args args;
};

WEFT_END_DECLS

#endif
