/* SPDX-License-Identifier: MIT */
/*
 * io/poller_uring.c: both halves by io_uring: a multishot poll per descriptor, a request per operation.
 *
 * How         What add and submit want is put in a list; whoever waits next turns the list into
 *             requests and hands them over with the system call that waits. The kernel runs a
 *             request's completion on the thread that handed it over, so that should be the owner:
 *             a thread that lists something while the owner sleeps wakes it. remove alone enters at
 *             once, since no close should wait for somebody's next turn.
 *             The lock protects both queues; the kernel is entered without it.
 *             wake writes an eventfd, whose poll has no token. It is never read: each write is an
 *             edge.
 * Invariants  [I1] a thread counted in `sleepers` has left nothing listed and hands over all requests
 *                  as it goes to sleep: who lists or publishes more either hands it over or wakes.
 *             [I2] nor has it left anything set aside: who sets aside wakes. It also wakes a foreign
 *                  loop, which sees no more than the queue; and so does who takes only a part of it.
 * Order       [O1] completions are there up to the tail, which is loaded with acquire; the kernel may
 *                  overwrite those up to the head, which is stored with release.
 * Cost        wait: one system call, or none if there are completions and nothing to hand over, or if
 *             the time is 0 and there is nothing to do. remove: one. submit, cancel: none. add: fstat.
 *             Memory: 16 bytes per descriptor number, 80 KiB of rings.
 * Not here    IORING_SETUP_DEFER_TASKRUN: one thread would own the ring for good, and nobody could
 *             drive it while that thread is stuck. COOP_TASKRUN is needed, though: without it each
 *             event interrupts the busy owner, which tripled the CPU time per request. Its price is
 *             that the completions of a thread that makes no system call stay with it until the next
 *             tick of the clock; uring_wait_none knows a way.
 *             Multishot receive into provided buffers saves the system calls of recv and send, but
 *             hardly any CPU time, and takes memory per connection (docs/pollers.md).
 */
#ifdef WEFT_HAVE_URING
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "io/sockets.h"
#include "io/uring.h"
#include "os/os.h"

enum {
	URING_FEATURES = IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_EXT_ARG |
			IORING_FEAT_CQE_SKIP, /* Linux 5.17; multishot polls are older */
	URING_PATIENCE = 200
};

/* ---- completions ---- */

static int uring_completion(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event, bool *woken)
{
	switch (completion->user_data & URING_TAGS) {
	case URING_INTEREST:
		return weft__uring_interest_event(state, completion, event, woken);
	case URING_OPERATION:
		return weft__uring_operation_event(state, completion, event);
	case URING_CALL:
		weft__uring_call_ended(completion);
		return 0;
	default:
		return 0;
	}
}

static bool uring_has_aside(const struct uring_state *state)
{
	return state->kept_count || state->kept_wake || state->ended.first;
}

void weft__uring_set_aside(struct uring_state *state)
{
	const struct io_uring_cq *cq = &state->ring.cq;
	unsigned head = *cq->khead, tail = atomic_load_acquire(cq->ktail); /* [O1] */

	for (; head != tail; head++) {
		struct io_uring_cqe *completion = &cq->cqes[head & (state->params.cq_entries - 1)];
		struct weft__poller_event event;

		if (!uring_completion(state, completion, &event, &state->kept_wake))
			continue;
		if (event.bits & POLLER_COMPLETE)
			weft__uring_put_ended(state, event.token);
		else
			weft__uring_keep(state, uring_interest_fd(completion->user_data),
					event.bits);
	}
	atomic_store_release(cq->khead, head); /* [O1] */
}

static int uring_harvest(struct uring_state *state, struct weft__poller_event *events, int capacity,
		bool *woken)
{
	const struct io_uring_cq *cq = &state->ring.cq;
	unsigned head = *cq->khead, tail = atomic_load_acquire(cq->ktail); /* [O1] */
	int taken = 0;

	*woken |= state->kept_wake;
	state->kept_wake = false;
	while (taken < capacity && (weft__uring_ended_event(state, &events[taken]) ||
						   weft__uring_kept_event(state, &events[taken])))
		taken++;
	for (; head != tail && taken < capacity; head++)
		taken += uring_completion(state, &cq->cqes[head & (state->params.cq_entries - 1)],
				&events[taken], woken);
	atomic_store_release(cq->khead, head); /* [O1] */
	return taken;
}

/* ---- waiting ---- */

