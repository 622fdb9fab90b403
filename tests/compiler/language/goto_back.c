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

/* __label__: each block has an `out` and an `again` of its own. */
static async int same_names(int n)
{
	int sum = 0;

	{
		__label__ out, again;
		int i = 0;

	again:
		if (n > 1)
			goto out;
		weft_try(await weft_yield());
		sum += 1;
		if (i++ < 2)
			goto again;
	out:
		sum += 10;
	}
	{
		__label__ out;
		defer sum += 100;

		if (n > 2)
			goto out;
		weft_try(await weft_yield());
		sum += 1000;
		{
			__label__ again;
			LEAVES int i = 5;

		again:
			weft_try(await weft_yield());
			if (i++ < 7)
				goto again;
			goto out;
		}
	out:
		sum += 10000;
	}
	return sum;
}

#define FIND(array, count, value)                                                                  \
	({                                                                                         \
		__label__ found;                                                                   \
		int at = 0;                                                                        \
		for (; at < (count); at++)                                                         \
			if ((array)[at] == (value))                                                \
				goto found;                                                        \
		at = -1;                                                                           \
	found:                                                                                     \
		at;                                                                                \
	})

async int main(void)
{
	int few[] = { 3, 4, 5 };

	for (int i = 0; i < 3; i++)
		printf(" = %d\n", await same_block(i));
	printf(" = %d\n", await from_inside(2));
	printf(" = %d\n", await from_inside(3));
	printf(" = %d\n", await plain_declarations());
	for (int n = 1; n <= 3; n++)
		printf(" = %d\n", await same_names(n));
	printf("%d %d\n", FIND(few, 3, (await weft_yield(), 4)), FIND(few, 3, 9 + await weft_yield()));
	return 0;
}
