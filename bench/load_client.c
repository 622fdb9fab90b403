/* SPDX-License-Identifier: MIT */
/*
 * load_client.c: one thread's share of the connections.
 *
 * Why         The generator must never be what limits the server it measures, so
 *             a request costs it one recv and one send at most, and no epoll_ctl.
 * How         Edge-triggered epoll, every connection registered once for both
 *             directions. An answer is verified where it lands, its requests are
 *             counted, and as many new ones are sent at once. Every connection
 *             has two cursors into its stream of messages:
 *
 *                 verified <= sent <= issued <= verified + depth
 *
 *             `issued` counts messages that may be sent; what the socket does not
 *             take stays between `sent` and `issued` until it is writable.
 *             With --skew the first tenth of the connections is hot, with --firehose
 *             the first one. A cold one parks after its answer and gets its next
 *             request when hot ones have completed hot_per_cold.
 * Invariants  [I1] in_flight is the sum over connections of issued - verified.
 *             [I2] a server never says more than it was told.
 * Cost        Two readings of the clock per received batch.
 * Not here    open-loop load: the generator waits for answers, so a server that
 *             stalls is asked less. The requests it stalls are all counted,
 *             whenever their answer comes.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum {
	RECEIVE_BYTES = 128 * 1024,
	SEND_BYTES = 256 * 1024,
	EVENTS_PER_WAIT = 256,
	OPEN_AT_ONCE = 256, /* connections waiting for their first answer */
	PER_SOURCE_ADDRESS =
			8192, /* connections: connect gets slow where half of the ports are taken */
};

struct connection {
	int fd;
	bool cold;
	uint64_t issued;
	struct payload_cursor sent;
	struct payload_cursor verified;
	int64_t *issued_at_ns; /* of message m in slot m % depth */
	struct connection *next_parked;
};

struct client {
	const struct load_options *options;
	struct payload payload; /* what is said */
	struct payload answers; /* the same, or what is answered to it */
	int epoll;
	int index;
	struct connection *connections; /* the active ones, then the idle ones */
	int64_t *issue_times;
	int opened;
	int active;
	bool reissue;
	int64_t issue_left; /* requests this client may still issue */
	int64_t in_flight;  /* [I1] */
	int64_t start_ns, end_ns;
	int64_t progress_ns; /* when something was received last */
	int hot_completed;
	struct connection *parked_head, **parked_tail;
	struct client_result result;
	unsigned char receive_buffer[RECEIVE_BYTES];
	unsigned char send_buffer[SEND_BYTES];
};

/* This client's part when `total` is divided among all. */
static int64_t share_of(int64_t total, int index, int threads)
{
	return total / threads + (index < total % threads);
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		load_die("out of memory");
	return memory;
}

struct client *client_create(const struct load_options *options, int index)
{
	struct client *client = allocate(1, sizeof *client);
	size_t capacity = (size_t)share_of(options->connections, index, options->threads);

	if (index == 0)
		capacity += (size_t)options->idle;
	client->options = options;
	client->index = index;
	client->connections = allocate(capacity, sizeof *client->connections);
	client->issue_times = allocate(capacity * (size_t)options->depth, sizeof(int64_t));
	client->parked_tail = &client->parked_head;
	client->end_ns = INT64_MIN;
	if (options->http) {
		payload_init_requests(&client->payload);
		payload_init_answers(&client->answers);
	} else {
		payload_init(&client->payload, (size_t)options->bytes);
		client->answers = client->payload;
	}
	client->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (client->epoll < 0)
		load_die("epoll_create1: %s", strerror(errno));
	return client;
}

void client_destroy(struct client *client)
{
	if (!client)
		return;
	close(client->epoll);
	if (client->options->http)
		payload_finish(&client->answers);
	payload_finish(&client->payload);
	free(client->issue_times);
	free(client->connections);
	free(client);
}

const struct client_result *client_result(const struct client *client)
{
	return &client->result;
}

/* -- sending ---------------------------------------------------------------- */

static size_t connection_unsent(const struct client *client, const struct connection *connection)
{
	return (size_t)(connection->issued - connection->sent.messages) *
			client->payload.message_bytes -
			connection->sent.offset;
}

static void connection_send(struct client *client, struct connection *connection)
{
	size_t unsent;

	while ((unsent = connection_unsent(client, connection)) > 0) {
		size_t bytes = unsent < SEND_BYTES ? unsent : SEND_BYTES;
		struct payload_cursor cursor = connection->sent;
		ssize_t sent;

		payload_fill(&client->payload, &cursor, client->send_buffer, bytes);
		sent = send(connection->fd, client->send_buffer, bytes,
				MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0)
			load_die("send: %s", strerror(errno));
		if ((size_t)sent == bytes)
			connection->sent = cursor;
		else
			payload_skip(&client->payload, &connection->sent, (size_t)sent);
	}
}

