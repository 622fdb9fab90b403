/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <alloca.h>
#include <weft.h>
#include <weft/async.h>

async int reserve(size_t size)
{
	char *memory = __builtin_alloca(size);

	memory[0] = 0;
	return await weft_yield();
}
