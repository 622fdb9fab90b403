/* SPDX-License-Identifier: MIT */
/*
 * io/reactor.c: from kernel events to wakes.
 *
 * Why         A handle may be used by any task on any worker, closed by one while another is in recv,
 *             and its fd number may be given away by the kernel the moment it is closed.
 * How         All of a source's state is under its lock of one word. An attempt (recv, send) is made
 *             between begin and end, outside the lock, and counted in `users`; close only marks, and
 *             the last one out closes the descriptor. Readiness is remembered, so a socket that is
 *             known to be drained costs no system call, and the kernel is told about a descriptor
 *             once (edge-triggered), and once more before the first wait to write.
 *
 *             The lock is owned (base/owned_lock.h) by the home thread of a current-thread runtime,
 *             until another thread uses the source. The owner stays inside from begin to end, and
 *             so needs neither the count nor the tick.
 *
 *                 begin                      event                     end
 *             ready? -> try             ready |= bits              drained: ready &= ~direction
 *             else register waiter      tick++                       if tick is still begin's
 *                                       claim and unlink waiters
 * Invariants  [I1] a waiter is stored only while `ready` lacks its direction: an event after the store
 *                  finds it, an event before it is found by begin. No readiness is lost.
 *             [I2] the descriptor is closed exactly once: by close or by the last end or by the
 *                  removal's last event, when users == 0 and the kernel holds nothing.
 *             [I3] records are never given back: an event of a closed source that a slow thread still
 *                  holds finds a valid record, perhaps a new tenant, who sees a spurious readiness.
 *             [I4] whoever was told to wait keeps the direction's place until its next begin, also after
 *                  it was woken: a newcomer in between could not be told apart, and would be forgotten.
 * Cost        per attempt two lock pairs, per wait one; to the owner four plain stores and two.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/check.h"
#include "io/reactor.h"
#include "io/sockets.h"

#ifdef WEFT_TEST_SMALL
enum { REACTOR_BATCH = 4, POOL_BATCH = 2 };
#else
enum { REACTOR_BATCH = 256, POOL_BATCH = 256 };
#endif

_Static_assert(sizeof(struct weft__source) <= 64,
		"a source stays small: idle connections are many");

__thread struct weft__reactor *weft__reactor_own;

/* ---- the pool of records: never given back [I3] ---- */

static struct {
	struct weft__lock lock;
	struct weft__source *free; /* linked through a waiter */
} records;

/* A free record's reactor is nobody's, so no thread takes itself for its owner. Relaxed: whoever holds an
 * old handle does nothing but compare it. */
static void pool_push(struct weft__source *source)
{
	atomic_store_relaxed(&source->reactor, (struct weft__reactor *)(void *)source);
	source->waiter[SOURCE_READ].data = records.free;
	records.free = source;
}

static void pool_grow(void)
{
	struct weft__source *batch = calloc(POOL_BATCH, sizeof *batch);

	for (int i = 0; batch && i < POOL_BATCH; i++)
		pool_push(&batch[i]);
}

static struct weft__source *pool_take(void)
{
	struct weft__source *source;

	weft__lock_acquire(&records.lock);
	if (!records.free)
		pool_grow();
	source = records.free;
	if (source)
		records.free = source->waiter[SOURCE_READ].data;
	weft__lock_release(&records.lock);
	return source;
}

static void pool_put(struct weft__source *source)
{
	weft__lock_acquire(&records.lock);
	pool_push(source);
	weft__lock_release(&records.lock);
}

/* ---- reactor ---- */

int weft__reactor_init(struct weft__reactor *reactor, const char *poller)
{
	int err;

	reactor->sources = 0;
	reactor->removals = 0;
	reactor->events = 0;
	reactor->poller.ops = NULL;
	reactor->poller.state = NULL;
	err = weft__poller_init(&reactor->poller, poller);
	if (!err)
		reactor->sockets = reactor->poller.ops->sockets;
	return err;
}

void weft__reactor_wake(struct weft__reactor *reactor)
{
	reactor->poller.ops->wake(&reactor->poller);
}

static inline struct weft_waker source_claim(
		struct weft__source *source, enum weft__direction direction)
{
	const struct weft_waker *waiter = &source->waiter[direction];
	struct weft_waker nobody = { NULL, NULL };
	uint8_t woken = (uint8_t)(SOURCE_WOKEN << direction);

	if (!waiter->ops || source->flags & woken)
		return nobody;
	source->flags |= woken; /* [I4] */
	return weft_waker_claim(waiter);
}

/* Under the source's lock: whether the caller must close the descriptor now. [I2] */
static bool source_is_over(const struct weft__source *source)
{
	return (source->flags & (SOURCE_CLOSING | SOURCE_KERNEL)) == SOURCE_CLOSING &&
			source->users == 0 && source->fd >= 0;
}

static void source_finish(struct weft__source *source, int fd)
{
	/* relaxed: a hint whether to look for events at all */
	atomic_fetch_sub_relaxed(&source->reactor->sources, 1u);
	source->reactor->sockets->close(&source->reactor->poller, fd);
	pool_put(source);
}

