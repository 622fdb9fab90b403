/* SPDX-License-Identifier: MIT */
/*
 * stuck.c: one worker is stuck: what becomes of the others' sockets, timers and wakes. Names, output and
 * method: bench/README.md.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "benchmarks.h"
#include "rig.h"

enum { STUCK_SOCKET, STUCK_TIMER, STUCK_WAKE, STUCK_KINDS };
enum { STUCK_ROUNDS = 5, STUCK_MILLISECONDS = 200, STUCK_EACH = 4 };

static int64_t stuck_worst_ns[STUCK_KINDS];
static size_t stuck_seen[STUCK_KINDS];

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void stuck_note(int kind, int64_t since_ns)
{
	int64_t delay_ns = clock_now() - since_ns;
	int64_t worst_ns = __atomic_load_n(&stuck_worst_ns[kind], __ATOMIC_RELAXED);

	rig_add(&stuck_seen[kind], 1);
	while (delay_ns > worst_ns)
		if (__atomic_compare_exchange_n(&stuck_worst_ns[kind], &worst_ns, delay_ns, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return;
}

/* Sleeps a millisecond, again and again. */
WEFT_ASYNC_0(int, stuck_sleeper);

struct stuck_sleeper__frame {
	struct stuck_sleeper__args args;
	int64_t due_ns;
	struct weft_sleep__frame sleep;
};

enum weft_poll stuck_sleeper__poll(void *frame, struct weft_context *cx)
{
	struct stuck_sleeper__frame *f = frame;

	weft_begin(f);
	while (!__atomic_load_n(&rig.go, __ATOMIC_RELAXED)) {
		f->due_ns = clock_now() + WEFT_MILLISECONDS(1);
		weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(1));
		stuck_note(STUCK_TIMER, f->due_ns);
	}
	rig_one_done();
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(stuck_sleeper, WEFT_ASYNC_RESULT_INT);

/* Reads when each message was sent. */
WEFT_ASYNC_1(int, stuck_reader, struct weft_tcp);

struct stuck_reader__frame {
	struct stuck_reader__args args;
	int64_t sent_ns;
	struct weft_tcp_read__frame read;
};

enum weft_poll stuck_reader__poll(void *frame, struct weft_context *cx)
{
	struct stuck_reader__frame *f = frame;

	weft_begin(f);
	for (;;) {
		weft_await(f, f->read, weft_tcp_read, f->args.p0, &f->sent_ns, sizeof f->sent_ns);
		if (f->read.args.result <= 0)
			break;
		micro_expect(f->read.args.result, sizeof f->sent_ns);
		stuck_note(STUCK_SOCKET, f->sent_ns);
	}
	weft_tcp_close(f->args.p0);
	rig_one_done();
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(stuck_reader, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, stuck_woken, int64_t);

struct stuck_woken__frame {
	struct stuck_woken__args args;
};

enum weft_poll stuck_woken__poll(void *frame, struct weft_context *cx)
{
	struct stuck_woken__frame *f = frame;

	(void)cx;
	stuck_note(STUCK_WAKE, f->args.p0);
	rig_one_done();
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE(stuck_woken, WEFT_ASYNC_RESULT_INT);

/* From a plain thread: a message to each connection every millisecond. */
static void *stuck_send(void *arg)
{
	const int *fds = arg;

	while (!__atomic_load_n(&rig.go, __ATOMIC_RELAXED)) {
		for (int i = 0; i < STUCK_EACH; i++) {
			int64_t now_ns = clock_now();

			micro_expect(write(fds[i], &now_ns, sizeof now_ns), sizeof now_ns);
		}
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	for (int i = 0; i < STUCK_EACH; i++)
		close(fds[i]);
	return NULL;
}

static int stuck_connect(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	micro_expect(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* Queues some tasks, and sleeps in its poll. */
static void stuck_stay(void)
{
	struct stuck_woken__args woken;

	for (int i = 0; i < STUCK_EACH; i++) {
		stuck_woken__init(&woken, clock_now());
		rig_spawn(&stuck_woken__async, &woken);
	}
	nanosleep(&(struct timespec){ .tv_nsec = STUCK_MILLISECONDS * 1000000L }, NULL);
}

WEFT_ASYNC_0(int, stuck_root);

struct stuck_root__frame {
	struct stuck_root__args args;
	struct weft_tcp_listener listener;
	struct weft_tcp conn;
	int fds[STUCK_EACH];
	int i, round;
	pthread_t sender;
	struct weft_tcp_accept__frame accept;
	struct weft_sleep__frame sleep;
	struct rig_wait_all__frame wait;
};

enum weft_poll stuck_root__poll(void *frame, struct weft_context *cx)
{
	struct stuck_root__frame *f = frame;
	struct stuck_sleeper__args timer;
	struct stuck_reader__args reader;

	weft_begin(f);
	rig_expect_all((2 + STUCK_ROUNDS) * STUCK_EACH);
	__atomic_store_n(&rig.go, 0, __ATOMIC_RELAXED);
	micro_expect(weft_tcp_listen(&f->listener, "127.0.0.1", "0"), 0);
	for (f->i = 0; f->i < STUCK_EACH; f->i++) {
		f->fds[f->i] = stuck_connect(weft_tcp_listener_port(f->listener));
		weft_await(f, f->accept, weft_tcp_accept, f->listener, &f->conn);
		micro_expect(f->accept.args.result, 0);
		stuck_reader__init(&reader, f->conn);
		rig_spawn(&stuck_reader__async, &reader);
		stuck_sleeper__init(&timer);
		rig_spawn(&stuck_sleeper__async, &timer);
	}
	micro_expect(pthread_create(&f->sender, NULL, stuck_send, f->fds), 0);
	for (f->round = 0; f->round < STUCK_ROUNDS; f->round++) {
		weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(20));
		stuck_stay();
	}
	__atomic_store_n(&rig.go, 1, __ATOMIC_RELAXED);
	weft_await(f, f->wait, rig_wait_all);
	pthread_join(f->sender, NULL);
	weft_tcp_listener_close(f->listener);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(stuck_root, WEFT_ASYNC_RESULT_INT);

/* One run tells of all three. */
struct micro_sample stuck(int workers)
{
	struct stuck_root__args args;

	stuck_root__init(&args);
	rig_run(workers, &stuck_root__async, &args);
	for (int kind = 0; kind < STUCK_KINDS; kind++)
		micro_expect(stuck_seen[kind] >= STUCK_ROUNDS * STUCK_EACH, true);
	printf("stuck_socket %lld\n", (long long)stuck_worst_ns[STUCK_SOCKET]);
	printf("stuck_timer %lld\n", (long long)stuck_worst_ns[STUCK_TIMER]);
	printf("stuck_wake %lld\n", (long long)stuck_worst_ns[STUCK_WAKE]);
	return (struct micro_sample){ 0 };
}
