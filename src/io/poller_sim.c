/* SPDX-License-Identifier: MIT */
/*
 * io/poller_sim.c: interest in simulated sockets; no operations, no clock.
 *
 * How         wait lets a seeded number of things arrive, then reports sockets on which something has
 *             happened, some of them, in a seeded order. As with an edge-triggered epoll set, what is
 *             reported is the state at that moment, and a socket is reported again only after something
 *             has happened again. remove lets go at once, or with a last event.
 * Invariants  [I1] wait returns 0 only when nothing is under way: whoever owns a virtual clock may then
 *                  advance it.
 *             [I2] a thread in `sleepers` left nothing under way or ready: who puts something there,
 *                  stirs it.
 * Order       [O1] wake stores `woken`, then signals; a sleeper drains the signal, then looks at `woken`.
 * Cost        wait: no system call, unless it sleeps.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/atomic.h"
#include "base/check.h"
#include "io/sim.h"
#include "os/os.h"

/* ---- chance ---- */

unsigned weft__sim_random(struct sim_network *network, unsigned limit)
{
	uint64_t x = network->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	network->random = x;
	return (unsigned)((x * UINT64_C(2685821657736338717)) >> 32) % limit;
}

bool weft__sim_fails(struct sim_network *network, enum weft__sim_fault_kind what)
{
	return network->faults[what] && --network->faults[what] == 0;
}

void weft__sim_fault(struct weft__poller *poller, enum weft__sim_fault_kind what, unsigned nth)
{
	struct sim_network *network = poller->state;

	weft__lock_acquire(&network->lock);
	network->faults[what] = nth;
	weft__lock_release(&network->lock);
}

void weft__sim_buffers(struct weft__poller *poller, unsigned bytes_min)
{
	struct sim_network *network = poller->state;

	WEFT_ASSERT(bytes_min > 0);
	weft__lock_acquire(&network->lock);
	network->buffer_bytes_min = bytes_min;
	weft__lock_release(&network->lock);
}

/* ---- bags ---- */

static int sim_bag_reserve(struct sim_bag *bag, unsigned count)
{
	unsigned capacity = count < 2 * bag->capacity ? 2 * bag->capacity : count;
	struct sim_item **items;

	if (count <= bag->capacity)
		return 0;
	items = realloc(bag->items, capacity * sizeof(struct sim_item *));
	if (!items)
		return -ENOMEM;
	bag->items = items;
	bag->capacity = capacity;
	return 0;
}

int weft__sim_reserve(struct sim_network *network, unsigned more)
{
	int err = sim_bag_reserve(&network->flying, network->members + more);

	return err ? err : sim_bag_reserve(&network->ready, network->members + more);
}

void weft__sim_put(struct sim_bag *bag, struct sim_item *item)
{
	if (item->in_bag)
		return;
	WEFT_ASSERT(bag->count < bag->capacity);
	item->in_bag = true;
	item->place = bag->count;
	bag->items[bag->count++] = item;
}

void weft__sim_remove(struct sim_bag *bag, struct sim_item *item)
{
	if (!item->in_bag)
		return;
	WEFT_ASSERT(bag->items[item->place] == item);
	bag->items[item->place] = bag->items[--bag->count];
	bag->items[item->place]->place = item->place;
	item->in_bag = false;
}

/* ---- events ---- */

void weft__sim_edge(struct sim_network *network, struct sim_socket *socket)
{
	if (socket->watched)
		weft__sim_put(&network->ready, &socket->ready);
}

/* The state of a connected, refused or reset socket, as poll(2) tells it. */
static short sim_link_state(struct sim_socket *socket)
{
	struct sim_pipe *in = &socket->link->pipes[!socket->side];
	struct sim_pipe *out = &socket->link->pipes[socket->side];
	bool no_more_in = socket->read_shut || in->end == SIM_END_ARRIVED;
	bool no_more_out = out->end != SIM_OPEN;
	int state = 0;

	if (no_more_in)
		state |= POLLIN | POLLRDHUP;
	if (no_more_in && no_more_out)
		state |= POLLHUP;
	if (in->arrived)
		state |= POLLIN;
	if (no_more_out || weft__sim_pipe_is_writable(out))
		state |= POLLOUT;
	else
		out->was_full = true;
	return (short)state;
}

