/* SPDX-License-Identifier: MIT */
/* TCP leaves over loopback, polled by hand: so that a cancellation, a close or a reset falls exactly where
 * a test wants it. What needs tasks and threads is in test_tcp_tasks.c. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <weft/net.h>
#include <weft/time.h>

#include "io/sockets.h"
#include "stage.h"
#include "test.h"

static ssize_t read_some(struct stage *stage, struct weft_tcp conn, void *buffer, size_t size)
{
	struct weft_tcp_read__frame read;

	return STAGE_AWAIT(stage, &read, weft_tcp_read, conn, buffer, size);
}

static void read_exactly(struct stage *stage, struct weft_tcp conn, const char *bytes)
{
	char buffer[64];
	size_t size = strlen(bytes), done = 0;

	while (done < size) {
		ssize_t n = read_some(stage, conn, buffer, size - done);

		CHECK(n > 0);
		CHECK(memcmp(buffer, bytes + done, (size_t)n) == 0);
		done += (size_t)n;
	}
}

static ssize_t write_some(struct stage *stage, struct weft_tcp conn, const void *bytes, size_t size)
{
	struct weft_tcp_write__frame write;

	return STAGE_AWAIT(stage, &write, weft_tcp_write, conn, bytes, size);
}

/* --- listening -------------------------------------------------------------------------------- */

TEST(tcp_listen_on_port_zero_tells_the_port)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	struct weft_tcp_listener listener;
	struct stage stage;
	int port;

	stage_init(&stage);
	listener = stage_listen(&port);
	CHECK_EQ(weft_tcp_listener_address(listener, (struct sockaddr *)&address, &length), 0);
	CHECK_EQ(address.sin_family, AF_INET);
	CHECK_EQ(ntohs(address.sin_port), port);
	CHECK_EQ(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

TEST(tcp_listen_says_why_it_cannot)
{
	struct weft_tcp_listener listener, second;
	struct stage stage;
	char port[PORT_TEXT];
	int number;

	CHECK_EQ(weft_tcp_listen(&listener, "127.0.0.1", "0"), -ENXIO); /* nobody polls here */
	stage_init(&stage);
	CHECK_EQ(weft_tcp_listen(&listener, "localhost", "0"), -EINVAL);
	CHECK_EQ(weft_tcp_listen(&listener, "127.0.0.1", "http"), -EINVAL);
	CHECK_EQ(weft_tcp_listen(&listener, "127.0.0.1", ""), -EINVAL);
	CHECK_EQ(weft_tcp_listen(&listener, "192.0.2.1", "0"), -EADDRNOTAVAIL);
	listener = stage_listen(&number);
	snprintf(port, sizeof port, "%d", number);
	CHECK_EQ(weft_tcp_listen(&second, "127.0.0.1", port), -EADDRINUSE);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

TEST(tcp_serves_all_addresses_and_both_families)
{
	static const char *const hosts[] = { NULL, "0.0.0.0", "::", "::1" };
	struct stage stage;

	stage_init(&stage);
	for (int i = 0; i < 4; i++) {
		struct weft_tcp_accept__frame accept;
		struct weft_tcp_connect__frame connect;
		struct weft_tcp_listener listener;
		struct weft_tcp client, server;
		char port[PORT_TEXT];
		int err = weft_tcp_listen(&listener, hosts[i], "0");

		if (err == -EAFNOSUPPORT || (err == -EADDRNOTAVAIL && i >= 2))
			continue; /* no IPv6 here */
		CHECK_EQ(err, 0);
		snprintf(port, sizeof port, "%d", weft_tcp_listener_port(listener));
		CHECK_EQ(STAGE_AWAIT(&stage, &connect, weft_tcp_connect, &client,
					 i == 3 ? "::1" : "127.0.0.1", port),
				0);
		CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &server), 0);
		CHECK_EQ(write_some(&stage, client, "hi", 2), 2);
		read_exactly(&stage, server, "hi");
		CHECK_EQ(weft_tcp_close(client), 0);
		CHECK_EQ(weft_tcp_close(server), 0);
		CHECK_EQ(weft_tcp_listener_close(listener), 0);
	}
	stage_finish(&stage);
}

/* --- accepting -------------------------------------------------------------------------------- */

/* Behaviour B75. */
TEST(tcp_accept_of_a_waiting_connection_takes_one_poll)
{
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct weft_tcp conns[3];
	struct stage stage;
	int port, peers[3];

	stage_init(&stage);
	listener = stage_listen(&port);
	for (int i = 0; i < 3; i++)
		peers[i] = peer_connect(port);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conns[i]), 0);
	CHECK_EQ(stage.polls, 3);
	CHECK_EQ(probe_wakes(&stage.probe), 0);
	for (int i = 0; i < 3; i++) {
		close(peers[i]);
		CHECK_EQ(weft_tcp_close(conns[i]), 0);
	}
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

/* Behaviour B75: one wake, one poll more. */
TEST(tcp_accept_that_waits_is_woken_once)
{
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct weft_tcp conn;
	struct stage stage;
	int port, peer;

	stage_init(&stage);
	listener = stage_listen(&port);
	weft_tcp_accept__init(&accept.args, listener, &conn);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_accept__async, &accept), WEFT_PENDING);
	CHECK(stage.cx.waker_taken);
	peer = peer_connect(port);
	stage_wait(&stage, 0);
	CHECK_EQ(probe_wakes(&stage.probe), 1);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_accept__async, &accept), WEFT_READY);
	CHECK_EQ(accept.args.result, 0);
	close(peer);
	CHECK_EQ(weft_tcp_close(conn), 0);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

