/* SPDX-License-Identifier: MIT */
/* Notify, polled by hand (behaviour 64): all short sequences of calls against an oracle; what happens while
 * many are being woken; cancellation at every point. */
#include <errno.h>

#include <weft/branch.h>
#include <weft/notify.h>

#include "listener.h"
#include "sweep.h"

static struct weft_notify fresh = WEFT_NOTIFY_INIT;

LISTENER(weft_notify_wait, struct weft_notify)

TEST(b64_notify_keeps_one_and_not_two)
{
	struct listener listener;

	weft_notify_one(&fresh);
	weft_notify_one(&fresh);
	listener_init(&listener, &fresh);
	CHECK(listener_ends_with(&listener, 0));
	listener_init(&listener, &fresh);
	CHECK_EQ(listener_poll(&listener, false), WEFT_PENDING);
	weft_notify_all(&fresh);
	CHECK(listener_ends_with(&listener, 0));
	listener_init(&listener, &fresh);
	CHECK_EQ(listener_poll(&listener, false), WEFT_PENDING); /* nothing is kept for it */
	CHECK_EQ(listener_poll(&listener, true), WEFT_READY);
	weft_notify_one(&fresh);
	weft_notify_all(&fresh); /* leaves it */
	listener_init(&listener, &fresh);
	CHECK(listener_ends_with(&listener, 0));
}

TEST(b64_notify_last_wakes_who_came_last)
{
	struct weft_notify notify = WEFT_NOTIFY_INIT;
	struct listener listeners[3];

	for (int i = 0; i < 3; i++) {
		listener_init(&listeners[i], &notify);
		CHECK_EQ(listener_poll(&listeners[i], false), WEFT_PENDING);
	}
	weft_notify_last(&notify);
	CHECK_EQ(probe_wakes(&listeners[2].probe), 1);
	CHECK_EQ(listener_poll(&listeners[2], true),
			WEFT_READY); /* cancelled: to who is last now */
	CHECK_EQ(probe_wakes(&listeners[1].probe), 1);
	CHECK(listener_ends_with(&listeners[1], 0));
	weft_notify_last(&notify);
	CHECK(listener_ends_with(&listeners[0], 0));
	weft_notify_last(&notify);
	weft_notify_last(&notify);
	listener_init(&listeners[0], &notify);
	CHECK(listener_ends_with(&listeners[0], 0)); /* one was kept */
	listener_init(&listeners[0], &notify);
	CHECK_EQ(listener_poll(&listeners[0], false), WEFT_PENDING);
	CHECK_EQ(listener_poll(&listeners[0], true), WEFT_READY);
}

static enum weft_poll poll_after(struct weft_notify_wait_after__frame *frame, struct probe *probe)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(probe, NULL, &strand);

	return weft_notify_wait_after__poll(frame, &cx);
}

TEST(notify_wait_after_misses_no_notify_all)
{
	struct weft_notify notify = WEFT_NOTIFY_INIT;
	struct weft_notify_wait_after__frame frame;
	struct probe probe = PROBE;
	uint32_t seen = weft_notify_seen(&notify);

	weft_notify_all(&notify);
	weft_notify_wait_after__init(&frame.args, &notify, seen);
	CHECK_EQ(poll_after(&frame, &probe), WEFT_READY);
	CHECK_EQ(frame.args.result, 0);
	seen = weft_notify_seen(&notify);
	weft_notify_wait_after__init(&frame.args, &notify, seen);
	CHECK_EQ(poll_after(&frame, &probe), WEFT_PENDING);
	weft_notify_all(&notify);
	CHECK_EQ(probe_wakes(&probe), 1);
	CHECK_EQ(poll_after(&frame, &probe), WEFT_READY);
	weft_notify_one(&notify);
	seen = weft_notify_seen(&notify);
	weft_notify_wait_after__init(&frame.args, &notify, seen);
	CHECK_EQ(poll_after(&frame, &probe), WEFT_READY); /* takes what was kept */
	weft_notify_wait_after__init(&frame.args, &notify, seen);
	CHECK_EQ(poll_after(&frame, &probe), WEFT_PENDING);
	weft_notify_all(&notify);
	CHECK_EQ(poll_after(&frame, &probe), WEFT_READY);
}

