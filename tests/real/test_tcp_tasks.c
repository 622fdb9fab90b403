/* SPDX-License-Identifier: MIT */
/* TCP as tasks use it, on every kind of runtime: many connections, much data, both at once, and the end of
 * it all. What one leaf does is in test_tcp.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/net.h>
#include <weft/time.h>

#include "peer.h"
#include "rig.h"
#include "test.h"

/* A task's tests run to their end in it, so a result of 0 means that all went well. */
struct world {
	struct weft_tcp_listener listener;
	char port[PORT_TEXT];
	struct weft_tcp client, server;
	struct rig_gate gate;
	uint32_t connected, waiting, turns, done;
};

static void world_listen(struct world *world)
{
	CHECK_EQ(weft_tcp_listen(&world->listener, "127.0.0.1", "0"), 0);
	snprintf(world->port, sizeof world->port, "%d", weft_tcp_listener_port(world->listener));
}

/* The byte at `at` of what connection `of` sends. */
static unsigned char pattern(unsigned of, size_t at)
{
	return (unsigned char)(of * 31 + at + at / 251);
}

static void pattern_fill(unsigned char *bytes, size_t size, unsigned of, size_t at)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(of, at + i);
}

static bool pattern_holds(const unsigned char *bytes, size_t size, unsigned of, size_t at)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != pattern(of, at + i))
			return false;
	return true;
}

/* --- many connections ------------------------------------------------------------------------- */

enum { CLIENTS = 500, ROUNDS = 3, MESSAGE = 700 };

WEFT_ASYNC_1(int, echo, struct weft_tcp);
struct echo__frame {
	struct echo__args args;
	unsigned char buffer[MESSAGE / 2];
	union {
		struct weft_tcp_read__frame read;
		struct weft_tcp_write_all__frame write;
	};
};

/* Sends back what comes, until the end. */
enum weft_poll echo__poll(void *frame, struct weft_context *cx)
{
	struct echo__frame *f = frame;

