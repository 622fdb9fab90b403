/* SPDX-License-Identifier: MIT */
/* memory.c: what a waiting task takes. Names, output and method: bench/README.md. */
#include "benchmarks.h"
#include "rig.h"

enum { MEMORY_TASKS = 1000000 };

WEFT_ASYNC_0(int, memory_sleep);

struct memory_sleep__frame {
	struct memory_sleep__args args;
	struct weft_sleep__frame sleep;
};

enum weft_poll memory_sleep__poll(void *frame, struct weft_context *cx)
{
	struct memory_sleep__frame *f = frame;

	weft_begin(f);
	rig_one_done();
	weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(3600));
	rig_add(&rig.sum, 1);
	weft_return(f, f->sleep.args.result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(memory_sleep, WEFT_ASYNC_RESULT_INT);

static struct weft_notify memory_wake_up;

WEFT_ASYNC_0(int, memory_wait);

struct memory_wait__frame {
	struct memory_wait__args args;
	struct weft_notify_wait__frame wait;
};

enum weft_poll memory_wait__poll(void *frame, struct weft_context *cx)
{
	struct memory_wait__frame *f = frame;

	weft_begin(f);
	rig_one_done();
	weft_await(f, f->wait, weft_notify_wait, &memory_wake_up);
	rig_add(&rig.sum, 1);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(memory_wait, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, memory, const struct weft_async *);

struct memory__frame {
	struct memory__args args;
	int64_t before;
	struct weft_sleep__frame sleep;
};

enum weft_poll memory__poll(void *frame, struct weft_context *cx)
{
	struct memory__frame *f = frame;
	struct weft_frame args = { 0, 0 };

	weft_begin(f);
	f->before = micro_resident_bytes();
	rig_expect_all(MEMORY_TASKS);
	for (int i = 0; i < MEMORY_TASKS; i++) {
		void *task = weft_task_create(NULL, f->args.p0);

		if (!task)
			exit(1);
		*(struct weft_frame *)task = args;
		weft_task_start_detached(task);
	}
	while (__atomic_load_n(&rig.remaining, __ATOMIC_ACQUIRE))
		weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(5));
	weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(5)); /* all asleep, this one too */
	rig.sample.value = (double)(micro_resident_bytes() - f->before) / MEMORY_TASKS;
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(memory, WEFT_ASYNC_RESULT_INT);

static struct micro_sample memory_run(int workers, const struct weft_async *async)
{
	struct memory__args args;

	rig_begin(workers);
	memory__init(&args, async);
	rig_await(&memory__async, &args);
	return rig.sample;
}

struct micro_sample memory_sleeping_bytes(int workers)
{
	struct micro_sample sample = memory_run(workers, &memory_sleep__async);

	micro_expect((int64_t)rig.sum, 0);
	rig_end();
	return sample;
}

struct micro_sample memory_waiting_bytes(int workers)
{
	struct micro_sample sample;

	weft_notify_init(&memory_wake_up);
	sample = memory_run(workers, &memory_wait__async);
	weft_notify_all(&memory_wake_up);
	rig_end(); /* runs what has been woken to its end */
	micro_expect((int64_t)rig.sum, MEMORY_TASKS);
	return sample;
}
