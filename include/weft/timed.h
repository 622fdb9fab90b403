/* SPDX-License-Identifier: MIT */
/*
 * weft/timed.h: locks for which nobody waits for ever.
 *
 *     int err = await weft_mutex_lock_timed(&mutex, WEFT_SECONDS(1), WEFT_HERE);      // -ETIME: too long
 *
 * Or with one limit for the whole process, and a report when it is reached, which says where the lock was
 * taken and where it is waited for:
 *
 *     static const struct weft_lock_policy policy = { WEFT_SECONDS(60), weft_lock_timeout_abort };
 *
 *     weft_lock_policy_set(&policy);                                                  // early in main
 *     weft_try(await weft_mutex_lock_timed(&mutex, WEFT_LOCK_TIMEOUT, WEFT_HERE));
 *
 * With -DWEFT_LOCKS_TIMED, or where that is defined before the first include, the plain names are these
 * forms, with WEFT_LOCK_TIMEOUT and their line: so a program that hangs gets its limit without another
 * change. What is compiled without it waits for ever, as ever.
 *
 * The locks are the ordinary ones, and their other functions as ever; so who locks with a limit and who
 * locks without stand in one queue. What is limited is the wait, not how long the lock is then held.
 * Around everything else that waits, weft_timeout and weft_deadline do (weft/time.h).
 *
 * Memory:  nothing allocates. 256 places are kept for the reports, by the address of the lock; where two
 *          locks meet the later one's stays.
 * Threads: a wait from any executor with timers (else -ENXIO, if it has to wait).
 *
 * The idea is pthread_mutex_timedlock, and the 30 seconds and the report are those of the Rust crate
 * timed-locks: a lock that nobody got for so long is a deadlock, and should say so.
 */
#ifndef WEFT_TIMED_H
#define WEFT_TIMED_H

#include <weft/mutex.h>
#include <weft/once.h>
#include <weft/rwlock.h>
#include <weft/semaphore.h>
#include <weft/time.h>

WEFT_BEGIN_DECLS

/* This line, as "file.c:12". */
#define WEFT_HERE WEFT_HERE_1_(__FILE__, __LINE__)
#define WEFT_HERE_1_(file, line) WEFT_HERE_2_(file, line)
#define WEFT_HERE_2_(file, line) file ":" #line

/* As a timeout: what the policy says. */
#define WEFT_LOCK_TIMEOUT INT64_MIN

/* A wait that has lasted as long as the policy allows. Borrowed for the call. */
struct weft_lock_timeout {
	const char *lock; /* what is waited for: "weft_mutex_lock" and the like */
	const void *object;
	const char *waits_at; /* what the waiter gave as `where` */
	/* What the last one gave that got it by a timed form; in checked builds, in a runtime, the
	 * function, line and task that hold it, however they took it. NULL: not known. */
	const char *taken_at;
	int64_t timeout_ns;
};

/* Called on the worker of the task that waits, which has left the queue; the wait gives -ETIME when it
 * returns. It must not block. */
typedef void (*weft_lock_timeout_fn)(const struct weft_lock_timeout *timeout);

struct weft_lock_policy {
	int64_t timeout_ns;           /* WEFT_NEVER: no limit */
	weft_lock_timeout_fn handler; /* NULL: only -ETIME */
};

/* What WEFT_LOCK_TIMEOUT means from now on, for waits that begin; borrowed until another is set. NULL: 30
 * seconds and no handler, as in the beginning. Any thread. */
void weft_lock_policy_set(const struct weft_lock_policy *policy);

/* A handler: prints both places and aborts. */
WEFT_NORETURN void weft_lock_timeout_abort(const struct weft_lock_timeout *timeout);

/* async int ..._timed(..., int64_t timeout_ns, const char *where): as the function whose name it has, and
 * -ETIME: it did not get it in time. 0 or less: it does not wait. `where` (WEFT_HERE) must stay. Without
 * contention there is no timer. A result that is ready wins, and an outer cancellation wins over the
 * limit. */
