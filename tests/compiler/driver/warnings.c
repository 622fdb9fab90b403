/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

#define AS_TEXT(x) printf("%s\n", x)

static async int never(void)
{
	int unused;

	await weft_yield();
	return 0;
}

int returns(int x);

int returns(int x)
{
	switch (x) {
	case 1:
		x = AS_TEXT(x);
	case 2:
		return x;
	}
}
