/* SPDX-License-Identifier: MIT */
/*
 * exec/blocking_shard.h: one shard of the blocking pool: queued jobs, and threads that idle.
 *
 * How         Everything here happens under the shard's lock, except wakes. A job, by job_enter:
 *
 *                 FRESH --claim, hire--> RUNNING --complete--> DONE
 *                   |                       ^
 *                   +---offer---> QUEUED --take
 *                   |               ^   \
 *                   |             admit  withdraw --> WITHDRAWN
 *                   +---offer---> LINED  /
 *
 *             LINED is a place in the line for room in the queue, which is bounded.
 *             An idle thread has a futex word of its own. Whoever unlinks it from the idle stack
 *             decides what becomes of it: a submitter that claims it, or the thread itself, whose time
 *             is over. So a claimed thread has its job, and one that leaves was handed none.
 *
 *                 AWAKE --thread: nobody came for a moment--> ASLEEP --claim, and wake--> CLAIMED
 *                     +-------claim: it sees that by itself---------------------------------^
 * Invariants  [I1] nobody idles while a job is queued.
 *             [I2] somebody stands in line only while the queue is full.
 * Order       [O1] job_enter's release store of DONE is the last touch of a job, and pairs with the
 *                  acquire load in weft__pool_job_done.
 *             [O2] the exchange of `rest` that claims pairs with the acquire load in thread_sleep: the
 *                  thread sees the job that it was handed. That it goes to sleep is an exchange, too: who
 *                  claims finds ASLEEP, and wakes, or the thread finds CLAIMED, and does not sleep. It
 *                  says nothing else, so it is relaxed.
 *             [O3] both counts are read without the lock. They grow by seq_cst stores, which may not be
 *                  missed (blocking.c says why), and shrink by relaxed ones: who sees an old count
 *                  takes the lock in vain.
 */
#ifndef WEFT_EXEC_BLOCKING_SHARD_H
#define WEFT_EXEC_BLOCKING_SHARD_H

#include <stddef.h>

#include <weft/runtime.h>

#include "base/check.h"
#include "base/lock.h"
#include "os/os.h"

enum { REST_ASLEEP, REST_AWAKE, REST_CLAIMED };

enum { JOB_FRESH, JOB_LINED, JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_WITHDRAWN };

struct job_list {
	struct weft_job *head, **tail;
};

/* A slot: one thread at a time has it. */
struct pool_thread {
	struct pool_thread *next, **link; /* in the idle stack; `next` also among the spare slots */
	struct weft__pool *pool;
	struct pool_shard *shard; /* where it found work last, and idles */
	struct weft_job *job;     /* handed over; NULL: look for one */
	uint32_t rest;            /* atomic, futex: while it idles */
	uint32_t busy;            /* atomic: has a job; for shutdown */
	unsigned number;
} __attribute__((aligned(WEFT_CACHE_LINE)));

struct pool_shard {
	struct weft__lock lock;
	bool closed;
	uint32_t queued_count; /* atomic */
	uint32_t idle_count;   /* atomic */
	uint32_t queued_max;   /* constant */
	struct job_list queue, line;
	struct pool_thread
			*idle; /* the one that went idle last on top, or below one that is AWAKE */
} __attribute__((aligned(WEFT_CACHE_LINE)));

/* ---- jobs ---- */

