/* SPDX-License-Identifier: MIT */
/*
 * Every leaf of the public headers that waits, swept: cancelled at each suspension, polled without a wake,
 * with each allocation failing. The network is simulated, with buffers of a few bytes and many seeds; the
 * other end does one thing at a time, when the leaf waits. What must hold, whatever interrupts: a leaf
 * that gives -ECANCELED had no effect. So the bytes, the connection, the signal or the result are
 * still to be had afterwards, and each check goes and gets them.
 *
 * Not here: weft_blocking, whose function runs on a thread of its own (test_blocking_pool.c); weft_timeout
 * and weft_deadline around each other (test_time.c), weft_shield (test_shield.c), join and select
 * (test_combinators.c); weft_reader_read_until, whose buffer outlasts it (test_reader.c).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <weft.h>

#include "io/reactor.h"
#include "io/sim.h"
#include "seeds.h"
#include "sweep.h"

enum { SEEDS = 30, STEPS_MAX = 3000, TEXT_BYTES = 40, PATTERN = 251 };

struct leaf_world {
	struct weft__reactor reactor;
	struct weft_wheel wheel;
	struct weft_tcp_listener listener;
	struct weft_tcp conn, peer; /* the leaf's end and the other one */
	struct weft_tcp accepted;
	char port[8];
	struct weft_tcp_connect__frame connect; /* of the peer */
	bool connecting, connected;
	size_t sent, received; /* by the peer */
	size_t filled;         /* by us, before the leaf writes */
	int steps;
	struct weft_reader reader;
	char buffer[TEXT_BYTES];
	struct iovec iov[2];
	struct weft_sleep__frame sleep;
	struct weft_interval interval;
	struct weft_signals signals;
	int signo;
	struct weft_runtime *runtime;
	struct weft_task *task;
	struct weft_scope scope;
	struct weft_join_set set;
	struct weft_semaphore turns; /* for their children */
	int stopped, taken;          /* of them */
	struct weft_shutdown end;
};

static char text[TEXT_BYTES + 1] = "a text of forty bytes, which are counted";
static char pattern[2000 * PATTERN];

static struct weft__reactor *place(const struct weft_env *env)
{
	return env->reactor;
}

static ssize_t leaf_result(const struct sweep *sweep)
{
	const char *from = (const char *)sweep->frame + sweep->async->result_offset;
	ssize_t wide;
	int narrow;

	if (sweep->async->result_size == sizeof narrow) {
		memcpy(&narrow, from, sizeof narrow);
		return narrow;
	}
	memcpy(&wide, from, sizeof wide);
	return wide;
}

/* -ECANCELED is for the cancelled, -ENOMEM for those whose allocations fail. */
static bool leaf_was_interrupted(const struct sweep *sweep, ssize_t result)
{
	if (result == -ENOMEM)
		return sweep->fail_after != SWEEP_NEVER;
	return result == -ECANCELED && sweep->cancelled;
}

/* ---- a world with a network ---- */

static void world_open(struct sweep *sweep, const char *poller)
{
	struct leaf_world *world = sweep->world;

	world->reactor.poller.seed = seeds_current;
	CHECK_EQ(weft__reactor_init(&world->reactor, poller), 0);
	sweep->env.env.reactor = &world->reactor;
	sweep->env.env.place = place;
	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	weft__env_current = &sweep->env.env;
}

/* One poll of a frame that is not the leaf's, with a waker that nobody listens to. */
static enum weft_poll beside(struct sweep *sweep, const struct weft_async *async, void *frame)
{
	static struct probe probe;
	static struct weft_strand strand;
	struct weft_context cx = probe_context(&probe, &sweep->env, &strand);

	return async->poll(frame, &cx);
}

static void beside_to_the_end(struct sweep *sweep, const struct weft_async *async, void *frame)
{
	struct leaf_world *world = sweep->world;

	for (int i = 0; beside(sweep, async, frame) == WEFT_PENDING; i++) {
		CHECK(i < STEPS_MAX);
		weft__reactor_poll(&world->reactor, 0);
	}
}