static short sim_state(struct sim_socket *socket)
{
	switch (socket->state) {
	case SIM_LISTENING:
		return socket->queue ? POLLIN : 0;
	case SIM_CONNECTING:
		return 0;
	case SIM_CONNECTED:
		return sim_link_state(socket);
	case SIM_DEAD:
		return (short)(POLLIN | POLLOUT | POLLRDHUP | POLLHUP |
				(socket->error ? POLLERR : 0));
	default:
		return POLLOUT | POLLHUP;
	}
}

static unsigned sim_bits(short state)
{
	unsigned bits = 0;

	if (state & POLLIN)
		bits |= POLLER_READ;
	if (state & POLLOUT)
		bits |= POLLER_WRITE;
	if (state & (POLLHUP | POLLERR))
		bits |= POLLER_READ | POLLER_WRITE | POLLER_HANGUP;
	if (state & POLLRDHUP)
		bits |= POLLER_READ | POLLER_HANGUP;
	return bits;
}

/* Draws a socket. Returns the number of events (0 or 1) it makes. */
static int sim_report(struct sim_network *network, struct weft__poller_event *event)
{
	struct sim_item *item =
			network->ready.items[weft__sim_random(network, network->ready.count)];
	struct sim_socket *socket = WEFT_CONTAINER_OF(item, struct sim_socket, ready);

	weft__sim_remove(&network->ready, item);
	event->token = socket->token;
	if (socket->removing) {
		socket->removing = false;
		event->bits = POLLER_REMOVED;
		return 1;
	}
	WEFT_ASSERT(socket->watched);
	event->bits = sim_bits(sim_state(socket));
	return event->bits != 0;
}

/* ---- waiting ---- */

static int sim_take(struct sim_network *network, struct weft__poller_event *events, int capacity)
{
	int taken = 0;

	do {
		unsigned arrivals, reports;

		if (network->flying.count) {
			arrivals = 1 + weft__sim_random(network, 2 * network->flying.count);
			while (arrivals-- > 0 && network->flying.count)
				weft__sim_deliver(network);
		}
		if (network->ready.count) {
			reports = 1 + weft__sim_random(network, network->ready.count);
			while (reports-- > 0 && taken < capacity && network->ready.count)
				taken += sim_report(network, &events[taken]);
		}
	} while (!taken && (network->flying.count || network->ready.count)); /* [I1] */
	return taken;
}

/* Sleeps until a signal or the deadline. */
static void sim_sleep(struct sim_network *network, int64_t left_ns)
{
	struct pollfd pollfd = { .fd = network->event_fd, .events = POLLIN };
	struct timespec timeout = { (time_t)(left_ns / 1000000000), (long)(left_ns % 1000000000) };

	if (ppoll(&pollfd, 1, left_ns < 0 ? NULL : &timeout, NULL) > 0)
		weft__event_drain(network->event_fd); /* [O1] */
}

static int sim_wait(struct weft__poller *poller, int64_t timeout_ns,
		struct weft__poller_event *events, int capacity)
{
	struct sim_network *network = poller->state;
	int64_t now = timeout_ns > 0 ? weft__clock_now() : 0;
	int64_t deadline = timeout_ns >= 0 && timeout_ns < INT64_MAX - now ? now + timeout_ns
									   : INT64_MAX;
	bool slept = false;

	for (;;) {
		bool woken, sleep;
		int taken;

		weft__lock_acquire(&network->lock);
		network->sleepers -= slept;
		taken = sim_take(network, events, capacity);
		/* [O1] acquire pairs with the store in sim_wake */
		woken = atomic_exchange_acquire(&network->woken, 0u) != 0;
		sleep = !taken && !woken && now < deadline;
		network->sleepers += sleep; /* [I2] */
		weft__lock_release(&network->lock);
		if (!sleep)
			return taken;
		sim_sleep(network, deadline == INT64_MAX ? -1 : deadline - now);
		slept = true;
		if (timeout_ns > 0)
			now = weft__clock_now();
	}
}

