/* SPDX-License-Identifier: MIT */
/*
 * A current-thread runtime inside somebody else's loop: fd, timeout, turn. Whoever waits in poll(2) is told
 * by the descriptor or by the timeout, or else these tests do not end.
 */
#include <poll.h>
#include <stdio.h>

#include <weft/net.h>

#include "rig.h"

enum { ROUNDS = 200 };

struct world {
	struct weft_runtime *runtime;
	struct rig_gate gates[ROUNDS];
	uint32_t round, started, ended, over;
	struct weft_tcp_listener listener;
	char port[12];
};

/* The foreign loop: as in weft/runtime.h. */
static void loop_until(struct weft_runtime *runtime, const uint32_t *count, uint32_t at_least)
{
	while (rig_get(count) < at_least) {
		struct pollfd fd = { weft_runtime_fd(runtime), POLLIN, 0 };

		CHECK(fd.fd >= 0);
		CHECK(poll(&fd, 1, weft_timeout_ms(weft_runtime_timeout(runtime))) >= 0);
		CHECK(weft_runtime_turn(runtime) >= 0);
	}
}

/* ---- wakes and spawns from outside ---- */

RIG_TASK(goes_from_gate_to_gate, struct world, struct rig_gate_wait__frame wait;)
{
	struct goes_from_gate_to_gate__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	while (world->round < ROUNDS) {
		weft_await(f, f->wait, rig_gate_wait, &world->gates[world->round]);
		world->round++;
	}
	rig_add(&world->over);
	weft_return(f, 0);
	weft_end(f);
}

static void *open_gates(void *arg)
{
	struct world *world = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (i % 2) /* otherwise at any time */
			rig_wait(&world->gates[i].waiting, 1);
		rig_gate_open(&world->gates[i]);
	}
	return NULL;
}

RIG_TEST_OF(current, descriptor_tells_of_wakes_from_another_thread)
{
	for (int run = 0; run < 5; run++) {
		struct world world = { .runtime = rig_create(options) };
		pthread_t thread = rig_thread(open_gates, &world);

		rig_spawn_detached(world.runtime, &goes_from_gate_to_gate__async, &world);
		loop_until(world.runtime, &world.over, 1);
		rig_thread_join(thread);
		weft_runtime_destroy(world.runtime);
	}
}

RIG_TASK(counts_itself, struct world, struct weft_yield__frame yield;)
{
	struct counts_itself__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->yield, weft_yield);
	rig_add(&f->args.p0->ended);
	weft_return(f, 0);
	weft_end(f);
}

static void *spawn_and_join(void *arg)
{
	struct world *world = arg;

	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(rig_join(rig_spawn(world->runtime, &counts_itself__async, world)), 0);
	return NULL;
}

RIG_TEST_OF(current, descriptor_tells_of_tasks_and_joins_of_other_threads)
{
	struct world world = { .runtime = rig_create(options) };
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		threads[i] = rig_thread(spawn_and_join, &world);
	loop_until(world.runtime, &world.ended, 3 * ROUNDS);
	/* the last joins may still be on their way */
	while (rig_metrics(world.runtime).tasks_alive)
		CHECK(weft_runtime_turn(world.runtime) >= 0);
	for (int i = 0; i < 3; i++) {
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY)
			CHECK(weft_runtime_turn(world.runtime) >= 0);
	}
	weft_runtime_destroy(world.runtime);
}

/* ---- timers ---- */

RIG_TASK(sleeps_often, struct world, int i; struct weft_sleep__frame sleep;)
{
	struct sleeps_often__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < 20; f->i++) {
		weft_await(f, f->sleep, weft_sleep, f->i * 50000);
		CHECK_EQ(f->sleep.args.result, 0);
	}
	rig_add(&f->args.p0->over);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(current, timeout_tells_of_timers)
{
	struct world world = { .runtime = rig_create(options) };

	CHECK_EQ(weft_runtime_timeout(world.runtime), WEFT_NEVER);
	for (int i = 0; i < 10; i++)
		rig_spawn_detached(world.runtime, &sleeps_often__async, &world);
	loop_until(world.runtime, &world.over, 10);
	CHECK_EQ(weft_runtime_timeout(world.runtime), WEFT_NEVER);
	weft_runtime_destroy(world.runtime);
}

