/* SPDX-License-Identifier: MIT */
/*
 * sets.c: what many futures in one task cost. Names, output and method: bench/README.md.
 */
#include <string.h>

#include "benchmarks.h"
#include "rig.h"

enum { STAGGERED = 100000, PUSHES = 1000000 };

/* Each root takes how many there are. */
WEFT_ASYNC_1(int, counted, size_t);

static struct micro_sample run_counted(int workers, const struct weft_async *async, size_t count)
{
	struct counted__args args;

	counted__init(&args, count);
	return rig_run(workers, async, &args);
}

/* ---- join_all: children that end one after the other ---- */

struct member {
	struct weft_oneshot box;
	struct weft_oneshot_recv__frame frame;
	int letter, received;
};

struct crowd {
	struct member *members;
	struct weft_set_child *children;
	size_t count;
};

WEFT_ASYNC_1(int, sends, struct crowd *);

struct sends__frame {
	struct sends__args args;
	struct weft_yield__frame yield;
	size_t i;
};

/* One a turn, so that who joins is polled for each. */
enum weft_poll sends__poll(void *frame, struct weft_context *cx)
{
	struct sends__frame *f = frame;
	int one = 1;

	weft_begin(f);
	for (f->i = 0; f->i < f->args.p0->count; f->i++) {
		micro_expect(weft_oneshot_send(&f->args.p0->members[f->i].box, &one), 0);
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(sends, WEFT_ASYNC_RESULT_INT);

static void *take(size_t count, size_t bytes)
{
	void *memory = aligned_alloc(64, (count * bytes + 63) / 64 * 64);

	if (!memory)
		exit(1);
	memset(memory, 0, count * bytes); /* touched before it is measured */
	return memory;
}

static void crowd_begin(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++) {
		struct member *member = &crowd->members[i];

		member->received = 0;
		weft_oneshot_init(&member->box, &member->letter, sizeof member->letter);
		weft_oneshot_recv__init(&member->frame.args, &member->box, &member->received);
		crowd->children[i] = weft_set_child_make(&weft_oneshot_recv__async, &member->frame);
	}
}

static void crowd_check(const struct crowd *crowd)
{
	int64_t sum = 0;

	for (size_t i = 0; i < crowd->count; i++)
		sum += crowd->members[i].received;
	micro_expect(sum, (int64_t)crowd->count);
}

WEFT_ASYNC_1(int, joins, size_t);

struct joins__frame {
	struct joins__args args;
	struct crowd crowd;
	struct micro_watch watch;
	struct weft_task *sender;
	struct weft_join_all__frame join;
	struct weft_task_join__frame task_join;
	size_t round, rounds;
};

/* As many rounds as make STAGGERED children. */
enum weft_poll joins__poll(void *frame, struct weft_context *cx)
{
	struct joins__frame *f = frame;
	struct crowd *crowd = &f->crowd;
	struct sends__args args;

	weft_begin(f);
	crowd->count = f->args.p0;
	crowd->members = take(crowd->count, sizeof *crowd->members);
	crowd->children = take(crowd->count, sizeof *crowd->children);
	f->rounds = STAGGERED / crowd->count;
	f->watch = micro_watch_start();
	for (f->round = 0; f->round < f->rounds; f->round++) {
		crowd_begin(crowd);
		sends__init(&args, crowd);
		f->sender = weft_task_spawn(NULL, &sends__async, &args);
		weft_await(f, f->join, weft_join_all, crowd->children, crowd->count);
		weft_await(f, f->task_join, weft_task_join, f->sender, NULL);
		crowd_check(crowd);
	}
	rig.sample = micro_wall_and_cpu_per(&f->watch, (int64_t)(f->rounds * crowd->count));
	free(crowd->members);
	free(crowd->children);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(joins, WEFT_ASYNC_RESULT_INT);

struct micro_sample join_all_100(int workers)
{
	return run_counted(workers, &joins__async, 100);
}

struct micro_sample join_all_100k(int workers)
{
	return run_counted(workers, &joins__async, 100000);
}

/* ---- a set: push one, take one ---- */

WEFT_ASYNC_1(int, pushes, size_t);

struct pushes__frame {
	struct pushes__args args;
	struct weft_set set;
	struct weft_set_next__frame next;
	struct weft_set_close__frame close;
	struct micro_watch watch;
	size_t i, got, sum;
};

static void push_value(struct weft_set *set, size_t i)
{
	struct rig_value__args args;

	rig_value__init(&args, i);
	micro_expect(weft_set_put(set, &rig_value__async, &args, NULL), 0);
}

/* With so many in the set all the time. */
enum weft_poll pushes__poll(void *frame, struct weft_context *cx)
{
	struct pushes__frame *f = frame;

	weft_begin(f);
	f->set = (struct weft_set)WEFT_SET_INIT;
	f->sum = 0;
	for (f->i = 1; f->i < f->args.p0; f->i++)
		push_value(&f->set, 0);
	f->watch = micro_watch_start();
	for (f->i = 0; f->i < PUSHES; f->i++) {
		push_value(&f->set, 1);
		weft_await(f, f->next, weft_set_next, &f->set, &f->got);
		f->sum += f->got;
	}
	rig.sample = micro_wall_and_cpu_per(&f->watch, PUSHES);
	micro_expect((int64_t)f->sum, (int64_t)(PUSHES - (f->args.p0 - 1)));
	weft_await(f, f->close, weft_set_close, &f->set);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(pushes, WEFT_ASYNC_RESULT_INT);

struct micro_sample set_push_next(int workers)
{
	return run_counted(workers, &pushes__async, 1);
}

struct micro_sample set_push_next_10k(int workers)
{
	return run_counted(workers, &pushes__async, 10000);
}