static void peer_connects(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	if (!world->connecting)
		weft_tcp_connect__init(
				&world->connect.args, &world->peer, "127.0.0.1", world->port);
	world->connecting = true;
	if (!world->connected &&
			beside(sweep, &weft_tcp_connect__async, &world->connect) == WEFT_READY) {
		CHECK_EQ(world->connect.args.result, 0);
		world->connected = true;
	}
}

static void network_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	world_open(sweep, "sim");
	weft__sim_buffers(&world->reactor.poller, 1);
	CHECK_EQ(weft_tcp_listen(&world->listener, "127.0.0.1", "0"), 0);
	snprintf(world->port, sizeof world->port, "%d", weft_tcp_listener_port(world->listener));
}

static void pair_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	struct weft_tcp_accept__frame accept;

	network_set_up(sweep);
	peer_connects(sweep);
	weft_tcp_accept__init(&accept.args, world->listener, &world->conn);
	beside_to_the_end(sweep, &weft_tcp_accept__async, &accept);
	CHECK_EQ(accept.args.result, 0);
	while (!world->connected) {
		weft__reactor_poll(&world->reactor, 0);
		peer_connects(sweep);
	}
}

static void network_tear_down(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	weft_reader_finish(&world->reader);
	(void)weft_tcp_listener_close(world->listener);
	(void)weft_tcp_close(world->conn);
	(void)weft_tcp_close(world->accepted);
	if (world->connecting && !world->connected) /* it is refused now */
		beside_to_the_end(sweep, &weft_tcp_connect__async, &world->connect);
	(void)weft_tcp_close(world->peer);
	weft__reactor_finish(&world->reactor);
	CHECK_EQ(world->reactor.sources, 0);
	weft__env_current = NULL;
}

static bool network_advance(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	weft__reactor_poll(&world->reactor, 0);
	return ++world->steps < STEPS_MAX;
}

/* ---- accept and connect ---- */

static void accept_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	network_set_up(sweep);
	weft_tcp_accept__init(sweep->frame, world->listener, &world->conn);
}

static bool accept_advance(struct sweep *sweep)
{
	peer_connects(sweep);
	return network_advance(sweep);
}

/* There is one connection, which this accept or the next one gives. */
static const char *accept_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	struct weft_tcp_accept__frame accept;

	if (leaf_result(sweep) == 0)
		return NULL;
	SWEEP_EXPECT(leaf_was_interrupted(sweep, leaf_result(sweep)));
	peer_connects(sweep);
	weft_tcp_accept__init(&accept.args, world->listener, &world->accepted);
	beside_to_the_end(sweep, &weft_tcp_accept__async, &accept);
	SWEEP_EXPECT(accept.args.result == 0);
	return NULL;
}

static void connect_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	network_set_up(sweep);
	weft_tcp_connect__init(sweep->frame, &world->conn, "127.0.0.1", world->port);
}

/* One that was given up is closed. */
static const char *connect_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	for (int i = 0; i < 50; i++)
		weft__reactor_poll(&world->reactor, 0);
	SWEEP_EXPECT(world->reactor.sources == (leaf_result(sweep) == 0 ? 2 : 1));
	SWEEP_EXPECT(leaf_result(sweep) == 0 || leaf_was_interrupted(sweep, leaf_result(sweep)));
	return NULL;
}

/* ---- reading ---- */

static void peer_sends(struct leaf_world *world)
{
	ssize_t count = world->sent < TEXT_BYTES
			? weft_tcp_try_write(world->peer, text + world->sent, 1)
			: 0;

	CHECK(count >= 0 || count == -EAGAIN);
	world->sent += count > 0 ? (size_t)count : 0;
}

static bool read_advance(struct sweep *sweep)
{
	peer_sends(sweep->world);
	return network_advance(sweep);
}

