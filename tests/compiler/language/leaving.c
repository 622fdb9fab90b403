/* SPDX-License-Identifier: MIT */
/* Every way out of blocks that defer, clean up or own tasks; select, timeout, shield, cancellation. */
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <weft.h>
#include <weft/async.h>
static async int tick(const char *s)
{
	weft_try(await weft_yield());
	printf(" %s", s);
	return 0;
}
static async WEFT_CANCEL_SAFE int noisy(int x)
{
	defer printf(" <%d>", x);
	for (int i = 0; i < x; i++)
		weft_try(await weft_yield());
	return x * 10;
}
static void put(char **p)
{
	printf(" free(%s)", *p);
	free(*p);
}
static async int many(int n)
{
	int result = 0;
	defer printf(" end%d\n", result);
	for (int i = 0;; i++) {
		__attribute__((cleanup(put))) char *text = malloc(16);
		snprintf(text, 16, "t%d", i);
		defer await tick("x");
		switch (n) {
		case 0:
			if (i == 2)
				goto out;
			break;
		case 1:
			if (i == 1)
				break;
			else
				continue;
		case 2:
			return result = 7;
		default:
			await tick("default");
		}
		if (i == 1)
			break;
		{
			defer
			{
				printf(" inner%d", i);
				if (i == 0)
					await tick("deep");
			}
			if (n == 3) {
				await tick("go");
				goto again;
			}
			result++;
		}
again:
		result += 100;
	}
out:
	return result;
}
static async int scopes(int n)
{
	int r = 0, total = 0;
	weft_scope(s)
	{
		for (int i = 0; i < 3; i++)
			if (weft_spawn_in(&s, noisy(i)) < 0)
				return -1;
		if (n == 1)
			break;
		if (n == 2)
			return 99;
		if (n == 3)
			goto out;
		total += await noisy(1);
	}
	printf(" after");
out:
	return r + total;
}
static async int races(void)
{
	int a = -1, b = -1, which;
	for (int i = 0; i < 3; i++) {
		which = await weft_select_biased(weft_when(i == 1, a = noisy(1)), b = noisy(2));
		printf(" which %d a %d b %d;", which, a, b);
	}
	which = await weft_select(a = noisy(50), b = weft_sleep(0));
	printf(" which %d a %d b %d;", which, a, b);
	printf(" timeout %d", await weft_timeout(1000, weft_sleep(WEFT_SECONDS(10))));
	printf(" lv %d", await weft_timeout(WEFT_SECONDS(1), a = noisy(3)));
	printf(" %d", a);
	printf(" shield %d", await weft_shield(WEFT_SECONDS(1), noisy(2)));
	return 0;
}
static async int victim(int *stage)
{
	defer printf(" unwound at %d", *stage);
	*stage = 1;
	weft_try(await weft_sleep(WEFT_SECONDS(60)));
	*stage = 2;
	return 0;
}
static int plain(int x)
{
	defer printf(" plain%d", x);
	if (x == 1)
		return x + 1;
	for (int i = 0; i < 2; i++) {
		defer printf(" it%d", i);
		if (x == 2)
			break;
		if (x == 3 && i)
			return 33;
	}
	return x;
}
/* Behind the block each of them has a new value; but for whom `continue` leads past that. */
static async int needed_by_continue(int rounds)
{
	int sum = 0, kept = 0, also = 0;

	for (int i = 0; i < rounds; sum += kept * also, i++) {
		kept = i + 1;
		also = i + 2;
		{
			defer (void)await weft_yield();
			if (i & 1)
				continue;
		}
		kept = 100;
		also = 1000;
	}
	return sum;
}
__attribute__((noinline)) static int counted(int n)
{
	static int count;
	return n + count++;
}
/* A branch that takes no part assigns nothing. */
static async int kept_by_disabled(int start)
{
	int kept = counted(start), other = 0;
	weft_try(await weft_select(weft_when(start < 0, kept = weft_yield()), other = weft_yield()));
	return kept + other;
}
/* Where a result goes is what the lvalue was when its branch began. */
static async int advance(int *index, int result)
{
	weft_try(await weft_yield());
	++*index;
	return result;
}
static async int places(void)
{
	int at[4] = { 0 }, i = 0;
	await weft_join(at[i] = advance(&i, 5), at[i + 1] = advance(&i, 6));
	printf("%d %d %d %d\n", at[0], at[1], at[2], at[3]);
	return i;
}
async int main(void)
{
	printf("%d\n", await places());
	printf("%d\n", await kept_by_disabled(77));
	printf("%d\n", await needed_by_continue(4));
	for (int i = 0; i < 5; i++)
		printf("%d", await many(i > 3 ? 9 : i));
	for (int i = 0; i < 4; i++)
		printf("%d\n", await scopes(i));
	printf("%d\n", await races());
	int stage = 0, result = 5;
	struct weft_task *t = weft_spawn(victim(&stage));
	await weft_yield();
	await weft_yield();
	weft_task_cancel(t);
	printf(" join %d", await weft_task_join(t, &result));
	printf(" -> %s\n", result == -ECANCELED ? "canceled" : "?");
	for (int i = 0; i < 4; i++)
		printf(" =%d", plain(i));
	puts("");
	return 0;
}
