/* SPDX-License-Identifier: MIT */
/* countdown.c: a function that waits three times is polled four times. Here it is polled by a runtime
 * with a virtual clock; in drive.c the same future is written by hand, and so is what polls it. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

WEFT_ASYNC_1(const char *, countdown, int);

async const char *countdown(int remaining)
{
	for (; remaining > 0; remaining--) {
		printf("%d\n", remaining);
		await weft_sleep(WEFT_SECONDS(1));
	}
	return "Boom!";
}

int main(void)
{
	const struct weft_runtime_options options = { .flavour = WEFT_CURRENT_THREAD,
		.clock_paused = true };
	struct weft_runtime *runtime;
	struct weft_metrics metrics;
	struct countdown__args args;
	const char *result;

	if (weft_runtime_create(&runtime, &options))
		return 1;
	countdown__init(&args, 3);
	if (weft_runtime_run(runtime, &countdown__async, &args, &result))
		return 1;
	weft_runtime_metrics(runtime, &metrics);
	printf("%s\n%d polls\n", result, (int)metrics.polls);
	weft_runtime_destroy(runtime);
	return fflush(stdout) != 0;
}
