/* SPDX-License-Identifier: MIT */
/*
 * io/poller_uring.c: both halves by io_uring: a multishot poll per descriptor, a request per operation.
 *
 * How         What add and submit want is put in a list; whoever waits next turns the list into
 *             requests and hands them over with the system call that waits. The kernel runs a
 *             request's completion on the thread that handed it over, so that should be the owner:
 *             a thread that queues something while the owner sleeps wakes it. remove alone enters
 *             at once, as a close must not wait for somebody's next turn.
 *
 *                       add            a wait              remove             its request
 *                 NONE ----> WANTED ----------> ARMED ----------> UNWANTED ------------> CANCELLED
 *                  ^ ^--remove-|  ^--ended by----| |                 |                       |
 *                  |              the kernel       |--an error--> BROKEN --remove--> NONE    |
 *                  +-------------------- the poll's last completion (REMOVED) ---------------+
 *
 *             The kernel ends a poll when the completion queue is full and when the thread that
 *             armed it has gone; then it is armed again, and arming reports what is ready. An
 *             operation of a thread that has gone ends with -ECANCELED and is submitted again.
 *             wake writes an eventfd, whose poll has no token. It is never read: each write is an
 *             edge.
 * Invariants  [I1] completions carry the descriptor's generation: one of an earlier poll of the same
 *                  descriptor number is dropped.
 *             [I2] an interest is in the list exactly while it is WANTED, or UNWANTED for lack of
 *                  room, or was one of these.
 *             [I3] if `waiters` is not zero, the list was empty and all requests were handed over
 *                  when the lock was released; who changes that while it holds the lock wakes.
 * Order       [O1] the kernel reads requests below its view of the tail: the store of the tail is a
 *                  release, the load of its head an acquire.
 *             [O2] the same for completions, the other way round.
 * Cost        wait: one system call, or none if there are completions and nothing to hand over, or if
 *             the time is 0 and there is nothing to do. remove: one. add, submit, cancel: none.
 *             Memory: 16 bytes per descriptor number, 80 KiB of rings.
 * Not here    IORING_SETUP_DEFER_TASKRUN: one thread would own the ring for good, and nobody could
 *             drive it for a stuck worker. COOP_TASKRUN is needed, though: without it each event
 *             interrupts the busy owner, which tripled the CPU time per request. Its price is that
 *             the completions of a thread that makes no system call stay with it until the next
 *             tick of the clock; a membarrier interrupts it at once (see uring_wait_none).
 *             Multishot receive with provided buffers saves the system calls of recv and send, but
 *             measured no CPU time per request, and needs memory per connection (docs/pollers.md).
 */
#ifdef WEFT_HAVE_URING
#include <errno.h>
#include <liburing.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "io/poller.h"
#include "io/sockets.h"
#include "os/os.h"

#ifdef WEFT_TEST_SMALL
enum { URING_REQUESTS = 4, URING_COMPLETIONS = 8, URING_CHUNK = 4 };
#else
enum { URING_REQUESTS = 256, URING_COMPLETIONS = 4096, URING_CHUNK = 1024 };
#endif

enum {
	URING_FEATURES = IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_EXT_ARG |
			IORING_FEAT_CQE_SKIP, /* Linux 5.17; multishot polls are older */
	URING_LOOK_BACK = 8, /* newest completions among which remove looks for its own */
	URING_SIZE_MAX = 0x7ffff000 /* what read(2) takes at most */
};

/* The low two bits of a request's user_data; the rest is a pointer, or generation and descriptor. */
enum uring_tag {
	URING_IGNORED,
	URING_OPERATION,
	URING_INTEREST,
	URING_TAGS = 3
};

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
	unsigned waiters; /* threads that sleep in the kernel, or are about to */
	bool exposed;     /* a foreign loop watches the ring: hand over at once */
	bool coop;        /* completions wait for their thread: see uring_wait_none */
	int event_fd;
	unsigned tail; /* of the requests; as published */
	int first, last; /* the list of interests; -1: none */
	struct uring_operations wanted; /* to be submitted */
	struct uring_operations ended;  /* cancelled before the kernel saw them */
	struct uring_interest **chunks;
	unsigned chunk_count;
	struct io_uring ring;
	struct io_uring_params params;
};

/* ---- requests ---- */

static unsigned uring_unsubmitted(const struct uring_state *state)
{
	return state->tail - atomic_load_acquire(state->ring.sq.khead); /* [O1] */
}