TEST(tcp_accept_that_is_cancelled_loses_no_connection)
{
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct weft_tcp conn;
	struct stage stage;
	int port, peer;

	stage_init(&stage);
	listener = stage_listen(&port);
	for (int woken = 0; woken < 2; woken++) {
		weft_tcp_accept__init(&accept.args, listener, &conn);
		CHECK_EQ(stage_poll(&stage, &weft_tcp_accept__async, &accept), WEFT_PENDING);
		peer = peer_connect(port);
		if (woken)
			stage_wait(&stage, probe_wakes(&stage.probe));
		CHECK_EQ(stage_cancel(&stage, &weft_tcp_accept__async, &accept), WEFT_READY);
		if (accept.args.result) {
			CHECK_EQ(accept.args.result, -ECANCELED);
			weft_tcp_accept__init(&accept.args, listener, &conn);
			CHECK_EQ(stage_cancel(&stage, &weft_tcp_accept__async, &accept),
					WEFT_READY);
			CHECK_EQ(accept.args.result, -ECANCELED);
			CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conn), 0);
		}
		peer_send(peer, "x", 1);
		read_exactly(&stage, conn, "x");
		CHECK_EQ(weft_tcp_close(conn), 0);
		close(peer);
	}
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

/* Lets no further descriptor be opened. Returns what to set it back to. */
static struct rlimit descriptors_end(void)
{
	struct rlimit before, limit;
	int next = dup(0);

	CHECK(next >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
	close(next);
	limit = before;
	limit.rlim_cur = (rlim_t)next;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	return before;
}

TEST(tcp_accept_without_descriptors_leaves_the_connection_in_the_queue)
{
	struct weft_tcp_connect__frame connect;
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct rlimit before;
	struct weft_tcp conn;
	struct stage stage;
	int port, peer;

	if (test_on_valgrind())
		SKIP("valgrind plays the limit of descriptors itself, and drops the connection");
	stage_init(&stage);
	if (stage.reactor.poller.ops->one_thread) {
		stage_finish(&stage);
		SKIP("this poller's connections are no descriptors: see the next test");
	}
	listener = stage_listen(&port);
	peer = peer_connect(port);
	before = descriptors_end();
	for (int i = 0; i < 3; i++)
		CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conn), -EMFILE);
	CHECK_EQ(STAGE_AWAIT(&stage, &connect, weft_tcp_connect, &conn, "127.0.0.1", "1"), -EMFILE);
	CHECK_EQ(weft_tcp_listen(&listener, "127.0.0.1", "0"), -EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conn), 0);
	peer_send(peer, "here", 4);
	read_exactly(&stage, conn, "here");
	CHECK_EQ(weft_tcp_close(conn), 0);
	close(peer);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

/* A ring's own table takes as many sockets as the process might have had descriptors when it was made, and
 * needs none of them. What does not fit stays in the queue. */
TEST(tcp_of_a_ring_s_table_needs_no_descriptors)
{
	enum { PLACES = 40, CONNS = PLACES - 1 }; /* the listener has one */
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct weft_tcp conns[CONNS + 1];
	struct rlimit before, few;
	struct stage stage;
	int port, peers[CONNS + 1];

	if (test_on_valgrind())
		SKIP("valgrind plays the limit of descriptors itself");
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	few = before;
	few.rlim_cur = PLACES;
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	stage_init(&stage);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	if (!stage.reactor.poller.ops->one_thread) {
		stage_finish(&stage);
		SKIP("of uring-direct");
	}
	listener = stage_listen(&port);
	for (int i = 0; i <= CONNS; i++)
		peers[i] = peer_connect(port);
	before = descriptors_end();
	for (int i = 0; i < CONNS; i++)
		CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conns[i]), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conns[CONNS]),
				-ENFILE);
	CHECK_EQ(weft_tcp_close(conns[7]), 0);
	weft__reactor_poll(&stage.reactor, 0); /* the ring lets go of it here */
	conns[7] = conns[CONNS - 1];
	CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conns[CONNS - 1]), 0);
	peer_send(peers[CONNS], "here", 4);
	read_exactly(&stage, conns[CONNS - 1], "here");
	for (int i = 0; i < CONNS; i++)
		CHECK_EQ(weft_tcp_close(conns[i]), 0);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	for (int i = 0; i <= CONNS; i++)
		close(peers[i]);
	stage_finish(&stage);
}

/* --- connecting ------------------------------------------------------------------------------- */

static void check_same_address(struct weft_tcp one, struct weft_tcp other)
{
	struct sockaddr_in local, peer;
	socklen_t local_length = sizeof local, peer_length = sizeof peer;

	CHECK_EQ(weft_tcp_local_address(one, (struct sockaddr *)&local, &local_length), 0);
	CHECK_EQ(weft_tcp_peer_address(other, (struct sockaddr *)&peer, &peer_length), 0);
	CHECK_EQ(local_length, peer_length);
	CHECK_EQ(local.sin_port, peer.sin_port);
	CHECK_EQ(local.sin_addr.s_addr, peer.sin_addr.s_addr);
}

