/* SPDX-License-Identifier: MIT */
/*
 * micro_weft.c: what Weft's tasks and timers cost. Names, output and method: README.md.
 *
 * Every program is an async function written by hand, in the shape that the compiler will emit.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "channels.h"
#include "micro.h"

enum { BATCH = 1000, MEMORY_TASKS = 1000000, TIMERS = 1000000, REMOTE_TASKS = 400000 };

/* Benchmarks run one after the other, each in a process of its own, so they can share what their tasks
 * touch. Atomic, because the tasks may run on two workers. */
static size_t remaining;
static size_t sum;
static int go;
static struct weft_runtime *runtime;

static void add(size_t *counter, size_t more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

/* ---- small tasks ---- */

WEFT_ASYNC_1(size_t, value, size_t);

struct value__frame {
	struct value__args args;
};

enum weft_poll value__poll(void *frame, struct weft_context *cx)
{
	struct value__frame *f = frame;

	(void)cx;
	weft_return(f, f->args.p0);
}
WEFT_ASYNC_DEFINE(value, 0);

static struct weft_task *spawn_value(size_t i)
{
	struct value__args *args = weft_task_create(NULL, &value__async);

	if (!args)
		exit(1);
	value__init(args, i);
	return weft_task_start(args);
}

/* Signals a waiter when the last of many is done: what a oneshot or a notify would do. */
static struct weft_waker_slot all_done;

static void one_done(void)
{
	if (__atomic_fetch_sub(&remaining, 1, __ATOMIC_ACQ_REL) == 1)
		weft_waker_slot_wake(&all_done);
}

WEFT_ASYNC_0(int, wait_all_done);

struct wait_all_done__frame {
	struct wait_all_done__args args;
};

enum weft_poll wait_all_done__poll(void *frame, struct weft_context *cx)
{
	struct wait_all_done__frame *f = frame;

	f->args.base.at = 1;
	weft_waker_slot_register(&all_done, cx);
	if (__atomic_load_n(&remaining, __ATOMIC_ACQUIRE) > 0 ||
			!weft_waker_slot_clear(&all_done, cx))
		return WEFT_PENDING;
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE_LEAF(wait_all_done, WEFT_ASYNC_RESULT_INT);

/* ---- running a benchmark's root ---- */

static void runtime_begin(int workers)
{
	struct weft_runtime_options options = {
		.flavour = workers ? WEFT_MULTI_THREAD : WEFT_CURRENT_THREAD,
		.workers = (unsigned)workers,
	};

	micro_expect(weft_runtime_create(&runtime, &options), 0);
}

static void run(const struct weft_async *async, const void *args)
{
	micro_expect(weft_runtime_run(runtime, async, args, NULL), 0);
}

static void runtime_end(void)
{
	weft_runtime_destroy(runtime);
}

/* ---- spawn and join ---- */

WEFT_ASYNC_3(size_t, spawn_join, size_t, size_t, struct micro_sample *);

struct spawn_join__frame {
	struct spawn_join__args args;
	struct micro_watch watch;
	struct weft_task **tasks;
	size_t batch, i, got, total;
	struct weft_task_join__frame join;
};

enum weft_poll spawn_join__poll(void *frame, struct weft_context *cx)
{
	struct spawn_join__frame *f = frame;
	size_t batches = f->args.p0, count = f->args.p1;

	weft_begin(f);
	f->tasks = malloc(count * sizeof(struct weft_task *));
	f->total = 0;
	f->watch = micro_watch_start();
	for (f->batch = 0; f->batch < batches; f->batch++) {
		for (f->i = 0; f->i < count; f->i++)
			f->tasks[f->i] = spawn_value(f->batch * count + f->i);
		for (f->i = 0; f->i < count; f->i++) {
			weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->got);
			f->total += f->got;
		}
	}
	*f->args.p2 = micro_wall_per(&f->watch, (int64_t)(batches * count));
	micro_expect((int64_t)f->total, (int64_t)(batches * count * (batches * count - 1) / 2));
	free(f->tasks);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(spawn_join, 0);

static struct micro_sample spawn_join_run(int workers, size_t batches, size_t count)
{
	struct spawn_join__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	spawn_join__init(&args, batches, count, &sample);
	run(&spawn_join__async, &args);
	runtime_end();
	return sample;
}

static struct micro_sample spawn_join_batch(int workers)
{
	int64_t count = micro_count(BATCH);

	return spawn_join_run(workers, (size_t)micro_rounds(1000 * BATCH, count), (size_t)count);
}

static struct micro_sample spawn_join_cold(int workers)
{
	return spawn_join_run(workers, 1, 100000);
}

/* The kernel's ordinary pages, touched one by one: what a container without huge pages sees. */
static struct micro_sample spawn_join_cold_small_pages(int workers)
{
	setenv("WEFT_HUGEPAGES", "0", 1);
	return spawn_join_cold(workers);
}

static struct micro_sample spawn_join_one(int workers)
{
	return spawn_join_run(workers, 1000000, 1);
}

/* ---- chained_spawn ---- */

WEFT_ASYNC_2(int, chain, size_t, size_t);

struct chain__frame {
	struct chain__args args;
};

enum weft_poll chain__poll(void *frame, struct weft_context *cx)
{
	struct chain__frame *f = frame;
	struct chain__args *next;

	(void)cx;
	if (f->args.p0 == 0) {
		add(&sum, f->args.p1);
		one_done();
		weft_return(f, 0);
	}
	next = weft_task_create(NULL, &chain__async);
	if (!next)
		exit(1);
	chain__init(next, f->args.p0 - 1, f->args.p1 + 1);
	weft_task_start_detached(next);
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE(chain, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, chains, struct micro_sample *);

struct chains__frame {
	struct chains__args args;
	struct micro_watch watch;
	int round;
	struct wait_all_done__frame wait;
};

enum { CHAIN_ROUNDS = 500, CHAIN_LINKS = 1000 };

enum weft_poll chains__poll(void *frame, struct weft_context *cx)
{
	struct chains__frame *f = frame;
	struct chain__args args;

	weft_begin(f);
	f->watch = micro_watch_start();
	for (f->round = 0; f->round < CHAIN_ROUNDS; f->round++) {
		__atomic_store_n(&remaining, 1, __ATOMIC_RELEASE);
		chain__init(&args, CHAIN_LINKS, 0);
		micro_expect(weft_task_spawn_detached(NULL, &chain__async, &args), 0);
		weft_await(f, f->wait, wait_all_done);
	}
	*f->args.p0 = micro_wall_per(&f->watch, CHAIN_ROUNDS * CHAIN_LINKS);
	micro_expect((int64_t)sum, CHAIN_ROUNDS * CHAIN_LINKS);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(chains, WEFT_ASYNC_RESULT_INT);

static struct micro_sample chained_spawn(int workers)
{
	struct chains__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	sum = 0;
	chains__init(&args, &sample);
	run(&chains__async, &args);
	runtime_end();
	return sample;
}

/* ---- spawning from other threads ---- */

WEFT_ASYNC_1(int, remote_task, size_t);

struct remote_task__frame {
	struct remote_task__args args;
};

enum weft_poll remote_task__poll(void *frame, struct weft_context *cx)
{
	struct remote_task__frame *f = frame;

	(void)cx;
	add(&sum, f->args.p0);
	one_done();
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE(remote_task, WEFT_ASYNC_RESULT_INT);

struct spawner {
	pthread_barrier_t *barrier;
	size_t count;
};

static void *spawner_run(void *arg)
{
	struct spawner *spawner = arg;

	pthread_barrier_wait(spawner->barrier);
	for (size_t i = 0; i < spawner->count; i++) {
		struct remote_task__args *args = weft_task_create(runtime, &remote_task__async);

		if (!args)
			exit(1);
		remote_task__init(args, i);
		weft_task_start_detached(args);
	}
	return NULL;
}

static struct micro_sample remote_spawn(int workers, size_t threads)
{
	size_t each = REMOTE_TASKS / threads;
	pthread_barrier_t barrier;
	struct spawner spawner = { &barrier, each };
	struct wait_all_done__args args;
	struct micro_sample sample;
	struct micro_watch watch;
	pthread_t ids[8];

	runtime_begin(workers);
	remaining = each * threads;
	sum = 0;
	pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, spawner_run, &spawner);
	pthread_barrier_wait(&barrier);
	watch = micro_watch_start();
	wait_all_done__init(&args);
	run(&wait_all_done__async, &args);
	sample = micro_wall_and_cpu_per(&watch, (int64_t)(each * threads));
	for (size_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	micro_expect((int64_t)sum, (int64_t)(threads * (each * (each - 1) / 2)));
	runtime_end();
	return sample;
}

static struct micro_sample remote_spawn_1(int workers)
{
	return remote_spawn(workers, 1);
}

static struct micro_sample remote_spawn_8(int workers)
{
	return remote_spawn(workers, 8);
}

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
	while (!__atomic_load_n(&go, __ATOMIC_RELAXED))
		weft_await(f, f->yield, weft_yield);
	for (f->i = 1; f->i < f->args.p0; f->i++)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, f->args.p0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(yielder, 0);

WEFT_ASYNC_3(int, yields, size_t, size_t, struct micro_sample *);

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
	__atomic_store_n(&go, 0, __ATOMIC_RELAXED);
	f->tasks = malloc(count * sizeof(struct weft_task *));
	for (f->i = 0; f->i < count; f->i++) {
		yielder__init(&args, turns / count);
		f->tasks[f->i] = weft_task_spawn(NULL, &yielder__async, &args);
		if (!f->tasks[f->i])
			exit(1);
	}
	f->watch = micro_watch_start();
	f->total = 0;
	__atomic_store_n(&go, 1, __ATOMIC_RELAXED);
	for (f->i = 0; f->i < count; f->i++) {
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->got);
		f->total += f->got;
	}
	*f->args.p2 = micro_wall_per(&f->watch, (int64_t)turns);
	micro_expect((int64_t)f->total, (int64_t)turns);
	free(f->tasks);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(yields, WEFT_ASYNC_RESULT_INT);

static struct micro_sample yields_run(int workers, size_t tasks, size_t turns)
{
	struct yields__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	yields__init(&args, tasks, turns, &sample);
	run(&yields__async, &args);
	runtime_end();
	return sample;
}

static struct micro_sample yield_2(int workers)
{
	return yields_run(workers, 2, 2000000);
}

static struct micro_sample yield_1k(int workers)
{
	size_t tasks = (size_t)micro_count(1000);

	return yields_run(workers, tasks, (size_t)micro_rounds(4000000, (int64_t)tasks) * tasks);
}

static struct micro_sample yield_100k(int workers)
{
	return yields_run(workers, 100000, 5000000);
}

/* ---- ping_pong: a task, its child, and two messages through waker slots ---- */

struct exchange {
	struct weft_waker_slot ping, pong;
	size_t pinged, ponged;
};

/* Waits until *value is not 0. */
WEFT_ASYNC_2(size_t, receive, struct weft_waker_slot *, size_t *);

struct receive__frame {
	struct receive__args args;
};

enum weft_poll receive__poll(void *frame, struct weft_context *cx)
{
	struct receive__frame *f = frame;
	size_t value = __atomic_load_n(f->args.p1, __ATOMIC_ACQUIRE);

	if (!value) {
		f->args.base.at = 1;
		weft_waker_slot_register(f->args.p0, cx);
		value = __atomic_load_n(f->args.p1, __ATOMIC_ACQUIRE);
		if (!value || !weft_waker_slot_clear(f->args.p0, cx))
			return WEFT_PENDING;
	}
	weft_return(f, value);
}
WEFT_ASYNC_DEFINE_LEAF(receive, 0);

static void send_value(struct weft_waker_slot *slot, size_t *place, size_t value)
{
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
	weft_waker_slot_wake(slot);
}

WEFT_ASYNC_1(int, ponger, struct exchange *);

struct ponger__frame {
	struct ponger__args args;
	struct receive__frame receive;
};

enum weft_poll ponger__poll(void *frame, struct weft_context *cx)
{
	struct ponger__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->receive, receive, &f->args.p0->ping, &f->args.p0->pinged);
	send_value(&f->args.p0->pong, &f->args.p0->ponged, f->receive.args.result + 1);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(ponger, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_0(int, pinger);

struct pinger__frame {
	struct pinger__args args;
	struct exchange exchange;
	struct weft_task *child;
	struct receive__frame receive;
	struct weft_task_join__frame join;
};

enum weft_poll pinger__poll(void *frame, struct weft_context *cx)
{
	struct pinger__frame *f = frame;
	struct ponger__args args;

	weft_begin(f);
	memset(&f->exchange, 0, sizeof f->exchange);
	ponger__init(&args, &f->exchange);
	f->child = weft_task_spawn(NULL, &ponger__async, &args);
	if (!f->child)
		exit(1);
	send_value(&f->exchange.ping, &f->exchange.pinged, 1);
	weft_await(f, f->receive, receive, &f->exchange.pong, &f->exchange.ponged);
	add(&sum, f->receive.args.result);
	/* the child borrows this frame */
	weft_await(f, f->join, weft_task_join, f->child, NULL);
	one_done();
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(pinger, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, pings, struct micro_sample *);

struct pings__frame {
	struct pings__args args;
	struct micro_watch watch;
	int round;
	struct wait_all_done__frame wait;
};

enum { PING_ROUNDS = 200, PINGS = 1000 };

enum weft_poll pings__poll(void *frame, struct weft_context *cx)
{
	struct pings__frame *f = frame;
	struct pinger__args args;

	weft_begin(f);
	f->watch = micro_watch_start();
	for (f->round = 0; f->round < PING_ROUNDS; f->round++) {
		__atomic_store_n(&remaining, PINGS, __ATOMIC_RELEASE);
		for (int i = 0; i < PINGS; i++) {
			pinger__init(&args);
			micro_expect(weft_task_spawn_detached(NULL, &pinger__async, &args), 0);
		}
		weft_await(f, f->wait, wait_all_done);
	}
	*f->args.p0 = micro_wall_per(&f->watch, PING_ROUNDS * PINGS);
	micro_expect((int64_t)sum, 2 * PING_ROUNDS * PINGS);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(pings, WEFT_ASYNC_RESULT_INT);

static struct micro_sample ping_pong(int workers)
{
	struct pings__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	sum = 0;
	pings__init(&args, &sample);
	run(&pings__async, &args);
	runtime_end();
	return sample;
}

/* ---- timers ---- */

/* A number below `bound` that looks random but is the same in every run. */
static uint64_t scatter(uint64_t i, uint64_t bound)
{
	return (((i + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % bound;
}

WEFT_ASYNC_1(int, timers, struct micro_sample *);

struct timers__frame {
	struct timers__args args;
};

/* Polls each sleep once, then again cancelled, in another order. Returns how many polls said what they should. */
static int64_t timers_create_cancel(
		struct weft_sleep__frame *sleeps, uint64_t count, struct weft_context *cx)
{
	int64_t right = 0;

	for (uint64_t i = 0; i < count; i++) {
		weft_sleep__init(&sleeps[i].args, WEFT_MILLISECONDS(60000 + scatter(i, 3600000)));
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
	*f->args.p0 = micro_wall_per(&watch, rounds * count);
	micro_expect(right, 2 * rounds * count);
	free(sleeps);
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE(timers, WEFT_ASYNC_RESULT_INT);

static struct micro_sample timer_create_cancel(int workers)
{
	struct timers__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	timers__init(&args, &sample);
	run(&timers__async, &args);
	runtime_end();
	return sample;
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
		f->wanted_ns = WEFT_MILLISECONDS(1 + scatter(f->args.p0 * SHORT_EACH + f->i, 10));
		if (f->i == 0)
			f->before_ns = weft_now(cx);
		weft_await(f, f->sleep, weft_sleep, f->wanted_ns);
		if (f->i == 0)
			micro_expect(weft_now(cx) - f->before_ns >= f->wanted_ns, true);
		add(&sum, 1);
	}
	one_done();
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(sleeper, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, sleepers, struct micro_sample *);

struct sleepers__frame {
	struct sleepers__args args;
	struct micro_watch watch;
	struct wait_all_done__frame wait;
};

enum weft_poll sleepers__poll(void *frame, struct weft_context *cx)
{
	struct sleepers__frame *f = frame;
	struct sleeper__args args;

	weft_begin(f);
	__atomic_store_n(&remaining, SHORT_TASKS, __ATOMIC_RELEASE);
	f->watch = micro_watch_start();
	for (uint64_t i = 0; i < SHORT_TASKS; i++) {
		sleeper__init(&args, i);
		micro_expect(weft_task_spawn_detached(NULL, &sleeper__async, &args), 0);
	}
	weft_await(f, f->wait, wait_all_done);
	*f->args.p0 = micro_wall_and_cpu_per(&f->watch, SHORT_TASKS * SHORT_EACH);
	micro_expect((int64_t)sum, SHORT_TASKS * SHORT_EACH);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(sleepers, WEFT_ASYNC_RESULT_INT);

static struct micro_sample timer_create_fire(int workers)
{
	struct sleepers__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	sum = 0;
	sleepers__init(&args, &sample);
	run(&sleepers__async, &args);
	runtime_end();
	return sample;
}

/* ---- memory ---- */

WEFT_ASYNC_0(int, memory_sleep);

struct memory_sleep__frame {
	struct memory_sleep__args args;
	struct weft_sleep__frame sleep;
};

enum weft_poll memory_sleep__poll(void *frame, struct weft_context *cx)
{
	struct memory_sleep__frame *f = frame;

	weft_begin(f);
	one_done();
	weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(3600));
	add(&sum, 1);
	weft_return(f, f->sleep.args.result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(memory_sleep, WEFT_ASYNC_RESULT_INT);

/* A list of waiting tasks, as a notify has one: next and waker in the frame. */
struct memory_waiter {
	struct memory_waiter *next;
	struct weft_waker waker;
};

static struct memory_waiter *memory_waiters;
static int memory_lock;

static void memory_lock_take(void)
{
	while (__atomic_exchange_n(&memory_lock, 1, __ATOMIC_ACQUIRE))
		;
}

static void memory_lock_give(void)
{
	__atomic_store_n(&memory_lock, 0, __ATOMIC_RELEASE);
}

WEFT_ASYNC_0(int, memory_wait);

struct memory_wait__frame {
	struct memory_wait__args args;
	struct memory_waiter waiter;
};

enum weft_poll memory_wait__poll(void *frame, struct weft_context *cx)
{
	struct memory_wait__frame *f = frame;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		one_done();
		memory_lock_take();
		f->waiter.waker = *weft_context_waker(cx);
		f->waiter.next = memory_waiters;
		memory_waiters = &f->waiter;
		memory_lock_give();
		return WEFT_PENDING;
	}
	add(&sum, 1);
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE_LEAF(memory_wait, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_2(int, memory, const struct weft_async *, struct micro_sample *);

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
	__atomic_store_n(&remaining, MEMORY_TASKS, __ATOMIC_RELEASE);
	for (int i = 0; i < MEMORY_TASKS; i++) {
		void *task = weft_task_create(NULL, f->args.p0);

		if (!task)
			exit(1);
		*(struct weft_frame *)task = args;
		weft_task_start_detached(task);
	}
	while (__atomic_load_n(&remaining, __ATOMIC_ACQUIRE))
		weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(5));
	weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(5)); /* all asleep, this one too */
	f->args.p1->value = (double)(micro_resident_bytes() - f->before) / MEMORY_TASKS;
	f->args.p1->cpu_ns = 0;
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(memory, WEFT_ASYNC_RESULT_INT);

static struct micro_sample memory_sleeping_bytes(int workers)
{
	struct memory__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	memory__init(&args, &memory_sleep__async, &sample);
	run(&memory__async, &args);
	micro_expect((int64_t)sum, 0);
	runtime_end();
	return sample;
}

static struct micro_sample memory_waiting_bytes(int workers)
{
	struct memory__args args;
	struct micro_sample sample;

	runtime_begin(workers);
	memory__init(&args, &memory_wait__async, &sample);
	run(&memory__async, &args);
	while (memory_waiters) {
		struct memory_waiter *waiter = memory_waiters;

		memory_waiters = waiter->next;
		weft_waker_wake_by_ref(&waiter->waker);
	}
	runtime_end();
	micro_expect((int64_t)sum, MEMORY_TASKS);
	return sample;
}

/* ---- one worker is stuck: what becomes of the others' sockets, timers and wakes ---- */

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

	add(&stuck_seen[kind], 1);
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
	while (!__atomic_load_n(&go, __ATOMIC_RELAXED)) {
		f->due_ns = clock_now() + WEFT_MILLISECONDS(1);
		weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(1));
		stuck_note(STUCK_TIMER, f->due_ns);
	}
	one_done();
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
	one_done();
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
	one_done();
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE(stuck_woken, WEFT_ASYNC_RESULT_INT);

/* From a plain thread: a message to each connection every millisecond. */
static void *stuck_send(void *arg)
{
	const int *fds = arg;

	while (!__atomic_load_n(&go, __ATOMIC_RELAXED)) {
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

static void stuck_spawn(const struct weft_async *async, const void *args)
{
	micro_expect(weft_task_spawn_detached(NULL, async, args), 0);
}

/* Queues some tasks, and sleeps in its poll. */
static void stuck_stay(void)
{
	struct stuck_woken__args woken;

	for (int i = 0; i < STUCK_EACH; i++) {
		stuck_woken__init(&woken, clock_now());
		stuck_spawn(&stuck_woken__async, &woken);
	}
	nanosleep(&(struct timespec){ .tv_nsec = STUCK_MILLISECONDS * 1000000L }, NULL);
}

WEFT_ASYNC_0(int, stuck);

struct stuck__frame {
	struct stuck__args args;
	struct weft_tcp_listener listener;
	struct weft_tcp conn;
	int fds[STUCK_EACH];
	int i, round;
	pthread_t sender;
	struct weft_tcp_accept__frame accept;
	struct weft_sleep__frame sleep;
	struct wait_all_done__frame wait;
};

enum weft_poll stuck__poll(void *frame, struct weft_context *cx)
{
	struct stuck__frame *f = frame;
	struct stuck_sleeper__args timer;
	struct stuck_reader__args reader;

	weft_begin(f);
	__atomic_store_n(&remaining, (2 + STUCK_ROUNDS) * STUCK_EACH, __ATOMIC_RELEASE);
	__atomic_store_n(&go, 0, __ATOMIC_RELAXED);
	micro_expect(weft_tcp_listen(&f->listener, "127.0.0.1", "0"), 0);
	for (f->i = 0; f->i < STUCK_EACH; f->i++) {
		f->fds[f->i] = stuck_connect(weft_tcp_listener_port(f->listener));
		weft_await(f, f->accept, weft_tcp_accept, f->listener, &f->conn);
		micro_expect(f->accept.args.result, 0);
		stuck_reader__init(&reader, f->conn);
		stuck_spawn(&stuck_reader__async, &reader);
		stuck_sleeper__init(&timer);
		stuck_spawn(&stuck_sleeper__async, &timer);
	}
	micro_expect(pthread_create(&f->sender, NULL, stuck_send, f->fds), 0);
	for (f->round = 0; f->round < STUCK_ROUNDS; f->round++) {
		weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(20));
		stuck_stay();
	}
	__atomic_store_n(&go, 1, __ATOMIC_RELAXED);
	weft_await(f, f->wait, wait_all_done);
	pthread_join(f->sender, NULL);
	weft_tcp_listener_close(f->listener);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(stuck, WEFT_ASYNC_RESULT_INT);

static struct micro_sample stuck_run(int workers, int kind)
{
	struct stuck__args args;

	runtime_begin(workers);
	stuck__init(&args);
	run(&stuck__async, &args);
	runtime_end();
	micro_expect(stuck_seen[kind] >= STUCK_ROUNDS * STUCK_EACH, true);
	return (struct micro_sample){ .value = (double)stuck_worst_ns[kind] };
}

static struct micro_sample stuck_socket(int workers)
{
	return stuck_run(workers, STUCK_SOCKET);
}

static struct micro_sample stuck_timer(int workers)
{
	return stuck_run(workers, STUCK_TIMER);
}

static struct micro_sample stuck_wake(int workers)
{
	return stuck_run(workers, STUCK_WAKE);
}

static const struct micro_benchmark benchmarks[] = {
	{ "spawn_join_batch", spawn_join_batch, false },
	{ "spawn_join_one", spawn_join_one, false },
	{ "spawn_join_cold", spawn_join_cold, true },
	{ "spawn_join_cold_small_pages", spawn_join_cold_small_pages, true },
	{ "chained_spawn", chained_spawn, false },
	{ "remote_spawn_1", remote_spawn_1, false },
	{ "remote_spawn_8", remote_spawn_8, false },
	{ "yield_2", yield_2, false },
	{ "yield_1k", yield_1k, false },
	{ "yield_100k", yield_100k, false },
	{ "ping_pong", ping_pong, false },
	{ "oneshot_ping_pong", oneshot_ping_pong, false },
	{ "broadcast_1k", broadcast_1k, false },
	{ "watch_1k", watch_1k, false },
	{ "stuck_socket", stuck_socket, true },
	{ "stuck_timer", stuck_timer, true },
	{ "stuck_wake", stuck_wake, true },
	{ "timer_create_cancel", timer_create_cancel, false },
	{ "timer_create_fire", timer_create_fire, false },
	{ "memory_sleeping_bytes", memory_sleeping_bytes, true },
	{ "memory_waiting_bytes", memory_waiting_bytes, true },
	{ "memory_idle_channel_bytes", memory_idle_channel_bytes, true },
};

int main(int argc, char **argv)
{
	return micro_main(argc, argv, benchmarks, sizeof benchmarks / sizeof benchmarks[0]);
}
