/* SPDX-License-Identifier: MIT */
/*
 * tests/real/peer.h: plain blocking sockets, for the other end of what is tested.
 *
 *     int fd = peer_connect(port);
 *
 *     peer_send(fd, "line\n", 5);
 *     peer_expect(fd, "line\n", 5);
 *     close(fd);
 *
 * A call that fails fails the test; one that waits for what never comes hangs until ctest ends it.
 */
#ifndef WEFT_TESTS_REAL_PEER_H
#define WEFT_TESTS_REAL_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

enum { PORT_TEXT = 12 }; /* what a port takes as text */

static inline int peer_open(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	return fd;
}

static inline struct sockaddr_in peer_address(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return address;
}

/* A connection to a port of this machine. */
static inline int peer_connect(int port)
{
	struct sockaddr_in address = peer_address(port);
	int fd = peer_open();

	CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

/* A listening socket, and its port. */
static inline int peer_listen(int backlog, int *port)
{
	struct sockaddr_in address = peer_address(0);
	socklen_t length = sizeof address;
	int fd = peer_open();

	CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(listen(fd, backlog) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static inline void peer_send(int fd, const void *bytes, size_t size)
{
	CHECK_EQ(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* Reads exactly these bytes. */
static inline void peer_expect(int fd, const void *bytes, size_t size)
{
	char buffer[256];

	CHECK(size <= sizeof buffer);
	CHECK_EQ(recv(fd, buffer, size, MSG_WAITALL), size);
	CHECK(memcmp(buffer, bytes, size) == 0);
}

static inline void peer_expect_end(int fd)
{
	char byte;

	CHECK_EQ(recv(fd, &byte, 1, 0), 0);
}

/* Closes with a reset instead of an end. */
static inline void peer_reset(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
	close(fd);
}

/* A listener that answers nobody: its queue is full. */
struct peer_deaf {
	int listener, port;
	int callers[3];
};

static inline struct peer_deaf peer_deaf_make(void)
{
	struct peer_deaf deaf;
	struct sockaddr_in address;

	deaf.listener = peer_listen(0, &deaf.port);
	address = peer_address(deaf.port);
	for (int i = 0; i < 3; i++) {
		deaf.callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		CHECK(deaf.callers[i] >= 0);
		connect(deaf.callers[i], (struct sockaddr *)&address, sizeof address);
	}
	return deaf;
}

static inline void peer_deaf_free(struct peer_deaf *deaf)
{
	for (int i = 0; i < 3; i++)
		close(deaf->callers[i]);
	close(deaf->listener);
}

/* Lets this process have `count` descriptors, or skips the test. */
static inline void peer_need_descriptors(unsigned count)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur >= count)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < count || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		SKIP("the limit of descriptors is too low");
}

#endif