TEST(tcp_connect_and_accept_agree_on_the_addresses)
{
	struct weft_tcp_connect__frame connect;
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct weft_tcp client, server;
	struct stage stage;
	char text[PORT_TEXT];
	int port;

	stage_init(&stage);
	listener = stage_listen(&port);
	snprintf(text, sizeof text, "%d", port);
	CHECK_EQ(STAGE_AWAIT(&stage, &connect, weft_tcp_connect, &client, "127.0.0.1", text), 0);
	CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &server), 0);
	check_same_address(client, server);
	check_same_address(server, client);
	CHECK_EQ(weft_tcp_close(client), 0);
	CHECK_EQ(weft_tcp_close(server), 0);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

TEST(tcp_connect_to_a_closed_port_is_refused)
{
	struct weft_tcp_connect__frame connect;
	struct weft_tcp conn = { NULL, 7 };
	struct stage stage;
	char text[PORT_TEXT];
	int port, holder = peer_listen(1, &port);

	snprintf(text, sizeof text, "%d", port);
	shutdown(holder, SHUT_RDWR); /* it listens no more, and nobody else gets the port */
	stage_init(&stage);
	CHECK_EQ(STAGE_AWAIT(&stage, &connect, weft_tcp_connect, &conn, "127.0.0.1", text),
			-ECONNREFUSED);
	CHECK_EQ(conn.generation, 7);
	CHECK_EQ(STAGE_AWAIT(&stage, &connect, weft_tcp_connect, &conn, "localhost", text),
			-EINVAL);
	stage_finish(&stage);
	close(holder);
}

TEST(tcp_connect_is_given_up_at_the_deadline)
{
	struct weft_tcp_connect__frame connect;
	struct weft_timeout__frame timeout;
	struct weft_tcp conn = { NULL, 7 };
	struct peer_deaf deaf = peer_deaf_make();
	struct stage stage;
	char text[PORT_TEXT];

	stage_init(&stage);
	snprintf(text, sizeof text, "%d", deaf.port);
	weft_tcp_connect__init(&connect.args, &conn, "127.0.0.1", text);
	weft_timeout__init(&timeout.args, WEFT_SECONDS(3), &weft_tcp_connect__async, &connect);
	CHECK_EQ(stage_poll(&stage, &weft_timeout__async, &timeout), WEFT_PENDING);
	stage.env.now_ns += WEFT_SECONDS(3);
	CHECK_EQ(weft__wheel_expire(&stage.wheel, stage.env.now_ns), 1);
	CHECK_EQ(stage_poll(&stage, &weft_timeout__async, &timeout), WEFT_READY);
	CHECK_EQ(timeout.args.result, -ETIME);
	CHECK_EQ(conn.generation, 7);
	stage_finish(&stage);
	peer_deaf_free(&deaf);
}

TEST(tcp_connect_that_is_cancelled_leaves_nothing)
{
	struct weft_tcp_connect__frame connect;
	struct peer_deaf deaf = peer_deaf_make();
	struct weft_tcp conn;
	struct stage stage;
	char text[PORT_TEXT];

	stage_init(&stage);
	snprintf(text, sizeof text, "%d", deaf.port);
	weft_tcp_connect__init(&connect.args, &conn, "127.0.0.1", text);
	CHECK_EQ(stage_cancel(&stage, &weft_tcp_connect__async, &connect), WEFT_READY);
	CHECK_EQ(connect.args.result, -ECANCELED);
	weft_tcp_connect__init(&connect.args, &conn, "127.0.0.1", text);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_connect__async, &connect), WEFT_PENDING);
	CHECK_EQ(stage_cancel(&stage, &weft_tcp_connect__async, &connect), WEFT_READY);
	CHECK_EQ(connect.args.result, -ECANCELED);
	stage_finish(&stage);
	peer_deaf_free(&deaf);
}

/* --- reading and writing ---------------------------------------------------------------------- */

TEST(tcp_read_gives_what_there_is_and_waits_for_more)
{
	struct weft_tcp_read__frame read;
	struct stage stage;
	struct pair pair;
	char buffer[8];

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(read_some(&stage, pair.conn, buffer, 0), 0);
	peer_send(pair.peer, "hello", 5);
	CHECK_EQ(read_some(&stage, pair.conn, buffer, 2), 2);
	CHECK_EQ(read_some(&stage, pair.conn, buffer + 2, 6), 3);
	CHECK(memcmp(buffer, "hello", 5) == 0);
	weft_tcp_read__init(&read.args, pair.conn, buffer, sizeof buffer);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &read), WEFT_PENDING);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &read), WEFT_PENDING); /* for nothing */
	peer_send(pair.peer, "more", 4);
	stage_await(&stage, &weft_tcp_read__async, &read);
	CHECK_EQ(read.args.result, 4);
	stage_unpair(&pair);
	stage_finish(&stage);
}

/* Bytes that count up, so that a lost, doubled or displaced one shows. */
struct count {
	unsigned char next;
	size_t total;
};

static void count_fill(struct count *count, unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(count->next + i);
}

static void count_take(struct count *count, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		CHECK_EQ(bytes[i], count->next++);
	count->total += size;
}

enum { ORDER_STEPS = 5, ORDERS = 1 << 2 * ORDER_STEPS };

struct reading {
	struct weft_tcp conn;
	struct weft_tcp_read__frame frame;
	unsigned char buffer[2];
	bool under_way;
	struct count got;
};

