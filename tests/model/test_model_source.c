/* SPDX-License-Identifier: MIT */
/* Sources in every interleaving: a task that reads, the event that it waits for, its own thread or another
 * that takes the event, a second task, and who closes the connection. The code is the real io/reactor.c and
 * net/tcp.c, over a kernel of three words. A wake-up that is lost is a deadlock. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "model/model.h"
#include "model/weaken.h"

#ifndef WEFT_TEST_SMALL
#define WEFT_TEST_SMALL
#endif
#include "base/owned_lock.h"
#include "model/model_leaf.h"
#include "test.h"

/* The threads of the search share one set of thread-locals: all are in weft__reactor_own, so who the owner is
 * is told by the thread. */
static int owner;

static bool owner_enters(struct weft__owned_lock *lock)
{
	return model_self() == owner && weft__owned_lock_enter(lock);
}

static void owner_seizes(struct weft__owned_lock *lock)
{
	if (model_self() == owner)
		weft__owned_lock_seize(lock);
	else
		weft__owned_lock_acquire(lock);
}

void weft__fence_heavy(void)
{
	atomic_fence_seq_cst();
}

void weft__thread_yield(void)
{
	atomic_pause();
}

/* Records are never given back, so each execution begins with new ones. */
static struct {
	_Alignas(64) unsigned char bytes[1024];
} record_memory;

static void *records_calloc(size_t count, size_t size)
{
	MODEL_CHECK(count * size <= sizeof record_memory);
	return memset(&record_memory, 0, count * size);
}

#define weft__owned_lock_enter owner_enters
#define weft__owned_lock_seize owner_seizes
#define calloc records_calloc
#include "io/reactor.c" /* NOLINT(bugprone-suspicious-include) */
#include "net/tcp.c"    /* NOLINT(bugprone-suspicious-include) */

/* ---- what they ask of the layers around them ------------------------------------------------------ */

__thread const struct weft_env *weft__env_current;

int weft__address_parse(const char *host, const char *port, bool passive,
		struct sockaddr_storage *address, socklen_t *length)
{
	(void)host, (void)port, (void)passive;
	*address = (struct sockaddr_storage){ 0 };
	*length = 0;
	return -EINVAL;
}

enum weft_poll weft__write_all(struct weft_io io, struct weft_context *cx, const void *bytes,
		size_t size, struct weft_write_progress *progress, ssize_t *result)
{
	(void)io, (void)cx, (void)bytes, (void)size, (void)progress, (void)result;
	return WEFT_READY;
}

/* ---- the kernel: one socket ----------------------------------------------------------------------- */

enum {
	AN_EVENT = POLLER_READ,
	THE_END = POLLER_READ | POLLER_HANGUP,
	LAST_EVENT = POLLER_REMOVED,
	A_WAKE = 64
};

static uint32_t edge;        /* atomic, futex: bits that nobody has been told of */
static uint32_t bytes;       /* atomic: that can be read */
static uint32_t is_end;      /* atomic: the peer has closed */
static uint32_t end_is_told; /* atomic: and the kernel has said so */
static uint32_t is_open;     /* atomic: the descriptor */
static bool tells_last;      /* this poller sends POLLER_REMOVED */
static struct weft__source *token;

static void happens(uint32_t bits)
{
	atomic_fetch_or_acq_rel(&edge, bits);
	model_futex_wake(&edge, 1);
}

static int kernel_init(struct weft__poller *poller)
{
	(void)poller;
	return 0;
}

static int kernel_add(struct weft__poller *poller, int fd, void *source)
{
	(void)poller, (void)fd;
	token = source;
	return 0;
}

static int kernel_remove(struct weft__poller *poller, int fd, void *source)
{
	(void)poller, (void)fd, (void)source;
	if (tells_last)
		happens(LAST_EVENT);
	return tells_last;
}

static int kernel_wait(struct weft__poller *poller, int64_t timeout_ns,
		struct weft__poller_event *events, int capacity)
{
	uint32_t bits;

