/* SPDX-License-Identifier: MIT */
/* buffer_unordered.c: a hundred tasks, eight at a time, and their results as they come. In Rust:
 *
 *     stream::iter(tasks)
 *             .enumerate()
 *             .map(|(i, task)| async move { (i, run(task).await) })
 *             .buffer_unordered(8)
 *             .collect::<Vec<_>>()
 *             .await
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft.h>
#include <weft/async.h>

enum { TASKS = 100, AT_A_TIME = 8 };

struct task {
	int microseconds;
};

struct numbered {
	size_t index;
	struct task value;
};

static atomic_int running, running_max;

static async int run(void *unused, const struct numbered *task, size_t *index)
{
	int now = atomic_fetch_add(&running, 1) + 1, max = atomic_load(&running_max);

	(void)unused;
	while (now > max && !atomic_compare_exchange_weak(&running_max, &max, now))
		;
	defer atomic_fetch_sub(&running, 1);
	weft_try(await weft_sleep(WEFT_MICROSECONDS(task->value.microseconds)));
	*index = task->index;
	return 1; /* that is an item */
}

async int main(void)
{
	static struct task tasks[TASKS];
	size_t results[TASKS], count, sum = 0;
	WEFT_STREAM_OF(iter, struct task) iter;
	WEFT_STREAM_OF(enumerate, struct numbered) enumerated;
	WEFT_STREAM_OF(buffered, size_t) buffered;

	for (int i = 0; i < TASKS; i++)
		tasks[i].microseconds = rand() % 1000;
	weft_stream_iter_init(&iter, tasks, TASKS);
	weft_stream_enumerate_init(&enumerated, &iter);
	weft_stream_buffer_unordered_init(&buffered, &enumerated, AT_A_TIME, run, NULL);
	defer await weft_stream_close(&buffered); /* had we failed: the tasks end before we do */
	weft_try(await weft_stream_collect(&buffered, results, TASKS, &count));
	for (size_t i = 0; i < count; i++)
		sum += results[i];
	printf("%zu results, the sum of their indices is %zu\n", count, sum);
	printf("%s\n",
			atomic_load(&running_max) <= AT_A_TIME ? "never more than eight at a time"
							       : "too many at a time");
	return 0;
}