	weft_begin(f);
	for (;;) {
		weft_await(f, f->read, weft_tcp_read, f->args.p0, f->buffer, sizeof f->buffer);
		if (f->read.args.result <= 0)
			break;
		weft_await(f, f->write, weft_tcp_write_all, f->args.p0, f->buffer,
				(size_t)f->read.args.result);
		if (f->write.args.result < 0)
			break;
	}
	CHECK_EQ(weft_tcp_close(f->args.p0), 0);
	weft_return(f, 0);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(echo, WEFT_ASYNC_RESULT_INT);

RIG_TASK(accepts_many, struct world, struct weft_tcp_accept__frame accept; struct weft_tcp conn;
		int i;)
{
	struct accepts_many__frame *f = frame;
	struct echo__args args;

	weft_begin(f);
	for (f->i = 0; f->i < CLIENTS; f->i++) {
		weft_await(f, f->accept, weft_tcp_accept, f->args.p0->listener, &f->conn);
		CHECK_EQ(f->accept.args.result, 0);
		echo__init(&args, f->conn);
		CHECK_EQ(weft_task_spawn_detached(NULL, &echo__async, &args), 0);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(
		one_of_many, struct world, struct weft_tcp conn; unsigned number; size_t at, size;
		unsigned char bytes[MESSAGE]; union {
			struct weft_tcp_connect__frame connect;
			struct rig_gate_wait__frame wait;
			struct weft_tcp_write_all__frame write;
			struct weft_tcp_read__frame read;
		};)
{
	struct one_of_many__frame *f = frame;
	struct world *world = f->args.p0;
	int i;

	weft_begin(f);
	weft_await(f, f->connect, weft_tcp_connect, &f->conn, "127.0.0.1", world->port);
	CHECK_EQ(f->connect.args.result, 0);
	f->number = rig_add(&world->connected);
	if (f->number == CLIENTS - 1)
		rig_gate_open(&world->gate);
	weft_await(f, f->wait, rig_gate_wait, &world->gate);
	for (f->at = 0; f->at < ROUNDS * MESSAGE;) {
		f->size = 1 + (f->at + f->number) % MESSAGE;
		pattern_fill(f->bytes, f->size, f->number, f->at);
		weft_await(f, f->write, weft_tcp_write_all, f->conn, f->bytes, f->size);
		CHECK_EQ(f->write.args.result, f->size);
		while (f->size > 0) {
			weft_await(f, f->read, weft_tcp_read, f->conn, f->bytes, f->size);
			CHECK(f->read.args.result > 0);
			i = (int)f->read.args.result;
			CHECK(pattern_holds(f->bytes, (size_t)i, f->number, f->at));
			f->at += (size_t)i;
			f->size -= (size_t)i;
		}
	}
	CHECK_EQ(weft_tcp_close(f->conn), 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(runs_many, struct world, struct weft_task *clients[CLIENTS], *acceptor; int i, result;
		struct weft_task_join__frame join;)
{
	struct runs_many__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	world_listen(world);
	f->acceptor = rig_spawn(NULL, &accepts_many__async, world);
	for (f->i = 0; f->i < CLIENTS; f->i++)
		f->clients[f->i] = rig_spawn(NULL, &one_of_many__async, world);
	for (f->i = 0; f->i < CLIENTS; f->i++) {
		weft_await(f, f->join, weft_task_join, f->clients[f->i], &f->result);
		CHECK_EQ(f->result, 0);
	}
	weft_await(f, f->join, weft_task_join, f->acceptor, &f->result);
	CHECK_EQ(weft_tcp_listener_close(world->listener), 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(tcp_many_connections_at_once_echo)
{
	struct world world = { .connected = 0 };
	struct weft_runtime *runtime;

	peer_need_descriptors(2 * CLIENTS + 100);
	runtime = rig_create(options);
	CHECK_EQ(rig_run(runtime, &runs_many__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* --- a pair ----------------------------------------------------------------------------------- */

/* Connects world->client to world->server; the listener stays. */
RIG_TASK(
		makes_a_pair, struct world, union {
			struct weft_tcp_connect__frame connect;
			struct weft_tcp_accept__frame accept;
		};)
{
	struct makes_a_pair__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	world_listen(world);
	weft_await(f, f->connect, weft_tcp_connect, &world->client, "127.0.0.1", world->port);
	CHECK_EQ(f->connect.args.result, 0);
	weft_await(f, f->accept, weft_tcp_accept, world->listener, &world->server);
	CHECK_EQ(f->accept.args.result, 0);
	weft_return(f, 0);
	weft_end(f);
}

static void world_unpair(struct world *world)
{
	CHECK_EQ(weft_tcp_close(world->client), 0);
	CHECK_EQ(weft_tcp_close(world->server), 0);
	CHECK_EQ(weft_tcp_listener_close(world->listener), 0);
}

/* --- much data, both ways at once ------------------------------------------------------------- */

enum { MUCH = 1 << 20, PIECE = 10000 };

struct stream {
	struct weft_tcp conn;
	unsigned number;
};

RIG_TASK(sends_much, struct stream, size_t at; unsigned char bytes[PIECE];
		struct weft_tcp_write_all__frame write;)
{
	struct sends_much__frame *f = frame;

	weft_begin(f);
	for (f->at = 0; f->at < MUCH; f->at += PIECE) {
		pattern_fill(f->bytes, PIECE, f->args.p0->number, f->at);
		weft_await(f, f->write, weft_tcp_write_all, f->args.p0->conn, f->bytes, PIECE);
		CHECK_EQ(f->write.args.result, PIECE);
	}
	CHECK_EQ(weft_tcp_shutdown_write(f->args.p0->conn), 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(receives_much, struct stream, size_t at; unsigned char bytes[PIECE];
		struct weft_tcp_read__frame read;)
{
	struct receives_much__frame *f = frame;
	ssize_t n;

	weft_begin(f);
	f->at = 0;
	do {
		weft_await(f, f->read, weft_tcp_read, f->args.p0->conn, f->bytes, PIECE);
		n = f->read.args.result;
		CHECK(n >= 0);
		CHECK(pattern_holds(f->bytes, (size_t)n, f->args.p0->number, f->at));
		f->at += (size_t)n;
	} while (n > 0);
	CHECK_EQ(f->at, (MUCH + PIECE - 1) / PIECE * PIECE);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(both_ways, struct world, struct stream ends[2][2]; struct weft_task * tasks[4];
		int i, result; struct weft_task_join__frame join;)
{
	struct both_ways__frame *f = frame;
	struct weft_tcp conns[2] = { f->args.p0->client, f->args.p0->server };

	weft_begin(f);
	for (f->i = 0; f->i < 2; f->i++) {
		CHECK_EQ(weft_tcp_set_buffers(conns[f->i], 0, 4096), 0);
		f->ends[f->i][0] = (struct stream){ conns[f->i], (unsigned)f->i };
		f->ends[f->i][1] = (struct stream){ conns[f->i], (unsigned)!f->i };
		f->tasks[2 * f->i] = rig_spawn(NULL, &sends_much__async, &f->ends[f->i][0]);
		f->tasks[2 * f->i + 1] = rig_spawn(NULL, &receives_much__async, &f->ends[f->i][1]);
	}
	for (f->i = 0; f->i < 4; f->i++) {
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->result);
		CHECK_EQ(f->result, 0);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(tcp_much_data_goes_both_ways_through_small_buffers)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .connected = 0 };

	CHECK_EQ(rig_run(runtime, &makes_a_pair__async, &world), 0);
	CHECK_EQ(rig_run(runtime, &both_ways__async, &world), 0);
	world_unpair(&world);
	weft_runtime_destroy(runtime);
}

/* --- reading, writing and closing at the same time -------------------------------------------- */

static bool is_an_end(ssize_t result)
{
	return result == 0 || result == -EBADF || result == -ECONNRESET || result == -EPIPE;
}

RIG_TASK(reads_to_the_end, struct weft_tcp, unsigned char bytes[500];
		struct weft_tcp_read__frame read;)
{
	struct reads_to_the_end__frame *f = frame;

	weft_begin(f);
	do
		weft_await(f, f->read, weft_tcp_read, *f->args.p0, f->bytes, sizeof f->bytes);
	while (f->read.args.result > 0);
	CHECK(is_an_end(f->read.args.result));
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(writes_to_the_end, struct weft_tcp, unsigned char bytes[3000];
		struct weft_tcp_write_all__frame write;)
{
	struct writes_to_the_end__frame *f = frame;

	weft_begin(f);
	memset(f->bytes, 'w', sizeof f->bytes);
	do
		weft_await(f, f->write, weft_tcp_write_all, *f->args.p0, f->bytes, sizeof f->bytes);
	while (f->write.args.result == sizeof f->bytes);
	CHECK(is_an_end(f->write.args.result));
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(closes_after_a_while, struct weft_tcp, int turns; struct weft_yield__frame yield;)
{
	struct closes_after_a_while__frame *f = frame;

	weft_begin(f);
	for (f->turns = (int)(f->args.p0->generation % 13) * 3; f->turns > 0; f->turns--)
		weft_await(f, f->yield, weft_yield);
	CHECK_EQ(weft_tcp_close(*f->args.p0), 0);
	weft_return(f, 0);
	weft_end(f);
}

enum { PAIRS = 60 };

/* On each of two connected handles: one task reads, one writes, one closes. */
RIG_TASK(
		tears_a_pair, struct world, struct weft_task *tasks[6]; int i, result; union {
			struct makes_a_pair__frame pair;
			struct weft_task_join__frame join;
		};)
{
	static const struct weft_async *const parts[] = { &reads_to_the_end__async,
		&writes_to_the_end__async, &closes_after_a_while__async };
	struct tears_a_pair__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	weft_await(f, f->pair, makes_a_pair, world);
	for (f->i = 0; f->i < 6; f->i++)
		f->tasks[f->i] = rig_spawn(
				NULL, parts[f->i % 3], f->i < 3 ? &world->client : &world->server);
	for (f->i = 0; f->i < 6; f->i++) {
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->result);
		CHECK_EQ(f->result, 0);
	}
	CHECK_EQ(weft_tcp_close(world->client), -EBADF);
	CHECK_EQ(weft_tcp_close(world->server), -EBADF);
	CHECK_EQ(weft_tcp_listener_close(world->listener), 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(tcp_close_while_others_read_and_write)
{
	struct weft_runtime *runtime = rig_create(options);

	for (int i = 0; i < PAIRS; i++) {
		struct world world = { .connected = 0 };

		CHECK_EQ(rig_run(runtime, &tears_a_pair__async, &world), 0);
	}
	weft_runtime_destroy(runtime);
}

/* --- the budget ------------------------------------------------------------------------------- */

enum { FIREHOSE = 20000 };

/* Everything that it reads is there already, and it takes it byte by byte. */
RIG_TASK(drinks, struct world, size_t got; char byte; struct weft_tcp_read__frame read;)
{
	struct drinks__frame *f = frame;

	weft_begin(f);
	for (f->got = 0; f->got < FIREHOSE; f->got++) {
		weft_await(f, f->read, weft_tcp_read, f->args.p0->server, &f->byte, 1);
		CHECK_EQ(f->read.args.result, 1);
	}
	rig_add(&f->args.p0->done);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(takes_turns, struct world, struct weft_yield__frame yield;)
{
	struct takes_turns__frame *f = frame;

	weft_begin(f);
	while (!rig_get(&f->args.p0->done)) {
		f->args.p0->turns++;
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

/* Row S4-8: a socket that always has more does not keep the thread. */
RIG_TEST_OF(current, tcp_firehose_leaves_others_their_turn)
{
	static unsigned char bytes[FIREHOSE];
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .connected = 0 };

	CHECK_EQ(rig_run(runtime, &makes_a_pair__async, &world), 0);
	CHECK_EQ(weft_tcp_try_write(world.client, bytes, FIREHOSE), FIREHOSE);
	rig_spawn_detached(runtime, &drinks__async, &world);
	CHECK_EQ(rig_run(runtime, &takes_turns__async, &world), 0);
	CHECK(world.turns >= FIREHOSE / WEFT_BUDGET);
	world_unpair(&world);
	weft_runtime_destroy(runtime);
}

/* --- deadlines -------------------------------------------------------------------------------- */

RIG_TASK(calls_the_deaf, struct world, struct weft_tcp conn; struct weft_tcp_connect__frame connect;
		struct weft_timeout__frame timeout;)
{
	struct calls_the_deaf__frame *f = frame;

	weft_begin(f);
	weft_tcp_connect__init(&f->connect.args, &f->conn, "127.0.0.1", f->args.p0->port);
	weft_await(f, f->timeout, weft_timeout, WEFT_MILLISECONDS(2), &weft_tcp_connect__async,
			&f->connect);
	weft_return(f, (int)f->timeout.args.result);
	weft_end(f);
}

RIG_TEST(tcp_connect_that_nobody_answers_ends_at_its_deadline)
{
	struct weft_runtime *runtime = rig_create(options);
	struct peer_deaf deaf = peer_deaf_make();
	struct world world = { .connected = 0 };

	snprintf(world.port, sizeof world.port, "%d", deaf.port);
	CHECK_EQ(rig_run(runtime, &calls_the_deaf__async, &world), -ETIME);
	weft_runtime_destroy(runtime);
	peer_deaf_free(&deaf);
}

RIG_TASK(waits_for_a_line, struct world, char byte; struct weft_tcp_read__frame read;
		struct weft_timeout__frame timeout;)
{
	struct waits_for_a_line__frame *f = frame;

	weft_begin(f);
	weft_tcp_read__init(&f->read.args, f->args.p0->server, &f->byte, 1);
	weft_await(f, f->timeout, weft_timeout, WEFT_MILLISECONDS(2), &weft_tcp_read__async,
			&f->read);
	CHECK_EQ(f->timeout.args.result, -ETIME);
	CHECK_EQ(weft_tcp_try_write(f->args.p0->client, "x", 1), 1);
	weft_tcp_read__init(&f->read.args, f->args.p0->server, &f->byte, 1);
	weft_await(f, f->timeout, weft_timeout, WEFT_SECONDS(3600), &weft_tcp_read__async,
			&f->read);
	weft_return(f, (int)f->timeout.args.result);
	weft_end(f);
}

RIG_TEST(tcp_read_that_timed_out_leaves_the_byte_to_the_next)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .connected = 0 };

	CHECK_EQ(rig_run(runtime, &makes_a_pair__async, &world), 0);
	CHECK_EQ(rig_run(runtime, &waits_for_a_line__async, &world), 1);
	world_unpair(&world);
	weft_runtime_destroy(runtime);
}

/* --- the end of the runtime ------------------------------------------------------------------- */

struct pending {
	struct world *world;
	const struct weft_async *leaf;
	void *frame;
};

static ssize_t pending_result(const struct pending *pending)
{
	const char *from = (const char *)pending->frame + pending->leaf->result_offset;
	ssize_t result;
	int narrow;

	if (pending->leaf->result_size == sizeof result) {
		memcpy(&result, from, sizeof result);
		return result;
	}
	memcpy(&narrow, from, sizeof narrow);
	return narrow;
}

/* Waits in the leaf until that is cancelled, and then can do nothing else. */
RIG_TASK(pends, struct pending, struct weft_tcp_write__frame write;)
{
	struct pends__frame *f = frame;
	struct pending *pending = f->args.p0;
	struct world *world = pending->world;

	if (pending->leaf->poll(pending->frame, cx) == WEFT_PENDING) {
		if (f->args.base.at++ == 0)
			rig_add(&world->waiting);
		return WEFT_PENDING;
	}
	CHECK_EQ(pending_result(pending), -ECANCELED);
	weft_tcp_write__init(&f->write.args, world->server, "x", 1);
	CHECK_EQ(weft_tcp_write__poll(&f->write, cx), WEFT_READY);
	CHECK_EQ(f->write.args.result, -ECANCELED);
	rig_add(&world->done);
	weft_return(f, 0);
}

enum { PENDING_KINDS = 4 };

RIG_TASK(sees_all_wait, struct world, struct weft_yield__frame yield;)
{
	struct sees_all_wait__frame *f = frame;

	weft_begin(f);
	while (rig_get(&f->args.p0->waiting) < PENDING_KINDS)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

/* Behaviour B73. */
RIG_TEST(tcp_shutdown_ends_whatever_is_pending)
{
	static char bytes[100000];
	struct weft_tcp_connect__frame connect;
	struct weft_tcp_accept__frame accept;
	struct weft_tcp_write__frame write;
	struct weft_tcp_read__frame read;
	struct world world = { .connected = 0 };
	struct pending pending[PENDING_KINDS] = { { &world, &weft_tcp_accept__async, &accept },
		{ &world, &weft_tcp_connect__async, &connect },
		{ &world, &weft_tcp_read__async, &read },
		{ &world, &weft_tcp_write__async, &write } };
	struct weft_runtime *runtime = rig_create(options);
	struct peer_deaf deaf = peer_deaf_make();
	struct weft_tcp conn;
	char port[PORT_TEXT];

	CHECK_EQ(rig_run(runtime, &makes_a_pair__async, &world), 0);
	while (weft_tcp_try_write(world.client, bytes, sizeof bytes) > 0)
		continue;
	snprintf(port, sizeof port, "%d", deaf.port);
	weft_tcp_accept__init(&accept.args, world.listener, &conn);
	weft_tcp_connect__init(&connect.args, &conn, "127.0.0.1", port);
	weft_tcp_read__init(&read.args, world.client, bytes, 1);
	weft_tcp_write__init(&write.args, world.client, bytes, 1);
	for (int i = 0; i < PENDING_KINDS; i++)
		rig_spawn_detached(runtime, &pends__async, &pending[i]);
	CHECK_EQ(rig_run(runtime, &sees_all_wait__async, &world), 0);
	CHECK_EQ(weft_runtime_shutdown(runtime, -1), 0);
	CHECK_EQ(rig_get(&world.done), PENDING_KINDS);
	world_unpair(&world);
	weft_runtime_destroy(runtime);
	peer_deaf_free(&deaf);
}