static void reading_poll(struct reading *reading, struct stage *stage, bool cancelled)
{
	if (!reading->under_way)
		weft_tcp_read__init(&reading->frame.args, reading->conn, reading->buffer,
				sizeof reading->buffer);
	stage->cancelled = cancelled;
	reading->under_way =
			stage_poll(stage, &weft_tcp_read__async, &reading->frame) == WEFT_PENDING;
	stage->cancelled = false;
	CHECK(!cancelled || !reading->under_way);
	if (reading->under_way)
		return;
	if (reading->frame.args.result < 0)
		CHECK_EQ(reading->frame.args.result, cancelled ? -ECANCELED : 0);
	else
		count_take(&reading->got, reading->buffer, (size_t)reading->frame.args.result);
}

/* Behaviour B75: all orders of five times { a byte comes, the reactor looks, the task polls, it is
 * cancelled }. Whatever came between looking and waiting, no byte and no wake-up is lost. */
TEST(tcp_read_loses_nothing_in_any_order)
{
	struct reading reading = { .under_way = false };
	struct count sent = { 0, 0 };
	struct stage stage;
	struct pair pair;

	stage_init(&stage);
	pair = stage_pair(&stage);
	reading.conn = pair.conn;
	for (int order = 0; order < ORDERS; order++) {
		for (int step = 0; step < ORDER_STEPS; step++)
			switch (order >> 2 * step & 3) {
			case 0:
				peer_send(pair.peer, &sent.next, 1);
				sent.next++;
				sent.total++;
				break;
			case 1:
				weft__reactor_poll(&stage.reactor, 0);
				break;
			default:
				reading_poll(&reading, &stage, (order >> 2 * step & 3) == 3);
			}
		while (reading.got.total < sent.total) {
			unsigned wakes = probe_wakes(&stage.probe);

			reading_poll(&reading, &stage, false);
			if (reading.under_way)
				stage_wait(&stage, wakes);
		}
	}
	CHECK_EQ(reading.got.total, sent.total);
	reading_poll(&reading, &stage, true);
	stage_unpair(&pair);
	stage_finish(&stage);
}

/* A connection that is full: nothing more can be written. Returns how much was. (The peer's buffer stays
 * as it is: with less than a segment's room in it, TCP would wait for its timers.) */
static size_t stage_fill(struct stage *stage, struct pair *pair, struct count *sent)
{
	unsigned char bytes[4096];
	ssize_t n = 1;

	*pair = stage_pair(stage);
	CHECK_EQ(weft_tcp_set_buffers(pair->conn, 0, 4096), 0);
	while (n > 0) {
		count_fill(sent, bytes, sizeof bytes);
		n = weft_tcp_try_write(pair->conn, bytes, sizeof bytes);
		if (n > 0) {
			sent->next = (unsigned char)(sent->next + n);
			sent->total += (size_t)n;
		}
	}
	CHECK_EQ(n, -EAGAIN);
	return sent->total;
}

/* Takes what has come, at least one byte. */
static void peer_take(int peer, struct count *got)
{
	unsigned char bytes[65536];
	ssize_t n = recv(peer, bytes, sizeof bytes, 0);

	CHECK(n > 0);
	count_take(got, bytes, (size_t)n);
}

static void peer_take_all(int peer, struct count *got, size_t total)
{
	while (got->total < total)
		peer_take(peer, got);
}

TEST(tcp_write_waits_for_room)
{
	struct count sent = { 0, 0 }, got = { 0, 0 };
	struct weft_tcp_write__frame write;
	struct stage stage;
	struct pair pair;
	unsigned char bytes[100];

	stage_init(&stage);
	stage_fill(&stage, &pair, &sent);
	count_fill(&sent, bytes, sizeof bytes);
	weft_tcp_write__init(&write.args, pair.conn, bytes, sizeof bytes);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_write__async, &write), WEFT_PENDING);
	peer_take_all(pair.peer, &got, sent.total);
	stage_await(&stage, &weft_tcp_write__async, &write);
	CHECK(write.args.result > 0);
	sent.total += (size_t)write.args.result;
	CHECK_EQ(weft_tcp_shutdown_write(pair.conn), 0);
	peer_take_all(pair.peer, &got, sent.total);
	peer_expect_end(pair.peer);
	CHECK_EQ(write_some(&stage, pair.conn, "", 0), 0);
	stage_unpair(&pair);
	stage_finish(&stage);
}

enum { LARGE = 1 << 20 };

/* Cancelled before the first byte, and between any two: what the peer gets is what was said. */
TEST(tcp_write_all_that_is_cancelled_says_what_the_peer_gets)
{
	static unsigned char bytes[LARGE];
	struct weft_tcp_write_all__frame write;

	for (int rounds = 0; rounds < 4; rounds++) {
		struct count sent = { 0, 0 }, got = { 0, 0 };
		struct stage stage;
		struct pair pair;
		size_t before;

		stage_init(&stage);
		before = stage_fill(&stage, &pair, &sent);
		count_fill(&sent, bytes, LARGE);
		weft_tcp_write_all__init(&write.args, pair.conn, bytes, LARGE);
		CHECK_EQ(stage_poll(&stage, &weft_tcp_write_all__async, &write), WEFT_PENDING);
		for (int i = 0; i < rounds; i++) {
			peer_take_all(pair.peer, &got, before + write.progress.done);
			stage_wait(&stage, probe_wakes(&stage.probe));
			CHECK_EQ(stage_poll(&stage, &weft_tcp_write_all__async, &write),
					WEFT_PENDING);
		}
		CHECK_EQ(stage_cancel(&stage, &weft_tcp_write_all__async, &write), WEFT_READY);
		CHECK(rounds ? write.args.result > 0 : write.args.result == -ECANCELED);
		CHECK(write.args.result < LARGE);
		CHECK_EQ(weft_tcp_shutdown_write(pair.conn), 0);
		peer_take_all(pair.peer, &got, before + (rounds ? (size_t)write.args.result : 0));
		peer_expect_end(pair.peer);
		stage_unpair(&pair);
		stage_finish(&stage);
	}
}

