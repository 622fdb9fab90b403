/* SPDX-License-Identifier: MIT */
/*
 * io/uring_direct.c: sockets in the ring's own table, which are no descriptors of the process.
 *
 * Why         A process may have so many descriptors and no more. A ring's table counts apart, and every
 *             ring has one; and a socket in it is found without the reference count of a descriptor.
 * How         Their numbers carry URING_DIRECT, so a poller knows both kinds. Readiness is that of
 *             uring_interest.c. What moves data, accepts or opens is a request that must not wait, and
 *             is therefore complete when it has been handed over: one system call, as without a ring.
 *             So nothing is under way in anybody's memory, and cancelling, closing and other threads
 *             are what they are for descriptors.
 *             Rarer calls (to bind, listen, connect, ask for names and options) are made on a
 *             descriptor that the kernel installs for the time of the call.
 *   The result of a call is the newest completion, or near it. If the queue was full, it is outside
 *   with others: then the queue is set aside (weft__uring_set_aside), which takes no memory, and the
 *   kernel fills it again, until the result is there.
 * Invariants  [I1] a call's request, once published, is waited for: its result is on the caller's stack.
 *             [I2] a connection is accepted only if there is a place for it: the kernel would close it.
 * Cost        receive, send, accept, open, close: one system call; the rarer ones three. The table, 8
 *             bytes for a place, is there from the beginning.
 * Not here    Multishot accept and receive: the kernel would take what nobody has asked for, and
 *             somebody would have to keep it (docs/pollers.md). Before Linux 6.13 a file that left the
 *             table stayed open until all older requests had ended, such as the poll of some idle
 *             connection, hence the version.
 */
#ifdef WEFT_HAVE_URING
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/sockets.h"
#include "io/uring.h"
#include "os/os.h"

/* What older headers do not have. */
enum {
	DIRECT_OPCODE_INSTALL = 54,      /* IORING_OP_FIXED_FD_INSTALL, Linux 6.8 */
	DIRECT_ACCEPT_DONTWAIT = 1 << 1, /* IORING_ACCEPT_DONTWAIT, Linux 6.10 */
	DIRECT_FEATURE = 1 << 16,        /* IORING_FEAT_RW_ATTR, Linux 6.14: none tells of 6.13 */
	DIRECT_MAX = 1 << 20             /* the kernel's limit */
};

int weft__uring_direct_init(struct uring_state *state)
{
	struct rlimit limit;
	int err;

	if (!(state->params.features & DIRECT_FEATURE))
		return -ENOSYS;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	state->direct_max = limit.rlim_cur < DIRECT_MAX ? (unsigned)limit.rlim_cur : DIRECT_MAX;
	err = io_uring_register_files_sparse(&state->ring, state->direct_max);
	return err < 0 ? err : 0;
}

/* ---- calls ---- */

/* Looks for a call's result among the completions, beginning with the newest. */
static bool direct_took(struct uring_state *state, struct uring_call *call)
{
	const struct io_uring_cq *cq = &state->ring.cq;
	unsigned head = *cq->khead,
		 tail = atomic_load_acquire(cq->ktail); /* pairs with the kernel's */
	uint64_t data = (uint64_t)(uintptr_t)call | URING_CALL;

	for (unsigned i = tail; i != head; i--) {
		struct io_uring_cqe *completion =
				&cq->cqes[(i - 1) & (state->params.cq_entries - 1)];

		if (completion->user_data != data)
			continue;
		weft__uring_call_ended(completion);
		completion->user_data = URING_IGNORED;
		if (i - 1 == head)
			atomic_store_release(cq->khead, i); /* the kernel may overwrite it */
		return true;
	}
	return false;
}

/* Hands over what there is, or, if that has happened, has the kernel put into the queue what did not
 * fit. An error is lack of memory: whoever calls it does so again. */
