/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	await weft_sleep(undeclared);
	return 0;
}