static void connection_issue(
		struct client *client, struct connection *connection, int64_t count, int64_t now_ns)
{
	uint64_t depth = (uint64_t)client->options->depth;

	if (count > client->issue_left)
		count = client->issue_left;
	client->issue_left -= count;
	client->in_flight += count; /* [I1] */
	for (; count > 0; count--)
		connection->issued_at_ns[connection->issued++ % depth] = now_ns;
	connection_send(client, connection);
}

static void connection_park(struct client *client, struct connection *connection)
{
	connection->next_parked = NULL;
	*client->parked_tail = connection;
	client->parked_tail = &connection->next_parked;
}

static void client_unpark(struct client *client, int64_t now_ns)
{
	while (client->hot_completed >= client->options->hot_per_cold && client->parked_head) {
		struct connection *connection = client->parked_head;

		client->hot_completed -= client->options->hot_per_cold;
		client->parked_head = connection->next_parked;
		if (!client->parked_head)
			client->parked_tail = &client->parked_head;
		connection_issue(client, connection, 1, now_ns);
	}
}

static void connection_reissue(struct client *client, struct connection *connection, int count)
{
	int64_t now_ns = load_now_ns();

	if (connection->cold) {
		connection_park(client, connection);
		return;
	}
	connection_issue(client, connection, count, now_ns);
	if (client->options->hot_share) {
		client->hot_completed += count;
		client_unpark(client, now_ns);
	}
}

/* -- receiving -------------------------------------------------------------- */

static void connection_complete(struct client *client, struct connection *connection,
		uint64_t first, int64_t now_ns)
{
	uint64_t depth = (uint64_t)client->options->depth;

	for (uint64_t m = first; m < connection->verified.messages; m++) {
		int64_t issued_at_ns = connection->issued_at_ns[m % depth];

		client->in_flight--; /* [I1] */
		if (issued_at_ns >= client->start_ns && issued_at_ns < client->end_ns) {
			histogram_add(&client->result.latency, now_ns - issued_at_ns);
			if (connection->cold)
				histogram_add(&client->result.cold, now_ns - issued_at_ns);
		}
		if (now_ns >= client->start_ns && now_ns < client->end_ns)
			client->result.completed++;
	}
}

static void connection_verify(struct client *client, struct connection *connection, size_t bytes)
{
	struct payload_cursor *verified = &connection->verified;
	size_t good = payload_match(&client->answers, verified, client->receive_buffer, bytes);

	if (good < bytes)
		load_die("connection %d answered a wrong byte in message %llu at offset %zu",
				(int)(connection - client->connections),
				(unsigned long long)verified->messages, verified->offset);
	if (verified->messages > connection->sent.messages ||
			(verified->messages == connection->sent.messages &&
					verified->offset > connection->sent.offset)) /* [I2] */
		load_die("connection %d answered more than it was sent",
				(int)(connection - client->connections));
	client->result.verified_bytes += bytes;
}

/* Receives until the socket is empty; returns how many requests that completed. */
static int connection_receive(struct client *client, struct connection *connection)
{
	uint64_t before = connection->verified.messages;
	ssize_t got;

	do {
		uint64_t first = connection->verified.messages;

		got = recv(connection->fd, client->receive_buffer, RECEIVE_BYTES, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (got <= 0)
			load_die("the server closed connection %d: %s",
					(int)(connection - client->connections),
					got == 0 ? "end of stream" : strerror(errno));
		client->progress_ns = load_now_ns();
		connection_verify(client, connection, (size_t)got);
		connection_complete(client, connection, first, client->progress_ns);
	} while (got == RECEIVE_BYTES);
	return (int)(connection->verified.messages - before);
}

static void connection_serve(struct client *client, struct connection *connection, uint32_t events)
{
	int completed = 0;

	if (events & ~(uint32_t)EPOLLOUT)
		completed = connection_receive(client, connection);
	if (completed > 0 && client->reissue)
		connection_reissue(client, connection, completed);
	else if (events & EPOLLOUT)
		connection_send(client, connection);
}

static void client_check_patience(const struct client *client)
{
	int64_t silent_ns = load_now_ns() - client->progress_ns;

	if ((double)silent_ns > client->options->patience * 1e9)
		load_die("no answer for %.0f s to %lld requests", client->options->patience,
				(long long)client->in_flight);
}

static void client_turn(struct client *client)
{
	struct epoll_event events[EVENTS_PER_WAIT];
	int count = epoll_wait(client->epoll, events, EVENTS_PER_WAIT, 5);

	if (count < 0 && errno != EINTR)
		load_die("epoll_wait: %s", strerror(errno));
	for (int i = 0; i < count; i++)
		connection_serve(client, events[i].data.ptr, events[i].events);
	if (count == 0)
		client_check_patience(client);
}

/* -- opening ---------------------------------------------------------------- */

/* On loopback, one source address has some 28,000 ports, so take several. */
static void connection_bind(const struct client *client, int fd, int number)
{
	const struct sockaddr_in *target = (const struct sockaddr_in *)&client->options->target;
	struct sockaddr_in source = { .sin_family = AF_INET };
	int late = 1;

	if (target->sin_family != AF_INET || ntohl(target->sin_addr.s_addr) >> 24 != 127)
		return;
	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(number / PER_SOURCE_ADDRESS));
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late) != 0 ||
			bind(fd, (struct sockaddr *)&source, sizeof source) != 0)
		load_die("bind: %s", strerror(errno));
}

