/* SPDX-License-Identifier: MIT */
/* Watch, polled by hand (behaviours 42 and 60): all short sequences of calls against an oracle; cancellation at every
 * point. */
#include <errno.h>

#include "followers.h"
#include "sweep.h"

WEFT_WATCH(progress, long);

static long place_of_typed = 1;
static union progress typed = WEFT_WATCH_INIT(typed, &place_of_typed);

TEST(s2_43_watch_gives_the_latest_value)
{
	union progress_receiver receiver;
	long value = 2, got = 0;

	weft_watch_subscribe(&typed, &receiver);
	weft_watch_get(&receiver, &got);
	CHECK_EQ(got, 1);
	CHECK_EQ(weft_watch_has_changed(&receiver.receiver), 0);
	CHECK_EQ(weft_watch_send(&typed, &value), 0);
	value = 3;
	CHECK_EQ(weft_watch_send(&typed, &value), 0);
	CHECK_EQ(weft_watch_has_changed(&receiver.receiver), 1);
	weft_watch_get(&receiver, &got);
	CHECK_EQ(got, 3);
	CHECK_EQ(weft_watch_has_changed(&receiver.receiver), 0);
	weft_watch_unsubscribe(&receiver.receiver);
}

TEST(b60_watch_is_sent_to_nobody_and_reopened_by_subscribe)
{
	struct weft_watch watch;
	struct follower follower;
	long place = 1, value = 2, got;

	weft_watch_init(&watch, &place, sizeof place);
	CHECK_EQ(weft_watch_send(&watch, &value), -ENOTCONN);
	CHECK_EQ(weft_watch_read(&watch, &got), 0);
	CHECK_EQ(got, 1); /* unchanged */
	CHECK_EQ(weft_watch_replace(&watch, &value), 0);
	CHECK_EQ(weft_watch_read(&watch, &got), 1);
	CHECK_EQ(got, 2);
	follower_of_watch(&follower, &watch);
	CHECK_EQ(weft_watch_receivers(&watch), 1);
	value = 3;
	CHECK_EQ(weft_watch_send(&watch, &value), 0);
	CHECK(follower_gives(&follower, 0));
	CHECK_EQ(follower.got, 3);
	weft_watch_unsubscribe(&follower.receiver.values);
	CHECK_EQ(weft_watch_send(&watch, &value), -ENOTCONN);
}

TEST(b60_watch_that_is_closed_gives_its_last_value_first)
{
	struct weft_watch watch;
	struct follower seen, unseen;
	long place = 1, value = 2, got = 0;

	weft_watch_init(&watch, &place, sizeof place);
	follower_of_watch(&seen, &watch);
	follower_of_watch(&unseen, &watch);
	CHECK_EQ(weft_watch_send(&watch, &value), 0);
	CHECK(follower_gives(&seen, 0));
	CHECK_EQ(follower_poll(&seen, false), WEFT_PENDING);
	weft_watch_close(&watch);
	CHECK_EQ(probe_wakes(&seen.probe), 1);
	CHECK(follower_gives(&seen, -EPIPE));
	CHECK_EQ(weft_watch_has_changed(&unseen.receiver.values), -EPIPE);
	CHECK(follower_gives(&unseen, 0));
	CHECK_EQ(unseen.got, 2);
	CHECK(follower_gives(&unseen, -EPIPE));
	value = 3;
	CHECK_EQ(weft_watch_send(&watch, &value), -EPIPE);
	CHECK_EQ(weft_watch_replace(&watch, &value), -EPIPE);
	CHECK_EQ(weft_watch_read(&watch, &got), 1);
	CHECK_EQ(got, 2);
}