static inline void job_list_init(struct job_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

static inline void job_list_append(struct job_list *list, struct weft_job *job)
{
	job->next = NULL;
	job->link = list->tail;
	*list->tail = job;
	list->tail = &job->next;
}

static inline void job_list_remove(struct job_list *list, struct weft_job *job)
{
	WEFT_ASSERT(*job->link == job);
	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	else
		list->tail = job->link;
}

static inline uint32_t job_state(const struct weft_job *job)
{
	return atomic_load_relaxed(&job->state); /* relaxed: it changes under the lock */
}

/* Under the lock of the job's shard, or while nobody else knows the job. */
static inline void job_enter(struct weft_job *job, uint32_t state)
{
	static const uint8_t from[] = {
		[JOB_FRESH] = 1 << JOB_RUNNING, /* the thread could not be started */
		[JOB_LINED] = 1 << JOB_FRESH,
		[JOB_QUEUED] = 1 << JOB_FRESH | 1 << JOB_LINED,
		[JOB_RUNNING] = 1 << JOB_FRESH | 1 << JOB_QUEUED,
		[JOB_DONE] = 1 << JOB_RUNNING,
		[JOB_WITHDRAWN] = 1 << JOB_LINED | 1 << JOB_QUEUED,
	};
	uint32_t old = job_state(job);

	WEFT_ASSERT(old <= JOB_WITHDRAWN);
	WEFT_ASSERT(from[state] >> old & 1);
	atomic_store_release(&job->state, state); /* [O1] pairs with weft__pool_job_done */
}

/* ---- the lock ---- */

/* relaxed: under the lock, without which nobody writes the counts */
static inline uint32_t shard_queued(const struct pool_shard *shard)
{
	return atomic_load_relaxed(&shard->queued_count);
}

static inline uint32_t shard_idle(const struct pool_shard *shard)
{
	return atomic_load_relaxed(&shard->idle_count);
}

static inline bool shard_check(const struct pool_shard *shard)
{
	uint32_t queued = 0, idle = 0;

	for (struct weft_job *job = shard->queue.head; job; job = job->next, queued++)
		WEFT_ASSERT(*job->link == job);
	for (struct pool_thread *thread = shard->idle; thread; thread = thread->next, idle++)
		WEFT_ASSERT(*thread->link == thread);
	WEFT_ASSERT(queued == shard_queued(shard));
	WEFT_ASSERT(idle == shard_idle(shard));
	WEFT_ASSERT(!idle || !queued);                                 /* [I1] */
	WEFT_ASSERT(!shard->line.head || queued == shard->queued_max); /* [I2] */
	return true;
}

static inline void shard_lock(struct pool_shard *shard)
{
	weft__lock_acquire(&shard->lock);
}

static inline void shard_unlock(struct pool_shard *shard)
{
	WEFT_CHECK(shard_check(shard));
	weft__lock_release(&shard->lock);
}

/* ---- idle threads ---- */

static inline void shard_idle_push(struct pool_shard *shard, struct pool_thread *thread)
{
	struct pool_thread **link = &shard->idle;

	WEFT_ASSERT(!shard_queued(shard)); /* [I1] */
	/* relaxed: a hint who is claimed at the least cost */
	if (*link && atomic_load_relaxed(&(*link)->rest) == REST_AWAKE)
		link = &(*link)->next;
	thread->next = *link;
	thread->link = link;
	if (thread->next)
		thread->next->link = &thread->next;
	*link = thread;
	/* relaxed: claimers take the lock */
	atomic_store_relaxed(&thread->rest, (uint32_t)REST_AWAKE);
	/* [O3] read by pool_claim */
	atomic_store_seq_cst(&shard->idle_count, shard_idle(shard) + 1);
}

static inline void shard_idle_remove(struct pool_shard *shard, struct pool_thread *thread)
{
	WEFT_ASSERT(*thread->link == thread);
	*thread->link = thread->next;
	if (thread->next)
		thread->next->link = thread->link;
	atomic_store_relaxed(&shard->idle_count, shard_idle(shard) - 1); /* relaxed: [O3] */
}

struct pool_claim {
	bool made;
	uint32_t *asleep; /* whom to wake, or NULL */
};

/* Hands the job to the thread on top; NULL tells it to look around. claim_wake must follow after
 * unlocking. */
static inline struct pool_claim shard_idle_claim(struct pool_shard *shard, struct weft_job *job)
{
	struct pool_thread *thread = shard->idle;
	struct pool_claim claim = { thread != NULL, NULL };

	if (!thread)
		return claim;
	WEFT_ASSERT(thread->shard == shard);
	WEFT_ASSERT(!shard_queued(shard)); /* [I1] */
	shard_idle_remove(shard, thread);
	if (job)
		job_enter(job, JOB_RUNNING);
	thread->job = job;
	/* relaxed: shutdown has had the lock when it looks */
	atomic_store_relaxed(&thread->busy, job ? 1u : 0u);
	/* [O2] pairs with thread_sleep */
	if (atomic_exchange_acq_rel(&thread->rest, (uint32_t)REST_CLAIMED) == REST_ASLEEP)
		claim.asleep = &thread->rest;
	return claim;
}

/* Nothing but the address is used: the thread may be running already, or gone. */
static inline void claim_wake(struct pool_claim claim)
{
	if (claim.asleep)
		weft__futex_wake(claim.asleep, 1);
}

/* ---- queue and line ---- */

/* A queued job has left, and the first in line moves up. Returns its claimed waker. The count is then the
 * same as before: to others the queue was full all the time. */
static inline struct weft_waker shard_admit(struct pool_shard *shard)
{
	struct weft_job *job = shard->line.head;
	struct weft_waker claimed = { NULL, NULL };

	if (!job) {
		/* relaxed: [O3] */
		atomic_store_relaxed(&shard->queued_count, shard_queued(shard) - 1);
		return claimed;
	}
	job_list_remove(&shard->line, job);
	job_list_append(&shard->queue, job);
	claimed = weft_waker_claim(&job->waker);
	job_enter(job, JOB_QUEUED);
	return claimed;
}

/* False: in line. */
static inline bool shard_append(struct pool_shard *shard, struct weft_job *job)
{
	WEFT_ASSERT(!shard->idle); /* [I1] */
	if (shard_queued(shard) == shard->queued_max) {
		job_list_append(&shard->line, job); /* [I2] */
		job_enter(job, JOB_LINED);
		return false;
	}
	job_list_append(&shard->queue, job);
	job_enter(job, JOB_QUEUED);
	/* [O3] read by pool_has_queued */
	atomic_store_seq_cst(&shard->queued_count, shard_queued(shard) + 1);
	return true;
}

/* The first job, which is the caller's to run, or NULL. Commit *admitted after unlocking. */
static inline struct weft_job *shard_take(struct pool_shard *shard, struct weft_waker *admitted)
{
	struct weft_job *job = shard->closed ? NULL : shard->queue.head;

	if (!job)
		return NULL;
	job_list_remove(&shard->queue, job);
	*admitted = shard_admit(shard);
	job_enter(job, JOB_RUNNING);
	return job;
}

/* False: the job is neither queued nor in line. */
static inline bool shard_withdraw(
		struct pool_shard *shard, struct weft_job *job, struct weft_waker *admitted)
{
	switch (job_state(job)) {
	case JOB_QUEUED:
		job_list_remove(&shard->queue, job);
		*admitted = shard_admit(shard);
		break;
	case JOB_LINED:
		job_list_remove(&shard->line, job);
		break;
	default:
		return false;
	}
	job_enter(job, JOB_WITHDRAWN);
	return true;
}

/* ---- a submitter's step, with the lock taken in it ---- */

enum shard_answer { SHARD_CLOSED, SHARD_HANDED_OVER, SHARD_QUEUED, SHARD_LINED, SHARD_HAS_NOBODY };

/* Hands the job to an idle thread, or appends it: behind others, or if `append` says so. */
static inline enum shard_answer shard_offer(
		struct pool_shard *shard, struct weft_job *job, bool append)
{
	enum shard_answer answer = SHARD_HAS_NOBODY;
	struct pool_claim claim = { false, NULL };

	shard_lock(shard);
	if (shard->closed) {
		answer = SHARD_CLOSED;
	} else if ((claim = shard_idle_claim(shard, job)).made) {
		answer = SHARD_HANDED_OVER;
	} else if (append || shard_queued(shard)) {
		answer = shard_append(shard, job) ? SHARD_QUEUED : SHARD_LINED;
	}
	shard_unlock(shard);
	claim_wake(claim);
	return answer;
}

#endif
