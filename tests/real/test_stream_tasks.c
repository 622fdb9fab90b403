/* SPDX-License-Identifier: MIT */
/* Streams whose calls are tasks, on every kind of runtime: row S2-48; never more than the limit at a time;
 * in parallel to who asks, so that no lock is held by somebody who stands still; left early. And items that go
 * through sinks, a channel, receivers and generators, between tasks that come and go. */
#include <string.h>

#include <weft/generator.h>
#include <weft/mutex.h>
#include <weft/sink.h>
#include <weft/stream_leaves.h>

#include "rig.h"

enum { TASKS = 100, LIMIT = 8 };

struct world {
	struct rig_gate gate;
	struct weft_mutex mutex;
	uint32_t in_flight, too_many, begun, ended, cancelled;
};

struct numbered {
	size_t index;
	int value;
};

static void world_init(struct world *world)
{
	memset(world, 0, sizeof *world);
	weft_mutex_init(&world->mutex);
}

/* ---- what is called ---- */

WEFT_ASYNC_3(int, work, void *, const struct numbered *, size_t *);

struct work__frame {
	struct work__args args;
	struct weft_yield__frame yield;
	int left;
};

/* Yields some times, and gives the index. */
enum weft_poll work__poll(void *frame, struct weft_context *cx)
{
	struct work__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->begun);
	if (atomic_fetch_add_acq_rel(&world->in_flight, 1u) >= LIMIT) /* pairs with itself */
		rig_add(&world->too_many);
	for (f->left = f->args.p1->value; f->left > 0; f->left--)
		weft_await(f, f->yield, weft_yield);
	atomic_fetch_sub_acq_rel(&world->in_flight, 1u); /* pairs with the add */
	rig_add(&world->ended);
	*f->args.p2 = f->args.p1->index;
	weft_return(f, 1);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(work, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_3(int, wait, void *, const struct numbered *, size_t *);

struct wait__frame {
	struct wait__args args;
	struct rig_gate_wait__frame wait;
};

/* Only the first ends before the gate is open. */
enum weft_poll wait__poll(void *frame, struct weft_context *cx)
{
	struct wait__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->begun);
	*f->args.p2 = f->args.p1->index;
	if (f->args.p1->index == 0)
		weft_return(f, 1);
	weft_await(f, f->wait, rig_gate_wait, &world->gate);
	rig_add(&world->ended);
	if (f->wait.args.result < 0)
		rig_add(&world->cancelled);
	weft_return(f, f->wait.args.result < 0 ? f->wait.args.result : 1);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(wait, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_3(int, lock, void *, const struct numbered *, size_t *);

struct lock__frame {
	struct lock__args args;
	struct weft_mutex_lock__frame lock;
	struct weft_yield__frame yield;
};

enum weft_poll lock__poll(void *frame, struct weft_context *cx)
{
	struct lock__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	weft_await(f, f->lock, weft_mutex_lock, &world->mutex);
	if (f->lock.args.result < 0)
		weft_return(f, f->lock.args.result);
	weft_await(f, f->yield, weft_yield);
	weft_mutex_unlock(&world->mutex);
	*f->args.p2 = f->args.p1->index;
	weft_return(f, 1);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(lock, WEFT_ASYNC_RESULT_INT);

/* ---- the pipeline of the row: iter, enumerate, buffer_unordered ---- */

struct pipeline {
	WEFT_STREAM_OF(iter, int) iter;
	WEFT_STREAM_OF(enumerate, struct numbered) enumerated;
	WEFT_STREAM_OF(buffered, size_t) calls;
};

static int tasks[TASKS];

static void pipeline_init(
		struct pipeline *pipeline, const struct weft_async *fn, struct world *world)
{
	for (int i = 0; i < TASKS; i++)
		tasks[i] = i * 7 % 11;
	weft_stream_iter_init(&pipeline->iter, tasks, TASKS);
	weft_stream_enumerate_init(&pipeline->enumerated, &pipeline->iter);
	weft_stream_buffer_unordered_init_raw(&pipeline->calls.self, sizeof(size_t),
			&pipeline->enumerated.stream, LIMIT, fn, world);
}

RIG_TASK(collects, struct world, struct pipeline pipeline;
		struct weft_stream_collect__frame collect; size_t indices[TASKS + 1]; size_t count;)
{
	struct collects__frame *f = frame;
	bool seen[TASKS] = { false };

	weft_begin(f);
	pipeline_init(&f->pipeline, &work__async, f->args.p0);
	weft_await(f, f->collect, weft_stream_collect, &f->pipeline.calls.stream, f->indices,
			TASKS + 1, &f->count);
	CHECK_EQ(f->collect.args.result, 0);
	CHECK_EQ(f->count, TASKS);
	for (size_t i = 0; i < f->count; i++) {
		CHECK(!seen[f->indices[i]]);
		seen[f->indices[i]] = true;
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(s2_48_a_hundred_tasks_eight_at_a_time)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world);
	CHECK_EQ(rig_run(runtime, &collects__async, &world), 0);
	CHECK_EQ(world.too_many, 0);
	CHECK_EQ(world.ended, TASKS);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
}

/* ---- left early ---- */

RIG_TASK(
		leaves, struct world, struct pipeline pipeline; size_t index; union {
			struct weft_stream_next__frame next;
			struct weft_stream_close__frame close;
		};)
{
	struct leaves__frame *f = frame;

	weft_begin(f);
	pipeline_init(&f->pipeline, &wait__async, f->args.p0);
	weft_await(f, f->next, weft_stream_next, &f->pipeline.calls.stream, &f->index);
	CHECK_EQ(f->next.args.result, 1);
	CHECK_EQ(f->index, 0);
	weft_await(f, f->close, weft_stream_close, &f->pipeline.calls.stream);
	CHECK_EQ(rig_get(&f->args.p0->ended), rig_get(&f->args.p0->begun) - 1);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(stream_close_waits_for_the_calls)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world);
	CHECK_EQ(rig_run(runtime, &leaves__async, &world), 0);
	CHECK(world.begun <= LIMIT + 1);
	CHECK_EQ(world.cancelled, world.begun - 1);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
}

/* Cancelled while it collects, after the calls have begun: they are asked to end as it closes. */
RIG_TASK(
		gives_up, struct world, struct pipeline pipeline; size_t index; union {
			struct weft_stream_next__frame next;
			struct weft_stream_close__frame close;
		};
		int result;)
{
	struct gives_up__frame *f = frame;

	weft_begin(f);
	pipeline_init(&f->pipeline, &wait__async, f->args.p0);
	do {
		weft_await(f, f->next, weft_stream_next, &f->pipeline.calls.stream, &f->index);
		f->result = f->next.args.result;
	} while (f->result > 0);
	CHECK_EQ(rig_get(&f->args.p0->cancelled), 0); /* that comes with the close */
	weft_await(f, f->close, weft_stream_close, &f->pipeline.calls.stream);
	weft_return(f, f->result);
	weft_end(f);
}

RIG_TEST_MULTI(stream_of_a_cancelled_task_ends_with_its_calls)
{
	struct weft_runtime *runtime = rig_create(options);
	struct weft_task *task;
	struct world world;

	world_init(&world);
	task = rig_spawn(runtime, &gives_up__async, &world);
	rig_wait(&world.begun, LIMIT + 1);
	weft_task_cancel(task);
	CHECK_EQ(rig_join(task), -ECANCELED);
	CHECK_EQ(world.cancelled, LIMIT);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
}

/* ---- cancelled at every turn ---- */

RIG_TASK(
		collects_what_it_can, struct world, struct pipeline pipeline;
		size_t indices[TASKS + 1]; size_t count; union {
			struct weft_stream_collect__frame collect;
			struct weft_stream_close__frame close;
		};
		int result;)
{
	struct collects_what_it_can__frame *f = frame;

	weft_begin(f);
	pipeline_init(&f->pipeline, &work__async, f->args.p0);
	weft_await(f, f->collect, weft_stream_collect, &f->pipeline.calls.stream, f->indices,
			TASKS + 1, &f->count);
	f->result = f->collect.args.result;
	weft_await(f, f->close, weft_stream_close, &f->pipeline.calls.stream);
	CHECK_EQ(f->args.p0->begun, f->args.p0->ended);
	CHECK(f->count <= f->args.p0->ended);
	weft_return(f, f->result);
	weft_end(f);
}

/* Whether it was cancelled before its end. */
static bool cancel_after(int turns)
{
	struct weft_runtime *runtime = rig_create(&rig_current);
	struct weft_task *task;
	struct world world;
	int result;

	world_init(&world);
	task = rig_spawn(runtime, &collects_what_it_can__async, &world);
	for (int i = 0; i < turns; i++)
		CHECK(weft_runtime_turn(runtime) >= 0);
	weft_task_cancel(task);
	while (!weft_task_is_done(task))
		CHECK(weft_runtime_turn(runtime) >= 0);
	result = rig_join(task);
	CHECK(result == 0 || result == -ECANCELED);
	CHECK(result != 0 || world.ended == TASKS);
	CHECK_EQ(world.in_flight, 0);
	CHECK_EQ(world.too_many, 0);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
	return result != 0;
}

TEST(s2_48_stream_unwinds_at_whatever_turn_it_is_cancelled)
{
	int turns = 0;

	while (cancel_after(turns))
		turns++;
	CHECK(turns > 5);
}

/* ---- locks ---- */

RIG_TASK(
		locks_too, struct world, struct pipeline pipeline; size_t index; union {
			struct weft_stream_next__frame next;
			struct weft_mutex_lock__frame lock;
		};
		int count;)
{
	struct locks_too__frame *f = frame;

	weft_begin(f);
	pipeline_init(&f->pipeline, &lock__async, f->args.p0);
	for (f->count = 0;; f->count++) {
		weft_await(f, f->next, weft_stream_next, &f->pipeline.calls.stream, &f->index);
		if (f->next.args.result <= 0)
			break;
		weft_await(f, f->lock, weft_mutex_lock, &f->args.p0->mutex);
		weft_mutex_unlock(&f->args.p0->mutex);
	}
	CHECK_EQ(f->next.args.result, 0);
	weft_return(f, f->count);
	weft_end(f);
}

/* Others call that a futurelock: the call that is next has been given the mutex, and stands still because
 * who asks waits for it. */
RIG_TEST(stream_calls_go_on_while_who_asks_waits_for_their_lock)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world);
	CHECK_EQ(rig_run(runtime, &locks_too__async, &world), TASKS);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
}

