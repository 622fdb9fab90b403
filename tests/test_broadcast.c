/* SPDX-License-Identifier: MIT */
/* Broadcast, polled by hand (behaviours 42 and 59): all short sequences of calls against an oracle; exact lag; cancellation at
 * every point. */
#include <errno.h>

#include "followers.h"
#include "sweep.h"

WEFT_BROADCAST(ticks, long);

static long ring_of_four[4];
static union ticks typed = WEFT_BROADCAST_INIT(typed, ring_of_four);

static void broadcast_send(struct weft_broadcast *broadcast, long from, long until)
{
	for (long i = from; i < until; i++)
		CHECK_EQ(weft_broadcast_send(broadcast, &i), 0);
}

static void receiver_drain(struct weft_broadcast_receiver *receiver, long from, long until)
{
	long got = -1;

	for (long i = from; i < until; i++) {
		CHECK_EQ(weft_broadcast_try_recv(receiver, &got), 0);
		CHECK_EQ(got, i);
	}
	CHECK_EQ(weft_broadcast_len(receiver), 0);
}

TEST(s2_43_broadcast_gives_each_message_to_each_receiver)
{
	union ticks_receiver first, second;
	long tick = 7, got = 0;

	CHECK_EQ(weft_broadcast_send(&typed, &tick), -ENOTCONN); /* b59: nobody listens */
	weft_broadcast_subscribe(&typed, &first);
	weft_broadcast_subscribe(&typed, &second);
	CHECK_EQ(weft_broadcast_receivers(&typed.broadcast), 2);
	broadcast_send(&typed.broadcast, 0, 3);
	receiver_drain(&first.receiver, 0, 3);
	receiver_drain(&second.receiver, 0, 3);
	CHECK_EQ(weft_broadcast_try_recv(&first, &got), -EAGAIN);
	weft_broadcast_unsubscribe(&first.receiver);
	weft_broadcast_unsubscribe(&second.receiver);
	CHECK_EQ(weft_broadcast_send(&typed, &tick), -ENOTCONN);
}

/* For each capacity, and each number sent: the lag is exact, and the oldest that is there comes next. */
TEST(b59_broadcast_lag_is_exact_and_the_oldest_is_kept)
{
	struct weft_broadcast broadcast;
	struct weft_broadcast_receiver slow, quick;
	long ring[7], got;

	for (long capacity = 1; capacity <= 7; capacity++)
		for (long sent = 0; sent < 30; sent++) {
			weft_broadcast_init(&broadcast, ring, sizeof *ring, (uint32_t)capacity);
			weft_broadcast_subscribe(&broadcast, &slow);
			weft_broadcast_subscribe(&broadcast, &quick);
			for (long i = 0; i < sent; i++) {
				broadcast_send(&broadcast, i, i + 1);
				receiver_drain(&quick, i, i + 1);
			}
			CHECK_EQ(weft_broadcast_len(&slow), sent);
			if (sent > capacity) {
				CHECK_EQ(weft_broadcast_try_recv(&slow, &got), -EOVERFLOW);
				CHECK_EQ(slow.missed, sent - capacity);
			}
			receiver_drain(&slow, sent > capacity ? sent - capacity : 0, sent);
		}
}

TEST(b59_broadcast_subscribes_at_the_tail)
{
	struct weft_broadcast broadcast;
	struct weft_broadcast_receiver early, late;
	long ring[4], got;

	weft_broadcast_init(&broadcast, ring, sizeof *ring, 4);
	weft_broadcast_subscribe(&broadcast, &early);
	broadcast_send(&broadcast, 0, 2);
	weft_broadcast_subscribe(&broadcast, &late);
	CHECK_EQ(weft_broadcast_try_recv(&late, &got), -EAGAIN);
	broadcast_send(&broadcast, 2, 3);
	receiver_drain(&late, 2, 3);
	weft_broadcast_unsubscribe(&early);
	weft_broadcast_subscribe(&broadcast, &early); /* again: what it had not received is gone */
	CHECK_EQ(weft_broadcast_try_recv(&early, &got), -EAGAIN);
}

