/* SPDX-License-Identifier: MIT */
/* Futures kept in variables: awaited later, cancelled, left behind. */
#include <stdio.h>
#include <errno.h>
#include <weft.h>
#include <weft/async.h>
static async int count(const char *s, int n)
{
	for (int i = 0; i < n; i++) {
		int e = await weft_yield();
		if (e < 0) {
			printf("%s canceled at %d\n", s, i);
			return e;
		}
	}
	printf("%s done\n", s);
	return n;
}
static async long deep(int n)
{
	return n ? await deep(n - 1) + 1 : await weft_yield();
}
static async int use(int n)
{
	weft_future(count) a, b;
	weft_future(deep) d;
	int x, y;
	weft_start(a, count("a", n));
	weft_start(d, deep(10));
	for (int i = 0; i < 2; i++) {
		weft_future(count) inner;
		weft_start(inner, count("inner", 2 + i));
		if (n == 5)
			break;
		if (i == 1)
			printf("inner %d\n", await inner);
	}
	weft_start(b, count("b", 3));
	if (n == 4)
		weft_cancel(b);
	x = await b;
	if (n == 3)
		return x;
	y = await a;
	printf("d %ld\n", await d);
	return x * 100 + y;
}
async int main(void)
{
	for (int i = 2; i < 6; i++)
		printf("= %d\n", await use(i));
	return 0;
}
