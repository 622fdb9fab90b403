/* SPDX-License-Identifier: MIT */
/*
 * io/sim_sockets.c: the socket calls of the simulated network. Results and their order are Linux's.
 *
 * How         Every call is: lock, find the socket, do, unlock; a thread that sleeps in wait is stirred if
 *             something is under way then. A connect is never answered at once; it arrives at a listener
 *             like anything else, and waits outside if the queue is full.
 * Not here    datagrams, SO_REUSEPORT, IPV6_V6ONLY; close does not linger.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/sim.h"
#include "io/sockets.h"
#include "os/os.h"

enum { SIM_SLOTS_FIRST = 16 };

/* ---- entering and leaving ---- */

static struct sim_network *sim_network(struct weft__poller *poller)
{
	return poller->state;
}

/* Locks. NULL: no such socket. */
static struct sim_socket *sim_enter(struct weft__poller *poller, int fd)
{
	struct sim_network *network = poller->state;

	weft__lock_acquire(&network->lock);
	if (fd < SIM_FD_FIRST || fd - SIM_FD_FIRST >= network->slot_count)
		return NULL;
	return network->sockets[fd - SIM_FD_FIRST];
}

static ssize_t sim_leave_size(struct weft__poller *poller, ssize_t result)
{
	struct sim_network *network = poller->state;
	bool stir = network->sleepers && (network->flying.count || network->ready.count);

	weft__lock_release(&network->lock);
	if (stir)
		weft__event_signal(network->event_fd);
	return result;
}

static int sim_leave(struct weft__poller *poller, int result)
{
	return (int)sim_leave_size(poller, result);
}

/* ---- the table of descriptors ---- */

static int sim_slots_grow(struct sim_network *network)
{
	int count = network->slot_count ? 2 * network->slot_count : SIM_SLOTS_FIRST;
	struct sim_socket **sockets =
			realloc(network->sockets, (size_t)count * sizeof(struct sim_socket *));

	if (!sockets)
		return -ENOMEM;
	network->sockets = sockets;
	while (network->slot_count < count)
		sockets[network->slot_count++] = NULL;
	return 0;
}

/* Gives the socket the lowest free number, as the kernel does: a stale one is soon somebody else's. */
static int sim_install(struct sim_network *network, struct sim_socket *socket)
{
	int slot = network->slot_lowest;

	while (slot < network->slot_count && network->sockets[slot])
		slot++;
	if (slot == network->slot_count && sim_slots_grow(network) < 0)
		return -ENOMEM;
	network->slot_lowest = slot + 1;
	network->sockets[slot] = socket;
	socket->fd = SIM_FD_FIRST + slot;
	return socket->fd;
}

struct sim_socket *weft__sim_socket_create(struct sim_network *network, int family)
{
	struct sim_socket *socket = calloc(1, sizeof *socket);

	if (!socket || weft__sim_reserve(network, 1) < 0) {
		free(socket);
		return NULL;
	}
	network->members++;
	socket->ready.kind = SIM_READY;
	socket->connect.kind = SIM_CONNECT;
	socket->fd = -1;
	socket->family = family;
	socket->local.address.ss_family = (sa_family_t)family;
	socket->local.length = sizeof(sa_family_t);
	return socket;
}

void weft__sim_socket_destroy(struct sim_network *network, struct sim_socket *socket)
{
	WEFT_ASSERT(!socket->removing); /* the poller still owes the last event */
	weft__sim_remove(&network->ready, &socket->ready);
	weft__sim_remove(&network->flying, &socket->connect);
	network->blocked_count -= socket->blocked;
	if (socket->fd >= 0) {
		int slot = socket->fd - SIM_FD_FIRST;

		network->sockets[slot] = NULL;
		if (slot < network->slot_lowest)
			network->slot_lowest = slot;
	}
	network->members--;
	free(socket);
}

/* A listener has room, or is gone: those who wait outside try again. */
static void sim_unblock(struct sim_network *network)
{
	for (int i = 0; network->blocked_count && i < network->slot_count; i++) {
		struct sim_socket *socket = network->sockets[i];

		if (!socket || !socket->blocked)
			continue;
		socket->blocked = false;
		network->blocked_count--;
		weft__sim_put(&network->flying, &socket->connect);
	}
}