TEST(b59_broadcast_that_is_closed_is_drained_first)
{
	struct weft_broadcast broadcast;
	struct follower waits, lags;
	long ring[2], item = 9;

	weft_broadcast_init(&broadcast, ring, sizeof *ring, 2);
	follower_of_broadcast(&lags, &broadcast);
	follower_of_broadcast(&waits, &broadcast);
	broadcast_send(&broadcast, 0, 3);
	CHECK(follower_gives(&waits, -EOVERFLOW));
	CHECK(follower_gives(&waits, 0));
	CHECK(follower_gives(&waits, 0));
	CHECK_EQ(follower_poll(&waits, false), WEFT_PENDING);
	weft_broadcast_close(&broadcast);
	CHECK_EQ(probe_wakes(&waits.probe), 1);
	CHECK(follower_gives(&waits, -EPIPE));
	CHECK_EQ(weft_broadcast_send(&broadcast, &item), -EPIPE);
	CHECK(follower_gives(&lags, -EOVERFLOW));
	CHECK_EQ(lags.receiver.messages.missed, 1);
	CHECK(follower_gives(&lags, 0));
	CHECK_EQ(lags.got, 1);
	CHECK(follower_gives(&lags, 0));
	CHECK_EQ(lags.got, 2);
	CHECK(follower_gives(&lags, -EPIPE));
}

/* Behaviour 42. */
TEST(b42_broadcast_is_cooperative)
{
	static struct weft_strand strand;
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_broadcast broadcast;
	struct follower follower;
	static long ring[1000];
	int received = 0;

	weft_broadcast_init(&broadcast, ring, sizeof *ring, 1000);
	follower_of_broadcast(&follower, &broadcast);
	broadcast_send(&broadcast, 0, 1000);
	while (weft_broadcast_recv__poll(&follower.frame, &cx) == WEFT_READY) {
		received++;
		follower_begin(&follower);
	}
	CHECK_EQ(received, WEFT_BUDGET);
	CHECK(cx.self_woken);
}

/* ---- every order: two that receive, one that sends and closes ---- */

enum { FOLLOWERS = 2, OPERATIONS = 3 * FOLLOWERS + 2, STEPS = 7, CAPACITY = 2 };

struct world {
	struct weft_broadcast broadcast;
	struct follower followers[FOLLOWERS];
	long ring[CAPACITY];
	long sent, next[FOLLOWERS];
	bool waits[FOLLOWERS], closed;
	unsigned wakes[FOLLOWERS];
};

static int oracle_read(struct world *world, int who, long *got)
{
	if (world->next[who] == world->sent)
		return world->closed ? -EPIPE : -EAGAIN;
	if (world->sent - world->next[who] > CAPACITY) {
		world->next[who] = world->sent - CAPACITY;
		return -EOVERFLOW;
	}
	*got = world->next[who]++;
	return 0;
}

static void oracle_wake(struct world *world)
{
	for (int i = 0; i < FOLLOWERS; i++) {
		world->wakes[i] += world->waits[i];
		world->waits[i] = false;
	}
}

static void poll_one(struct world *world, int who, bool cancelled)
{
	struct follower *follower = &world->followers[who];
	enum weft_poll poll = follower_poll(follower, cancelled);
	long got = follower->got;
	int wanted = cancelled ? -ECANCELED : oracle_read(world, who, &got);

	world->waits[who] = wanted == -EAGAIN;
	CHECK_EQ(poll == WEFT_PENDING, wanted == -EAGAIN);
	if (poll == WEFT_PENDING)
		return;
	CHECK_EQ(follower_result(follower), wanted);
	CHECK_EQ(follower->got, got);
	follower_begin(follower);
}

static void try_one(struct world *world, int who)
{
	long got = -1, wanted = -1;

	CHECK_EQ(weft_broadcast_try_recv(&world->followers[who].receiver.messages, &got),
			oracle_read(world, who, &wanted));
	CHECK_EQ(got, wanted);
}