	(void)poller, (void)capacity;
	while (!(bits = atomic_exchange_acq_rel(&edge, 0u)) && timeout_ns < 0)
		model_futex_wait(&edge, 0);
	events->token = token;
	events->bits = bits & ~(unsigned)A_WAKE;
	if (bits & POLLER_HANGUP)
		atomic_store_relaxed(&end_is_told, 1u);
	return events->bits != 0;
}

static ssize_t kernel_receive(struct weft__poller *poller, int fd, void *buffer, size_t size)
{
	ssize_t got = 0;

	(void)poller, (void)fd, (void)buffer, (void)size;
	MODEL_CHECK(atomic_load_relaxed(&is_open));
	if (!atomic_load_acquire(&is_end)) {
		got = (ssize_t)atomic_exchange_acq_rel(&bytes, 0u);
		if (!got)
			got = -EAGAIN;
	}
	MODEL_CHECK(atomic_load_relaxed(&is_open));
	return got;
}

static void kernel_close(struct weft__poller *poller, int fd)
{
	(void)poller, (void)fd;
	MODEL_CHECK(atomic_exchange_acq_rel(&is_open, 0u) == 1);
}

static const struct weft__socket_ops kernel_sockets = { .receive = kernel_receive,
	.close = kernel_close };
static const struct weft__poller_ops kernel_ops = { .init = kernel_init,
	.add = kernel_add,
	.remove = kernel_remove,
	.wait = kernel_wait,
	.sockets = &kernel_sockets };

int weft__poller_init(struct weft__poller *poller, const char *name)
{
	(void)name;
	poller->ops = &kernel_ops;
	return 0;
}

/* ---- who reads, who closes, who drives ------------------------------------------------------------ */

static struct weft__reactor reactor;
static struct weft_tcp conn;
static char buffer[8];

/* The body's thread is the owner, if anybody is. */
static void begin(bool owned, bool last)
{
	owner = owned ? 0 : -1;
	tells_last = last;
	edge = bytes = is_end = end_is_told = 0;
	is_open = 1;
	memset(&records, 0, sizeof records);
	model_forget(&record_memory, sizeof record_memory);
	MODEL_CHECK(weft__reactor_init(&reactor, NULL) == 0);
	weft__reactor_own = owned ? &reactor : NULL;
	MODEL_CHECK(weft__source_open(&conn.source, &conn.generation, &reactor, 3) == 0);
}

static struct weft_tcp_read__frame reading(void)
{
	struct weft_tcp_read__frame read;

	weft_tcp_read__init(&read.args, conn, buffer, sizeof buffer);
	return read;
}

static int reads(enum model_task_patience patience)
{
	struct weft_tcp_read__frame read = reading();

	return model_task_await(&read, sizeof read, &weft_tcp_read__async, patience);
}

/* A task of the thread that takes the events: between its polls it does that. */
struct home_task {
	struct weft_task task;
	uint32_t is_pushed; /* atomic */
};

static struct weft_waker home_task_claim(void *data);

static void home_task_commit(void *data)
{
	struct home_task *task = data;

	model_check_alive(task);
	atomic_store_release(&task->is_pushed, 1u);
	happens(A_WAKE);
}

static const struct weft_waker_ops home_task_ops = { .claim = home_task_claim,
	.commit = home_task_commit };

static struct weft_waker home_task_claim(void *data)
{
	struct home_task *task = data;
	struct weft_waker waker = { &home_task_ops, task }, nothing = { NULL, NULL };

	model_check_alive(task);
	return mt_wake(&task->task) == MT_PUSH ? waker : nothing;
}

static int reads_and_drives(void)
{
	struct weft_tcp_read__frame read = reading();
	struct home_task *task = model_malloc(sizeof *task);
	struct weft_waker waker = { &home_task_ops, task };

	atomic_store_relaxed(&task->is_pushed, 0u);
	mt_init(&task->task);
	for (;;) {
		struct weft_context cx = weft_context_make(waker, NULL);

		(void)mt_start(&task->task);
		if (weft_tcp_read__poll(&read, &cx) == WEFT_READY)
			break;
		if (mt_suspend(&task->task) == MT_PUSH)
			continue;
		while (!atomic_exchange_acquire(&task->is_pushed, 0u))
			weft__reactor_poll(&reactor, -1);
	}
	mt_done(&task->task);
	model_free(task);
	return (int)read.args.result;
}

