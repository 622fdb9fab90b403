/* SPDX-License-Identifier: MIT */
/*
 * model/model.h: runs a small concurrent program in every interleaving that C11 allows.
 *
 *     static uint32_t flag, payload;
 *
 *     static void receive(void *unused)
 *     {
 *             if (atomic_load_acquire(&flag))
 *                     MODEL_CHECK(model_plain_read(&payload) == 7);
 *     }
 *     static void body(void)                          // runs once per execution, as thread 0
 *     {
 *             flag = payload = 0;                     // so it starts by setting up everything
 *             model_thread(receive, NULL);
 *             model_plain_write(&payload, 7);
 *             atomic_store_release(&flag, 1);
 *     }
 *     TEST(flag_publishes_payload)
 *     {
 *             const struct model_options options = { 0 };
 *
 *             CHECK(model_explore("flag", body, options).verdict == MODEL_PASSED);
 *     }
 *
 * Rules:    A body is deterministic, and its threads share nothing but what they access through
 *           base/atomic.h and the hooks below. Shared objects are static or from model_malloc.
 *           A loop that waits for another thread calls atomic_pause.
 * Memory:   nothing is allocated; model.c holds the limits. They are reported when reached.
 * Threads:  all of this runs on the calling thread, one exploration at a time.
 * Replay:   a failure prints its trace and WEFT_MODEL_SCHEDULE=name:choices, which runs it alone.
 */
#ifndef WEFT_MODEL_MODEL_H
#define WEFT_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

enum model_verdict {
	MODEL_PASSED,       /* in every execution (within .preemptions, if bounded) */
	MODEL_CAPPED,       /* executions_max ended the search: no failure so far, nothing proved */
	MODEL_CHECK_FAILED, /* MODEL_CHECK, model_fail, or a signal: abort, trap, bad pointer */
	MODEL_RACE,         /* two accesses without happens-before, one plain, one a write */
	MODEL_USE_AFTER_FREE, /* or a free that is not ordered after every access */
	MODEL_DEADLOCK,       /* nobody can run: a lost wake-up, or a spin that nothing ends */
	MODEL_ENDLESS,        /* more than steps_max steps */
	MODEL_MISUSE          /* of the search: a limit, no model_init, a body that varies */
};

struct model_options {
	int preemptions;     /* at most so many switches from a thread that could go on; 0: any.
			      * Try without first: the reduction is far better then */
	int lapses;          /* so many futex waits of an execution may end without a wake */
	int steps_max;       /* per execution; 0: 2,000 */
	long executions_max; /* 0: 2,000,000 */
	bool failure_is_expected; /* then it is counted, not told */
	bool unreduced; /* every interleaving, not one of each equivalence class: to test this */
};

struct model_result {
	enum model_verdict verdict;
	long executions; /* run to their end */
	long pruned;     /* given up as equivalent to another */
	char message[160];
};

/* Explores `body`. Prints a line of statistics, unless name is NULL, and the trace of a failure. */
struct model_result model_explore(
		const char *name, void (*body)(void), struct model_options options);

/* Starts a thread (its id is returned; the body is 0). At most seven, over the whole body. */
int model_thread(void (*run)(void *), void *argument);
int model_self(void);
/* Waits for all other threads; what they did happens before what follows. Body only; implied at
 * its end. */
void model_join_all(void);

#define MODEL_CHECK(expr) ((expr) ? (void)0 : model_fail(#expr, __FILE__, __LINE__))
/* Ends the execution as failed. Fits weft__fail_hook, for assertions in the code under test. */
_Noreturn void model_fail(const char *what, const char *file, int line);

/* Accesses of ordinary data, checked for races. */
#define model_plain_read(p)                                                                        \
	__extension__({                                                                            \
		model_plain(MODEL_SITE("plain_read " #p), (p), MODEL_SIZE(p), false);              \
		*(p);                                                                              \
	})
#define model_plain_write(p, v)                                                                    \
	(model_plain(MODEL_SITE("plain_write " #p), (p), MODEL_SIZE(p), true), (void)(*(p) = (v)))

/* Atomic objects in this range are about to be, or just were, set by ordinary code: as one plain
 * write of each, that starts a new history. */
#define model_init(p) model_forget((p), MODEL_SIZE(p))
void model_forget(const void *start, size_t size);

/* Memory is never handed out twice in one execution, so a stale pointer is always found out. */
void *model_malloc(size_t size);
void model_free(void *start); /* NULL is ignored */
void model_check_alive(const void *address);
int model_allocated(void); /* blocks not freed yet */

/* What traces call the object. */
void model_name(const void *object, const char *name);

/* A token per thread, unset at first. park waits for it and takes it; unpark sets it and happens
 * before the park that takes it. */
#define model_park() model_await(MODEL_SITE("park"), model_token(model_self()), 1, 0)
#define model_unpark(thread)                                                                       \
	((void)model_rmw(MODEL_SITE("unpark " #thread), model_token(thread), sizeof(uint32_t),     \
			MODEL_RELEASE, MODEL_EXCHANGE, 1))
/* A lock that waits instead of spinning: 0 free, 1 held. */
#define model_lock(p) model_await(MODEL_SITE("lock " #p), (p), 0, 1)
/* The same with a lock that is one bit of a word. Returns the others. */
#define model_lock_bit(p, bit) model_await_bit(MODEL_SITE("lock bit of " #p), (p), (bit))
#define model_unlock(p) MODEL_STORE("unlock", p, 0, RELEASE)

/* As futex(2): 0, -EAGAIN, or -ETIMEDOUT if timed. No memory order is implied. While .lapses last,
 * a wait may end by itself: the timed one with -ETIMEDOUT, the other with 0, spuriously. A timed
 * wait that only time would end is a deadlock too: a wake-up was lost. */
#define model_futex_wait(p, expect) model_wait(MODEL_SITE("futex_wait " #p), (p), (expect), false)
#define model_futex_wait_timed(p, expect)                                                          \
	model_wait(MODEL_SITE("futex_wait_timed " #p), (p), (expect), true)
#define model_futex_wake(p, count) model_wake(MODEL_SITE("futex_wake " #p), (p), (count))

/* Behind the macros. */
void model_plain(const struct model_site *site, const volatile void *object, size_t size,
		bool write);
void model_await(const struct model_site *site, uint32_t *object, uint32_t from, uint32_t to);
uint32_t model_await_bit(const struct model_site *site, uint32_t *object, uint32_t bit);
uint32_t *model_token(int thread);
int model_wait(const struct model_site *site, uint32_t *object, uint32_t expect, bool timed);
int model_wake(const struct model_site *site, uint32_t *object, int count);

#endif
