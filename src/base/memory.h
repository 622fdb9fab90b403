/* SPDX-License-Identifier: MIT */
/*
 * base/memory.h: memory for what no runtime owns, since it is used on any thread, with a context or
 * without: what lies in channels. And how it gets there.
 *
 * Whoever allocates does so without a lock that others spin for.
 */
#ifndef WEFT_BASE_MEMORY_H
#define WEFT_BASE_MEMORY_H

#include <stddef.h>
#include <string.h>

struct weft__memory {
	void *(*allocate)(size_t bytes); /* aligned to 16, or NULL */
	void (*release)(void *memory, size_t bytes);
};

/* The system's (os/memory.c); tests put their own in its place, before anything is allocated. */
extern const struct weft__memory *weft__memory;

/* Most messages are a pointer or a number. */
static inline void weft__message_copy(void *to, const void *from, size_t bytes)
{
	if (bytes == 8)
		memcpy(to, from, 8);
	else
		memcpy(to, from, bytes);
}

#endif
