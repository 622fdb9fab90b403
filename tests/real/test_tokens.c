/* SPDX-License-Identifier: MIT */
/* Cancellation tokens and task trackers between tasks on all kinds of runtimes, and threads outside
 * (behaviours 37, 38). What they hand over is plain memory: the thread sanitizer looks. */
#include "rig.h"

#include <weft/cancel_token.h>
#include <weft/task_tracker.h>

enum { ROUNDS = 60, REQUESTS = 30 };

struct world {
	struct weft_cancel_token stop, group;
	struct weft_task_tracker requests;
	uint32_t waiting;        /* atomic */
	unsigned done[REQUESTS]; /* plain */
	unsigned reason;         /* plain */
};

struct request {
	struct world *world;
	unsigned *done;
	struct weft_cancel_token token;
};

/* A request has a token of its own, waits until it is told, and leaves. */
RIG_TASK(request, struct request, struct weft_cancel_token_wait__frame wait;)
{
	struct request__frame *f = frame;
	struct request *request = f->args.p0;

	weft_begin(f);
	weft_cancel_token_init_child(&request->token, &request->world->group);
	rig_add(&request->world->waiting);
	weft_await(f, f->wait, weft_cancel_token_wait, &request->token);
	CHECK_EQ(f->wait.args.result, 0);
	*request->done = request->world->reason;
	weft_cancel_token_finish(&request->token);
	weft_task_tracker_leave(&request->world->requests); /* the last touch */
	weft_return(f, 0);
	weft_end(f);
}

struct server {
	struct weft_runtime *runtime;
	void *(*stops)(void *world);
};

/* All is in the frame, and goes with it. */
RIG_TASK(server, struct server, struct world world; struct request request[REQUESTS];
		struct weft_task_tracker_wait__frame wait; pthread_t thread; int round;)
{
	struct server__frame *f = frame;

	weft_begin(f);
	for (f->round = 0; f->round < ROUNDS; f->round++) {
		memset(&f->world, 0, sizeof f->world);
		weft_cancel_token_init(&f->world.stop);
		weft_cancel_token_init_child(&f->world.group, &f->world.stop);
		weft_task_tracker_init(&f->world.requests);
		for (int i = 0; i < REQUESTS; i++) {
			f->request[i].world = &f->world;
			f->request[i].done = &f->world.done[i];
			weft_task_tracker_enter(&f->world.requests);
			rig_spawn_detached(NULL, &request__async, &f->request[i]);
		}
		f->thread = rig_thread(f->args.p0->stops, &f->world);
		weft_task_tracker_close(&f->world.requests);
		weft_await(f, f->wait, weft_task_tracker_wait, &f->world.requests);
		CHECK_EQ(f->wait.args.result, 0);
		for (int i = 0; i < REQUESTS; i++)
			CHECK_EQ(f->world.done[i], 7);
		rig_thread_join(f->thread);
		weft_cancel_token_finish(&f->world.group);
		weft_cancel_token_finish(&f->world.stop);
	}
	weft_return(f, 0);
	weft_end(f);
}

static void *stops_at_once(void *arg)
{
	struct world *world = arg;

	world->reason = 7;
	weft_cancel_token_cancel(&world->stop);
	return NULL;
}

static void *stops_when_all_wait(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->waiting, REQUESTS);
	return stops_at_once(world);
}

static void serve(const struct weft_runtime_options *options, void *(*stops)(void *world))
{
	struct weft_runtime *runtime = rig_create(options);
	struct server server = { runtime, stops };

	CHECK_EQ(rig_run(runtime, &server__async, &server), 0);
	weft_runtime_destroy(runtime);
}

RIG_TEST(b37_b38_tree_is_cancelled_while_tasks_come_and_go)
{
	serve(options, stops_at_once);
}

RIG_TEST(b37_b38_tree_is_cancelled_when_all_tasks_wait)
{
	serve(options, stops_when_all_wait);
}
