/* SPDX-License-Identifier: MIT */
/*
 * io/sim_link.c: simulated connections, and what is under way in them.
 *
 * How         A connection is two pipes. What is written flies until weft__sim_deliver draws its pipe
 *             from the bag and lets a piece arrive:
 *
 *                 write -> | flying | -- deliver --> | arrived | -> read
 *                          flying_max                arrived_max
 *
 *             then the end (FIN), if the writer has shut down or closed. A reset (RST) overtakes, and what
 *             flies is lost. Bytes that reach a closed end come back as a reset.
 * Invariants  [I1] a pipe is in the bag `flying` exactly while something in it can arrive: an empty bag
 *                  means that nothing will happen by itself.
 *             [I2] a link lives while one of its ends does.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "io/sim.h"

/* ---- pipes ---- */

/* Often little more than the least, sometimes much. */
static size_t sim_capacity(struct sim_network *network)
{
	static const unsigned more[] = { 8, 256, 8192, 8192 };

	return network->buffer_bytes_min +
			weft__sim_random(network, more[weft__sim_random(network, 4)]);
}

static int sim_pipe_init(struct sim_network *network, struct sim_link *link, int side)
{
	struct sim_pipe *pipe = &link->pipes[side];

	pipe->side = side;
	pipe->item.kind = SIM_PIPE;
	pipe->arrived_max = sim_capacity(network);
	pipe->flying_max = sim_capacity(network);
	pipe->capacity = pipe->arrived_max + pipe->flying_max;
	pipe->bytes = malloc(pipe->capacity);
	return pipe->bytes ? 0 : -ENOMEM;
}

size_t weft__sim_pipe_read(struct sim_pipe *pipe, unsigned char *bytes, size_t size)
{
	size_t count = size < pipe->arrived ? size : pipe->arrived;

	for (size_t i = 0; i < count; i++)
		bytes[i] = pipe->bytes[(pipe->first + i) % pipe->capacity];
	pipe->first = (pipe->first + count) % pipe->capacity;
	pipe->arrived -= count;
	return count;
}

size_t weft__sim_pipe_write(struct sim_pipe *pipe, const unsigned char *bytes, size_t size)
{
	size_t room = pipe->flying_max - pipe->flying;
	size_t count = size < room ? size : room;
	size_t end = pipe->first + pipe->arrived + pipe->flying;

	for (size_t i = 0; i < count; i++)
		pipe->bytes[(end + i) % pipe->capacity] = bytes[i];
	pipe->flying += count;
	pipe->was_full |= count < size;
	return count;
}

/* As TCP does it: not for every byte that becomes free. */
bool weft__sim_pipe_is_writable(const struct sim_pipe *pipe)
{
	return pipe->flying < pipe->flying_max && pipe->flying <= pipe->flying_max / 3 * 2;
}

static bool sim_can_arrive(const struct sim_link *link, int side)
{
	const struct sim_pipe *pipe = &link->pipes[side];

	if (pipe->reset)
		return true;
	if (pipe->flying)
		return !link->ends[!side] || pipe->arrived < pipe->arrived_max;
	return pipe->end == SIM_END_FLYING;
}

void weft__sim_pipe_changed(struct sim_network *network, struct sim_link *link, int side)
{
	struct sim_pipe *pipe = &link->pipes[side];

	if (sim_can_arrive(link, side))
		weft__sim_put(&network->flying, &pipe->item); /* [I1] */
	else
		weft__sim_remove(&network->flying, &pipe->item); /* [I1] */
}

/* ---- links ---- */

static void sim_link_destroy(struct sim_network *network, struct sim_link *link)
{
	WEFT_ASSERT(!link->ends[0] && !link->ends[1]); /* [I2] */
	for (int side = 0; side < 2; side++) {
		weft__sim_remove(&network->flying, &link->pipes[side].item);
		free(link->pipes[side].bytes);
	}
	network->members -= 2;
	free(link);
}

int weft__sim_link_create(
		struct sim_network *network, struct sim_socket *client, struct sim_socket *server)
{
	struct sim_link *link = calloc(1, sizeof *link);
	int err = link ? weft__sim_reserve(network, 2) : -ENOMEM;

	if (!err)
		err = sim_pipe_init(network, link, 0);
	if (!err)
		err = sim_pipe_init(network, link, 1);
	if (err) {
		if (link) {
			free(link->pipes[0].bytes);
			free(link->pipes[1].bytes);
		}
		free(link);
		return err;
	}
	network->members += 2;
	link->ends[0] = client;
	link->ends[1] = server;
	client->link = server->link = link;
	client->side = 0;
	server->side = 1;
	client->state = server->state = SIM_CONNECTED;
	return 0;
}

/* Nothing will arrive any more, on either side. What has arrived can still be read. */
static void sim_link_stop(struct sim_network *network, struct sim_link *link)
{
	for (int side = 0; side < 2; side++) {
		struct sim_pipe *pipe = &link->pipes[side];

		pipe->flying = 0;
		pipe->reset = false;
		if (pipe->end == SIM_END_FLYING)
			pipe->end = SIM_OPEN;
		weft__sim_pipe_changed(network, link, side);
	}
}

