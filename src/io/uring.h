/* SPDX-License-Identifier: MIT */
/*
 * io/uring.h: what the files of the io_uring poller share. The essay is in poller_uring.c.
 *
 *   poller_uring.c     the ring: waiting, completions, the table of functions
 *   uring_interest.c   descriptors and their polls
 *   uring_operation.c  operations
 *   uring_direct.c     sockets without a descriptor of the process, and calls that the ring makes for them
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
enum uring_tag { URING_IGNORED, URING_OPERATION, URING_INTEREST, URING_CALL, URING_TAGS = 3 };

/* Added to the number of a socket in the ring's own table: a descriptor of this poller's alone. */
enum { URING_DIRECT = 1 << 30 };

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
	uint8_t state : 4, kept : 4; /* kept: bits of an event that was set aside */
	bool listed;
};

_Static_assert(sizeof(struct uring_interest) <= 16, "there is one per descriptor number and ring");

/* By descriptor number, in chunks. */
struct uring_table {
	struct uring_interest **chunks;
	unsigned chunk_count;
};

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
	struct uring_operations ended;  /* with their results: cancelled too early, or set aside */
	struct uring_table tables[2];   /* descriptors, and sockets in the ring's table */
	unsigned kept_count;            /* interests with an event that was set aside */
	unsigned kept_first[2];         /* by table: none has a lower number */
	bool kept_wake;                 /* a wake that was */
	unsigned direct_count, direct_max; /* sockets in the ring's table */
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

/* A system call that the ring makes: one that does not wait, so that it is complete when the request has
 * been handed over. Its result, on the caller's stack. */
struct uring_call {
	int result;
	bool done;
};

static inline void weft__uring_call_ended(const struct io_uring_cqe *completion)
{
	uint64_t address = completion->user_data & ~(uint64_t)URING_TAGS;
	struct uring_call *call = (struct uring_call *)(uintptr_t)address;

	call->result = completion->res;
	call->done = true;
}

/* Empties the completion queue although nobody takes events now. */
void weft__uring_set_aside(struct uring_state *state);

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

/* Remembers an event for weft__uring_kept_event, which returns 0 or 1 like the above. */
void weft__uring_keep(struct uring_state *state, int fd, unsigned bits);
int weft__uring_kept_event(struct uring_state *state, struct weft__poller_event *event);

static inline int uring_interest_fd(uint64_t data)
{
	return (int)(uint32_t)(data >> 2);
}

void weft__uring_interests_free(struct uring_state *state);

/* ---- operations, the same ---- */

int weft__uring_submit(struct weft__poller *poller, struct weft__operation *operation);
int weft__uring_cancel(struct weft__poller *poller, struct weft__operation *operation);

void weft__uring_fill_operations(struct uring_state *state);
int weft__uring_operation_event(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event);

/* For an event of an operation that nobody takes now. */
void weft__uring_put_ended(struct uring_state *state, struct weft__operation *operation);

/* Takes an operation that has ended before: 0 or 1 event. */
int weft__uring_ended_event(struct uring_state *state, struct weft__poller_event *event);

/* ---- the ring's table of sockets ---- */

/* Asks the kernel for the table, with as many places as a process may have descriptors. -ENOSYS: it is
 * too old. */
int weft__uring_direct_init(struct uring_state *state);

#endif /* WEFT_HAVE_URING */
#endif
