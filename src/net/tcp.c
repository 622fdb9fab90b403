/* SPDX-License-Identifier: MIT */
/*
 * net/tcp.c: TCP leaves: try, and wait where the try would block.
 *
 * How         Every leaf is the same loop around one system call:
 *
 *                 charge the budget --spent--> PENDING
 *                 begin  --BEGIN_WAIT--> PENDING     (refund)
 *                        --BEGIN_FAILED--> READY with the error
 *                 attempt, end --EAGAIN--> begin again
 *                              --else--> READY
 *
 *             `at` is 0 before the first poll, 1 while the leaf may have a waiter's place in the source,
 *             and then done. A transfer also charges for its bytes, so that a firehose yields as often
 *             as a chatterbox.
 * Cancelling  is begin's: -ECANCELED instead of a wait, and never after an attempt that moved a byte.
 * Not here    the line protocol of readiness (io/reactor.c), buffering (io/reader.c), options and
 *             addresses (net/tcp_options.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/net.h>

#include "base/check.h"
#include "core/env.h"
#include "io/reactor.h"
#include "io/sockets.h"
#include "io/stream.h"
#include "net/address.h"

enum { BACKLOG = 4096, BYTES_PER_CHARGE = 2048 };

/* ---- one attempt ---- */

static struct weft__poller *poller_of(const struct weft__use *use)
{
	return &use->source->reactor->poller;
}

static const struct weft__socket_ops *sockets_of(const struct weft__use *use)
{
	return use->source->reactor->sockets;
}

/* READY means: go on if *result is 0, else the leaf ends with *result. No context: never PENDING. */
WEFT_INLINE enum weft_poll attempt_begin(struct weft__use *use, struct weft_context *cx,
		bool *waiting, ssize_t *result)
{
	enum weft__begin begin;

	if (cx && WEFT_UNLIKELY(!weft_context_charge(cx)))
		return WEFT_PENDING;
	begin = weft__source_begin(use, cx, *waiting);
	*waiting = begin == BEGIN_WAIT;
	if (begin == BEGIN_WAIT) {
		weft_context_refund(cx);
		return WEFT_PENDING;
	}
	*result = WEFT_LIKELY(begin == BEGIN_TRY) ? 0 : use->error;
	return WEFT_READY;
}

/* A transfer charges for its bytes, too. */
__attribute__((noinline)) static void charge_bytes(struct weft_context *cx, size_t bytes)
{
	uint32_t charge = (uint32_t)(bytes / BYTES_PER_CHARGE);

	cx->budget -= charge < cx->budget ? charge : cx->budget;
}

/* After the system call: whether to begin again. */
WEFT_INLINE bool attempt_end(struct weft__use *use, struct weft_context *cx, ssize_t result,
		size_t size)
{
	if (WEFT_LIKELY(result > 0)) {
		weft__source_end(use, (size_t)result < size ? ATTEMPT_SHORT : ATTEMPT_DONE);
		if (cx)
			charge_bytes(cx, (size_t)result);
		return false;
	}
	weft__source_end(use, result == -EAGAIN ? ATTEMPT_BLOCKED : ATTEMPT_DONE);
	if (result != -EAGAIN)
		return result == -EINTR;
	if (cx)
		weft_context_refund(cx);
	return true;
}

/* ---- steps, for the leaves here and for weft_io ---- */

