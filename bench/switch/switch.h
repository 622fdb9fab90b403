/* SPDX-License-Identifier: MIT */
/*
 * switch.h: what the programs share that measure threads beside tasks, in the way of Jim Blandy's
 * context-switch: six programs with his names, his options and his output.
 *
 *     static const struct switch_program program = {
 *             .name = "thread-brigade", .tasks_option = "--threads",
 *             .tasks = 500, .iterations = 10000, .warmups = 100,
 *     };
 *     struct switch_options options = switch_options_parse(&program, argc, argv);
 *     struct switch_stats stats = { 0 };
 *
 *     switch_stats_push(&stats, seconds);
 *     switch_print_brigade(&options, &stats);
 *     return switch_run_command(&options);
 *
 * A brigade is a chain of tasks, each of which hands on what it gets from its neighbour, plus one: so what
 * comes out of the end says that all of them have been there.
 *
 * Threads: options and statistics belong to one thread or task.
 */
#ifndef WEFT_BENCH_SWITCH_H
#define WEFT_BENCH_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

/* A program and its defaults. */
struct switch_program {
	const char *name;
	const char *tasks_option; /* "--threads" or "--tasks" */
	int tasks, iterations, warmups;
};

struct switch_options {
	int tasks, iterations, warmups;
	const char *command; /* to be run before the end, with {pid} replaced; or NULL */
	bool quiet;
};

struct switch_stats {
	double count, sum, squares;
};

/* Ends the program with a usage message if they are wrong. Raises the limit of open files, too. */
struct switch_options switch_options_parse(
		const struct switch_program *program, int argc, char **argv);

void switch_stats_push(struct switch_stats *stats, double value);
double switch_stats_mean(const struct switch_stats *stats);
double switch_stats_population_stddev(const struct switch_stats *stats);

/* "mean ... per iteration, stddev ... (... per task per iter)", unless quiet. */
void switch_print_brigade(const struct switch_options *options, const struct switch_stats *stats);

struct switch_creation {
	struct switch_stats creation; /* of all tasks, in seconds */
	struct switch_stats start;    /* from the creation of each to its body */
	struct switch_stats last;     /* from the first creation to the last body */
};

void switch_print_creation(
		const struct switch_options *options, const struct switch_creation *stats);

/* Runs options->command, if there is one. Returns the exit status for main. */
int switch_run_command(const struct switch_options *options);

/* A pair of connected stream sockets; fds[0] is to be read. Ends the program if there is none. */
void switch_pipe(int fds[2]);

/* One byte, on a blocking socket. */
uint8_t switch_read(int fd);
void switch_write(int fd, uint8_t byte);

int64_t switch_now_ns(void);

/* Ends the program unless the work has been done. */
void switch_expect(bool done, const char *what);

#endif
