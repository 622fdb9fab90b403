/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static async int measure(int n)
{
	return await weft_yield() + n;
}

/* Returned from, by the macro too, before the close; and never closed. */
async int measure_all(int limit)
{
	struct weft_set set = WEFT_SET_INIT;
	struct weft_join_set tasks = WEFT_JOIN_SET_INIT;
	struct weft_scope scope = WEFT_SCOPE_INIT;
	int length = 0;

	weft_try(weft_set_push(&set, measure(1)));
	if (limit > 1 && weft_spawn_in(&tasks.tasks, measure(2)) < 0)
		return -1;
	if (weft_spawn_in(&scope, measure(3)) == 0)
		length++;
	while (await weft_set_next(&set, &length) == 0)
		printf("%d\n", length);
	(void)await weft_join_set_close(&tasks);
	return await weft_set_close(&set);
}

WEFT_STREAM_FN(double_it, void, int, long)
{
	(void)arg;
	*out = 2L * *in;
	return 1;
}

/* In a block of its own, by ways that leave it, and by those that do not. */
async int ask(int *numbers)
{
	int x, n = 0;
	long y;

	for (int i = 0; i < 2; i++) {
		WEFT_STREAM_OF(iter, int) left, kept;

		weft_stream_iter_init(&left, numbers, 3);
		weft_stream_iter_init(&kept, numbers, 3);
		while (await weft_stream_next(&kept, &x) > 0)
			if (x > 1)
				break;
		n += x;
		await weft_stream_close(&kept);
		if (await weft_stream_next(&left, &x) > 0)
			continue;
		await weft_stream_close(&left);
	}
	{
		WEFT_STREAM_OF(iter, int) source;
		WEFT_STREAM_FROM(map, int, long) doubled;

		weft_stream_iter_init(&source, numbers, 3);
		weft_stream_map_init(&doubled, &source, double_it, NULL);
		if (await weft_stream_next(&doubled, &y) > 0)
			goto out;
	}
out:
	return n;
}

/* Jumps that stay in the block, and those that leave it: a switch and its cases are none. */
async int jumps(int how)
{
	struct weft_set set = WEFT_SET_INIT;

again:
	(void)weft_set_push(&set, measure(1));
	if (how == 2)
		goto again;
	while (how-- > 0) {
		struct weft_set inner = WEFT_SET_INIT;

		(void)weft_set_push(&inner, measure(2));
		switch (how) {
		case 1:
			break;
		case 3:
			continue;
		}
		(void)await weft_set_close(&inner);
	}
	if (how > 5) {
		struct weft_set fallen = WEFT_SET_INIT;

		(void)weft_set_push(&fallen, measure(4));
	}
	for (;;) {
		struct weft_set last = WEFT_SET_INIT;

		(void)weft_set_push(&last, measure(3));
		goto out;
	}
out:
	return await weft_set_close(&set);
}

/* What a block that ends with a jump does with one is not done with the other. */
async int one_of_two(int how)
{
	struct weft_set opened = WEFT_SET_INIT, unused = WEFT_SET_INIT;
	int err;

	(void)weft_set_push(&opened, measure(1));
	if (how == 2) {
		(void)await weft_set_close(&opened);
		return 0;
	}
	err = weft_set_push(&unused, measure(1));
	if (how == 3) {
		(void)await weft_set_close(&unused);
		goto out;
	}
	(void)await weft_set_close(&unused);
out:
	(void)await weft_set_close(&opened);
	return err;
}

/* Opened, or not closed, on one of the ways to the end. */
async int on_some_ways(int how)
{
	struct weft_set in_if = WEFT_SET_INIT, in_case = WEFT_SET_INIT, in_operand = WEFT_SET_INIT;
	struct weft_set in_loop = WEFT_SET_INIT, in_start = WEFT_SET_INIT, in_step = WEFT_SET_INIT;
	struct weft_set in_condition = WEFT_SET_INIT, goes_on = WEFT_SET_INIT;

	(void)weft_set_push(&in_if, measure(1));
	if (how)
		(void)await weft_set_close(&in_if);
	(void)weft_set_push(&in_case, measure(2));
	switch (weft_set_push(&in_operand, measure(3))) {
	case 1:
		(void)await weft_set_close(&in_case);
	}
	(void)weft_set_push(&in_loop, measure(4));
	while (how-- > 9)
		(void)await weft_set_close(&in_loop);
	do
		how++;
	while (weft_set_push(&in_condition, measure(5)) > 0);
	for (int err = weft_set_push(&in_start, measure(6)); err > how; err -= weft_set_push(&in_step, measure(7))) {
		if (err == 3) {
			(void)weft_set_push(&goes_on, measure(8));
			continue;
		}
	}
	return how;
}

