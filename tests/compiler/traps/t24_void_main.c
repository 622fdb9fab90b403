/* SPDX-License-Identifier: MIT */
/* A main without a result, which compilers allow, exits with 0. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

async void main(void)
{
	(void)await weft_yield();
	puts("done");
}
