/* SPDX-License-Identifier: MIT */
/*
 * io/sockets.h: the socket calls, as a table, so that a simulated network can stand in.
 *
 * Each is one non-blocking call: a count or 0 on success, a negative errno otherwise (-EAGAIN: nothing
 * now; -EINPROGRESS from connect). None raises SIGPIPE.
 */
#ifndef WEFT_IO_SOCKETS_H
#define WEFT_IO_SOCKETS_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "io/poller.h"

struct weft__socket_ops {
	bool simulated; /* they are no sockets of the kernel's */
	int (*open)(struct weft__poller *poller, int family); /* a stream socket */
	void (*close)(struct weft__poller *poller, int fd);
	int (*bind)(struct weft__poller *poller, int fd, const struct sockaddr *address,
			socklen_t length);
	int (*listen)(struct weft__poller *poller, int fd, int backlog);
	int (*accept)(struct weft__poller *poller, int fd, struct sockaddr *peer, socklen_t *length);
	int (*connect)(struct weft__poller *poller, int fd, const struct sockaddr *address,
			socklen_t length);
	int (*error)(struct weft__poller *poller, int fd); /* how a connect ended: 0 or -errno */
	ssize_t (*receive)(struct weft__poller *poller, int fd, void *buffer, size_t size);
	ssize_t (*send)(struct weft__poller *poller, int fd, const void *buffer, size_t size);
	ssize_t (*receivev)(struct weft__poller *poller, int fd, const struct iovec *iov, int count);
	ssize_t (*sendv)(struct weft__poller *poller, int fd, const struct iovec *iov, int count);
	int (*shutdown)(struct weft__poller *poller, int fd, int how);
	int (*local)(struct weft__poller *poller, int fd, struct sockaddr *address, socklen_t *length);
	int (*peer)(struct weft__poller *poller, int fd, struct sockaddr *address, socklen_t *length);
	int (*set_option)(struct weft__poller *poller, int fd, int level, int name, const void *value,
			socklen_t length);
	int (*get_option)(struct weft__poller *poller, int fd, int level, int name, void *value,
			socklen_t *length);
};

extern const struct weft__socket_ops weft__sockets_kernel, weft__sockets_direct;

#endif
