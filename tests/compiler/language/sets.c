/* SPDX-License-Identifier: MIT */
/* Sets of futures: what is pushed, into what its result goes, and who awaits whom. */
#include <errno.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static async int later(int value, int64_t timeout_ns)
{
	weft_try(await weft_sleep(timeout_ns));
	return value;
}

/* Known by its prototype only, where it is pushed. */
async double half(double of);

struct point {
	long x, y;
};

static async struct point move(struct point from, long by)
{
	await weft_yield();
	return (struct point){ from.x + by, from.y + by };
}

static async int in_order_of_ends(void)
{
	struct weft_set set = WEFT_SET_INIT;
	int value;

	defer await weft_set_close(&set);
	for (int i = 1; i <= 3; i++)
		weft_try(weft_set_push(&set, later(i, WEFT_MILLISECONDS(40 - 10 * i))));
	while (await weft_set_next(&set, &value) == 0)
		printf("ended: %d\n", value);
	return 0;
}

static async int in_order_of_pushes(void)
{
	struct weft_set set = WEFT_SET_ORDERED_INIT;
	int value;

	defer await weft_set_close(&set);
	for (int i = 1; i <= 3; i++)
		weft_try(weft_set_push(&set, later(i, WEFT_MILLISECONDS(40 - 10 * i))));
	while (await weft_set_next(&set, &value) == 0)
		printf("in order: %d\n", value);
	return 0;
}

/* Results of several types, each where it belongs; through a pointer to the function, too. */
static async int into_lvalues(void)
{
	struct weft_set set = WEFT_SET_INIT;
	async int (*pointer)(int, int64_t) = later;
	struct point points[2] = { { 1, 2 }, { 3, 4 } };
	struct { int n; double d; } both = { 0, 0 };
	int alone = 0, count = 0;

	defer await weft_set_close(&set);
	for (int i = 0; i < 2; i++)
		weft_try(weft_set_push(&set, points[i] = move(points[i], 10)));
	weft_try(weft_set_push(&set, both.d = half(5)));
	weft_try(weft_set_push(&set, both.n = pointer(7, WEFT_MILLISECONDS(1))));
	weft_try(weft_set_push(&set, alone = later(8, WEFT_MILLISECONDS(2))));
	while (await weft_set_next(&set, NULL) == 0)
		count++;
	printf("%d: %ld,%ld %ld,%ld %g %d %d\n", count, points[0].x, points[0].y, points[1].x,
			points[1].y, both.d, both.n, alone);
	return 0;
}

/* What is left is cancelled, and awaited, before the block is. */
static async int noisy(int id)
{
	defer printf("left %d\n", id);
	await weft_sleep(WEFT_SECONDS(100));
	return id;
}

static async int leaves_early(void)
{
	struct weft_set set = WEFT_SET_INIT;
	int first = -1, value;

	{
		defer await weft_set_close(&set);
		weft_try(weft_set_push(&set, noisy(1)));
		weft_try(weft_set_push(&set, later(2, WEFT_MILLISECONDS(5))));
		weft_try(weft_set_push(&set, noisy(3)));
		if (await weft_set_next(&set, &value) == 0)
			first = value;
	}
	printf("first: %d, %zu left\n", first, weft_set_count(&set));
	return 0;
}

/* All, into an array; or the first error, and the others unwind. */
static async int fails(int64_t timeout_ns)
{
	weft_try(await weft_sleep(timeout_ns));
	return -EIO;
}

static async int joins(void)
{
	struct weft_set set = WEFT_SET_INIT;
	int results[10] = { 0 }, sum = 0, error;

	defer await weft_set_close(&set);
	for (int i = 0; i < 10; i++)
		weft_try(weft_set_push(&set, results[i] = later(i, WEFT_MILLISECONDS(10 - i))));
	weft_try(await weft_set_join(&set));
	for (int i = 0; i < 10; i++)
		sum += results[i];
	weft_try(weft_set_push(&set, noisy(1)));
	weft_try(weft_set_push(&set, fails(WEFT_MILLISECONDS(1))));
	weft_try(weft_set_push(&set, noisy(2)));
	error = await weft_set_try_join(&set);
	printf("sum %d, error: %s\n", sum, error == -EIO ? "EIO" : "?");
	return 0;
}

/* A select that does not get one in time loses nothing. */
static async int with_a_limit(void)
{
	struct weft_set set = WEFT_SET_INIT;
	int value, got, misses = 0;
	int64_t limit = 0; /* a miss, however busy the machine is */

	defer await weft_set_close(&set);
	weft_try(weft_set_push(&set, later(5, WEFT_MILLISECONDS(30))));
	for (; (got = await weft_timeout(limit, weft_set_next(&set, &value))) == -ETIME; misses++)
		limit = WEFT_MILLISECONDS(4);
	printf("got %d: %d, after some misses: %s\n", got, value, misses > 0 ? "yes" : "no");
	return 0;
}

async double half(double of)
{
	await weft_yield();
	return of / 2;
}

async int main(void)
{
	weft_try(await in_order_of_ends());
	weft_try(await in_order_of_pushes());
	weft_try(await into_lvalues());
	weft_try(await leaves_early());
	weft_try(await joins());
	weft_try(await with_a_limit());
	return 0;
}
