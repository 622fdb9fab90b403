/* SPDX-License-Identifier: MIT */
/* recursion.c: an async function calls itself, 100,000 levels deep. A callee that recurs gets a frame of
 * its own from the worker's memory, so the depth costs no stack, and a wake at the bottom no climb. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

struct node {
	struct node *left, *right;
	long value;
};

static async long sum(const struct node *node)
{
	if (!node)
		return 0;
	await weft_yield();
	return await sum(node->left) + node->value + await sum(node->right);
}

static async long depth(long levels)
{
	if (levels == 0) {
		await weft_yield();
		return 0;
	}
	return 1 + await depth(levels - 1);
}

async int main(void)
{
	struct node a = { NULL, NULL, 1 }, c = { NULL, NULL, 3 }, b = { &a, &c, 2 };
	struct node e = { NULL, NULL, 5 }, d = { &b, &e, 4 };

	printf("sum %ld\n", await sum(&d));
	printf("depth %ld\n", await depth(100000));
	return fflush(stdout) != 0;
}
