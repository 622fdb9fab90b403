/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static async int64_t pause_of(int n)
{
	weft_try(await weft_yield());
	return n;
}

async int main(void)
{
	await weft_join(weft_sleep(await pause_of(1)), weft_sleep(2));
	return 0;
}