static void direct_hand_over(struct uring_state *state)
{
	unsigned submit = uring_unsubmitted(state);

	weft__lock_release(&state->lock);
	if (submit)
		io_uring_enter((unsigned)state->ring.ring_fd, submit, 0, 0, NULL);
	else
		weft__uring_enter(state, 0, 0, 0);
	weft__lock_acquire(&state->lock);
}

static int direct_call(struct weft__poller *poller, const struct io_uring_sqe *what)
{
	struct uring_state *state = poller->state;
	struct uring_call call = { 0, false };
	struct io_uring_sqe *request;

	weft__lock_acquire(&state->lock);
	while (!(request = uring_request(state)))
		direct_hand_over(state);
	*request = *what;
	uring_publish(state, request, (uint64_t)(uintptr_t)&call | URING_CALL);
	while (!call.done) { /* [I1] */
		direct_hand_over(state);
		if (!call.done && !direct_took(state, &call))
			weft__uring_set_aside(state);
	}
	weft__uring_unlock(state);
	return call.result;
}

static struct io_uring_sqe direct_request(uint8_t opcode, int fd)
{
	struct io_uring_sqe request;

	memset(&request, 0, sizeof request);
	request.opcode = opcode;
	request.fd = fd & ~URING_DIRECT;
	request.flags = fd & URING_DIRECT ? IOSQE_FIXED_FILE : 0;
	return request;
}

/* ---- places in the table ---- */

static bool direct_reserve(struct uring_state *state)
{
	bool free;

	weft__lock_acquire(&state->lock);
	free = state->direct_count < state->direct_max;
	state->direct_count += free;
	weft__lock_release(&state->lock);
	return free;
}

static void direct_unreserve(struct uring_state *state)
{
	weft__lock_acquire(&state->lock);
	state->direct_count--;
	weft__lock_release(&state->lock);
}

/* A call that puts a socket into the table. [I2] */
static int direct_call_made(struct weft__poller *poller, struct io_uring_sqe *what)
{
	int index;

	if (!direct_reserve(poller->state))
		return -ENFILE;
	what->file_index = IORING_FILE_INDEX_ALLOC;
	index = direct_call(poller, what);
	if (index >= 0)
		return index | URING_DIRECT;
	direct_unreserve(poller->state);
	return index;
}

static int direct_open(struct weft__poller *poller, int family)
{
	struct io_uring_sqe request = direct_request(IORING_OP_SOCKET, family);

	request.off = SOCK_STREAM | SOCK_NONBLOCK;
	return direct_call_made(poller, &request);
}

static int direct_accept(
		struct weft__poller *poller, int fd, struct sockaddr *peer, socklen_t *length)
{
	struct io_uring_sqe request = direct_request(IORING_OP_ACCEPT, fd);

	request.ioprio = DIRECT_ACCEPT_DONTWAIT;
	request.accept_flags = SOCK_NONBLOCK;
	request.addr = (uintptr_t)peer;
	request.addr2 = (uintptr_t)length;
	return direct_call_made(poller, &request);
}

static void direct_close(struct weft__poller *poller, int fd)
{
	struct uring_state *state = poller->state;
	int none = -1;

	if (!(fd & URING_DIRECT)) {
		close(fd);
		return;
	}
	io_uring_register_files_update(&state->ring, (unsigned)(fd & ~URING_DIRECT), &none, 1);
	direct_unreserve(state);
}

/* ---- data ---- */

static ssize_t direct_move(struct weft__poller *poller, uint8_t opcode, int fd, const void *from,
		size_t size, unsigned flags)
{
	struct io_uring_sqe request = direct_request(opcode, fd);

	request.addr = (uintptr_t)from;
	request.len = (unsigned)(size < INT32_MAX ? size : INT32_MAX);
	request.msg_flags = flags | MSG_DONTWAIT;
	return direct_call(poller, &request);
}

