/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async long in_register(long number)
{
	register long kept __asm__("bx") = number;
	register long passed __asm__("cx") = number;

	number = passed;
	(void)await weft_yield();
	return kept + number;
}
