/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int both(bool hurried)
{
	await weft_join(weft_sleep(1), weft_when(!hurried, weft_sleep(2)));
	return 0;
}