static async int add(struct weft_set *set)
{
	return weft_set_push(set, measure(1));
}

/* Nothing to be said of these. */
async int closed(int *numbers, int how)
{
	struct weft_set deferred = WEFT_SET_INIT, lent = WEFT_SET_INIT, unused = WEFT_SET_INIT;
	WEFT_STREAM_OF(iter, int) source, never;
	int x;

	(void)unused;
	weft_stream_iter_init(&source, numbers, 3);
	weft_stream_iter_init(&never, numbers, 3);
	defer await weft_set_close(&deferred);
	weft_try(weft_set_push(&deferred, measure(1)));
	weft_try(await add(&lent));
	while (await weft_stream_next(&source, &x) > 0)
		if (how > x) {
			await weft_stream_close(&source);
			return x;
		}
	x = await weft_stream_close(&source);
	for (struct weft_set set = WEFT_SET_INIT; x < 3; x++) {
		if (weft_set_push(&set, measure(1)) == 0 && await weft_set_next(&set, NULL) < 0)
			x++;
		(void)await weft_set_close(&set);
		if (x == 2)
			continue; /* the set's block goes on */
	}
	weft_scope (scope)
		weft_try(weft_spawn_in(&scope, measure(2)));
	return x;
}

/* The second time around, one arm of two, by a goto, behind a switch; and what closes in its own way. */
async int ways(int how)
{
	struct weft_set again = WEFT_SET_INIT, arms = WEFT_SET_INIT, jumps = WEFT_SET_INIT;
	struct weft_set cases = WEFT_SET_INIT, kept = WEFT_SET_INIT, sure = WEFT_SET_INIT;

	for (;;) {
		if (how++ > 3)
			return 1;
		if (weft_set_push(&again, measure(how)) < 0)
			break;
	}
	(void)await weft_set_close(&again);
	if (weft_set_push(&arms, measure(how)) < 0)
		(void)await weft_set_close(&arms);
	else
		how++;
	(void)weft_set_push(&jumps, measure(how));
	if (how == 5)
		goto out;
	(void)await weft_set_close(&jumps);
out:
	(void)weft_set_push(&cases, measure(how));
	switch (how) {
	case 6:
		(void)await weft_set_close(&cases);
		break;
	default:
		how++;
	}
	if (how > 7) /* whoever knows that it is open */
		(void)weft_set_push(&kept, measure(how));
	if (how > 7)
		(void)await weft_set_close(&kept);
	do {
		(void)weft_set_push(&sure, measure(how));
		if (how < 9)
			break;
	} while (0);
	while (await weft_set_close(&sure) < 0)
		;
	return how;
}

/* None of these ways leaves anything open. */
async int ways_that_close(int how)
{
	struct weft_set set = WEFT_SET_INIT, later = WEFT_SET_INIT;
	int x;

again:
	(void)weft_set_push(&set, measure(how));
	switch (how) {
	case 0:
		(void)await weft_set_close(&set);
		return 0;
	case 1:
		goto close;
	case 2:
		(void)await weft_set_close(&set);
		goto again;
	default:
		break;
	}
	for (x = 0; x < 3; x++) {
		struct weft_set inner = WEFT_SET_INIT;
		defer await weft_set_close(&inner);

		if (weft_set_push(&inner, measure(x)) < 0)
			break;
		if (x == how)
			continue;
		(void)await weft_set_next(&set, &x);
	}
	if (how > 4)
		goto close;
	else
		how = await weft_set_close(&set);
	return how;
close:
	if (weft_set_push(&later, measure(1)) < 0) {
		(void)await weft_set_close(&set);
		(void)await weft_set_close(&later);
		return -1;
	}
	(void)await weft_set_close(&later);
	return await weft_set_close(&set);
}
