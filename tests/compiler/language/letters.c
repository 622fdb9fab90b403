/* SPDX-License-Identifier: MIT */
/* Names with letters beyond ASCII, written as they are and as universal character names. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

struct füße {
	int maß;
};

static async int größer(int größe)
{
	int maß = größe, *p = &maß;
	struct füße s = { 2 };

	await weft_yield();
	ma\u00df += s.ma\U000000df + *p;
	return maß;
}

async int main(void)
{
	int 中 = await größer(3);

	printf("%d %s \u00e4 \\u00e4 %d\n", 中, __func__, '\'' /* \u00e4 */);
	await weft_yield();
	return await gr\u00f6\u00dfer(中) != 18;
}
