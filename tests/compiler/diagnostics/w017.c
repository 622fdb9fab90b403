/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static async int nap()
{
	return await weft_sleep(1);
}

static async int add(a, b)
	int a;
	short b;
{
	return await nap() + a + b;
}
