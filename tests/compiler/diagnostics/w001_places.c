/* SPDX-License-Identifier: MIT */
/* Where macros move columns, say things twice, or take several lines. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>
#define TWICE(x) ((x) + (x))
#define CALL plain_call(3)
#define MAX(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
static async int f(int n) { return await weft_yield() + n; }
static int g(int n) { return n; }
#define LOST f(7)
async int main(void)
{
	int f_ = 0;
	weft_try(await f(1)); int y = TWICE(3) + f(2);
	int z = LOST + 1;
	int q = MAX(await f(1), f(4));
	await weft_select(y = weft_sleep(1),
			z = f(2), q = weft_yield(),
			g(3));
	printf("%d", g(1)), await g(3), printf("%d", f_ + y + z + q);
	return await weft_timeout(1,
			g(5));
}
/*
 * A preprocessor leaves lines out
 * when so many of them
 * are empty
 *
 *
 *
 *
 * one behind the other.
 */
#define BEHIND(x) ((x) + weft_sleep(8))
async int copies(void)
{
	defer await g(6);
	await f(3); int y = TWICE(f(5)), z = BEHIND(3);
	return y + z;
}
async int last(void) { f(9); return 0; }
#line 40 "gone.c"
async int gone(void) { f(10); return 0; }
