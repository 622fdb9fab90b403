/* SPDX-License-Identifier: MIT */
/* The protocol of io/reactor.h, stepped by hand: no task and no thread but where the test is about them.
 * A probe counts the wakes. On every poller. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/atomic.h"
#include "io/reactor.h"
#include "pollers.h"
#include "probe.h"

static void reactor_run(struct weft__poller *poller, void (*body)(struct weft__reactor *reactor))
{
	struct weft__reactor reactor = { .poller = *poller, .sockets = poller->ops->sockets };

	body(&reactor);
	weft__reactor_finish(&reactor);
	poller->state = NULL;
}

#define SOURCE_TEST(name)                                                                          \
	static void name##_body(struct weft__reactor *reactor);                                    \
	SOCKET_TEST(name)                                                                          \
	{                                                                                          \
		reactor_run(poller, name##_body);                                                  \
	}                                                                                          \
	static void name##_body(struct weft__reactor *reactor)

/* ---- one end of a connection as a source, the other as a bare socket ---- */

struct line {
	struct weft__reactor *reactor;
	struct weft__source *source;
	uint32_t generation;
	int fd, peer;
};

/* A leaf that reads or writes: what stands in its frame and in its context. */
struct leaf {
	struct line *line;
	struct weft__use use;
	struct probe probe;
	struct weft_strand strand;
	bool waiting, cancelled;
};

static bool is_sim(const struct weft__reactor *reactor)
{
	return reactor->poller.ops == &weft__poller_sim;
}

static void settle(struct weft__reactor *reactor)
{
	for (int quiet = 0; quiet < 3;)
		quiet = weft__reactor_poll(reactor, 0) ? 0 : quiet + 1;
}

static struct line line_open(struct weft__reactor *reactor)
{
	struct line line = { .reactor = reactor };
	int ends[2];

	socket_pair(&reactor->poller, ends);
	line.fd = ends[0];
	line.peer = ends[1];
	CHECK_EQ(weft__source_open(&line.source, &line.generation, reactor, line.fd), 0);
	settle(reactor);
	return line;
}