/* What the leaf has not taken is there, from its first byte. */
static const char *rest_is_there(struct sweep *sweep, size_t taken)
{
	struct leaf_world *world = sweep->world;
	char byte;

	for (int i = 0; taken < TEXT_BYTES; i++) {
		struct weft_reader_read__frame read;

		SWEEP_EXPECT(i < STEPS_MAX);
		weft_reader_read__init(&read.args, &world->reader, &byte, 1);
		while (beside(sweep, &weft_reader_read__async, &read) == WEFT_PENDING)
			SWEEP_EXPECT(read_advance(sweep));
		SWEEP_EXPECT(read.args.result == 1);
		SWEEP_EXPECT(byte == text[taken++]);
	}
	return NULL;
}

static const char *read_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	ssize_t result = leaf_result(sweep);

	SWEEP_EXPECT(result > 0 || leaf_was_interrupted(sweep, result));
	if (result <= 0)
		return rest_is_there(sweep, 0);
	SWEEP_EXPECT(memcmp(world->buffer, text, (size_t)result) == 0);
	return rest_is_there(sweep, (size_t)result);
}

static void reader_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	pair_set_up(sweep);
	weft_reader_init(&world->reader, weft_tcp_io(world->conn));
}

static void read_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	reader_set_up(sweep);
	weft_tcp_read__init(sweep->frame, world->conn, world->buffer, TEXT_BYTES);
}

static void readv_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	reader_set_up(sweep);
	world->iov[0] = (struct iovec){ world->buffer, 1 };
	world->iov[1] = (struct iovec){ world->buffer + 1, TEXT_BYTES - 1 };
	weft_tcp_readv__init(sweep->frame, world->conn, world->iov, 2);
}

static void reader_read_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	reader_set_up(sweep);
	weft_reader_read__init(sweep->frame, &world->reader, world->buffer, TEXT_BYTES);
}

static void readable_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	reader_set_up(sweep);
	/* once it may be told so for nothing */
	CHECK_EQ(weft_tcp_try_read(world->conn, world->buffer, 1), -EAGAIN);
	weft_tcp_readable__init(sweep->frame, world->conn);
}

static const char *readable_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	ssize_t result = leaf_result(sweep);

	SWEEP_EXPECT(result == 0 || leaf_was_interrupted(sweep, result));
	if (result == 0)
		SWEEP_EXPECT(weft_tcp_try_read(world->conn, world->buffer, 1) == 1);
	return rest_is_there(sweep, result == 0);
}

/* ---- writing ---- */

/* Takes what has come, and sees that it goes on where it was. Returns whether anything had. */
static bool peer_receives(struct leaf_world *world)
{
	char bytes[3];
	ssize_t count = weft_tcp_try_read(world->peer, bytes, sizeof bytes);

	if (count <= 0)
		return false;
	CHECK(memcmp(bytes, pattern + world->received, (size_t)count) == 0);
	world->received += (size_t)count;
	return true;
}

static bool write_advance(struct sweep *sweep)
{
	(void)peer_receives(sweep->world);
	return network_advance(sweep);
}

/* Writes until nothing more fits, and nothing is under way that could make room. */
static void write_fill(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	const struct sim_network *network;
	ssize_t count;
	bool quiet;

	pair_set_up(sweep);
	network = world->reactor.poller.state;
	do {
		weft__reactor_poll(&world->reactor, 0);
		quiet = !network->flying.count && !network->ready.count;
		count = weft_tcp_try_write(
				world->conn, pattern + world->filled, sizeof pattern / 2);
		CHECK(count > 0 || count == -EAGAIN);
		world->filled += count > 0 ? (size_t)count : 0;
	} while (count > 0 || !quiet);
	CHECK(world->filled < sizeof pattern / 2);
}

/* The peer gets what the leaf says it has written, and no more. */
static const char *write_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	ssize_t result = leaf_result(sweep);
	int quiet = 0;

	SWEEP_EXPECT(result > 0 || leaf_was_interrupted(sweep, result));
	while (quiet < 50) {
		quiet = peer_receives(world) ? 0 : quiet + 1;
		weft__reactor_poll(&world->reactor, 0);
	}
	SWEEP_EXPECT(world->received == world->filled + (result > 0 ? (size_t)result : 0));
	return NULL;
}

static const char *write_all_check(struct sweep *sweep)
{
	SWEEP_EXPECT(sweep->cancelled || leaf_result(sweep) == TEXT_BYTES);
	return write_check(sweep);
}