TEST(tcp_readv_and_writev_cross_their_buffers)
{
	struct iovec out[] = { { "ab", 2 }, { "", 0 }, { "cdefg", 5 } };
	struct weft_tcp_writev__frame writev;
	struct weft_tcp_readv__frame readv;
	char one[3], two[8];
	struct iovec in[] = { { one, 3 }, { two, 8 } };
	struct stage stage;
	struct pair pair;

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(STAGE_AWAIT(&stage, &writev, weft_tcp_writev, pair.conn, out, 3), 7);
	peer_expect(pair.peer, "abcdefg", 7);
	peer_send(pair.peer, "hijkl", 5);
	CHECK_EQ(STAGE_AWAIT(&stage, &readv, weft_tcp_readv, pair.conn, in, 2), 5);
	CHECK(memcmp(one, "hij", 3) == 0);
	CHECK(memcmp(two, "kl", 2) == 0);
	CHECK_EQ(STAGE_AWAIT(&stage, &readv, weft_tcp_readv, pair.conn, in, 0), 0);
	CHECK_EQ(STAGE_AWAIT(&stage, &writev, weft_tcp_writev, pair.conn, out, 0), 0);
	weft_tcp_readv__init(&readv.args, pair.conn, in, 2);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_readv__async, &readv), WEFT_PENDING);
	CHECK_EQ(stage_cancel(&stage, &weft_tcp_readv__async, &readv), WEFT_READY);
	CHECK_EQ(readv.args.result, -ECANCELED);
	peer_send(pair.peer, "xyz", 3);
	CHECK_EQ(STAGE_AWAIT(&stage, &readv, weft_tcp_readv, pair.conn, in, 1), 3);
	CHECK(memcmp(one, "xyz", 3) == 0);
	stage_unpair(&pair);
	stage_finish(&stage);
}

TEST(tcp_try_forms_never_wait)
{
	struct stage stage;
	struct pair pair;
	char buffer[4];

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(weft_tcp_try_read(pair.conn, buffer, 4), -EAGAIN);
	CHECK_EQ(weft_tcp_try_read(pair.conn, buffer, 0), 0);
	CHECK_EQ(weft_tcp_try_write(pair.conn, "hello", 5), 5);
	CHECK_EQ(weft_tcp_try_write(pair.conn, "", 0), 0);
	peer_expect(pair.peer, "hello", 5);
	peer_send(pair.peer, "abcdef", 6);
	read_exactly(&stage, pair.conn, "abc"); /* for which it waits, if it must */
	CHECK_EQ(weft_tcp_try_read(pair.conn, buffer, 4), 3);
	CHECK(memcmp(buffer, "def", 3) == 0);
	stage_unpair(&pair);
	stage_finish(&stage);
}

TEST(tcp_readable_comes_with_the_first_byte)
{
	struct weft_tcp_readable__frame readable;
	struct stage stage;
	struct pair pair;
	char byte;

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(weft_tcp_try_read(pair.conn, &byte, 1), -EAGAIN);
	weft_tcp_readable__init(&readable.args, pair.conn);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_readable__async, &readable), WEFT_PENDING);
	CHECK_EQ(stage_cancel(&stage, &weft_tcp_readable__async, &readable), WEFT_READY);
	CHECK_EQ(readable.args.result, -ECANCELED);
	weft_tcp_readable__init(&readable.args, pair.conn);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_readable__async, &readable), WEFT_PENDING);
	peer_send(pair.peer, "x", 1);
	stage_await(&stage, &weft_tcp_readable__async, &readable);
	CHECK_EQ(readable.args.result, 0);
	CHECK_EQ(weft_tcp_try_read(pair.conn, &byte, 1), 1);
	stage_unpair(&pair);
	stage_finish(&stage);
}

/* Row S4-8: each completion is charged, and each 2 KiB as one more, so that a firehose yields. */
TEST(tcp_reads_are_charged_by_number_and_size)
{
	static unsigned char buffer[65536];
	struct count sent = { 0, 0 };
	struct stage stage;
	struct pair pair;
	ssize_t n;

	stage_init(&stage);
	pair = stage_pair(&stage);
	count_fill(&sent, buffer, sizeof buffer);
	peer_send(pair.peer, buffer, sizeof buffer);
	stage.budget = 0;
	{
		struct weft_tcp_read__frame read;

		weft_tcp_read__init(&read.args, pair.conn, buffer, sizeof buffer);
		CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &read), WEFT_PENDING);
		CHECK(stage.cx.self_woken);
		stage.budget = WEFT_BUDGET;
		stage_await(&stage, &weft_tcp_read__async, &read);
		n = read.args.result;
	}
	CHECK(n > 0);
	CHECK_EQ(stage.cx.budget, WEFT_BUDGET - 1 - (uint32_t)n / 2048);
	stage_unpair(&pair);
	stage_finish(&stage);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Behaviour B76. */
