/* SPDX-License-Identifier: MIT */
/*
 * calls_tasks.c: calls: awaits inside awaits, of what is ready at once and of what yields; and calls of
 * plain functions that may block.
 */
#include <weft.h>

#include "micro.h"

#include <weft/async.h>

enum { READY = 500000, YIELDS = 300000, BLOCKING_CALLS = 8000 };

/* ---- nested awaits ---- */

static async long nested_0(bool yields, long i)
{
	if (yields)
		await weft_yield();
	return i;
}

#define NESTED(depth, below)                                                                       \
	static async long nested_##depth(bool yields, long i)                                      \
	{                                                                                          \
		return await nested_##below(yields, i) + 1;                                        \
	}

NESTED(1, 0)
NESTED(2, 1)
NESTED(3, 2)
NESTED(4, 3)
NESTED(5, 4)
NESTED(6, 5)
NESTED(7, 6)
NESTED(8, 7)
NESTED(9, 8)
NESTED(10, 9)
NESTED(11, 10)
NESTED(12, 11)
NESTED(13, 12)
NESTED(14, 13)
NESTED(15, 14)
NESTED(16, 15)
NESTED(17, 16)
NESTED(18, 17)
NESTED(19, 18)
NESTED(20, 19)

/* Each call returns its argument and its depth. */
static int finish(struct micro_sample *sample, const struct micro_watch *watch, long sum,
		long count, long depth)
{
	*sample = micro_wall_per(watch, count);
	micro_expect(sum, count * (count - 1) / 2 + count * depth);
	return 0;
}

static async int nested_ready_1(struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();
	long sum = 0;

	for (long i = 0; i < READY; i++)
		sum += await nested_1(false, i);
	return finish(sample, &watch, sum, READY, 1);
}

static async int nested_ready_5(struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();
	long sum = 0;

	for (long i = 0; i < READY; i++)
		sum += await nested_5(false, i);
	return finish(sample, &watch, sum, READY, 5);
}

static async int nested_ready_20(struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();
	long sum = 0;

	for (long i = 0; i < READY; i++)
		sum += await nested_20(false, i);
	return finish(sample, &watch, sum, READY, 20);
}

static async int nested_yield_1(struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();
	long sum = 0;

	for (long i = 0; i < YIELDS; i++)
		sum += await nested_1(true, i);
	return finish(sample, &watch, sum, YIELDS, 1);
}

static async int nested_yield_5(struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();
	long sum = 0;

	for (long i = 0; i < YIELDS; i++)
		sum += await nested_5(true, i);
	return finish(sample, &watch, sum, YIELDS, 5);
}

static async int nested_yield_20(struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();
	long sum = 0;

	for (long i = 0; i < YIELDS; i++)
		sum += await nested_20(true, i);
	return finish(sample, &watch, sum, YIELDS, 20);
}

/* ---- calls on the blocking pool ---- */

static long plain(long i)
{
	return i + 1;
}

static async int submit(long count, int64_t *sum)
{
	int64_t mine = 0;

	for (long i = 0; i < count; i++) {
		long got = await weft_blocking(plain(i));

		mine += got;
	}
	__atomic_fetch_add(sum, mine, __ATOMIC_RELAXED); /* relaxed: a count */
	return 0;
}

static async int spawn_blocking(int submitters, struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();
	int64_t each = BLOCKING_CALLS / submitters, sum = 0;

	weft_scope (scope)
		for (int i = 0; i < submitters; i++)
			micro_expect(weft_spawn_in(&scope, submit(each, &sum)), 0);
	*sample = micro_wall_and_cpu_per(&watch, BLOCKING_CALLS);
	micro_expect(sum, submitters * (each * (each + 1) / 2));
	return 0;
}

static async int spawn_blocking_1(struct micro_sample *sample)
{
	return await spawn_blocking(1, sample);
}

static async int spawn_blocking_4(struct micro_sample *sample)
{
	return await spawn_blocking(4, sample);
}

static async int spawn_blocking_16(struct micro_sample *sample)
{
	return await spawn_blocking(16, sample);
}

/* ---- what async_tasks.h tells ---- */

extern async int (*const async_nested_ready_1)(struct micro_sample *sample);
async int (*const async_nested_ready_1)(struct micro_sample *sample) = nested_ready_1;

extern async int (*const async_nested_ready_5)(struct micro_sample *sample);
async int (*const async_nested_ready_5)(struct micro_sample *sample) = nested_ready_5;

extern async int (*const async_nested_ready_20)(struct micro_sample *sample);
async int (*const async_nested_ready_20)(struct micro_sample *sample) = nested_ready_20;

extern async int (*const async_nested_yield_1)(struct micro_sample *sample);
async int (*const async_nested_yield_1)(struct micro_sample *sample) = nested_yield_1;

extern async int (*const async_nested_yield_5)(struct micro_sample *sample);
async int (*const async_nested_yield_5)(struct micro_sample *sample) = nested_yield_5;

extern async int (*const async_nested_yield_20)(struct micro_sample *sample);
async int (*const async_nested_yield_20)(struct micro_sample *sample) = nested_yield_20;

extern async int (*const async_spawn_blocking_1)(struct micro_sample *sample);
async int (*const async_spawn_blocking_1)(struct micro_sample *sample) = spawn_blocking_1;

extern async int (*const async_spawn_blocking_4)(struct micro_sample *sample);
async int (*const async_spawn_blocking_4)(struct micro_sample *sample) = spawn_blocking_4;

extern async int (*const async_spawn_blocking_16)(struct micro_sample *sample);
async int (*const async_spawn_blocking_16)(struct micro_sample *sample) = spawn_blocking_16;
