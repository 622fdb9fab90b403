/* SPDX-License-Identifier: MIT */
/* spawn.c: what it costs to spawn and join tasks. Names, output and method: bench/README.md. */
#include "benchmarks.h"
#include "rig.h"

enum { BATCH = 1000, CHAIN_ROUNDS = 300, CHAIN_LINKS = 1000 };

/* ---- spawn and join ---- */

static struct weft_task *spawn_value(size_t i)
{
	struct rig_value__args *args = weft_task_create(NULL, &rig_value__async);

	if (!args)
		exit(1);
	rig_value__init(args, i);
	return weft_task_start(args);
}

WEFT_ASYNC_2(int, spawn_join, size_t, size_t);

struct spawn_join__frame {
	struct spawn_join__args args;
	struct micro_watch watch, first;
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
		if (f->batch == 0)
			f->first = micro_watch_start();
	}
	rig.sample = micro_cold_and_warm(&f->watch, &f->first, (int64_t)batches, (int64_t)count);
	micro_expect((int64_t)f->total, (int64_t)(batches * count * (batches * count - 1) / 2));
	free(f->tasks);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(spawn_join, WEFT_ASYNC_RESULT_INT);

static struct micro_sample spawn_join_run(int workers, size_t batches, size_t count)
{
	struct spawn_join__args args;

	spawn_join__init(&args, batches, count);
	return rig_run(workers, &spawn_join__async, &args);
}

struct micro_sample spawn_join_batch(int workers)
{
	int64_t count = micro_count(BATCH);

	return spawn_join_run(workers, (size_t)micro_rounds(1000 * BATCH, count), (size_t)count);
}

struct micro_sample spawn_join_100k(int workers)
{
	return spawn_join_run(workers, 6, 100000);
}

/* The kernel's ordinary pages, touched one by one: what a container without huge pages sees. */
struct micro_sample spawn_join_100k_small_pages(int workers)
{
	setenv("WEFT_HUGEPAGES", "0", 1);
	return spawn_join_100k(workers);
}

struct micro_sample spawn_join_one(int workers)
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
		rig_add(&rig.sum, f->args.p1);
		rig_one_done();
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

WEFT_ASYNC_0(int, chains);

struct chains__frame {
	struct chains__args args;
	struct micro_watch watch;
	int round;
	struct rig_wait_all__frame wait;
};

enum weft_poll chains__poll(void *frame, struct weft_context *cx)
{
	struct chains__frame *f = frame;
	struct chain__args args;

	weft_begin(f);
	f->watch = micro_watch_start();
	for (f->round = 0; f->round < CHAIN_ROUNDS; f->round++) {
		rig_expect_all(1);
		chain__init(&args, CHAIN_LINKS, 0);
		rig_spawn(&chain__async, &args);
		weft_await(f, f->wait, rig_wait_all);
	}
	rig.sample = micro_wall_per(&f->watch, CHAIN_ROUNDS * CHAIN_LINKS);
	micro_expect((int64_t)rig.sum, CHAIN_ROUNDS * CHAIN_LINKS);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(chains, WEFT_ASYNC_RESULT_INT);

struct micro_sample chained_spawn(int workers)
{
	struct chains__args args;

	chains__init(&args);
	return rig_run(workers, &chains__async, &args);
}

/* ---- a set of tasks: as they end ---- */

enum { SET_ROUNDS = 300 };

WEFT_ASYNC_0(int, set_of_tasks);

struct set_of_tasks__frame {
	struct set_of_tasks__args args;
	struct micro_watch watch;
	struct weft_join_set set;
	size_t round, got, total;
	struct weft_join_set_next__frame next;
	struct weft_join_set_close__frame close;
};

static void set_fill(struct weft_join_set *set)
{
	struct rig_value__args args;

	for (size_t i = 0; i < BATCH; i++) {
		rig_value__init(&args, i);
		micro_expect(weft_join_set_spawn(set, &rig_value__async, &args, NULL), 0);
	}
}

enum weft_poll set_of_tasks__poll(void *frame, struct weft_context *cx)
{
	struct set_of_tasks__frame *f = frame;

	weft_begin(f);
	f->set = (struct weft_join_set)WEFT_JOIN_SET_INIT;
	f->total = 0;
	f->watch = micro_watch_start();
	for (f->round = 0; f->round < SET_ROUNDS; f->round++) {
		set_fill(&f->set);
		while (weft_join_set_count(&f->set)) {
			weft_await(f, f->next, weft_join_set_next, &f->set, &f->got, NULL);
			f->total += f->got;
		}
	}
	rig.sample = micro_wall_per(&f->watch, SET_ROUNDS * BATCH);
	micro_expect((int64_t)f->total, (int64_t)SET_ROUNDS * BATCH * (BATCH - 1) / 2);
	weft_await(f, f->close, weft_join_set_close, &f->set);
	weft_return(f, f->close.args.result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(set_of_tasks, WEFT_ASYNC_RESULT_INT);

struct micro_sample join_set_1k(int workers)
{
	struct set_of_tasks__args args;

	set_of_tasks__init(&args);
	return rig_run(workers, &set_of_tasks__async, &args);
}
