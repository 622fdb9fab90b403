/* SPDX-License-Identifier: MIT */
/*
 * micro_uv.c: the small benchmarks that libuv has something for: timers, and its pool of threads.
 *
 * Not here: sleeps that fire. Its timers count whole milliseconds of a clock that is read once a turn, and
 * may fire up to one early.
 */
#include <uv.h>

#include "micro.h"
#include "peer.h"

static uv_loop_t *loop_create(void)
{
	static uv_loop_t loop;

	if (uv_loop_init(&loop) != 0)
		peer_die("no loop");
	return &loop;
}

static void loop_end(uv_loop_t *loop)
{
	uv_run(loop, UV_RUN_DEFAULT);
	if (uv_loop_close(loop) != 0)
		peer_die("something is left in the loop");
}

/* ---- timers ---- */

enum { TIMERS = 1000000, SLEEPING = 1000000 };

static int64_t stopped; /* handles whose end has been told */

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
	peer_die("a timer of a minute has fired");
}

static void on_timer_closed(uv_handle_t *timer)
{
	(void)timer;
	stopped++;
}

/* As in rig.h. */
static uint64_t scatter(uint64_t i, uint64_t range)
{
	return (((i + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % range;
}

static void timer_make(uv_loop_t *loop, uv_timer_t *timer, uint64_t milliseconds)
{
	if (uv_timer_init(loop, timer) != 0 ||
			uv_timer_start(timer, on_timer, milliseconds, 0) != 0)
		peer_die("no timer");
}

static void timers_create_cancel(uv_loop_t *loop, uv_timer_t *timers, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		timer_make(loop, &timers[i], 60000 + scatter(i, 3600000));
	for (uint64_t i = 0; i < count; i++)
		uv_close((uv_handle_t *)&timers[i * 611953 % count], on_timer_closed);
	uv_run(loop, UV_RUN_DEFAULT);
}

static struct micro_sample timer_create_cancel(int workers)
{
	int64_t count = micro_count(TIMERS), rounds = micro_rounds(2 * TIMERS, count);
	uv_timer_t *timers = malloc((size_t)count * sizeof *timers);
	uv_loop_t *loop = loop_create();
	struct micro_watch watch = micro_watch_start(), first = watch;
	struct micro_sample sample;

	(void)workers;
	stopped = 0;
	for (int64_t i = 0; i < rounds; i++) {
		timers_create_cancel(loop, timers, (uint64_t)count);
		if (i == 0)
			first = micro_watch_start();
	}
	sample = micro_cold_and_warm(&watch, &first, rounds, count);
	micro_expect(stopped, rounds * count);
	loop_end(loop);
	free(timers);
	return sample;
}

/* What sleeps is a timer: there are no tasks. */
static struct micro_sample memory_sleeping_bytes(int workers)
{
	int64_t before = micro_resident_bytes();
	uv_timer_t *timers = malloc(SLEEPING * sizeof *timers);
	uv_loop_t *loop = loop_create();
	struct micro_sample sample = { 0 };

	(void)workers;
	stopped = 0;
	for (int i = 0; i < SLEEPING; i++)
		timer_make(loop, &timers[i], 3600000);
	uv_run(loop, UV_RUN_NOWAIT);
	sample.value = (double)(micro_resident_bytes() - before) / SLEEPING;
	for (int i = 0; i < SLEEPING; i++)
		uv_close((uv_handle_t *)&timers[i], on_timer_closed);
	loop_end(loop);
	micro_expect(stopped, SLEEPING);
	free(timers);
	return sample;
}

/* ---- the pool ---- */

enum { CALLS = 8000, SUBMITTERS_MAX = 16 };

struct submitter {
	uv_work_t work;
	int64_t left, calls, number;
};

static void on_work(uv_work_t *work)
{
	struct submitter *submitter = work->data;

	submitter->calls += submitter->number;
}

static void on_worked(uv_work_t *work, int status)
{
	struct submitter *submitter = work->data;

	if (status != 0)
		peer_die("a call has not run");
	if (--submitter->left > 0 && uv_queue_work(work->loop, work, on_work, on_worked) != 0)
		peer_die("no call");
}

static struct micro_sample calls_by(int count)
{
	struct submitter submitters[SUBMITTERS_MAX];
	uv_loop_t *loop = loop_create();
	struct micro_watch watch = micro_watch_start();
	struct micro_sample sample;
	int64_t calls = 0;

	for (int i = 0; i < count; i++) {
		submitters[i] = (struct submitter){ .left = CALLS / count, .number = 1 };
		submitters[i].work.data = &submitters[i];
		if (uv_queue_work(loop, &submitters[i].work, on_work, on_worked) != 0)
			peer_die("no call");
	}
	uv_run(loop, UV_RUN_DEFAULT);
	sample = micro_wall_and_cpu_per(&watch, CALLS);
	for (int i = 0; i < count; i++)
		calls += submitters[i].calls;
	micro_expect(calls, CALLS);
	loop_end(loop);
	return sample;
}

static struct micro_sample spawn_blocking_1(int workers)
{
	(void)workers;
	return calls_by(1);
}

static struct micro_sample spawn_blocking_4(int workers)
{
	(void)workers;
	return calls_by(4);
}

static struct micro_sample spawn_blocking_16(int workers)
{
	(void)workers;
	return calls_by(16);
}

int main(int argc, char **argv)
{
	static const struct micro_benchmark benchmarks[] = {
		{ "spawn_blocking_1", spawn_blocking_1, false },
		{ "spawn_blocking_4", spawn_blocking_4, false },
		{ "spawn_blocking_16", spawn_blocking_16, false },
		{ "timer_create_cancel", timer_create_cancel, true },
		{ "memory_sleeping_bytes", memory_sleeping_bytes, true },
	};

	return micro_main(argc, argv, benchmarks, sizeof benchmarks / sizeof *benchmarks);
}
