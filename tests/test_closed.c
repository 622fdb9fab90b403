/* SPDX-License-Identifier: MIT */
/* Who sends, has nothing to send, and waits until nobody is there who would receive (B57, B59, B60; Tokio's
 * Sender::closed): a channel's, a broadcast's and a watch's leaf, in every order of waiting, giving up and
 * closing, for a crowd, and cancelled anywhere. (A oneshot's is in test_oneshot.c.) */
#include <errno.h>
#include <string.h>

#include <weft/broadcast.h>
#include <weft/channel.h>
#include <weft/watch.h>

#include "dive.h"
#include "sweep.h"
#include "test.h"

/* All three have the same frame, but for the pointer's type. */
union closed_frame {
	struct weft_channel_closed__frame channel;
	struct weft_broadcast_closed__frame broadcast;
	struct weft_watch_closed__frame watch;
};

struct object {
	struct weft_channel channel;
	struct weft_broadcast broadcast;
	struct weft_broadcast_receiver broadcast_receiver;
	struct weft_watch watch;
	struct weft_watch_receiver watch_receiver;
	int ring[2], value;
};

enum kind {
	CHANNEL_CLOSES,
	LAST_SENDER,
	BROADCAST_CLOSES,
	LAST_LISTENER,
	WATCH_CLOSES,
	LAST_READER,
	KINDS
};

static const struct weft_async *const leaves[KINDS] = { &weft_channel_closed__async,
	&weft_channel_closed__async, &weft_broadcast_closed__async, &weft_broadcast_closed__async,
	&weft_watch_closed__async, &weft_watch_closed__async };

static void object_init(struct object *object)
{
	weft_channel_init(&object->channel, sizeof(int), 1);
	CHECK_EQ(weft_channel_sender_ref(&object->channel), 0);
	weft_broadcast_init(&object->broadcast, object->ring, sizeof(int), 2);
	weft_broadcast_subscribe(&object->broadcast, &object->broadcast_receiver);
	weft_watch_init(&object->watch, &object->value, sizeof(int));
	weft_watch_subscribe(&object->watch, &object->watch_receiver);
}

static void frame_init(union closed_frame *frame, struct object *object, enum kind kind)
{
	if (kind <= LAST_SENDER)
		weft_channel_closed__init(&frame->channel.args, &object->channel);
	else if (kind <= LAST_LISTENER)
		weft_broadcast_closed__init(&frame->broadcast.args, &object->broadcast);
	else
		weft_watch_closed__init(&frame->watch.args, &object->watch);
}

/* Once. */
static void object_close(struct object *object, enum kind kind)
{
	switch (kind) {
	case CHANNEL_CLOSES:
		weft_channel_close(&object->channel);
		break;
	case LAST_SENDER:
		weft_channel_sender_unref(&object->channel);
		break;
	case BROADCAST_CLOSES:
		weft_broadcast_close(&object->broadcast);
		break;
	case LAST_LISTENER:
		weft_broadcast_unsubscribe(&object->broadcast_receiver);
		break;
	case WATCH_CLOSES:
		weft_watch_close(&object->watch);
		break;
	default:
		weft_watch_unsubscribe(&object->watch_receiver);
	}
}

static bool is_watched(const struct object *object)
{
	return object->channel.watchers || object->broadcast.watchers || object->watch.watchers;
}

/* ---- every order ---- */

enum { WATCHERS = 3, OPERATIONS = 2 * WATCHERS + 1, STEPS = 5, ORDERS = 16807 /* 7^5 */ };

struct watcher {
	struct stepper stepper;
	union closed_frame frame;
	bool waits, ended;
};

/* Polls it, cancelled or not, and compares with what must come of it. */
static void watcher_poll(struct watcher *watcher, enum kind kind, bool is_closed, bool cancelled)
{
	enum weft_poll poll;

	if (watcher->ended)
		return;
	watcher->stepper.cancelled = cancelled;
	poll = step(&watcher->stepper, leaves[kind], &watcher->frame);
	CHECK_EQ(poll, is_closed || cancelled ? WEFT_READY : WEFT_PENDING);
	watcher->waits = poll == WEFT_PENDING;
	watcher->ended = poll == WEFT_READY;
	if (watcher->ended) /* a channel does not look, if it is cancelled before it began */
		CHECK(watcher->frame.channel.args.result == (is_closed ? 0 : -ECANCELED) ||
				(cancelled && watcher->frame.channel.args.result == -ECANCELED));
}

static void run_order(enum kind kind, int order)
{
	struct watcher watchers[WATCHERS];
	struct object object;
	bool is_closed = false;

	object_init(&object);
	for (int i = 0; i < WATCHERS; i++) {
		watchers[i] = (struct watcher){ .stepper = stepper_make() };
		frame_init(&watchers[i].frame, &object, kind);
	}
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		int operation = order % OPERATIONS;

		if (operation < 2 * WATCHERS) {
			watcher_poll(&watchers[operation / 2], kind, is_closed, operation % 2);
		} else if (!is_closed) {
			is_closed = true;
			object_close(&object, kind);
			for (int j = 0; j < WATCHERS; j++)
				CHECK_EQ(probe_wakes(&watchers[j].stepper.probe),
						watchers[j].waits);
			CHECK(!is_watched(&object));
		}
	}
	for (int i = 0; i < WATCHERS; i++) {
		watcher_poll(&watchers[i], kind, is_closed, true);
		CHECK(stepper_is_clean(&watchers[i].stepper));
	}
	CHECK(!is_watched(&object));
}

TEST(b57_b59_b60_sender_is_told_in_every_order_that_nobody_receives)
{
	for (enum kind kind = 0; kind < KINDS; kind++)
		for (int order = 0; order < ORDERS; order += ORDER_STRIDE)
			run_order(kind, order);
}

/* ---- more than are woken at a time ---- */

enum { CROWD = 40 };

TEST(b57_b59_b60_crowd_of_senders_is_told)
{
	static struct watcher crowd[CROWD];

	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct object object;

		object_init(&object);
		for (int i = 0; i < CROWD; i++) {
			crowd[i] = (struct watcher){ .stepper = stepper_make() };
			frame_init(&crowd[i].frame, &object, kind);
			watcher_poll(&crowd[i], kind, false, false);
		}
		object_close(&object, kind);
		for (int i = 0; i < CROWD; i++) {
			CHECK_EQ(probe_wakes(&crowd[i].stepper.probe), 1);
			watcher_poll(&crowd[i], kind, true, false);
		}
	}
}

/* ---- swept ---- */

struct swept_world {
	struct object object;
	enum kind kind;
	bool is_closed;
};

static enum kind swept_kind;

static void closed_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	world->kind = swept_kind;
	object_init(&world->object);
	frame_init(sweep->frame, &world->object, world->kind);
}

static bool closed_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->is_closed)
		return false;
	world->is_closed = true;
	object_close(&world->object, world->kind);
	return true;
}

static const char *closed_check(struct sweep *sweep)
{
	const struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	SWEEP_EXPECT(!is_watched(&world->object));
	return NULL;
}

TEST(b57_b59_b60_sender_that_is_cancelled_anywhere_leaves_no_trace)
{
	for (swept_kind = 0; swept_kind < KINDS; swept_kind++) {
		const struct sweep_scenario scenario = {
			.name = "closed",
			.async = leaves[swept_kind],
			.world_bytes = sizeof(struct swept_world),
			.set_up = closed_set_up,
			.advance = closed_advance,
			.check = closed_check,
		};

		CHECK_EQ(sweep(&scenario).suspensions, 1);
	}
}