/* An empty request, or NULL: the queue is full. It counts once it is published. */
static struct io_uring_sqe *uring_request(struct uring_state *state)
{
	if (uring_unsubmitted(state) == state->params.sq_entries)
		return NULL;
	return &state->ring.sq.sqes[state->tail & (state->params.sq_entries - 1)];
}

static void uring_publish(struct uring_state *state, struct io_uring_sqe *request, uint64_t data)
{
	io_uring_sqe_set_data64(request, data);
	atomic_store_release(state->ring.sq.ktail, ++state->tail); /* [O1] */
}

/* Hands over `submit` requests and waits for `wait` completions; without the lock, because only the
 * kernel looks at the queues here. Returns a count or a negative errno, which tells little: look. */
static int uring_enter(struct uring_state *state, unsigned submit, unsigned wait, bool events,
		int64_t timeout_ns)
{
	struct __kernel_timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	struct io_uring_getevents_arg arg = { .ts = timeout_ns < 0 ? 0 : (uintptr_t)&timeout };

	if (!events)
		return io_uring_enter2((unsigned)state->ring.ring_fd, submit, 0, 0, NULL, 0);
	return io_uring_enter2((unsigned)state->ring.ring_fd, submit, wait,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&arg, sizeof arg);
}

/* ---- interests ---- */

static struct uring_interest *uring_interest(const struct uring_state *state, int fd)
{
	unsigned chunk = (unsigned)fd / URING_CHUNK;

	if (fd < 0 || chunk >= state->chunk_count || !state->chunks[chunk])
		return NULL;
	return &state->chunks[chunk][(unsigned)fd % URING_CHUNK];
}

/* Makes room for fd, so that uring_interest finds it. */
static int uring_reserve(struct uring_state *state, int fd)
{
	unsigned chunk = (unsigned)fd / URING_CHUNK;

	if (chunk >= state->chunk_count) {
		unsigned count = chunk + 1 > 2 * state->chunk_count ? chunk + 1
								    : 2 * state->chunk_count;
		struct uring_interest **chunks =
				realloc(state->chunks, count * sizeof *state->chunks);

		if (!chunks)
			return -ENOMEM;
		state->chunks = chunks;
		while (state->chunk_count < count)
			chunks[state->chunk_count++] = NULL;
	}
	if (!state->chunks[chunk])
		state->chunks[chunk] = calloc(URING_CHUNK, sizeof **state->chunks);
	return state->chunks[chunk] ? 0 : -ENOMEM;
}

static uint64_t uring_interest_data(int fd, uint16_t generation)
{
	return (uint64_t)generation << 48 | (uint64_t)(uint32_t)fd << 2 | URING_INTEREST;
}

static void uring_list(struct uring_state *state, int fd, struct uring_interest *interest)
{
	if (interest->listed)
		return;
	interest->listed = true;
	interest->next = -1;
	if (state->first < 0)
		state->first = fd;
	else
		uring_interest(state, state->last)->next = fd;
	state->last = fd;
}

/* The only place where an interest changes its state. */
static void uring_become(struct uring_state *state, int fd, enum uring_interest_state next)
{
	struct uring_interest *interest = uring_interest(state, fd);

	switch (next) {
	case URING_NONE:
		WEFT_ASSERT(interest->state != URING_NONE && interest->state != URING_ARMED);
		interest->generation++; /* [I1] */
		break;
	case URING_WANTED:
		WEFT_ASSERT(interest->state == URING_NONE || interest->state == URING_ARMED);
		uring_list(state, fd, interest);
		break;
	case URING_ARMED:
		WEFT_ASSERT(interest->state == URING_WANTED);
		break;
	case URING_BROKEN:
	case URING_UNWANTED:
		WEFT_ASSERT(interest->state == URING_ARMED);
		break;
	case URING_CANCELLED:
		WEFT_ASSERT(interest->state == URING_UNWANTED);
		break;
	}
	interest->state = (uint8_t)next;
}

static void uring_arm(struct uring_state *state, int fd, struct io_uring_sqe *request)
{
	/* multishot polls are edge-triggered */
	io_uring_prep_poll_multishot(request, fd, POLLIN | POLLOUT | POLLRDHUP);
	uring_publish(state, request,
			uring_interest_data(fd, uring_interest(state, fd)->generation));
	uring_become(state, fd, URING_ARMED);
}

