/* SPDX-License-Identifier: MIT */
/*
 * tests/listener.h: one who waits, polled by hand, for tests of what wakes many.
 *
 *     LISTENER(weft_notify_wait, struct weft_notify)   // struct listener, for a leaf that takes a notify
 *     ...
 *             listener_init(&listener, &notify);
 *             CHECK_EQ(listener_poll(&listener, false), WEFT_PENDING);
 *             weft_notify_one(&notify);
 *             CHECK(listener_ends_with(&listener, 0));
 */
#ifndef WEFT_TESTS_LISTENER_H
#define WEFT_TESTS_LISTENER_H

#include "probe.h"
#include "test.h"

#define LISTENER(leaf, type)                                                                       \
	struct listener {                                                                          \
		struct probe probe;                                                                \
		struct leaf##__frame frame;                                                        \
	};                                                                                         \
                                                                                                   \
	static void listener_init(struct listener *listener, type *object)                         \
	{                                                                                          \
		listener->probe = (struct probe)PROBE;                                             \
		leaf##__init(&listener->frame.args, object);                                       \
	}                                                                                          \
                                                                                                   \
	static enum weft_poll listener_poll(struct listener *listener, bool cancelled)             \
	{                                                                                          \
		struct weft_strand strand = { NULL };                                              \
		struct weft_context cx = probe_context(&listener->probe, NULL, &strand);           \
                                                                                                   \
		cx.cancelled = cancelled;                                                          \
		return leaf##__poll(&listener->frame, &cx);                                        \
	}                                                                                          \
                                                                                                   \
	static bool listener_ends_with(struct listener *listener, int result)                      \
	{                                                                                          \
		return listener_poll(listener, false) == WEFT_READY &&                             \
				listener->frame.args.result == result;                             \
	}

#endif
