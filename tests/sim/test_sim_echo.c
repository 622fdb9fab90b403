/* SPDX-License-Identifier: MIT */
/*
 * The echo servers of examples/, by hand and by weftcc, and their clients, all of them tasks of one
 * current-thread runtime, on the simulated network and the virtual clock. The seed decides everything: how
 * lines are cut into pieces and when these arrive, who falls silent, leaves in the middle or sends too much;
 * and in every other round a gremlin cancels tasks, resets connections and lets accept fail.
 *
 * What must hold, whatever happens: a client gets back a part of what it sent, from the front, byte by
 * byte; all of its complete lines, unless something befell it; every task ends, before an hour of
 * virtual time is over (the clock moves when nothing else does: a lost wake-up shows at once); nothing is
 * left in the network, the wheel and the heap; and the same seed does the same again.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>

#include "io/sim.h"
#include "rig.h"
#include "seeds.h"
#include "test.h"

#define main echo_main
int echo_main(int argc, char **argv);
#include "../../examples/echo_states.c"
#undef main

enum {
	ROUNDS = 200,
	CLIENTS_MAX = 12,
	LINES_MAX = 12,
	PAUSES_MAX = 50, /* in a line: together shorter than IDLE_NS */
	POLLS_MAX = 1000000,
	PORTS = 65536
};

static const int64_t IDLE_NS = WEFT_SECONDS(2);
static const int64_t WATCHDOG_NS = WEFT_SECONDS(3600);

/* How a client ends, after its lines. */
enum ending {
	ENDING_LEAVE,      /* closes */
	ENDING_HALF_CLOSE, /* shuts down, and reads to the end */
	ENDING_PARTIAL,    /* as before, with half a line, which is not to come back */
	ENDING_SILENT,     /* with or without half a line, until the server hangs up */
	ENDING_RESET,
	ENDING_ENDLESS, /* a line that is longer than a line may be */
	ENDINGS
};

struct client {
	struct world *world;
	struct weft_task *task; /* NULL: joined */
	enum ending ending;
	char *text; /* what it has to say, of which `whole` bytes are complete lines */
	size_t size, whole;
	size_t sent, got;
	size_t send_to, expect; /* how far to go now */
	bool pipelined;         /* all its lines before the first answer */
	bool cancelled;         /* by the gremlin */
	bool ended;             /* has read the end of the stream */
	struct weft_tcp conn;
	int port;
	int64_t spoke_ns; /* when it began to send its last line */
	int result;
};

struct session {                /* of the server */
	struct weft_task *task; /* NULL: joined */
	int port;
};

struct world {
	uint64_t random, trace;
	uint64_t polls;
	struct weft_runtime *runtime;
	struct weft_tcp_listener listener;
	char port[8];
	bool narrow;  /* buffers of a few bytes */
	bool haunted; /* there is a gremlin */
	bool abrupt;  /* the runtime is shut down in the middle */
	unsigned client_count, session_count;
	struct client clients[CLIENTS_MAX];
	struct session sessions[CLIENTS_MAX];
	struct weft_task *host, *gremlin;
	bool cut[PORTS]; /* the server's side of this client was cancelled */
	unsigned refusals, resets, early, hung_up;
};

/* What all rounds together have seen: a test that meets nothing tests nothing. */
static struct {
	unsigned refusals, early, hung_up, cut, cancelled, alive_at_shutdown;
} seen;

/* ---- chance and trace ---- */

static unsigned draw(struct world *world, unsigned limit)
{
	world->random = world->random * UINT64_C(6364136223846793005) +
			UINT64_C(1442695040888963407);
	return (unsigned)(world->random >> 33) % limit;
}

static void note(struct world *world, uint64_t what)
{
	world->trace = (world->trace ^ what) * UINT64_C(1099511628211);
}

static void note_poll(void *data, uint64_t id, const struct weft_async *async)
{
	struct world *world = data;

	(void)id; /* an address */
	for (const char *name = async->name; *name; name++)
		note(world, (unsigned char)*name);
	note(world, (uint64_t)weft_runtime_now(world->runtime));
	CHECK(++world->polls < POLLS_MAX);
}

/* ---- a client ---- */