TEST(tcp_half_close_leaves_the_other_half)
{
	struct stage stage;
	struct pair pair;
	char byte;

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(write_some(&stage, pair.conn, "bye", 3), 3);
	CHECK_EQ(weft_tcp_shutdown_write(pair.conn), 0);
	CHECK_EQ(write_some(&stage, pair.conn, "x", 1), -EPIPE);
	peer_expect(pair.peer, "bye", 3);
	peer_expect_end(pair.peer);
	peer_send(pair.peer, "still here", 10);
	read_exactly(&stage, pair.conn, "still here");
	shutdown(pair.peer, SHUT_WR);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(read_some(&stage, pair.conn, &byte, 1), 0);
	stage_unpair(&pair);
	stage_finish(&stage);
}

/* Behaviour B76, seen from the other side. */
TEST(tcp_writes_to_a_peer_that_has_half_closed)
{
	struct stage stage;
	struct pair pair;
	char byte;

	stage_init(&stage);
	pair = stage_pair(&stage);
	peer_send(pair.peer, "last", 4);
	shutdown(pair.peer, SHUT_WR);
	read_exactly(&stage, pair.conn, "last");
	CHECK_EQ(read_some(&stage, pair.conn, &byte, 1), 0);
	CHECK_EQ(write_some(&stage, pair.conn, "answer", 6), 6);
	peer_expect(pair.peer, "answer", 6);
	stage_unpair(&pair);
	stage_finish(&stage);
}

TEST(tcp_end_of_stream_wakes_the_reader)
{
	struct weft_tcp_read__frame read;
	struct stage stage;
	struct pair pair;
	char byte;

	stage_init(&stage);
	pair = stage_pair(&stage);
	weft_tcp_read__init(&read.args, pair.conn, &byte, 1);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &read), WEFT_PENDING);
	shutdown(pair.peer, SHUT_WR);
	stage_await(&stage, &weft_tcp_read__async, &read);
	CHECK_EQ(read.args.result, 0);
	stage_unpair(&pair);
	stage_finish(&stage);
}

TEST(tcp_reset_ends_a_read)
{
	struct weft_tcp_read__frame read;
	struct stage stage;
	struct pair pair;
	char byte;

	stage_init(&stage);
	for (int waiting = 0; waiting < 2; waiting++) {
		pair = stage_pair(&stage);
		weft_tcp_read__init(&read.args, pair.conn, &byte, 1);
		if (waiting)
			CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &read), WEFT_PENDING);
		peer_reset(pair.peer);
		stage_await(&stage, &weft_tcp_read__async, &read);
		CHECK_EQ(read.args.result, -ECONNRESET);
		CHECK_EQ(weft_tcp_close(pair.conn), 0);
	}
	stage_finish(&stage);
}

/* And there is no SIGPIPE, which would end this program. */
TEST(tcp_reset_ends_a_write_all_with_an_error)
{
	static unsigned char bytes[LARGE];
	struct weft_tcp_write_all__frame write;
	struct stage stage;
	struct pair pair;

	CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	stage_init(&stage);
	for (int waiting = 0; waiting < 2; waiting++) {
		struct count sent = { 0, 0 };

		stage_fill(&stage, &pair, &sent);
		weft_tcp_write_all__init(&write.args, pair.conn, bytes, LARGE);
		if (waiting)
			CHECK_EQ(stage_poll(&stage, &weft_tcp_write_all__async, &write),
					WEFT_PENDING);
		peer_reset(pair.peer);
		stage_await(&stage, &weft_tcp_write_all__async, &write);
		CHECK(write.args.result == -ECONNRESET || write.args.result == -EPIPE);
		CHECK_EQ(write_some(&stage, pair.conn, "x", 1), -EPIPE);
		CHECK_EQ(weft_tcp_close(pair.conn), 0);
	}
	stage_finish(&stage);
}

TEST(tcp_close_with_reset_resets_the_peer)
{
	struct stage stage;
	struct pair pair;
	char byte;

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(weft_tcp_set_reset_on_close(pair.conn, true), 0);
	CHECK_EQ(weft_tcp_close(pair.conn), 0);
	weft__reactor_poll(&stage.reactor, 0); /* a ring lets go of the descriptor here */
	CHECK(recv(pair.peer, &byte, 1, 0) < 0 && errno == ECONNRESET);
	close(pair.peer);
	stage_finish(&stage);
}

static int option_of(struct weft_tcp conn, int level, int name)
{
	struct weft__reactor *reactor = conn.source->reactor;
	int value = -1;
	socklen_t length = sizeof value;

	CHECK_EQ(reactor->sockets->get_option(
				 &reactor->poller, conn.source->fd, level, name, &value, &length),
			0);
	return value;
}

