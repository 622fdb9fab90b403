/* SPDX-License-Identifier: MIT */
/* join_select.c: several calls at a time in one task. A join waits for all; a select for the first, and
 * the others have been cancelled and have cleaned up before it goes on. No task is made for it. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static async WEFT_CANCEL_SAFE int fetch(const char *name, int round_trips)
{
	int err = 0;

	defer printf("%s cleans up\n", name);
	while (!err && round_trips-- > 0)
		err = await weft_yield();
	printf("%s %s\n", name, err ? "is cancelled" : "is there");
	return err;
}

async int main(void)
{
	int a = -1, b = -1;

	puts("join");
	await weft_join(a = fetch("a", 1), b = fetch("b", 4));
	printf("a: %d, b: %d\n", a, b);

	puts("select");
	switch (await weft_select(a = fetch("a", 1000000), b = fetch("b", 2))) {
	case 0:
		puts("a was first");
		break;
	case 1:
		puts("b was first");
		break;
	default:
		return 1;
	}
	return fflush(stdout) != 0;
}