/* ---- every order ---- */

enum { LISTENERS = 3, OPERATIONS = 2 * LISTENERS + 3, STEPS = 7 };

enum fate { FRESH, WAITS, CHOSEN, SWEPT, ENDED };

struct world {
	struct weft_notify notify;
	struct listener listeners[LISTENERS];
	bool kept;
	enum fate fate[LISTENERS];
	int result[LISTENERS];
	unsigned wakes[LISTENERS];
	int came[LISTENERS];  /* when it began to wait */
	bool last[LISTENERS]; /* it was chosen for that */
	int now;
};

static void oracle_choose(struct world *world, bool last)
{
	int chosen = -1;

	for (int i = 0; i < LISTENERS; i++)
		if (world->fate[i] == WAITS &&
				(chosen < 0 || (world->came[i] > world->came[chosen]) == last))
			chosen = i;
	if (chosen < 0) {
		world->kept = true;
		return;
	}
	world->fate[chosen] = CHOSEN;
	world->last[chosen] = last;
	world->wakes[chosen]++;
}

static void oracle_all(struct world *world)
{
	for (int i = 0; i < LISTENERS; i++)
		if (world->fate[i] == WAITS) {
			world->fate[i] = SWEPT;
			world->wakes[i]++;
		}
}

static void oracle_poll(struct world *world, int who, bool cancelled)
{
	enum fate fate = world->fate[who];

	if (!cancelled && (fate == WAITS || (fate == FRESH && !world->kept))) {
		if (fate == FRESH)
			world->came[who] = world->now;
		world->fate[who] = WAITS;
		return;
	}
	if (!cancelled && fate == FRESH)
		world->kept = false;
	world->fate[who] = ENDED;
	world->result[who] = cancelled ? -ECANCELED : 0;
	if (cancelled && fate == CHOSEN)
		oracle_choose(world, world->last[who]);
}

static bool step(struct world *world, int operation)
{
	int who = operation % LISTENERS;

	world->now++;
	if (operation == 2 * LISTENERS) {
		weft_notify_one(&world->notify);
		oracle_choose(world, false);
	} else if (operation == 2 * LISTENERS + 1) {
		weft_notify_last(&world->notify);
		oracle_choose(world, true);
	} else if (operation > 2 * LISTENERS) {
		weft_notify_all(&world->notify);
		oracle_all(world);
	} else if (world->fate[who] == ENDED) {
		return false;
	} else {
		listener_poll(&world->listeners[who], operation >= LISTENERS);
		oracle_poll(world, who, operation >= LISTENERS);
	}
	return true;
}

static void compare(const struct world *world)
{
	for (int i = 0; i < LISTENERS; i++) {
		const struct listener *listener = &world->listeners[i];

		CHECK_EQ(probe_wakes(&listener->probe), world->wakes[i]);
		CHECK_EQ(listener->frame.args.base.at == WEFT_AT_DONE, world->fate[i] == ENDED);
		if (world->fate[i] == ENDED)
			CHECK_EQ(listener->frame.args.result, world->result[i]);
	}
}

static void run_order(int order)
{
	struct world world = { .fate = { FRESH } };

	weft_notify_init(&world.notify);
	for (int i = 0; i < LISTENERS; i++)
		listener_init(&world.listeners[i], &world.notify);
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b64_notify_agrees_with_a_queue_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		run_order(order);
}

/* ---- while many are being woken ---- */

enum { MANY = 40 };

static struct weft_notify crowded;
static struct listener crowd[MANY], latecomers[3];
static bool is_busy;

