/* SPDX-License-Identifier: MIT */
/* Sets of futures whose children are woken by tasks on other workers and by threads outside, while they are
 * polled, given back and closed (B84). The frames and results are plain memory: the thread sanitizer looks. */
#include "rig.h"

#include <weft/join_all.h>
#include <weft/oneshot.h>
#include <weft/scope.h>
#include <weft/set.h>

enum { BOXES = 60, SENDERS = 3, ROUNDS = 60 };

struct world {
	struct weft_oneshot boxes[BOXES];
	int values[BOXES];
	int results[BOXES];
	uint32_t begun; /* atomic: rounds, for the thread outside */
	uint32_t sent;  /* atomic: rounds that it is through with */
	unsigned received, cancelled;
	bool from_outside;
};

/* ---- children: one waits for its box, and gives way once before it ends ---- */

WEFT_ASYNC_2(int, opens, struct world *, int);
struct opens__frame {
	struct opens__args args;
	struct weft_oneshot_recv__frame recv;
	struct weft_yield__frame yield;
	int value;
};

enum weft_poll opens__poll(void *frame, struct weft_context *cx)
{
	struct opens__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->recv, weft_oneshot_recv, &f->args.p0->boxes[f->args.p1], &f->value);
	if (f->recv.args.result < 0)
		weft_return(f, f->recv.args.result);
	if (f->value % 2)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, f->value);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(opens, WEFT_ASYNC_RESULT_INT);

/* ---- who sends ---- */

struct sender {
	struct world *world;
	int first;
};

WEFT_ASYNC_1(int, sends, struct sender);
struct sends__frame {
	struct sends__args args;
	struct weft_yield__frame yield;
	int i;
};

static void send(struct world *world, int box)
{
	int err = weft_oneshot_send(&world->boxes[box], &box);

	CHECK_EQ(err, 0);
}

enum weft_poll sends__poll(void *frame, struct weft_context *cx)
{
	struct sends__frame *f = frame;

	weft_begin(f);
	for (f->i = f->args.p0.first; f->i < BOXES; f->i += SENDERS) {
		send(f->args.p0.world, f->i);
		if (f->i % 4 == 0)
			weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(sends, WEFT_ASYNC_RESULT_INT);

static void *sends_from_outside(void *data)
{
	struct world *world = data;

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		rig_wait(&world->begun, round);
		for (int box = 0; box < BOXES; box++)
			send(world, (box * 7) % BOXES);
		rig_add(&world->sent);
	}
	return NULL;
}

/* ---- who collects: every third round it gives up half-way ---- */

RIG_TASK(collects, struct world, struct weft_scope scope;
		struct weft_scope_close__frame scope_close; struct weft_set set;
		struct weft_set_next__frame next; struct weft_set_close__frame close;
		int round, count, value;);

static void boxes_fill(struct world *world, struct weft_set *set)
{
	for (int i = 0; i < BOXES; i++) {
		struct opens__args args;

		weft_oneshot_init(&world->boxes[i], &world->values[i], sizeof world->values[i]);
		world->results[i] = -1;
		opens__init(&args, world, i);
		if (set)
			CHECK_EQ(weft_set_put(set, &opens__async, &args, &world->results[i]), 0);
	}
}

static void senders_begin(struct world *world, struct weft_scope *scope)
{
	*scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (int first = 0; first < SENDERS && !world->from_outside; first++) {
		struct sends__args args;

		sends__init(&args, (struct sender){ world, first });
		CHECK_EQ(weft_scope_spawn(scope, &sends__async, &args), 0);
	}
}

static void collects_begin(struct collects__frame *f)
{
	struct world *world = f->args.p0;

	f->set = (struct weft_set)WEFT_SET_INIT;
	f->count = 0;
	boxes_fill(world, &f->set);
	if (world->from_outside)
		rig_add(&world->begun);
	senders_begin(world, &f->scope);
}

static void collects_end(struct collects__frame *f)
{
	struct world *world = f->args.p0;

	CHECK_EQ(weft_set_count(&f->set), 0);
	if (world->from_outside)
		rig_wait(&world->sent, (uint32_t)f->round + 1);
	for (int i = 0; i < BOXES; i++) {
		CHECK(world->results[i] == i || world->results[i] == -ECANCELED);
		world->received += world->results[i] == i;
		world->cancelled += world->results[i] != i;
	}
	CHECK(f->round % 3 == 0 || world->results[BOXES - 1] == BOXES - 1);
}

enum weft_poll collects__poll(void *frame, struct weft_context *cx)
{
	struct collects__frame *f = frame;

