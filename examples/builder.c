/* SPDX-License-Identifier: MIT */
/* builder.c: what `async int main` does, by hand, and more: a runtime with options, used from plain code.
 * It runs tasks in the background while the main program computes. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

WEFT_ASYNC_0(int, hello);

async int hello(void)
{
	puts("Hello world");
	return 0;
}

WEFT_ASYNC_1(int, square, int);

async int square(int n)
{
	weft_try(await weft_sleep(WEFT_MILLISECONDS(1)));
	return n * n;
}

int main(void)
{
	const struct weft_runtime_options options = { .workers = 2, .name = "builder" };
	struct weft_task *tasks[100];
	struct weft_runtime *runtime;
	struct square__args args;
	struct hello__args nothing;
	int tasks_sum = 0, sum = 0, result;

	if (weft_runtime_create(&runtime, &options))
		return 1;
	hello__init(&nothing);
	if (weft_runtime_run(runtime, &hello__async, &nothing, NULL))
		return 1;

	for (int i = 0; i < 100; i++) {
		square__init(&args, i);
		if (!(tasks[i] = weft_task_spawn(runtime, &square__async, &args)))
			return 1;
	}
	for (int i = 0; i < 100; i++)
		sum += i * i; /* meanwhile */
	for (int i = 0; i < 100; i++) {
		if (weft_task_join_blocking(tasks[i], &result) || result < 0)
			return 1;
		tasks_sum += result;
	}
	printf("100 tasks: %d, and we: %d\n", tasks_sum, sum);
	weft_runtime_destroy(runtime);
	return fflush(stdout) != 0;
}
