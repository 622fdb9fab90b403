/* SPDX-License-Identifier: MIT */
/* T8: attributes of the user's signature are not those of the function that is polled. */
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>
#include <weft/async.h>

static async __attribute__((malloc, returns_nonnull, alloc_size(1))) void *make(size_t size)
{
	await weft_yield();
	return calloc(1, size);
}
static async __attribute__((const)) int twice(int x)
{
	await weft_yield();
	return 2 * x;
}
static async __attribute__((nonnull(1), access(read_only, 1), noinline, cold)) int first(const char *text)
{
	await weft_yield();
	return *text;
}
static async __attribute__((noreturn)) void stop(int status)
{
	await weft_yield();
	exit(status);
}

async int main(void)
{
	char *memory = await make(8);

	printf("%d %d %d\n", memory[7], await twice(4), await first("a"));
	free(memory);
	(void)fflush(stdout);
	await stop(0);
}