static bool line_is_open(const struct line *line)
{
	struct weft__poller *poller = &line->reactor->poller;
	int type = 0;
	socklen_t length = sizeof type;

	return poller->ops->sockets->get_option(
			       poller, line->fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

/* Closes whatever is still open. */
static void line_close(struct line *line)
{
	weft__source_close(line->source, line->generation);
	socket_close(&line->reactor->poller, line->peer);
	settle(line->reactor);
	CHECK(!line_is_open(line));
}

static void line_tell(const struct line *line)
{
	socket_send(&line->reactor->poller, line->peer, "x");
}

static struct leaf leaf_make(struct line *line, enum weft__direction direction)
{
	struct leaf leaf = { .line = line,
		.use = weft__use_make(line->source, line->generation, direction),
		.probe = PROBE };

	return leaf;
}

static enum weft__begin leaf_begin(struct leaf *leaf)
{
	struct weft_context cx = probe_context(&leaf->probe, NULL, &leaf->strand);
	enum weft__begin begin;

	cx.cancelled = leaf->cancelled;
	begin = weft__source_begin(&leaf->use, &cx, leaf->waiting);
	leaf->waiting = begin == BEGIN_WAIT;
	return begin;
}

static void leaf_end(struct leaf *leaf, enum weft__attempt attempt)
{
	weft__source_end(&leaf->use, attempt);
}

static ssize_t leaf_receive(struct leaf *leaf, void *bytes, size_t size)
{
	struct weft__poller *poller = &leaf->line->reactor->poller;

	return poller->ops->sockets->receive(poller, leaf->use.fd, bytes, size);
}

/* begin, and an attempt that finds nothing. */
static void leaf_drain(struct leaf *leaf)
{
	char byte;

	CHECK_EQ(leaf_begin(leaf), BEGIN_TRY);
	CHECK_EQ(leaf_receive(leaf, &byte, 1), -EAGAIN);
	leaf_end(leaf, ATTEMPT_BLOCKED);
}

static void leaf_expect_wakes(struct leaf *leaf, unsigned wakes)
{
	int64_t deadline = weft__clock_now() + INT64_C(10000000000);

	while (probe_wakes(&leaf->probe) < wakes && weft__clock_now() < deadline)
		weft__reactor_poll(
				leaf->line->reactor, is_sim(leaf->line->reactor) ? 0 : 100000000);
	CHECK_EQ(probe_wakes(&leaf->probe), wakes);
	CHECK(probe_balanced(&leaf->probe));
}

/* ---- begin and end ---- */

SOURCE_TEST(source_is_tried_first_and_waited_for_second)
{
	struct line line = line_open(reactor);
	struct leaf reader = leaf_make(&line, SOURCE_READ);
	char byte;

	leaf_drain(&reader);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	settle(reactor);
	leaf_expect_wakes(&reader, 0);
	line_tell(&line);
	leaf_expect_wakes(&reader, 1);
	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY);
	CHECK_EQ(reader.use.fd, line.fd);
	CHECK_EQ(leaf_receive(&reader, &byte, 1), 1);
	leaf_end(&reader, ATTEMPT_DONE); /* there may be more */
	leaf_drain(&reader);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	line_close(&line);
	leaf_expect_wakes(&reader, 2);
}

SOURCE_TEST(source_readiness_between_begin_and_end_is_not_lost)
{
	struct line line = line_open(reactor);
	struct leaf reader = leaf_make(&line, SOURCE_READ);
	char byte;

	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY);
	CHECK_EQ(leaf_receive(&reader, &byte, 1), -EAGAIN);
	line_tell(&line);
	settle(reactor); /* the event is taken by somebody else */
	leaf_end(&reader, ATTEMPT_BLOCKED);
	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY);
	CHECK_EQ(leaf_receive(&reader, &byte, 1), 1);
	leaf_end(&reader, ATTEMPT_SHORT);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	line_close(&line);
}

SOURCE_TEST(source_short_read_proves_nothing_once_the_peer_has_hung_up)
{
	struct weft__poller *poller = &reactor->poller;
	struct line line = line_open(reactor);
	struct leaf reader = leaf_make(&line, SOURCE_READ);
	char bytes[8];

	line_tell(&line);
	CHECK_EQ(poller->ops->sockets->shutdown(poller, line.peer, SHUT_WR), 0);
	settle(reactor);
	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY);
	CHECK_EQ(leaf_receive(&reader, bytes, sizeof bytes), 1);
	leaf_end(&reader, ATTEMPT_SHORT);
	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY); /* no further event will come */
	CHECK_EQ(leaf_receive(&reader, bytes, sizeof bytes), 0);
	leaf_end(&reader, ATTEMPT_DONE);
	line_close(&line);
}

SOURCE_TEST(source_directions_are_independent)
{
	struct line line = line_open(reactor);
	struct leaf reader = leaf_make(&line, SOURCE_READ);
	struct leaf writer = leaf_make(&line, SOURCE_WRITE);

	leaf_drain(&reader);
	CHECK_EQ(leaf_begin(&writer), BEGIN_TRY);
	leaf_end(&writer, ATTEMPT_BLOCKED); /* as if */
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	CHECK_EQ(leaf_begin(&writer), BEGIN_WAIT);
	line_tell(&line);
	leaf_expect_wakes(&reader, 1);
	if (is_sim(reactor)) /* the kernel may report both at any edge */
		CHECK(probe_wakes(&writer.probe) <= 1);
	line_close(&line);
	CHECK_EQ(leaf_begin(&writer), BEGIN_FAILED);
	CHECK_EQ(writer.use.error, -EBADF);
}

/* ---- one waiter per direction ---- */

