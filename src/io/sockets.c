/* SPDX-License-Identifier: MIT */
/* io/sockets.c: the kernel's sockets behind the table of sockets.h. One call each. */
#include <errno.h>
#include <unistd.h>

#include "io/sockets.h"
#include "os/os.h"

static int outcome(int result)
{
	return result < 0 ? -errno : result;
}

static ssize_t outcome_size(ssize_t result)
{
	return result < 0 ? -errno : result;
}

static int kernel_open(struct weft__poller *poller, int family)
{
	(void)poller;
	return weft__fd_made(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static void kernel_close(struct weft__poller *poller, int fd)
{
	(void)poller;
	close(fd);
}

static int kernel_bind(struct weft__poller *poller, int fd, const struct sockaddr *address,
		socklen_t length)
{
	(void)poller;
	return outcome(bind(fd, address, length));
}

static int kernel_listen(struct weft__poller *poller, int fd, int backlog)
{
	(void)poller;
	return outcome(listen(fd, backlog));
}

static int kernel_accept(struct weft__poller *poller, int fd, struct sockaddr *peer,
		socklen_t *length)
{
	(void)poller;
	return weft__fd_made(accept4(fd, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static int kernel_connect(struct weft__poller *poller, int fd, const struct sockaddr *address,
		socklen_t length)
{
	(void)poller;
	return outcome(connect(fd, address, length));
}

static int kernel_error(struct weft__poller *poller, int fd)
{
	int error = 0;
	socklen_t length = sizeof error;

	(void)poller;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	return -error;
}

static ssize_t kernel_receive(struct weft__poller *poller, int fd, void *buffer, size_t size)
{
	(void)poller;
	return outcome_size(recv(fd, buffer, size, 0));
}

static ssize_t kernel_send(struct weft__poller *poller, int fd, const void *buffer, size_t size)
{
	(void)poller;
	return outcome_size(send(fd, buffer, size, MSG_NOSIGNAL));
}

static ssize_t kernel_receivev(struct weft__poller *poller, int fd, const struct iovec *iov,
		int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)count };

	(void)poller;
	return outcome_size(recvmsg(fd, &message, 0));
}

static ssize_t kernel_sendv(struct weft__poller *poller, int fd, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)count };

	(void)poller;
	return outcome_size(sendmsg(fd, &message, MSG_NOSIGNAL));
}

static int kernel_shutdown(struct weft__poller *poller, int fd, int how)
{
	(void)poller;
	return outcome(shutdown(fd, how));
}

static int kernel_local(struct weft__poller *poller, int fd, struct sockaddr *address,
		socklen_t *length)
{
	(void)poller;
	return outcome(getsockname(fd, address, length));
}

static int kernel_peer(struct weft__poller *poller, int fd, struct sockaddr *address,
		socklen_t *length)
{
	(void)poller;
	return outcome(getpeername(fd, address, length));
}

static int kernel_set_option(struct weft__poller *poller, int fd, int level, int name,
		const void *value, socklen_t length)
{
	(void)poller;
	return outcome(setsockopt(fd, level, name, value, length));
}

static int kernel_get_option(struct weft__poller *poller, int fd, int level, int name, void *value,
		socklen_t *length)
{
	(void)poller;
	return outcome(getsockopt(fd, level, name, value, length));
}

const struct weft__socket_ops weft__sockets_kernel = {
	.open = kernel_open,
	.close = kernel_close,
	.bind = kernel_bind,
	.listen = kernel_listen,
	.accept = kernel_accept,
	.connect = kernel_connect,
	.error = kernel_error,
	.receive = kernel_receive,
	.send = kernel_send,
	.receivev = kernel_receivev,
	.sendv = kernel_sendv,
	.shutdown = kernel_shutdown,
	.local = kernel_local,
	.peer = kernel_peer,
	.set_option = kernel_set_option,
	.get_option = kernel_get_option,
};
