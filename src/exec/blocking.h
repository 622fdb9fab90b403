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

struct weft__pool;

/* Uses blocking_threads_max, blocking_queue_max, blocking_keep_alive_ns, thread_stack_bytes, name and
 * hooks of the options. Starts no thread. Returns 0 or -ENOMEM. */
int weft__pool_create(struct weft__pool **pool, const struct weft_runtime_options *options);

enum weft__submitted {
	SUBMIT_QUEUED,  /* the waker is woken when the job has run */
	SUBMIT_FULL,    /* blocking_queue_max is reached: the waker is woken when there may be room */
	SUBMIT_REFUSED  /* *error: -ESHUTDOWN, or -EAGAIN (no thread could be had) */
};

/* Any thread. job->fn and job->arg are set; the waker is borrowed until the job has run or has been
 * withdrawn. */
enum weft__submitted weft__pool_submit(struct weft__pool *pool, struct weft_job *job,
		const struct weft_waker *waker, int *error);

/* Replaces the waker of a submitted job. False: it has run already. */
bool weft__pool_rewake(struct weft__pool *pool, struct weft_job *job,
		const struct weft_waker *waker);

/* Takes a job back that has not started (or a place in the line for room). False: it is running or
 * has run. */
bool weft__pool_withdraw(struct weft__pool *pool, struct weft_job *job);

/* Whether the job's fn has returned; then its effects are visible and the pool touches it no more. */
bool weft__pool_job_done(const struct weft_job *job);

/* Refuses new jobs, lets queued jobs be taken back only, ends idle threads, and waits until the deadline
 * for running jobs. Returns how many threads are still running a job. Idempotent. */
unsigned weft__pool_shutdown(struct weft__pool *pool, int64_t deadline_ns);

/* Frees the pool, which has been shut down; with threads still running it is abandoned to the last of
 * them, which frees it. NULL is a no-op. */
void weft__pool_destroy(struct weft__pool *pool);

/* Fills in the blocking_* counters. */
void weft__pool_metrics(const struct weft__pool *pool, struct weft_metrics *metrics);

/* The pool of the runtime that polls with these services, or NULL. runtime.c. */
struct weft__pool *weft__runtime_pool(const struct weft_env *env);

#endif
