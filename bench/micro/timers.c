/* SPDX-License-Identifier: MIT */
/* timers.c: what timers cost. Names, output and method: bench/README.md. */
#include "benchmarks.h"
#include "rig.h"

enum { TIMERS = 1000000 };

/* ---- create and cancel ---- */

WEFT_ASYNC_0(int, timers);

struct timers__frame {
	struct timers__args args;
};

/* Polls each sleep once, then again cancelled, in another order. Returns how many polls said what they should. */
static int64_t timers_create_cancel(
		struct weft_sleep__frame *sleeps, uint64_t count, struct weft_context *cx)
{
	int64_t right = 0;

	for (uint64_t i = 0; i < count; i++) {
		weft_sleep__init(&sleeps[i].args,
				WEFT_MILLISECONDS(60000 + rig_scatter(i, 3600000)));
		right += weft_sleep__poll(&sleeps[i], cx) == WEFT_PENDING;
	}
	cx->cancelled = 1;
	for (uint64_t i = 0; i < count; i++)
		right += weft_sleep__poll(&sleeps[i * 611953 % count], cx) == WEFT_READY;
	cx->cancelled = 0;
	return right;
}

enum weft_poll timers__poll(void *frame, struct weft_context *cx)
{
	struct timers__frame *f = frame;
	int64_t count = micro_count(TIMERS), rounds = micro_rounds(2 * TIMERS, count), right = 0;
	struct weft_sleep__frame *sleeps = malloc((size_t)count * sizeof *sleeps);
	struct micro_watch watch = micro_watch_start(), first = watch;

	for (int64_t i = 0; i < rounds; i++) {
		right += timers_create_cancel(sleeps, (uint64_t)count, cx);
		if (i == 0)
			first = micro_watch_start();
	}
	rig.sample = micro_cold_and_warm(&watch, &first, rounds, count);
	micro_expect(right, 2 * rounds * count);
	free(sleeps);
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE(timers, WEFT_ASYNC_RESULT_INT);

struct micro_sample timer_create_cancel(int workers)
{
	struct timers__args args;

	timers__init(&args);
	return rig_run(workers, &timers__async, &args);
}

/* ---- create and fire ---- */

enum { SHORT_TASKS = 50000, SHORT_EACH = 10 };
enum { SLEEPERS = 1000000, SLEEPERS_MILLISECONDS = 500 };

/* Sleeps so many times for 1 to so many milliseconds. */
WEFT_ASYNC_3(int, sleeper, uint64_t, int, int);

struct sleeper__frame {
	struct sleeper__args args;
	int i;
	int64_t before_ns, wanted_ns;
	struct weft_sleep__frame sleep;
};

enum weft_poll sleeper__poll(void *frame, struct weft_context *cx)
{
	struct sleeper__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < f->args.p1; f->i++) {
		f->wanted_ns = WEFT_MILLISECONDS(
				1 + rig_scatter(f->args.p0 + (uint64_t)f->i, (uint64_t)f->args.p2));
		if (f->i == 0)
			f->before_ns = weft_now(cx);
		weft_await(f, f->sleep, weft_sleep, f->wanted_ns);
		if (f->i == 0)
			micro_expect(weft_now(cx) - f->before_ns >= f->wanted_ns, true);
		rig_add(&rig.sum, 1);
	}
	rig_one_done();
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(sleeper, WEFT_ASYNC_RESULT_INT);

/* So many of them. */
WEFT_ASYNC_3(int, sleepers, uint64_t, int, int);

struct sleepers__frame {
	struct sleepers__args args;
	struct micro_watch watch;
	struct rig_wait_all__frame wait;
};

enum weft_poll sleepers__poll(void *frame, struct weft_context *cx)
{
	struct sleepers__frame *f = frame;
	uint64_t count = f->args.p0, each = (uint64_t)f->args.p1;
	struct sleeper__args args;

	weft_begin(f);
	rig_expect_all((size_t)count);
	f->watch = micro_watch_start();
	for (uint64_t i = 0; i < count; i++) {
		sleeper__init(&args, i * each, f->args.p1, f->args.p2);
		rig_spawn(&sleeper__async, &args);
	}
	weft_await(f, f->wait, rig_wait_all);
	rig.sample = micro_wall_and_cpu_per(&f->watch, (int64_t)(count * each));
	micro_expect((int64_t)rig.sum, (int64_t)(count * each));
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(sleepers, WEFT_ASYNC_RESULT_INT);

struct micro_sample timer_create_fire(int workers)
{
	struct sleepers__args args;

	sleepers__init(&args, SHORT_TASKS, SHORT_EACH, 10);
	return rig_run(workers, &sleepers__async, &args);
}

struct micro_sample sleepers_1m(int workers)
{
	struct sleepers__args args;

	sleepers__init(&args, SLEEPERS, 1, SLEEPERS_MILLISECONDS);
	return rig_run(workers, &sleepers__async, &args);
}
