/* SPDX-License-Identifier: MIT */
/*
 * base/check.h: assertions, in three tiers.
 *
 *   _Static_assert   sizes, alignments, counts
 *   WEFT_ASSERT      always on: O(1) facts whose violation means corruption or a lost wake-up
 *   WEFT_CHECK       checked builds (WEFT_CHECKED): whole-structure walkers
 *
 * A failure calls weft__fail, which never returns. base has no I/O, so the text goes to a hook that
 * os/panic.c sets; without it (freestanding) the program traps.
 */
#ifndef WEFT_BASE_CHECK_H
#define WEFT_BASE_CHECK_H

typedef void (*weft_fail_fn)(const char *what, const char *file, int line);

/* Prints through this and aborts; set once, before anything can fail. */
extern weft_fail_fn weft__fail_hook;

_Noreturn void weft__fail(const char *what, const char *file, int line);

#define WEFT_LIKELY(x) __builtin_expect(!!(x), 1)
#define WEFT_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* For the few functions on the way of every request that the compiler would rather call. */
#define WEFT_INLINE static inline __attribute__((always_inline))

#define WEFT_ASSERT(x) (WEFT_LIKELY(x) ? (void)0 : weft__fail(#x, __FILE__, __LINE__))

#ifdef WEFT_CHECKED
#define WEFT_CHECK(x) WEFT_ASSERT(x)
#else
#define WEFT_CHECK(x) ((void)0)
#endif

#define WEFT_CONTAINER_OF(ptr, type, member)                                                       \
	((type *)(void *)((char *)(ptr) - __builtin_offsetof(type, member)))

/* What a worker writes often stays this far from what others write. */
#define WEFT_CACHE_LINE 64

#endif