int weft__uring_enter(struct uring_state *state, unsigned submit, unsigned wait, int64_t timeout_ns)
{
	struct __kernel_timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	struct io_uring_getevents_arg arg = { .ts = timeout_ns < 0 ? 0 : (uintptr_t)&timeout };

	return io_uring_enter2((unsigned)state->ring.ring_fd, submit, wait,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&arg, sizeof arg);
}

static void uring_fill(struct uring_state *state)
{
	weft__uring_fill_interests(state, false);
	weft__uring_fill_operations(state);
}

static bool uring_is_listed(const struct uring_state *state)
{
	return state->first >= 0 || state->wanted.first;
}

struct uring_look {
	int taken;
	bool woken;
	bool sleeps;     /* nothing found, nothing listed: the caller may sleep, and is counted */
	unsigned submit; /* requests to hand over */
	unsigned flags;  /* the kernel has more than the queue shows */
};

static bool uring_found(const struct uring_look *look)
{
	return look->taken > 0 || look->woken;
}

/* Takes events and prepares what is listed. Ends the caller's former sleep. */
static void uring_look(struct uring_state *state, struct uring_look *look, bool may_sleep,
		struct weft__poller_event *events, int capacity)
{
	bool tell;

	weft__lock_acquire(&state->lock);
	WEFT_ASSERT(state->sleepers >= look->sleeps);
	state->sleepers -= look->sleeps;
	look->woken = false;
	uring_fill(state);
	look->taken = uring_harvest(state, events, capacity, &look->woken);
	uring_fill(state); /* what has to be armed again */
	look->submit = uring_unsubmitted(state);
	/* relaxed: a hint; who sees it late sees it at the next look */
	look->flags = atomic_load_relaxed(state->ring.sq.kflags) &
			(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
	look->sleeps = may_sleep && !uring_found(look) && !uring_is_listed(state) &&
			!uring_has_aside(state);
	state->sleepers += look->sleeps; /* [I1] [I2] */
	tell = state->exposed && uring_has_aside(state);
	weft__lock_release(&state->lock);
	if (WEFT_UNLIKELY(tell))
		weft__event_signal(state->event_fd); /* [I2] */
}

/* Without the lock: a guess, hence relaxed. */
static bool uring_is_empty(const struct uring_state *state)
{
	return atomic_load_relaxed(state->ring.cq.ktail) ==
			atomic_load_relaxed(state->ring.cq.khead);
}

/* wait with a time of 0. */
static int uring_wait_none(struct uring_state *state, struct uring_look *look,
		struct weft__poller_event *events, int capacity)
{
	uring_look(state, look, false, events, capacity);
	if (!look->submit && (!look->flags || uring_found(look)))
		return look->taken;
	weft__uring_enter(state, look->submit, 0, 0);
	if (uring_found(look))
		return look->taken;
	uring_look(state, look, false, events, capacity);
	if (!uring_found(look) && look->flags & IORING_SQ_TASKRUN) {
		/* Another thread has completions, but makes no system call in which they could come
		 * out. This interrupts it, and they come on its way back: a moment later. */
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
		for (int i = 0; i < URING_PATIENCE && uring_is_empty(state); i++)
			atomic_pause();
		uring_look(state, look, false, events, capacity);
	}
	return look->taken;
}

static int uring_wait(struct weft__poller *poller, int64_t timeout_ns,
		struct weft__poller_event *events, int capacity)
{
	struct uring_state *state = poller->state;
	struct uring_look look = { .sleeps = false };
	int64_t now = timeout_ns > 0 ? weft__clock_now() : 0;
	int64_t deadline = timeout_ns >= 0 && timeout_ns < INT64_MAX - now ? now + timeout_ns
									   : INT64_MAX;
	int err = 0;

