/* SPDX-License-Identifier: MIT */
/*
 * io/reactor.h: one poller and its sources: descriptors with somebody waiting.
 *
 * A source is a record of 64 bytes from a pool that is never given back to the system, so that a handle
 * (pointer and generation) can be checked at any time, also after close.
 *
 *     open ---> { begin ... end }* ---> close: generation + 1, waiters woken, and when nobody is
 *                                       between begin and end and the kernel has let go: fd closed
 *
 * Tried first, waited for second: begin says whether to try; an attempt that met EAGAIN, or a short
 * read that drained the socket, is reported by end, and then the next begin waits.
 */
#ifndef WEFT_IO_REACTOR_H
#define WEFT_IO_REACTOR_H

#include <errno.h>

#include <weft/poll.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/owned_lock.h"
#include "io/poller.h"

enum weft__direction { SOURCE_READ, SOURCE_WRITE };

struct weft__reactor {
	struct weft__poller poller;
	const struct weft__socket_ops *sockets; /* the poller's */
	uint32_t sources;  /* and operations under way, atomic; none: nothing to look for */
	uint32_t removals; /* closed sources of which the kernel has not let go, atomic */
	size_t events;     /* relaxed counter */
};

struct weft__source {
	struct weft__owned_lock lock; /* owned by the thread whose weft__reactor_own is `reactor` */
	int fd;
	uint32_t generation;
	uint32_t tick;  /* counts events: end clears only what begin saw */
	uint16_t users; /* between begin and end, but for the owner */
	uint8_t ready;  /* POLLER_READ, POLLER_WRITE; POLLER_HANGUP: a short read proves nothing */
	uint8_t flags;  /* private */
	struct weft__reactor *reactor; /* atomic */
	struct weft_waker waiter[2];   /* by direction; ops NULL: nobody */
};

/* The reactor of which this thread alone takes events now. NULL: none, or others may do so, too. */
extern __thread struct weft__reactor *weft__reactor_own
		__attribute__((tls_model("initial-exec")));

enum weft__attempt {
	ATTEMPT_DONE,   /* there may be more */
	ATTEMPT_SHORT,  /* less than asked for: drained, unless the peer has hung up */
	ATTEMPT_BLOCKED /* EAGAIN */
};

int weft__reactor_init(struct weft__reactor *reactor, const char *poller);

/* Nobody may use the reactor any more. Waits until the kernel has let go of the sources that have been
 * closed; those that are still open are the caller's leak. */
void weft__reactor_finish(struct weft__reactor *reactor);

/* Takes events and wakes: claims under the sources' locks, commits after. Waits up to timeout_ns for the
 * first (0: not at all, allowed to any thread; otherwise the owner only; < 0: no limit). Returns the
 * number of events. */
int weft__reactor_poll(struct weft__reactor *reactor, int64_t timeout_ns);

/* Ends the owner's wait. Any thread. */
void weft__reactor_wake(struct weft__reactor *reactor);

/* Starts an operation; operation->complete will be called once, by weft__reactor_poll. -ENOSYS: this
 * poller has no operations. */
int weft__reactor_submit(struct weft__reactor *reactor, struct weft__operation *operation);

/* Asks for the end of an operation that is under way; `complete` is called all the same. An error (no
 * memory in the kernel): nothing was asked. */
int weft__reactor_cancel(struct weft__reactor *reactor, struct weft__operation *operation);

/* Takes over fd (non-blocking) and registers it. On failure fd is still the caller's. */
int weft__source_open(struct weft__source **source, uint32_t *generation,
		struct weft__reactor *reactor, int fd);

/* Wakes the waiters (their begin gives -EBADF), and closes fd once nobody uses it. -EBADF if the
 * generation is not this source's any more. */
int weft__source_close(struct weft__source *source, uint32_t generation);

/* Keeps the descriptor open until unuse, for a call that neither waits nor moves data. The descriptor, or
 * -EBADF. */
int weft__source_use(struct weft__source *source, uint32_t generation);
void weft__source_unuse(struct weft__source *source);

enum weft__begin {
	BEGIN_TRY,     /* go ahead with use->fd; then weft__source_end */
	BEGIN_WAIT,    /* registered: return PENDING */
	BEGIN_FAILED   /* use->error */
};

/* One leaf's dealings with a source. */
struct weft__use {
	struct weft__source *source;
	uint32_t generation;
	enum weft__direction direction;
	int fd;        /* from here on: what begin found */
	uint32_t tick;
	int error;
	bool own;      /* inside the source's lock until end */
};

static inline struct weft__use weft__use_make(struct weft__source *source, uint32_t generation,
		enum weft__direction direction)
{
	struct weft__use use = { source, generation, direction, -1, 0, 0, false };

	return use;
}

/* Word by word: the context's was written so, just now, and does not come out in one piece yet. */
static inline void weft__waker_put(struct weft_waker *place, const struct weft_waker *waker)
{
	place->ops = waker->ops;
	place->data = waker->data;
}

/* ---- begin and end: in line, because every request goes through them several times ---- */

enum weft__source_flags {
	SOURCE_CLOSING = 1 << 0,
	SOURCE_KERNEL = 1 << 1, /* the poller may still deliver a last event */
	SOURCE_WOKEN = 1 << 2,  /* << direction: the waiter has been claimed, and keeps its place */
	SOURCE_WRITES = 1 << 4  /* the poller tells of POLLER_WRITE: somebody has waited to write */
};

/* Under the lock: what begin does if an attempt may not go ahead. 0: registered, or an error. */
int weft__source_wait(struct weft__source *source, uint32_t generation,
		enum weft__direction direction, struct weft_context *cx, bool waiting);

