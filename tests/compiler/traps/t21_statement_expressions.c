/* SPDX-License-Identifier: MIT */
/* T21: an await anywhere in statement expressions, with the ways out of them. */
#include <errno.h>
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int get(int x)
{
	await weft_yield();
	return x;
}

static async int tries(int x)
{
	int y = ({
		int z = await get(x);
		weft_try(z);
		({
			if (z == 3)
				return await get(33);
		});
		z + ({ await get(1); });
	});

	return y * 10;
}

async int main(void)
{
	for (int x = -1; x < 5; x++)
		printf("%d\n", await tries(x));
	return 0;
}