static void write_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	write_fill(sweep);
	weft_tcp_write__init(sweep->frame, world->conn, pattern + world->filled, TEXT_BYTES);
}

static void writev_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	write_fill(sweep);
	world->iov[0] = (struct iovec){ pattern + world->filled, 1 };
	world->iov[1] = (struct iovec){ pattern + world->filled + 1, TEXT_BYTES };
	weft_tcp_writev__init(sweep->frame, world->conn, world->iov, 2);
}

static void write_all_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	write_fill(sweep);
	weft_tcp_write_all__init(sweep->frame, world->conn, pattern + world->filled, TEXT_BYTES);
}

static void io_write_all_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	write_fill(sweep);
	weft_io_write_all__init(sweep->frame, weft_tcp_io(world->conn), pattern + world->filled,
			TEXT_BYTES);
}

#define NETWORK_LEAF(leaf, set_up_, advance_, check_)                                              \
	TEST(leaf##_is_interrupted_without_an_effect)                                              \
	{                                                                                          \
		static const struct sweep_scenario scenario = { .name = #leaf,                     \
			.async = &weft_##leaf##__async,                                            \
			.world_bytes = sizeof(struct leaf_world),                                  \
			.set_up = set_up_,                                                         \
			.advance = advance_,                                                       \
			.check = check_,                                                           \
			.tear_down = network_tear_down };                                          \
		sweep_with_seeds(&scenario);                                                       \
	}

static void sweep_with_seeds(const struct sweep_scenario *scenario)
{
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (char)(i % PATTERN);
	for (unsigned i = 0; i < seeds_count(SEEDS); i++) {
		seeds_begin(i);
		CHECK(sweep(scenario).suspensions > 0);
		seeds_end();
	}
}

NETWORK_LEAF(tcp_accept, accept_set_up, accept_advance, accept_check)
NETWORK_LEAF(tcp_connect, connect_set_up, network_advance, connect_check)
NETWORK_LEAF(tcp_read, read_set_up, read_advance, read_check)
NETWORK_LEAF(tcp_readv, readv_set_up, read_advance, read_check)
NETWORK_LEAF(tcp_readable, readable_set_up, read_advance, readable_check)
NETWORK_LEAF(reader_read, reader_read_set_up, read_advance, read_check)
NETWORK_LEAF(tcp_write, write_set_up, write_advance, write_check)
NETWORK_LEAF(tcp_writev, writev_set_up, write_advance, write_check)
NETWORK_LEAF(tcp_write_all, write_all_set_up, write_advance, write_all_check)
NETWORK_LEAF(io_write_all, io_write_all_set_up, write_advance, write_all_check)

/* ---- time ---- */

enum { NAP = 1000, TICK_OF_THE_TEST = 300 };

static void time_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
}

static bool time_advance(struct sweep *sweep)
{
	sweep->env.now_ns += TICK_OF_THE_TEST;
	weft__wheel_expire(sweep->env.env.wheel, sweep->env.now_ns);
	return sweep->env.now_ns < 100 * NAP;
}

static const char *time_check(struct sweep *sweep)
{
	ssize_t result = leaf_result(sweep);

	SWEEP_EXPECT(result == 0 ? sweep->env.now_ns >= NAP : leaf_was_interrupted(sweep, result));
	return NULL;
}

static void sleep_set_up(struct sweep *sweep)
{
	time_set_up(sweep);
	weft_sleep__init(sweep->frame, NAP);
}

static void sleep_until_set_up(struct sweep *sweep)
{
	time_set_up(sweep);
	weft_sleep_until__init(sweep->frame, NAP);
}

static void tick_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	time_set_up(sweep);
	world->interval = weft_interval_make(NAP, NAP, WEFT_TICK_BURST);
	weft_interval_tick__init(sweep->frame, &world->interval, NULL);
}

/* The tick that nobody took is the next one. */
static const char *tick_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	SWEEP_EXPECT(world->interval.next_ns == (leaf_result(sweep) == 0 ? 2 * NAP : NAP));
	return time_check(sweep);
}