SOURCE_TEST(source_refuses_a_second_waiter)
{
	struct line line = line_open(reactor);
	struct leaf first = leaf_make(&line, SOURCE_READ);
	struct leaf second = leaf_make(&line, SOURCE_READ);

	leaf_drain(&first);
	CHECK_EQ(leaf_begin(&first), BEGIN_WAIT);
	CHECK_EQ(leaf_begin(&second), BEGIN_FAILED);
	CHECK_EQ(second.use.error, -EBUSY);
	CHECK_EQ(leaf_begin(&first), BEGIN_WAIT); /* a spurious poll */
	line_tell(&line);
	leaf_expect_wakes(&first, 1);
	CHECK_EQ(probe_wakes(&second.probe), 0);
	line_close(&line);
}

/* Somebody came between the wake and the poll, was overwritten, and hung. */
SOURCE_TEST(source_keeps_the_place_of_a_waiter_that_was_woken)
{
	struct line line = line_open(reactor);
	struct leaf first = leaf_make(&line, SOURCE_READ);
	struct leaf second = leaf_make(&line, SOURCE_READ);
	char byte;

	leaf_drain(&first);
	CHECK_EQ(leaf_begin(&first), BEGIN_WAIT);
	line_tell(&line);
	leaf_expect_wakes(&first, 1);
	CHECK_EQ(leaf_begin(&second), BEGIN_FAILED);
	CHECK_EQ(second.use.error, -EBUSY);
	line_tell(&line);
	settle(reactor);
	leaf_expect_wakes(&first, 1); /* it has not been polled since */
	CHECK_EQ(leaf_begin(&first), BEGIN_TRY);
	CHECK_EQ(leaf_begin(&second), BEGIN_TRY); /* now it is nobody's */
	CHECK_EQ(leaf_receive(&first, &byte, 1), 1);
	settle(reactor); /* a small window lets the second byte through only now */
	CHECK_EQ(leaf_receive(&second, &byte, 1), 1);
	leaf_end(&second, ATTEMPT_DONE);
	leaf_end(&first, ATTEMPT_DONE);
	line_close(&line);
}

SOURCE_TEST(source_cancelled_waiter_withdraws)
{
	struct line line = line_open(reactor);
	struct leaf first = leaf_make(&line, SOURCE_READ);
	struct leaf second = leaf_make(&line, SOURCE_READ);

	leaf_drain(&first);
	CHECK_EQ(leaf_begin(&first), BEGIN_WAIT);
	first.cancelled = true;
	CHECK_EQ(leaf_begin(&first), BEGIN_FAILED);
	CHECK_EQ(first.use.error, -ECANCELED);
	CHECK_EQ(leaf_begin(&second), BEGIN_WAIT); /* the place is free */
	line_tell(&line);
	leaf_expect_wakes(&second, 1);
	CHECK_EQ(probe_wakes(&first.probe), 0);
	line_close(&line);
}

SOURCE_TEST(source_cancelled_leaf_does_not_start_but_may_finish)
{
	struct line line = line_open(reactor);
	struct leaf late = leaf_make(&line, SOURCE_READ);
	struct leaf reader = leaf_make(&line, SOURCE_READ);

	late.cancelled = true;
	CHECK_EQ(leaf_begin(&late), BEGIN_FAILED); /* although a try might succeed */
	CHECK_EQ(late.use.error, -ECANCELED);
	leaf_drain(&reader);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	line_tell(&line);
	leaf_expect_wakes(&reader, 1);
	reader.cancelled = true;
	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY); /* what was ready wins */
	leaf_end(&reader, ATTEMPT_BLOCKED);
	CHECK_EQ(leaf_begin(&reader), BEGIN_FAILED);
	CHECK_EQ(reader.use.error, -ECANCELED);
	line_close(&line);
}

/* ---- close ---- */

