/* SPDX-License-Identifier: MIT */
/* concurrency.c: the same two calls, one after the other, side by side in one task, as two tasks, and, for
 * code that blocks, on two threads. */
#include <stdio.h>
#include <time.h>

#include <weft.h>
#include <weft/async.h>

static async int f(int n)
{
	printf("f(%d) begins\n", n);
	weft_try(await weft_yield());
	printf("f(%d) ends\n", n);
	return n;
}

static async int task(int n)
{
	weft_try(await weft_yield());
	return n;
}

static WEFT_BLOCKING int blocking(int n)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
	return n;
}

static async int in_tasks(void)
{
	struct weft_task *first = weft_spawn(task(1)), *second = weft_spawn(task(2));
	int a = -1, b = -1;

	if (first)
		weft_try(await weft_task_join(first, &a));
	if (second)
		weft_try(await weft_task_join(second, &b));
	return a + b;
}

async int main(void)
{
	weft_future(f) later;
	int a, b;

	puts("one after the other");
	a = await f(1) + await f(2);
	printf("%d\n", a);

	puts("also: a call does nothing until it is awaited");
	weft_start(later, f(1));
	b = await f(2);
	printf("%d\n", await later + b);

	puts("side by side");
	await weft_join(a = f(1), b = f(2));
	printf("%d\n", a + b);

	puts("two tasks, perhaps at the same time");
	printf("%d\n", await in_tasks());

	puts("two threads that may block");
	await weft_join(a = weft_blocking(blocking(1)), b = weft_blocking(blocking(2)));
	printf("%d\n", a + b);
	return fflush(stdout) != 0;
}