static void timeout_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	time_set_up(sweep);
	weft_sleep__init(&world->sleep.args, 3 * NAP);
	weft_timeout__init(sweep->frame, NAP, &weft_sleep__async, &world->sleep);
}

static void deadline_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	time_set_up(sweep);
	weft_sleep__init(&world->sleep.args, NAP);
	weft_deadline__init(sweep->frame, 3 * NAP, &weft_sleep__async, &world->sleep);
}

static const char *timeout_check(struct sweep *sweep)
{
	ssize_t result = leaf_result(sweep);

	SWEEP_EXPECT(result == -ETIME ? sweep->env.now_ns >= NAP
				      : leaf_was_interrupted(sweep, result));
	return NULL;
}

#define TIME_LEAF(leaf, set_up_, check_)                                                           \
	TEST(leaf##_is_interrupted_without_an_effect)                                              \
	{                                                                                          \
		static const struct sweep_scenario scenario = { .name = #leaf,                     \
			.async = &weft_##leaf##__async,                                            \
			.world_bytes = sizeof(struct leaf_world),                                  \
			.set_up = set_up_,                                                         \
			.advance = time_advance,                                                   \
			.check = check_ };                                                         \
		CHECK_EQ(sweep(&scenario).suspensions, 1);                                         \
	}

TIME_LEAF(sleep, sleep_set_up, time_check)
TIME_LEAF(sleep_until, sleep_until_set_up, time_check)
TIME_LEAF(interval_tick, tick_set_up, tick_check)
TIME_LEAF(timeout, timeout_set_up, timeout_check)
TIME_LEAF(deadline, deadline_set_up, time_check)

/* ---- signals: by the kernel's poller, since the simulated one has no descriptors of the kernel's ---- */

static void signals_set_up(struct sweep *sweep)
{
	static const int usr1 = SIGUSR1;
	struct leaf_world *world = sweep->world;

	world_open(sweep, "epoll");
	CHECK_EQ(weft_signals_open(&world->signals, &usr1, 1), 0);
	weft_signals_wait__init(sweep->frame, world->signals, &world->signo);
}

static bool signals_advance(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	if (world->steps == 1)
		CHECK_EQ(raise(SIGUSR1), 0);
	weft__reactor_poll(&world->reactor, 0);
	return ++world->steps < 10;
}

static const char *signals_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	struct weft_signals_wait__frame wait;

	SWEEP_EXPECT(leaf_result(sweep) == 0 || leaf_was_interrupted(sweep, leaf_result(sweep)));
	if (leaf_result(sweep) < 0) {
		while (signals_advance(sweep))
			continue;
		weft_signals_wait__init(&wait.args, world->signals, &world->signo);
		beside_to_the_end(sweep, &weft_signals_wait__async, &wait);
		SWEEP_EXPECT(wait.args.result == 0);
	}
	SWEEP_EXPECT(world->signo == SIGUSR1);
	return NULL;
}

static void signals_tear_down(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	CHECK_EQ(weft_signals_close(world->signals), 0);
	weft__reactor_finish(&world->reactor);
	weft__env_current = NULL;
}

TEST(signals_wait_is_interrupted_without_an_effect)
{
	static const struct sweep_scenario scenario = {
		.name = "signals_wait",
		.async = &weft_signals_wait__async,
		.world_bytes = sizeof(struct leaf_world),
		.set_up = signals_set_up,
		.advance = signals_advance,
		.check = signals_check,
		.tear_down = signals_tear_down,
	};

	CHECK_EQ(sweep(&scenario).suspensions, 1);
}

/* ---- joining, from outside of the task's runtime ---- */

WEFT_ASYNC_0(int, yields_thrice);
struct yields_thrice__frame {
	struct yields_thrice__args args;
	int i;
	struct weft_yield__frame yield;
};
WEFT_ASYNC_DEFINE(yields_thrice, WEFT_ASYNC_RESULT_INT);

enum weft_poll yields_thrice__poll(void *frame, struct weft_context *cx)
{
	struct yields_thrice__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < 3; f->i++)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, f->yield.args.result < 0 ? f->yield.args.result : 7);
	weft_end(f);
}

