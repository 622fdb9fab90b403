/* SPDX-License-Identifier: MIT */
/*
 * sync/rwlock.c: as many permits as there can be readers; who writes takes all.
 *
 * How         permits.c counts them, and keeps the queue: those who want many are not overtaken by those
 *             who want few, so readers do not overtake a writer. In units of permits:
 *
 *                 free ALL  --read--> ALL - READ   --unlock_read--> ALL
 *                 free ALL  --write--> SPARE       --unlock_write--> ALL
 *                                     SPARE        --downgrade--> ALL - READ
 *
 *             SPARE is one, and nobody's: it tells a lock that is held for writing from memory that is all
 *             zero. READ is four, so that no number of readers leaves SPARE.
 * Invariants  [I1] the number of permits that are available is odd.
 *             [I2] while somebody has it to read it is neither SPARE nor ALL; while somebody has it to
 *                  write it is SPARE. Nobody else's call changes that, so who unlocks may look first.
 */
#include <weft/rwlock.h>

#include "core/held.h"
#include "sync/permits.h"

enum {
	RWLOCK_ALL = UINT32_MAX / PERMITS_ONE,
	RWLOCK_SPARE = 1,
	RWLOCK_READ = 4,
	RWLOCK_WRITE = RWLOCK_ALL - RWLOCK_SPARE
};

_Static_assert(RWLOCK_ALL == 0x1fffffff && PERMITS_ONE == 8, "so says WEFT_RWLOCK_INIT");
_Static_assert(WEFT_RWLOCK_READ_ == RWLOCK_READ && WEFT_RWLOCK_WRITE_ == RWLOCK_WRITE &&
				WEFT_RWLOCK_FREE_ ==
						(uint32_t)RWLOCK_ALL * PERMITS_ONE +
								PERMITS_INLINE &&
				WEFT_RWLOCK_WRITTEN_ == RWLOCK_SPARE * PERMITS_ONE + PERMITS_INLINE,
		"the inline functions");
_Static_assert(RWLOCK_ALL % 2 == 1 && RWLOCK_READ % 2 == 0 && RWLOCK_WRITE % 2 == 0, "[I1]");
_Static_assert(RWLOCK_ALL % RWLOCK_READ != RWLOCK_SPARE, "[I2]");
_Static_assert(WEFT_RWLOCK_READERS_MAX == RWLOCK_ALL / RWLOCK_READ, "as the header says");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_rwlock) == 24, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_rwlock_read__frame) == 64,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_rwlock_write__frame) == 64,
		"part of the ABI");

static uint32_t rwlock_available(const struct weft_rwlock *rwlock)
{
	/* relaxed: [I2] what is asked of it does not change meanwhile */
	uint32_t available = atomic_load_relaxed(&rwlock->waiters.word) / PERMITS_ONE;
	bool rwlock_is_initialised = available % 2 == 1;

	WEFT_ASSERT(rwlock_is_initialised); /* [I1] */
	return available;
}

static enum weft_poll rwlock_poll(struct weft_frame *frame, int *result, struct weft_rwlock *rwlock,
		struct weft_waiter *waiter, uint32_t wanted, struct weft_context *cx)
{
	enum weft__held_kind kind = wanted == RWLOCK_READ ? HELD_READ : HELD_WRITE;
	enum weft_poll poll;

	if (frame->at == LEAF_FRESH) {
		(void)rwlock_available(rwlock);
		waiter->wanted = wanted;
	}
	poll = weft__permits_poll(frame, result, &rwlock->waiters, waiter, cx);
	weft__held_polled(rwlock, kind, frame, *result, poll, cx);
	return poll;
}

enum weft_poll weft_rwlock_read__poll(void *frame, struct weft_context *cx)
{
	struct weft_rwlock_read__frame *f = frame;

	return rwlock_poll(&f->args.base, &f->args.result, f->args.p0, &f->waiter, RWLOCK_READ, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_rwlock_read, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_HELD | WEFT_ASYNC_TRIES);

enum weft_poll weft_rwlock_write__poll(void *frame, struct weft_context *cx)
{
	struct weft_rwlock_write__frame *f = frame;

	return rwlock_poll(
			&f->args.base, &f->args.result, f->args.p0, &f->waiter, RWLOCK_WRITE, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_rwlock_write, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_HELD | WEFT_ASYNC_TRIES);

int weft_rwlock_try_read_slowly(struct weft_rwlock *rwlock)
{
	(void)rwlock_available(rwlock);
	return weft__held_tried(
			rwlock, HELD_READ, weft__permits_try(&rwlock->waiters, RWLOCK_READ));
}

int weft_rwlock_try_write_slowly(struct weft_rwlock *rwlock)
{
	(void)rwlock_available(rwlock);
	return weft__held_tried(
			rwlock, HELD_WRITE, weft__permits_try(&rwlock->waiters, RWLOCK_WRITE));
}

void weft_rwlock_unlock_read_slowly(struct weft_rwlock *rwlock)
{
	uint32_t available = rwlock_available(rwlock);
	bool rwlock_is_read_locked = available != RWLOCK_ALL;
	bool rwlock_is_not_write_locked = available != RWLOCK_SPARE;

	WEFT_HELD(gave(rwlock, rwlock_is_read_locked));
	WEFT_ASSERT(rwlock_is_read_locked); /* [I2] */
	WEFT_ASSERT(rwlock_is_not_write_locked);
	weft__permits_release(&rwlock->waiters, RWLOCK_READ);
}

static void rwlock_check_written(const struct weft_rwlock *rwlock)
{
	bool rwlock_is_write_locked = rwlock_available(rwlock) == RWLOCK_SPARE;

	WEFT_ASSERT(rwlock_is_write_locked); /* [I2] */
}

void weft_rwlock_unlock_write_slowly(struct weft_rwlock *rwlock)
{
	WEFT_HELD(gave(rwlock, rwlock_available(rwlock) != RWLOCK_ALL));
	rwlock_check_written(rwlock);
	weft__permits_release(&rwlock->waiters, RWLOCK_WRITE);
}

void weft_rwlock_downgrade(struct weft_rwlock *rwlock)
{
	rwlock_check_written(rwlock);
	weft__permits_release(&rwlock->waiters, RWLOCK_WRITE - RWLOCK_READ);
}
