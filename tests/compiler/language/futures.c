/* SPDX-License-Identifier: MIT */
/* Futures kept in variables: awaited later, cancelled, left behind. */
#include <stdio.h>
#include <errno.h>
#include <sys/resource.h>
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
/* In a frame of its own, for it may be replaced. */
__attribute__((weak)) async int wide(int n)
{
	char bytes[4096] = { 0 };
	bytes[n & 4095] = 1;
	weft_try(await weft_yield());
	return bytes[n & 4095];
}
static async long leave_behind(int count)
{
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < count; i++) {
		weft_future(wide) left;
		weft_start(left, wide(i));
	}
	getrusage(RUSAGE_SELF, &after);
	return after.ru_maxrss - before.ru_maxrss;
}
async int main(void)
{
	printf("gives its frames back: %d\n", await leave_behind(20000) < 40000);
	for (int i = 2; i < 6; i++)
		printf("= %d\n", await use(i));
	return 0;
}
