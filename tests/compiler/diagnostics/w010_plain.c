/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

static int plain(int n)
{
	return n;
}

async int main(void)
{
	weft_future(plain) nothing;

	return await weft_yield();
}
