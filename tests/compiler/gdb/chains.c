/* SPDX-License-Identifier: MIT */
/* Frames of their own: in a task and in a branch, when they are polled for the first time and when they are
 * resumed; a callee by pointer; a runtime within a job of another. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

typedef async int (*waiter)(int n);

static void here(void)
{
}

static async int idle(int n)
{
	return await weft_sleep(WEFT_SECONDS(n));
}

static async long sink(int n)
{
	int err;

	if (n > 0)
		return n + await sink(n - 1);
	here();
	err = await weft_sleep(WEFT_MILLISECONDS(10));
	here();
	return err;
}

static async int either(waiter wait, int depth)
{
	int first = 0;
	long second = 0;

	await weft_select_biased(first = wait(100), second = sink(depth));
	return first + (int)second;
}

static async int inner(void)
{
	await weft_yield();
	here();
	return 0;
}

static int outer(void)
{
	return weft_run(inner());
}

async int main(void)
{
	printf("%ld\n", await sink(2));
	printf("%d\n", await either(idle, 1));
	return await weft_blocking(outer());
}
