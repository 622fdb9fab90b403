/* SPDX-License-Identifier: MIT */
/*
 * async_mem_brigade.c: a chain of tasks; what a number takes from one to the next, through a channel with
 * room for one. No system call takes part: the switch alone.
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

WEFT_CHANNEL(place, long);

static async int pass_on(union place *upstream, union place *downstream)
{
	long value;

	for (;;) {
		weft_try(await weft_channel_recv(upstream, &value));
		value++;
		weft_try(await weft_channel_send(downstream, &value));
	}
}

static async int brigade(const struct switch_options *options, union place *places)
{
	union place *last = &places[options->tasks];
	struct switch_stats stats = { 0 };

	for (int i = 0; i < options->tasks; i++)
		switch_expect(weft_spawn_detached(pass_on(&places[i], &places[i + 1])) == 0,
				"no memory for a task");
	for (int i = -options->warmups; i < options->iterations; i++) {
		int64_t start_ns = switch_now_ns();
		long value = i;

		weft_try(await weft_channel_send(places, &value));
		weft_try(await weft_channel_recv(last, &value));
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
	union place *places = calloc((size_t)options.tasks + 1, sizeof(*places));
	int status;

	switch_expect(places != NULL, "no memory");
	for (int i = 0; i <= options.tasks; i++)
		weft_channel_init(&places[i].channel, sizeof(long), 1);
	status = weft_run(brigade(&options, places)); /* which ends the tasks, too */
	for (int i = 0; i <= options.tasks; i++)
		weft_channel_finish(&places[i].channel);
	free(places);
	return status;
}