/* The general way of a read. */
__attribute__((noinline)) static enum weft_poll read_loop(struct weft_tcp conn, struct weft_context *cx,
		bool *waiting, void *buffer, size_t size, ssize_t *result)
{
	struct weft__use use = weft__use_make(conn.source, conn.generation, SOURCE_READ);

	do {
		if (attempt_begin(&use, cx, waiting, result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result < 0)
			return WEFT_READY;
		if (buffer)
			*result = sockets_of(&use)->receive(poller_of(&use), use.fd, buffer, size);
	} while (attempt_end(&use, cx, *result, size));
	return WEFT_READY;
}

__attribute__((noinline)) static enum weft_poll write_loop(struct weft_tcp conn, struct weft_context *cx,
		bool *waiting, const void *bytes, size_t size, ssize_t *result)
{
	struct weft__use use = weft__use_make(conn.source, conn.generation, SOURCE_WRITE);

	do {
		if (attempt_begin(&use, cx, waiting, result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result < 0)
			return WEFT_READY;
		*result = sockets_of(&use)->send(poller_of(&use), use.fd, bytes, size);
	} while (attempt_end(&use, cx, *result, size));
	return WEFT_READY;
}

/* The short way, for the owner of the source. BEGIN_TRY: *result is there. BEGIN_WAIT: as a source says.
 * BEGIN_FAILED: it is as if nothing had happened, and the loop goes on. */
WEFT_INLINE bool own_end(struct weft__source *source, enum weft__direction direction,
		struct weft_context *cx, ssize_t result, size_t size)
{
	if (WEFT_LIKELY(result > 0)) {
		weft__source_end_own(source, direction,
				(size_t)result < size && !(source->ready & POLLER_HANGUP));
		if (cx)
			cx->budget--;
		if (cx && WEFT_UNLIKELY(result >= BYTES_PER_CHARGE))
			charge_bytes(cx, (size_t)result);
		return true;
	}
	weft__source_end_own(source, direction, result == -EAGAIN);
	if (result == -EAGAIN || result == -EINTR)
		return false;
	if (cx)
		cx->budget--;
	return true;
}

WEFT_INLINE bool own_receive(struct weft__source *source, struct weft_context *cx, void *buffer,
		size_t size, ssize_t *result)
{
	struct weft__reactor *reactor = source->reactor;

	*result = buffer ? reactor->sockets->receive(&reactor->poller, source->fd, buffer, size) : 0;
	return own_end(source, SOURCE_READ, cx, *result, size);
}

WEFT_INLINE enum weft__begin own_read(struct weft_tcp conn, struct weft_context *cx, bool *waiting,
		void *buffer, size_t size, ssize_t *result)
{
	struct weft__source *source = conn.source;
	enum weft__begin begin =
			weft__source_begin_own(source, conn.generation, SOURCE_READ, cx, *waiting);

	if (begin != BEGIN_TRY)
		return begin;
	*waiting = false; /* whatever comes of it: the place is given up, and another may have it */
	return own_receive(source, cx, buffer, size, result) ? BEGIN_TRY : BEGIN_FAILED;
}

WEFT_INLINE enum weft__begin own_write(struct weft_tcp conn, struct weft_context *cx, bool *waiting,
		const void *bytes, size_t size, ssize_t *result)
{
	struct weft__source *source = conn.source;
	enum weft__begin begin =
			weft__source_begin_own(source, conn.generation, SOURCE_WRITE, cx, *waiting);
	struct weft__reactor *reactor;

	if (begin != BEGIN_TRY)
		return begin;
	*waiting = false; /* as in own_read */
	reactor = source->reactor;
	*result = reactor->sockets->send(&reactor->poller, source->fd, bytes, size);
	return own_end(source, SOURCE_WRITE, cx, *result, size) ? BEGIN_TRY : BEGIN_FAILED;
}

static enum weft_poll tcp_poll_read(struct weft_io io, struct weft_context *cx, bool *waiting,
		void *buffer, size_t size, ssize_t *result)
{
	struct weft_tcp conn = { io.object, io.generation };
	enum weft__begin begin = BEGIN_FAILED;

	if (WEFT_LIKELY(cx->budget > 0))
		begin = own_read(conn, cx, waiting, buffer, size, result);
	if (WEFT_UNLIKELY(begin == BEGIN_FAILED))
		return read_loop(conn, cx, waiting, buffer, size, result);
	*waiting = begin == BEGIN_WAIT;
	return *waiting ? WEFT_PENDING : WEFT_READY;
}

static enum weft_poll tcp_poll_write(struct weft_io io, struct weft_context *cx, bool *waiting,
		const void *bytes, size_t size, ssize_t *result)
{
	struct weft_tcp conn = { io.object, io.generation };
	enum weft__begin begin = BEGIN_FAILED;

	if (WEFT_LIKELY(cx->budget > 0))
		begin = own_write(conn, cx, waiting, bytes, size, result);
	if (WEFT_UNLIKELY(begin == BEGIN_FAILED))
		return write_loop(conn, cx, waiting, bytes, size, result);
	*waiting = begin == BEGIN_WAIT;
	return *waiting ? WEFT_PENDING : WEFT_READY;
}

static const struct weft_io_ops tcp_io_ops = { "tcp", tcp_poll_read, tcp_poll_write };

struct weft_io weft_tcp_io(struct weft_tcp conn)
{
	struct weft_io io = { &tcp_io_ops, conn.source, conn.generation };

	return io;
}

/* ---- leaves ---- */

/* Ends or suspends a leaf whose waiting flag is its `at`. */
#define TCP_SUSPEND(f, waiting_)                                                                   \
	do {                                                                                       \
		(f)->args.base.at = (waiting_) ? 2 : 1;                                            \
		return WEFT_PENDING;                                                               \
	} while (0)

/* A leaf that does not come by the short way. */
__attribute__((noinline)) static enum weft_poll read_leaf(struct weft_tcp_read__frame *f,
		struct weft_context *cx)
{
	bool waiting = f->args.base.at == 2;
	ssize_t result = 0;

	if (f->args.p2 && read_loop(f->args.p0, cx, &waiting, f->args.p1, f->args.p2,
					 &result) == WEFT_PENDING)
		TCP_SUSPEND(f, waiting);
	weft_return(f, result);
}

/* The owner, inside. Apart, so that a leaf that is told to wait, half of all, saves no register. */
__attribute__((noinline, nonnull)) static enum weft_poll read_inside(
		struct weft_tcp_read__frame *f, struct weft_context *cx)
{
	ssize_t result;

	if (WEFT_UNLIKELY(!own_receive(f->args.p0.source, cx, f->args.p1, f->args.p2, &result))) {
		f->args.base.at = 1; /* as in own_read */
		return read_leaf(f, cx);
	}
	weft_return(f, result);
}

enum weft_poll weft_tcp_read__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_read__frame *f = frame;
	enum weft__begin begin;

	if (WEFT_UNLIKELY(cx->budget == 0 || f->args.p2 == 0))
		return read_leaf(f, cx);
	begin = weft__source_begin_own(f->args.p0.source, f->args.p0.generation, SOURCE_READ, cx,
			f->args.base.at == 2);
	if (begin == BEGIN_WAIT)
		TCP_SUSPEND(f, true);
	return WEFT_LIKELY(begin == BEGIN_TRY) ? read_inside(f, cx) : read_leaf(f, cx);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_read, WEFT_ASYNC_RESULT_SSIZE);

enum weft_poll weft_tcp_readable__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_readable__frame *f = frame;
	bool waiting = f->args.base.at == 2;
	ssize_t result;

	if (read_loop(f->args.p0, cx, &waiting, NULL, 0, &result) == WEFT_PENDING)
		TCP_SUSPEND(f, waiting);
	weft_return(f, (int)result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_readable, WEFT_ASYNC_RESULT_INT);

__attribute__((noinline)) static enum weft_poll write_leaf(struct weft_tcp_write__frame *f,
		struct weft_context *cx, bool waiting)
{
	ssize_t result = 0;

	if (f->args.p2 && write_loop(f->args.p0, cx, &waiting, f->args.p1, f->args.p2,
					 &result) == WEFT_PENDING)
		TCP_SUSPEND(f, waiting);
	weft_return(f, result);
}

enum weft_poll weft_tcp_write__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_write__frame *f = frame;
	bool waiting = f->args.base.at == 2;
	enum weft__begin begin;
	ssize_t result = 0;

	if (WEFT_UNLIKELY(cx->budget == 0 || f->args.p2 == 0))
		return write_leaf(f, cx, waiting);
	begin = own_write(f->args.p0, cx, &waiting, f->args.p1, f->args.p2, &result);
	if (begin == BEGIN_WAIT)
		TCP_SUSPEND(f, true);
	if (WEFT_UNLIKELY(begin == BEGIN_FAILED))
		return write_leaf(f, cx, waiting);
	weft_return(f, result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_write, WEFT_ASYNC_RESULT_SSIZE);

static size_t iov_bytes(const struct iovec *iov, int count)
{
	size_t total = 0;

	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	return total;
}

enum weft_poll weft_tcp_readv__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_readv__frame *f = frame;
	struct weft__use use = weft__use_make(f->args.p0.source, f->args.p0.generation, SOURCE_READ);
	size_t size = iov_bytes(f->args.p1, f->args.p2);
	bool waiting = f->args.base.at == 2, again = size > 0;
	ssize_t result = 0;

	while (again) {
		if (attempt_begin(&use, cx, &waiting, &result) == WEFT_PENDING)
			TCP_SUSPEND(f, waiting);
		if (result < 0)
			break;
		result = sockets_of(&use)->receivev(poller_of(&use), use.fd, f->args.p1,
				f->args.p2);
		again = attempt_end(&use, cx, result, size);
	}
	weft_return(f, result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_readv, WEFT_ASYNC_RESULT_SSIZE);

enum weft_poll weft_tcp_writev__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_writev__frame *f = frame;
	struct weft__use use = weft__use_make(f->args.p0.source, f->args.p0.generation, SOURCE_WRITE);
	bool waiting = f->args.base.at == 2, again = true;
	ssize_t result = 0;

	while (again) {
		if (attempt_begin(&use, cx, &waiting, &result) == WEFT_PENDING)
			TCP_SUSPEND(f, waiting);
		if (result < 0)
			break;
		result = sockets_of(&use)->sendv(poller_of(&use), use.fd, f->args.p1,
				f->args.p2);
		again = attempt_end(&use, cx, result, iov_bytes(f->args.p1, f->args.p2));
	}
	weft_return(f, result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_writev, WEFT_ASYNC_RESULT_SSIZE);

enum weft_poll weft_tcp_write_all__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_write_all__frame *f = frame;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		f->progress = (struct weft_write_progress){ 0, false };
	}
	if (weft__write_all(weft_tcp_io(f->args.p0), cx, f->args.p1, f->args.p2, &f->progress,
			    &f->args.result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->args.result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_write_all, WEFT_ASYNC_RESULT_SSIZE);

ssize_t weft_tcp_try_read(struct weft_tcp conn, void *buffer, size_t size)
{
	bool waiting = false;
	ssize_t result = 0;

	if (size && own_read(conn, NULL, &waiting, buffer, size, &result) != BEGIN_TRY)
		(void)read_loop(conn, NULL, &waiting, buffer, size, &result);
	return result;
}

__attribute__((noinline)) static ssize_t try_write_slowly(
		struct weft_tcp conn, const void *bytes, size_t size)
{
	bool waiting = false;
	ssize_t result = 0;

	if (size)
		(void)write_loop(conn, NULL, &waiting, bytes, size, &result);
	return result;
}

ssize_t weft_tcp_try_write(struct weft_tcp conn, const void *bytes, size_t size)
{
	bool waiting = false;
	ssize_t result = 0;

	if (WEFT_LIKELY(size && own_write(conn, NULL, &waiting, bytes, size, &result) == BEGIN_TRY))
		return result;
	return try_write_slowly(conn, bytes, size);
}

/* ---- listening ---- */

static int listen_on(struct weft__poller *poller, const struct sockaddr_storage *address,
		socklen_t length)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	int fd = sockets->open(poller, address->ss_family);
	int on = 1, err;

	if (fd < 0)
		return fd;
	err = sockets->set_option(poller, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (!err)
		err = sockets->bind(poller, fd, (const struct sockaddr *)address, length);
	if (!err)
		err = sockets->listen(poller, fd, BACKLOG);
	if (!err)
		return fd;
	sockets->close(poller, fd);
	return err;
}

int weft_tcp_listen(struct weft_tcp_listener *listener, const char *host, const char *port)
{
	const struct weft_env *env = weft__env_current;
	struct sockaddr_storage address;
	socklen_t length;
	int fd, err;

	if (!env)
		return -ENXIO;
	err = weft__address_parse(host, port, true, &address, &length);
	if (err)
		return err;
	fd = listen_on(&env->reactor->poller, &address, length);
	if (fd < 0)
		return fd;
	err = weft__source_open(&listener->source, &listener->generation, env->reactor, fd);
	if (err)
		env->reactor->sockets->close(&env->reactor->poller, fd);
	return err;
}

int weft_tcp_listener_close(struct weft_tcp_listener listener)
{
	return weft__source_close(listener.source, listener.generation);
}

/* Makes a connection of an accepted descriptor; on failure the descriptor is closed. */
static int adopt(struct weft_tcp *conn, struct weft__reactor *from, const struct weft_env *env, int fd)
{
	struct weft__reactor *reactor = env && env->place ? env->place(env) : from;
	int err = weft__source_open(&conn->source, &conn->generation, reactor, fd);

	if (err)
		from->poller.ops->sockets->close(&from->poller, fd);
	return err;
}

/* The queue's head died before it was taken: Linux passes such errors on from the new connection. */
static bool accept_passes_over(ssize_t result)
{
	return result == -ECONNABORTED || result == -EPROTO || result == -ENETDOWN ||
			result == -ENOPROTOOPT || result == -EHOSTDOWN || result == -ENONET ||
			result == -EHOSTUNREACH || result == -ENETUNREACH;
}

enum weft_poll weft_tcp_accept__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_accept__frame *f = frame;
	struct weft__use use = weft__use_make(f->args.p0.source, f->args.p0.generation, SOURCE_READ);
	bool waiting = f->args.base.at == 2, again = true;
	ssize_t result = 0;

	while (again) {
		if (attempt_begin(&use, cx, &waiting, &result) == WEFT_PENDING)
			TCP_SUSPEND(f, waiting);
		if (result < 0)
			break;
		result = sockets_of(&use)->accept(poller_of(&use), use.fd, NULL, NULL);
		if (result >= 0)
			result = adopt(f->args.p1, use.source->reactor, cx->env, (int)result);
		again = attempt_end(&use, cx, result, 0) || accept_passes_over(result);
	}
	weft_return(f, (int)result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_accept, WEFT_ASYNC_RESULT_INT);

/* ---- connecting ---- */

/* Opens a socket and starts: 0 and *conn, or a negative errno. */
static int connect_start(struct weft_tcp *conn, const struct weft_env *env, const char *host,
		const char *port)
{
	struct weft__reactor *reactor;
	const struct weft__socket_ops *sockets;
	struct sockaddr_storage address;
	socklen_t length;
	int fd, err;

	if (!env || !env->reactor)
		return -ENXIO;
	err = weft__address_parse(host, port, false, &address, &length);
	if (err)
		return err;
	reactor = env->place(env);
	sockets = reactor->poller.ops->sockets;
	fd = sockets->open(&reactor->poller, address.ss_family);
	if (fd < 0)
		return fd;
	err = sockets->connect(&reactor->poller, fd, (const struct sockaddr *)&address, length);
	if (err == -EINPROGRESS || err == -EINTR)
		err = 0;
	if (!err)
		err = weft__source_open(&conn->source, &conn->generation, reactor, fd);
	if (err)
		sockets->close(&reactor->poller, fd);
	return err;
}

/* Writability means that the attempt has ended; SO_ERROR says how, and the peer's name that it has. */
static int connect_outcome(struct weft__use *use)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	int err = sockets_of(use)->error(poller_of(use), use->fd);

	if (!err && sockets_of(use)->peer(poller_of(use), use->fd,
				    (struct sockaddr *)&peer, &length) < 0)
		err = -EAGAIN;
	return err;
}

