/* SPDX-License-Identifier: MIT */
/*
 * weft/waiter.h: what locks and their leaves consist of. Private; here because their memory is yours.
 *
 * What tasks wait for (weft/semaphore.h, weft/mutex.h, weft/rwlock.h, weft/once.h, weft/barrier.h,
 * weft/notify.h, weft/oneshot.h) holds a list of waiters; a waiter is part of the frame that waits. So
 * nothing allocates, however many wait.
 *
 * Who need not wait goes from one word to the next by one atomic operation, inline; by plain ones, as long
 * as the process has one thread (weft/single_threaded.h), so no signal handler may call anything of this.
 * What the words mean is told in sync/mutex.c and sync/permits.c: a lock may be used so once the library
 * has said so in its word, which a library that wants to see every call (a checked build) never does.
 */
#ifndef WEFT_WAITER_H
#define WEFT_WAITER_H

#include <weft/frame.h>
#include <weft/single_threaded.h>

WEFT_BEGIN_DECLS

struct weft_waiter {
	struct weft_waiter *newer, *older;
	struct weft_waker waker;
	uint32_t wanted; /* how many permits, or which generation */
	uint32_t state;  /* WEFT_WAITER_LINKED, or why it is in no list */
};

/* A leaf that is WEFT_ASYNC_WAITER has a waiter behind its arguments. While it waits, `at` is the first,
 * and the waiter's state the second, until somebody has something for it. */
#define WEFT_AT_WAITER 1u
#define WEFT_WAITER_LINKED 1u

struct weft_waiters {
	struct weft_waiter *newest, *oldest;
	uint32_t lock;
	uint32_t word; /* of the lock whose waiters these are */
};

/* Public: what follows needs this mutex, rwlock or permit of a semaphore. Aborts in checked builds, in a
 * task of a runtime, if the task does not hold it: because it was never taken, or released too early. The
 * message names both places. (Linux has lockdep_assert_held.) */
void weft_assert_held(const void *lock);

/* tests/model has its own. */
#ifndef weft_word_load_
#define weft_word_load_(word, order) __atomic_load_n((word), __ATOMIC_##order)
#define weft_word_cas_(word, from, to, order)                                                      \
	__atomic_compare_exchange_n((word), (from), (to), false, __ATOMIC_##order, __ATOMIC_RELAXED)
#endif

/* A guess: who goes on from there by one of the others finds out whether it still holds. */
static inline uint32_t weft_word_look_(const struct weft_waiters *waiters)
{
	return weft_word_load_(&waiters->word, RELAXED); /* relaxed, for that */
}

/* From one word to another; false: it was not that. Acquire: pairs with who gave what is taken here. */
static inline bool weft_word_acquire_(struct weft_waiters *waiters, uint32_t from, uint32_t to)
{
	return weft_word_cas_(&waiters->word, &from, to, ACQUIRE);
}

/* Release: pairs with who takes next, here or in the library. */
static inline bool weft_word_release_(struct weft_waiters *waiters, uint32_t from, uint32_t to)
{
	return weft_word_cas_(&waiters->word, &from, to, RELEASE);
}

/* The same without other threads: there is nobody to pair with. */
static inline bool weft_word_step_(struct weft_waiters *waiters, uint32_t from, uint32_t to)
{
	if (waiters->word != from)
		return false;
	waiters->word = to;
	return true;
}

static inline bool weft_word_take_(struct weft_waiters *waiters, uint32_t from, uint32_t to)
{
	return weft_single_threaded_() ? weft_word_step_(waiters, from, to)
				       : weft_word_acquire_(waiters, from, to);
}

static inline bool weft_word_give_(struct weft_waiters *waiters, uint32_t from, uint32_t to)
{
	return weft_single_threaded_() ? weft_word_step_(waiters, from, to)
				       : weft_word_release_(waiters, from, to);
}

/* For `async int f(A a, B b)` there may be an inline function
 *     bool f__now(struct weft_context *cx, int *result, A a, B b)
 * which weftcc, and this macro instead of weft_await, try first. true: the call has ended, its result is
 * there, and the budget was charged; false: nothing has happened, so a frame is filled in and polled. What
 * need not wait costs no frame then.
 *
 * So it is with a select, if for each of its branches there is also a
 *     bool f__waits(A a, B b)
 * true: at that moment a poll would have had to wait; false: only a poll knows. */
#define weft_await_now(f, child, function, ...)                                                    \
	do {                                                                                       \
		if (function##__now(cx, &(child).args.result, ##__VA_ARGS__))                      \
			break;                                                                     \
		weft_await(f, child, function, ##__VA_ARGS__);                                     \
	} while (0)

/* The end of such a function. */
static inline bool weft_leaf_ends_(struct weft_context *cx, int *result)
{
	cx->budget--;
	*result = 0;
	return true;
}

/* For semaphore and rwlock: nobody waits, it is not closed, and the library has said so. */
#define WEFT_PERMITS_INLINE_ 4u
#define WEFT_PERMITS_ONE_ 8u

static inline bool weft_permits_have_(uint32_t word, uint32_t count)
{
	return word % WEFT_PERMITS_ONE_ == WEFT_PERMITS_INLINE_ &&
			word / WEFT_PERMITS_ONE_ >= count;
}

static inline bool weft_permits_take_(struct weft_waiters *waiters, uint32_t count)
{
	uint32_t word, taken = count * WEFT_PERMITS_ONE_;

	if (weft_single_threaded_()) {
		word = waiters->word;
		return weft_permits_have_(word, count) &&
				weft_word_step_(waiters, word, word - taken);
	}
	word = weft_word_look_(waiters);
	return weft_permits_have_(word, count) && weft_word_acquire_(waiters, word, word - taken);
}

/* The same for a leaf. */
static inline bool weft_permits_now_(
		struct weft_context *cx, int *result, struct weft_waiters *waiters, uint32_t count)
{
	return weft_context_may_end(cx) && weft_permits_take_(waiters, count) &&
			weft_leaf_ends_(cx, result);
}

static inline bool weft_permits_have_room_(uint32_t word, uint32_t count)
{
	return word % WEFT_PERMITS_ONE_ == WEFT_PERMITS_INLINE_ &&
			count <= UINT32_MAX / WEFT_PERMITS_ONE_ - word / WEFT_PERMITS_ONE_;
}

/* Whether it has to wait for so many: nobody else waits, and it is not closed. */
static inline bool weft_permits_wait_(const struct weft_waiters *waiters, uint32_t count)
{
	uint32_t word = weft_word_look_(waiters);

	return word % WEFT_PERMITS_ONE_ == WEFT_PERMITS_INLINE_ && word / WEFT_PERMITS_ONE_ < count;
}

static inline bool weft_permits_give_(struct weft_waiters *waiters, uint32_t count)
{
	uint32_t word, given = count * WEFT_PERMITS_ONE_;

	if (weft_single_threaded_()) {
		word = waiters->word;
		return weft_permits_have_room_(word, count) &&
				weft_word_step_(waiters, word, word + given);
	}
	word = weft_word_look_(waiters);
	return weft_permits_have_room_(word, count) &&
			weft_word_release_(waiters, word, word + given);
}

WEFT_END_DECLS

#endif
