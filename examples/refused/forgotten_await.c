/* SPDX-License-Identifier: MIT */
/* forgotten_await.c: without await nothing would happen: the call alone only stands for what it would do.
 * Elsewhere that is a warning, if it is anything. */
/* weftcc: `weft_sleep` is async */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	puts("patience");
	weft_sleep(WEFT_SECONDS(1));
	puts("has been rewarded");
	return 0;
}
