/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <weft.h>
#include <weft/async.h>

async int leap(jmp_buf *place)
{
	weft_try(await weft_yield());
	return setjmp(*place);
}