static void step(struct world *world, int operation)
{
	int who = operation % FOLLOWERS;

	if (operation < 2 * FOLLOWERS) {
		poll_one(world, who, operation >= FOLLOWERS);
	} else if (operation < 3 * FOLLOWERS) {
		try_one(world, who);
	} else if (operation == 3 * FOLLOWERS) {
		CHECK_EQ(weft_broadcast_send(&world->broadcast, &world->sent),
				world->closed ? -EPIPE : 0);
		if (!world->closed) {
			world->sent++;
			oracle_wake(world);
		}
	} else {
		weft_broadcast_close(&world->broadcast);
		world->closed = true;
		oracle_wake(world);
	}
	for (int i = 0; i < FOLLOWERS; i++)
		CHECK_EQ(probe_wakes(&world->followers[i].probe), world->wakes[i]);
}

TEST(b59_broadcast_agrees_with_a_list_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE) {
		struct world world = { .sent = 0 };

		weft_broadcast_init(&world.broadcast, world.ring, sizeof(long), CAPACITY);
		for (int i = 0; i < FOLLOWERS; i++)
			follower_of_broadcast(&world.followers[i], &world.broadcast);
		for (int i = 0, rest = order; i < STEPS; i++, rest /= OPERATIONS)
			step(&world, rest % OPERATIONS);
		for (int i = 0; i < FOLLOWERS; i++)
			(void)follower_poll(&world.followers[i], true);
		CHECK(!world.broadcast.waiters.list.oldest);
	}
}

/* ---- while many are being woken ---- */

enum { CROWD = 40 };

static struct weft_broadcast crowded;
static struct follower crowd[CROWD];
static bool is_busy;

/* Between two steps of a send: one who has received waits again, and one sees for himself. */
static void meddle(struct probe *probe)
{
	(void)probe;
	if (is_busy)
		return;
	is_busy = true;
	CHECK(follower_gives(&crowd[0], 0));
	CHECK_EQ(follower_poll(&crowd[0], false), WEFT_PENDING);
	CHECK(follower_gives(&crowd[CROWD - 1], 0));
	CHECK_EQ(follower_poll(&crowd[CROWD - 2], true), WEFT_READY);
}

TEST(b59_broadcast_wakes_a_crowd_once)
{
	long ring[2], item = 5;

	weft_broadcast_init(&crowded, ring, sizeof *ring, 2);
	for (int i = 0; i < CROWD; i++) {
		follower_of_broadcast(&crowd[i], &crowded);
		CHECK_EQ(follower_poll(&crowd[i], false), WEFT_PENDING);
	}
	crowd[0].probe.on_wake = meddle;
	CHECK_EQ(weft_broadcast_send(&crowded, &item), 0);
	CHECK(is_busy);
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(probe_wakes(&crowd[i].probe), i < CROWD - 2);
	for (int i = 1; i < CROWD - 2; i++)
		CHECK(follower_gives(&crowd[i], 0));
	CHECK_EQ(crowded.waiters.list.oldest == &crowd[0].frame.recv.waiter, true);
	item = 6;
	CHECK_EQ(weft_broadcast_send(&crowded, &item), 0);
	CHECK_EQ(probe_wakes(&crowd[0].probe), 2);
}

/* ---- swept ---- */

struct swept_world {
	struct weft_broadcast broadcast;
	struct weft_broadcast_receiver receiver;
	long ring[2], item;
	int steps;
};

static void recv_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_broadcast_init(&world->broadcast, world->ring, sizeof(long), 2);
	weft_broadcast_subscribe(&world->broadcast, &world->receiver);
	weft_broadcast_recv__init(sweep->frame, &world->receiver, &world->item);
}

static bool recv_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	broadcast_send(&world->broadcast, 7, 8);
	return true;
}

static const char *recv_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	(void)recv_advance(sweep);
	if (sweep->cancelled)
		SWEEP_EXPECT(weft_broadcast_try_recv(&world->receiver, &world->item) == 0);
	SWEEP_EXPECT(world->item == 7);
	SWEEP_EXPECT(weft_broadcast_len(&world->receiver) == 0);
	return NULL;
}

static const struct sweep_scenario receiving = {
	.name = "recv",
	.async = &weft_broadcast_recv__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = recv_set_up,
	.advance = recv_advance,
	.check = recv_check,
};

TEST(b59_recv_that_is_cancelled_anywhere_loses_nothing)
{
	CHECK_EQ(sweep(&receiving).suspensions, 1);
}