/* ---- from sinks to receivers and generators ---- */

enum { FEEDERS = 4, EACH = 150, COME_AND_GO = 30 };

struct flow {
	struct weft_channel channel;
	uint32_t sum; /* atomic: of the items that somebody has got */
};

static void flow_add(struct flow *flow, int item)
{
	atomic_fetch_add_relaxed(&flow->sum, (uint32_t)item); /* relaxed: the joins show it */
}

RIG_TASK(
		feeds, struct flow, struct weft_stream_iter items; struct weft_sink_sender sender;
		struct weft_sink_buffer buffer; int room[5]; int item; bool held; union {
			struct weft_sink_send_all__frame send;
			struct weft_sink_close__frame close;
		};)
{
	static const int one = 1;
	struct feeds__frame *f = frame;
	struct flow *flow = f->args.p0;

	weft_begin(f);
	weft_stream_iter_init_raw(&f->items, sizeof(int), &one, EACH, 0);
	weft_sink_sender_init_raw(&f->sender, sizeof(int), &flow->channel);
	weft_sink_buffer_init_raw(&f->buffer, &f->sender.sink, f->room, 5);
	f->held = false;
	weft_await(f, f->send, weft_sink_send_all, &f->buffer.sink, &f->items.stream, &f->item,
			&f->held);
	CHECK_EQ(f->send.args.result, 0);
	weft_await(f, f->close, weft_sink_close, &f->buffer.sink);
	CHECK_EQ(f->close.args.result, 0);
	weft_channel_sender_unref(&flow->channel);
	weft_return(f, 0);
	weft_end(f);
}