static void client_compose(struct world *world, struct client *client)
{
	unsigned lines = draw(world, LINES_MAX), longest = draw(world, 8) ? 60 : 3000;
	size_t tail = draw(world, 40);

	client->world = world;
	client->ending = (enum ending)draw(world, world->narrow ? ENDING_ENDLESS : ENDINGS);
	client->pipelined =
			!world->narrow && longest == 60 && draw(world, 2); /* fits into a page */
	if (client->ending == ENDING_ENDLESS)
		tail = WEFT_READER_LIMIT + 1 + draw(world, 100);
	if (client->ending == ENDING_LEAVE || client->ending == ENDING_HALF_CLOSE)
		tail = 0;
	client->text = malloc(lines * (size_t)longest + tail + 1);
	CHECK(client->text != NULL);
	while (lines-- > 0) {
		for (unsigned length = draw(world, longest); length > 0; length--)
			client->text[client->size++] = (char)('a' + draw(world, 26));
		client->text[client->size++] = '\n';
	}
	client->whole = client->size;
	while (tail-- > 0)
		client->text[client->size++] = (char)('A' + draw(world, 26));
}

/* Sends up to send_to, piece by piece. */
RIG_TASK(
		client_send, struct client, size_t piece; unsigned pauses; union {
			struct weft_tcp_write_all__frame write;
			struct weft_sleep__frame sleep;
			struct weft_yield__frame yield;
		};)
{
	static const unsigned pieces[] = { 1, 10, 1000, 100000 };
	struct client_send__frame *f = frame;
	struct client *client = f->args.p0;
	ssize_t count;

	weft_begin(f);
	f->pauses = 0;
	while (client->sent < client->send_to) {
		f->piece = 1 + draw(client->world, pieces[draw(client->world, 4)]);
		if (f->piece > client->send_to - client->sent)
			f->piece = client->send_to - client->sent;
		weft_await(f, f->write, weft_tcp_write_all, client->conn,
				client->text + client->sent, f->piece);
		count = f->write.args.result;
		if (count < 0)
			weft_return(f, (int)count);
		client->sent += (size_t)count;
		if ((size_t)count < f->piece)
			weft_return(f, -ECANCELED);
		if (draw(client->world, 4) == 0)
			weft_await(f, f->yield, weft_yield);
		if (draw(client->world, 8) == 0 && f->pauses++ < PAUSES_MAX)
			weft_await(f, f->sleep, weft_sleep,
					WEFT_MICROSECONDS(draw(client->world, 20000)));
	}
	weft_return(f, 0);
	weft_end(f);
}

/* Receives up to `expect`, or to the end; compares. */
RIG_TASK(client_receive, struct client, char buffer[700]; struct weft_tcp_read__frame read;
		struct weft_timeout__frame timeout;)
{
	static const int64_t patience_ns[] = { WEFT_MILLISECONDS(20), WEFT_SECONDS(1), WEFT_NEVER };
	struct client_receive__frame *f = frame;
	struct client *client = f->args.p0;
	ssize_t count;

	weft_begin(f);
	while (!client->ended && client->got < client->expect) {
		weft_tcp_read__init(&f->read.args, client->conn, f->buffer,
				1 + draw(client->world, sizeof f->buffer));
		weft_await(f, f->timeout, weft_timeout, patience_ns[draw(client->world, 3)],
				&weft_tcp_read__async, &f->read);
		count = f->timeout.args.result;
		if (count == -ETIME)
			continue; /* and nothing is lost */
		if (count < 0)
			weft_return(f, (int)count);
		CHECK(client->got + (size_t)count <= client->sent);
		CHECK(memcmp(client->text + client->got, f->buffer, (size_t)count) == 0);
		client->got += (size_t)count;
		client->ended = count == 0;
	}
	weft_return(f, 0);
	weft_end(f);
}

static size_t client_next_line(const struct client *client)
{
	const char *end = memchr(client->text + client->sent, '\n', client->whole - client->sent);

	return client->pipelined ? client->whole : (size_t)(end - client->text) + 1;
}

