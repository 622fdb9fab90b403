/* SPDX-License-Identifier: MIT */
/* benchmarks.h: all that micro_weft can measure, by the file that has it. Names: bench/README.md. */
#ifndef WEFT_BENCH_BENCHMARKS_H
#define WEFT_BENCH_BENCHMARKS_H

#include "micro.h"

/* spawn.c */
struct micro_sample spawn_join_batch(int workers);
struct micro_sample spawn_join_one(int workers);
struct micro_sample spawn_join_100k(int workers);
struct micro_sample spawn_join_100k_small_pages(int workers);
struct micro_sample chained_spawn(int workers);
struct micro_sample join_set_1k(int workers);

/* remote.c */
struct micro_sample remote_spawn_1(int workers);
struct micro_sample remote_spawn_4(int workers);
struct micro_sample remote_spawn_16(int workers);
struct micro_sample remote_spawn_64(int workers);
struct micro_sample remote_spawn_busy(int workers);

/* turns.c */
struct micro_sample yield_2(int workers);
struct micro_sample yield_1k(int workers);
struct micro_sample yield_100k(int workers);
struct micro_sample ping_pong(int workers);

/* channels.c */
struct micro_sample oneshot_ready(int workers);
struct micro_sample oneshot_ping_pong(int workers);
struct micro_sample broadcast_1(int workers);
struct micro_sample broadcast_1k(int workers);
struct micro_sample watch_1(int workers);
struct micro_sample watch_1k(int workers);
struct micro_sample channel_create_100k(int workers);
struct micro_sample memory_idle_channel_bytes(int workers);

/* many_channels.c */
struct micro_sample channel_of_1k(int workers);

/* sets.c */
struct micro_sample join_all_100(int workers);
struct micro_sample join_all_100k(int workers);
struct micro_sample set_push_next(int workers);
struct micro_sample set_push_next_10k(int workers);

/* timers.c */
struct micro_sample timer_create_cancel(int workers);
struct micro_sample timer_create_fire(int workers);
struct micro_sample sleepers_1m(int workers);

/* stuck.c */
struct micro_sample stuck(int workers);

/* memory.c */
struct micro_sample memory_sleeping_bytes(int workers);
struct micro_sample memory_waiting_bytes(int workers);

#endif
