/* SPDX-License-Identifier: MIT */
/* weft_shutdown_wait on all kinds of runtimes: signals, from the kernel, and the program's own word; tasks that
 * leave, tasks that do not, and those who are in a hurry. */
#include "rig.h"

#include <signal.h>

#include <weft/shutdown.h>

enum { TASKS = 12 };

struct world {
	struct weft_shutdown end;
	struct rig_gate never;
	int64_t grace_ns;
	uint32_t at_work, told;
	int signals; /* so many are sent when all are at work */
	int stubborn;
};

struct errand {
	struct world *world;
	bool is_stubborn;
};

RIG_TASK(works, struct errand, struct weft_cancel_token_wait__frame stop;
		struct rig_gate_wait__frame wait;)
{
	struct works__frame *f = frame;
	struct world *world = f->args.p0->world;

	weft_begin(f);
	rig_add(&world->at_work);
	weft_await(f, f->stop, weft_cancel_token_wait, &world->end.stop);
	rig_add(&world->told);
	if (f->args.p0->is_stubborn)
		weft_await(f, f->wait, rig_gate_wait, &world->never);
	weft_task_tracker_leave(&world->end.tasks);
	weft_return(f, 0);
	weft_end(f);
}

/* Until all work; then what is to happen. */
RIG_TASK(asks, struct world, struct weft_yield__frame yield; int sent;)
{
	struct asks__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	while (rig_get(&world->at_work) < TASKS)
		weft_await(f, f->yield, weft_yield);
	if (!world->signals)
		weft_cancel_token_cancel(&world->end.stop);
	for (f->sent = 0; f->sent < world->signals; f->sent++) {
		CHECK_EQ(kill(getpid(), f->sent ? SIGINT : SIGTERM), 0);
		while (rig_get(&world->told) < TASKS)
			weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(serves, struct world, struct errand errands[TASKS]; struct weft_shutdown_wait__frame wait;
		struct weft_task_tracker_wait__frame left;)
{
	struct serves__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (int i = 0; i < TASKS; i++) {
		f->errands[i] = (struct errand){ world, i < world->stubborn };
		weft_task_tracker_enter(&world->end.tasks);
		rig_spawn_detached(NULL, &works__async, &f->errands[i]);
	}
	rig_spawn_detached(NULL, &asks__async, world);
	weft_await(f, f->wait, weft_shutdown_wait, &world->end, world->grace_ns);
	if (f->wait.args.result != -ETIME) /* nobody else has waited for them */
		CHECK_EQ(rig_get(&world->told), TASKS);
	CHECK(weft_cancel_token_is_cancelled(&world->end.stop));
	CHECK(weft_task_tracker_is_closed(&world->end.tasks));
	if (f->wait.args.result == 0)
		CHECK_EQ(weft_task_tracker_count(&world->end.tasks), 0);
	else
		CHECK(weft_task_tracker_count(&world->end.tasks) >= (uint32_t)world->stubborn);
	rig_gate_open(&world->never); /* they use this frame */
	weft_await(f, f->left, weft_task_tracker_wait, &world->end.tasks);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

static int run(const struct weft_runtime_options *options, struct world world)
{
	struct weft_runtime *runtime = rig_create(options);
	int result;

	if (!world.grace_ns)
		world.grace_ns = WEFT_NEVER;
	result = rig_run(runtime, &serves__async, &world);
	weft_runtime_destroy(runtime);
	return result;
}

RIG_TEST(shutdown_begins_with_a_signal_and_ends_with_the_last_task)
{
	CHECK_EQ(run(options, (struct world){ .signals = 1 }), 0);
}

RIG_TEST(shutdown_begins_when_the_program_says_so)
{
	CHECK_EQ(run(options, (struct world){ .signals = 0 }), 0);
}

RIG_TEST(shutdown_waits_no_longer_than_it_may)
{
	CHECK_EQ(run(options, (struct world){ .signals = 1, .stubborn = 3, .grace_ns = 1 }),
			-ETIME);
}

RIG_TEST(shutdown_ends_with_a_second_signal)
{
	CHECK_EQ(run(options, (struct world){ .signals = 2, .stubborn = 3 }), -EINTR);
}