static void uring_disarm(struct uring_state *state, int fd, struct io_uring_sqe *request)
{
	/* not POLL_REMOVE, which refuses while an event is on its way */
	io_uring_prep_cancel64(request,
			uring_interest_data(fd, uring_interest(state, fd)->generation), 0);
	request->flags |= IOSQE_CQE_SKIP_SUCCESS;
	uring_publish(state, request, URING_IGNORED);
	uring_become(state, fd, URING_CANCELLED);
}

/* ---- operations ---- */

static void uring_put(struct uring_operations *list, struct weft__operation *operation)
{
	operation->next = NULL;
	if (list->first)
		list->last->next = operation;
	else
		list->first = operation;
	list->last = operation;
}

static struct weft__operation *uring_take(struct uring_operations *list)
{
	struct weft__operation *operation = list->first;

	if (operation)
		list->first = operation->next;
	return operation;
}

static uint64_t uring_operation_data(const struct weft__operation *operation)
{
	return (uint64_t)(uintptr_t)operation | URING_OPERATION;
}

static void uring_begin(struct uring_state *state, struct weft__operation *operation,
		struct io_uring_sqe *request)
{
	size_t size = operation->size < URING_SIZE_MAX ? operation->size : URING_SIZE_MAX;
	uint64_t offset = (uint64_t)operation->offset;

	operation->queued = false;
	if (operation->opcode == OPERATION_READ)
		io_uring_prep_read(request, operation->fd, operation->buffer, (unsigned)size,
				offset);
	else if (operation->opcode == OPERATION_WRITE)
		io_uring_prep_write(request, operation->fd, operation->buffer, (unsigned)size,
				offset);
	else
		io_uring_prep_fsync(request, operation->fd, 0);
	uring_publish(state, request, uring_operation_data(operation));
}

/* Turns what is listed into requests, as far as there is room. */
static void uring_fill(struct uring_state *state)
{
	struct io_uring_sqe *request;

	while (state->first >= 0 && (request = uring_request(state))) {
		int fd = state->first;
		struct uring_interest *interest = uring_interest(state, fd);

		WEFT_ASSERT(interest->listed); /* [I2] */
		interest->listed = false;
		state->first = interest->next;
		if (interest->state == URING_WANTED)
			uring_arm(state, fd, request);
		else if (interest->state == URING_UNWANTED)
			uring_disarm(state, fd, request);
	}
	while (state->wanted.first) {
		if (state->wanted.first->cancelled)
			uring_put(&state->ended, uring_take(&state->wanted));
		else if ((request = uring_request(state)))
			uring_begin(state, uring_take(&state->wanted), request);
		else
			break;
	}
}

/* ---- completions ---- */

static unsigned uring_bits(int32_t events)
{
	unsigned bits = 0;

	if (events & (POLLIN | POLLPRI))
		bits |= POLLER_READ;
	if (events & POLLOUT)
		bits |= POLLER_WRITE;
	if (events & (POLLHUP | POLLERR))
		bits |= POLLER_READ | POLLER_WRITE | POLLER_HANGUP;
	if (events & POLLRDHUP)
		bits |= POLLER_READ | POLLER_HANGUP;
	return bits;
}

/* After a poll's last completion. Returns what that adds to its event. */
static unsigned uring_interest_ended(struct uring_state *state, int fd, int32_t result)
{
	switch (uring_interest(state, fd)->state) {
	case URING_UNWANTED:
	case URING_CANCELLED:
		uring_become(state, fd, URING_NONE);
		return POLLER_REMOVED;
	case URING_ARMED:
		if (result >= 0 || result == -ECANCELED) {
			uring_become(state, fd, URING_WANTED);
			return 0;
		}
		uring_become(state, fd, URING_BROKEN); /* whoever tries will see why */
		return POLLER_READ | POLLER_WRITE | POLLER_HANGUP;
	default:
		weft__fail("a poll that is not armed has ended", __FILE__, __LINE__);
	}
}

static int uring_interest_event(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event, bool *woken)
{
	int fd = (int)(uint32_t)(completion->user_data >> 2);
	struct uring_interest *interest = uring_interest(state, fd);

	if (!interest || interest->generation != completion->user_data >> 48)
		return 0; /* [I1] */
	event->token = interest->token;
	event->bits = completion->res > 0 ? uring_bits(completion->res) : 0;
	if (!(completion->flags & IORING_CQE_F_MORE))
		event->bits |= uring_interest_ended(state, fd, completion->res);
	if (!event->token) {
		*woken |= event->bits != 0;
		return 0;
	}
	return event->bits != 0;
}