/* Unlocks a source that is closing, and closes the descriptor if this was the last use. */
void weft__source_unlock_closing(struct weft__source *source);

/* Whether this is the owner, who is now inside: the unlock must know. */
WEFT_NODISCARD WEFT_INLINE bool weft__source_lock(struct weft__source *source)
{
	/* relaxed: of its own sources the owner has written it; with others nothing comes of it */
	if (WEFT_LIKELY(atomic_load_relaxed(&source->reactor) == weft__reactor_own) &&
			weft__owned_lock_enter(&source->lock))
		return true;
	weft__owned_lock_acquire(&source->lock);
	return false;
}

WEFT_INLINE void weft__source_unlock(struct weft__source *source, bool own)
{
	if (WEFT_LIKELY(own)) /* so it is not closing: close takes it from the owner */
		weft__owned_lock_leave(&source->lock);
	else if (WEFT_UNLIKELY(source->flags & SOURCE_CLOSING))
		weft__source_unlock_closing(source);
	else
		weft__owned_lock_release(&source->lock);
}

static inline uint8_t weft__direction_bit(enum weft__direction direction)
{
	return direction == SOURCE_READ ? POLLER_READ : POLLER_WRITE;
}

/* Under the lock: whether an attempt may go ahead. What is ready wins over a cancellation, unless the
 * leaf is new. */
WEFT_INLINE bool weft__source_may_try(const struct weft__use *use, const struct weft_context *cx,
		bool waiting)
{
	const struct weft__source *source = use->source;

	return source->generation == use->generation &&
			(source->ready & weft__direction_bit(use->direction)) &&
			(waiting ||
					(!source->waiter[use->direction].ops &&
							!(cx && weft_context_cancelled(cx))));
}

/* Before an attempt. `waiting`: the caller's leaf has been told BEGIN_WAIT before and owns the waiter's
 * place. use->error: -EBADF closed; -EBUSY somebody else waits for this direction; -ECANCELED. Without a
 * context: -EAGAIN instead of BEGIN_WAIT. */
WEFT_INLINE enum weft__begin weft__source_begin(struct weft__use *use, struct weft_context *cx,
		bool waiting)
{
	struct weft__source *source = use->source;

	if (WEFT_UNLIKELY(!source)) {
		use->error = -EBADF;
		return BEGIN_FAILED;
	}
	use->own = weft__source_lock(source);
	if (!weft__source_may_try(use, cx, waiting)) {
		use->error = weft__source_wait(source, use->generation, use->direction, cx, waiting);
		weft__source_unlock(source, use->own);
		return use->error ? BEGIN_FAILED : BEGIN_WAIT;
	}
	source->waiter[use->direction].ops = NULL;
	use->fd = source->fd;
	if (WEFT_UNLIKELY(!use->own)) {
		source->users++;
		WEFT_ASSERT(source->users != 0);
		use->tick = source->tick;
		weft__source_unlock(source, false);
	}
	return BEGIN_TRY;
}

/* After an attempt; the next begin waits if this one drained the descriptor and no event came since. */
WEFT_INLINE void weft__source_end(struct weft__use *use, enum weft__attempt attempt)
{
	struct weft__source *source = use->source;
	bool changed = false;

	if (WEFT_UNLIKELY(!use->own)) {
		weft__owned_lock_acquire(&source->lock);
		WEFT_ASSERT(source->users > 0);
		source->users--;
		changed = source->tick != use->tick;
	}
	if (attempt != ATTEMPT_DONE && !changed &&
			(attempt == ATTEMPT_BLOCKED || !(source->ready & POLLER_HANGUP)))
		source->ready &= (uint8_t)~weft__direction_bit(use->direction);
	weft__source_unlock(source, use->own);
}

/* ---- the same for the owner, in a straight line ---- */

/* BEGIN_TRY: go ahead with source->fd; then weft__source_end_own. BEGIN_FAILED: nothing has happened, and
 * weft__source_begin knows more. */
WEFT_INLINE enum weft__begin weft__source_begin_own(struct weft__source *source, uint32_t generation,
		enum weft__direction direction, struct weft_context *cx, bool waiting)
{
	enum weft__begin begin = BEGIN_FAILED;
	struct weft_waker *place;

	/* relaxed: as in lock */
	if (WEFT_UNLIKELY(!source || atomic_load_relaxed(&source->reactor) != weft__reactor_own ||
			    !weft__owned_lock_enter(&source->lock)))
		return BEGIN_FAILED;
	place = &source->waiter[direction];
	if (WEFT_LIKELY(source->generation == generation && (waiting || !place->ops) &&
			    !(cx && weft_context_cancelled(cx)))) {
		if (source->ready & weft__direction_bit(direction)) {
			place->ops = NULL;
			return BEGIN_TRY;
		}
		if (cx && (direction == SOURCE_READ || source->flags & SOURCE_WRITES)) {
			weft__waker_put(place, weft_context_waker(cx));
			source->flags &= (uint8_t) ~(SOURCE_WOKEN << direction);
			begin = BEGIN_WAIT;
		}
	}
	weft__owned_lock_leave(&source->lock);
	return begin;
}

/* drained: as ATTEMPT_SHORT or ATTEMPT_BLOCKED would say. */
WEFT_INLINE void weft__source_end_own(struct weft__source *source, enum weft__direction direction,
		bool drained)
{
	if (drained)
		source->ready &= (uint8_t)~weft__direction_bit(direction);
	weft__owned_lock_leave(&source->lock);
}

#endif
