/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int nap(void)
{
	weft_future(weft_sleep) nap;

	weft_start(nap, weft_yield());
	return await nap;
}