/* Its part of the conversation, once it is connected. */
RIG_TASK(
		client_talk, struct client, union {
			struct client_send__frame send;
			struct client_receive__frame receive;
		};)
{
	struct client_talk__frame *f = frame;
	struct client *client = f->args.p0;

	weft_begin(f);
	client->spoke_ns = weft_now(cx);
	while (client->sent < client->whole) {
		client->spoke_ns = weft_now(cx);
		client->expect = client->send_to = client_next_line(client);
		weft_await(f, f->send, client_send, client);
		if (f->send.args.result < 0)
			weft_return(f, f->send.args.result);
		weft_await(f, f->receive, client_receive, client);
		if (f->receive.args.result < 0 || client->ended)
			weft_return(f, client->ended ? -EPIPE : f->receive.args.result);
	}
	client->send_to = client->size;
	client->expect = SIZE_MAX;
	weft_await(f, f->send, client_send, client);
	if (f->send.args.result < 0 || client->ending == ENDING_LEAVE)
		weft_return(f, f->send.args.result);
	if (client->ending == ENDING_RESET)
		weft_return(f, weft_tcp_set_reset_on_close(client->conn, true));
	if (client->ending != ENDING_SILENT && weft_tcp_shutdown_write(client->conn) < 0)
		weft_return(f, -ECONNRESET);
	weft_await(f, f->receive, client_receive, client);
	if (f->receive.args.result == 0 && client->ending == ENDING_SILENT &&
			!client->world->cut[client->port]) {
		/* a shutdown ends the server's side first, perhaps */
		CHECK(client->world->abrupt || weft_now(cx) - client->spoke_ns >= IDLE_NS);
		client->world->hung_up++;
	}
	weft_return(f, f->receive.args.result);
	weft_end(f);
}

static int client_port(const struct client *client)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;

	CHECK_EQ(weft_tcp_local_address(client->conn, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

RIG_TASK(
		client, struct client, struct weft_tcp_connect__frame connect; union {
			struct weft_sleep__frame sleep;
			struct weft_timeout__frame timeout;
			struct client_talk__frame talk;
		};)
{
	struct client__frame *f = frame;
	struct client *client = f->args.p0;

	weft_begin(f);
	weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(draw(client->world, 200)));
	weft_tcp_connect__init(&f->connect.args, &client->conn, "127.0.0.1", client->world->port);
	weft_await(f, f->timeout, weft_timeout, WEFT_SECONDS(10), &weft_tcp_connect__async,
			&f->connect);
	if (f->timeout.args.result < 0)
		weft_return(f, (int)f->timeout.args.result);
	client->port = client_port(client);
	weft_await(f, f->talk, client_talk, client);
	CHECK_EQ(weft_tcp_close(client->conn), 0);
	weft_return(f, f->talk.args.result);
	weft_end(f);
}

/* ---- the server: accepts, and keeps a handle of each session ---- */

#ifdef WEFT_HAVE_MADE /* the same as weftcc makes it of echo.c */
extern const struct weft_async *const made_serve;
struct made_serve__args {
	struct weft_frame base;
	int result;
	struct weft_tcp p0;
	int64_t p1;
};

static struct weft_task *made_serve_spawn(struct weft_tcp conn)
{
	struct made_serve__args args = { .p0 = conn, .p1 = IDLE_NS };

	return weft_task_spawn(NULL, made_serve, &args);
}
#endif

static struct weft_task *serve_spawn(struct weft_tcp conn)
{
	struct serve__args args;

	serve__init(&args, conn);
	return weft_task_spawn(NULL, &serve__async, &args);
}

static void session_start(struct world *world, struct weft_tcp conn)
{
	struct session *session = &world->sessions[world->session_count++];
	struct sockaddr_in peer;
	socklen_t length = sizeof peer;

	if (weft_tcp_peer_address(conn, (struct sockaddr *)&peer, &length) ==
			0) /* not if it was reset */
		session->port = ntohs(peer.sin_port);
#ifdef WEFT_HAVE_MADE
	session->task = world->session_count % 2 ? made_serve_spawn(conn) : serve_spawn(conn);
#else
	session->task = serve_spawn(conn);
#endif
	if (!session->task) {
		CHECK(world->abrupt); /* shutting down */
		weft_tcp_close(conn);
	}
}

RIG_TASK(
		host, struct world, struct weft_tcp conn; union {
			struct weft_tcp_accept__frame accept;
			struct weft_sleep__frame sleep;
		};)
{
	struct host__frame *f = frame;
	int err;

	weft_begin(f);
	for (;;) {
		weft_await(f, f->accept, weft_tcp_accept, f->args.p0->listener, &f->conn);
		err = f->accept.args.result;
		if (err == -EMFILE) {
			f->args.p0->refusals++;
			weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(100));
		} else if (err < 0) {
			weft_return(f, err);
		} else {
			session_start(f->args.p0, f->conn);
		}
	}
	weft_end(f);
}

/* ---- the gremlin ---- */

