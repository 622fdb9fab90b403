/* SPDX-License-Identifier: MIT */
/* tests/followers.h: what the tests of broadcast and watch poll: a leaf that has a receiver, and copies a long. */
#ifndef WEFT_TESTS_FOLLOWERS_H
#define WEFT_TESTS_FOLLOWERS_H

#include <weft/broadcast.h>
#include <weft/watch.h>

#include "probe.h"
#include "test.h"

struct follower {
	struct probe probe;
	const struct weft_async *async;
	union {
		struct weft_broadcast_recv__frame recv;
		struct weft_watch_changed__frame changed;
	} frame;
	union {
		struct weft_broadcast_receiver messages;
		struct weft_watch_receiver values;
	} receiver;
	long got;
};

/* The leaf begins anew. */
static inline void follower_begin(struct follower *follower)
{
	if (follower->async == &weft_broadcast_recv__async)
		weft_broadcast_recv__init(&follower->frame.recv.args, &follower->receiver.messages,
				&follower->got);
	else
		weft_watch_changed__init(&follower->frame.changed.args, &follower->receiver.values,
				&follower->got);
}

static inline void follower_of_broadcast(
		struct follower *follower, struct weft_broadcast *broadcast)
{
	*follower = (struct follower){ .async = &weft_broadcast_recv__async, .got = -1 };
	weft_broadcast_subscribe(broadcast, &follower->receiver.messages);
	follower_begin(follower);
}

static inline void follower_of_watch(struct follower *follower, struct weft_watch *watch)
{
	*follower = (struct follower){ .async = &weft_watch_changed__async, .got = -1 };
	weft_watch_subscribe(watch, &follower->receiver.values);
	follower_begin(follower);
}

static inline enum weft_poll follower_poll(struct follower *follower, bool cancelled)
{
	static struct weft_strand strand;
	struct weft_context cx = probe_context(&follower->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return follower->async->poll(&follower->frame, &cx);
}

static inline int follower_result(const struct follower *follower)
{
	int result;

	memcpy(&result, (const char *)&follower->frame + follower->async->result_offset,
			sizeof result);
	return result;
}

/* Polls: whether it gives this result. If so, it begins anew. */
static inline bool follower_gives(struct follower *follower, int result)
{
	if (follower_poll(follower, false) != WEFT_READY || follower_result(follower) != result)
		return false;
	follower_begin(follower);
	return true;
}

#endif
