/* SPDX-License-Identifier: MIT */
/*
 * async_brigade.c: a chain of tasks; what a byte takes from one to the next, through a socket. Here the
 * kernel decides whose turn it is: the switch is caused by I/O.
 */
#include <weft.h>

#include "switch.h"

#include <weft/async.h>

static const struct switch_program program = {
	.name = "async_brigade",
	.tasks_option = "--threads",
	.tasks = 500,
	.iterations = 10000,
	.warmups = 100,
};

static async int pass_on(struct weft_tcp upstream, struct weft_tcp downstream)
{
	uint8_t byte;

	defer weft_tcp_close(upstream);
	defer weft_tcp_close(downstream);
	for (;;) {
		ssize_t n = await weft_tcp_read(upstream, &byte, 1);

		if (n <= 0)
			return (int)n;
		byte++;
		weft_try(await weft_tcp_write_all(downstream, &byte, 1));
	}
}

static struct weft_tcp adopt(int fd)
{
	struct weft_tcp conn;

	switch_expect(weft_tcp_adopt(&conn, fd) == 0, "no memory for a socket");
	return conn;
}

/* Returns the far end of the chain, and the near one in *first. */
static struct weft_tcp line_up(int count, struct weft_tcp *first)
{
	struct weft_tcp upstream;
	int fds[2];

	switch_pipe(fds);
	*first = adopt(fds[1]);
	upstream = adopt(fds[0]);
	for (int i = 0; i < count; i++) {
		switch_pipe(fds);
		switch_expect(weft_spawn_detached(pass_on(upstream, adopt(fds[1]))) == 0,
				"no memory for a task");
		upstream = adopt(fds[0]);
	}
	return upstream;
}

async int main(int argc, char **argv)
{
	struct switch_options options = switch_options_parse(&program, argc, argv);
	struct switch_stats stats = { 0 };
	struct weft_tcp first, last = line_up(options.tasks, &first);

	defer weft_tcp_close(last);
	defer weft_tcp_close(first);
	for (int i = -options.warmups; i < options.iterations; i++) {
		int64_t start_ns = switch_now_ns();
		uint8_t byte = (uint8_t)i;

		weft_try(await weft_tcp_write_all(first, &byte, 1));
		switch_expect(await weft_tcp_read(last, &byte, 1) == 1 &&
						byte == (uint8_t)(i + options.tasks),
				"a task was passed over");
		if (i >= 0)
			switch_stats_push(&stats, (double)(switch_now_ns() - start_ns) * 1e-9);
	}
	switch_print_brigade(&options, &stats);
	return switch_run_command(&options);
}