static void join_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	struct weft_runtime_options options = {
		.flavour = WEFT_CURRENT_THREAD, .poller = "sim", .seed = 1
	};
	struct yields_thrice__args args;

	CHECK_EQ(weft_runtime_create(&world->runtime, &options), 0);
	yields_thrice__init(&args);
	world->task = weft_task_spawn(world->runtime, &yields_thrice__async, &args);
	CHECK(world->task != NULL);
	weft_task_join__init(sweep->frame, world->task, &world->signo);
}

static bool join_advance(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	CHECK(weft_runtime_turn(world->runtime) >= 0);
	return ++world->steps < 20;
}

/* A join that was cancelled leaves the handle, and the result. */
static const char *join_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	if (leaf_result(sweep) < 0) {
		SWEEP_EXPECT(leaf_was_interrupted(sweep, leaf_result(sweep)));
		while (join_advance(sweep))
			continue;
		SWEEP_EXPECT(weft_task_join_blocking(world->task, &world->signo) == 0);
	}
	SWEEP_EXPECT(world->signo == 7);
	return NULL;
}

static void join_tear_down(struct sweep *sweep)
{
	weft_runtime_destroy(((struct leaf_world *)sweep->world)->runtime);
}

TEST(task_join_is_interrupted_without_an_effect)
{
	static const struct sweep_scenario scenario = {
		.name = "task_join",
		.async = &weft_task_join__async,
		.world_bytes = sizeof(struct leaf_world),
		.set_up = join_set_up,
		.advance = join_advance,
		.check = join_check,
		.tear_down = join_tear_down,
	};

	CHECK_EQ(sweep(&scenario).suspensions, 1);
}

/* ---- scopes and join sets: a child ends each time that the world goes on ---- */

enum { CHILDREN = 3 };

WEFT_ASYNC_1(int, waits_its_turn, struct leaf_world *);
struct waits_its_turn__frame {
	struct waits_its_turn__args args;
	struct weft_semaphore_acquire__frame acquire;
};
WEFT_ASYNC_DEFINE(waits_its_turn, WEFT_ASYNC_RESULT_INT);

enum weft_poll waits_its_turn__poll(void *frame, struct weft_context *cx)
{
	struct waits_its_turn__frame *f = frame;
	struct leaf_world *world = f->args.p0;

	weft_begin(f);
	weft_await(f, f->acquire, weft_semaphore_acquire, &world->turns, 1);
	world->stopped += f->acquire.args.result < 0;
	weft_return(f, f->acquire.args.result < 0 ? f->acquire.args.result : 7);
	weft_end(f);
}

WEFT_ASYNC_2(int, spawns_children, struct leaf_world *, struct weft_scope *);
struct spawns_children__frame {
	struct spawns_children__args args;
};
WEFT_ASYNC_DEFINE(spawns_children, WEFT_ASYNC_RESULT_INT);

enum weft_poll spawns_children__poll(void *frame, struct weft_context *cx)
{
	struct spawns_children__frame *f = frame;
	struct waits_its_turn__args args;

	(void)cx;
	waits_its_turn__init(&args, f->args.p0);
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(weft_scope_spawn(f->args.p1, &waits_its_turn__async, &args), 0);
	weft_return(f, 0);
}

static void children_spawn(struct leaf_world *world, struct weft_scope *scope)
{
	struct spawns_children__args args;

	weft_semaphore_init(&world->turns, 0);
	world->steps = 0;
	spawns_children__init(&args, world, scope);
	CHECK_EQ(weft_runtime_run(world->runtime, &spawns_children__async, &args, NULL), 0);
}

static void children_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	struct weft_runtime_options options = {
		.flavour = WEFT_CURRENT_THREAD, .poller = "sim", .seed = 1
	};

	CHECK_EQ(weft_runtime_create(&world->runtime, &options), 0);
	world->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	world->set = (struct weft_join_set)WEFT_JOIN_SET_INIT;
}

static bool children_advance(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	if (world->steps < CHILDREN)
		weft_semaphore_release(&world->turns, 1);
	return join_advance(sweep);
}