RIG_TASK(sleeps_long, struct world, struct weft_sleep__frame sleep;)
{
	struct sleeps_long__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(3600));
	weft_return(f, f->sleep.args.result);
	weft_end(f);
}

RIG_TEST_OF(current, timeout_is_zero_while_tasks_are_ready)
{
	struct world world = { .runtime = rig_create(options) };

	rig_spawn_detached(world.runtime, &sleeps_long__async, &world);
	rig_spawn_detached(world.runtime, &counts_itself__async, &world);
	CHECK_EQ(weft_runtime_turn(world.runtime), 2);
	CHECK_EQ(rig_get(&world.started), 1);
	CHECK_EQ(weft_runtime_timeout(world.runtime), 0); /* it has yielded */
	CHECK_EQ(weft_runtime_turn(world.runtime), 1);
	CHECK_EQ(rig_get(&world.ended), 1);
	CHECK(weft_runtime_timeout(world.runtime) > 0);
	CHECK(weft_runtime_timeout(world.runtime) <= WEFT_SECONDS(3600));
	CHECK_EQ(weft_runtime_turn(world.runtime), 0);
	weft_runtime_destroy(world.runtime);
}

/* ---- sockets ---- */

RIG_TASK(echoes, struct world, struct weft_tcp conn; char bytes[16]; int i;
		struct weft_tcp_accept__frame accept; struct weft_tcp_read__frame read;
		struct weft_tcp_write_all__frame write;)
{
	struct echoes__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->accept, weft_tcp_accept, f->args.p0->listener, &f->conn);
	CHECK_EQ(f->accept.args.result, 0);
	for (;;) {
		weft_await(f, f->read, weft_tcp_read, f->conn, f->bytes, sizeof f->bytes);
		if (f->read.args.result <= 0)
			break;
		weft_await(f, f->write, weft_tcp_write_all, f->conn, f->bytes,
				(size_t)f->read.args.result);
	}
	weft_tcp_close(f->conn);
	weft_tcp_listener_close(f->args.p0->listener);
	rig_add(&f->args.p0->over);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(listens, struct world, )
{
	struct listens__frame *f = frame;
	struct world *world = f->args.p0;
	int port;

	(void)cx;
	CHECK_EQ(weft_tcp_listen(&world->listener, "127.0.0.1", "0"), 0);
	port = weft_tcp_listener_port(world->listener);
	CHECK(port > 0);
	snprintf(world->port, sizeof world->port, "%d", port);
	rig_spawn_detached(NULL, &echoes__async, world);
	rig_add(&world->started);
	weft_return(f, 0);
}

RIG_TASK(talks, struct world, struct weft_tcp conn; char bytes[16]; int i;
		struct weft_tcp_connect__frame connect; struct weft_tcp_read__frame read;
		struct weft_tcp_write_all__frame write;)
{
	struct talks__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->connect, weft_tcp_connect, &f->conn, "127.0.0.1", f->args.p0->port);
	CHECK_EQ(f->connect.args.result, 0);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->write, weft_tcp_write_all, f->conn, "hello", 5);
		CHECK_EQ(f->write.args.result, 5);
		weft_await(f, f->read, weft_tcp_read, f->conn, f->bytes, sizeof f->bytes);
		CHECK(f->read.args.result > 0);
	}
	weft_tcp_close(f->conn);
	weft_return(f, 0);
	weft_end(f);
}

