/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int start(void)
{
	weft_spawn(weft_sleep(1));
	return 0;
}
