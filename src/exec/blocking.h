/* SPDX-License-Identifier: MIT */
/*
 * exec/blocking.h: the pool of threads for code that blocks.
 *
 * Threads are made when a job finds none idle, up to a cap, and leave after a time without work. A job
 * lives in its submitter's frame (struct weft_job of weft/runtime.h) until it has run.
 */
#ifndef WEFT_EXEC_BLOCKING_H
#define WEFT_EXEC_BLOCKING_H

#include <weft/runtime.h>

#include "base/atomic.h"

struct weft__pool;

/* How a pool begins. */
struct weft__pool_front {
	uint32_t threads; /* atomic: slots that are taken, at most threads_max */
};

/* Whether it has threads: a guess. */
static inline bool weft__pool_is_used(const struct weft__pool *pool)
{
	const struct weft__pool_front *front = (const void *)pool;

	return atomic_load_relaxed(&front->threads) != 0; /* relaxed: a hint */
}

/* Uses blocking_threads_max, blocking_queue_max, blocking_keep_alive_ns, thread_stack_bytes, name and
 * hooks of the options, which are copied. Starts no thread. Returns 0 or -ENOMEM. */
int weft__pool_create(struct weft__pool **pool, const struct weft_runtime_options *options);

enum weft__submitted {
	SUBMIT_QUEUED, /* the waker is woken when the job has run */
	SUBMIT_FULL, /* blocking_queue_max jobs are queued. This one stands in line: the waker is woken
			  when it has moved up into the queue, and again when it has run */
	SUBMIT_REFUSED /* *error: -ESHUTDOWN, or -EAGAIN (no thread could be had) */
};

/* Any thread. job->fn and job->arg are set, the rest need not be; the job stays where it is until it is
 * done or withdrawn and this call has returned. The waker is borrowed for as long. */
enum weft__submitted weft__pool_submit(struct weft__pool *pool, struct weft_job *job,
		const struct weft_waker *waker, int *error);

/* Replaces the waker of a submitted job. False: it has run already. */
bool weft__pool_rewake(
		struct weft__pool *pool, struct weft_job *job, const struct weft_waker *waker);

/* Takes a job back that has not started, from the queue or the line. False: a thread has it, or has run
 * it. */
bool weft__pool_withdraw(struct weft__pool *pool, struct weft_job *job);

/* Whether the job's fn has returned; then its effects are visible and the pool touches it no more. */
bool weft__pool_job_done(const struct weft_job *job);

/* Refuses new jobs, starts none of the queued (they can only be withdrawn), ends the idle threads, and
 * waits until the deadline for the others. Returns how many of them still run a job. Idempotent. */
unsigned weft__pool_shutdown(struct weft__pool *pool, int64_t deadline_ns);

/* Frees the pool, which has been shut down and which nobody calls any more. If threads are left it is
 * abandoned to them, and the last one frees it. NULL is a no-op. */
void weft__pool_destroy(struct weft__pool *pool);

/* Whether jobs run, and each thread of the pool may have a CPU of its own while the caller stays awake,
 * and so many others do: a guess. */
bool weft__pool_is_working(const struct weft__pool *pool, unsigned others_awake);

/* Fills in the blocking_* counters; the line is not counted. */
void weft__pool_metrics(const struct weft__pool *pool, struct weft_metrics *metrics);

/* exec/runtime.c: the pool of the runtime that polls; NULL outside of one. */
struct weft__pool *weft__runtime_pool(const struct weft_env *env);

#endif
