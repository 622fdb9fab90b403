/* SPDX-License-Identifier: MIT */
/* T32: a callee whose frame cannot be had gives -ENOMEM, where the result is an int. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include <weft.h>
#include <weft/async.h>

static int first_error; /* of the deepest caller */

static async int descend(int depth)
{
	int below = await descend(depth + 1);

	if (!first_error)
		first_error = below;
	return below;
}

async int main(void)
{
	struct rlimit limit = { 512 << 20, 512 << 20 };

	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return 1;
	printf("%d %d\n", await descend(0) == -ENOMEM, first_error == -ENOMEM);
	return 0;
}
