/* SPDX-License-Identifier: MIT */
/*
 * tests/pollers.h: runs one test on each poller, and what such tests share.
 *
 *     KERNEL_TEST(poller_wait_is_not_early)     // two tests: .._epoll and .._uring
 *     {
 *             CHECK_EQ(poller->ops->wait(poller, ...), 0);
 *     }
 *
 * A SOCKET_TEST also runs on the simulated poller, with as many seeds as it takes. A failure prints the
 * seed: run again with WEFT_SEED set to it. A poller that is not to be had here skips its test.
 */
#ifndef WEFT_TESTS_POLLERS_H
#define WEFT_TESTS_POLLERS_H

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/poller.h"
#include "io/sim.h"
#include "io/sockets.h"
#include "os/os.h"
#include "seeds.h"
#include "test.h"

enum { POLLER_SEEDS = 40 };

#define KERNEL_TEST(name)                                                                          \
	static void name(struct weft__poller *poller);                                             \
	TEST(name##_epoll)                                                                         \
	{                                                                                          \
		pollers_run("epoll", name);                                                        \
	}                                                                                          \
	TEST(name##_uring)                                                                         \
	{                                                                                          \
		pollers_run("uring", name);                                                        \
	}                                                                                          \
	static void name(struct weft__poller *poller)

/* Those of sockets also with sockets in a ring's own table. */
#define DIRECT_TEST(name)                                                                          \
	static void name(struct weft__poller *poller);                                             \
	TEST(name##_direct)                                                                        \
	{                                                                                          \
		pollers_run("uring-direct", name);                                                 \
	}

#define SIM_TEST(name)                                                                             \
	static void name(struct weft__poller *poller);                                             \
	TEST(name##_sim)                                                                           \
	{                                                                                          \
		pollers_run_seeds(name);                                                           \
	}                                                                                          \
	static void name(struct weft__poller *poller)

#define SOCKET_TEST(name)                                                                          \
	static void name(struct weft__poller *poller);                                             \
	TEST(name##_sim)                                                                           \
	{                                                                                          \
		pollers_run_seeds(name);                                                           \
	}                                                                                          \
	DIRECT_TEST(name)                                                                          \
	KERNEL_TEST(name)

static inline void pollers_run(const char *name, void (*body)(struct weft__poller *poller))
{
	struct weft__poller poller = { .seed = 0 };
	int err = weft__poller_init(&poller, name);

	if (err == -ENOSYS)
		SKIP("this poller is not to be had here");
	CHECK_EQ(err, 0);
	if (poller.ops->one_thread && test_on_valgrind()) {
		poller.ops->finish(&poller);
		SKIP("valgrind does not see what a ring writes");
	}
	body(&poller);
	poller.ops->finish(&poller);
}

static inline void pollers_run_seeds(void (*body)(struct weft__poller *poller))
{
	for (unsigned i = 0; i < seeds_count(POLLER_SEEDS); i++) {
		struct weft__poller poller = { .seed = 0 };

		seeds_begin(i);
		poller.seed = seeds_current;
		CHECK_EQ(weft__poller_init(&poller, "sim"), 0);
		weft__sim_buffers(&poller, 1);
		body(&poller);
		poller.ops->finish(&poller);
		seeds_end();
	}
}

/* ---- what a token is ---- */

struct watch {
	int fd;
	unsigned bits;   /* seen since the last watch_expect */
	unsigned events; /* how many */
	bool removed;
};

static inline int watch_pump_some(struct weft__poller *poller, int64_t timeout_ns, int capacity)
{
	struct weft__poller_event events[64];
	int count = poller->ops->wait(poller, timeout_ns, events, capacity);

	CHECK(count >= 0 && count <= capacity);
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].token;

		CHECK(events[i].bits != 0);
		CHECK(!watch->removed); /* it was the last one */
		CHECK(!(events[i].bits & POLLER_COMPLETE));
		watch->bits |= events[i].bits;
		watch->events++;
		watch->removed = (events[i].bits & POLLER_REMOVED) != 0;
	}
	return count;
}

static inline int watch_pump(struct weft__poller *poller, int64_t timeout_ns)
{
	return watch_pump_some(poller, timeout_ns, 64);
}

/* Takes whatever there is. */
static inline void watch_settle(struct weft__poller *poller)
{
	int quiet = 0;

	while (quiet < 3)
		quiet = watch_pump(poller, 0) ? 0 : quiet + 1;
}

/* In both directions. */
static inline void watch_start(struct weft__poller *poller, struct watch *watch)
{
	CHECK_EQ(poller->ops->add(poller, watch->fd, watch), 0);
	if (poller->ops->add_write)
		CHECK_EQ(poller->ops->add_write(poller, watch->fd, watch), 0);
}

static inline void watch_add(struct weft__poller *poller, struct watch *watch, int fd)
{
	*watch = (struct watch){ .fd = fd };
	watch_start(poller, watch);
}

/* Waits until all these bits have come, and forgets them. */
static inline void watch_expect(struct weft__poller *poller, struct watch *watch, unsigned bits)
{
	int64_t deadline = weft__clock_now() + INT64_C(10000000000);

	while ((watch->bits & bits) != bits && weft__clock_now() < deadline)
		watch_pump(poller, strcmp(poller->ops->name, "sim") == 0 ? 0 : 100000000);
	CHECK_EQ(watch->bits & bits, bits);
	watch->bits = 0;
	watch->events = 0;
}

/* Removes, and returns once the poller has let go. */
static inline void watch_remove(struct weft__poller *poller, struct watch *watch)
{
	int more = poller->ops->remove(poller, watch->fd, watch);

	CHECK(more == 0 || more == 1);
	if (more)
		watch_expect(poller, watch, POLLER_REMOVED);
	CHECK_EQ(watch->removed, more);
}

/* ---- sockets of any kind ---- */

static inline void socket_close(struct weft__poller *poller, int fd)
{
	poller->ops->sockets->close(poller, fd);
}

/* Listens on a port of the poller's choice, and says which. */
static inline int socket_listen(
		struct weft__poller *poller, int backlog, struct sockaddr_in *address)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof *address;
	int fd = sockets->open(poller, AF_INET);

	CHECK(fd >= 0);
	CHECK_EQ(sockets->bind(poller, fd, (struct sockaddr *)&any, sizeof any), 0);
	CHECK_EQ(sockets->listen(poller, fd, backlog), 0);
	CHECK_EQ(sockets->local(poller, fd, (struct sockaddr *)address, &length), 0);
	CHECK_EQ(length, sizeof *address);
	CHECK(address->sin_port != 0);
	return fd;
}

static inline int socket_connect(struct weft__poller *poller, const struct sockaddr_in *address)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	int fd = sockets->open(poller, AF_INET);
	int err;

	CHECK(fd >= 0);
	err = sockets->connect(poller, fd, (const struct sockaddr *)address, sizeof *address);
	CHECK(err == 0 || err == -EINPROGRESS);
	return fd;
}

static inline int socket_accept(struct weft__poller *poller, int listener)
{
	int fd = -EAGAIN;

	for (int i = 0; i < 1000 && fd == -EAGAIN; i++) {
		watch_pump(poller, 0);
		fd = poller->ops->sockets->accept(poller, listener, NULL, NULL);
	}
	CHECK(fd >= 0);
	return fd;
}

/* Two ends of a connection. */
static inline void socket_pair(struct weft__poller *poller, int ends[2])
{
	struct sockaddr_in address;
	int listener = socket_listen(poller, 8, &address);

	ends[0] = socket_connect(poller, &address);
	ends[1] = socket_accept(poller, listener);
	socket_close(poller, listener);
}

static inline void socket_send(struct weft__poller *poller, int fd, const char *text)
{
	CHECK_EQ(poller->ops->sockets->send(poller, fd, text, strlen(text)), strlen(text));
}

#endif