SOURCE_TEST(source_close_wakes_the_waiters)
{
	struct line line = line_open(reactor);
	struct leaf reader = leaf_make(&line, SOURCE_READ);
	struct leaf writer = leaf_make(&line, SOURCE_WRITE);

	leaf_drain(&reader);
	CHECK_EQ(leaf_begin(&writer), BEGIN_TRY);
	leaf_end(&writer, ATTEMPT_BLOCKED);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	CHECK_EQ(leaf_begin(&writer), BEGIN_WAIT);
	CHECK_EQ(weft__source_close(line.source, line.generation), 0);
	CHECK_EQ(probe_wakes(&reader.probe), 1);
	CHECK_EQ(probe_wakes(&writer.probe), 1);
	CHECK_EQ(leaf_begin(&reader), BEGIN_FAILED);
	CHECK_EQ(reader.use.error, -EBADF);
	CHECK_EQ(leaf_begin(&writer), BEGIN_FAILED);
	CHECK_EQ(writer.use.error, -EBADF);
	CHECK_EQ(weft__source_close(line.source, line.generation), -EBADF);
	settle(reactor);
	CHECK(!line_is_open(&line));
	CHECK_EQ(atomic_load_relaxed(&reactor->sources), 0);
	leaf_expect_wakes(&reader, 1);
	leaf_expect_wakes(&writer, 1);
	socket_close(&reactor->poller, line.peer);
}

SOURCE_TEST(source_close_leaves_the_descriptor_to_its_last_user)
{
	struct line line = line_open(reactor);
	struct leaf reader = leaf_make(&line, SOURCE_READ);
	struct leaf writer = leaf_make(&line, SOURCE_WRITE);

	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY);
	CHECK_EQ(leaf_begin(&writer), BEGIN_TRY);
	CHECK_EQ(weft__source_use(line.source, line.generation), line.fd);
	CHECK_EQ(weft__source_close(line.source, line.generation), 0);
	settle(reactor);
	CHECK(line_is_open(&line));
	leaf_end(&reader, ATTEMPT_BLOCKED);
	CHECK(line_is_open(&line));
	CHECK_EQ(leaf_begin(&reader), BEGIN_FAILED);
	CHECK_EQ(weft__source_use(line.source, line.generation), -EBADF);
	leaf_end(&writer, ATTEMPT_DONE);
	CHECK(line_is_open(&line));
	weft__source_unuse(line.source);
	CHECK(!line_is_open(&line));
	CHECK_EQ(atomic_load_relaxed(&reactor->sources), 0);
	socket_close(&reactor->poller, line.peer);
}

SOURCE_TEST(source_handle_of_the_past_reaches_nobody)
{
	struct line old = line_open(reactor), young;
	struct leaf reader, ghost = leaf_make(&old, SOURCE_READ);

	line_tell(&old);
	line_close(&old);
	young = line_open(reactor);
	CHECK(young.source == old.source); /* the record and, if the kernel likes, the number */
	CHECK(young.generation != old.generation);
	reader = leaf_make(&young, SOURCE_READ);
	leaf_drain(&reader);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	CHECK_EQ(leaf_begin(&ghost), BEGIN_FAILED);
	CHECK_EQ(ghost.use.error, -EBADF);
	ghost.waiting = true;
	CHECK_EQ(leaf_begin(&ghost), BEGIN_FAILED);
	CHECK_EQ(weft__source_close(old.source, old.generation), -EBADF);
	CHECK(line_is_open(&young));
	line_tell(&young);
	leaf_expect_wakes(&reader, 1);
	line_close(&young);
}

TEST(source_of_nobody_is_ebadf)
{
	struct line line = { .source = NULL };
	struct leaf reader = leaf_make(&line, SOURCE_READ);

	CHECK_EQ(leaf_begin(&reader), BEGIN_FAILED);
	CHECK_EQ(reader.use.error, -EBADF);
	CHECK_EQ(weft__source_close(NULL, 0), -EBADF);
	CHECK_EQ(weft__source_use(NULL, 0), -EBADF);
}

SOURCE_TEST(source_open_that_fails_leaves_the_descriptor)
{
	struct weft__source *source;
	uint32_t generation;
	struct line line = line_open(reactor);

	CHECK_EQ(weft__source_open(&source, &generation, reactor, line.fd), -EEXIST);
	CHECK_EQ(atomic_load_relaxed(&reactor->sources), 1);
	CHECK(line_is_open(&line));
	line_close(&line);
	if (!reactor->poller.ops->one_thread) /* a ring's own table is not asked before the first wait */
		CHECK_EQ(weft__source_open(&source, &generation, reactor, line.fd), -EBADF);
	CHECK_EQ(atomic_load_relaxed(&reactor->sources), 0);
}

