/* SPDX-License-Identifier: MIT */
/*
 * micro_async_weft.c: what costs what in async C: awaits, channels, locks; and how late timers are. Names,
 * output and method: bench/README.md.
 */
#include "async_tasks.h"
#include "rig.h"

WEFT_ASYNC_1(int, benchmark, struct micro_sample *);

static struct micro_sample run(const struct weft_async *async, int workers)
{
	struct benchmark__args args;

	benchmark__init(&args, &rig.sample);
	return rig_run(workers, async, &args);
}

/* BENCHMARK(name): the function of micro.h for one of async_tasks.h. */
#define BENCHMARK(name)                                                                            \
	static struct micro_sample name(int workers)                                               \
	{                                                                                          \
		return run(async_##name, workers);                                                 \
	}

BENCHMARK(channel_ping_pong)
BENCHMARK(channel_1_to_1)
BENCHMARK(channel_4_to_1)
BENCHMARK(mutex_uncontended)
BENCHMARK(mutex_held_over_yield_8)
BENCHMARK(semaphore_uncontended)
BENCHMARK(semaphore_held_over_yield_8)
BENCHMARK(rwlock_uncontended)
BENCHMARK(notify_ready)
BENCHMARK(notify_ping_pong)
BENCHMARK(notify_one_of_100)
BENCHMARK(notify_all_1k)
BENCHMARK(nested_ready_1)
BENCHMARK(nested_ready_5)
BENCHMARK(nested_ready_20)
BENCHMARK(nested_yield_1)
BENCHMARK(nested_yield_5)
BENCHMARK(nested_yield_20)
BENCHMARK(spawn_blocking_1)
BENCHMARK(spawn_blocking_4)
BENCHMARK(spawn_blocking_16)
BENCHMARK(select_4)
BENCHMARK(select_4_first)
BENCHMARK(select_4_last)
BENCHMARK(select_4_pending)
BENCHMARK(timeout_ready)
BENCHMARK(timeout_pending)
BENCHMARK(timer_late)
BENCHMARK(busy_10ms)

static const struct micro_benchmark benchmarks[] = {
	{ "channel_ping_pong", channel_ping_pong, false },
	{ "channel_1_to_1", channel_1_to_1, false },
	{ "channel_4_to_1", channel_4_to_1, false },
	{ "mutex_uncontended", mutex_uncontended, false },
	{ "mutex_held_over_yield_8", mutex_held_over_yield_8, false },
	{ "semaphore_uncontended", semaphore_uncontended, false },
	{ "semaphore_held_over_yield_8", semaphore_held_over_yield_8, false },
	{ "rwlock_uncontended", rwlock_uncontended, false },
	{ "notify_ready", notify_ready, false },
	{ "notify_ping_pong", notify_ping_pong, false },
	{ "notify_one_of_100", notify_one_of_100, false },
	{ "notify_all_1k", notify_all_1k, false },
	{ "nested_ready_1", nested_ready_1, false },
	{ "nested_ready_5", nested_ready_5, false },
	{ "nested_ready_20", nested_ready_20, false },
	{ "nested_yield_1", nested_yield_1, false },
	{ "nested_yield_5", nested_yield_5, false },
	{ "nested_yield_20", nested_yield_20, false },
	{ "spawn_blocking_1", spawn_blocking_1, false },
	{ "spawn_blocking_4", spawn_blocking_4, false },
	{ "spawn_blocking_16", spawn_blocking_16, false },
	{ "select_4", select_4, false },
	{ "select_4_first", select_4_first, false },
	{ "select_4_last", select_4_last, false },
	{ "select_4_pending", select_4_pending, false },
	{ "timeout_ready", timeout_ready, false },
	{ "timeout_pending", timeout_pending, false },
	{ "timer_late", timer_late, true },
	{ "busy_10ms", busy_10ms, true },
};

int main(int argc, char **argv)
{
	return micro_main(argc, argv, benchmarks, sizeof benchmarks / sizeof benchmarks[0]);
}