/* async int relays(self, flow): a generator. What nobody has taken is counted here. */
WEFT_ASYNC_2(int, relays, struct weft_stream *, void *);

struct relays__frame {
	struct relays__args args;
	int item;
	union {
		struct weft_channel_recv__frame recv;
		struct weft_yield_item__frame yield;
	};
};

enum weft_poll relays__poll(void *frame, struct weft_context *cx)
{
	struct relays__frame *f = frame;
	struct flow *flow = f->args.p1;

	weft_begin(f);
	for (;;) {
		weft_await(f, f->recv, weft_channel_recv, &flow->channel, &f->item);
		if (f->recv.args.result < 0)
			weft_return(f, f->recv.args.result == -EPIPE ? 0 : f->recv.args.result);
		weft_await(f, f->yield, weft_yield_item, f->args.p0, &f->item);
		if (f->yield.args.result < 0) {
			flow_add(flow, f->item);
			weft_return(f, f->yield.args.result);
		}
	}
	weft_end(f);
}
WEFT_ASYNC_DEFINE(relays, WEFT_ASYNC_RESULT_INT);

struct asker {
	struct flow *flow;
	bool generates;
};

RIG_TASK(
		asks, struct asker,
		union {
			struct weft_stream stream;
			struct weft_stream_receiver receiver;
			struct weft_stream_generator generator;
		};
		int item, result; union {
			struct weft_stream_next__frame next;
			struct weft_stream_close__frame close;
		};)
{
	struct asks__frame *f = frame;
	struct flow *flow = f->args.p0->flow;

	weft_begin(f);
	if (f->args.p0->generates)
		weft_stream_generator_init_raw(&f->generator, sizeof(int), &relays__async, flow);
	else
		weft_stream_receiver_init_raw(&f->receiver, sizeof(int), &flow->channel);
	for (;;) {
		weft_await(f, f->next, weft_stream_next, &f->stream, &f->item);
		f->result = f->next.args.result;
		if (f->result <= 0)
			break;
		flow_add(flow, f->item);
	}
	weft_await(f, f->close, weft_stream_close, &f->stream);
	weft_return(f, f->result);
	weft_end(f);
}

