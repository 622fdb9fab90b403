/* SPDX-License-Identifier: MIT */
/*
 * io/uring.h: what the files of the io_uring poller share. The essay is in poller_uring.c.
 *
 *   poller_uring.c     the ring: waiting, completions, the table of functions
 *   uring_interest.c   descriptors and their polls
 *   uring_operation.c  operations
 *
 * Threads: all of it under the state's lock, unless said otherwise.
 * Order:   [O1] the kernel reads requests up to the tail, which is stored with release, and has read those
 *          up to the head, which is loaded with acquire.
 */
#ifndef WEFT_IO_URING_H
#define WEFT_IO_URING_H
#ifdef WEFT_HAVE_URING

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "io/poller.h"

#ifdef WEFT_TEST_SMALL
enum { URING_REQUESTS = 4, URING_COMPLETIONS = 8, URING_CHUNK = 4 };
#else
enum { URING_REQUESTS = 256, URING_COMPLETIONS = 4096, URING_CHUNK = 1024 };
#endif

/* The low two bits of a request's user_data; the rest is a pointer, or generation and descriptor. */
enum uring_tag { URING_IGNORED, URING_OPERATION, URING_INTEREST, URING_TAGS = 3 };

enum uring_interest_state {
	URING_NONE,
	URING_WANTED,
	URING_ARMED,
	URING_BROKEN,
	URING_UNWANTED,
	URING_CANCELLED
};

struct uring_interest {
	void *token;
	int next; /* in the list; -1: the last */
	uint16_t generation;
	uint8_t state;
	bool listed;
};

_Static_assert(sizeof(struct uring_interest) <= 16, "there is one per descriptor number and ring");

struct uring_operations {
	struct weft__operation *first, *last;
};

struct uring_state {
	struct weft__lock lock;
	unsigned sleepers; /* in the kernel, or about to be */
	bool exposed;      /* a foreign loop watches the ring: hand over at once */
	int event_fd;
	unsigned tail;                  /* of the requests: where the next one goes */
	int first, last;                /* the list of interests; -1: none */
	struct uring_operations wanted; /* to be submitted */
	struct uring_operations ended;  /* cancelled before the kernel saw them */
	struct uring_interest **chunks;
	unsigned chunk_count;
	struct io_uring ring;
	struct io_uring_params params;
};

/* ---- requests ---- */

static inline unsigned uring_unsubmitted(const struct uring_state *state)
{
	return state->tail - atomic_load_acquire(state->ring.sq.khead); /* [O1] */
}

/* An empty request, or NULL: the queue is full. It counts once it is published. */
static inline struct io_uring_sqe *uring_request(struct uring_state *state)
{
	if (uring_unsubmitted(state) == state->params.sq_entries)
		return NULL;
	return &state->ring.sq.sqes[state->tail & (state->params.sq_entries - 1)];
}

static inline void uring_publish(
		struct uring_state *state, struct io_uring_sqe *request, uint64_t data)
{
	io_uring_sqe_set_data64(request, data);
	atomic_store_release(state->ring.sq.ktail, ++state->tail); /* [O1] */
}

/* Hands over `submit` requests, and waits for `wait` completions but not beyond timeout_ns (< 0: no
 * limit). Without the lock: only the kernel looks at the queues here. */
int weft__uring_enter(
		struct uring_state *state, unsigned submit, unsigned wait, int64_t timeout_ns);

/* Unlocks after something was listed or published: sees to it that somebody hands it over. */
void weft__uring_unlock(struct uring_state *state);

/* ---- interests: the functions of struct weft__poller_ops, and what waiting needs ---- */

int weft__uring_add(struct weft__poller *poller, int fd, void *token);
int weft__uring_remove(struct weft__poller *poller, int fd, void *token);

/* Turns the list into requests, as far as there is room; or only what is unwanted at its head. */
void weft__uring_fill_interests(struct uring_state *state, bool unwanted_only);

/* A completion with URING_INTEREST: returns the number of events (0 or 1) it makes. */
int weft__uring_interest_event(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event, bool *woken);

/* ---- operations, the same ---- */

int weft__uring_submit(struct weft__poller *poller, struct weft__operation *operation);
int weft__uring_cancel(struct weft__poller *poller, struct weft__operation *operation);

void weft__uring_fill_operations(struct uring_state *state);
int weft__uring_operation_event(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event);

/* Takes an operation that has ended without the kernel: 0 or 1 event. */
int weft__uring_ended_event(struct uring_state *state, struct weft__poller_event *event);

#endif /* WEFT_HAVE_URING */
#endif
