/* SPDX-License-Identifier: MIT */
/* T33: break and continue in a weft_scope leave it alone; return and goto await its tasks first. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int work(int x)
{
	await weft_yield();
	printf("work %d\n", x);
	return 0;
}

static async int leaves(int how)
{
	for (int i = 0; i < 2; i++) {
		weft_scope (scope) {
			weft_spawn_in(&scope, work(how * 10 + i));
			if (how == 0)
				break;
			if (how == 1)
				continue;
			if (how == 2)
				return printf("value\n");
			goto out;
		}
		printf("behind %d\n", i);
	}
out:
	return printf("end\n");
}

async int main(void)
{
	for (int how = 0; how < 4; how++)
		printf("%d\n", await leaves(how));
	return 0;
}
