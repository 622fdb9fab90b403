/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <weft.h>
#include <weft/async.h>

WEFT_BLOCKING int slow(int n);

async int wait_long(void)
{
	poll(0, 0, 1);
	slow(2);
	return await weft_yield();
}