/* They have ended, whatever befell the parent. */
static bool children_are_gone(const struct leaf_world *world)
{
	struct weft_metrics metrics;

	weft_runtime_metrics(world->runtime, &metrics);
	return metrics.tasks_alive == 0;
}

/* Those whose turn had not come when the close was cancelled. */
static int children_to_stop(const struct sweep *sweep)
{
	return !sweep->cancelled ? 0 : CHILDREN + (sweep->cancel_at > 0) - sweep->cancel_at;
}

static void scope_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	children_set_up(sweep);
	children_spawn(world, &world->scope);
	weft_scope_close__init(sweep->frame, &world->scope);
}

static const char *scope_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	SWEEP_EXPECT(children_are_gone(world));
	SWEEP_EXPECT(world->stopped == (sweep->cancelled ? CHILDREN : 0));
	SWEEP_EXPECT(leaf_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	return NULL;
}

TEST(b32_scope_close_awaits_the_children_whatever_interrupts_it)
{
	static const struct sweep_scenario scenario = {
		.name = "scope_close",
		.async = &weft_scope_close__async,
		.world_bytes = sizeof(struct leaf_world),
		.set_up = scope_set_up,
		.advance = children_advance,
		.check = scope_check,
		.tear_down = join_tear_down,
	};

	CHECK_EQ(sweep(&scenario).suspensions, 1);
}

/* Whether a child ends just when the parent is cancelled. */
static bool ends_too;

/* Takes results until there are no more. */
WEFT_ASYNC_1(int, gathers, struct leaf_world *);
struct gathers__frame {
	struct gathers__args args;
	struct weft_join_set_next__frame next;
	int result;
};
WEFT_ASYNC_DEFINE(gathers, WEFT_ASYNC_RESULT_INT);

enum weft_poll gathers__poll(void *frame, struct weft_context *cx)
{
	struct gathers__frame *f = frame;
	struct leaf_world *world = f->args.p0;

	if (ends_too && weft_context_cancelled(cx) && world->steps++ < CHILDREN) {
		weft_semaphore_release(&world->turns, 1);
		CHECK(weft_runtime_turn(world->runtime) >= 0);
	}
	weft_begin(f);
	for (;;) {
		f->result = 0;
		weft_await(f, f->next, weft_join_set_next, &world->set, &f->result, NULL);
		CHECK_EQ(f->result, f->next.args.result == 0 ? 7 : 0);
		if (f->next.args.result < 0)
			break;
		world->taken++;
	}
	weft_return(f, f->next.args.result == -ECHILD ? 0 : f->next.args.result);
	weft_end(f);
}

static void gathers_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	children_set_up(sweep);
	children_spawn(world, &world->set.tasks);
	gathers__init(sweep->frame, world);
}

/* New tasks in a set that is empty: they end, and it is closed. */
static bool set_is_usable(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	struct weft_join_set_close__frame close;

	if (weft_join_set_count(&world->set) != 0)
		return false;
	world->stopped = 0;
	children_spawn(world, &world->set.tasks);
	while (children_advance(sweep))
		continue;
	weft_join_set_close__init(&close.args, &world->set);
	return beside(sweep, &weft_join_set_close__async, &close) == WEFT_READY &&
			close.args.result == 0 && world->stopped == 0 && children_are_gone(world);
}

/* A next that was cancelled has taken nothing and stopped nobody: the others' results are there. One for
 * which there was a result has taken it. */
static const char *gathers_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;
	unsigned wakes = probe_wakes(&sweep->probe);

	SWEEP_EXPECT(leaf_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	SWEEP_EXPECT(world->taken ==
			CHILDREN - children_to_stop(sweep) + (ends_too && sweep->cancel_at > 0));
	while (children_advance(sweep))
		continue;
	SWEEP_EXPECT(probe_wakes(&sweep->probe) == wakes);
	while (weft_join_set_try_next(&world->set, &world->signo, NULL) == 0) {
		SWEEP_EXPECT(world->signo == 7);
		world->taken++;
	}
	SWEEP_EXPECT(world->taken == CHILDREN && world->stopped == 0);
	SWEEP_EXPECT(set_is_usable(sweep));
	return NULL;
}

