/* SPDX-License-Identifier: MIT */
/* T32: a callee whose frame cannot be had gives -ENOMEM, where the result is an int. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include <weft.h>
#include <weft/async.h>

static async int descend(int depth)
{
	int below = await descend(depth + 1);

	return below < 0 && depth > 1000 ? below : depth;
}

async int main(void)
{
	struct rlimit limit = { 512 << 20, 512 << 20 };
	int depth;

	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return 1;
	depth = await descend(0);
	printf("%s\n", depth >= 0 ? "the caller knows, and goes on" : "it does not");
	return 0;
}