static ssize_t direct_receive(struct weft__poller *poller, int fd, void *buffer, size_t size)
{
	return direct_move(poller, IORING_OP_RECV, fd, buffer, size, 0);
}

static ssize_t direct_send(struct weft__poller *poller, int fd, const void *buffer, size_t size)
{
	return direct_move(poller, IORING_OP_SEND, fd, buffer, size, MSG_NOSIGNAL);
}

static ssize_t direct_receivev(
		struct weft__poller *poller, int fd, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)count };

	return direct_move(poller, IORING_OP_RECVMSG, fd, &message, 1, 0);
}

static ssize_t direct_sendv(struct weft__poller *poller, int fd, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)count };

	return direct_move(poller, IORING_OP_SENDMSG, fd, &message, 1, MSG_NOSIGNAL);
}

/* ---- the rarer calls, on a descriptor for the time of the call ---- */

/* The socket's descriptor, or -errno, which the kernel's calls answer with -EBADF. */
static int direct_borrow(struct weft__poller *poller, int fd)
{
	struct io_uring_sqe request = direct_request(DIRECT_OPCODE_INSTALL, fd);

	if (!(fd & URING_DIRECT))
		return fd;
	fd = direct_call(poller, &request);
	return fd < 0 ? fd : weft__fd_made(fd);
}

static int direct_give_back(int fd, int borrowed, int result)
{
	if (borrowed < 0)
		return borrowed;
	if (borrowed != fd)
		close(borrowed);
	return result;
}

static int direct_bind(struct weft__poller *poller, int fd, const struct sockaddr *address,
		socklen_t length)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(
			fd, borrowed, weft__sockets_kernel.bind(poller, borrowed, address, length));
}

static int direct_listen(struct weft__poller *poller, int fd, int backlog)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(
			fd, borrowed, weft__sockets_kernel.listen(poller, borrowed, backlog));
}

static int direct_connect(struct weft__poller *poller, int fd, const struct sockaddr *address,
		socklen_t length)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(fd, borrowed,
			weft__sockets_kernel.connect(poller, borrowed, address, length));
}

static int direct_error(struct weft__poller *poller, int fd)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(fd, borrowed, weft__sockets_kernel.error(poller, borrowed));
}

static int direct_shutdown(struct weft__poller *poller, int fd, int how)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(fd, borrowed, weft__sockets_kernel.shutdown(poller, borrowed, how));
}

static int direct_local(
		struct weft__poller *poller, int fd, struct sockaddr *address, socklen_t *length)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(fd, borrowed,
			weft__sockets_kernel.local(poller, borrowed, address, length));
}

static int direct_peer(
		struct weft__poller *poller, int fd, struct sockaddr *address, socklen_t *length)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(
			fd, borrowed, weft__sockets_kernel.peer(poller, borrowed, address, length));
}

static int direct_set_option(struct weft__poller *poller, int fd, int level, int name,
		const void *value, socklen_t length)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(fd, borrowed,
			weft__sockets_kernel.set_option(
					poller, borrowed, level, name, value, length));
}

static int direct_get_option(struct weft__poller *poller, int fd, int level, int name, void *value,
		socklen_t *length)
{
	int borrowed = direct_borrow(poller, fd);

	return direct_give_back(fd, borrowed,
			weft__sockets_kernel.get_option(
					poller, borrowed, level, name, value, length));
}

const struct weft__socket_ops weft__sockets_direct = {
	.open = direct_open,
	.close = direct_close,
	.bind = direct_bind,
	.listen = direct_listen,
	.accept = direct_accept,
	.connect = direct_connect,
	.error = direct_error,
	.receive = direct_receive,
	.send = direct_send,
	.receivev = direct_receivev,
	.sendv = direct_sendv,
	.shutdown = direct_shutdown,
	.local = direct_local,
	.peer = direct_peer,
	.set_option = direct_set_option,
	.get_option = direct_get_option,
};
#endif /* WEFT_HAVE_URING */