TEST(tcp_options_reach_the_socket)
{
	struct stage stage;
	struct pair pair;

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(weft_tcp_set_nodelay(pair.conn, true), 0);
	CHECK(option_of(pair.conn, IPPROTO_TCP, TCP_NODELAY) != 0);
	CHECK_EQ(weft_tcp_set_nodelay(pair.conn, false), 0);
	CHECK_EQ(option_of(pair.conn, IPPROTO_TCP, TCP_NODELAY), 0);
	CHECK_EQ(weft_tcp_set_keepalive(pair.conn, true, 77), 0);
	CHECK(option_of(pair.conn, SOL_SOCKET, SO_KEEPALIVE) != 0);
	CHECK_EQ(option_of(pair.conn, IPPROTO_TCP, TCP_KEEPIDLE), 77);
	CHECK_EQ(weft_tcp_set_keepalive(pair.conn, false, 0), 0);
	CHECK_EQ(option_of(pair.conn, SOL_SOCKET, SO_KEEPALIVE), 0);
	CHECK_EQ(weft_tcp_set_buffers(pair.conn, 5000, 6000), 0);
	CHECK_EQ(option_of(pair.conn, SOL_SOCKET, SO_RCVBUF), 2 * 5000); /* socket(7): doubled */
	CHECK_EQ(option_of(pair.conn, SOL_SOCKET, SO_SNDBUF), 2 * 6000);
	stage_unpair(&pair);
	stage_finish(&stage);
}

/* --- closed, busy ----------------------------------------------------------------------------- */

static void check_conn_is_dead(struct stage *stage, struct weft_tcp conn)
{
	struct weft_tcp_write_all__frame write_all;
	struct weft_tcp_readable__frame readable;
	struct weft_tcp_writev__frame writev;
	struct weft_tcp_readv__frame readv;
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	char byte = 0;
	struct iovec iov = { &byte, 1 };

	CHECK_EQ(read_some(stage, conn, &byte, 1), -EBADF);
	CHECK_EQ(write_some(stage, conn, &byte, 1), -EBADF);
	CHECK_EQ(STAGE_AWAIT(stage, &readv, weft_tcp_readv, conn, &iov, 1), -EBADF);
	CHECK_EQ(STAGE_AWAIT(stage, &writev, weft_tcp_writev, conn, &iov, 1), -EBADF);
	CHECK_EQ(STAGE_AWAIT(stage, &write_all, weft_tcp_write_all, conn, &byte, 1), -EBADF);
	CHECK_EQ(STAGE_AWAIT(stage, &readable, weft_tcp_readable, conn), -EBADF);
	CHECK_EQ(weft_tcp_try_read(conn, &byte, 1), -EBADF);
	CHECK_EQ(weft_tcp_try_write(conn, &byte, 1), -EBADF);
	CHECK_EQ(weft_tcp_shutdown_write(conn), -EBADF);
	CHECK_EQ(weft_tcp_set_nodelay(conn, true), -EBADF);
	CHECK_EQ(weft_tcp_set_keepalive(conn, true, 1), -EBADF);
	CHECK_EQ(weft_tcp_set_buffers(conn, 5000, 5000), -EBADF);
	CHECK_EQ(weft_tcp_set_reset_on_close(conn, true), -EBADF);
	CHECK_EQ(weft_tcp_local_address(conn, (struct sockaddr *)&address, &length), -EBADF);
	CHECK_EQ(weft_tcp_peer_address(conn, (struct sockaddr *)&address, &length), -EBADF);
	CHECK_EQ(weft_tcp_close(conn), -EBADF);
}

TEST(tcp_stale_handle_gives_ebadf_whatever_it_is_used_for)
{
	struct weft_tcp nobody = { NULL, 0 };
	struct pair pair, other;
	struct stage stage;

	stage_init(&stage);
	pair = stage_pair(&stage);
	CHECK_EQ(weft_tcp_close(pair.conn), 0);
	check_conn_is_dead(&stage, pair.conn);
	other = stage_pair(&stage); /* in the same record, as like as not */
	check_conn_is_dead(&stage, pair.conn);
	check_conn_is_dead(&stage, nobody);
	CHECK_EQ(write_some(&stage, other.conn, "fine", 4), 4);
	peer_expect(other.peer, "fine", 4);
	close(pair.peer);
	stage_unpair(&other);
	stage_finish(&stage);
}

TEST(tcp_stale_listener_gives_ebadf)
{
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener, nobody = { NULL, 0 };
	struct weft_tcp conn;
	struct stage stage;
	int port;

	stage_init(&stage);
	listener = stage_listen(&port);
	weft_tcp_accept__init(&accept.args, listener, &conn);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_accept__async, &accept), WEFT_PENDING);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	CHECK_EQ(probe_wakes(&stage.probe), 1);
	stage_await(&stage, &weft_tcp_accept__async, &accept);
	CHECK_EQ(accept.args.result, -EBADF);
	CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conn), -EBADF);
	CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, nobody, &conn), -EBADF);
	CHECK_EQ(weft_tcp_listener_close(listener), -EBADF);
	CHECK_EQ(weft_tcp_listener_port(listener), -EBADF);
	stage_finish(&stage);
}

TEST(tcp_close_wakes_who_waits)
{
	struct weft_tcp_read__frame read;
	struct weft_tcp_write__frame write;
	struct count sent = { 0, 0 };
	struct stage stage;
	struct pair pair;
	char byte = 0;

	stage_init(&stage);
	stage_fill(&stage, &pair, &sent);
	weft_tcp_read__init(&read.args, pair.conn, &byte, 1);
	weft_tcp_write__init(&write.args, pair.conn, &byte, 1);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &read), WEFT_PENDING);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_write__async, &write), WEFT_PENDING);
	CHECK_EQ(weft_tcp_close(pair.conn), 0);
	CHECK_EQ(probe_wakes(&stage.probe), 2);
	CHECK_EQ(stage_cancel(&stage, &weft_tcp_read__async, &read), WEFT_READY);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_write__async, &write), WEFT_READY);
	CHECK_EQ(read.args.result, -EBADF);
	CHECK_EQ(write.args.result, -EBADF);
	close(pair.peer);
	stage_finish(&stage);
}