TEST(b60_watch_that_was_not_modified_wakes_nobody)
{
	struct weft_watch watch;
	struct follower follower;
	long place = 1, value;
	uint64_t version;

	weft_watch_init(&watch, &place, sizeof place);
	follower_of_watch(&follower, &watch);
	CHECK_EQ(follower_poll(&follower, false), WEFT_PENDING);
	version = weft_watch_read(&watch, &value);
	value++;
	CHECK_EQ(weft_watch_send_if(&watch, &value, version + 1), -EAGAIN);
	CHECK_EQ(probe_wakes(&follower.probe), 0);
	CHECK_EQ(weft_watch_send_if(&watch, &value, version), 0);
	CHECK_EQ(weft_watch_send_if(&watch, &value, version), -EAGAIN); /* once */
	CHECK_EQ(probe_wakes(&follower.probe), 1);
	CHECK(follower_gives(&follower, 0));
	CHECK_EQ(follower.got, 2);
}

/* Behaviour 42. */
TEST(b42_watch_is_cooperative)
{
	static struct weft_strand strand;
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_watch watch;
	struct follower follower;
	long place = 0;
	int seen = -1;

	weft_watch_init(&watch, &place, sizeof place);
	follower_of_watch(&follower, &watch);
	do {
		seen++;
		follower_begin(&follower);
		CHECK_EQ(weft_watch_replace(&watch, &(long){ 1 }), 0);
	} while (weft_watch_changed__poll(&follower.frame, &cx) == WEFT_READY);
	CHECK_EQ(seen, WEFT_BUDGET);
	CHECK(cx.self_woken);
}

/* ---- waiting for a certain value ---- */

WEFT_WATCH_TEST(is_at_least, const long, long)
{
	return *in < 0 ? -ERANGE : *in >= *arg;
}

struct waiting {
	struct probe probe;
	struct weft_watch_receiver receiver;
	struct weft_watch_wait_for__frame frame;
	long limit, got;
};

static void waiting_begin(struct waiting *waiting, long limit)
{
	waiting->limit = limit;
	weft_watch_wait_for__init(&waiting->frame.args, &waiting->receiver, &waiting->got,
			is_at_least__any, &waiting->limit);
}

