/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	weft_sleep(WEFT_SECONDS(1));
	return 0;
}
