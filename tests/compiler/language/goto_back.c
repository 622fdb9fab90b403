/* SPDX-License-Identifier: MIT */
/* A goto back leaves the scope of what is declared after the label, also when that is in the same block. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static void bye(const int *n)
{
	printf(" bye %d", *n);
}

#define LEAVES __attribute__((cleanup(bye)))

static async int same_block(int rounds)
{
	LEAVES int first = 100;
	int i = 0;
again:;
	LEAVES int x = i;
	weft_try(await weft_yield());
	LEAVES int y = 10 + i;
	if (i++ < rounds)
		goto again;
	if (i == 2)
		return first;
	weft_try(await weft_yield());
	printf(" end %d %d", x, y);
	return 0;
}

static async int from_inside(int rounds)
{
	int i = 0;
again:
	printf(" at %d", i);
	LEAVES int x = i;
	{
		LEAVES int y = 10 + i;
middle:;
		LEAVES int z = 20 + i;
		weft_try(await weft_yield());
		switch (i++) {
		case 0:
			goto again;
		case 1:
			goto middle;
		case 2:
			if (i > rounds)
				break;
			goto again;
		default:
			x += y += z;
		}
	}
	return 0;
}

static async int plain_declarations(void)
{
	int i = 0;
again:
	if (i > 2)
		return i;
	LEAVES int without_await = i++;
	(void)without_await;
	goto again;
}

async int main(void)
{
	for (int i = 0; i < 3; i++)
		printf(" = %d\n", await same_block(i));
	printf(" = %d\n", await from_inside(2));
	printf(" = %d\n", await from_inside(3));
	printf(" = %d\n", await plain_declarations());
	return 0;
}