/* Its result; -EAGAIN: it waits. */
static int waiting_poll(struct waiting *waiting, bool cancelled)
{
	static struct weft_strand strand;
	struct weft_context cx = probe_context(&waiting->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return weft_watch_wait_for__poll(&waiting->frame, &cx) == WEFT_READY
			? waiting->frame.args.result
			: -EAGAIN;
}

TEST(b60_watch_is_waited_for_until_it_has_a_value)
{
	struct weft_watch watch;
	struct waiting waiting = { .probe = PROBE };
	long place = 1;

	weft_watch_init(&watch, &place, sizeof place);
	weft_watch_subscribe(&watch, &waiting.receiver);
	waiting_begin(&waiting, 1); /* there, and seen */
	CHECK_EQ(waiting_poll(&waiting, false), 0);
	CHECK_EQ(waiting.got, 1);
	waiting_begin(&waiting, 5);
	CHECK_EQ(waiting_poll(&waiting, false), -EAGAIN);
	CHECK_EQ(weft_watch_send(&watch, &(long){ 3 }), 0);
	CHECK_EQ(probe_wakes(&waiting.probe), 1);
	CHECK_EQ(waiting_poll(&waiting, false), -EAGAIN);
	CHECK_EQ(weft_watch_has_changed(&waiting.receiver), 1); /* it was none, so it is not seen */
	CHECK_EQ(weft_watch_send(&watch, &(long){ 7 }), 0);
	CHECK_EQ(weft_watch_send(&watch, &(long){ 8 }), 0);
	CHECK_EQ(probe_wakes(&waiting.probe), 2);
	CHECK_EQ(waiting_poll(&waiting, false), 0);
	CHECK_EQ(waiting.got, 8);
	CHECK_EQ(weft_watch_has_changed(&waiting.receiver), 0);
}

TEST(b60_wait_for_a_value_ends_with_the_watch_or_an_error)
{
	struct weft_watch watch;
	struct waiting waiting = { .probe = PROBE };
	long place = 1;

	weft_watch_init(&watch, &place, sizeof place);
	weft_watch_subscribe(&watch, &waiting.receiver);
	waiting_begin(&waiting, 5);
	CHECK_EQ(waiting_poll(&waiting, false), -EAGAIN);
	CHECK_EQ(weft_watch_send(&watch, &(long){ -1 }), 0);
	CHECK_EQ(waiting_poll(&waiting, false), -ERANGE);
	CHECK_EQ(weft_watch_has_changed(&waiting.receiver), 1);
	CHECK_EQ(weft_watch_send(&watch, &(long){ 4 }), 0);
	waiting_begin(&waiting, 5);
	CHECK_EQ(waiting_poll(&waiting, false), -EAGAIN);
	weft_watch_close(&watch);
	CHECK_EQ(waiting_poll(&waiting, false), -EPIPE);
	waiting_begin(&waiting, 4); /* the last value is one */
	CHECK_EQ(waiting_poll(&waiting, false), 0);
	CHECK_EQ(waiting.got, 4);
	CHECK(!watch.waiters.list.oldest);
}

/* Whoever is asked may send: the lock is free, and the value that came meanwhile is not missed. */
WEFT_WATCH_TEST(sends_until_five, struct weft_watch, long)
{
	long next = *in + 1;

	return *in >= 5 ? 1 : weft_watch_replace(arg, &next);
}

TEST(b60_value_that_comes_while_another_is_asked_about_is_found)
{
	struct weft_watch watch;
	struct waiting waiting = { .probe = PROBE };
	long place = 1;

	weft_watch_init(&watch, &place, sizeof place);
	weft_watch_subscribe(&watch, &waiting.receiver);
	weft_watch_wait_for__init(&waiting.frame.args, &waiting.receiver, &waiting.got,
			sends_until_five__any, &watch);
	CHECK_EQ(waiting_poll(&waiting, false), 0);
	CHECK_EQ(waiting.got, 5);
}

TEST(b60_receiver_is_marked_as_having_seen_the_value_or_not)
{
	struct weft_watch watch;
	struct follower follower;
	long place = 1;

	weft_watch_init(&watch, &place, sizeof place);
	follower_of_watch(&follower, &watch);
	weft_watch_mark_changed(&follower.receiver.values);
	CHECK_EQ(weft_watch_has_changed(&follower.receiver.values), 1);
	CHECK(follower_gives(&follower, 0));
	CHECK_EQ(follower.got, 1);
	CHECK_EQ(weft_watch_send(&watch, &(long){ 2 }), 0);
	weft_watch_mark_unchanged(&follower.receiver.values);
	CHECK_EQ(weft_watch_has_changed(&follower.receiver.values), 0);
	CHECK_EQ(follower_poll(&follower, false), WEFT_PENDING);
	CHECK_EQ(follower_poll(&follower, true), WEFT_READY);
}

/* ---- every order: two that follow, one that sends and closes ---- */

enum { FOLLOWERS = 2, OPERATIONS = 3 * FOLLOWERS + 2, STEPS = 7 };

struct world {
	struct weft_watch watch;
	struct follower followers[FOLLOWERS];
	long place, value, seen[FOLLOWERS];
	bool waits[FOLLOWERS], closed;
	unsigned wakes[FOLLOWERS];
};

static void oracle_wake(struct world *world)
{
	for (int i = 0; i < FOLLOWERS; i++) {
		world->wakes[i] += world->waits[i];
		world->waits[i] = false;
	}
}

static int oracle_changed(struct world *world, int who)
{
	if (world->seen[who] == world->value)
		return world->closed ? -EPIPE : -EAGAIN;
	world->seen[who] = world->value;
	return 0;
}

static void poll_one(struct world *world, int who, bool cancelled)
{
	struct follower *follower = &world->followers[who];
	enum weft_poll poll = follower_poll(follower, cancelled);
	int wanted = cancelled ? -ECANCELED : oracle_changed(world, who);

	world->waits[who] = wanted == -EAGAIN;
	CHECK_EQ(poll == WEFT_PENDING, wanted == -EAGAIN);
	if (poll == WEFT_PENDING)
		return;
	CHECK_EQ(follower_result(follower), wanted);
	if (wanted == 0)
		CHECK_EQ(follower->got, world->value);
	follower_begin(follower);
}

static void step(struct world *world, int operation)
{
	int who = operation % FOLLOWERS;
	long value = world->value + 1;

	if (operation < 2 * FOLLOWERS) {
		poll_one(world, who, operation >= FOLLOWERS);
	} else if (operation < 3 * FOLLOWERS) {
		weft_watch_get(&world->followers[who].receiver.values, &value);
		CHECK_EQ(value, world->value);
		world->seen[who] = value;
	} else if (operation == 3 * FOLLOWERS) {
		CHECK_EQ(weft_watch_send(&world->watch, &value), world->closed ? -EPIPE : 0);
		if (!world->closed) {
			world->value = value;
			oracle_wake(world);
		}
	} else {
		weft_watch_close(&world->watch);
		world->closed = true;
		oracle_wake(world);
	}
	for (int i = 0; i < FOLLOWERS; i++)
		CHECK_EQ(probe_wakes(&world->followers[i].probe), world->wakes[i]);
}

TEST(b60_watch_agrees_with_a_number_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE) {
		struct world world = { .value = 0 };

		weft_watch_init(&world.watch, &world.place, sizeof world.place);
		for (int i = 0; i < FOLLOWERS; i++)
			follower_of_watch(&world.followers[i], &world.watch);
		for (int i = 0, rest = order; i < STEPS; i++, rest /= OPERATIONS)
			step(&world, rest % OPERATIONS);
		for (int i = 0; i < FOLLOWERS; i++)
			(void)follower_poll(&world.followers[i], true);
		CHECK(!world.watch.waiters.list.oldest);
	}
}

