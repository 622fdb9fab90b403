/* SPDX-License-Identifier: MIT */
/* T1: a compound literal lives as long as its block, not as long as one poll. */
#include <stdio.h>
#include <sys/uio.h>
#include <weft.h>
#include <weft/async.h>

static async int count(const struct iovec *at, int parts)
{
	int total = 0;

	await weft_yield();
	while (parts--)
		total += (int)at[parts].iov_len;
	return total;
}

static async int literal(int v)
{
	int *q = (int[]){ v, v + 1 };

	await weft_yield();
	return q[0] + q[1];
}

/* Between the polls of the others: nothing is left of what they have had on the stack. */
static int scribble(void)
{
	volatile char over[4000];

	for (unsigned i = 0; i < sizeof over; i++)
		over[i] = 0x5a;
	return over[17];
}

static async void scribbles(void)
{
	scribble();
	await weft_yield();
}

async int main(void)
{
	char text[] = "text";
	int sum;

	await weft_join(sum = literal(30), scribbles());
	printf("%d\n", sum);

	printf("%d\n", await literal(20));
	printf("%d\n", await count(&(struct iovec){ text, sizeof text }, 1));
	printf("%d\n", await count((struct iovec[]){ { text, 1 }, { text, 2 } }, 2));
	return 0;
}
