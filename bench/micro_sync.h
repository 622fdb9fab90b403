/* SPDX-License-Identifier: MIT */
/*
 * micro_sync.h: what micro_sync_weft.c, plain C, knows of micro_sync_tasks.c and micro_tails_tasks.c,
 * which are async C: there these are async functions.
 */
#ifndef WEFT_BENCH_MICRO_SYNC_H
#define WEFT_BENCH_MICRO_SYNC_H

#include <weft.h>

#include "micro.h"

/* Each does one benchmark and fills in the sample. */
extern const struct weft_async *const sync_channel_ping_pong;
extern const struct weft_async *const sync_channel_1_to_1;
extern const struct weft_async *const sync_channel_4_to_1;
extern const struct weft_async *const sync_mutex_uncontended;
extern const struct weft_async *const sync_mutex_held_over_yield_8;
extern const struct weft_async *const sync_semaphore_uncontended;
extern const struct weft_async *const sync_rwlock_uncontended;
extern const struct weft_async *const sync_notify_ping_pong;
extern const struct weft_async *const sync_timer_late;
extern const struct weft_async *const sync_busy_10ms;

#endif
