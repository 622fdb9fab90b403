/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	await puts("now");
	return 0;
}
