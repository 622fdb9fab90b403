/* SPDX-License-Identifier: MIT */
/*
 * peer.h: what the peers written in C have in common.
 *
 * Every echo server takes a port (0: any free one), says "listening PORT" on
 * its standard output, and ends with status 0 at SIGTERM or SIGINT.
 */
#ifndef WEFT_BENCH_PEER_H
#define WEFT_BENCH_PEER_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

static inline _Noreturn void peer_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

/* A number from the command line. */
static inline int peer_number(const char *text, int max)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < 0 || value > max)
		peer_die("'%s' is not a number from 0 to %d", text, max);
	return (int)value;
}

static inline struct sockaddr_in peer_address(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	return address;
}

static inline void peer_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static inline void peer_announce(const struct sockaddr_in *bound)
{
	printf("listening %d\n", ntohs(bound->sin_port));
	fflush(stdout);
}

/* Returns a listening socket, after its port has been announced. */
static inline int peer_listen(int port, int flags)
{
	struct sockaddr_in address = peer_address(port);
	socklen_t address_bytes = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
			bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
			listen(fd, SOMAXCONN) != 0 ||
			getsockname(fd, (struct sockaddr *)&address, &address_bytes) != 0)
		peer_die("cannot listen on port %d: %s", port, strerror(errno));
	peer_raise_file_limit();
	peer_announce(&address);
	return fd;
}

static inline void peer_no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

#endif
