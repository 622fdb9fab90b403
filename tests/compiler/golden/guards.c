/* SPDX-License-Identifier: MIT */
/* flags: -fsanitize=address -DWEFT_VALGRIND --coverage -fPIC -ffile-prefix-map=gua=g
 * Red zones, values that are not there, what is not counted, a callee that may be replaced, another path. */
#include <weft.h>
#include <weft/async.h>

void fill(char *text);

#pragma pack(push, 1)
__attribute__((noinline)) __attribute__((unused, section("other"))) async int replaced(int x, int)
{
	return x;
}

async int guarded(void)
{
	char text[4];

	await weft_blocking(fill(text));
	return text[0] + await replaced(1, 2);
}
#pragma pack(pop)
