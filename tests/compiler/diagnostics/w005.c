/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	int n = 1;

	await weft_join(weft_sleep(1), puts("meanwhile"), n, n + 1);
	return await weft_timeout(1, n);
}