	weft_begin(f);
	for (f->round = 0; f->round < ROUNDS; f->round++) {
		collects_begin(f);
		while (f->round % 3 || f->count < BOXES / 2) {
			weft_await(f, f->next, weft_set_next, &f->set, &f->value);
			if (f->next.args.result < 0)
				break;
			CHECK_EQ(f->args.p0->results[f->value], f->value);
			f->count++;
		}
		weft_await(f, f->close, weft_set_close, &f->set);
		weft_await(f, f->scope_close, weft_scope_close, &f->scope);
		collects_end(f);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b84_set_collects_from_tasks)
{
	struct weft_runtime *runtime = rig_create(options);
	static struct world world;

	world = (struct world){ .from_outside = false };
	CHECK_EQ(rig_run(runtime, &collects__async, &world), 0);
	weft_runtime_destroy(runtime);
	CHECK_EQ(world.received + world.cancelled, BOXES * ROUNDS);
	CHECK(world.received >= BOXES * ROUNDS * 5 / 6);
}

RIG_TEST(b84_set_collects_from_a_thread)
{
	struct weft_runtime *runtime = rig_create(options);
	static struct world world;
	pthread_t thread;

	world = (struct world){ .from_outside = true };
	thread = rig_thread(sends_from_outside, &world);
	CHECK_EQ(rig_run(runtime, &collects__async, &world), 0);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
	CHECK_EQ(world.received + world.cancelled, BOXES * ROUNDS);
}

/* ---- all at once: an array and a set, in turns ---- */

RIG_TASK(
		awaits_all, struct world, struct weft_scope scope;
		struct weft_scope_close__frame scope_close; struct weft_set set;
		struct weft_set_child children[BOXES]; struct opens__frame frames[BOXES]; int round;
		union {
			struct weft_join_all__frame join;
			struct weft_set_join__frame set_join;
		};)
{
	struct awaits_all__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->round = 0; f->round < ROUNDS; f->round++) {
		f->set = (struct weft_set)WEFT_SET_INIT;
		boxes_fill(world, f->round % 2 ? &f->set : NULL);
		senders_begin(world, &f->scope);
		for (int i = 0; i < BOXES; i++) {
			opens__init(&f->frames[i].args, world, i);
			f->frames[i].args.result = -1;
			f->children[i] = weft_set_child_make(&opens__async, &f->frames[i]);
		}
		if (f->round % 2) {
			weft_await(f, f->set_join, weft_set_join, &f->set);
		} else { /* as few as are all polled, or all of them */
			weft_await(f, f->join, weft_join_all, f->children,
					f->round % 4 ? WEFT_JOIN_ALL_SCAN : BOXES);
		}
		weft_await(f, f->scope_close, weft_scope_close, &f->scope);
		for (int i = 0; i < BOXES; i++)
			world->received += f->round % 2 ? world->results[i] == i
							: f->frames[i].args.result == i;
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(s2_22_join_all_awaits_what_tasks_end)
{
	struct weft_runtime *runtime = rig_create(options);
	static struct world world;

	world = (struct world){ .from_outside = false };
	CHECK_EQ(rig_run(runtime, &awaits_all__async, &world), 0);
	weft_runtime_destroy(runtime);
	CHECK_EQ(world.received, BOXES * ROUNDS * 3 / 4 + WEFT_JOIN_ALL_SCAN * ROUNDS / 4);
}
