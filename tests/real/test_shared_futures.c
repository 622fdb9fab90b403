/* SPDX-License-Identifier: MIT */
/* B86: one future that tasks on several workers wait for, while it is woken by one of them, and some are
 * cancelled. Its frame and result are plain memory: the thread sanitizer looks. */
#include "rig.h"

#include <weft/oneshot.h>
#include <weft/shared.h>

enum { TASKS = 7, ROUNDS = 300 };

struct world {
	struct weft_shared shared;
	struct weft_oneshot box;
	int letter;
	uint32_t has_it; /* atomic: how many waits have got the result */
};

/* ---- the future: opens the box, and gives way once before it ends ---- */

RIG_TASK(opens, struct world, struct weft_oneshot_recv__frame recv; struct weft_yield__frame yield;
		int letter;)
{
	struct opens__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->recv, weft_oneshot_recv, &f->args.p0->box, &f->letter);
	if (f->recv.args.result < 0)
		weft_return(f, f->recv.args.result);
	weft_await(f, f->yield, weft_yield);
	weft_return(f, f->letter);
	weft_end(f);
}

/* ---- who waits, and who sends ---- */

RIG_TASK(waits, struct world, struct weft_shared_wait__frame wait; int letter;)
{
	struct waits__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, weft_shared_wait, &f->args.p0->shared, &f->letter);
	if (f->wait.args.result < 0)
		weft_return(f, f->wait.args.result);
	CHECK(f->letter == 5 || f->letter == -ECANCELED);
	if (f->letter == 5)
		rig_add(&f->args.p0->has_it);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(sends, struct world, struct weft_yield__frame yield;)
{
	struct sends__frame *f = frame;
	int letter = 5;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	CHECK_EQ(weft_oneshot_send(&f->args.p0->box, &letter), 0);
	weft_return(f, 0);
	weft_end(f);
}

/* Cancels none, some or all of those who wait. */
RIG_TASK(rounds, struct world, struct opens__frame opens; struct weft_task * tasks[TASKS];
		struct weft_task * sender; struct weft_task_join__frame join;
		struct weft_yield__frame yield; int round, i, result, cancelled;)
{
	struct rounds__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->round = 0; f->round < ROUNDS; f->round++) {
		*world = (struct world){ .has_it = 0 };
		weft_oneshot_init(&world->box, &world->letter, sizeof world->letter);
		opens__init(&f->opens.args, world);
		weft_shared_init(&world->shared, &opens__async, &f->opens);
		for (f->i = 0; f->i < TASKS; f->i++)
			f->tasks[f->i] = rig_spawn(NULL, &waits__async, world);
		f->sender = rig_spawn(NULL, &sends__async, world);
		if (f->round % 2)
			weft_await(f, f->yield, weft_yield);
		for (f->i = 0; f->i < TASKS; f->i++)
			if (f->i % 3 < f->round % 4)
				weft_task_cancel(f->tasks[f->i]);
		f->cancelled = 0;
		for (f->i = 0; f->i < TASKS; f->i++) {
			weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->result);
			CHECK(f->result == 0 || f->result == -ECANCELED);
			f->cancelled += f->result == -ECANCELED;
			CHECK(f->result == 0 || f->i % 3 < f->round % 4);
		}
		weft_await(f, f->join, weft_task_join, f->sender, NULL);
		CHECK(f->opens.args.base.at == WEFT_AT_DONE); /* whatever has become of them */
		CHECK_EQ(world->shared.waiting, 0);
		CHECK((int)rig_get(&world->has_it) <= TASKS - f->cancelled);
		CHECK(f->round % 4 || (int)rig_get(&world->has_it) == TASKS);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b86_tasks_share_a_future)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	CHECK_EQ(rig_run(runtime, &rounds__async, &world), 0);
	weft_runtime_destroy(runtime);
}
