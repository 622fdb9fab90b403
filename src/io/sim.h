/* SPDX-License-Identifier: MIT */
/*
 * io/sim.h: a network of stream sockets inside one process, for tests.
 *
 *     struct weft__poller poller = { .seed = 7 };           // 0: WEFT_SEED, or a new one every time
 *     weft__poller_init(&poller, "sim");                    // poller.seed is now the seed in use
 *     weft__sim_fault(&poller, SIM_FAULT_ACCEPT, 3);        // the third accept gives -EMFILE
 *
 * Everything that a real network leaves open is decided by the seed: how many bytes arrive at a time, in
 * which order sockets hear of it, how much fits into a buffer, how the poller lets go of a descriptor.
 *
 *   poller_sim.c    waiting, events, the poller's table
 *   sim_link.c      connections: bytes, ends and resets under way
 *   sim_sockets.c   the socket calls
 *   sim_address.c   addresses and ports
 */
#ifndef WEFT_IO_SIM_H
#define WEFT_IO_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/lock.h"
#include "io/poller.h"

extern const struct weft__socket_ops weft__sockets_sim;

enum weft__sim_fault_kind {
	SIM_FAULT_ACCEPT, /* an accept that would have succeeded gives -EMFILE */
	SIM_FAULT_RESET,  /* instead of the delivery of some bytes, both ends are reset */
	SIM_FAULTS
};

/* Makes the nth thing of this kind from now on fail (1: the next; 0: none). */
void weft__sim_fault(struct weft__poller *poller, enum weft__sim_fault_kind what, unsigned nth);

/* What the buffers of connections from now on hold at least, on either side. The default is a page, with
 * which a program works that works with real sockets; 1 tries how it bears congestion. */
void weft__sim_buffers(struct weft__poller *poller, unsigned bytes_min);

/* ---- private from here on: all of it under the network's lock ---- */

enum { SIM_FD_FIRST = (1 << 20) + 1, SIM_OPTIONS = 12, SIM_BUFFER_BYTES = 4096 };

/* A member of a bag, from which one is drawn by chance. */
struct sim_item {
	uint8_t kind; /* enum sim_item_kind */
	bool in_bag;
	unsigned place; /* if it is */
};

enum sim_item_kind { SIM_READY, SIM_CONNECT, SIM_PIPE };

struct sim_bag {
	struct sim_item **items;
	unsigned count, capacity;
};

enum sim_end { SIM_OPEN, SIM_END_FLYING, SIM_END_ARRIVED };

/* One direction of a connection. In the ring of bytes: arrived, then flying, then free. */
struct sim_pipe {
	struct sim_item item;
	int side; /* in its link */
	unsigned char *bytes;
	size_t capacity, first, arrived, flying;
	size_t arrived_max, flying_max;
	uint8_t end;   /* enum sim_end: of what the writer sends */
	bool reset;    /* a reset is under way to the reader */
	bool was_full; /* tell the writer when there is room */
};

struct sim_link {
	struct sim_socket *ends[2]; /* NULL: closed */
	struct sim_pipe pipes[2];   /* pipes[i]: written by ends[i] */
};

enum sim_state {
	SIM_FRESH,
	SIM_LISTENING,
	SIM_CONNECTING,
	SIM_CONNECTED,
	SIM_DEAD /* refused or reset */
};

struct sim_address {
	struct sockaddr_storage address;
	socklen_t length; /* 0: none */
};

struct sim_option {
	int level, name, value;
};

struct sim_socket {
	struct sim_item ready;   /* has an event to report, perhaps */
	struct sim_item connect; /* CONNECTING, and not blocked */
	int fd;                  /* -1: waits to be accepted */
	uint8_t state;           /* enum sim_state */
	bool watched, removing;  /* by the poller; removing: it owes the last event */
	bool blocked;            /* CONNECTING: the listener has no room */
	bool read_shut, abortive;
	bool bound; /* by name */
	int family, error;
	void *token;
	struct sim_link *link; /* CONNECTED; DEAD if there may be bytes left to read */
	int side;
	struct sim_address local, peer;
	struct sim_socket *next;           /* listener, or queue of a listener */
	struct sim_socket *queue, *queued; /* LISTENING: first and last to be accepted */
	unsigned queue_len, queue_len_max;
	struct sim_option options[SIM_OPTIONS];
	unsigned option_count;
};