/* Between two steps of a notify_all: nobody who comes now is woken by it, and notify_one is for them. */
static void meddle(struct probe *probe)
{
	(void)probe;
	if (is_busy)
		return;
	is_busy = true;
	weft_notify_one(&crowded); /* all who are in the list have been notified: it is kept */
	CHECK(listener_ends_with(&latecomers[0], 0));
	CHECK_EQ(listener_poll(&latecomers[1], false), WEFT_PENDING);
	CHECK_EQ(listener_poll(&latecomers[2], false), WEFT_PENDING);
	weft_notify_one(&crowded);
	CHECK_EQ(probe_wakes(&latecomers[1].probe), 1);
	CHECK(listener_ends_with(&crowd[MANY - 1], 0)); /* sees for itself */
	CHECK_EQ(listener_poll(&crowd[MANY - 2], true), WEFT_READY);
}

TEST(b64_notify_all_is_atomic)
{
	weft_notify_init(&crowded);
	for (int i = 0; i < 3; i++)
		listener_init(&latecomers[i], &crowded);
	for (int i = 0; i < MANY; i++) {
		listener_init(&crowd[i], &crowded);
		CHECK_EQ(listener_poll(&crowd[i], false), WEFT_PENDING);
	}
	crowd[0].probe.on_wake = meddle;
	weft_notify_all(&crowded);
	CHECK(is_busy);
	for (int i = 0; i < MANY - 2; i++) {
		CHECK_EQ(probe_wakes(&crowd[i].probe), 1);
		CHECK(listener_ends_with(&crowd[i], 0));
	}
	CHECK_EQ(probe_wakes(&crowd[MANY - 1].probe), 0);
	CHECK(listener_ends_with(&latecomers[1], 0));
	CHECK_EQ(listener_poll(&latecomers[2], false), WEFT_PENDING);
	weft_notify_one(&crowded);
	CHECK(listener_ends_with(&latecomers[2], 0));
	CHECK(!crowded.waiters.oldest);
}

/* ---- swept: before another listener, notified one at a time, and all at once ---- */

struct swept_world {
	struct weft_notify notify;
	struct listener after;
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_notify_init(&world->notify);
	listener_init(&world->after, &world->notify);
	weft_notify_wait__init(sweep->frame, &world->notify);
}

static bool one_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK_EQ(listener_poll(&world->after, false), WEFT_PENDING);
	weft_notify_one(&world->notify);
	return true;
}

/* One was notified: the leaf, or the other. */
static const char *one_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	one_advance(sweep);
	if (!sweep->cancelled) {
		SWEEP_EXPECT(listener_poll(&world->after, false) == WEFT_PENDING);
		weft_notify_one(&world->notify);
	}
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	SWEEP_EXPECT(listener_ends_with(&world->after, 0));
	return NULL;
}

static bool all_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK_EQ(listener_poll(&world->after, false), WEFT_PENDING);
	weft_notify_all(&world->notify);
	return true;
}

static const char *all_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	all_advance(sweep);
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	SWEEP_EXPECT(listener_ends_with(&world->after, 0));
	return NULL;
}

static const struct sweep_scenario one = {
	.name = "notify_one",
	.async = &weft_notify_wait__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = swept_set_up,
	.advance = one_advance,
	.check = one_check,
};

static const struct sweep_scenario all = {
	.name = "notify_all",
	.async = &weft_notify_wait__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = swept_set_up,
	.advance = all_advance,
	.check = all_check,
};

TEST(b64_notify_one_goes_on_from_a_cancelled_task)
{
	CHECK_EQ(sweep(&one).suspensions, 1);
}

TEST(b64_notify_all_survives_cancelled_tasks)
{
	CHECK_EQ(sweep(&all).suspensions, 1);
}

/* --- in a select: it looks at all before it waits on any ------------------------------------------ */

/* async int stir(notify): notifies all who wait, and then waits until it is cancelled. */
WEFT_ASYNC_1(int, stir, struct weft_notify *);
struct stir__frame {
	struct stir__args args;
};