static void sim_wake(struct weft__poller *poller)
{
	struct sim_network *network = poller->state;

	atomic_store_release(&network->woken, 1u); /* [O1] pairs with the exchange in sim_wait */
	weft__event_signal(network->event_fd);
}

/* ---- the table ---- */

static struct sim_socket *sim_find(const struct sim_network *network, int fd)
{
	if (fd < SIM_FD_FIRST || fd - SIM_FD_FIRST >= network->slot_count)
		return NULL;
	return network->sockets[fd - SIM_FD_FIRST];
}

static int sim_watch(struct sim_network *network, int fd, void *token)
{
	struct sim_socket *socket = sim_find(network, fd);

	if (!socket)
		return fd < SIM_FD_FIRST ? -EPERM : -EBADF;
	if (socket->watched || socket->removing)
		return -EEXIST;
	socket->token = token;
	socket->watched = true;
	if (sim_state(socket))
		weft__sim_edge(network, socket);
	return 0;
}

/* Descriptors of the kernel's give -EPERM. */
static int sim_add(struct weft__poller *poller, int fd, void *token)
{
	struct sim_network *network = poller->state;
	bool stir;
	int err;

	weft__lock_acquire(&network->lock);
	err = sim_watch(network, fd, token);
	stir = network->sleepers && network->ready.count;
	weft__lock_release(&network->lock);
	if (stir)
		weft__event_signal(network->event_fd); /* [I2] */
	return err;
}

static int sim_unwatch(struct sim_network *network, int fd, void *token)
{
	struct sim_socket *socket = sim_find(network, fd);

	WEFT_ASSERT(socket && socket->watched && socket->token == token);
	socket->watched = false;
	weft__sim_remove(&network->ready, &socket->ready);
	if (weft__sim_random(network, 4))
		return 0;
	socket->removing = true;
	weft__sim_put(&network->ready, &socket->ready);
	return 1;
}

static int sim_remove(struct weft__poller *poller, int fd, void *token)
{
	struct sim_network *network = poller->state;
	bool stir;
	int more;

	weft__lock_acquire(&network->lock);
	more = sim_unwatch(network, fd, token);
	stir = network->sleepers && more;
	weft__lock_release(&network->lock);
	if (stir)
		weft__event_signal(network->event_fd); /* [I2] */
	return more;
}

static int sim_fd(struct weft__poller *poller)
{
	(void)poller;
	return -ENOTSUP;
}

static void sim_finish(struct weft__poller *poller)
{
	struct sim_network *network = poller->state;

	if (!network)
		return;
	for (int i = 0; i < network->slot_count; i++)
		if (network->sockets[i]) {
			network->sockets[i]->removing = false;
			weft__sim_close(network, network->sockets[i]);
		}
	WEFT_ASSERT(network->members == 0);
	if (network->event_fd >= 0)
		weft__fd_close(network->event_fd);
	free(network->sockets);
	free(network->flying.items);
	free(network->ready.items);
	free(network);
	poller->state = NULL;
}

static int sim_init(struct weft__poller *poller)
{
	struct sim_network *network = calloc(1, sizeof *network);
	const char *seed = getenv("WEFT_SEED");

	poller->state = network;
	if (!network)
		return -ENOMEM;
	if (!poller->seed && seed)
		poller->seed = strtoull(seed, NULL, 0);
	while (!poller->seed)
		poller->seed = weft__random_seed();
	network->random = poller->seed * UINT64_C(0x9e3779b97f4a7c15); /* seeds are often small */
	network->buffer_bytes_min = SIM_BUFFER_BYTES;
	network->next_port = (uint16_t)(32768 + weft__sim_random(network, 28000));
	network->event_fd = weft__event_create();
	if (network->event_fd < 0) {
		int err = network->event_fd;

		sim_finish(poller);
		return err;
	}
	return 0;
}

const struct weft__poller_ops weft__poller_sim = {
	.name = "sim",
	.init = sim_init,
	.finish = sim_finish,
	.add = sim_add,
	.remove = sim_remove,
	.wait = sim_wait,
	.wake = sim_wake,
	.fd = sim_fd,
	.sockets = &weft__sockets_sim,
};