struct sim_network {
	struct weft__lock lock;
	uint64_t random;
	int event_fd;
	uint32_t woken; /* atomic */
	unsigned sleepers;
	struct sim_socket **sockets; /* by descriptor; NULL: free */
	int slot_count, slot_lowest;
	unsigned blocked_count;
	unsigned members; /* sockets and pipes: what the bags have room for */
	struct sim_bag flying, ready;
	struct sim_socket *listeners;
	uint16_t next_port;
	unsigned faults[SIM_FAULTS];
	unsigned buffer_bytes_min;
};

/* A number below `limit`, which is not 0. */
unsigned weft__sim_random(struct sim_network *network, unsigned limit);

/* Whether this is the time for a fault of this kind. */
bool weft__sim_fails(struct sim_network *network, enum weft__sim_fault_kind what);

/* Room in both bags for `more` members; -ENOMEM. */
int weft__sim_reserve(struct sim_network *network, unsigned more);

void weft__sim_put(struct sim_bag *bag, struct sim_item *item);    /* unless it is there */
void weft__sim_remove(struct sim_bag *bag, struct sim_item *item); /* if it is there */

/* Something has happened to the socket that may have made it ready. */
void weft__sim_edge(struct sim_network *network, struct sim_socket *socket);

struct sim_socket *weft__sim_socket_create(struct sim_network *network, int family);
void weft__sim_socket_destroy(struct sim_network *network, struct sim_socket *socket);
void weft__sim_close(struct sim_network *network, struct sim_socket *socket);

/* ---- addresses ---- */

/* As the caller of connect or bind gave it; -EINVAL, -EAFNOSUPPORT. */
int weft__sim_address_read(struct sim_address *address, int family, const struct sockaddr *from,
		socklen_t length);

/* Into the caller's memory, as getpeername does it; to may be NULL. Returns 0. */
int weft__sim_address_write(
		const struct sim_address *address, struct sockaddr *to, socklen_t *length);

/* Of AF_INET: as AF_INET6 writes it, ::ffff:a.b.c.d. */
void weft__sim_address_map(struct sim_address *address);

/* Puts in a port, if there is none; -EADDRINUSE: somebody is bound to it. */
int weft__sim_address_choose(struct sim_network *network, struct sim_address *address);

/* Puts in another port (not with AF_UNIX). */
void weft__sim_address_renumber(struct sim_network *network, struct sim_address *address);

/* The listener to which a connect to this address comes, or NULL. */
struct sim_socket *weft__sim_listener(
		const struct sim_network *network, const struct sim_address *address);

/* ---- connections ---- */

/* Connects both; they are fresh. */
int weft__sim_link_create(
		struct sim_network *network, struct sim_socket *client, struct sim_socket *server);

/* The socket gives up its end: with a reset, or an end after what is under way. */
void weft__sim_link_leave(struct sim_network *network, struct sim_socket *socket, bool abortive);

/* Puts the pipe where it belongs, after something about it has changed. */
void weft__sim_pipe_changed(struct sim_network *network, struct sim_link *link, int side);

bool weft__sim_pipe_is_writable(const struct sim_pipe *pipe);

size_t weft__sim_pipe_read(struct sim_pipe *pipe, unsigned char *bytes, size_t size);
size_t weft__sim_pipe_write(struct sim_pipe *pipe, const unsigned char *bytes, size_t size);

/* Lets one thing that is under way arrive. */
void weft__sim_deliver(struct sim_network *network);

#endif