void weft__source_unlock_closing(struct weft__source *source)
{
	bool over = source_is_over(source);
	int fd = source->fd;

	if (WEFT_UNLIKELY(over))
		source->fd = -1;
	weft__owned_lock_release(&source->lock);
	if (WEFT_UNLIKELY(over))
		source_finish(source, fd);
}

/* To the owner of the source, most of the time: nobody waits to write. False: nothing has happened. */
WEFT_INLINE bool source_event_own(struct weft__source *source, unsigned bits)
{
	struct weft_waker reader;

	/* relaxed: as in lock */
	if (WEFT_UNLIKELY(bits & POLLER_HANGUP || !(bits & POLLER_READ) ||
			    atomic_load_relaxed(&source->reactor) != weft__reactor_own ||
			    !weft__owned_lock_enter(&source->lock)))
		return false;
	if (WEFT_UNLIKELY(source->waiter[SOURCE_WRITE].ops)) {
		weft__owned_lock_leave(&source->lock);
		return false;
	}
	source->ready |= (uint8_t)bits; /* no tick: the owner is inside from begin to end */
	reader = source_claim(source, SOURCE_READ);
	weft__owned_lock_leave(&source->lock);
	weft_waker_commit(reader);
	return true;
}

WEFT_INLINE void source_event(struct weft__source *source, unsigned bits)
{
	struct weft_waker reader = { NULL, NULL }, writer = { NULL, NULL };
	bool own = weft__source_lock(source);

	source->tick++;
	if (WEFT_UNLIKELY(bits & POLLER_REMOVED)) {
		WEFT_ASSERT(source->flags & SOURCE_KERNEL);
		source->flags &= (uint8_t)~SOURCE_KERNEL;
	}
	source->ready |= (uint8_t)(bits & (POLLER_READ | POLLER_WRITE | POLLER_HANGUP));
	if (bits & POLLER_READ)
		reader = source_claim(source, SOURCE_READ);
	if (bits & POLLER_WRITE)
		writer = source_claim(source, SOURCE_WRITE);
	weft__source_unlock(source, own);
	weft_waker_commit(reader);
	weft_waker_commit(writer);
}

int weft__reactor_submit(struct weft__reactor *reactor, struct weft__operation *operation)
{
	const struct weft__poller_ops *ops = reactor->poller.ops;
	int err = -ENOSYS;

	if (ops->submit) {
		/* first, since it may be complete before submit returns; relaxed: a hint */
		atomic_fetch_add_relaxed(&reactor->sources, 1u);
		err = ops->submit(&reactor->poller, operation);
		if (err)
			atomic_fetch_sub_relaxed(&reactor->sources, 1u); /* a hint */
	}
	return err;
}

int weft__reactor_cancel(struct weft__reactor *reactor, struct weft__operation *operation)
{
	return reactor->poller.ops->cancel(&reactor->poller, operation);
}

/* A last event, or the end of an operation. */
__attribute__((noinline)) static void reactor_end_event(
		struct weft__reactor *reactor, void *token, unsigned bits)
{
	struct weft__operation *operation = token;

	if (bits & POLLER_COMPLETE) {
		atomic_fetch_sub_relaxed(&reactor->sources, 1u); /* a hint, as in submit */
		operation->complete(operation);
		return;
	}
	source_event(token, bits);
	atomic_fetch_sub_relaxed(&reactor->removals, 1u); /* only finish looks */
}

static inline void reactor_event(struct weft__reactor *reactor, void *token, unsigned bits)
{
	if (WEFT_UNLIKELY(bits & (POLLER_COMPLETE | POLLER_REMOVED)))
		reactor_end_event(reactor, token, bits);
	else if (WEFT_UNLIKELY(!source_event_own(token, bits)))
		source_event(token, bits & (POLLER_READ | POLLER_WRITE | POLLER_HANGUP));
}

int weft__reactor_poll(struct weft__reactor *reactor, int64_t timeout_ns)
{
	struct weft__poller_event events[REACTOR_BATCH];
	int count = reactor->poller.ops->wait(&reactor->poller, timeout_ns, events, REACTOR_BATCH);

	for (int i = 0; i < count; i++)
		reactor_event(reactor, events[i].token, events[i].bits);
	if (count > 0)
		atomic_fetch_add_relaxed(&reactor->events, (size_t)count); /* a counter */
	return count < 0 ? 0 : count;
}

void weft__reactor_finish(struct weft__reactor *reactor)
{
	const struct weft__poller_ops *ops = reactor->poller.ops;
	struct weft__poller_event events[REACTOR_BATCH];

	/* a bound, in case a thread on which the kernel waits is stuck; relaxed: nobody else is here */
	for (int i = 0; ops && i < 100 && atomic_load_relaxed(&reactor->removals) > 0; i++) {
		int count = ops->wait(&reactor->poller, 10 * 1000 * 1000, events, REACTOR_BATCH);

		for (int k = 0; k < count; k++)
			if (events[k].bits & POLLER_REMOVED) /* tasks are not woken any more */
				reactor_end_event(reactor, events[k].token, POLLER_REMOVED);
	}
	if (ops)
		ops->finish(&reactor->poller);
}

