/* SPDX-License-Identifier: MIT */
/* Awaits in every place of statements and expressions. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int leaf(int x)
{
	await weft_yield();
	return x + 1;
}
static async int twice(int x)
{
	int a = await leaf(x), b = await leaf(a);
	return a + b + await leaf(1) * await leaf(2);
}
static async int sum(const int *v, int n)
{
	int total = 0;
	for (int i = 0; i < n; i++) {
		if (v[i] < 0)
			continue;
		total += await leaf(v[i]);
	}
	while (await leaf(total) < 20 && total != 3)
		total++;
	switch (await leaf(3)) {
	case 4:
		total += 100;
		break;
	default:
		total = -1;
	}
	return total;
}
static async int fail(int x)
{
	weft_try(await leaf(x));
	printf("fail went on with %d in %s\n", x, __func__);
	return 0;
}
static async long fib(int n)
{
	return n < 2 ? n : await fib(n - 1) + await fib(n - 2);
}
static async int deferred(int n)
{
	defer puts("one");
	for (int i = 0; i < n; i++) {
		defer printf("loop %d\n", await leaf(i));
		if (i == 1)
			continue;
		if (i == 3)
			return await leaf(40);
	}
	return 1;
}
async int main(int argc, char **argv)
{
	int v[] = { 1, 2, -3, 4 };
	printf("%d args, %s\n", argc, argv[0] ? "ok" : "");
	printf("twice %d\n", await twice(3));
	printf("sum %d\n", await sum(v, 4));
	printf("fail %d\n", await fail(-7));
	printf("fail %d\n", await fail(7));
	printf("fib %ld\n", await fib(15));
	printf("deferred %d %d\n", await deferred(2), await deferred(9));
	int *q = (int[]){ v[0], v[1] + 1 };
	await leaf(0);
	printf("%d\n", q[0] + q[1]);
	return 0;
}
