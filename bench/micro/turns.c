/* SPDX-License-Identifier: MIT */
/* turns.c: what a turn costs, and a message there and back. Names, output and method: bench/README.md. */
#include "benchmarks.h"
#include "rig.h"

/* ---- yielding ---- */

WEFT_ASYNC_1(size_t, yielder, size_t);

struct yielder__frame {
	struct yielder__args args;
	size_t i;
	struct weft_yield__frame yield;
};

enum weft_poll yielder__poll(void *frame, struct weft_context *cx)
{
	struct yielder__frame *f = frame;

	weft_begin(f);
	while (!__atomic_load_n(&rig.go, __ATOMIC_RELAXED))
		weft_await(f, f->yield, weft_yield);
	for (f->i = 1; f->i < f->args.p0; f->i++)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, f->args.p0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(yielder, 0);

WEFT_ASYNC_2(int, yields, size_t, size_t);

struct yields__frame {
	struct yields__args args;
	struct micro_watch watch;
	struct weft_task **tasks;
	size_t i, got, total;
	struct weft_task_join__frame join;
};

enum weft_poll yields__poll(void *frame, struct weft_context *cx)
{
	struct yields__frame *f = frame;
	size_t count = f->args.p0, turns = f->args.p1;
	struct yielder__args args;

	weft_begin(f);
	__atomic_store_n(&rig.go, 0, __ATOMIC_RELAXED);
	f->tasks = malloc(count * sizeof(struct weft_task *));
	for (f->i = 0; f->i < count; f->i++) {
		yielder__init(&args, turns / count);
		f->tasks[f->i] = weft_task_spawn(NULL, &yielder__async, &args);
		if (!f->tasks[f->i])
			exit(1);
	}
	f->watch = micro_watch_start();
	f->total = 0;
	__atomic_store_n(&rig.go, 1, __ATOMIC_RELAXED);
	for (f->i = 0; f->i < count; f->i++) {
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->got);
		f->total += f->got;
	}
	rig.sample = micro_wall_per(&f->watch, (int64_t)turns);
	micro_expect((int64_t)f->total, (int64_t)turns);
	free(f->tasks);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(yields, WEFT_ASYNC_RESULT_INT);

static struct micro_sample yields_run(int workers, size_t tasks, size_t turns)
{
	struct yields__args args;

	yields__init(&args, tasks, turns);
	return rig_run(workers, &yields__async, &args);
}

struct micro_sample yield_2(int workers)
{
	return yields_run(workers, 2, 1000000);
}

struct micro_sample yield_1k(int workers)
{
	size_t tasks = (size_t)micro_count(1000);

	return yields_run(workers, tasks, (size_t)micro_rounds(2000000, (int64_t)tasks) * tasks);
}

struct micro_sample yield_100k(int workers)
{
	return yields_run(workers, 100000, 2000000);
}

/* ---- ping_pong: a task, its child, and a oneshot there and one back ---- */

struct exchange {
	struct weft_oneshot ping, pong;
	size_t pinged, ponged;
};

WEFT_ASYNC_1(int, ponger, struct exchange *);

struct ponger__frame {
	struct ponger__args args;
	struct weft_oneshot_recv__frame recv;
	size_t got;
};

enum weft_poll ponger__poll(void *frame, struct weft_context *cx)
{
	struct ponger__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->recv, weft_oneshot_recv, &f->args.p0->ping, &f->got);
	f->got++;
	micro_expect(weft_oneshot_send(&f->args.p0->pong, &f->got), 0);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(ponger, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_0(int, pinger);

struct pinger__frame {
	struct pinger__args args;
	struct exchange exchange;
	struct weft_task *child;
	size_t got;
	struct weft_oneshot_recv__frame recv;
	struct weft_task_join__frame join;
};

static struct weft_task *ponger_spawn(struct exchange *exchange)
{
	struct ponger__args args;
	struct weft_task *task;

	weft_oneshot_init(&exchange->ping, &exchange->pinged, sizeof exchange->pinged);
	weft_oneshot_init(&exchange->pong, &exchange->ponged, sizeof exchange->ponged);
	ponger__init(&args, exchange);
	task = weft_task_spawn(NULL, &ponger__async, &args);
	if (!task)
		exit(1);
	return task;
}

enum weft_poll pinger__poll(void *frame, struct weft_context *cx)
{
	struct pinger__frame *f = frame;

	weft_begin(f);
	f->child = ponger_spawn(&f->exchange);
	f->got = 1;
	micro_expect(weft_oneshot_send(&f->exchange.ping, &f->got), 0);
	weft_await(f, f->recv, weft_oneshot_recv, &f->exchange.pong, &f->got);
	rig_add(&rig.sum, f->got);
	/* the child borrows this frame */
	weft_await(f, f->join, weft_task_join, f->child, NULL);
	rig_one_done();
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(pinger, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_0(int, pings);

struct pings__frame {
	struct pings__args args;
	struct micro_watch watch;
	int round;
	struct rig_wait_all__frame wait;
};

enum { PING_ROUNDS = 100, PINGS = 1000 };

enum weft_poll pings__poll(void *frame, struct weft_context *cx)
{
	struct pings__frame *f = frame;
	struct pinger__args args;

	weft_begin(f);
	f->watch = micro_watch_start();
	for (f->round = 0; f->round < PING_ROUNDS; f->round++) {
		rig_expect_all(PINGS);
		for (int i = 0; i < PINGS; i++) {
			pinger__init(&args);
			rig_spawn(&pinger__async, &args);
		}
		weft_await(f, f->wait, rig_wait_all);
	}
	rig.sample = micro_wall_per(&f->watch, PING_ROUNDS * PINGS);
	micro_expect((int64_t)rig.sum, 2 * PING_ROUNDS * PINGS);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(pings, WEFT_ASYNC_RESULT_INT);

struct micro_sample ping_pong(int workers)
{
	struct pings__args args;

	pings__init(&args);
	return rig_run(workers, &pings__async, &args);
}
