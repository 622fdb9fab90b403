/* SPDX-License-Identifier: MIT */
/*
 * weft/net.h: TCP.
 *
 *     struct weft_tcp_listener listener;
 *     int err = weft_tcp_listen(&listener, "127.0.0.1", "50000");
 *
 *     for (;;) {
 *             weft_await(f, f->accept, weft_tcp_accept, f->listener, &f->conn);
 *             if (f->accept.args.result < 0)
 *                     break;
 *             serve__init(&f->serve, f->conn);
 *             if (weft_task_spawn_detached(NULL, &serve__async, &f->serve) < 0)
 *                     weft_tcp_close(f->conn);         // no task, so conn is still ours
 *     }
 *     weft_tcp_listener_close(f->listener);
 *
 * weft_tcp and weft_tcp_listener are small copyable handles: a pointer and a generation. Use after close
 * gives -EBADF, always, from any copy. Sockets are tried first and waited for second; a handle is not
 * bound to the worker that made it.
 *
 * Memory:  64 bytes a socket beside the kernel's. Buffers are the caller's, and are used only inside a
 *          poll: a cancelled read or write leaves nothing behind.
 * Threads: any task, any thread. One reading and one writing task at a time; a second one that would
 *          have to wait gets -EBUSY.
 * Errors:  0 or a count, or a negative errno: -EBADF (closed), -ECANCELED (cancelled: no byte was moved,
 *          no connection taken), -ENXIO (outside a runtime), else the system's.
 */
#ifndef WEFT_NET_H
#define WEFT_NET_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <weft/frame.h>
#include <weft/io.h>

WEFT_BEGIN_DECLS

struct weft__source;

struct weft_tcp {
	struct weft__source *source; /* private */
	uint32_t generation;
};

struct weft_tcp_listener {
	struct weft__source *source; /* private */
	uint32_t generation;
};

/* ---- listening ---- */

/* Binds and listens (SO_REUSEADDR, backlog 4096). host: a numeric address, or NULL for all; port:
 * decimal, "0" lets the system choose (weft_tcp_listener_address tells). To be called inside a runtime.
 * -EINVAL: host or port is not numeric. */
WEFT_NODISCARD int weft_tcp_listen(
		struct weft_tcp_listener *listener, const char *host, const char *port);

/* Stops listening; a waiting accept gives -EBADF. -EBADF if closed already. */
int weft_tcp_listener_close(struct weft_tcp_listener listener);

/* The address that it is bound to; *length is the space in, the size out. */
WEFT_NODISCARD int weft_tcp_listener_address(
		struct weft_tcp_listener listener, struct sockaddr *address, socklen_t *length);

/* The port that it is bound to, or a negative errno. */
WEFT_NODISCARD int weft_tcp_listener_port(struct weft_tcp_listener listener);

/* async int weft_tcp_accept(listener, &conn): 0 and a connection that is yours to close. A connection
 * that died in the queue is passed over. -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM: out of descriptors or
 * memory; the connection stays in the queue: close something, or sleep, and accept again. (Only if the
 * memory of its record is short it is closed.) */
WEFT_ASYNC_2(int, weft_tcp_accept, struct weft_tcp_listener, struct weft_tcp *);

struct weft_tcp_accept__frame {
	struct weft_tcp_accept__args args;
};

/* ---- connecting ---- */

/* async int weft_tcp_connect(&conn, host, port): numeric host and port as in listen. 0 and a connection
 * that is yours to close; -ECONNREFUSED, -ETIMEDOUT, -ENETUNREACH and the like from the system. With a
 * deadline: weft_timeout around it. Cancelled, the attempt is given up and the socket closed. */
WEFT_ASYNC_3(int, weft_tcp_connect, struct weft_tcp *, const char *, const char *);

struct weft_tcp_connect__frame {
	struct weft_tcp_connect__args args;
	struct weft_tcp conn;
};

/* ---- sockets that were made elsewhere ---- */

/* Takes over a connected stream socket: one that was inherited, received from another process, or is an
 * end of a socketpair (AF_UNIX serves as well as TCP; what only TCP has then gives -EOPNOTSUPP). It
 * becomes non-blocking, for all who share it, and close-on-exec; weft_tcp_close closes it. To be called
 * inside a runtime (-ENXIO). On failure fd is still the caller's. -EBADF, -ENOTSOCK: it is none;
 * -ENOTCONN: it listens; -ENOMEM; -EOPNOTSUPP: this runtime's network is simulated. */