TEST(tcp_second_waiter_is_told_that_it_is_busy)
{
	struct weft_tcp_read__frame first, second;
	struct weft_tcp_write__frame write;
	struct stage stage;
	struct pair pair;
	char one, two;

	stage_init(&stage);
	pair = stage_pair(&stage);
	weft_tcp_read__init(&first.args, pair.conn, &one, 1);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &first), WEFT_PENDING);
	CHECK_EQ(read_some(&stage, pair.conn, &two, 1), -EBUSY);
	CHECK_EQ(STAGE_AWAIT(&stage, &write, weft_tcp_write, pair.conn, "x", 1), 1);
	peer_send(pair.peer, "y", 1);
	stage_wait(&stage, 0);
	weft_tcp_read__init(&second.args, pair.conn, &two, 1);
	CHECK_EQ(stage_poll(&stage, &weft_tcp_read__async, &second), WEFT_READY);
	CHECK_EQ(second.args.result, -EBUSY); /* the first has been woken, and comes first */
	stage_await(&stage, &weft_tcp_read__async, &first);
	CHECK_EQ(first.args.result, 1);
	CHECK_EQ(one, 'y');
	peer_send(pair.peer, "z", 1);
	CHECK_EQ(read_some(&stage, pair.conn, &two, 1), 1);
	stage_unpair(&pair);
	stage_finish(&stage);
}

/* A program whose standard streams are closed: what it prints must not go to one of our peers. */
static void use_no_standard_streams(void)
{
	struct weft_tcp_connect__frame connect;
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct weft_tcp ends[2];
	struct stage stage;
	char port[PORT_TEXT];
	int number;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		close(fd);
	stage_init(&stage);
	listener = stage_listen(&number);
	snprintf(port, sizeof port, "%d", number);
	CHECK_EQ(STAGE_AWAIT(&stage, &connect, weft_tcp_connect, &ends[0], "127.0.0.1", port), 0);
	CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &ends[1]), 0);
	CHECK_EQ(write_some(&stage, ends[0], "x", 1), 1);
	read_exactly(&stage, ends[1], "x");
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		CHECK(fcntl(fd, F_GETFD) < 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(weft_tcp_close(ends[i]), 0);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	stage_finish(&stage);
}

TEST(tcp_takes_no_descriptor_of_the_standard_streams)
{
	struct stage stage;
	int child, status = -1;

	stage_init(&stage); /* or skip */
	stage_finish(&stage);
	child = test_fork(__FILE__, __LINE__);
	if (child == 0) {
		use_no_standard_streams();
		test_child_exit();
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_EQ(status, 0);
}

/* --- sockets that were made elsewhere ----------------------------------------------------------- */

TEST(tcp_adopt_takes_an_end_of_a_socketpair)
{
	struct weft_tcp ends[2];
	struct stage stage;
	int fds[2];

	stage_init(&stage);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(weft_tcp_adopt(&ends[i], fds[i]), 0);
		CHECK(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
		CHECK_EQ(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	}
	CHECK_EQ(write_some(&stage, ends[0], "over", 4), 4);
	read_exactly(&stage, ends[1], "over");
	CHECK_EQ(weft_tcp_close(ends[0]), 0);
	CHECK_EQ(read_some(&stage, ends[1], fds, sizeof fds), 0);
	CHECK_EQ(weft_tcp_close(ends[1]), 0);
	stage_finish(&stage);
}

TEST(tcp_listener_adopt_accepts)
{
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_listener listener;
	struct weft_tcp conn;
	struct stage stage;
	int fd, peer;

	stage_init(&stage);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	CHECK_EQ(weft_tcp_listener_adopt(&listener, fd), -EINVAL); /* it does not listen yet */
	CHECK_EQ(listen(fd, 4), 0);
	CHECK_EQ(weft_tcp_adopt(&conn, fd), -ENOTCONN);
	CHECK_EQ(weft_tcp_listener_adopt(&listener, fd), 0);
	peer = peer_connect(weft_tcp_listener_port(listener));
	CHECK_EQ(STAGE_AWAIT(&stage, &accept, weft_tcp_accept, listener, &conn), 0);
	CHECK_EQ(weft_tcp_close(conn), 0);
	CHECK_EQ(weft_tcp_listener_close(listener), 0);
	CHECK_EQ(close(peer), 0);
	stage_finish(&stage);
}

TEST(tcp_adopt_that_fails_leaves_the_descriptor)
{
	struct weft_tcp conn;
	struct stage stage;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(weft_tcp_adopt(&conn, fds[0]), -ENXIO); /* outside a runtime */
	stage_init(&stage);
	CHECK_EQ(weft_tcp_adopt(&conn, fds[0]), -ENOTSOCK);
	CHECK_EQ(weft_tcp_adopt(&conn, -1), -EBADF);
	stage_finish(&stage);
	CHECK_EQ(close(fds[0]), 0);
	CHECK_EQ(close(fds[1]), 0);
}
