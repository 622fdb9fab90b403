/* SPDX-License-Identifier: MIT */
/*
 * micro.h: options, passes and output of the small benchmarks written in C.
 *
 *     static struct micro_sample yield_2(int workers)
 *     {
 *             struct micro_watch watch = micro_watch_start();
 *             ...
 *             micro_expect(turns_taken, 2000000);
 *             return micro_wall_per(&watch, 2000000);
 *     }
 *
 *     static const struct micro_benchmark benchmarks[] = { { "yield_2", yield_2, false } };
 *
 *     int main(int argc, char **argv)
 *     {
 *             return micro_main(argc, argv, benchmarks, 1);
 *     }
 *
 * The command line is [--workers N] [--passes N] [--seconds S] [--count N] [--list] [NAME...]; no
 * workers mean the current-thread flavour; a count is how many tasks or timers there are at once, in
 * the benchmarks that can have any number of them. Each benchmark runs in a process of its own: one
 * pass to warm up, then the median of several, at most N, and no new one after S seconds; or, if
 * `once`, a single one.
 * What the names stand for is in README.md.
 */
#ifndef WEFT_BENCH_MICRO_H
#define WEFT_BENCH_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct micro_sample {
	double value;  /* printed as `<name> <value>`; nanoseconds, or bytes */
	double cpu_ns; /* printed as `<name>_cpu <value>`, unless 0 */
	double cold;   /* of the first pass: `<name>_cold <value>`, unless 0 */
};

typedef struct micro_sample (*micro_run_fn)(int workers);

struct micro_benchmark {
	const char *name;
	micro_run_fn run;
	bool once;
};

struct micro_watch {
	int64_t wall_ns;
	int64_t cpu_ns;
};

int micro_main(int argc, char **argv, const struct micro_benchmark *benchmarks, size_t count);

struct micro_watch micro_watch_start(void);
struct micro_sample micro_wall_per(const struct micro_watch *watch, int64_t operations);
struct micro_sample micro_wall_and_cpu_per(const struct micro_watch *watch, int64_t operations);

/* How many at once: what --count says, else `otherwise`. */
int64_t micro_count(int64_t otherwise);

/* How often `count` makes `total` operations, and at least once. */
int64_t micro_rounds(int64_t total, int64_t count);

/* A watch that has seen `rounds` turns of the same work, of which the first, in fresh memory, ended at
 * `first`: the others' nanoseconds per operation, and the first one's as `cold`, unless that was too few
 * operations to tell. With one round there is only that. */
struct micro_sample micro_cold_and_warm(const struct micro_watch *watch,
		const struct micro_watch *first, int64_t rounds, int64_t operations);

/* Prints NAME_p50, _p90, _p999 and _max, and returns p99. Sorts the values. */
struct micro_sample micro_quantiles(const char *name, int64_t *values, size_t count);

/* Resident memory of this process. */
int64_t micro_resident_bytes(void);

/* Ends the program unless the work has been done, and done once. */
void micro_expect(int64_t got, int64_t wanted);

#endif
