/* SPDX-License-Identifier: MIT */
/* base/check.c: the end of the line for a failed assertion. */
#include <stddef.h>

#include "base/check.h"

weft_fail_fn weft__fail_hook;

_Noreturn void weft__fail(const char *what, const char *file, int line)
{
	if (weft__fail_hook)
		weft__fail_hook(what, file, line);
	__builtin_trap();
}