static void sim_listener_close(struct sim_network *network, struct sim_socket *socket)
{
	struct sim_socket **link = &network->listeners;

	while (*link != socket)
		link = &(*link)->next;
	*link = socket->next;
	while (socket->queue) {
		struct sim_socket *server = socket->queue;

		socket->queue = server->next;
		weft__sim_link_leave(network, server, true);
		weft__sim_socket_destroy(network, server);
	}
	sim_unblock(network);
}

void weft__sim_close(struct sim_network *network, struct sim_socket *socket)
{
	if (socket->state == SIM_LISTENING)
		sim_listener_close(network, socket);
	if (socket->link)
		weft__sim_link_leave(network, socket, socket->abortive);
	weft__sim_socket_destroy(network, socket);
}

static int sim_open(struct weft__poller *poller, int family)
{
	struct sim_network *network = sim_network(poller);
	struct sim_socket *socket;
	int fd = -ENOMEM;

	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return -EAFNOSUPPORT;
	weft__lock_acquire(&network->lock);
	socket = weft__sim_socket_create(network, family);
	if (socket) {
		fd = sim_install(network, socket);
		if (fd < 0)
			weft__sim_socket_destroy(network, socket);
	}
	return sim_leave(poller, fd);
}

static void sim_close(struct weft__poller *poller, int fd)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	if (socket)
		weft__sim_close(sim_network(poller), socket);
	sim_leave(poller, 0);
}

/* ---- addresses ---- */

static int sim_socket_bind(struct sim_network *network, struct sim_socket *socket,
		const struct sockaddr *address, socklen_t length)
{
	struct sim_address wanted;
	int err = weft__sim_address_read(&wanted, socket->family, address, length);

	if (err)
		return err;
	if (socket->bound || socket->state != SIM_FRESH)
		return -EINVAL;
	err = weft__sim_address_choose(network, &wanted);
	if (err)
		return err;
	socket->local = wanted;
	socket->bound = true;
	return 0;
}

static int sim_bind(struct weft__poller *poller, int fd, const struct sockaddr *address,
		socklen_t length)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? sim_socket_bind(sim_network(poller), socket, address, length)
			       : -EBADF);
}

static int sim_local(
		struct weft__poller *poller, int fd, struct sockaddr *address, socklen_t *length)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? weft__sim_address_write(&socket->local, address, length) : -EBADF);
}

static int sim_peer(
		struct weft__poller *poller, int fd, struct sockaddr *address, socklen_t *length)
{
	struct sim_socket *socket = sim_enter(poller, fd);
	int err = -EBADF;

	if (socket)
		err = socket->state == SIM_CONNECTED
				? weft__sim_address_write(&socket->peer, address, length)
				: -ENOTCONN;
	return sim_leave(poller, err);
}

/* ---- connecting ---- */

static int sim_socket_listen(struct sim_network *network, struct sim_socket *socket, int backlog)
{
	struct sockaddr_storage any = { .ss_family = (sa_family_t)socket->family };
	int err = 0;

	if (socket->state != SIM_FRESH && socket->state != SIM_LISTENING)
		return -EINVAL;
	if (!socket->bound && socket->family != AF_UNIX)
		err = sim_socket_bind(network, socket, (struct sockaddr *)&any, sizeof any);
	if (err || !socket->bound)
		return err ? err : -EINVAL;
	socket->queue_len_max = backlog > 0 ? (unsigned)backlog : 1;
	if (socket->state == SIM_FRESH) {
		socket->state = SIM_LISTENING;
		socket->next = network->listeners;
		network->listeners = socket;
	}
	return 0;
}

static int sim_listen(struct weft__poller *poller, int fd, int backlog)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? sim_socket_listen(sim_network(poller), socket, backlog) : -EBADF);
}

static int sim_socket_accept(struct sim_network *network, struct sim_socket *listener,
		struct sockaddr *address, socklen_t *length)
{
	struct sim_socket *server = listener->queue;
	int fd;

	if (listener->state != SIM_LISTENING)
		return -EINVAL;
	if (!server)
		return -EAGAIN;
	if (weft__sim_fails(network, SIM_FAULT_ACCEPT))
		return -EMFILE;
	fd = sim_install(network, server);
	if (fd < 0)
		return fd;
	listener->queue = server->next;
	listener->queue_len--;
	server->next = NULL;
	sim_unblock(network);
	weft__sim_address_write(&server->peer, address, length);
	return fd;
}