TEST(b32_join_set_next_is_interrupted_without_an_effect)
{
	static const struct sweep_scenario scenario = {
		.name = "join_set_next",
		.async = &gathers__async,
		.world_bytes = sizeof(struct leaf_world),
		.set_up = gathers_set_up,
		.advance = children_advance,
		.check = gathers_check,
		.tear_down = join_tear_down,
	};

	for (int i = 0; i < 2; i++) {
		ends_too = i;
		CHECK_EQ(sweep(&scenario).suspensions, CHILDREN);
	}
}

static void close_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	children_set_up(sweep);
	children_spawn(world, &world->set.tasks);
	weft_join_set_close__init(sweep->frame, &world->set);
}

static const char *close_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	SWEEP_EXPECT(children_are_gone(world));
	SWEEP_EXPECT(world->stopped == children_to_stop(sweep));
	SWEEP_EXPECT(leaf_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	SWEEP_EXPECT(set_is_usable(sweep));
	return NULL;
}

TEST(b32_join_set_close_awaits_the_tasks_whatever_interrupts_it)
{
	static const struct sweep_scenario scenario = {
		.name = "join_set_close",
		.async = &weft_join_set_close__async,
		.world_bytes = sizeof(struct leaf_world),
		.set_up = close_set_up,
		.advance = children_advance,
		.check = close_check,
		.tear_down = join_tear_down,
	};

	CHECK_EQ(sweep(&scenario).suspensions, CHILDREN);
}

/* ---- the end of a program, on the simulated poller: without signals ---- */

static void shutdown_set_up(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	world_open(sweep, "sim");
	world->end = (struct weft_shutdown)WEFT_SHUTDOWN_INIT;
	weft_task_tracker_enter(&world->end.tasks);
	weft_shutdown_wait__init(sweep->frame, &world->end, WEFT_NEVER);
}

static bool shutdown_advance(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	switch (world->steps++) {
	case 0:
		weft_cancel_token_cancel(&world->end.stop);
		return true;
	case 1:
		weft_task_tracker_leave(&world->end.tasks);
		return true;
	default:
		return false;
	}
}

static const char *shutdown_check(struct sweep *sweep)
{
	struct leaf_world *world = sweep->world;

	SWEEP_EXPECT(leaf_result(sweep) == 0 || leaf_was_interrupted(sweep, leaf_result(sweep)));
	SWEEP_EXPECT(leaf_result(sweep) == 0 || world->steps < 2);
	SWEEP_EXPECT(!world->end.stop.waiters.oldest && !world->end.tasks.waiters.oldest);
	return NULL;
}

static void shutdown_tear_down(struct sweep *sweep)
{
	weft__reactor_finish(&((struct leaf_world *)sweep->world)->reactor);
}

TEST(shutdown_wait_leaves_nothing_behind_whatever_interrupts_it)
{
	static const struct sweep_scenario scenario = {
		.name = "shutdown_wait",
		.async = &weft_shutdown_wait__async,
		.world_bytes = sizeof(struct leaf_world),
		.set_up = shutdown_set_up,
		.advance = shutdown_advance,
		.check = shutdown_check,
		.tear_down = shutdown_tear_down,
	};

	CHECK_EQ(sweep(&scenario).suspensions, 2);
}

/* ---- yielding ---- */

static void yield_set_up(struct sweep *sweep)
{
	weft_yield__init(sweep->frame);
}

static bool nothing_advances(struct sweep *sweep)
{
	(void)sweep;
	return false;
}

static const char *yield_check(struct sweep *sweep)
{
	ssize_t result = leaf_result(sweep);

	SWEEP_EXPECT(result == 0 || leaf_was_interrupted(sweep, result));
	return NULL;
}

TEST(yield_is_interrupted_without_an_effect)
{
	static const struct sweep_scenario scenario = {
		.name = "yield",
		.async = &weft_yield__async,
		.set_up = yield_set_up,
		.advance = nothing_advances,
		.check = yield_check,
	};

	CHECK_EQ(sweep(&scenario).suspensions, 1);
}
