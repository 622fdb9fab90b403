/* SPDX-License-Identifier: MIT */
/* os/memory.c: libc's allocator, which the program may have replaced by its own. */
#include "base/memory.h"

#include <stdlib.h>

static void *memory_allocate(size_t bytes)
{
	return malloc(bytes);
}

static void memory_release(void *memory, size_t bytes)
{
	(void)bytes;
	free(memory);
}

static const struct weft__memory memory_of_libc = { memory_allocate, memory_release };

const struct weft__memory *weft__memory = &memory_of_libc;