static void gremlin_strikes(struct world *world)
{
	struct weft__poller *poller = &weft__env_current->reactor->poller;
	struct client *client = &world->clients[draw(world, world->client_count)];
	struct session *session = &world->sessions[draw(world, world->client_count)];

	switch (draw(world, 4)) {
	case 0:
		if (client->task) {
			client->cancelled = true;
			weft_task_cancel(client->task);
		}
		break;
	case 1:
		if (session->task) {
			world->cut[session->port] = true;
			weft_task_cancel(session->task);
		}
		break;
	case 2:
		weft__sim_fault(poller, SIM_FAULT_ACCEPT, 1 + draw(world, 3));
		break;
	default:
		weft__sim_fault(poller, SIM_FAULT_RESET, 1 + draw(world, 50));
		world->resets++;
	}
}

RIG_TASK(
		gremlin, struct world, unsigned strikes, yields; union {
			struct weft_yield__frame yield;
			struct weft_sleep__frame sleep;
		};)
{
	struct gremlin__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->strikes = 1 + draw(world, 8); f->strikes > 0; f->strikes--) {
		if (draw(world, 2))
			weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(draw(world, 300)));
		for (f->yields = draw(world, 100); f->yields > 0; f->yields--)
			weft_await(f, f->yield, weft_yield);
		if (weft_context_cancelled(cx))
			break;
		gremlin_strikes(world);
	}
	weft_return(f, 0);
	weft_end(f);
}

/* ---- a round ---- */

/* async int end_of(task): its result; it must end before the watchdog barks. */
RIG_TASK(end_of, struct weft_task *, int end; struct weft_task_join__frame join;
		struct weft_deadline__frame deadline;)
{
	struct end_of__frame *f = frame;

	weft_begin(f);
	if (!*f->args.p0)
		weft_return(f, 0);
	weft_task_join__init(&f->join.args, *f->args.p0, &f->end);
	weft_await(f, f->deadline, weft_deadline, WATCHDOG_NS, &weft_task_join__async, &f->join);
	if (f->deadline.args.result == -ETIME)
		weft_runtime_dump(weft_runtime_current(), 2);
	CHECK_EQ(f->deadline.args.result, 0);
	*f->args.p0 = NULL;
	weft_return(f, f->end);
	weft_end(f);
}

static void round_begin(struct world *world)
{
	CHECK_EQ(weft_tcp_listen(&world->listener, "127.0.0.1", "0"), 0);
	snprintf(world->port, sizeof world->port, "%d", weft_tcp_listener_port(world->listener));
	if (world->narrow)
		weft__sim_buffers(&weft__env_current->reactor->poller, 1);
	world->host = rig_spawn(NULL, &host__async, world);
	for (unsigned i = 0; i < world->client_count; i++)
		world->clients[i].task = rig_spawn(NULL, &client__async, &world->clients[i]);
	if (world->haunted)
		world->gremlin = rig_spawn(NULL, &gremlin__async, world);
}

static void session_check(const struct world *world, const struct session *session, int result)
{
	const struct client *client = world->clients;

	while (client < world->clients + CLIENTS_MAX && client->port != session->port)
		client++;
	switch (result) {
	case 0:
	case -ECONNRESET:
	case -EPIPE:
		break;
	case -ECANCELED:
		CHECK(world->cut[session->port] || world->abrupt);
		break;
	case -ETIME:
		CHECK(client < world->clients + CLIENTS_MAX && client->ending == ENDING_SILENT);
		break;
	default:
		CHECK_EQ(result, -EMSGSIZE);
		CHECK(client < world->clients + CLIENTS_MAX && client->ending == ENDING_ENDLESS);
	}
}

RIG_TASK(
		round_run, struct world, unsigned i; union {
			struct end_of__frame end;
			struct weft_sleep__frame sleep;
		};)
{
	struct round_run__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	round_begin(world);
	if (world->abrupt) {
		weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(draw(world, 400)));
		weft_return(f, 0);
	}
	for (f->i = 0; f->i < world->client_count; f->i++) {
		weft_await(f, f->end, end_of, &world->clients[f->i].task);
		world->clients[f->i].result = f->end.args.result;
	}
	weft_await(f, f->end, end_of, &world->gremlin);
	for (f->i = 0; f->i < world->session_count; f->i++) {
		weft_await(f, f->end, end_of, &world->sessions[f->i].task);
		session_check(world, &world->sessions[f->i], f->end.args.result);
	}
	CHECK_EQ(weft_tcp_listener_close(world->listener), 0);
	weft_await(f, f->end, end_of, &world->host);
	CHECK_EQ(f->end.args.result, -EBADF);
	weft_return(f, 0);
	weft_end(f);
}