SOURCE_TEST(source_records_are_enough_for_many)
{
	enum { COUNT = 300 };
	static struct line lines[COUNT];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < COUNT / (is_sim(reactor) ? 10 : 1); i++)
			lines[i] = line_open(reactor);
		for (int i = 0; i < COUNT / (is_sim(reactor) ? 10 : 1); i++)
			line_close(&lines[i]);
		CHECK_EQ(atomic_load_relaxed(&reactor->sources), 0);
	}
}

/* ---- every order ---- */

/* One step of a leaf that reads for ever: begin, the attempt, or its end. */
struct reader {
	struct leaf leaf;
	int at; /* 0: begin next; 1: receive; 2: end */
	ssize_t count;
	unsigned received;
	unsigned wakes_before; /* when it began to wait */
};

static bool reader_sleeps(const struct reader *reader)
{
	return reader->leaf.waiting && probe_wakes(&reader->leaf.probe) == reader->wakes_before;
}

static void reader_step(struct reader *reader)
{
	char byte;

	switch (reader->at) {
	case 0:
		reader->wakes_before = probe_wakes(&reader->leaf.probe);
		reader->at = leaf_begin(&reader->leaf) == BEGIN_TRY;
		break;
	case 1:
		reader->count = leaf_receive(&reader->leaf, &byte, 1);
		reader->at = 2;
		break;
	default:
		reader->received += reader->count > 0;
		leaf_end(&reader->leaf, reader->count > 0 ? ATTEMPT_DONE : ATTEMPT_BLOCKED);
		reader->at = 0;
	}
}

/* All 3^8 orders of a reader's step, a byte from the peer, and a look at the poller: whoever sleeps in the
 * end has read everything. */
SOURCE_TEST(source_loses_no_wake_in_any_order)
{
	int orders = is_sim(reactor) ? 81 : 6561;
	struct line line = line_open(reactor);
	struct reader reader = { .leaf = leaf_make(&line, SOURCE_READ) };
	unsigned sent = 0;

	for (int k = 0; k < orders; k++) {
		/* of the simulated runs, each takes other orders */
		int order = is_sim(reactor)
				? (int)((reactor->poller.seed * 81 + (unsigned)k) % 6561)
				: k;

		for (int step = 0; step < 8; step++, order /= 3) {
			if (order % 3 == 0 && !reader_sleeps(&reader)) {
				reader_step(&reader);
			} else if (order % 3 == 1 && sent - reader.received < 1) {
				line_tell(&line);
				sent++;
			} else {
				weft__reactor_poll(reactor, 0);
			}
		}
		settle(reactor);
		while (!reader_sleeps(&reader))
			reader_step(&reader);
		CHECK_EQ(reader.received, sent);
	}
	line_close(&line);
}

/* ---- operations ---- */

struct job {
	struct weft__operation operation;
	unsigned completions;
};

static void job_complete(struct weft__operation *operation)
{
	WEFT_CONTAINER_OF(operation, struct job, operation)->completions++;
}

static void reactor_completes_operations_body(struct weft__reactor *reactor)
{
	char buffer[4];
	int ends[2];
	struct job job = { .operation = { .opcode = OPERATION_READ,
					   .buffer = buffer,
					   .size = sizeof buffer,
					   .offset = -1,
					   .complete = job_complete } };

	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	job.operation.fd = ends[0];
	CHECK_EQ(weft__reactor_submit(reactor, &job.operation), 0);
	CHECK_EQ(atomic_load_relaxed(&reactor->sources), 1);
	weft__reactor_poll(reactor, 0);
	CHECK_EQ(job.completions, 0);
	CHECK_EQ(write(ends[1], "data", 4), 4);
	while (!job.completions)
		weft__reactor_poll(reactor, -1);
	CHECK_EQ(job.operation.result, 4);
	CHECK_EQ(atomic_load_relaxed(&reactor->sources), 0);
	CHECK_EQ(weft__reactor_submit(reactor, &job.operation), 0);
	CHECK_EQ(weft__reactor_cancel(reactor, &job.operation), 0);
	while (job.completions < 2)
		weft__reactor_poll(reactor, -1);
	CHECK_EQ(job.operation.result, -ECANCELED);
	close(ends[0]);
	close(ends[1]);
}

