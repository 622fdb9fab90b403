/* SPDX-License-Identifier: MIT */
/* T18: a header after <weft/async.h> may have a field called async. */
#include <weft.h>
#include <weft/async.h>
#include "t18_late.h"

async int main(void)
{
	return await weft_yield() + !sizeof(struct late);
}
