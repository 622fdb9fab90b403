/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

inline async int nap(void)
{
	return await weft_sleep(1);
}