static void reactor_completes_operations(struct weft__poller *poller)
{
	reactor_run(poller, reactor_completes_operations_body);
}

TEST(reactor_completes_operations_uring)
{
	pollers_run("uring", reactor_completes_operations);
}

TEST(reactor_without_a_ring_has_no_operations)
{
	struct weft__operation operation = { .opcode = OPERATION_FSYNC };
	struct weft__reactor reactor;

	CHECK_EQ(weft__reactor_init(&reactor, "epoll"), 0);
	CHECK_EQ(weft__reactor_submit(&reactor, &operation), -ENOSYS);
	CHECK_EQ(atomic_load_relaxed(&reactor.sources), 0);
	weft__reactor_finish(&reactor);
}

static void take_all(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof bytes) > 0)
		;
}

/* S3-5: a socket of the machine's own tells its writer of every byte that is read at the other end. Only who
 * has found it full wants to hear of it. */
TEST(source_that_nobody_waits_to_write_hears_of_no_room)
{
	static const char bytes[4096];
	struct line line = { .reactor = &(struct weft__reactor){ .sources = 0 } };
	struct leaf writer;
	char byte;
	int ends[2];

	CHECK_EQ(weft__reactor_init(line.reactor, "epoll"), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	line.fd = ends[0];
	line.peer = ends[1];
	CHECK_EQ(weft__source_open(&line.source, &line.generation, line.reactor, line.fd), 0);
	settle(line.reactor);
	line.reactor->events = 0;
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(write(line.fd, "x", 1), 1);
		CHECK_EQ(read(line.peer, &byte, 1), 1);
		CHECK_EQ(weft__reactor_poll(line.reactor, 0), 0);
	}
	writer = leaf_make(&line, SOURCE_WRITE);
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(leaf_begin(&writer), BEGIN_TRY);
		while (write(line.fd, bytes, sizeof bytes) > 0)
			;
		leaf_end(&writer, ATTEMPT_BLOCKED);
		if (round % 2 == 0) /* room that is there before the wait */
			take_all(line.peer);
		CHECK_EQ(leaf_begin(&writer), BEGIN_WAIT);
		take_all(line.peer);
		leaf_expect_wakes(&writer, (unsigned)round + 1);
	}
	line_close(&line);
	weft__reactor_finish(line.reactor);
}

TEST(reactor_finish_after_a_failed_init_is_harmless)
{
	struct weft__reactor reactor;

	memset(&reactor, 0xa5, sizeof reactor);
	CHECK_EQ(weft__reactor_init(&reactor, "nothing"), -EINVAL);
	weft__reactor_finish(&reactor);
}

/* ---- threads ---- */

/* A waker that may be used by several threads. */
static struct weft_waker bell_clone(void *bell);

static void bell_ring(void *bell)
{
	atomic_fetch_add_acq_rel((uint32_t *)bell, 1u);
}

static void bell_drop(void *bell)
{
	(void)bell;
}

static struct weft_waker bell_claim(void *bell)
{
	return bell_clone(bell);
}

static const struct weft_waker_ops bell_ops = { bell_clone, bell_ring, bell_ring, bell_drop,
	bell_claim, bell_ring };

static struct weft_waker bell_clone(void *bell)
{
	struct weft_waker waker = { &bell_ops, bell };

	return waker;
}

enum { MUCH = 1000 }; /* bytes */

struct driver {
	struct weft__reactor *reactor;
	struct line *line;
	uint32_t over;
};

