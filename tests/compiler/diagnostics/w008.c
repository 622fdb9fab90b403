/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	return await weft_blocking(weft_sleep(1));
}
