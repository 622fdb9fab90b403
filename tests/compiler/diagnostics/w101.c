/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <stdlib.h>
#include <weft.h>
#include <weft/async.h>

WEFT_BLOCKING int slow(int n);

async int wait_long(void)
{
	(void)await weft_blocking(slow(1));
	(void)await weft_blocking(labs(poll(0, 0, 2)));
	poll(0, 0, 1);
	slow(2);
	return await weft_yield();
}
