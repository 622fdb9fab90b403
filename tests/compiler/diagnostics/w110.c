/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

int wait_for(int seconds, int async);

async int main(void)
{
	return await weft_yield();
}