	while (now < deadline && (err >= 0 || err == -ETIME)) {
		uring_look(state, &look, true, events, capacity);
		if (look.submit || look.sleeps)
			err = weft__uring_enter(state, look.submit, look.sleeps,
					deadline == INT64_MAX ? -1 : deadline - now);
		if (uring_found(&look))
			return look.taken;
		if (timeout_ns > 0)
			now = weft__clock_now();
	}
	/* The time is over, or there was a signal (or no memory: then try later). */
	return uring_wait_none(state, &look, events, capacity);
}

void weft__uring_unlock(struct uring_state *state)
{
	bool asleep = state->sleepers > 0, now = state->exposed && !asleep, tell;
	unsigned submit;

	if (now)
		uring_fill(state);
	submit = uring_unsubmitted(state);
	tell = asleep && (submit || uring_is_listed(state));          /* [I1] */
	tell |= (asleep || state->exposed) && uring_has_aside(state); /* [I2] */
	weft__lock_release(&state->lock);
	if (tell)
		weft__event_signal(state->event_fd);
	if (now && submit)
		weft__uring_enter(state, submit, 0, 0);
}

/* ---- the table ---- */

static void uring_wake(struct weft__poller *poller)
{
	weft__event_signal(((struct uring_state *)poller->state)->event_fd);
}

static int uring_fd(struct weft__poller *poller)
{
	struct uring_state *state = poller->state;

	weft__lock_acquire(&state->lock);
	state->exposed = true;
	weft__uring_unlock(state);
	return state->ring.ring_fd;
}

/* Ends all requests before the ring: the kernel would do it by itself, but in its own time, and write to
 * the buffers of reads until then. */
static void uring_close(struct uring_state *state)
{
	struct io_uring_sync_cancel_reg all = { .flags = IORING_ASYNC_CANCEL_ANY |
				IORING_ASYNC_CANCEL_ALL,
		.timeout = { 0, 100000000 } };

	io_uring_register_sync_cancel(&state->ring, &all); /* since Linux 6.0 */
	weft__uring_enter(state, 0, 0, 0);
	io_uring_queue_exit(&state->ring);
}

static void uring_finish(struct weft__poller *poller)
{
	struct uring_state *state = poller->state;

	if (!state)
		return;
	if (state->ring.ring_fd >= 0)
		uring_close(state);
	if (state->event_fd >= 0)
		weft__fd_close(state->event_fd);
	weft__uring_interests_free(state);
	free(state);
	poller->state = NULL;
}

/* Asks the kernel for a ring: with COOP_TASKRUN, or without if it does not know that (before 5.19). */
static int uring_open(struct uring_state *state)
{
	unsigned flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
	int err;

	do {
		memset(&state->params, 0, sizeof state->params);
		state->params.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | flags;
		state->params.cq_entries = URING_COMPLETIONS;
		err = io_uring_queue_init_params(URING_REQUESTS, &state->ring, &state->params);
		flags = flags ? 0 : 1;
	} while (err == -EINVAL && !flags);
	if (!err) {
		state->ring.ring_fd = state->ring.enter_ring_fd =
				weft__fd_made(state->ring.ring_fd);
		err = state->ring.ring_fd < 0 ? state->ring.ring_fd : 0;
	}
	if (err)
		state->ring.ring_fd = -1;
	if (!err && (state->params.features & URING_FEATURES) != URING_FEATURES)
		err = -ENOSYS;
	return err == -EPERM || err == -EACCES || err == -EINVAL ? -ENOSYS : err;
}

static int uring_init(struct weft__poller *poller)
{
	struct uring_state *state = calloc(1, sizeof *state);
	int err;

	poller->state = state;
	if (!state)
		return -ENOMEM;
	state->first = -1;
	state->event_fd = -1;
	err = uring_open(state);
	if (!err)
		err = io_uring_ring_dontfork(&state->ring);
	if (!err) {
		for (unsigned i = 0; i < state->params.sq_entries; i++)
			state->ring.sq.array[i] = i;
		state->event_fd = weft__event_create();
		err = state->event_fd < 0 ? state->event_fd : 0;
	}
	if (!err)
		err = weft__uring_add(poller, state->event_fd, NULL);
	if (!err && poller->ops == &weft__poller_uring_direct)
		err = weft__uring_direct_init(state);
	if (err)
		uring_finish(poller);
	else /* now it is cheap; later, with threads running, it takes milliseconds */
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	return err;
}

const struct weft__poller_ops weft__poller_uring = {
	.name = "uring",
	.init = uring_init,
	.finish = uring_finish,
	.add = weft__uring_add,
	.remove = weft__uring_remove,
	.submit = weft__uring_submit,
	.cancel = weft__uring_cancel,
	.wait = uring_wait,
	.wake = uring_wake,
	.fd = uring_fd,
	.sockets = &weft__sockets_kernel,
};

const struct weft__poller_ops weft__poller_uring_direct = {
	.name = "uring-direct",
	.init = uring_init,
	.finish = uring_finish,
	.add = weft__uring_add,
	.remove = weft__uring_remove,
	.submit = weft__uring_submit,
	.cancel = weft__uring_cancel,
	.wait = uring_wait,
	.wake = uring_wake,
	.fd = uring_fd,
	.sockets = &weft__sockets_direct,
	.one_thread = true,
};
#endif /* WEFT_HAVE_URING */
