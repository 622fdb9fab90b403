/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int wait_long(void)
{
	sleep(1);
	return await weft_yield();
}