static int uring_operation_event(struct weft__operation *operation,
		struct weft__poller_event *event)
{
	event->token = operation;
	event->bits = POLLER_COMPLETE;
	return 1;
}

static int uring_completion(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event, bool *woken)
{
	uint64_t data = completion->user_data;
	struct weft__operation *operation;

	if ((data & URING_TAGS) == URING_INTEREST)
		return uring_interest_event(state, completion, event, woken);
	if ((data & URING_TAGS) != URING_OPERATION)
		return 0;
	operation = (struct weft__operation *)(uintptr_t)(data & ~(uint64_t)URING_TAGS);
	if ((completion->res == -ECANCELED || completion->res == -EINTR) && !operation->cancelled) {
		operation->queued = true; /* its thread has gone */
		uring_put(&state->wanted, operation);
		return 0;
	}
	operation->result = completion->res;
	return uring_operation_event(operation, event);
}

static int uring_harvest(struct uring_state *state, struct weft__poller_event *events, int capacity,
		bool *woken)
{
	const struct io_uring_cq *cq = &state->ring.cq;
	unsigned head = *cq->khead, tail = atomic_load_acquire(cq->ktail); /* [O2] */
	int taken = 0;

	while (state->ended.first && taken < capacity) {
		struct weft__operation *operation = uring_take(&state->ended);

		operation->result = -ECANCELED;
		taken += uring_operation_event(operation, &events[taken]);
	}
	for (; head != tail && taken < capacity; head++)
		taken += uring_completion(state, &cq->cqes[head & (state->params.cq_entries - 1)],
				&events[taken], woken);
	atomic_store_release(cq->khead, head); /* [O2] */
	return taken;
}

/* ---- waiting ---- */

/* What a look under the lock has found. */
struct uring_look {
	int taken;
	bool woken;
	unsigned submit; /* requests to hand over */
	unsigned flags;  /* of the kernel: it has more than the queue shows */
};

/* Takes events and prepares what is listed. If there are none and `sleep`, the caller will wait. */
static struct uring_look uring_look(struct uring_state *state, struct weft__poller_event *events,
		int capacity, bool sleep)
{
	struct uring_look look = { .woken = false };

	weft__lock_acquire(&state->lock);
	look.taken = uring_harvest(state, events, capacity, &look.woken);
	uring_fill(state);
	look.submit = uring_unsubmitted(state);
	/* relaxed: a hint from the kernel; whoever sees it late sees it at the next look */
	look.flags = atomic_load_relaxed(state->ring.sq.kflags) &
			(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
	if (sleep && !look.taken && !look.woken && state->first < 0 && !state->wanted.first)
		state->waiters++; /* [I3] */
	weft__lock_release(&state->lock);
	return look;
}

static void uring_awake(struct uring_state *state)
{
	weft__lock_acquire(&state->lock);
	WEFT_ASSERT(state->waiters > 0);
	state->waiters--;
	weft__lock_release(&state->lock);
}

static bool uring_found(const struct uring_look *look)
{
	return look->taken > 0 || look->woken;
}

/* wait with a time of 0. */
static int uring_wait_none(struct uring_state *state, struct weft__poller_event *events,
		int capacity)
{
	struct uring_look look = uring_look(state, events, capacity, false);

	if (!look.submit && (!look.flags || uring_found(&look)))
		return look.taken;
	uring_enter(state, look.submit, 0, look.flags != 0, 0);
	if (uring_found(&look))
		return look.taken;
	look = uring_look(state, events, capacity, false);
	if (!uring_found(&look) && state->coop && (look.flags & IORING_SQ_TASKRUN)) {
		/* There are completions on a thread that makes no system call. This interrupts it,
		 * and on the way out of the interrupt they come. */
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
		look = uring_look(state, events, capacity, false);
	}
	return look.taken;
}

/* wait with any other time. */
static int uring_wait_some(struct uring_state *state, int64_t timeout_ns,
		struct weft__poller_event *events, int capacity)
{
	int64_t now = timeout_ns > 0 ? weft__clock_now() : 0;
	int64_t deadline = timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX;

	for (;;) {
		struct uring_look look = uring_look(state, events, capacity, true);
		bool sleeps = !uring_found(&look);
		int err = 0;

		if (sleeps && timeout_ns > 0)
			sleeps = (now = weft__clock_now()) < deadline;
		if (look.submit || look.flags || sleeps)
			err = uring_enter(state, look.submit, sleeps, sleeps || look.flags,
					timeout_ns < 0 ? -1 : deadline - now);
		uring_awake(state);
		if (uring_found(&look) || !sleeps)
			return look.taken;
		if (err == -EINTR)
			return uring_wait_none(state, events, capacity);
	}
}

static int uring_wait(struct weft__poller *poller, int64_t timeout_ns,
		struct weft__poller_event *events, int capacity)
{
	if (timeout_ns == 0)
		return uring_wait_none(poller->state, events, capacity);
	return uring_wait_some(poller->state, timeout_ns, events, capacity);
}

/* Ends a section that has listed or published something: lets somebody hand it over. */
static void uring_unlock(struct uring_state *state)
{
	bool waiters = state->waiters > 0, exposed = state->exposed;
	unsigned submit = 0;

	if (exposed && !waiters) {
		uring_fill(state);
		submit = uring_unsubmitted(state);
	}
	weft__lock_release(&state->lock);
	if (waiters)
		weft__event_signal(state->event_fd); /* [I3] */
	else if (submit)
		uring_enter(state, submit, 0, false, 0);
}

/* ---- the table ---- */

/* Like epoll: -EPERM for what is always ready, which a ring would report again and again. */
static int uring_is_pollable(int fd)
{
	struct epoll_event event = { .events = 0 };
	struct stat status;
	int probe, err;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode) || !(status.st_mode & S_IFMT))
		return 0;
	probe = epoll_create1(EPOLL_CLOEXEC);
	if (probe < 0)
		return -errno;
	err = epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
	weft__fd_close(probe);
	return err;
}

