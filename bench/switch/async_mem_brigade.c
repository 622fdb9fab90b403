/* SPDX-License-Identifier: MIT */
/*
 * async_mem_brigade.c: a chain of tasks; what a number takes from one to the next, through memory. No
 * system call takes part: the switch alone.
 */
#include <stdlib.h>

#include <weft.h>

#include "switch.h"

#include <weft/async.h>

static const struct switch_program program = {
	.name = "async_mem_brigade",
	.tasks_option = "--threads",
	.tasks = 500,
	.iterations = 10000,
	.warmups = 100,
};

/* Room for one number. All tasks are of one thread, so it needs no lock. */
struct place {
	long value;
	bool full;
	struct weft_notify filled, emptied;
};

static async int put(struct place *place, long value)
{
	while (place->full)
		weft_try(await weft_notify_wait(&place->emptied));
	place->value = value;
	place->full = true;
	weft_notify_one(&place->filled);
	return 0;
}

static async int take(struct place *place, long *value)
{
	while (!place->full)
		weft_try(await weft_notify_wait(&place->filled));
	*value = place->value;
	place->full = false;
	weft_notify_one(&place->emptied);
	return 0;
}

static async int pass_on(struct place *upstream, struct place *downstream)
{
	long value;

	for (;;) {
		weft_try(await take(upstream, &value));
		weft_try(await put(downstream, value + 1));
	}
}

static async int brigade(const struct switch_options *options, struct place *places)
{
	struct place *last = &places[options->tasks];
	struct switch_stats stats = { 0 };

	for (int i = 0; i < options->tasks; i++)
		switch_expect(weft_spawn_detached(pass_on(&places[i], &places[i + 1])) == 0,
				"no memory for a task");
	for (int i = -options->warmups; i < options->iterations; i++) {
		int64_t start_ns = switch_now_ns();
		long value;

		weft_try(await put(places, i));
		weft_try(await take(last, &value));
		switch_expect(value == i + options->tasks, "a task was passed over");
		if (i >= 0)
			switch_stats_push(&stats, (double)(switch_now_ns() - start_ns) * 1e-9);
	}
	switch_print_brigade(options, &stats);
	return switch_run_command(options);
}

int main(int argc, char **argv)
{
	struct switch_options options = switch_options_parse(&program, argc, argv);
	struct place *places = calloc((size_t)options.tasks + 1, sizeof(*places));
	int status;

	switch_expect(places != NULL, "no memory");
	for (int i = 0; i <= options.tasks; i++) {
		weft_notify_init(&places[i].filled);
		weft_notify_init(&places[i].emptied);
	}
	status = weft_run(brigade(&options, places));
	free(places);
	return status;
}