static void sim_reset_arrives(struct sim_network *network, struct sim_link *link, int side)
{
	struct sim_socket *socket = link->ends[side];

	if (!socket)
		return;
	/* as Linux says it */
	socket->error = link->pipes[!side].end == SIM_END_ARRIVED ? EPIPE : ECONNRESET;
	socket->state = SIM_DEAD;
	weft__sim_edge(network, socket);
}

void weft__sim_link_leave(struct sim_network *network, struct sim_socket *socket, bool abortive)
{
	struct sim_link *link = socket->link;
	int side = socket->side;
	struct sim_pipe *out = &link->pipes[side], *in = &link->pipes[!side];

	link->ends[side] = NULL;
	if (!link->ends[!side]) {
		sim_link_destroy(network, link);
		return;
	}
	if (socket->state == SIM_CONNECTED && (abortive || in->arrived > 0)) {
		out->flying = 0;
		out->reset = true;
	} else if (socket->state == SIM_CONNECTED && out->end == SIM_OPEN) {
		out->end = SIM_END_FLYING;
	}
	in->arrived = 0;
	weft__sim_pipe_changed(network, link, side);
	weft__sim_pipe_changed(network, link, !side);
}

/* ---- arrival ---- */

static size_t sim_piece(struct sim_network *network, size_t max)
{
	switch (weft__sim_random(network, 4)) {
	case 0:
		return max;
	case 1:
		return 1 + weft__sim_random(network, (unsigned)max);
	default:
		return 1;
	}
}

static void sim_bytes_arrive(struct sim_network *network, struct sim_link *link, int side)
{
	struct sim_pipe *pipe = &link->pipes[side];
	size_t room = pipe->arrived_max - pipe->arrived;
	size_t count = sim_piece(network, pipe->flying < room ? pipe->flying : room);

	WEFT_ASSERT(count <= pipe->flying && count <= room);
	pipe->flying -= count;
	pipe->arrived += count;
	weft__sim_edge(network, link->ends[!side]);
	if (link->ends[side] && pipe->was_full && weft__sim_pipe_is_writable(pipe)) {
		pipe->was_full = false;
		weft__sim_edge(network, link->ends[side]);
	}
}

static void sim_pipe_deliver(struct sim_network *network, struct sim_link *link, int side)
{
	struct sim_pipe *pipe = &link->pipes[side];
	struct sim_socket *reader = link->ends[!side];

	WEFT_ASSERT(sim_can_arrive(link, side)); /* [I1] */
	if (pipe->reset) {
		sim_link_stop(network, link);
		sim_reset_arrives(network, link, !side);
	} else if (pipe->flying && !reader) {
		pipe->flying = 0;
		link->pipes[!side].reset = true;
		link->pipes[!side].flying = 0;
		weft__sim_pipe_changed(network, link, !side);
	} else if (pipe->flying && weft__sim_fails(network, SIM_FAULT_RESET)) {
		sim_link_stop(network, link);
		sim_reset_arrives(network, link, 0);
		sim_reset_arrives(network, link, 1);
	} else if (pipe->flying) {
		sim_bytes_arrive(network, link, side);
	} else {
		pipe->end = SIM_END_ARRIVED;
		if (reader)
			weft__sim_edge(network, reader);
	}
	weft__sim_pipe_changed(network, link, side);
}

static void sim_connect_fails(struct sim_network *network, struct sim_socket *client)
{
	client->state = SIM_DEAD;
	client->error = ECONNREFUSED;
	weft__sim_edge(network, client);
}

/* A connect arrives at its listener, and is answered at once. */
static void sim_connect_deliver(struct sim_network *network, struct sim_socket *client)
{
	struct sim_socket *listener = weft__sim_listener(network, &client->peer);
	struct sim_socket *server;

	weft__sim_remove(&network->flying, &client->connect);
	if (listener && listener->queue_len >= listener->queue_len_max) {
		client->blocked = true;
		network->blocked_count++;
		return;
	}
	server = listener ? weft__sim_socket_create(network, listener->family) : NULL;
	if (server && weft__sim_link_create(network, client, server) < 0) {
		weft__sim_socket_destroy(network, server);
		server = NULL;
	}
	if (!server) {
		sim_connect_fails(network, client);
		return;
	}
	server->local = client->peer;
	server->peer = client->local;
	if (server->family != client->family) {
		weft__sim_address_map(&server->local);
		weft__sim_address_map(&server->peer);
	}
	if (listener->queue)
		listener->queued->next = server;
	else
		listener->queue = server;
	listener->queued = server;
	listener->queue_len++;
	weft__sim_edge(network, client);
	weft__sim_edge(network, listener);
}

void weft__sim_deliver(struct sim_network *network)
{
	unsigned drawn = weft__sim_random(network, network->flying.count);
	struct sim_item *item = network->flying.items[drawn];
	struct sim_pipe *pipe;

	WEFT_ASSERT(item->in_bag && item->place == drawn);
	if (item->kind == SIM_CONNECT) {
		sim_connect_deliver(network, WEFT_CONTAINER_OF(item, struct sim_socket, connect));
		return;
	}
	pipe = WEFT_CONTAINER_OF(item, struct sim_pipe, item);
	sim_pipe_deliver(network, WEFT_CONTAINER_OF(pipe - pipe->side, struct sim_link, pipes),
			pipe->side);
}
