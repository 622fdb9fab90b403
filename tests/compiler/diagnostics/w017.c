/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static async int nap()
{
	return await weft_sleep(1);
}
