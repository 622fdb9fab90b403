/* SPDX-License-Identifier: MIT */
/*
 * aasync_tasks.h: what micro_aasync_weft.c, plain C, knows of the *_tasks.c, which are async C: there these are async functions.
 */
#ifndef WEFT_BENCH_ASYNC_TASKS_H
#define WEFT_BENCH_ASYNC_TASKS_H

#include <weft.h>

#include "micro.h"

/* Each does one benchmark and fills in the sample. */

/* sync_tasks.c */
extern const struct weft_async *const async_channel_ping_pong;
extern const struct weft_async *const async_channel_1_to_1;
extern const struct weft_async *const async_channel_4_to_1;
extern const struct weft_async *const async_mutex_uncontended;
extern const struct weft_async *const async_mutex_held_over_yield_8;
extern const struct weft_async *const async_semaphore_uncontended;
extern const struct weft_async *const async_semaphore_held_over_yield_8;
extern const struct weft_async *const async_rwlock_uncontended;

/* notify_tasks.c */
extern const struct weft_async *const async_notify_ready;
extern const struct weft_async *const async_notify_ping_pong;
extern const struct weft_async *const async_notify_one_of_100;
extern const struct weft_async *const async_notify_all_1k;

/* calls_tasks.c */
extern const struct weft_async *const async_nested_ready_1;
extern const struct weft_async *const async_nested_ready_5;
extern const struct weft_async *const async_nested_ready_20;
extern const struct weft_async *const async_nested_yield_1;
extern const struct weft_async *const async_nested_yield_5;
extern const struct weft_async *const async_nested_yield_20;
extern const struct weft_async *const async_spawn_blocking_1;
extern const struct weft_async *const async_spawn_blocking_4;
extern const struct weft_async *const async_spawn_blocking_16;

/* select_tasks.c */
extern const struct weft_async *const async_select_4;
extern const struct weft_async *const async_select_4_first;
extern const struct weft_async *const async_select_4_last;
extern const struct weft_async *const async_select_4_pending;
extern const struct weft_async *const async_timeout_ready;
extern const struct weft_async *const async_timeout_pending;

/* tails_tasks.c */
extern const struct weft_async *const async_timer_late;
extern const struct weft_async *const async_busy_10ms;

#endif
