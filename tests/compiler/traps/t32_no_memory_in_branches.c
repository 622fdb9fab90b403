/* SPDX-License-Identifier: MIT */
/* T32: a branch whose frame cannot be had is one that has ended with -ENOMEM, for all that take branches;
 * where the result cannot say so, the handler is called. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <weft.h>
#include <weft/async.h>

/* Weak, so called in frames of their own. */
__attribute__((weak)) async int dive(int depth);
__attribute__((weak)) async long descend_long(int depth);
__attribute__((weak)) async double descend_double(int depth);

static async int (*deeper)(int) = dive;

static async int branches(void)
{
	long wide = 0, kept = 0;
	int first = 0, err, slept = 1;

	await weft_join(first = dive(0), slept = weft_yield(), wide = descend_long(0));
	printf("join %d %d %d\n", first == -ENOMEM, slept, wide == -ENOMEM);
	first = 0;
	err = await weft_try_join(first = deeper(0), slept = weft_sleep(WEFT_SECONDS(1000)));
	printf("try_join %d %d %d\n", err == -ENOMEM, first == -ENOMEM, slept == -ECANCELED);
	wide = 0;
	err = await weft_select(slept = weft_sleep(WEFT_SECONDS(1000)), wide = descend_long(0));
	printf("select %d %d %d\n", err, wide == -ENOMEM, slept == -ECANCELED);
	err = await weft_select_biased(weft_when(wide > 0, first = dive(0)),
			weft_when(wide < 0, kept = descend_long(1)));
	printf("select_biased %d %d\n", err, kept == -ENOMEM);
	wide = 0;
	err = await weft_timeout(WEFT_SECONDS(1000), deeper(0));
	printf("timeout %d", err == -ENOMEM);
	err = await weft_deadline(weft_clock(), wide = descend_long(0));
	printf(" deadline %d %d", err, wide == -ENOMEM);
	err = await weft_shield(WEFT_SECONDS(1000), dive(0));
	printf(" shield %d\n", err == -ENOMEM);

	weft_future(dive) kept_call;
	weft_start(kept_call, dive(0));
	printf("future %d", await kept_call == -ENOMEM);
	weft_start(kept_call, dive(1));
	printf(" again %d\n", await kept_call == -ENOMEM);
	return 0;
}

static void give_up(const struct weft_async *of)
{
	printf("no frame for %s\n", of->name);
	fflush(stdout);
	_Exit(0);
}

static int is_full;

static async int descend(int depth)
{
	char bytes[1024];
	int below;

	bytes[depth & 1023] = (char)depth;
	below = await descend(depth + 1 + bytes[depth & 1023] - (char)depth);
	if (below == -ENOMEM && !is_full) {
		is_full = 1;
		await branches();
		weft_set_out_of_memory_handler(give_up);
		await weft_join(descend_double(0));
	}
	return below;
}

async int dive(int depth)
{
	char bytes[16384];

	bytes[depth] = (char)depth;
	return await dive(depth + 1) + bytes[depth] - depth;
}

async long descend_long(int depth)
{
	char bytes[16384];

	bytes[depth] = (char)depth;
	return await descend_long(depth + 1) + bytes[depth] - depth;
}

async double descend_double(int depth)
{
	char bytes[16384];

	bytes[depth] = (char)depth;
	return await descend_double(depth + 1) + bytes[depth] - depth;
}

async int main(void)
{
	struct rlimit limit = { 512 << 20, 512 << 20 };

	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return 1;
	return await descend(0);
}
