/* SPDX-License-Identifier: MIT */
/* T10: nothing is translated that was not understood: gcc takes a nested function, libclang does not. */
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	int kept = 1;

	int nested(int x)
	{
		return x + kept;
	}
	await weft_yield();
	return nested(2);
}