static int uring_add(struct weft__poller *poller, int fd, void *token)
{
	struct uring_state *state = poller->state;
	int err = uring_is_pollable(fd);

	if (err)
		return err;
	weft__lock_acquire(&state->lock);
	err = uring_reserve(state, fd);
	if (!err && uring_interest(state, fd)->state != URING_NONE)
		err = -EEXIST;
	if (err) {
		weft__lock_release(&state->lock);
		return err;
	}
	uring_interest(state, fd)->token = token;
	uring_become(state, fd, URING_WANTED);
	uring_unlock(state);
	return 0;
}

/* Looks for the last completion of a poll among the newest, where a cancel that succeeded at once has
 * put it, and takes it out. */
static bool uring_took_last(struct uring_state *state, uint64_t data)
{
	const struct io_uring_cq *cq = &state->ring.cq;
	unsigned head = *cq->khead, tail = atomic_load_acquire(cq->ktail); /* [O2] */

	for (unsigned i = 1; i <= URING_LOOK_BACK && tail - i != head - 1; i++) {
		struct io_uring_cqe *completion =
				&cq->cqes[(tail - i) & (state->params.cq_entries - 1)];

		if (completion->user_data == data && !(completion->flags & IORING_CQE_F_MORE)) {
			completion->user_data = URING_IGNORED;
			return true;
		}
	}
	return false;
}

/* The interest is UNWANTED and the lock is held, which this releases. Returns what remove returns. */
static int uring_remove_armed(struct uring_state *state, int fd)
{
	uint16_t generation = uring_interest(state, fd)->generation;
	uint64_t data = uring_interest_data(fd, generation);
	struct uring_interest *interest;
	struct io_uring_sqe *request;
	unsigned submit;
	int more = 1;

	while (!(request = uring_request(state))) {
		submit = uring_unsubmitted(state);
		weft__lock_release(&state->lock);
		if (uring_enter(state, submit, 0, true, 0) < 0)
			weft__event_signal(state->event_fd); /* it stays in the list: [I3] */
	}
	uring_disarm(state, fd, request);
	submit = uring_unsubmitted(state);
	weft__lock_release(&state->lock);
	uring_enter(state, submit, 0, false, 0);
	weft__lock_acquire(&state->lock);
	interest = uring_interest(state, fd);
	if (interest->generation == generation && uring_took_last(state, data)) {
		uring_become(state, fd, URING_NONE);
		more = 0;
	}
	weft__lock_release(&state->lock);
	return more;
}
