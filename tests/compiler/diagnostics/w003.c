/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

int main(void)
{
	return await weft_sleep(WEFT_SECONDS(1));
}
