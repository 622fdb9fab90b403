/* SPDX-License-Identifier: MIT */
/* flags: -Wall -Wextra
 * T15: the compiler warns of the text that the user wrote: macros, columns, fallthrough comments. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

#define SIGNED_COMPARISON(a, b) ((a) < (b))

static int plain(int x, unsigned y)
{
	switch (x) {
	case 1:
		x++;
		/* fallthrough */
	default:
		return SIGNED_COMPARISON(x, y);
	}
}

async int main(void)
{
	int unused;

	await weft_yield();
	return plain(1, 2);
}