static int sim_accept(struct weft__poller *poller, int fd, struct sockaddr *peer, socklen_t *length)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? sim_socket_accept(sim_network(poller), socket, peer, length)
			       : -EBADF);
}

static int sim_socket_connect(struct sim_network *network, struct sim_socket *socket,
		const struct sockaddr *address, socklen_t length)
{
	int err;

	if (socket->state == SIM_CONNECTING)
		return -EALREADY;
	if (socket->state != SIM_FRESH)
		return -EISCONN;
	err = weft__sim_address_read(&socket->peer, socket->family, address, length);
	if (err)
		return err;
	if (!socket->bound && socket->family != AF_UNIX) {
		socket->local = socket->peer;
		weft__sim_address_renumber(network, &socket->local);
	}
	socket->state = SIM_CONNECTING;
	weft__sim_put(&network->flying, &socket->connect);
	return -EINPROGRESS;
}

static int sim_connect(struct weft__poller *poller, int fd, const struct sockaddr *address,
		socklen_t length)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? sim_socket_connect(sim_network(poller), socket, address, length)
			       : -EBADF);
}

static int sim_take_error(struct sim_socket *socket)
{
	int error = socket->error;

	socket->error = 0;
	return -error;
}

static int sim_error(struct weft__poller *poller, int fd)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller, socket ? sim_take_error(socket) : -EBADF);
}

/* ---- data ---- */

static ssize_t sim_socket_receive(struct sim_network *network, struct sim_socket *socket,
		unsigned char *bytes, size_t size)
{
	struct sim_pipe *pipe;

	if (socket->state == SIM_CONNECTING)
		return -EAGAIN;
	if (socket->state == SIM_FRESH || socket->state == SIM_LISTENING)
		return -ENOTCONN;
	pipe = socket->link ? &socket->link->pipes[!socket->side] : NULL;
	if (!size)
		return 0;
	if (pipe && pipe->arrived) {
		size = weft__sim_pipe_read(pipe, bytes, size);
		weft__sim_pipe_changed(network, socket->link, !socket->side);
		return (ssize_t)size;
	}
	if (socket->error)
		return sim_take_error(socket);
	if (!pipe || socket->state == SIM_DEAD || pipe->end == SIM_END_ARRIVED || socket->read_shut)
		return 0;
	return -EAGAIN;
}

static ssize_t sim_socket_send(struct sim_network *network, struct sim_socket *socket,
		const unsigned char *bytes, size_t size)
{
	struct sim_pipe *pipe;

	if (socket->state == SIM_CONNECTING)
		return -EAGAIN;
	if (socket->error)
		return sim_take_error(socket);
	if (socket->state != SIM_CONNECTED)
		return -EPIPE;
	pipe = &socket->link->pipes[socket->side];
	if (pipe->end != SIM_OPEN)
		return -EPIPE;
	if (!size)
		return 0;
	size = weft__sim_pipe_write(pipe, bytes, size);
	weft__sim_pipe_changed(network, socket->link, socket->side);
	return size ? (ssize_t)size : -EAGAIN;
}

static ssize_t sim_receive(struct weft__poller *poller, int fd, void *buffer, size_t size)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave_size(poller,
			socket ? sim_socket_receive(sim_network(poller), socket, buffer, size)
			       : -EBADF);
}

static ssize_t sim_send(struct weft__poller *poller, int fd, const void *buffer, size_t size)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave_size(poller,
			socket ? sim_socket_send(sim_network(poller), socket, buffer, size)
			       : -EBADF);
}

/* One call after the other, until one is not carried out in full. */
static ssize_t sim_socket_vector(struct sim_network *network, struct sim_socket *socket,
		const struct iovec *iov, int count, bool write)
{
	ssize_t total = 0;

	for (int i = 0; i < count; i++) {
		ssize_t moved = write
				? sim_socket_send(network, socket, iov[i].iov_base, iov[i].iov_len)
				: sim_socket_receive(
						  network, socket, iov[i].iov_base, iov[i].iov_len);

		if (moved < 0)
			return total ? total : moved;
		total += moved;
		if ((size_t)moved < iov[i].iov_len)
			break;
	}
	return total;
}

static ssize_t sim_receivev(struct weft__poller *poller, int fd, const struct iovec *iov, int count)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave_size(poller,
			socket ? sim_socket_vector(sim_network(poller), socket, iov, count, false)
			       : -EBADF);
}

