/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async void leave(int *room)
{
	await weft_yield();
	printf("left %d\n", *room);
}

async int visit(void)
{
	__attribute__((cleanup(leave))) int room = 1;

	return await weft_yield();
}
