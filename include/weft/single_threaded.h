/* SPDX-License-Identifier: MIT */
/*
 * weft/single_threaded.h: whether this process has one thread only. Private; here because it is inline.
 *
 * Why      What need not wait is one atomic operation, and that costs as much as thirty plain
 *          instructions. Its atomicity is for other threads: while there are none, a load, a
 *          comparison and a store do the same.
 * How      glibc knows, and does so in its own mutexes: __libc_single_threaded is true until the
 *          first pthread_create. It is looked at before each operation, never kept:
 *
 *              if (weft_single_threaded_())
 *                      load, compare, store
 *              else
 *                      the atomic operation
 *
 *          Only this thread can make a second one, and in between nothing is called; so what was
 *          true stays true until the operation has ended. What was stored before a thread was made
 *          is seen by it (pthread_create synchronises with its start), and from then on all take
 *          the other way: so a word may be locked in one way, and unlocked in the other. A child
 *          of fork has one thread, whatever the variable says.
 * Rule     Only for words that nobody but the threads of the process changes: no signal handler,
 *          which could come between the load and the store; no other process, and no kernel.
 *          (What a handler may touch is atomic always: signal/signals.c, weft/waker_slot.h,
 *          weft/loop.h.) Threads that glibc does not know, made by clone(2), must not use Weft, as
 *          they must not use malloc.
 * Not here The thread sanitizer and the interleaving search, which are to see the atomic way; other
 *          libraries (musl has no such variable), and freestanding programs.
 */
#ifndef WEFT_SINGLE_THREADED_H
#define WEFT_SINGLE_THREADED_H

#include <stdbool.h>

#ifndef weft_single_threaded_ /* tests/model has its own */

#if defined(__has_include) && __STDC_HOSTED__ && !defined(__SANITIZE_THREAD__)
#if __has_include(<sys/single_threaded.h>)
#define WEFT_KNOWS_THREADS_ 1
#endif
#endif
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#undef WEFT_KNOWS_THREADS_
#endif
#endif

#ifdef WEFT_KNOWS_THREADS_

#include <sys/single_threaded.h>

static inline bool weft_single_threaded_(void)
{
	return __libc_single_threaded != 0;
}

#else

static inline bool weft_single_threaded_(void)
{
	return false;
}

#endif
#endif
#endif
