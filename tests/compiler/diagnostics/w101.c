/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <weft.h>
#include <weft/async.h>

async int wait_long(void)
{
	poll(0, 0, 1);
	return await weft_yield();
}