/* What became of a client that may have been disturbed. */
static void client_check(struct world *world, const struct client *client)
{
	bool all = client->result == 0 && client->got == client->whole;

	note(world, (uint64_t)client->result * 31 + client->got);
	CHECK(client->got <= client->whole);
	CHECK(client->result == 0 || client->result == -ECONNRESET || client->result == -EPIPE ||
			(client->result == -ECANCELED && client->cancelled));
	if (client->ending == ENDING_ENDLESS) /* it is thrown out while it speaks */
		all = client->got == client->whole;
	if (!all && !client->cancelled && !world->cut[client->port])
		world->early++;
}

/* Joins what is left, after the shutdown. */
static void handle_end(struct weft_task **task)
{
	if (*task)
		CHECK_EQ(weft_task_join_blocking(*task, NULL), 0);
	*task = NULL;
}

static void round_end(struct world *world)
{
	uint64_t alive = rig_metrics(world->runtime).tasks_alive;

	CHECK_EQ(alive != 0 && !world->abrupt, 0);
	CHECK_EQ(weft_runtime_shutdown(world->runtime, -1), 0);
	handle_end(&world->host);
	handle_end(&world->gremlin);
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		handle_end(&world->clients[i].task);
		handle_end(&world->sessions[i].task);
		if (!world->abrupt && world->clients[i].world)
			client_check(world, &world->clients[i]);
		seen.cut += world->cut[world->clients[i].port];
		seen.cancelled += world->clients[i].result == -ECANCELED;
		free(world->clients[i].text);
	}
	CHECK(world->early <= world->resets);
	seen.refusals += world->refusals;
	seen.early += world->early;
	seen.hung_up += world->hung_up;
	seen.alive_at_shutdown += alive > 0;
}

/* Nothing is left of the round but the listener of an abrupt one. */
static void round_check_empty(struct world *world)
{
	struct weft__worker *worker = world->runtime->workers[0];
	const struct sim_network *network = worker->reactor.poller.state;
	unsigned used = 0;

	if (world->abrupt)
		CHECK_EQ(weft_tcp_listener_close(world->listener), 0);
	for (int i = 0; i < 100;
			i++) /* what the poller owes, and what has been sent to the closed */
		CHECK(weft_runtime_turn(world->runtime) >= 0);
	CHECK_EQ(worker->reactor.sources, 0);
	CHECK_EQ(worker->reactor.removals, 0);
	CHECK_EQ(network->members, 0);
	CHECK_EQ(worker->wheel.count, 0);
	for (struct weft__page *page = worker->heap.pages; page; page = page->all_next)
		used += page->used;
	CHECK_EQ(used, 0);
}

/* Returns the trace. */
static uint64_t round_play(uint64_t seed)
{
	struct world *world = calloc(1, sizeof *world);
	struct weft_runtime_options options = { .flavour = WEFT_CURRENT_THREAD,
		.clock_paused = true,
		.seed = seed,
		.hooks = { .data = world, .before_poll = note_poll } };
	uint64_t trace;

	CHECK(world != NULL);
	world->random = seed;
	world->haunted = draw(world, 2);
	world->abrupt = draw(world, 4) == 0;
	world->narrow = draw(world, 3) == 0;
	world->client_count = 1 + draw(world, CLIENTS_MAX);
	for (unsigned i = 0; i < world->client_count; i++)
		client_compose(world, &world->clients[i]);
	idle_ns = IDLE_NS;
	world->runtime = rig_create(&options);
	CHECK(strcmp(weft_runtime_poller(world->runtime), "sim") == 0);
	CHECK_EQ(rig_run(world->runtime, &round_run__async, world), 0);
	round_end(world);
	round_check_empty(world);
	weft_runtime_destroy(world->runtime);
	trace = world->trace;
	free(world);
	return trace;
}

TEST(sim_echo_serves_whatever_the_seed_brings)
{
	unsigned rounds = seeds_count(ROUNDS);

	for (unsigned i = 0; i < rounds; i++) {
		seeds_begin(i);
		(void)round_play(seeds_current);
		seeds_end();
	}
	if (rounds < ROUNDS)
		return;
	CHECK(seen.refusals && seen.early && seen.hung_up);
	CHECK(seen.cut && seen.cancelled && seen.alive_at_shutdown);
}

TEST(sim_echo_does_the_same_with_the_same_seed)
{
	unsigned rounds = seeds_count(ROUNDS / 4), same = 0;

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t trace;

		seeds_begin(i);
		trace = round_play(seeds_current);
		CHECK_EQ(round_play(seeds_current), trace);
		same += round_play(seeds_current + 1) == trace;
		seeds_end();
	}
	CHECK_EQ(same, 0);
}
