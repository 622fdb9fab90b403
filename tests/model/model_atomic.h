/* SPDX-License-Identifier: MIT */
/*
 * model/model_atomic.h: the names of base/atomic.h, each a step of the interleaving search.
 *
 * base/atomic.h includes this file when WEFT_MODEL is defined. Every name passes its own text and
 * place along, so that a trace reads like the source. Outside model_explore these names abort.
 */
#ifndef WEFT_MODEL_MODEL_ATOMIC_H
#define WEFT_MODEL_MODEL_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each order contains the ones that it is at least as strong as. */
enum model_order {
	MODEL_RELAXED = 0,
	MODEL_ACQUIRE = 1,
	MODEL_RELEASE = 2,
	MODEL_ACQ_REL = 3,
	MODEL_SEQ_CST = 7
};

enum model_rmw { MODEL_EXCHANGE, MODEL_ADD, MODEL_SUB, MODEL_OR, MODEL_AND, MODEL_XOR };

struct model_site {
	const char *file;
	int line;
	const char *text;
};

uintptr_t model_load(const struct model_site *site, const volatile void *object, size_t size,
		enum model_order order);
void model_store(const struct model_site *site, volatile void *object, size_t size,
		enum model_order order, uintptr_t value);
uintptr_t model_rmw(const struct model_site *site, volatile void *object, size_t size,
		enum model_order order, enum model_rmw rmw, uintptr_t operand);
bool model_cas(const struct model_site *site, volatile void *object, size_t size,
		enum model_order order, void *expected, uintptr_t desired);
void model_fence(const struct model_site *site, enum model_order order);
void model_pause(const struct model_site *site);

#define MODEL_SITE(text) (&(const struct model_site){ __FILE__, __LINE__, text })
#define MODEL_TYPE(p) __typeof__((void)0, *(p)) /* the comma drops qualifiers */
#define MODEL_SIZE(p) sizeof(__typeof__(*(p)))