static ssize_t sim_sendv(struct weft__poller *poller, int fd, const struct iovec *iov, int count)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave_size(poller,
			socket ? sim_socket_vector(sim_network(poller), socket, iov, count, true)
			       : -EBADF);
}

static int sim_socket_shutdown(struct sim_network *network, struct sim_socket *socket, int how)
{
	struct sim_pipe *pipe;

	if (socket->state != SIM_CONNECTED)
		return -ENOTCONN;
	pipe = &socket->link->pipes[socket->side];
	if (how != SHUT_WR)
		socket->read_shut = true;
	if (how != SHUT_RD && pipe->end == SIM_OPEN) {
		pipe->end = SIM_END_FLYING;
		weft__sim_pipe_changed(network, socket->link, socket->side);
	}
	weft__sim_edge(network, socket);
	return 0;
}

static int sim_shutdown(struct weft__poller *poller, int fd, int how)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? sim_socket_shutdown(sim_network(poller), socket, how) : -EBADF);
}

/* ---- options ---- */

static struct sim_option *sim_option(struct sim_socket *socket, int level, int name, bool make)
{
	struct sim_option *option = socket->options;

	while (option < socket->options + socket->option_count &&
			(option->level != level || option->name != name))
		option++;
	if (option < socket->options + socket->option_count)
		return option;
	if (!make || socket->option_count == SIM_OPTIONS)
		return NULL;
	socket->option_count++;
	*option = (struct sim_option){ level, name, 0 };
	return option;
}

/* Any option that is an int is remembered; SO_LINGER with a time of 0 does something. */
static int sim_socket_set_option(
		struct sim_socket *socket, int level, int name, const void *value, socklen_t length)
{
	struct sim_option *option;
	struct linger linger;

	if (level == SOL_SOCKET && name == SO_LINGER) {
		if (length < sizeof linger)
			return -EINVAL;
		memcpy(&linger, value, sizeof linger);
		socket->abortive = linger.l_onoff && linger.l_linger == 0;
		return 0;
	}
	if (length < sizeof option->value)
		return -EINVAL;
	option = sim_option(socket, level, name, true);
	if (!option)
		return -ENOPROTOOPT;
	memcpy(&option->value, value, sizeof option->value);
	return 0;
}

static int sim_set_option(struct weft__poller *poller, int fd, int level, int name,
		const void *value, socklen_t length)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? sim_socket_set_option(socket, level, name, value, length)
			       : -EBADF);
}

static int sim_socket_get_option(
		struct sim_socket *socket, int level, int name, void *value, socklen_t *length)
{
	struct sim_option *option = sim_option(socket, level, name, false);
	struct linger linger = { socket->abortive, 0 };
	int number = option ? option->value : 0;

	if (level == SOL_SOCKET && name == SO_LINGER) {
		if (*length < sizeof linger)
			return -EINVAL;
		memcpy(value, &linger, sizeof linger);
		*length = sizeof linger;
		return 0;
	}
	if (*length < sizeof number)
		return -EINVAL;
	if (level == SOL_SOCKET && name == SO_ERROR)
		number = -sim_take_error(socket);
	else if (level == SOL_SOCKET && name == SO_TYPE)
		number = SOCK_STREAM;
	else if (level == SOL_SOCKET && name == SO_DOMAIN)
		number = socket->family;
	memcpy(value, &number, sizeof number);
	*length = sizeof number;
	return 0;
}

static int sim_get_option(struct weft__poller *poller, int fd, int level, int name, void *value,
		socklen_t *length)
{
	struct sim_socket *socket = sim_enter(poller, fd);

	return sim_leave(poller,
			socket ? sim_socket_get_option(socket, level, name, value, length)
			       : -EBADF);
}

const struct weft__socket_ops weft__sockets_sim = {
	.simulated = true,
	.open = sim_open,
	.close = sim_close,
	.bind = sim_bind,
	.listen = sim_listen,
	.accept = sim_accept,
	.connect = sim_connect,
	.error = sim_error,
	.receive = sim_receive,
	.send = sim_send,
	.receivev = sim_receivev,
	.sendv = sim_sendv,
	.shutdown = sim_shutdown,
	.local = sim_local,
	.peer = sim_peer,
	.set_option = sim_set_option,
	.get_option = sim_get_option,
};