/* ---- sources ---- */

/* Locks it, and ends its being owned. */
static void source_seize(struct weft__source *source)
{
	if (atomic_load_relaxed(&source->reactor) == weft__reactor_own) /* relaxed: as in lock */
		weft__owned_lock_seize(&source->lock);
	else
		weft__owned_lock_acquire(&source->lock);
}

int weft__source_open(struct weft__source **source_out, uint32_t *generation,
		struct weft__reactor *reactor, int fd)
{
	struct weft__source *source = pool_take();
	int err;

	if (!source)
		return -ENOMEM;
	weft__owned_lock_acquire(&source->lock);
	source->fd = fd;
	source->users = 0;
	/* Nobody has tried yet: the first attempt tells. */
	source->ready = POLLER_READ | POLLER_WRITE;
	source->flags = reactor->poller.ops->add_write ? SOURCE_KERNEL
						       : SOURCE_KERNEL | SOURCE_WRITES;
	atomic_store_relaxed(&source->reactor, reactor); /* relaxed: see pool_push */
	source->waiter[SOURCE_READ].ops = NULL;
	source->waiter[SOURCE_WRITE].ops = NULL;
	*generation = source->generation;
	*source_out = source;
	if (reactor == weft__reactor_own)
		weft__owned_lock_own(&source->lock);
	else
		weft__owned_lock_release(&source->lock);
	err = reactor->poller.ops->add(&reactor->poller, fd, source);
	if (err) {
		source_seize(source);
		source->generation++;
		source->fd = -1;
		weft__owned_lock_release(&source->lock);
		pool_put(source);
		return err;
	}
	atomic_fetch_add_relaxed(&reactor->sources, 1u); /* a hint, see source_finish */
	return 0;
}

/* Nobody owns a source that is closed: what is left of its life is few steps, by any thread. */
int weft__source_close(struct weft__source *source, uint32_t generation)
{
	struct weft_waker reader, writer;
	struct weft__reactor *reactor;
	int fd;

	if (!source)
		return -EBADF;
	source_seize(source);
	if (source->generation != generation) {
		weft__owned_lock_release(&source->lock);
		return -EBADF;
	}
	source->generation++;
	source->flags |= SOURCE_CLOSING;
	fd = source->fd;
	reactor = source->reactor;
	reader = source_claim(source, SOURCE_READ);
	writer = source_claim(source, SOURCE_WRITE);
	weft__owned_lock_release(&source->lock);

	/* SOURCE_KERNEL is still set, so fd and record live until here. */
	atomic_fetch_add_relaxed(&reactor->removals, 1u); /* before its event; only finish looks */
	if (reactor->poller.ops->remove(&reactor->poller, fd, source) <= 0)
		reactor_end_event(reactor, source, POLLER_REMOVED);
	weft_waker_commit(reader);
	weft_waker_commit(writer);
	return 0;
}

int weft__source_use(struct weft__source *source, uint32_t generation)
{
	int fd = -EBADF;
	bool own;

	if (!source)
		return -EBADF;
	own = weft__source_lock(source);
	if (source->generation == generation) {
		WEFT_ASSERT(source->users < UINT16_MAX);
		source->users++;
		fd = source->fd;
	}
	weft__source_unlock(source, own);
	return fd;
}

void weft__source_unuse(struct weft__source *source)
{
	bool own = weft__source_lock(source);

	WEFT_ASSERT(source->users > 0);
	source->users--;
	weft__source_unlock(source, own);
}

/* Before the first wait to write. The event, which another thread may have at once, waits for the lock. */
static int source_add_write(struct weft__source *source)
{
	struct weft__poller *poller = &source->reactor->poller;
	int err = poller->ops->add_write(poller, source->fd, source);

	if (!err)
		source->flags |= SOURCE_WRITES;
	return err;
}

int weft__source_wait(struct weft__source *source, uint32_t generation,
		enum weft__direction direction, struct weft_context *cx, bool waiting)
{
	struct weft_waker *place = &source->waiter[direction];
	int err = 0;

	if (source->generation != generation) {
		err = -EBADF;
	} else if (!waiting && place->ops) {
		err = -EBUSY; /* [I4] */
	} else if (!cx) {
		err = -EAGAIN;
	} else if (weft_context_cancelled(cx)) {
		place->ops = NULL;
		err = -ECANCELED;
	} else {
		weft__waker_put(place, weft_context_waker(cx)); /* [I1] */
		source->flags &= (uint8_t) ~(SOURCE_WOKEN << direction);
		if (WEFT_UNLIKELY(direction == SOURCE_WRITE && !(source->flags & SOURCE_WRITES)))
			err = source_add_write(source);
		if (WEFT_UNLIKELY(err))
			place->ops = NULL;
	}
	return err;
}