/* The socket stays blocking, for connect's sake; sends and receives say DONTWAIT. */
static void socket_configure(int fd, double patience)
{
	struct timeval timeout = { .tv_sec = (time_t)patience };
	struct linger reset = { .l_onoff = 1 }; /* leave no thousands of TIME_WAIT behind */
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
		load_die("setsockopt: %s", strerror(errno));
}

static int connection_connect(const struct client *client, int number)
{
	const struct load_options *options = client->options;
	int fd = socket(options->target.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		load_die("socket: %s", strerror(errno));
	socket_configure(fd, options->patience);
	connection_bind(client, fd, number);
	if (connect(fd, (const struct sockaddr *)&options->target, options->target_bytes) != 0)
		load_die("connection %d to %s: %s", number, options->target_name,
				errno == EINPROGRESS ? "timed out" : strerror(errno));
	return fd;
}

static void connection_open(struct client *client, bool idle)
{
	int slot = client->opened++;
	int number = slot * client->options->threads + client->index;
	struct connection *connection = &client->connections[slot];
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	connection->fd = connection_connect(client, number);
	connection->issued_at_ns =
			client->issue_times + (size_t)slot * (size_t)client->options->depth;
	payload_seek(&client->payload, &connection->sent, (uint32_t)number);
	connection->verified = connection->sent;
	client->active += !idle;
	event.data.ptr = connection;
	if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
		load_die("epoll_ctl: %s", strerror(errno));
}

static void client_wait_for_all(struct client *client)
{
	client->progress_ns = load_now_ns();
	while (client->in_flight > 0)
		client_turn(client);
}

void client_open(struct client *client, int count, bool idle)
{
	client->reissue = false;
	for (int i = 0; i < count; i++) {
		client->issue_left = 1;
		connection_open(client, idle);
		connection_issue(
				client, &client->connections[client->opened - 1], 1, load_now_ns());
		if (client->in_flight == OPEN_AT_ONCE)
			client_wait_for_all(client);
	}
	client_wait_for_all(client);
}

/* -- the measured part ------------------------------------------------------ */

static void client_choose_cold(struct client *client)
{
	int share = client->active / client->options->hot_share, hot = share > 0 ? share : 1;

	for (int i = hot; i < client->active; i++)
		client->connections[i].cold = true;
}

void client_start(struct client *client, int64_t start_ns, int64_t end_ns)
{
	const struct load_options *options = client->options;
	int64_t now_ns = load_now_ns();

	client->start_ns = start_ns;
	client->end_ns = end_ns;
	client->progress_ns = now_ns;
	client->reissue = true;
	client->issue_left = INT64_MAX;
	if (options->requests)
		client->issue_left = share_of(options->requests, client->index, options->threads);
	if (options->hot_share)
		client_choose_cold(client);
	for (int i = 0; i < client->active; i++) {
		struct connection *connection = &client->connections[i];

		if (connection->cold)
			connection_park(client, connection);
		else
			connection_issue(client, connection, options->depth, now_ns);
	}
}

void client_drive(struct client *client, int64_t until_ns)
{
	while (client->in_flight > 0 && load_now_ns() < until_ns)
		client_turn(client);
}

void client_drain(struct client *client)
{
	unsigned char byte;

	client->reissue = false;
	client_wait_for_all(client);
	assert(client->in_flight == 0);
	for (int i = 0; i < client->opened; i++) {
		if (recv(client->connections[i].fd, &byte, 1, MSG_DONTWAIT) >= 0) /* [I2] */
			load_die("connection %d answered more than it was sent", i);
		close(client->connections[i].fd);
	}
	client->opened = 0;
}