WEFT_ASYNC_3(int, weft_mutex_lock_timed, struct weft_mutex *, int64_t, const char *);
WEFT_ASYNC_3(int, weft_rwlock_read_timed, struct weft_rwlock *, int64_t, const char *);
WEFT_ASYNC_3(int, weft_rwlock_write_timed, struct weft_rwlock *, int64_t, const char *);
WEFT_ASYNC_4(int, weft_semaphore_acquire_timed, struct weft_semaphore *, uint32_t, int64_t,
		const char *);
WEFT_ASYNC_3(int, weft_once_begin_timed, struct weft_once *, int64_t, const char *);

/* A note for the reports (private); true. */
bool weft_lock_taken_(const void *lock, const char *where);

/* Who need not wait. */
static inline bool weft_mutex_lock_timed__now(struct weft_context *cx, int *result,
		struct weft_mutex *mutex, int64_t timeout_ns, const char *where)
{
	(void)timeout_ns;
	return weft_mutex_lock__now(cx, result, mutex) && weft_lock_taken_(mutex, where);
}

static inline bool weft_rwlock_read_timed__now(struct weft_context *cx, int *result,
		struct weft_rwlock *rwlock, int64_t timeout_ns, const char *where)
{
	(void)timeout_ns;
	return weft_rwlock_read__now(cx, result, rwlock) && weft_lock_taken_(rwlock, where);
}

static inline bool weft_rwlock_write_timed__now(struct weft_context *cx, int *result,
		struct weft_rwlock *rwlock, int64_t timeout_ns, const char *where)
{
	(void)timeout_ns;
	return weft_rwlock_write__now(cx, result, rwlock) && weft_lock_taken_(rwlock, where);
}

static inline bool weft_once_begin_timed__now(struct weft_context *cx, int *result,
		struct weft_once *once, int64_t timeout_ns, const char *where)
{
	(void)timeout_ns;
	return weft_once_begin__now(cx, result, once) && weft_lock_taken_(once, where);
}

static inline bool weft_semaphore_acquire_timed__now(struct weft_context *cx, int *result,
		struct weft_semaphore *semaphore, uint32_t count, int64_t timeout_ns,
		const char *where)
{
	(void)timeout_ns;
	return weft_semaphore_acquire__now(cx, result, semaphore, count) &&
			weft_lock_taken_(semaphore, where);
}

struct weft_mutex_lock_timed__frame {
	struct weft_mutex_lock_timed__args args;
	struct weft_timeout__frame timeout;
	struct weft_mutex_lock__frame lock;
};

struct weft_rwlock_read_timed__frame {
	struct weft_rwlock_read_timed__args args;
	struct weft_timeout__frame timeout;
	struct weft_rwlock_read__frame lock;
};

struct weft_rwlock_write_timed__frame {
	struct weft_rwlock_write_timed__args args;
	struct weft_timeout__frame timeout;
	struct weft_rwlock_write__frame lock;
};

struct weft_semaphore_acquire_timed__frame {
	struct weft_semaphore_acquire_timed__args args;
	struct weft_timeout__frame timeout;
	struct weft_semaphore_acquire__frame lock;
};

struct weft_once_begin_timed__frame {
	struct weft_once_begin_timed__args args;
	struct weft_timeout__frame timeout;
	struct weft_once_begin__frame lock;
};

WEFT_END_DECLS

#ifdef WEFT_LOCKS_TIMED
#define weft_mutex_lock(mutex) weft_mutex_lock_timed(mutex, WEFT_LOCK_TIMEOUT, WEFT_HERE)
#define weft_rwlock_read(rwlock) weft_rwlock_read_timed(rwlock, WEFT_LOCK_TIMEOUT, WEFT_HERE)
#define weft_rwlock_write(rwlock) weft_rwlock_write_timed(rwlock, WEFT_LOCK_TIMEOUT, WEFT_HERE)
#define weft_semaphore_acquire(semaphore, count)                                                   \
	weft_semaphore_acquire_timed(semaphore, count, WEFT_LOCK_TIMEOUT, WEFT_HERE)
#define weft_once_begin(once) weft_once_begin_timed(once, WEFT_LOCK_TIMEOUT, WEFT_HERE)
#endif

#endif
