/* SPDX-License-Identifier: MIT */
/* net/tcp_options.c: options and addresses of sockets: calls that neither wait nor move data. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <weft/net.h>

#include "io/reactor.h"
#include "io/sockets.h"

/* Runs one call on the descriptor between use and unuse, so that no close comes between. */
static int option_set(struct weft__source *source, uint32_t generation, int level, int name,
		const void *value, socklen_t length)
{
	int fd = weft__source_use(source, generation), err;

	if (fd < 0)
		return fd;
	err = source->reactor->sockets->set_option(&source->reactor->poller, fd, level,
			name, value, length);
	weft__source_unuse(source);
	return err;
}

int weft_tcp_shutdown_write(struct weft_tcp conn)
{
	int fd = weft__source_use(conn.source, conn.generation), err;

	if (fd < 0)
		return fd;
	err = conn.source->reactor->sockets->shutdown(&conn.source->reactor->poller, fd,
			SHUT_WR);
	weft__source_unuse(conn.source);
	return err;
}

int weft_tcp_set_reset_on_close(struct weft_tcp conn, bool reset)
{
	struct linger linger = { .l_onoff = reset, .l_linger = 0 };

	return option_set(conn.source, conn.generation, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

int weft_tcp_set_nodelay(struct weft_tcp conn, bool nodelay)
{
	int on = nodelay;

	return option_set(conn.source, conn.generation, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int weft_tcp_set_keepalive(struct weft_tcp conn, bool keepalive, int idle_seconds)
{
	int on = keepalive;
	int err = option_set(conn.source, conn.generation, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);

	if (!err && keepalive && idle_seconds > 0)
		err = option_set(conn.source, conn.generation, IPPROTO_TCP, TCP_KEEPIDLE,
				&idle_seconds, sizeof idle_seconds);
	return err;
}

int weft_tcp_set_buffers(struct weft_tcp conn, int receive_bytes, int send_bytes)
{
	int err = 0;

	if (receive_bytes > 0)
		err = option_set(conn.source, conn.generation, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
				sizeof receive_bytes);
	if (!err && send_bytes > 0)
		err = option_set(conn.source, conn.generation, SOL_SOCKET, SO_SNDBUF, &send_bytes,
				sizeof send_bytes);
	return err;
}

typedef int (*name_fn)(struct weft__poller *, int, struct sockaddr *, socklen_t *);

static int name_get(struct weft__source *source, uint32_t generation, bool peer,
		struct sockaddr *address, socklen_t *length)
{
	int fd = weft__source_use(source, generation), err;
	name_fn name;

	if (fd < 0)
		return fd;
	name = peer ? source->reactor->sockets->peer
		    : source->reactor->sockets->local;
	err = name(&source->reactor->poller, fd, address, length);
	weft__source_unuse(source);
	return err;
}

int weft_tcp_local_address(struct weft_tcp conn, struct sockaddr *address, socklen_t *length)
{
	return name_get(conn.source, conn.generation, false, address, length);
}

int weft_tcp_peer_address(struct weft_tcp conn, struct sockaddr *address, socklen_t *length)
{
	return name_get(conn.source, conn.generation, true, address, length);
}

int weft_tcp_listener_address(struct weft_tcp_listener listener, struct sockaddr *address,
		socklen_t *length)
{
	return name_get(listener.source, listener.generation, false, address, length);
}

int weft_tcp_listener_port(struct weft_tcp_listener listener)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	int err = weft_tcp_listener_address(listener, (struct sockaddr *)&address, &length);

	if (err < 0)
		return err;
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}
