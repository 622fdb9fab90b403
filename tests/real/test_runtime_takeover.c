/* SPDX-License-Identifier: MIT */
/*
 * A task that stays in its poll holds up nobody else (behaviours 13, 14 and 17; rows S1-24, S2-50 and S2-52).
 *
 * The hog stays in one poll until tasks that belong to its worker have made progress: one whose timer is
 * in that worker's wheel, one whose descriptor is on its reactor, one in its ring and one in its slot.
 * Nobody but another thread can help them then. Without take-over the test never ends; no clock is read.
 */
#include <weft/net.h>

#include "rig.h"
#include "time/wheel.h"

enum { HELD_UP = 4, ELSEWHERE = 1000 };

struct world {
	void (*stay)(struct world *world); /* how the hog stays where it is */
	bool neighbour_is_busy;
	struct rig_event event;
	struct rig_gate registered, gate, over;
	int64_t nap_ns;
	struct weft_timer *timer; /* the sleeper's */
	unsigned sleeper_on, reader_on, busy_on;
	uint32_t registrations;
	uint32_t stuck;    /* the hog is in its long poll */
	uint32_t progress; /* of those that it holds up */
	uint32_t busy;
};

static void made_progress(struct world *world)
{
	CHECK(rig_get(&world->stuck));
	rig_add(&world->progress);
}

static void register_here(struct world *world, unsigned *worker)
{
	*worker = rig_here();
	if (rig_add(&world->registrations) % 2 == 1)
		rig_gate_open(&world->registered);
}

/* ---- those that are held up ---- */

RIG_TASK(sleeper, struct world, struct weft_sleep__frame sleep;)
{
	struct sleeper__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0) {
		weft_sleep__init(&f->sleep.args, world->nap_ns);
		f->args.base.at = 1;
		/* register_here comes after the first poll of the sleep has put the timer in */
		if (weft_sleep__poll(&f->sleep, cx) == WEFT_READY)
			weft_return(f, f->sleep.args.result);
		world->timer = &f->sleep.timer;
		register_here(world, &world->sleeper_on);
		return WEFT_PENDING;
	}
	if (weft_sleep__poll(&f->sleep, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if (f->sleep.args.result == 0 && rig_get(&world->stuck))
		made_progress(world);
	weft_return(f, f->sleep.args.result);
}

RIG_TASK(reader, struct world, struct rig_event_wait__frame wait;)
{
	struct reader__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0) {
		rig_event_wait__init(&f->wait.args, &world->event);
		f->args.base.at = 1;
		CHECK_EQ(rig_event_wait__poll(&f->wait, cx), WEFT_PENDING);
		register_here(world, &world->reader_on);
		return WEFT_PENDING;
	}
	if (rig_event_wait__poll(&f->wait, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if (f->wait.args.result == 0)
		made_progress(world);
	weft_return(f, f->wait.args.result);
}

RIG_TASK(in_the_ring, struct world, )
{
	struct in_the_ring__frame *f = frame;

	(void)cx;
	made_progress(f->args.p0);
	weft_return(f, 0);
}

RIG_TASK(in_the_slot, struct world, struct rig_gate_wait__frame wait;)
{
	struct in_the_slot__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	made_progress(f->args.p0);
	weft_return(f, 0);
	weft_end(f);
}

/* ---- the neighbour's own work ---- */

RIG_TASK(yields_for_ever, struct world, struct weft_yield__frame yield;)
{
	struct yields_for_ever__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	while (!atomic_load_relaxed(&world->over.open)) { /* relaxed: only when to stop */
		world->busy_on = rig_here();
		rig_add(&world->busy);
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

/* ---- the hog ---- */

/* Behind the last await there is only the poll that stays. */
RIG_TASK(hog, struct world, struct weft_task *sleeper, *reader, *slot, *busy;
		struct rig_gate_wait__frame wait; struct weft_task_join__frame join;)
{
	struct hog__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->busy = NULL;
	if (world->neighbour_is_busy) {
		f->busy = rig_spawn(NULL, &yields_for_ever__async, world);
		rig_wait(&world->busy, 1); /* this is a take-over, too: it goes to the neighbour */
	}
	f->slot = rig_spawn(NULL, &in_the_slot__async, world);
	for (;;) {
		world->registered = (struct rig_gate){ .open = false };
		world->nap_ns *= 2;
		rig_event_open(&world->event, cx);
		f->sleeper = rig_spawn(NULL, &sleeper__async, world);
		f->reader = rig_spawn(NULL, &reader__async, world);
		weft_await(f, f->wait, rig_gate_wait, &world->registered);
		if (world->sleeper_on == rig_here() && world->reader_on == rig_here() &&
				rig_get(&world->gate.waiting) && !weft__timer_is_out(world->timer))
			break;
		/* somebody was moved meanwhile, or the nap was over too soon */
		weft_task_cancel(f->sleeper);
		weft_task_cancel(f->reader);
		weft_await(f, f->join, weft_task_join, f->sleeper, NULL);
		weft_await(f, f->join, weft_task_join, f->reader, NULL);
		rig_event_close(&world->event);
	}
	rig_spawn_detached(NULL, &in_the_ring__async, world);
	rig_add(&world->stuck);
	rig_gate_open(&world->gate);
	weft__event_signal(world->event.fd);
	world->stay(world);
	CHECK_EQ(rig_get(&world->progress), HELD_UP);
	rig_gate_open(&world->over);
	weft_await(f, f->join, weft_task_join, f->sleeper, NULL);
	weft_await(f, f->join, weft_task_join, f->reader, NULL);
	weft_await(f, f->join, weft_task_join, f->slot, NULL);
	if (f->busy)
		weft_await(f, f->join, weft_task_join, f->busy, NULL);
	rig_event_close(&world->event);
	weft_return(f, 0);
	weft_end(f);
}

static void stay_blocked(struct world *world)
{
	rig_wait(&world->progress, HELD_UP);
}

static void stay_spinning(struct world *world)
{
	rig_spin(&world->progress, HELD_UP);
}

static void wait_for_progress(void *arg)
{
	stay_blocked(arg);
}

static void stay_in_place(struct world *world)
{
	CHECK_EQ(weft_block_in_place(wait_for_progress, world), 0);
}

static void hog_with(const struct weft_runtime_options *options, void (*stay)(struct world *world),
		bool neighbour_is_busy)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = {
		.stay = stay, .neighbour_is_busy = neighbour_is_busy, .nap_ns = 5000000
	};

	CHECK_EQ(rig_run(runtime, &hog__async, &world), 0);
	CHECK(rig_metrics(runtime).takeovers > 0);
	weft_runtime_destroy(runtime);
}

RIG_TEST_OF(two, b17_blocked_poll_holds_up_nobody)
{
	hog_with(options, stay_blocked, false);
}

RIG_TEST_OF(two, b17_spinning_poll_holds_up_nobody)
{
	hog_with(options, stay_spinning, false);
}

RIG_TEST_OF(two, b17_blocked_poll_is_covered_by_a_busy_neighbour)
{
	hog_with(options, stay_blocked, true);
}

RIG_TEST_OF(two, b17_spinning_poll_is_covered_by_a_busy_neighbour)
{
	hog_with(options, stay_spinning, true);
}

RIG_TEST_MULTI(b13_block_in_place_holds_up_nobody)
{
	hog_with(options, stay_in_place, false);
}

RIG_TEST_OF(two, b13_block_in_place_is_covered_by_a_busy_neighbour)
{
	hog_with(options, stay_in_place, true);
}