/* Statement expressions, because their values are often unused. */
#define MODEL_LOAD(name, p, order)                                                                 \
	__extension__({                                                                            \
		(MODEL_TYPE(p)) model_load(                                                        \
				MODEL_SITE(name " " #p), (p), MODEL_SIZE(p), MODEL_##order);       \
	})
#define MODEL_RMW(name, p, v, rmw, order)                                                          \
	__extension__({                                                                            \
		(MODEL_TYPE(p)) model_rmw(MODEL_SITE(name " " #p), (p), MODEL_SIZE(p),             \
				MODEL_##order, MODEL_##rmw, (uintptr_t)(v));                       \
	})
#define MODEL_STORE(name, p, v, order)                                                             \
	model_store(MODEL_SITE(name " " #p), (p), MODEL_SIZE(p), MODEL_##order, (uintptr_t)(v))
#define MODEL_CAS(name, p, expected, v, order)                                                     \
	model_cas(MODEL_SITE(name " " #p), (p), MODEL_SIZE(p) + 0 * sizeof(*(p) == *(expected)),   \
			MODEL_##order, (expected), (uintptr_t)(v))

#define atomic_load_relaxed(p) MODEL_LOAD("load_relaxed", p, RELAXED)
#define atomic_load_acquire(p) MODEL_LOAD("load_acquire", p, ACQUIRE)
#define atomic_load_seq_cst(p) MODEL_LOAD("load_seq_cst", p, SEQ_CST)

#define atomic_store_relaxed(p, v) MODEL_STORE("store_relaxed", p, v, RELAXED)
#define atomic_store_release(p, v) MODEL_STORE("store_release", p, v, RELEASE)
#define atomic_store_seq_cst(p, v) MODEL_STORE("store_seq_cst", p, v, SEQ_CST)

#define atomic_exchange_relaxed(p, v) MODEL_RMW("exchange_relaxed", p, v, EXCHANGE, RELAXED)
#define atomic_exchange_acquire(p, v) MODEL_RMW("exchange_acquire", p, v, EXCHANGE, ACQUIRE)
#define atomic_exchange_release(p, v) MODEL_RMW("exchange_release", p, v, EXCHANGE, RELEASE)
#define atomic_exchange_acq_rel(p, v) MODEL_RMW("exchange_acq_rel", p, v, EXCHANGE, ACQ_REL)
#define atomic_exchange_seq_cst(p, v) MODEL_RMW("exchange_seq_cst", p, v, EXCHANGE, SEQ_CST)
#define atomic_fetch_add_relaxed(p, v) MODEL_RMW("fetch_add_relaxed", p, v, ADD, RELAXED)
#define atomic_fetch_add_acquire(p, v) MODEL_RMW("fetch_add_acquire", p, v, ADD, ACQUIRE)
#define atomic_fetch_add_release(p, v) MODEL_RMW("fetch_add_release", p, v, ADD, RELEASE)
#define atomic_fetch_add_acq_rel(p, v) MODEL_RMW("fetch_add_acq_rel", p, v, ADD, ACQ_REL)
#define atomic_fetch_add_seq_cst(p, v) MODEL_RMW("fetch_add_seq_cst", p, v, ADD, SEQ_CST)
#define atomic_fetch_sub_relaxed(p, v) MODEL_RMW("fetch_sub_relaxed", p, v, SUB, RELAXED)
#define atomic_fetch_sub_acquire(p, v) MODEL_RMW("fetch_sub_acquire", p, v, SUB, ACQUIRE)
#define atomic_fetch_sub_release(p, v) MODEL_RMW("fetch_sub_release", p, v, SUB, RELEASE)
#define atomic_fetch_sub_acq_rel(p, v) MODEL_RMW("fetch_sub_acq_rel", p, v, SUB, ACQ_REL)
#define atomic_fetch_sub_seq_cst(p, v) MODEL_RMW("fetch_sub_seq_cst", p, v, SUB, SEQ_CST)
#define atomic_fetch_or_relaxed(p, v) MODEL_RMW("fetch_or_relaxed", p, v, OR, RELAXED)
#define atomic_fetch_or_acquire(p, v) MODEL_RMW("fetch_or_acquire", p, v, OR, ACQUIRE)
#define atomic_fetch_or_release(p, v) MODEL_RMW("fetch_or_release", p, v, OR, RELEASE)
#define atomic_fetch_or_acq_rel(p, v) MODEL_RMW("fetch_or_acq_rel", p, v, OR, ACQ_REL)
#define atomic_fetch_or_seq_cst(p, v) MODEL_RMW("fetch_or_seq_cst", p, v, OR, SEQ_CST)
#define atomic_fetch_and_relaxed(p, v) MODEL_RMW("fetch_and_relaxed", p, v, AND, RELAXED)
#define atomic_fetch_and_acquire(p, v) MODEL_RMW("fetch_and_acquire", p, v, AND, ACQUIRE)
#define atomic_fetch_and_release(p, v) MODEL_RMW("fetch_and_release", p, v, AND, RELEASE)
#define atomic_fetch_and_acq_rel(p, v) MODEL_RMW("fetch_and_acq_rel", p, v, AND, ACQ_REL)
#define atomic_fetch_and_seq_cst(p, v) MODEL_RMW("fetch_and_seq_cst", p, v, AND, SEQ_CST)

#define atomic_cas_relaxed(p, e, v) MODEL_CAS("cas_relaxed", p, e, v, RELAXED)
#define atomic_cas_acquire(p, e, v) MODEL_CAS("cas_acquire", p, e, v, ACQUIRE)
#define atomic_cas_release(p, e, v) MODEL_CAS("cas_release", p, e, v, RELEASE)
#define atomic_cas_acq_rel(p, e, v) MODEL_CAS("cas_acq_rel", p, e, v, ACQ_REL)
#define atomic_cas_seq_cst(p, e, v) MODEL_CAS("cas_seq_cst", p, e, v, SEQ_CST)

/* Those of weft/waiter.h, and of weft/single_threaded.h: there are other threads. */
#define weft_single_threaded_() false
#define weft_word_load_(p, order) MODEL_LOAD("word_load", p, order)
#define weft_word_cas_(p, e, v, order) MODEL_CAS("word_cas", p, e, v, order)

#define atomic_fence_acquire() model_fence(MODEL_SITE("fence_acquire"), MODEL_ACQUIRE)
#define atomic_fence_release() model_fence(MODEL_SITE("fence_release"), MODEL_RELEASE)
#define atomic_fence_seq_cst() model_fence(MODEL_SITE("fence_seq_cst"), MODEL_SEQ_CST)

/* With the heavy fence of base/owned_lock.h in another thread it is as good as a real one. */
#define atomic_fence_light() model_fence(MODEL_SITE("fence_light"), MODEL_SEQ_CST)

#define atomic_pause() model_pause(MODEL_SITE("pause"))

#endif
