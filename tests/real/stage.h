/* SPDX-License-Identifier: MIT */
/*
 * tests/real/stage.h: leaves on the real kernel, and no executor: a test polls them by hand.
 *
 *     struct stage stage;
 *     struct weft_tcp_read__frame read;
 *
 *     stage_init(&stage);                                      // the poller that WEFT_POLLER names
 *     weft_tcp_read__init(&read.args, conn, buffer, sizeof buffer);
 *     CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &read), WEFT_PENDING);
 *     peer_send(peer, "x", 1);
 *     stage_await(&stage, &weft_tcp_read__async, &read);       // polls, as often as it is woken
 *     stage_finish(&stage);                                    // nothing is left
 *
 * So each poll, wake and event is visible, and cancellation can fall between any two of them. The clock is
 * the test's. The other end of a connection is a plain blocking socket, or another conn of Weft's.
 *
 * Threads: none.
 */
#ifndef WEFT_TESTS_REAL_STAGE_H
#define WEFT_TESTS_REAL_STAGE_H

#include <errno.h>
#include <unistd.h>

#include <weft/net.h>

#include "io/reactor.h"
#include "peer.h"
#include "probe.h"
#include "test.h"
#include "time/wheel.h"

struct stage {
	struct probe probe;
	struct probe_env env;
	struct weft_strand strand;
	struct weft__reactor reactor;
	struct weft_wheel wheel;
	struct weft_context cx; /* of the last poll */
	uint32_t budget;
	bool cancelled;
	unsigned polls;
};

static struct weft__reactor *stage_place(const struct weft_env *env)
{
	return env->reactor;
}

static inline void stage_init(struct stage *stage)
{
	int err;

	*stage = (struct stage){ .probe = PROBE, .env = PROBE_ENV(0), .budget = WEFT_BUDGET };
	err = weft__reactor_init(&stage->reactor, NULL);
	if (err == -ENOSYS)
		SKIP("the kernel does not grant this poller");
	CHECK_EQ(err, 0);
	if (stage->reactor.poller.ops->one_thread && test_on_valgrind()) {
		weft__reactor_finish(&stage->reactor);
		SKIP("valgrind does not see what a ring writes");
	}
	weft__wheel_init(&stage->wheel, 0);
	stage->env.env.reactor = &stage->reactor;
	stage->env.env.place = stage_place;
	stage->env.env.wheel = &stage->wheel;
	weft__env_current = &stage->env.env;
}

static inline void stage_finish(struct stage *stage)
{
	weft__reactor_finish(&stage->reactor);
	CHECK_EQ(stage->reactor.sources, 0); /* the test has closed all, and they are */
	CHECK_EQ(stage->wheel.count, 0);
	CHECK(probe_balanced(&stage->probe));
	CHECK(probe_env_balanced(&stage->env));
	weft__env_current = NULL;
}

/* One poll. */
static inline enum weft_poll stage_poll(
		struct stage *stage, const struct weft_async *async, void *frame)
{
	stage->cx = probe_context(&stage->probe, &stage->env, &stage->strand);
	stage->cx.budget = stage->budget;
	stage->cx.cancelled = stage->cancelled;
	stage->polls++;
	return async->poll(frame, &stage->cx);
}

/* One poll, cancelled. */
static inline enum weft_poll stage_cancel(
		struct stage *stage, const struct weft_async *async, void *frame)
{
	enum weft_poll poll;

	stage->cancelled = true;
	poll = stage_poll(stage, async, frame);
	stage->cancelled = false;
	return poll;
}

/* Waits for events until there is a wake beyond the first `wakes`. */
static inline void stage_wait(struct stage *stage, unsigned wakes)
{
	while (probe_wakes(&stage->probe) == wakes)
		weft__reactor_poll(&stage->reactor, -1);
}

/* Polls to the end. */
static inline void stage_await(struct stage *stage, const struct weft_async *async, void *frame)
{
	for (;;) {
		unsigned wakes = probe_wakes(&stage->probe);

		if (stage_poll(stage, async, frame) == WEFT_READY)
			return;
		CHECK(stage->cx.waker_taken || stage->cx.self_woken);
		if (!stage->cx.self_woken)
			stage_wait(stage, wakes);
	}
}

/* What `function` gives for the arguments; `frame` is its, and stays as it was left. */
#define STAGE_AWAIT(stage, frame, function, ...)                                                   \
	(function##__init(&(frame)->args, __VA_ARGS__),                                            \
			stage_await((stage), &function##__async, (frame)), (frame)->args.result)

/* --- both ends of a connection ---------------------------------------------------------------- */

/* A listener on a port that the system chooses. */
static inline struct weft_tcp_listener stage_listen(int *port)
{
	struct weft_tcp_listener listener;

	CHECK_EQ(weft_tcp_listen(&listener, "127.0.0.1", "0"), 0);
	*port = weft_tcp_listener_port(listener);
	CHECK(*port > 0);
	return listener;
}

/* A connection of Weft's and its peer, a plain socket. */
struct pair {
	struct weft_tcp conn;
	int peer;
};

static inline struct pair stage_pair(struct stage *stage)
{
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct pair pair;
	int port;

	listener = stage_listen(&port);
	pair.peer = peer_connect(port);
	CHECK_EQ(STAGE_AWAIT(stage, &accept, weft_tcp_accept, listener, &pair.conn), 0);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	return pair;
}

static inline void stage_unpair(struct pair *pair)
{
	CHECK_EQ(weft_tcp_close(pair->conn), 0);
	close(pair->peer);
}

#endif
