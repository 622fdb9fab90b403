/* SPDX-License-Identifier: MIT */
/*
 * one_thread_brigade.c: the sockets of a brigade, and one thread that serves them in turn: what the I/O
 * costs without any switch.
 */
#include <stdlib.h>

#include "switch.h"

static const struct switch_program program = {
	.name = "one_thread_brigade",
	.tasks_option = "--threads",
	.tasks = 500,
	.iterations = 10000,
	.warmups = 100,
};

struct member {
	int upstream, downstream;
};

int main(int argc, char **argv)
{
	struct switch_options options = switch_options_parse(&program, argc, argv);
	struct member *members = calloc((size_t)options.tasks, sizeof(*members));
	struct switch_stats stats = { 0 };
	int fds[2], first;

	switch_expect(members != NULL, "no memory");
	switch_pipe(fds);
	first = fds[1];
	for (int i = 0; i < options.tasks; i++) {
		members[i].upstream = fds[0];
		switch_pipe(fds);
		members[i].downstream = fds[1];
	}
	for (int i = -options.warmups; i < options.iterations; i++) {
		int64_t start_ns = switch_now_ns();

		switch_write(first, (uint8_t)i);
		for (int j = 0; j < options.tasks; j++)
			switch_write(members[j].downstream,
					(uint8_t)(switch_read(members[j].upstream) + 1));
		switch_expect(switch_read(fds[0]) == (uint8_t)(i + options.tasks),
				"a socket was passed over");
		if (i >= 0)
			switch_stats_push(&stats, (double)(switch_now_ns() - start_ns) * 1e-9);
	}
	switch_print_brigade(&options, &stats);
	free(members);
	return switch_run_command(&options);
}
