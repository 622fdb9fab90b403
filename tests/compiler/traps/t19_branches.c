/* SPDX-License-Identifier: MIT */
/* T19: branches of void and struct calls; arguments once, from left to right, before the first poll. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

struct point {
	int x, y;
};
struct bits {
	unsigned low : 4, high : 4;
};

static int evaluated;

static int next(void)
{
	return ++evaluated;
}
static async void shout(int x)
{
	await weft_yield();
	printf("shout %d of %d\n", x, evaluated);
}
static async struct point point(int x)
{
	await weft_yield();
	return (struct point){ x, -x };
}
static async int value(int x)
{
	await weft_yield();
	return x;
}

async int main(void)
{
	struct point p[2] = { { 0 } };
	int i = 0, n = 0, first = -1;

	await weft_join(shout(next()), p[i++] = point(next()), p[i++] = point(next()), shout(next()), n = value(next()));
	printf("%d %d %d %d %d\n", p[0].x, p[1].y, i, n, evaluated);
	first = await weft_select(n = value(next()), weft_when(i == 0, n = value(next())));
	printf("%d %d %d\n", first, n, evaluated);
	return 0;
}
