/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int nap(void)
{
	return weft_run(weft_sleep(1));
}
