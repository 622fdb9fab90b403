/* SPDX-License-Identifier: MIT */
/*
 * thread_brigade.c: a chain of threads; what a byte takes from one to the next, through a socket.
 */
#include <pthread.h>
#include <stdlib.h>

#include "switch.h"

static const struct switch_program program = {
	.name = "thread_brigade",
	.tasks_option = "--threads",
	.tasks = 500,
	.iterations = 10000,
	.warmups = 100,
};

enum { STACK_BYTES = 1024 * 1024 };

struct member {
	int upstream, downstream;
};

/* Until the process ends. */
static void *pass_on(void *argument)
{
	struct member *self = argument;

	for (;;)
		switch_write(self->downstream, (uint8_t)(switch_read(self->upstream) + 1));
	return NULL;
}

/* Returns the far end of the chain, and the near one in *first. */
static int line_up(struct member *members, int count, int *first)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int fds[2], upstream;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	switch_pipe(fds);
	*first = fds[1];
	for (int i = 0; i < count; i++) {
		upstream = fds[0];
		switch_pipe(fds);
		members[i] = (struct member){ upstream, fds[1] };
		switch_expect(pthread_create(&thread, &attributes, pass_on, &members[i]) == 0,
				"no more threads");
		pthread_detach(thread);
	}
	pthread_attr_destroy(&attributes);
	return fds[0];
}

int main(int argc, char **argv)
{
	struct switch_options options = switch_options_parse(&program, argc, argv);
	struct member *members = calloc((size_t)options.tasks, sizeof(*members));
	struct switch_stats stats = { 0 };
	int first, last;

	switch_expect(members != NULL, "no memory");
	last = line_up(members, options.tasks, &first);
	for (int i = -options.warmups; i < options.iterations; i++) {
		int64_t start_ns = switch_now_ns();

		switch_write(first, (uint8_t)i);
		switch_expect(switch_read(last) == (uint8_t)(i + options.tasks),
				"a thread was passed over");
		if (i >= 0)
			switch_stats_push(&stats, (double)(switch_now_ns() - start_ns) * 1e-9);
	}
	switch_print_brigade(&options, &stats);
	exit(switch_run_command(&options)); /* with the threads, whose memory stays until then */
}