/* ---- swept ---- */

struct swept_world {
	struct weft_watch watch;
	struct weft_watch_receiver receiver;
	long place, got;
	int steps;
};

static void changed_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_watch_init(&world->watch, &world->place, sizeof world->place);
	weft_watch_subscribe(&world->watch, &world->receiver);
	weft_watch_changed__init(sweep->frame, &world->receiver, &world->got);
}

static bool changed_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK_EQ(weft_watch_send(&world->watch, &(long){ 7 }), 0);
	return true;
}

static const char *changed_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	(void)changed_advance(sweep);
	SWEEP_EXPECT(weft_watch_has_changed(&world->receiver) == sweep->cancelled);
	if (!sweep->cancelled)
		SWEEP_EXPECT(world->got == 7);
	return NULL;
}

static const struct sweep_scenario changing = {
	.name = "changed",
	.async = &weft_watch_changed__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = changed_set_up,
	.advance = changed_advance,
	.check = changed_check,
};

TEST(b60_changed_that_is_cancelled_anywhere_has_seen_nothing)
{
	CHECK_EQ(sweep(&changing).suspensions, 1);
}

/* 1, 2, 3 are sent, and waited for is 3. */
static const long three = 3;

static void wait_for_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	changed_set_up(sweep);
	weft_watch_wait_for__init(sweep->frame, &world->receiver, &world->got, is_at_least__any,
			(void *)&three);
}

static bool wait_for_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;
	long value = world->steps + 1;

	if (world->steps == 3)
		return false;
	world->steps++;
	CHECK_EQ(weft_watch_send(&world->watch, &value), 0);
	return true;
}

static const char *wait_for_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;
	bool was_there = world->steps == 3;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	SWEEP_EXPECT(sweep->cancelled || (was_there && world->got == 3));
	while (wait_for_advance(sweep))
		;
	SWEEP_EXPECT(weft_watch_has_changed(&world->receiver) == sweep->cancelled);
	return NULL;
}

TEST(b60_wait_for_a_value_that_is_cancelled_anywhere_has_seen_nothing)
{
	static const struct sweep_scenario waiting_for = {
		.name = "wait_for",
		.async = &weft_watch_wait_for__async,
		.world_bytes = sizeof(struct swept_world),
		.set_up = wait_for_set_up,
		.advance = wait_for_advance,
		.check = wait_for_check,
	};

	CHECK_EQ(sweep(&waiting_for).suspensions, 3);
}
