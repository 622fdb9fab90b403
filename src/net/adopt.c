/* SPDX-License-Identifier: MIT */
/*
 * net/adopt.c: sockets that were made elsewhere: inherited, received from another process, one end of a
 * socketpair. The reactor only wants them non-blocking; what they are is the caller's word.
 */
#include <errno.h>
#include <fcntl.h>

#include <weft/net.h>

#include "core/env.h"
#include "io/reactor.h"
#include "io/sockets.h"

static int adopt_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

static int adopt_socket(struct weft__source **source, uint32_t *generation, int fd, bool listens)
{
	const struct weft_env *env = weft__env_current;
	struct weft__reactor *reactor;
	int listening, err;
	socklen_t length = sizeof listening;

	if (!env)
		return -ENXIO;
	reactor = env->place ? env->place(env) : env->reactor;
	if (reactor->sockets->simulated)
		return -EOPNOTSUPP;
	err = reactor->sockets->get_option(
			&reactor->poller, fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length);
	if (!err && listening != listens)
		err = listens ? -EINVAL : -ENOTCONN;
	if (!err)
		err = adopt_flags(fd);
	return err ? err : weft__source_open(source, generation, reactor, fd);
}

int weft_tcp_adopt(struct weft_tcp *conn, int fd)
{
	return adopt_socket(&conn->source, &conn->generation, fd, false);
}

int weft_tcp_listener_adopt(struct weft_tcp_listener *listener, int fd)
{
	return adopt_socket(&listener->source, &listener->generation, fd, true);
}
