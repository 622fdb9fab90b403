/* SPDX-License-Identifier: MIT */
/*
 * async_creation.c: what it takes to create a task, and until its body runs.
 */
#include <stdlib.h>

#include <weft.h>

#include "switch.h"

#include <weft/async.h>

static const struct switch_program program = {
	.name = "async_creation",
	.tasks_option = "--tasks",
	.tasks = 10000,
	.iterations = 100,
	.warmups = 10,
};

struct started {
	struct weft_task *task;
	int64_t created_ns;
};

static async WEFT_CANCEL_SAFE int64_t body(void)
{
	return switch_now_ns();
}

/* Returns how long it took to create them all. */
static int64_t create(struct started *tasks, int count)
{
	int64_t start_ns = switch_now_ns();

	for (int i = 0; i < count; i++) {
		tasks[i].created_ns = switch_now_ns();
		tasks[i].task = weft_spawn(body());
		switch_expect(tasks[i].task != NULL, "no memory for a task");
	}
	return switch_now_ns() - start_ns;
}

static async int join(struct started *tasks, int count, struct switch_creation *stats)
{
	int64_t body_ns, last_ns = 0;

	for (int i = 0; i < count; i++) {
		weft_try(await weft_task_join(tasks[i].task, &body_ns));
		switch_expect(body_ns >= tasks[i].created_ns, "a task did not run");
		switch_stats_push(&stats->start, (double)(body_ns - tasks[i].created_ns) * 1e-9);
		if (last_ns < body_ns)
			last_ns = body_ns;
	}
	switch_stats_push(&stats->last, (double)(last_ns - tasks[0].created_ns) * 1e-9);
	return 0;
}

async int main(int argc, char **argv)
{
	struct switch_options options = switch_options_parse(&program, argc, argv);
	struct started *tasks = calloc((size_t)options.tasks, sizeof(*tasks));
	struct switch_creation stats = { 0 };

	defer free(tasks);
	switch_expect(tasks != NULL, "no memory");
	for (int i = -options.warmups; i < options.iterations; i++) {
		int64_t elapsed_ns = create(tasks, options.tasks);

		if (i == 0)
			stats = (struct switch_creation){ 0 };
		weft_try(await join(tasks, options.tasks, &stats));
		if (i >= 0)
			switch_stats_push(&stats.creation, (double)elapsed_ns * 1e-9);
	}
	switch_print_creation(&options, &stats);
	return switch_run_command(&options);
}
