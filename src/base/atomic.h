/* SPDX-License-Identifier: MIT */
/*
 * base/atomic.h: every atomic access of Weft goes through these names.
 *
 * Why         One seam. An order is part of the name, so that a reader sees it
 *             and `grep acquire` lists every edge; and the interleaving search
 *             of tests/model replaces them all by compiling with WEFT_MODEL.
 * How         Plain integers and pointers, accessed by the compiler's __atomic
 *             built-ins: public structures stay free of _Atomic, which C++ does
 *             not know. Objects are at most one machine word.
 *             A name with `word` in place of `atomic` is for the word of a lock, which only threads
 *             change: as long as the process has one (weft/single_threaded.h) it is plain.
 * Rule        Whoever uses an order other than relaxed names its partner in a
 *             comment; whoever uses relaxed says why that is enough.
 */
#ifndef WEFT_BASE_ATOMIC_H
#define WEFT_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#ifdef WEFT_MODEL
#include "model/model_atomic.h"
#else

#define atomic_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)

#define atomic_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

#define atomic_exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define atomic_exchange_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define atomic_exchange_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

#define atomic_fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_add_acquire(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQUIRE)
#define atomic_fetch_add_release(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELEASE)
#define atomic_fetch_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_add_seq_cst(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_sub_relaxed(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_sub_release(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
#define atomic_fetch_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_sub_seq_cst(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_or_relaxed(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_or_acquire(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQUIRE)
#define atomic_fetch_or_release(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELEASE)
#define atomic_fetch_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_or_seq_cst(p, v) __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_and_seq_cst(p, v) __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)

/* Compare and exchange, strong: true if *p was *expected and is now desired; otherwise *expected
 * is what *p holds, read with the failure order (relaxed, or acquire where the name says acquire
 * or acq_rel). */
#define atomic_cas_relaxed(p, expected, desired)                                                   \
	__atomic_compare_exchange_n(                                                               \
			(p), (expected), (desired), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define atomic_cas_acquire(p, expected, desired)                                                   \
	__atomic_compare_exchange_n(                                                               \
			(p), (expected), (desired), false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)
#define atomic_cas_release(p, expected, desired)                                                   \
	__atomic_compare_exchange_n(                                                               \
			(p), (expected), (desired), false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define atomic_cas_acq_rel(p, expected, desired)                                                   \
	__atomic_compare_exchange_n(                                                               \
			(p), (expected), (desired), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define atomic_cas_seq_cst(p, expected, desired)                                                   \
	__atomic_compare_exchange_n(                                                               \
			(p), (expected), (desired), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* The compiler's half of a fence whose other half another thread executes for all: base/owned_lock.h. */
static inline void atomic_fence_light(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Tells the processor that this is a spin loop. Under the search it is a point where another
 * thread must run. */
static inline void atomic_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

#endif /* WEFT_MODEL */

#include <weft/single_threaded.h>

static inline bool weft__word_cas(uint32_t *word, uint32_t *expected, uint32_t desired)
{
	uint32_t found = *word;

	if (found != *expected) {
		*expected = found;
		return false;
	}
	*word = desired;
	return true;
}

static inline uint32_t weft__word_exchange(uint32_t *word, uint32_t desired)
{
	uint32_t found = *word;

	*word = desired;
	return found;
}

#define WORD_CAS(name, p, expected, desired)                                                       \
	(weft_single_threaded_() ? weft__word_cas((p), (expected), (desired))                      \
				 : atomic_##name((p), (expected), (desired)))
#define WORD_SET(name, p, v, desired)                                                              \
	(weft_single_threaded_() ? weft__word_exchange((p), (desired)) : atomic_##name((p), (v)))

#define word_exchange_acquire(p, v) WORD_SET(exchange_acquire, p, v, v)
#define word_fetch_add_relaxed(p, v) WORD_SET(fetch_add_relaxed, p, v, *(p) + (v))
#define word_fetch_add_release(p, v) WORD_SET(fetch_add_release, p, v, *(p) + (v))
#define word_fetch_sub_relaxed(p, v) WORD_SET(fetch_sub_relaxed, p, v, *(p) - (v))
#define word_fetch_or_relaxed(p, v) WORD_SET(fetch_or_relaxed, p, v, *(p) | (v))
#define word_fetch_or_acquire(p, v) WORD_SET(fetch_or_acquire, p, v, *(p) | (v))
#define word_fetch_or_release(p, v) WORD_SET(fetch_or_release, p, v, *(p) | (v))
#define word_cas_relaxed(p, expected, desired) WORD_CAS(cas_relaxed, p, expected, desired)
#define word_cas_acquire(p, expected, desired) WORD_CAS(cas_acquire, p, expected, desired)
#define word_cas_release(p, expected, desired) WORD_CAS(cas_release, p, expected, desired)

#endif