static void *talk(void *arg)
{
	struct world *world = arg;
	struct weft_runtime *runtime = rig_create(&rig_current);

	rig_wait(&world->started, 1);
	CHECK_EQ(rig_run(runtime, &talks__async, world), 0);
	weft_runtime_destroy(runtime);
	return NULL;
}

RIG_TEST_OF(current, descriptor_tells_of_sockets)
{
	struct world world = { .runtime = rig_create(options) };
	pthread_t thread = rig_thread(talk, &world);

	rig_spawn_detached(world.runtime, &listens__async, &world);
	loop_until(world.runtime, &world.over, 1);
	rig_thread_join(thread);
	weft_runtime_destroy(world.runtime);
}

/* ---- who may turn ---- */

RIG_TASK(turns_itself, struct world, )
{
	struct turns_itself__frame *f = frame;

	(void)cx;
	CHECK_EQ(weft_runtime_turn(f->args.p0->runtime), -EDEADLK);
	weft_return(f, 0);
}

static void *turn_elsewhere(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->gates[0].waiting, 1);
	CHECK_EQ(weft_runtime_turn(world->runtime), -EBUSY);
	rig_gate_open(&world->gates[0]);
	return NULL;
}

RIG_TASK(waits_at_the_first, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_at_the_first__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gates[0]);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(current, turn_is_refused_inside_and_beside_a_driver)
{
	struct world world = { .runtime = rig_create(options) };
	pthread_t thread;

	CHECK_EQ(rig_run(world.runtime, &turns_itself__async, &world), 0);
	thread = rig_thread(turn_elsewhere, &world);
	CHECK_EQ(rig_run(world.runtime, &waits_at_the_first__async, &world), 0);
	rig_thread_join(thread);
	weft_runtime_destroy(world.runtime);
}

RIG_TEST_OF(two, multi_thread_runtimes_are_not_embedded)
{
	struct weft_runtime *runtime = rig_create(options);

	CHECK_EQ(weft_runtime_fd(runtime), -EINVAL);
	CHECK_EQ(weft_runtime_turn(runtime), -EINVAL);
	CHECK_EQ(weft_runtime_timeout(runtime), WEFT_NEVER);
	weft_runtime_destroy(runtime);
}

/* ---- two of them in one loop ---- */

RIG_TASK(calls_the_other, struct world, int i; struct weft_task * there;
		struct weft_task_join__frame join;)
{
	struct calls_the_other__frame *f = frame;
	struct world *other = f->args.p0;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		f->there = rig_spawn(other->runtime, &counts_itself__async, other);
		weft_await(f, f->join, weft_task_join, f->there, NULL);
		CHECK_EQ(f->join.args.result, 0);
	}
	rig_add(&other->over);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(current, two_runtimes_share_a_loop)
{
	struct world worlds[2] = { { .runtime = rig_create(options) },
		{ .runtime = rig_create(options) } };

	for (int i = 0; i < 2; i++)
		rig_spawn_detached(worlds[i].runtime, &calls_the_other__async, &worlds[1 - i]);
	while (!rig_get(&worlds[0].over) || !rig_get(&worlds[1].over)) {
		struct pollfd fds[2];
		int64_t timeout = WEFT_NEVER;

		for (int i = 0; i < 2; i++) {
			int64_t mine = weft_runtime_timeout(worlds[i].runtime);

			fds[i] = (struct pollfd){ weft_runtime_fd(worlds[i].runtime), POLLIN, 0 };
			timeout = mine < timeout ? mine : timeout;
		}
		CHECK(poll(fds, 2, weft_timeout_ms(timeout)) >= 0);
		for (int i = 0; i < 2; i++)
			CHECK(weft_runtime_turn(worlds[i].runtime) >= 0);
	}
	CHECK_EQ(worlds[0].ended + worlds[1].ended, 2 * ROUNDS);
	weft_runtime_destroy(worlds[0].runtime);
	weft_runtime_destroy(worlds[1].runtime);
}
