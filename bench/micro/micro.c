/* SPDX-License-Identifier: MIT */
/*
 * micro.c: runs small benchmarks; see micro.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "micro.h"

enum { PASSES_MAX = 1000, COUNT_MAX = 100000000, COLD_MIN = 1000 };

static int64_t count_option;

struct options {
	int workers;
	int passes;
	double seconds;
	bool list;
	char **names;
	int name_count;
};

/* -- for the benchmarks ----------------------------------------------------- */

static int64_t clock_read(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct micro_watch micro_watch_start(void)
{
	struct micro_watch watch;

	watch.cpu_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID);
	watch.wall_ns = clock_read(CLOCK_MONOTONIC);
	return watch;
}

struct micro_sample micro_wall_per(const struct micro_watch *watch, int64_t operations)
{
	int64_t elapsed_ns = clock_read(CLOCK_MONOTONIC) - watch->wall_ns;

	return (struct micro_sample){ .value = (double)elapsed_ns / (double)operations };
}

struct micro_sample micro_wall_and_cpu_per(const struct micro_watch *watch, int64_t operations)
{
	struct micro_sample sample = micro_wall_per(watch, operations);
	int64_t cpu_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID) - watch->cpu_ns;

	sample.cpu_ns = (double)cpu_ns / (double)operations;
	return sample;
}

struct micro_sample micro_cold_and_warm(const struct micro_watch *watch,
		const struct micro_watch *first, int64_t rounds, int64_t operations)
{
	struct micro_sample sample;

	if (rounds == 1)
		return micro_wall_per(watch, operations);
	sample = micro_wall_per(first, (rounds - 1) * operations);
	if (operations >= COLD_MIN)
		sample.cold = (double)(first->wall_ns - watch->wall_ns) / (double)operations;
	return sample;
}

int64_t micro_count(int64_t otherwise)
{
	return count_option > 0 ? count_option : otherwise;
}

int64_t micro_rounds(int64_t total, int64_t count)
{
	return total > count ? total / count : 1;
}

static int by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

struct micro_sample micro_quantiles(const char *name, int64_t *values, size_t count)
{
	micro_expect(count > 0, true);
	qsort(values, count, sizeof *values, by_value);
	printf("%s_p50 %lld\n", name, (long long)values[count / 2]);
	printf("%s_p90 %lld\n", name, (long long)values[count * 9 / 10]);
	printf("%s_p999 %lld\n", name, (long long)values[count * 999 / 1000]);
	printf("%s_max %lld\n", name, (long long)values[count - 1]);
	return (struct micro_sample){ .value = (double)values[count * 99 / 100] };
}

int64_t micro_resident_bytes(void)
{
	char line[256];
	long long kib = -1;
	FILE *file = fopen("/proc/self/smaps_rollup", "re");

	while (file && kib < 0 && fgets(line, sizeof line, file))
		sscanf(line, "Rss: %lld kB", &kib);
	if (file)
		fclose(file);
	micro_expect(kib >= 0, true);
	return kib * 1024;
}

void micro_expect(int64_t got, int64_t wanted)
{
	if (got == wanted)
		return;
	fprintf(stderr, "the work was not done: %lld instead of %lld\n", (long long)got,
			(long long)wanted);
	exit(1);
}

/* -- running them ----------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof *values, by_size);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void print_value(const char *name, const char *suffix, double value)
{
	if (value > 0)
		printf("%s%s %.2f\n", name, suffix, value);
}

static void measure(const struct micro_benchmark *benchmark, const struct options *options)
{
	static double values[PASSES_MAX], cpu_ns[PASSES_MAX];
	int64_t end_ns = clock_read(CLOCK_MONOTONIC) + (int64_t)(options->seconds * 1e9);
	struct micro_sample first = { 0 }, sample;
	int passes = 0;

	if (!benchmark->once)
		first = benchmark->run(options->workers);
	do {
		sample = benchmark->run(options->workers);
		if (benchmark->once)
			first = sample;
		values[passes] = sample.value;
		cpu_ns[passes++] = sample.cpu_ns;
	} while (!benchmark->once && passes < options->passes &&
			clock_read(CLOCK_MONOTONIC) < end_ns);
	print_value(benchmark->name, "", median(values, passes));
	print_value(benchmark->name, "_cpu", median(cpu_ns, passes));
	print_value(benchmark->name, "_cold", first.cold);
	fflush(stdout);
}

/* So that no benchmark inherits another one's heap. */
static bool measure_in_child(const struct micro_benchmark *benchmark, const struct options *options)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		measure(benchmark, options);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool is_wanted(const struct micro_benchmark *benchmark, const struct options *options)
{
	for (int i = 0; i < options->name_count; i++)
		if (strcmp(options->names[i], benchmark->name) == 0)
			return true;
	return options->name_count == 0;
}

static int option_number(const char *text, int min, int max)
{
	char *end;
	long value = text ? strtol(text, &end, 10) : -1;

	if (value < min || value > max || *end) {
		fputs("options: [--workers N] [--passes N] [--seconds S] [--count N] [--list]"
		      " [NAME...]\n",
				stderr);
		exit(2);
	}
	return (int)value;
}

static double option_seconds(const char *text)
{
	char *end;
	double value = text ? strtod(text, &end) : -1;

	if (!(value >= 0) || *end)
		option_number(NULL, 0, 0);
	return value;
}

static struct options parse_options(int argc, char **argv)
{
	struct options options = { .passes = 5, .seconds = 3600 };
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--list") == 0)
			options.list = true;
		else if (strcmp(argv[i], "--workers") == 0)
			options.workers = option_number(argv[++i], 0, PASSES_MAX);
		else if (strcmp(argv[i], "--passes") == 0)
			options.passes = option_number(argv[++i], 1, PASSES_MAX);
		else if (strcmp(argv[i], "--seconds") == 0)
			options.seconds = option_seconds(argv[++i]);
		else if (strcmp(argv[i], "--count") == 0)
			count_option = option_number(argv[++i], 1, COUNT_MAX);
		else
			option_number(NULL, 0, 0);
	}
	options.names = argv + i;
	options.name_count = argc - i;
	return options;
}

int micro_main(int argc, char **argv, const struct micro_benchmark *benchmarks, size_t count)
{
	struct options options = parse_options(argc, argv);
	int found = 0, failed = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_wanted(&benchmarks[i], &options))
			continue;
		found++;
		if (options.list)
			puts(benchmarks[i].name);
		else
			failed += !measure_in_child(&benchmarks[i], &options);
	}
	if (found < options.name_count) {
		fputs("no such benchmark\n", stderr);
		return 2;
	}
	return failed > 0;
}