static void *drive(void *arg)
{
	struct driver *driver = arg;

	while (!atomic_load_acquire(&driver->over))
		weft__reactor_poll(driver->reactor, 1000000);
	return NULL;
}

/* Somebody who thinks that the owner is stuck. */
static void *drive_too(void *arg)
{
	struct driver *driver = arg;

	while (!atomic_load_acquire(&driver->over)) {
		weft__reactor_poll(driver->reactor, 0);
		sched_yield();
	}
	return NULL;
}

static void *tell_much(void *arg)
{
	struct driver *driver = arg;
	struct weft__poller *poller = &driver->reactor->poller;

	for (int told = 0; told < MUCH;) {
		if (poller->ops->sockets->send(poller, driver->line->peer, "x", 1) == 1)
			told++;
		else
			sched_yield();
	}
	return NULL;
}

static ssize_t bell_read(struct line *line, uint32_t *bell)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = weft_context_make(bell_clone(bell), &strand);
	struct weft__poller *poller = &line->reactor->poller;
	bool waiting = false;
	char bytes[64];

	for (;;) {
		struct weft__use use = weft__use_make(line->source, line->generation, SOURCE_READ);
		uint32_t seen = atomic_load_acquire(bell);
		enum weft__begin begin;
		ssize_t count;

		begin = weft__source_begin(&use, &cx, waiting);
		waiting = begin == BEGIN_WAIT;
		if (begin == BEGIN_FAILED)
			return use.error;
		if (begin == BEGIN_WAIT) {
			while (atomic_load_acquire(bell) == seen)
				sched_yield();
			continue;
		}
		count = poller->ops->sockets->receive(poller, use.fd, bytes, sizeof bytes);
		weft__source_end(&use,
				count == -EAGAIN                                ? ATTEMPT_BLOCKED
						: count < (ssize_t)sizeof bytes ? ATTEMPT_SHORT
										: ATTEMPT_DONE);
		if (count != -EAGAIN)
			return count;
	}
}

static void threads_share_a_source(struct weft__reactor *reactor)
{
	struct line line = line_open(reactor);
	struct driver driver = { .reactor = reactor, .line = &line };
	pthread_t drivers[2], teller;
	uint32_t bell = 0;
	ssize_t received = 0;

	CHECK_EQ(pthread_create(&drivers[0], NULL, drive, &driver), 0);
	CHECK_EQ(pthread_create(&drivers[1], NULL, drive_too, &driver), 0);
	CHECK_EQ(pthread_create(&teller, NULL, tell_much, &driver), 0);
	while (received < MUCH) {
		ssize_t count = bell_read(&line, &bell);

		CHECK(count > 0);
		received += count;
	}
	pthread_join(teller, NULL);
	CHECK_EQ(weft__source_close(line.source, line.generation), 0);
	CHECK_EQ(bell_read(&line, &bell), -EBADF);
	while (atomic_load_relaxed(&reactor->sources))
		sched_yield();
	atomic_store_release(&driver.over, 1u);
	for (int i = 0; i < 2; i++)
		pthread_join(drivers[i], NULL);
	socket_close(&reactor->poller, line.peer);
}

static void source_is_shared_by_threads(struct weft__poller *poller)
{
	reactor_run(poller, threads_share_a_source);
}

TEST(source_is_shared_by_threads_epoll)
{
	pollers_run("epoll", source_is_shared_by_threads);
}

TEST(source_is_shared_by_threads_uring)
{
	pollers_run("uring", source_is_shared_by_threads);
}

TEST(source_is_shared_by_threads_sim)
{
	pollers_run("sim", source_is_shared_by_threads);
}

struct armer {
	struct weft__reactor *reactor;
	uint32_t armed, over;
};

/* Arms what is there to arm, and stays alive, asleep. */
static void *arm_and_stay(void *arg)
{
	struct armer *armer = arg;

	weft__reactor_poll(armer->reactor, 0);
	atomic_store_release(&armer->armed, 1u);
	while (!atomic_load_acquire(&armer->over))
		weft__futex_wait(&armer->over, 0, INT64_MAX);
	return NULL;
}

