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
	int64_t count = micro_count(TIMERS), rounds = micro_rounds(TIMERS, count), right = 0;
	struct weft_sleep__frame *sleeps = malloc((size_t)count * sizeof *sleeps);
	struct micro_watch watch = micro_watch_start();

	for (int64_t i = 0; i < rounds; i++)
		right += timers_create_cancel(sleeps, (uint64_t)count, cx);
	rig.sample = micro_wall_per(&watch, rounds * count);
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

enum { SHORT_TASKS = 50000, SHORT_EACH = 10 };

WEFT_ASYNC_1(int, sleeper, uint64_t);

struct sleeper__frame {
	struct sleeper__args args;
	uint64_t i;
	int64_t before_ns, wanted_ns;
	struct weft_sleep__frame sleep;
};

enum weft_poll sleeper__poll(void *frame, struct weft_context *cx)
{
	struct sleeper__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < SHORT_EACH; f->i++) {
		f->wanted_ns = WEFT_MILLISECONDS(
				1 + rig_scatter(f->args.p0 * SHORT_EACH + f->i, 10));
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

WEFT_ASYNC_0(int, sleepers);

struct sleepers__frame {
	struct sleepers__args args;
	struct micro_watch watch;
	struct rig_wait_all__frame wait;
};

enum weft_poll sleepers__poll(void *frame, struct weft_context *cx)
{
	struct sleepers__frame *f = frame;
	struct sleeper__args args;

	weft_begin(f);
	rig_expect_all(SHORT_TASKS);
	f->watch = micro_watch_start();
	for (uint64_t i = 0; i < SHORT_TASKS; i++) {
		sleeper__init(&args, i);
		rig_spawn(&sleeper__async, &args);
	}
	weft_await(f, f->wait, rig_wait_all);
	rig.sample = micro_wall_and_cpu_per(&f->watch, SHORT_TASKS * SHORT_EACH);
	micro_expect((int64_t)rig.sum, SHORT_TASKS * SHORT_EACH);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(sleepers, WEFT_ASYNC_RESULT_INT);

struct micro_sample timer_create_fire(int workers)
{
	struct sleepers__args args;

	sleepers__init(&args);
	return rig_run(workers, &sleepers__async, &args);
}
