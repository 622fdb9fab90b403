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

#include <weft/poll.h>

#include "base/lock.h"
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
	struct weft__lock lock;
	int fd;
	uint32_t generation;
	uint16_t users; /* between begin and end */
	uint8_t ready;  /* POLLER_READ, POLLER_WRITE; POLLER_HANGUP: a short read proves nothing */
	uint8_t flags;  /* private */
	struct weft__reactor *reactor; /* or the next free record */
	struct weft_waker waiter[2];   /* by direction; ops NULL: nobody */
	uint32_t tick;                 /* counts events: end clears only what begin saw */
};

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
};

/* Before an attempt. `waiting`: the caller's leaf has been told BEGIN_WAIT before and owns the waiter's
 * place. use->error: -EBADF closed; -EBUSY somebody else waits for this direction; -ECANCELED. */
enum weft__begin weft__source_begin(struct weft__use *use, struct weft_context *cx, bool waiting);

/* After an attempt; the next begin waits if this one drained the descriptor and no event came since. */
void weft__source_end(struct weft__use *use, enum weft__attempt attempt);

#endif