/* The kernel lets go of a removed descriptor a little later, if another thread has armed it. */
/* The owner reads what there is, again and again, while another thread closes the source. */
static void *close_line(void *arg)
{
	struct line *line = arg;

	CHECK_EQ(weft__source_close(line->source, line->generation), 0);
	return NULL;
}

static void owner_reads_until_closed(struct leaf *reader)
{
	char byte;

	for (;;) {
		enum weft__begin begin = leaf_begin(reader);

		if (begin == BEGIN_FAILED)
			break;
		if (begin == BEGIN_WAIT) {
			line_tell(reader->line);
			settle(reader->line->reactor);
			continue;
		}
		leaf_end(reader,
				leaf_receive(reader, &byte, 1) == 1 ? ATTEMPT_DONE
								    : ATTEMPT_BLOCKED);
	}
	CHECK_EQ(reader->use.error, -EBADF);
}

SOURCE_TEST(source_that_is_owned_can_be_closed_by_anybody)
{
	struct weft__reactor *mine = weft__fence_heavy_works() ? reactor : NULL;

	for (int i = 0; i < 5; i++) {
		struct line line;
		struct leaf reader; /* until the closer has woken it */
		pthread_t closer;

		weft__reactor_own = mine;
		line = line_open(reactor);
		CHECK_EQ(line.source->lock.word.held == OWNED_LOCK_OWNED, mine != NULL);
		CHECK_EQ(pthread_create(&closer, NULL, close_line, &line), 0);
		reader = leaf_make(&line, SOURCE_READ);
		owner_reads_until_closed(&reader);
		pthread_join(closer, NULL);
		weft__reactor_own = NULL;
		line_close(&line);
	}
}

SOURCE_TEST(source_that_is_owned_can_be_used_and_closed_by_its_owner)
{
	struct line line;
	struct leaf reader;
	char byte;

	weft__reactor_own = weft__fence_heavy_works() ? reactor : NULL;
	line = line_open(reactor);
	reader = leaf_make(&line, SOURCE_READ);
	CHECK_EQ(weft__source_use(line.source, line.generation), line.fd);
	weft__source_unuse(line.source);
	leaf_drain(&reader);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	line_tell(&line);
	leaf_expect_wakes(&reader, 1);
	CHECK_EQ(leaf_begin(&reader), BEGIN_TRY);
	CHECK_EQ(leaf_receive(&reader, &byte, 1), 1);
	leaf_end(&reader, ATTEMPT_SHORT);
	CHECK_EQ(leaf_begin(&reader), BEGIN_WAIT);
	CHECK_EQ(weft__source_close(line.source, line.generation), 0);
	leaf_expect_wakes(&reader, 2);
	CHECK_EQ(leaf_begin(&reader), BEGIN_FAILED);
	CHECK_EQ(reader.use.error, -EBADF);
	weft__reactor_own = NULL;
	line_close(&line);
}

KERNEL_TEST(reactor_finish_closes_what_was_closed_before)
{
	struct weft__reactor reactor = { .poller = *poller, .sockets = poller->ops->sockets };
	struct armer armer = { .reactor = &reactor };
	struct weft__source *source;
	uint32_t generation;
	pthread_t thread;
	int ends[2];

	socket_pair(poller, ends);
	CHECK_EQ(weft__source_open(&source, &generation, &reactor, ends[0]), 0);
	CHECK_EQ(pthread_create(&thread, NULL, arm_and_stay, &armer), 0);
	while (!atomic_load_acquire(&armer.armed))
		atomic_pause();
	CHECK_EQ(weft__source_close(source, generation), 0);
	weft__reactor_finish(&reactor);
	poller->state = NULL;
	CHECK(fcntl(ends[0], F_GETFD) < 0);
	atomic_store_release(&armer.over, 1u);
	weft__futex_wake(&armer.over, 1);
	pthread_join(thread, NULL);
	close(ends[1]);
}
