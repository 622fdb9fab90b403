/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	async int (*const pause)(int64_t) = weft_sleep;

	weft_sleep(WEFT_SECONDS(1));
	pause(1);
	(*pause)(2);
	weft_join(weft_sleep(3), weft_sleep(4));
	return weft_try_join(weft_sleep(5)) + weft_select(weft_sleep(6)) +
			weft_select_biased(weft_sleep(7)) + weft_timeout(1, weft_sleep(8)) +
			weft_deadline(1, weft_sleep(9)) + weft_shield(1, weft_sleep(10));
}
