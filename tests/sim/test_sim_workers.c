/* SPDX-License-Identifier: MIT */
/* The workers of a runtime share one simulated network: a socket that one of them opens can be used on
 * all. Not repeatable, since threads take part. */
#include "rig.h"

#define main echo_main
int echo_main(int argc, char **argv);
#include "../../examples/echo_states.c"
#undef main

enum { CLIENTS = 40, LINES = 20 };

struct world {
	struct weft_tcp_listener listener;
	char port[8];
	struct weft_task *clients[CLIENTS], *acceptor;
};

RIG_TASK(
		client, struct world, struct weft_tcp conn; int line; size_t got;
		char text[32], buffer[32]; union {
			struct weft_tcp_connect__frame connect;
			struct weft_tcp_write_all__frame write;
			struct weft_tcp_read__frame read;
			struct weft_yield__frame yield;
		};)
{
	struct client__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->connect, weft_tcp_connect, &f->conn, "127.0.0.1", f->args.p0->port);
	CHECK_EQ(f->connect.args.result, 0);
	for (f->line = 0; f->line < LINES; f->line++) {
		snprintf(f->text, sizeof f->text, "%p says %d\n", frame, f->line);
		weft_await(f, f->write, weft_tcp_write_all, f->conn, f->text, strlen(f->text));
		CHECK_EQ(f->write.args.result, strlen(f->text));
		weft_await(f, f->yield, weft_yield); /* and goes on elsewhere, perhaps */
		for (f->got = 0; f->got < strlen(f->text);) {
			weft_await(f, f->read, weft_tcp_read, f->conn, f->buffer + f->got,
					sizeof f->buffer - f->got);
			CHECK(f->read.args.result > 0);
			f->got += (size_t)f->read.args.result;
		}
		CHECK(memcmp(f->text, f->buffer, f->got) == 0);
	}
	CHECK_EQ(weft_tcp_close(f->conn), 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(run_all, struct world, int i, result; struct weft_task_join__frame join;)
{
	struct run_all__frame *f = frame;
	struct world *world = f->args.p0;
	struct serve_all__args args;

	weft_begin(f);
	CHECK_EQ(weft_tcp_listen(&world->listener, "127.0.0.1", "0"), 0);
	snprintf(world->port, sizeof world->port, "%d", weft_tcp_listener_port(world->listener));
	serve_all__init(&args, world->listener);
	world->acceptor = weft_task_spawn(NULL, &serve_all__async, &args);
	CHECK(world->acceptor != NULL);
	for (f->i = 0; f->i < CLIENTS; f->i++)
		world->clients[f->i] = rig_spawn(NULL, &client__async, world);
	for (f->i = 0; f->i < CLIENTS; f->i++) {
		weft_await(f, f->join, weft_task_join, world->clients[f->i], &f->result);
		CHECK_EQ(f->result, 0);
	}
	CHECK_EQ(weft_tcp_listener_close(world->listener), 0);
	weft_await(f, f->join, weft_task_join, world->acceptor, &f->result);
	CHECK_EQ(f->result, -EBADF);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(sim_sockets_work_on_every_worker)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .port = "" };

	CHECK(strcmp(weft_runtime_poller(runtime), "sim") == 0);
	CHECK_EQ(rig_run(runtime, &run_all__async, &world), 0);
	weft_runtime_destroy(runtime);
}