static void another_reads(void *unused)
{
	int outcome = reads(MODEL_TASK_STAYS);

	(void)unused;
	MODEL_CHECK(outcome == 0 || outcome == -EBUSY);
}

static void drives_once(void *unused)
{
	(void)unused;
	weft__reactor_poll(&reactor, -1);
}

static void peer_sends(void *unused)
{
	(void)unused;
	atomic_store_release(&bytes, 4u);
	happens(AN_EVENT);
}

static void peer_ends(void *unused)
{
	(void)unused;
	atomic_store_release(&is_end, 1u);
	happens(THE_END);
}

static void closes(void *unused)
{
	(void)unused;
	MODEL_CHECK(weft_tcp_close(conn) == 0);
}

/* ---- worlds --------------------------------------------------------------------------------------- */

/* One task, and one event that another thread takes. */
static void event_world(enum model_task_patience patience)
{
	int outcome;

	begin(false, false);
	model_thread(drives_once, NULL);
	model_thread(peer_sends, NULL);
	outcome = reads(patience);
	MODEL_CHECK(outcome == 4 || (outcome == -ECANCELED && patience == MODEL_TASK_GIVES_UP));
	model_join_all();
	if (outcome == -ECANCELED) /* no byte was moved */
		MODEL_CHECK(reads(MODEL_TASK_STAYS) == 4);
}

static void event_meets_read(void)
{
	event_world(MODEL_TASK_STAYS);
}

static void event_meets_read_that_looks_again(void)
{
	event_world(MODEL_TASK_LOOKS_AGAIN);
}

static void event_meets_read_that_gives_up(void)
{
	event_world(MODEL_TASK_GIVES_UP);
}

static void close_meets_read(void)
{
	int outcome;

	begin(false, false);
	model_thread(closes, NULL);
	outcome = reads(MODEL_TASK_LOOKS_AGAIN);
	MODEL_CHECK(outcome == -EBADF);
	model_join_all();
	MODEL_CHECK(!atomic_load_relaxed(&is_open));
}

/* With a last event, which another thread takes. */
static void close_meets_read_and_event(void)
{
	begin(false, true);
	model_thread(closes, NULL);
	model_thread(drives_once, NULL);
	MODEL_CHECK(reads(MODEL_TASK_LOOKS_AGAIN) == -EBADF);
	model_join_all();
	MODEL_CHECK(!atomic_load_relaxed(&is_open));
}

static void owner_reads_beside_close(void)
{
	begin(true, false);
	model_thread(peer_sends, NULL);
	model_thread(closes, NULL);
	(void)reads_and_drives();
	model_join_all();
	MODEL_CHECK(!atomic_load_relaxed(&is_open));
}

/* Two tasks, on two threads, an event that brings nothing, and the end: one is told that the other waits, or
 * both read the end. */
static void owner_reads_beside_another(void)
{
	int outcome;

	begin(true, false);
	edge = AN_EVENT;
	model_thread(another_reads, NULL);
	model_thread(peer_ends, NULL);
	outcome = reads_and_drives();
	MODEL_CHECK(outcome == 0 || outcome == -EBUSY);
	while (!atomic_load_relaxed(&end_is_told))
		weft__reactor_poll(&reactor, -1);
	model_join_all();
}

TEST(read_is_woken_whenever_it_is_polled)
{
	PASSES(event_meets_read, 0);
	PASSES(event_meets_read_that_looks_again, 2);
	PASSES(event_meets_read_that_gives_up, 2);
}

TEST(close_wakes_who_waits_and_closes_once)
{
	PASSES(close_meets_read, 0);
	PASSES(close_meets_read_and_event, 2);
	PASSES(owner_reads_beside_close, 1);
}

TEST(owner_that_reads_in_vain_has_given_up_its_place)
{
	PASSES(owner_reads_beside_another, 1);
}