enum weft_poll stir__poll(void *frame, struct weft_context *cx)
{
	struct stir__frame *f = frame;

	if (f->args.base.at == 0)
		weft_notify_all(f->args.p0);
	f->args.base.at = 1;
	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	weft_context_waker(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE(stir, WEFT_ASYNC_RESULT_INT);

enum { SELECTED = 3 };

struct selecting {
	struct weft_notify notify[SELECTED];
	struct weft_notify_wait__frame waits[SELECTED];
	struct weft_branch branches[SELECTED];
	struct weft_selection selection;
	struct probe probe;
	struct weft_strand strand;
};

static void selecting_begin(struct selecting *selecting)
{
	for (int i = 0; i < SELECTED; i++) {
		selecting->notify[i] = fresh;
		weft_notify_wait__init(&selecting->waits[i].args, &selecting->notify[i]);
		selecting->branches[i] =
				weft_branch_make(&weft_notify_wait__async, &selecting->waits[i]);
	}
	selecting->selection = (struct weft_selection){ .biased = 1 };
	selecting->probe = (struct probe)PROBE;
}

static enum weft_poll selecting_poll(struct selecting *selecting, bool *waits)
{
	struct weft_context cx = probe_context(&selecting->probe, NULL, &selecting->strand);
	enum weft_poll poll =
			weft_select_poll(selecting->branches, SELECTED, &cx, &selecting->selection);

	*waits = cx.waker_taken;
	CHECK(!cx.trying && cx.strand == &selecting->strand);
	return poll;
}

/* Nobody is in a queue: what is notified now, is kept. */
static void selecting_check(struct selecting *selecting, int winner)
{
	struct listener listener;

	CHECK_EQ(selecting->selection.winner, winner);
	for (int i = 0; i < SELECTED; i++) {
		CHECK(selecting->branches[i].done);
		if (selecting->branches[i].async == &weft_notify_wait__async)
			CHECK_EQ(selecting->waits[i].args.result, i == winner ? 0 : -ECANCELED);
		weft_notify_one(&selecting->notify[i]);
		listener_init(&listener, &selecting->notify[i]);
		CHECK(listener_ends_with(&listener, 0));
	}
}

TEST(s1_28_select_with_a_ready_branch_waits_on_none)
{
	struct selecting selecting = { .strand = { NULL } };
	bool waits;

	for (int ready = 0; ready < SELECTED; ready++) {
		selecting_begin(&selecting);
		weft_notify_one(&selecting.notify[ready]);
		CHECK_EQ(selecting_poll(&selecting, &waits), WEFT_READY);
		CHECK(!waits);
		selecting_check(&selecting, ready);
	}
}

TEST(s1_28_select_without_a_ready_branch_waits_on_all)
{
	struct selecting selecting = { .strand = { NULL } };
	bool waits;

	for (int woken = 0; woken < SELECTED; woken++) {
		selecting_begin(&selecting);
		CHECK_EQ(selecting_poll(&selecting, &waits), WEFT_PENDING);
		CHECK(waits);
		weft_notify_one(&selecting.notify[woken]);
		CHECK_EQ(probe_wakes(&selecting.probe), 1);
		CHECK_EQ(selecting_poll(&selecting, &waits), WEFT_READY);
		selecting_check(&selecting, woken);
	}
}

/* A branch behind it has notified all: that is missed no more than if it had waited already. */
TEST(notify_all_between_the_look_and_the_wait_counts)
{
	struct selecting selecting = { .strand = { NULL } };
	struct stir__frame stirs;
	bool waits;

	selecting_begin(&selecting);
	stir__init(&stirs.args, &selecting.notify[1]);
	selecting.branches[2] = weft_branch_make(&stir__async, &stirs);
	CHECK_EQ(selecting_poll(&selecting, &waits), WEFT_READY);
	CHECK_EQ(stirs.args.result, -ECANCELED);
	selecting_check(&selecting, 1);
}
