/* SPDX-License-Identifier: MIT */
/* T12: const, volatile and atomic locals, and big ones, are initialised as C would. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/async.h>

struct fixed {
	const int a;
	const char name[6];
};

static async int get(int x)
{
	await weft_yield();
	return x;
}

static async struct fixed make(int x)
{
	await weft_yield();
	return (struct fixed){ x, "fixed" };
}

static async int constants(void)
{
	const int x = await get(1);
	const struct fixed f = await make(2), g = { await get(3), "local" };
	const char *const names[] = { "zero", "one" };
	volatile int v = await get(4);
	_Atomic int a = await get(5);
	char big[65536] = "big", zero[4096] = { 0 };
	const int *p = &x;

	await weft_yield();
	a += v;
	return *p + f.a + g.a + a + big[0] + big[65535] + zero[4095] + names[1][0] + f.name[0] +
			_Generic(&x, const int *: 1000, default: 0);
}

async int main(void)
{
	printf("%d\n", await constants());
	return 0;
}