WEFT_NODISCARD int weft_tcp_adopt(struct weft_tcp *conn, int fd);

/* The same for a socket that listens, as a service manager hands over. -EINVAL: it does not listen. */
WEFT_NODISCARD int weft_tcp_listener_adopt(struct weft_tcp_listener *listener, int fd);

/* ---- reading and writing ---- */

/* async ssize_t weft_tcp_read(conn, buffer, size): up to size bytes as soon as there are any; 0 at the
 * peer's end of stream, and for size 0. */
WEFT_ASYNC_3(ssize_t, weft_tcp_read, struct weft_tcp, void *, size_t);

struct weft_tcp_read__frame {
	struct weft_tcp_read__args args;
};

/* async ssize_t weft_tcp_readv(conn, iov, count): as read, into several buffers (at most IOV_MAX). iov is
 * borrowed until it is ready. */
WEFT_ASYNC_3(ssize_t, weft_tcp_readv, struct weft_tcp, const struct iovec *, int);

struct weft_tcp_readv__frame {
	struct weft_tcp_readv__args args;
};

/* async ssize_t weft_tcp_write(conn, bytes, size): writes what the system takes at once, at least one
 * byte. -EPIPE or -ECONNRESET: the peer is gone (no SIGPIPE). */
WEFT_ASYNC_3(ssize_t, weft_tcp_write, struct weft_tcp, const void *, size_t);

struct weft_tcp_write__frame {
	struct weft_tcp_write__args args;
};

/* async ssize_t weft_tcp_writev(conn, iov, count). */
WEFT_ASYNC_3(ssize_t, weft_tcp_writev, struct weft_tcp, const struct iovec *, int);

struct weft_tcp_writev__frame {
	struct weft_tcp_writev__args args;
};

/* async ssize_t weft_tcp_write_all(conn, bytes, size): as weft_io_write_all. */
WEFT_ASYNC_3(ssize_t, weft_tcp_write_all, struct weft_tcp, const void *, size_t);

struct weft_tcp_write_all__frame {
	struct weft_tcp_write_all__args args;
	struct weft_write_progress progress;
};

/* async int weft_tcp_readable(conn): 0 as soon as a read would not wait. Holds no buffer meanwhile. It
 * believes what is known of the socket, so on a new one it may be mistaken: try, and on -EAGAIN again. */
WEFT_ASYNC_1(int, weft_tcp_readable, struct weft_tcp);

struct weft_tcp_readable__frame {
	struct weft_tcp_readable__args args;
};

/* Reads or writes now or not at all: -EAGAIN where the async form would wait. */
WEFT_NODISCARD ssize_t weft_tcp_try_read(struct weft_tcp conn, void *buffer, size_t size);
WEFT_NODISCARD ssize_t weft_tcp_try_write(struct weft_tcp conn, const void *bytes, size_t size);

/* The connection as a byte stream. Borrowed: closing stays with the connection. */
struct weft_io weft_tcp_io(struct weft_tcp conn);

/* ---- the end, and options ---- */

/* Closes; waiting reads and writes give -EBADF. -EBADF if closed already. */
int weft_tcp_close(struct weft_tcp conn);

/* Half-close: the peer reads the end of the stream, and this side can still read. */
WEFT_NODISCARD int weft_tcp_shutdown_write(struct weft_tcp conn);

/* Makes the next close send a reset (SO_LINGER with time 0). */
WEFT_NODISCARD int weft_tcp_set_reset_on_close(struct weft_tcp conn, bool reset);

WEFT_NODISCARD int weft_tcp_set_nodelay(struct weft_tcp conn, bool nodelay); /* TCP_NODELAY */
WEFT_NODISCARD int weft_tcp_set_keepalive(struct weft_tcp conn, bool keepalive, int idle_seconds);
WEFT_NODISCARD int weft_tcp_set_buffers(struct weft_tcp conn, int receive_bytes, int send_bytes);
WEFT_NODISCARD int weft_tcp_local_address(
		struct weft_tcp conn, struct sockaddr *address, socklen_t *length);
WEFT_NODISCARD int weft_tcp_peer_address(
		struct weft_tcp conn, struct sockaddr *address, socklen_t *length);

WEFT_END_DECLS

#endif
