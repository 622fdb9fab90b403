/* SPDX-License-Identifier: MIT */
/* What the debugger is shown: a task in each way of waiting, when `here` is called; then one that is
 * suspended and resumed between two lines. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static void here(void)
{
	puts("here");
}

static async int nap(int64_t ns)
{
	return await weft_sleep(ns);
}

static async long sink(int n) /* in frames of their own */
{
	long below = n;

	if (n == 0)
		return await nap(WEFT_SECONDS(100));
	below += await sink(n - 1);
	return below;
}

static WEFT_CANCEL_SAFE async int bounded(void)
{
	return await weft_timeout(WEFT_SECONDS(50), nap(WEFT_SECONDS(300)));
}

static async int choose(const char *name)
{
	int first = 0, second = 0, count = 0;

	for (int i = 0; i < 2; i++) {
		int twice = 2 * i;

		if (i == 1)
			await weft_select(first = weft_sleep(WEFT_SECONDS(200)), second = bounded());
		count += twice;
		await weft_yield();
	}
	return printf("%s %d %d %d\n", name, first, second, count);
}

static async int step(int n)
{
	int sum = n, once = 7;

	for (int i = 1; i <= 2; i++) {
		int more = 10 * i;

		sum += more;
		await weft_yield();
		sum *= 2;
	}
	sum += once;
	return sum;
}

async int main(void)
{
	struct weft_task *tasks[] = { weft_spawn(sink(2)), weft_spawn(choose("left")) };
	int total = 1;

	await weft_sleep(WEFT_MILLISECONDS(100));
	here();
	total += await step(total);
	for (int i = 0; i < 2; i++) {
		weft_task_cancel(tasks[i]);
		weft_try(await weft_task_join(tasks[i], NULL));
	}
	printf("%d\n", total);
	return 0;
}
