/* SPDX-License-Identifier: MIT */
/*
 * weft/guard.h: red zones of 40 bytes between what weftcc keeps in a frame, in builds for the address
 * sanitizer, so that it sees there what it sees on a stack. For generated code.
 */
#ifndef WEFT_GUARD_H
#define WEFT_GUARD_H

#include <weft/poll.h>

WEFT_BEGIN_DECLS

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_GUARDED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_GUARDED 1
#endif
#endif
#ifdef WEFT_GUARDED
/* as <sanitizer/asan_interface.h> declares them */
void __asan_poison_memory_region(const volatile void *begin, size_t size); /* banned: theirs */
void __asan_unpoison_memory_region(const volatile void *begin, size_t size); /* banned: theirs */

/* Whole granules of eight bytes, and from the zone's beginning on. */
static inline void weft_frame_guard(char *zone)
{
	__asan_poison_memory_region(zone, (size_t)(((uintptr_t)zone + 40) / 8 * 8 - (uintptr_t)zone));
}

static inline void weft_frame_unguard(char *zone)
{
	__asan_unpoison_memory_region(zone, 40);
}
#endif

WEFT_END_DECLS

#endif
