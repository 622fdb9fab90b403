/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	await weft_join(weft_blocking(weft_sleep(1)), weft_blocking(1 + 1));
	return await weft_blocking(weft_sleep(1));
}
