/* SPDX-License-Identifier: MIT */
/*
 * switch.c: options, statistics and output of these programs; see switch.h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "switch.h"

enum { COUNT_MAX = 10000000 };

/* ---- options ---- */

static void usage(const struct switch_program *program)
{
	fprintf(stderr,
			"usage: %s [%s N] [--iters N] [--warmups N] [--command COMMAND] [--quiet]\n"
			"    %-11s N   %d\n"
			"    --iters     N   %d\n"
			"    --warmups   N   not counted: %d\n"
			"    --command       run before the end, by sh, with {pid} replaced\n"
			"    --quiet         print no times\n",
			program->name, program->tasks_option, program->tasks_option, program->tasks,
			program->iterations, program->warmups);
	exit(2);
}

static int number(const struct switch_program *program, const char *text, int min)
{
	char *end = NULL;
	long value = text ? strtol(text, &end, 10) : -1;

	if (value < min || value > COUNT_MAX || *end)
		usage(program);
	return (int)value;
}

struct switch_options switch_options_parse(
		const struct switch_program *program, int argc, char **argv)
{
	struct switch_options options = {
		.tasks = program->tasks,
		.iterations = program->iterations,
		.warmups = program->warmups,
	};
	struct rlimit files;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--quiet") == 0) {
			options.quiet = true;
			continue;
		}
		if (strcmp(argv[i], program->tasks_option) == 0)
			options.tasks = number(program, value, 1);
		else if (strcmp(argv[i], "--iters") == 0)
			options.iterations = number(program, value, 1);
		else if (strcmp(argv[i], "--warmups") == 0)
			options.warmups = number(program, value, 0);
		else if (strcmp(argv[i], "--command") == 0 && value)
			options.command = value;
		else
			usage(program);
		i++;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return options;
}

/* ---- statistics ---- */

void switch_stats_push(struct switch_stats *stats, double value)
{
	stats->count += 1;
	stats->sum += value;
	stats->squares += value * value;
}

double switch_stats_mean(const struct switch_stats *stats)
{
	return stats->sum / stats->count;
}

double switch_stats_population_stddev(const struct switch_stats *stats)
{
	double spread = stats->count * stats->squares - stats->sum * stats->sum;

	return spread > 0 ? sqrt(spread) / stats->count : 0; /* rounding may take it below 0 */
}

/* ---- output ---- */

struct duration_text {
	char text[32];
};

static struct duration_text duration(double seconds)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	struct duration_text result;
	double value = seconds * 1e9;
	int unit = 0;

	for (; value >= 1500 && unit < 3; unit++)
		value /= 1000;
	snprintf(result.text, sizeof result.text, "%.3f%s", value, units[unit]);
	return result;
}

void switch_print_brigade(const struct switch_options *options, const struct switch_stats *stats)
{
	double mean = switch_stats_mean(stats);

	if (options->quiet)
		return;
	printf("%d tasks, %d iterations: mean %s per iteration, stddev %s (%s per task per iter)\n",
			options->tasks, options->iterations, duration(mean).text,
			duration(switch_stats_population_stddev(stats)).text,
			duration(mean / options->tasks).text);
	fflush(stdout);
}

static void print_for_all(const char *what, const struct switch_stats *stats, int tasks)
{
	double mean = switch_stats_mean(stats);

	printf("%s: mean %s per iter, stddev %s (%s per task)\n", what, duration(mean).text,
			duration(switch_stats_population_stddev(stats)).text,
			duration(mean / tasks).text);
}

void switch_print_creation(
		const struct switch_options *options, const struct switch_creation *stats)
{
	if (options->quiet)
		return;
	printf("%d tasks, %d warmups, %d iterations:\n", options->tasks, options->warmups,
			options->iterations);
	print_for_all("create a task", &stats->creation, options->tasks);
	printf("creation to body: mean %s, stddev %s\n",
			duration(switch_stats_mean(&stats->start)).text,
			duration(switch_stats_population_stddev(&stats->start)).text);
	print_for_all("creation to last body", &stats->last, options->tasks);
	fflush(stdout);
}

int switch_run_command(const struct switch_options *options)
{
	static const char placeholder[] = "{pid}";
	const char *from = options->command, *found;
	char *text = NULL;
	size_t size;
	FILE *into;
	int status;

	if (!from)
		return 0;
	into = open_memstream(&text, &size);
	switch_expect(into != NULL, "no memory for the command");
	for (; (found = strstr(from, placeholder)); from = found + strlen(placeholder))
		fprintf(into, "%.*s%ld", (int)(found - from), from, (long)getpid());
	fputs(from, into);
	switch_expect(fclose(into) == 0, "no memory for the command");
	status = system(text);
	free(text);
	if (status != 0)
		fprintf(stderr, "the command ended with status %d\n", status);
	return status != 0;
}

/* ---- the work ---- */

void switch_pipe(int fds[2])
{
	switch_expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0,
			"no more sockets: ulimit -n");
}

uint8_t switch_read(int fd)
{
	uint8_t byte = 0;

	switch_expect(recv(fd, &byte, 1, 0) == 1, "a byte was lost");
	return byte;
}

void switch_write(int fd, uint8_t byte)
{
	switch_expect(send(fd, &byte, 1, MSG_NOSIGNAL) == 1, "a byte could not be sent");
}

int64_t switch_now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void switch_expect(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}
