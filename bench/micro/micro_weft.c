/* SPDX-License-Identifier: MIT */
/*
 * micro_weft.c: what Weft's tasks, timers, channels and sets cost. Names, output and method: bench/README.md.
 *
 * Every program is an async function written by hand, in the shape that the compiler emits; those in
 * async C are micro_async_weft.
 */
#include "benchmarks.h"

static const struct micro_benchmark benchmarks[] = {
	{ "spawn_join_batch", spawn_join_batch, false },
	{ "spawn_join_one", spawn_join_one, false },
	{ "spawn_join_100k", spawn_join_100k, true },
	{ "spawn_join_100k_small_pages", spawn_join_100k_small_pages, true },
	{ "chained_spawn", chained_spawn, false },
	{ "join_set_1k", join_set_1k, false },
	{ "remote_spawn_1", remote_spawn_1, false },
	{ "remote_spawn_4", remote_spawn_4, false },
	{ "remote_spawn_16", remote_spawn_16, false },
	{ "remote_spawn_64", remote_spawn_64, false },
	{ "remote_spawn_busy", remote_spawn_busy, false },
	{ "yield_2", yield_2, false },
	{ "yield_1k", yield_1k, false },
	{ "yield_100k", yield_100k, false },
	{ "ping_pong", ping_pong, false },
	{ "channel_of_1k", channel_of_1k, false },
	{ "oneshot_ready", oneshot_ready, false },
	{ "oneshot_ping_pong", oneshot_ping_pong, false },
	{ "broadcast_1", broadcast_1, false },
	{ "broadcast_1k", broadcast_1k, false },
	{ "watch_1", watch_1, false },
	{ "watch_1k", watch_1k, false },
	{ "channel_create_100k", channel_create_100k, true },
	{ "memory_idle_channel_bytes", memory_idle_channel_bytes, true },
	{ "join_all_100", join_all_100, false },
	{ "join_all_100k", join_all_100k, false },
	{ "set_push_next", set_push_next, false },
	{ "set_push_next_10k", set_push_next_10k, false },
	{ "timer_create_cancel", timer_create_cancel, true },
	{ "timer_create_fire", timer_create_fire, false },
	{ "sleepers_1m", sleepers_1m, true },
	{ "stuck", stuck, true },
	{ "memory_sleeping_bytes", memory_sleeping_bytes, true },
	{ "memory_waiting_bytes", memory_waiting_bytes, true },
};

int main(int argc, char **argv)
{
	return micro_main(argc, argv, benchmarks, sizeof benchmarks / sizeof benchmarks[0]);
}
