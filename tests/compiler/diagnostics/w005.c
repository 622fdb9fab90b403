/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	await weft_join(weft_sleep(1), puts("meanwhile"));
	return 0;
}
