/* SPDX-License-Identifier: MIT */
/* borrowed.c: a task may outlive the function that spawned it, and so what lies in that one's frame. A
 * weft_scope ends them in time. */
/* weftcc: the task may outlive `data`: spawn it in a weft_scope, or pass a copy */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static async int tell(const int *data)
{
	int err = await weft_yield();

	printf("%d\n", data[2]);
	return err;
}

async int main(void)
{
	int data[3] = { 1, 2, 3 };

	return weft_spawn_detached(tell(data));
}