enum weft_poll weft_tcp_connect__poll(void *frame, struct weft_context *cx)
{
	struct weft_tcp_connect__frame *f = frame;
	bool waiting = f->args.base.at == 2, again = true;
	struct weft__use use;
	ssize_t result = 0;

	if (f->args.base.at == 0) {
		if (weft_context_cancelled(cx)) {
			if (!weft_context_charge(cx))
				return WEFT_PENDING; /* whoever ignores it in a loop gives way */
			weft_return(f, -ECANCELED);
		}
		result = connect_start(&f->conn, cx->env, f->args.p1, f->args.p2);
		if (result < 0)
			weft_return(f, (int)result);
	}
	use = weft__use_make(f->conn.source, f->conn.generation, SOURCE_WRITE);
	while (again) {
		if (attempt_begin(&use, cx, &waiting, &result) == WEFT_PENDING)
			TCP_SUSPEND(f, waiting);
		if (result < 0)
			break;
		result = connect_outcome(&use);
		again = attempt_end(&use, cx, result, 0);
	}
	if (result < 0)
		weft_tcp_close(f->conn);
	else
		*f->args.p0 = f->conn;
	weft_return(f, (int)result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_tcp_connect, WEFT_ASYNC_RESULT_INT);

/* ---- the end ---- */

int weft_tcp_close(struct weft_tcp conn)
{
	return weft__source_close(conn.source, conn.generation);
}
