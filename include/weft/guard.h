/* SPDX-License-Identifier: MIT */
/*
 * weft/guard.h: what weftcc tells sanitizers of a frame, so that they see there what they see on a stack.
 * For generated code. The address sanitizer gets red zones of 40 bytes between what is kept; clang's
 * memory sanitizer, and valgrind where WEFT_VALGRIND is defined, hear that a local has no value yet.
 */
#ifndef WEFT_GUARD_H
#define WEFT_GUARD_H

#include <weft/poll.h>

#ifdef WEFT_VALGRIND
#include <valgrind/memcheck.h>
#endif

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

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define WEFT_FORGETFUL 1
/* as <sanitizer/msan_interface.h> declares it */
void __msan_allocated_memory(const volatile void *begin, size_t size); /* banned: theirs */
#endif
#endif

/* What is there has no value: to read it is an error, until it is written. */
static inline void weft_frame_forget(const void *begin, size_t size)
{
#ifdef WEFT_FORGETFUL
	__msan_allocated_memory(begin, size); /* banned: theirs */
#elif defined(WEFT_VALGRIND)
	VALGRIND_MAKE_MEM_UNDEFINED(begin, size);
#else
	(void)begin;
	(void)size;
#endif
}

WEFT_END_DECLS

#endif