RIG_TASK(conducts, struct flow, struct asker askers[2]; struct weft_task * tasks[2];
		struct weft_task * task; struct weft_yield__frame yield;
		struct weft_task_join__frame join; int i, j, result;)
{
	struct conducts__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < FEEDERS; f->i++)
		rig_spawn_detached(NULL, &feeds__async, f->args.p0);
	for (f->i = 0; f->i < 2; f->i++) {
		f->askers[f->i] = (struct asker){ f->args.p0, f->i == 1 };
		f->tasks[f->i] = rig_spawn(NULL, &asks__async, &f->askers[f->i]);
	}
	for (f->i = 0; f->i < COME_AND_GO; f->i++) {
		f->task = rig_spawn(NULL, &asks__async, &f->askers[f->i % 2]);
		for (f->j = 0; f->j < f->i % 4; f->j++)
			weft_await(f, f->yield, weft_yield);
		weft_task_cancel(f->task);
		weft_await(f, f->join, weft_task_join, f->task, &f->result);
		CHECK(f->result == 0 || f->result == -ECANCELED);
	}
	for (f->i = 0; f->i < 2; f->i++) {
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->result);
		CHECK_EQ(f->result, 0);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(sinks_receivers_and_generators_lose_no_item)
{
	struct weft_runtime *runtime = rig_create(options);
	struct flow flow = { .sum = 0 };

	weft_channel_init(&flow.channel, sizeof(int), 3);
	for (int i = 0; i < FEEDERS; i++)
		CHECK_EQ(weft_channel_sender_ref(&flow.channel), 0);
	CHECK_EQ(rig_run(runtime, &conducts__async, &flow), 0);
	rig_wait_all_gone(runtime);
	CHECK_EQ(rig_get(&flow.sum), FEEDERS * EACH);
	weft_channel_finish(&flow.channel);
	weft_runtime_destroy(runtime);
}
