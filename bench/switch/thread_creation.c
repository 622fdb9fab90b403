/* SPDX-License-Identifier: MIT */
/*
 * thread_creation.c: what it takes to create a thread, and until its body runs.
 */
#include <pthread.h>
#include <stdlib.h>

#include "switch.h"

static const struct switch_program program = {
	.name = "thread_creation",
	.tasks_option = "--tasks",
	.tasks = 1000,
	.iterations = 100,
	.warmups = 10,
};

enum { STACK_BYTES = 2 * 1024 * 1024 };

struct started {
	pthread_t thread;
	int64_t created_ns, body_ns;
};

static void *body(void *argument)
{
	struct started *self = argument;

	self->body_ns = switch_now_ns();
	return self;
}

/* Returns how long it took to create them all. */
static int64_t create(struct started *tasks, int count, const pthread_attr_t *attributes)
{
	int64_t start_ns = switch_now_ns();

	for (int i = 0; i < count; i++) {
		tasks[i].body_ns = 0;
		tasks[i].created_ns = switch_now_ns();
		switch_expect(pthread_create(&tasks[i].thread, attributes, body, &tasks[i]) == 0,
				"no more threads");
	}
	return switch_now_ns() - start_ns;
}

static void join(struct started *tasks, int count)
{
	void *self;

	for (int i = 0; i < count; i++) {
		switch_expect(pthread_join(tasks[i].thread, &self) == 0 && self == &tasks[i] &&
						tasks[i].body_ns >= tasks[i].created_ns,
				"a thread did not run");
	}
}

static void push_bodies(struct switch_creation *stats, const struct started *tasks, int count)
{
	int64_t last_ns = 0;

	for (int i = 0; i < count; i++) {
		switch_stats_push(&stats->start,
				(double)(tasks[i].body_ns - tasks[i].created_ns) * 1e-9);
		if (last_ns < tasks[i].body_ns)
			last_ns = tasks[i].body_ns;
	}
	switch_stats_push(&stats->last, (double)(last_ns - tasks[0].created_ns) * 1e-9);
}

int main(int argc, char **argv)
{
	struct switch_options options = switch_options_parse(&program, argc, argv);
	struct started *tasks = calloc((size_t)options.tasks, sizeof(*tasks));
	struct switch_creation stats = { 0 };
	pthread_attr_t attributes;

	switch_expect(tasks != NULL, "no memory");
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (int i = -options.warmups; i < options.iterations; i++) {
		int64_t elapsed_ns = create(tasks, options.tasks, &attributes);

		join(tasks, options.tasks);
		if (i < 0)
			continue;
		switch_stats_push(&stats.creation, (double)elapsed_ns * 1e-9);
		push_bodies(&stats, tasks, options.tasks);
	}
	pthread_attr_destroy(&attributes);
	switch_print_creation(&options, &stats);
	free(tasks);
	return switch_run_command(&options);
}
