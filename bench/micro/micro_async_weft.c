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

static struct micro_sample channel_ping_pong(int workers)
{
	return run(async_channel_ping_pong, workers);
}

static struct micro_sample channel_1_to_1(int workers)
{
	return run(async_channel_1_to_1, workers);
}

static struct micro_sample channel_4_to_1(int workers)
{
	return run(async_channel_4_to_1, workers);
}

static struct micro_sample mutex_uncontended(int workers)
{
	return run(async_mutex_uncontended, workers);
}

static struct micro_sample mutex_held_over_yield_8(int workers)
{
	return run(async_mutex_held_over_yield_8, workers);
}

static struct micro_sample semaphore_uncontended(int workers)
{
	return run(async_semaphore_uncontended, workers);
}

static struct micro_sample rwlock_uncontended(int workers)
{
	return run(async_rwlock_uncontended, workers);
}

static struct micro_sample notify_ping_pong(int workers)
{
	return run(async_notify_ping_pong, workers);
}

static struct micro_sample timer_late(int workers)
{
	return run(async_timer_late, workers);
}

static struct micro_sample busy_10ms(int workers)
{
	return run(async_busy_10ms, workers);
}

static const struct micro_benchmark benchmarks[] = {
	{ "channel_ping_pong", channel_ping_pong, false },
	{ "channel_1_to_1", channel_1_to_1, false },
	{ "channel_4_to_1", channel_4_to_1, false },
	{ "mutex_uncontended", mutex_uncontended, false },
	{ "mutex_held_over_yield_8", mutex_held_over_yield_8, false },
	{ "semaphore_uncontended", semaphore_uncontended, false },
	{ "rwlock_uncontended", rwlock_uncontended, false },
	{ "notify_ping_pong", notify_ping_pong, false },
	{ "timer_late", timer_late, true },
	{ "busy_10ms", busy_10ms, true },
};

int main(int argc, char **argv)
{
	return micro_main(argc, argv, benchmarks, sizeof benchmarks / sizeof benchmarks[0]);
}
