/* SPDX-License-Identifier: MIT */
/*
 * exec/blocking.c: threads that block so that workers need not, and the leaf that waits for one.
 *
 * Why         A pool behind one mutex stops scaling at a few submitters, and one of shards loses jobs
 *             when its last idle thread leaves at the moment that a job arrives. Here a job has its
 *             thread before it is published, or is queued where nobody can leave without seeing it.
 * How         A submitter uses the shard of its thread, and tries in this order:
 *
 *                 an idle thread of the shard, or of another one    is claimed, and handed the job
 *                 fewer threads than the cap                        a new thread starts with the job
 *                 the queue of the shard, in the order of arrival   threads look there after each job
 *                 blocking_queue_max are queued: the line           moves up when a queued job leaves
 *
 *             A job (job_enter) and a thread:
 *
 *                 FRESH --claim, hire--> RUNNING --complete--> DONE
 *                   |                       ^
 *                   +--submit--> QUEUED ---take                 busy <--claim-- idle --timeout--> gone
 *                   |              ^   \                          |              ^
 *                   |            admit  withdraw--> WITHDRAWN     +-----rest-----+
 *                   +--submit--> LINED  /
 *
 *             An idle thread sleeps on a futex word of its own. Whoever unlinks it from the shard's
 *             stack, under the shard's lock, decides what becomes of it: a submitter (claim), or the
 *             thread itself, whose time is over (thread_unidle). So a thread that has been handed a job
 *             has it, and one that leaves was handed none. A bounded pool has one shard: the bound and
 *             the order of the line are then exact.
 * Invariants  [I1] in one shard nobody idles while a job is queued: both change under its lock.
 *             [I2] while a job is queued, a thread will look at its shard: [O3].
 *             [I3] somebody stands in line only while the queue is full.
 *             [I4] a slot's thread is counted in `alive` until it touches the pool no more. Whoever
 *                  takes the last one out of an abandoned pool, under `census`, frees it.
 * Order       [O1] the completion's claim of the waker, then its release store of DONE, are its last
 *                  touch of a job. The store pairs with weft__pool_job_done's acquire load.
 *             [O2] the release store of `claimed` pairs with the acquire load of the thread: it sees the
 *                  job that it was handed.
 *             [O3] A submitter that queues a job writes queued_count, then reads idle_count of the
 *                  other shards, `threads` and `started`. A thread that goes idle writes idle_count, one
 *                  that leaves writes `threads` and `started`; then it reads every queued_count. All are
 *                  seq_cst, so in their one order either the thread's reads come after the submitter's
 *                  write, and it stays; or the submitter's reads come after the thread's writes, and it
 *                  claims that thread or starts one in its place. Neither lock is held for the other's
 *                  shard. A thread claimed for another job, or that took another, looks after that one.
 *             [O4] a thread's release of `busy` comes after its commit and pairs with shutdown's
 *                  acquire: a job that is not counted has woken its task.
 * Cost        to an idle thread one lock and one futex call; the completion one lock; a thread that
 *             idles one lock, a clock reading and a futex call. Nothing is allocated per job; withdraw
 *             is O(1). The slots of the threads are touched as they are used.
 * Not here    what a task does when it is cancelled or the runtime shuts down: exec/runtime.c.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/lock.h"
#include "exec/blocking.h"
#include "os/os.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_blocking__frame) == 96, "part of the ABI");

#ifdef WEFT_TEST_SMALL
enum { POOL_SHARDS = 2, POOL_THREADS_DEFAULT = 4 };
#else
enum { POOL_SHARDS = 4, POOL_THREADS_DEFAULT = 512 };
#endif

enum { POOL_THREADS_LIMIT = 1 << 16, POOL_NAME_BYTES = 16 };

static const int64_t POOL_KEEP_ALIVE_DEFAULT_NS = INT64_C(10000000000);

enum { JOB_FRESH, JOB_LINED, JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_WITHDRAWN };

struct job_list {
	struct weft_job *head, **tail;
};

/* A slot: one thread at a time has it. */
struct pool_thread {
	struct pool_thread *next, **link; /* in the idle stack; `next` also in the spare slots */
	struct weft__pool *pool;
	struct pool_shard *shard; /* where it found work last, and idles */
	struct weft_job *job;     /* handed over; NULL: look for one */
	uint32_t claimed;         /* atomic, futex; changed under the shard's lock */
	uint32_t busy;            /* atomic */
	unsigned number;
} __attribute__((aligned(WEFT_CACHE_LINE)));

struct pool_shard {
	struct weft__lock lock;
	bool closed;
	uint32_t queued_count; /* atomic; changed under the lock */
	uint32_t idle_count;   /* atomic; changed under the lock */
	struct pool_thread *idle;
	struct job_list queue, line;
} __attribute__((aligned(WEFT_CACHE_LINE)));

struct weft__pool {
	struct pool_shard shards[POOL_SHARDS];
	unsigned shard_count; /* these are constant */
	unsigned threads_max;
	uint32_t queue_max;
	int64_t keep_alive_ns;
	size_t stack_bytes;
	char name[POOL_NAME_BYTES];
	struct weft_hooks hooks;

	struct weft__lock census __attribute__((aligned(WEFT_CACHE_LINE))); /* over these */
	bool closing, abandoned;
	uint32_t threads; /* atomic; slots in use */
	uint32_t started; /* atomic; of those, threads that run: they look for jobs before they leave */
	uint32_t alive;   /* atomic, futex; `threads`, and those in their thread_stop hook */
	unsigned slots_used;
	struct pool_thread *spare;
	struct pool_thread slots[];
};

/* ---- jobs ---- */

/* A stale list is never read: init comes first. */
static void job_list_init(struct job_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

static void job_list_append(struct job_list *list, struct weft_job *job)
{
	job->next = NULL;
	job->link = list->tail;
	*list->tail = job;
	list->tail = &job->next;
}

static void job_list_remove(struct job_list *list, struct weft_job *job)
{
	WEFT_ASSERT(*job->link == job);
	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	else
		list->tail = job->link;
}

/* Under the lock of the job's shard, or while nobody else knows the job. */
static void job_enter(struct weft_job *job, uint32_t state)
{
	static const uint8_t from[] = {
		[JOB_FRESH] = 1 << JOB_RUNNING, /* the thread could not be started */
		[JOB_LINED] = 1 << JOB_FRESH,
		[JOB_QUEUED] = 1 << JOB_FRESH | 1 << JOB_LINED,
		[JOB_RUNNING] = 1 << JOB_FRESH | 1 << JOB_QUEUED,
		[JOB_DONE] = 1 << JOB_RUNNING,
		[JOB_WITHDRAWN] = 1 << JOB_LINED | 1 << JOB_QUEUED,
	};
	uint32_t old = atomic_load_relaxed(&job->state); /* relaxed: under the lock */

	WEFT_ASSERT(old <= JOB_WITHDRAWN);
	WEFT_ASSERT(from[state] >> old & 1);
	atomic_store_release(&job->state, state); /* [O1] pairs with weft__pool_job_done */
}

bool weft__pool_job_done(const struct weft_job *job)
{
	return atomic_load_acquire(&job->state) == JOB_DONE; /* [O1] pairs with job_enter */
}

/* ---- shards ---- */

/* The calling thread's: threads are dealt out in turn. */
static struct pool_shard *shard_of_caller(struct weft__pool *pool)
{
	static uint32_t tickets;
	static __thread uint32_t ticket;

	if (!ticket) /* relaxed: any order will do */
		ticket = (atomic_fetch_add_relaxed(&tickets, 1u) << 1) + 1;
	return &pool->shards[(ticket >> 1) % pool->shard_count];
}

static struct pool_shard *shard_of_job(const struct weft_job *job)
{
	struct weft__pool *pool = job->pool;

	return &pool->shards[job->shard];
}

/* relaxed: under the lock, which every writer holds. Readers without it need seq_cst writes only of what
 * they may miss: [O3]. */
static uint32_t shard_queued(const struct pool_shard *shard)
{
	return atomic_load_relaxed(&shard->queued_count);
}

/* Walks the shard: the counts, the links, [I1], [I3]. */
__attribute__((unused)) static bool shard_check(const struct pool_shard *shard, uint32_t queue_max)
{
	uint32_t queued = 0, idle = 0;

	for (struct weft_job *job = shard->queue.head; job; job = job->next, queued++)
		WEFT_ASSERT(*job->link == job);
	for (struct pool_thread *thread = shard->idle; thread; thread = thread->next, idle++)
		WEFT_ASSERT(*thread->link == thread);
	WEFT_ASSERT(queued == shard_queued(shard));
	WEFT_ASSERT(idle == atomic_load_relaxed(&shard->idle_count)); /* relaxed: under the lock */
	WEFT_ASSERT(!idle || !queued);                                /* [I1] */
	WEFT_ASSERT(!shard->line.head || queued == queue_max);        /* [I3] */
	return true;
}

static void shard_unlock(struct pool_shard *shard, uint32_t queue_max)
{
	(void)queue_max;
	WEFT_CHECK(shard_check(shard, queue_max));
	weft__lock_release(&shard->lock);
}

/* A queued job has left: the first in line takes its place. Returns its claimed waker. While there is a
 * line, the count stays: to others the queue was never empty. */
static struct weft_waker shard_admit(struct pool_shard *shard)
{
	struct weft_waker claimed = { NULL, NULL };
	struct weft_job *job = shard->line.head;

	if (!job) {
		/* relaxed: whoever sees the old count looks in vain */
		atomic_store_relaxed(&shard->queued_count, shard_queued(shard) - 1);
		return claimed;
	}
	job_list_remove(&shard->line, job);
	job_list_append(&shard->queue, job);
	claimed = weft_waker_claim(&job->waker);
	job_enter(job, JOB_QUEUED);
	return claimed;
}

/* Queues the job or puts it in line. Returns whether it is queued. */
static bool shard_append(struct pool_shard *shard, struct weft_job *job, uint32_t queue_max)
{
	WEFT_ASSERT(!shard->idle); /* [I1] */
	if (shard_queued(shard) >= queue_max) {
		job_list_append(&shard->line, job);
		job_enter(job, JOB_LINED); /* [I3] */
		return false;
	}
	job_list_append(&shard->queue, job);
	job_enter(job, JOB_QUEUED);
	/* [O3] pairs with pool_has_queued */
	atomic_store_seq_cst(&shard->queued_count, shard_queued(shard) + 1);
	return true;
}

/* [O3] pairs with shard_append. Called after the caller's own write. */
static bool pool_has_queued(const struct weft__pool *pool)
{
	for (unsigned i = 0; i < pool->shard_count; i++)
		if (atomic_load_seq_cst(&pool->shards[i].queued_count)) /* [O3] */
			return true;
	return false;
}

/* ---- idle threads ---- */

static void idle_remove(struct pool_shard *shard, struct pool_thread *thread)
{
	WEFT_ASSERT(*thread->link == thread);
	*thread->link = thread->next;
	if (thread->next)
		thread->next->link = thread->link;
	/* relaxed: whoever sees the old count asks for the lock in vain */
	atomic_store_relaxed(&shard->idle_count, atomic_load_relaxed(&shard->idle_count) - 1);
}

/* Under the shard's lock: hands the job to the thread that went idle last, NULL tells it to look
 * around. After unlocking, wake what is returned: thread_wake. */
static struct pool_thread *idle_claim(struct pool_shard *shard, struct weft_job *job)
{
	struct pool_thread *thread = shard->idle;

	if (!thread)
		return NULL;
	WEFT_ASSERT(thread->shard == shard);
	WEFT_ASSERT(!shard_queued(shard)); /* [I1] */
	idle_remove(shard, thread);
	if (job)
		job_enter(job, JOB_RUNNING);
	thread->job = job;
	/* relaxed: shutdown looks after it has had the lock */
	atomic_store_relaxed(&thread->busy, job ? 1u : 0u);
	atomic_store_release(&thread->claimed, 1u); /* [O2] pairs with thread_rest */
	return thread;
}

static void thread_wake(struct pool_thread *thread)
{
	weft__futex_wake(&thread->claimed, 1);
}

/* Claims a thread that idles in another shard. */
static bool pool_claim(struct weft__pool *pool, struct pool_shard *except, struct weft_job *job)
{
	for (unsigned i = 0; i < pool->shard_count; i++) {
		struct pool_shard *shard = &pool->shards[i];
		struct pool_thread *thread;

		/* [O3] pairs with thread_rest */
		if (shard == except || !atomic_load_seq_cst(&shard->idle_count))
			continue;
		weft__lock_acquire(&shard->lock);
		thread = idle_claim(shard, job);
		shard_unlock(shard, pool->queue_max);
		if (thread) {
			thread_wake(thread);
			return true;
		}
	}
	return false;
}

/* ---- the census: slots, and who is alive ---- */

/* Returns a slot, or NULL: the cap is reached (*error 0), or the pool is closing. */
static struct pool_thread *slot_claim(struct weft__pool *pool, int *error)
{
	struct pool_thread *thread = NULL;

	weft__lock_acquire(&pool->census);
	*error = pool->closing ? -ESHUTDOWN : 0;
	/* relaxed: threads and alive grow under the lock alone */
	if (!pool->closing && atomic_load_relaxed(&pool->threads) < pool->threads_max) {
		thread = pool->spare;
		if (thread) {
			pool->spare = thread->next;
		} else {
			thread = &pool->slots[pool->slots_used];
			memset(thread, 0, sizeof *thread);
			thread->pool = pool;
			thread->number = pool->slots_used++;
		}
		atomic_fetch_add_relaxed(&pool->threads, 1u);
		atomic_fetch_add_relaxed(&pool->alive, 1u); /* [I4] */
	}
	weft__lock_release(&pool->census);
	return thread;
}

/* Under `census`. */
static void slot_put(struct weft__pool *pool, struct pool_thread *thread)
{
	thread->next = pool->spare;
	pool->spare = thread;
}

/* The caller's thread, or one that could not be started, touches the pool no more. */
static void pool_depart(struct weft__pool *pool)
{
	bool last;

	weft__lock_acquire(&pool->census);
	/* release: pairs with weft__pool_shutdown; [I4] */
	last = atomic_fetch_sub_release(&pool->alive, 1u) == 1 && pool->abandoned;
	if (pool->closing)
		weft__futex_wake(&pool->alive, INT32_MAX);
	weft__lock_release(&pool->census);
	if (last)
		free(pool);
}

static void *thread_main(void *arg);

static void thread_name(const struct pool_thread *thread, char name[POOL_NAME_BYTES])
{
	char suffix[POOL_NAME_BYTES];
	int len = snprintf(suffix, sizeof suffix, "-blk-%u", thread->number % 100000);

	snprintf(name, POOL_NAME_BYTES, "%.*s%s", POOL_NAME_BYTES - 1 - len, thread->pool->name, suffix);
}

/* Starts a thread with a job, or with none to look around. 0 and *hired false: the cap is reached.
 * Returns -ESHUTDOWN, or -EAGAIN: no thread is to be had. */
static int pool_hire(struct weft__pool *pool, struct pool_shard *shard, struct weft_job *job, bool *hired)
{
	char name[POOL_NAME_BYTES];
	pthread_t handle; /* banned: os.h has no other name for it */
	int err;
	struct pool_thread *thread = slot_claim(pool, &err);

	*hired = thread != NULL;
	if (!thread)
		return err;
	if (job)
		job_enter(job, JOB_RUNNING);
	thread->shard = shard;
	thread->job = job;
	atomic_store_relaxed(&thread->busy, job ? 1u : 0u); /* relaxed: the thread is not there yet */
	thread_name(thread, name);
	if (weft__thread_start(&handle, pool->stack_bytes, name, thread_main, thread) == 0) {
		pthread_detach(handle); /* banned: after it was named, so not the thread itself */
		return 0;
	}
	*hired = false;
	if (job)
		job_enter(job, JOB_FRESH);
	weft__lock_acquire(&pool->census);
	/* relaxed: busy says nothing without a job; a later hire sees the count under the lock, or reads
	 * it too high and waits in pool_attend */
	atomic_store_relaxed(&thread->busy, 0u);
	atomic_fetch_sub_relaxed(&pool->threads, 1u);
	slot_put(pool, thread);
	weft__lock_release(&pool->census);
	pool_depart(pool);
	return -EAGAIN;
}

/* ---- threads ---- */

/* Takes the first job of a queue, which is then the caller's to run. */
static struct weft_job *thread_take(struct pool_thread *self, struct pool_shard *shard)
{
	struct weft_waker admitted = { NULL, NULL };
	struct weft_job *job;

	weft__lock_acquire(&shard->lock);
	job = shard->closed ? NULL : shard->queue.head;
	if (job) {
		job_list_remove(&shard->queue, job);
		admitted = shard_admit(shard);
		job_enter(job, JOB_RUNNING);
		atomic_store_relaxed(&self->busy, 1u); /* relaxed: shutdown has had the lock */
	}
	shard_unlock(shard, self->pool->queue_max);
	weft_waker_commit(admitted);
	return job;
}

/* The job that was handed over, or one of a queue. Beginning behind the shard of the last one, so that
 * none waits for ever. */
static struct weft_job *thread_next(struct pool_thread *self)
{
	struct weft__pool *pool = self->pool;
	struct weft_job *job = self->job;
	unsigned home = (unsigned)(self->shard - pool->shards);

	self->job = NULL;
	for (unsigned i = 1; !job && i <= pool->shard_count; i++) {
		struct pool_shard *shard = &pool->shards[(home + i) % pool->shard_count];

		if (atomic_load_relaxed(&shard->queued_count)) /* relaxed: thread_rest asks again */
			job = thread_take(self, shard);
	}
	return job;
}

static void thread_execute(struct pool_thread *self, struct weft_job *job)
{
	struct pool_shard *shard = shard_of_job(job);
	struct weft_waker claimed;

	self->shard = shard;
	job->fn(job->arg);
	weft__lock_acquire(&shard->lock);
	claimed = weft_waker_claim(&job->waker);
	job_enter(job, JOB_DONE); /* [O1] the last touch */
	weft__lock_release(&shard->lock);
	weft_waker_commit(claimed);
	atomic_store_release(&self->busy, 0u); /* [O4] pairs with weft__pool_shutdown */
}

/* Takes the idle thread out, to leave or to look. False: it has been claimed. */
static bool thread_unidle(struct pool_thread *self)
{
	struct pool_shard *shard = self->shard;
	bool claimed;

	weft__lock_acquire(&shard->lock);
	claimed = atomic_load_relaxed(&self->claimed) != 0; /* relaxed: under the lock */
	if (!claimed)
		idle_remove(shard, self);
	shard_unlock(shard, self->pool->queue_max);
	return !claimed;
}

/* Gives the slot up. False: a job has been queued meanwhile. */
static bool thread_resign(struct pool_thread *self)
{
	struct weft__pool *pool = self->pool;
	bool leaves;

	weft__lock_acquire(&pool->census);
	atomic_fetch_sub_seq_cst(&pool->started, 1u); /* [O3] pairs with pool_attend */
	atomic_fetch_sub_seq_cst(&pool->threads, 1u); /* [O3] pairs with pool_attend */
	leaves = pool->closing || !pool_has_queued(pool);
	if (leaves) {
		slot_put(pool, self);
	} else {
		atomic_fetch_add_seq_cst(&pool->threads, 1u); /* [O3] as if it had not left */
		atomic_fetch_add_seq_cst(&pool->started, 1u);
	}
	weft__lock_release(&pool->census);
	return leaves;
}

static bool thread_sleep(struct pool_thread *self)
{
	int64_t now_ns = weft__clock_now(), keep_ns = self->pool->keep_alive_ns;
	int64_t deadline_ns = keep_ns < INT64_MAX - now_ns ? now_ns + keep_ns : INT64_MAX;

	while (!atomic_load_acquire(&self->claimed)) /* [O2] pairs with idle_claim */
		if (weft__futex_wait(&self->claimed, 0, deadline_ns) == -ETIMEDOUT && thread_unidle(self))
			return !thread_resign(self);
	return true;
}

/* Idles until claimed. False: the thread has no slot any more. */
static bool thread_rest(struct pool_thread *self)
{
	struct weft__pool *pool = self->pool;
	struct pool_shard *shard = self->shard;
	bool closed, queued;

	weft__lock_acquire(&shard->lock);
	closed = shard->closed;
	queued = shard_queued(shard) != 0;
	if (!closed && !queued) { /* [I1] */
		self->next = shard->idle;
		self->link = &shard->idle;
		if (self->next)
			self->next->link = &self->next;
		shard->idle = self;
		atomic_store_relaxed(&self->claimed, 0u); /* relaxed: claimers take the lock */
		/* [O3] pairs with pool_claim */
		atomic_store_seq_cst(&shard->idle_count, atomic_load_relaxed(&shard->idle_count) + 1);
	}
	shard_unlock(shard, pool->queue_max);
	if (closed)
		return !thread_resign(self);
	if (queued)
		return true;
	if (pool_has_queued(pool)) { /* [I2] */
		(void)thread_unidle(self);
		return true;
	}
	return thread_sleep(self);
}

static void *thread_main(void *arg)
{
	struct pool_thread *self = arg;
	struct weft__pool *pool = self->pool;
	struct weft_job *job;

	atomic_fetch_add_seq_cst(&pool->started, 1u); /* [O3] pairs with pool_attend */
	if (pool->hooks.thread_start)
		pool->hooks.thread_start(pool->hooks.data);
	do {
		while ((job = thread_next(self)))
			thread_execute(self, job);
	} while (thread_rest(self));
	if (pool->hooks.thread_stop)
		pool->hooks.thread_stop(pool->hooks.data);
	pool_depart(pool);
	return NULL;
}

/* ---- submitting ---- */

bool weft__pool_withdraw(struct weft__pool *pool, struct weft_job *job)
{
	struct pool_shard *shard = shard_of_job(job);
	struct weft_waker admitted = { NULL, NULL };
	uint32_t state;

	WEFT_ASSERT(job->pool == pool);
	weft__lock_acquire(&shard->lock);
	state = atomic_load_relaxed(&job->state); /* relaxed: under the lock */
	if (state == JOB_QUEUED) {
		job_list_remove(&shard->queue, job);
		admitted = shard_admit(shard);
	} else if (state == JOB_LINED) {
		job_list_remove(&shard->line, job);
	}
	if (state == JOB_QUEUED || state == JOB_LINED)
		job_enter(job, JOB_WITHDRAWN);
	shard_unlock(shard, pool->queue_max);
	weft_waker_commit(admitted);
	return state == JOB_QUEUED || state == JOB_LINED;
}

/* Sees to it that some thread will look at the queue. False: there is none, and none is to be had
 * (*error). */
static bool pool_attend(struct weft__pool *pool, struct pool_shard *shard, int *error)
{
	bool hired = false;
	int err = 0;

	for (;;) {
		uint32_t threads;

		if (pool_claim(pool, shard, NULL))
			return true;
		threads = atomic_load_seq_cst(&pool->threads); /* [O3] pairs with thread_resign */
		if (!err && threads < pool->threads_max)
			err = pool_hire(pool, shard, NULL, &hired);
		if (hired || atomic_load_seq_cst(&pool->started)) /* [O3] pairs with thread_resign */
			return true;                              /* [I2] */
		*error = err;
		if (err && !threads)
			return false;
		/* somebody is starting a thread: what comes of it? */
		atomic_pause();
		sched_yield();
	}
}

static enum weft__submitted pool_enqueue(struct weft__pool *pool, struct pool_shard *shard,
		struct weft_job *job, int *error)
{
	struct pool_thread *thread;
	bool queued = true, closed;

	weft__lock_acquire(&shard->lock);
	closed = shard->closed;
	thread = closed ? NULL : idle_claim(shard, job);
	if (!closed && !thread)
		queued = shard_append(shard, job, pool->queue_max);
	shard_unlock(shard, pool->queue_max);
	if (closed) {
		*error = -ESHUTDOWN;
		return SUBMIT_REFUSED;
	}
	if (thread)
		thread_wake(thread);
	else if (!pool_attend(pool, shard, error) && weft__pool_withdraw(pool, job))
		return SUBMIT_REFUSED;
	return queued ? SUBMIT_QUEUED : SUBMIT_FULL;
}

enum weft__submitted weft__pool_submit(struct weft__pool *pool, struct weft_job *job,
		const struct weft_waker *waker, int *error)
{
	struct pool_shard *shard = shard_of_caller(pool);
	struct pool_thread *thread = NULL;
	bool overtakes, hired = false;

	job->pool = pool;
	job->shard = (uint32_t)(shard - pool->shards);
	job->waker = *waker;
	atomic_store_relaxed(&job->state, (uint32_t)JOB_FRESH); /* relaxed: nobody knows it yet */
	weft__lock_acquire(&shard->lock);
	overtakes = shard_queued(shard) != 0;
	if (!shard->closed)
		thread = idle_claim(shard, job);
	shard_unlock(shard, pool->queue_max);
	if (thread) {
		thread_wake(thread);
		return SUBMIT_QUEUED;
	}
	if (!overtakes) {
		if (pool_claim(pool, shard, job))
			return SUBMIT_QUEUED;
		(void)pool_hire(pool, shard, job, &hired); /* pool_enqueue meets the error again */
	}
	return hired ? SUBMIT_QUEUED : pool_enqueue(pool, shard, job, error);
}

bool weft__pool_rewake(struct weft__pool *pool, struct weft_job *job, const struct weft_waker *waker)
{
	struct pool_shard *shard = shard_of_job(job);
	bool pending;

	WEFT_ASSERT(job->pool == pool);
	if (weft_waker_same(&job->waker, waker)) /* only the submitter's side writes it */
		return !weft__pool_job_done(job);
	weft__lock_acquire(&shard->lock);
	pending = atomic_load_relaxed(&job->state) != JOB_DONE; /* relaxed: under the lock */
	if (pending)
		job->waker = *waker;
	weft__lock_release(&shard->lock);
	return pending;
}

/* ---- the pool ---- */

static uint32_t limited(size_t value, uint32_t limit)
{
	return value > limit ? limit : (uint32_t)value;
}

int weft__pool_create(struct weft__pool **pool_out, const struct weft_runtime_options *options)
{
	unsigned threads_max = limited(options->blocking_threads_max, POOL_THREADS_LIMIT);
	size_t bytes;
	struct weft__pool *pool;

	if (!threads_max)
		threads_max = POOL_THREADS_DEFAULT;
	bytes = sizeof *pool + threads_max * sizeof pool->slots[0];
	pool = aligned_alloc(WEFT_CACHE_LINE, bytes);
	if (!pool)
		return -ENOMEM;
	memset(pool, 0, sizeof *pool);
	pool->threads_max = threads_max;
	pool->queue_max = limited(options->blocking_queue_max, UINT32_MAX);
	pool->shard_count = pool->queue_max ? 1 : POOL_SHARDS;
	if (!pool->queue_max)
		pool->queue_max = UINT32_MAX;
	pool->keep_alive_ns = options->blocking_keep_alive_ns;
	if (!pool->keep_alive_ns)
		pool->keep_alive_ns = POOL_KEEP_ALIVE_DEFAULT_NS;
	pool->stack_bytes = options->thread_stack_bytes;
	snprintf(pool->name, sizeof pool->name, "%s", options->name ? options->name : "weft");
	pool->hooks = options->hooks;
	for (unsigned i = 0; i < pool->shard_count; i++) {
		job_list_init(&pool->shards[i].queue);
		job_list_init(&pool->shards[i].line);
	}
	*pool_out = pool;
	return 0;
}

/* No job starts after this but those that have been handed over. */
static void pool_close(struct weft__pool *pool)
{
	for (unsigned i = 0; i < pool->shard_count; i++) {
		struct pool_shard *shard = &pool->shards[i];
		struct pool_thread *thread;

		do {
			weft__lock_acquire(&shard->lock);
			shard->closed = true;
			thread = idle_claim(shard, NULL);
			shard_unlock(shard, pool->queue_max);
			if (thread)
				thread_wake(thread);
		} while (thread);
	}
	weft__lock_acquire(&pool->census);
	pool->closing = true;
	weft__lock_release(&pool->census);
}

unsigned weft__pool_shutdown(struct weft__pool *pool, int64_t deadline_ns)
{
	unsigned running = 0;
	uint32_t alive;

	pool_close(pool);
	if (deadline_ns < 0)
		deadline_ns = 0;
	while ((alive = atomic_load_acquire(&pool->alive))) /* pairs with pool_depart */
		if (weft__futex_wait(&pool->alive, alive, deadline_ns) == -ETIMEDOUT)
			break;
	weft__lock_acquire(&pool->census);
	for (unsigned i = 0; i < pool->slots_used; i++)
		running += atomic_load_acquire(&pool->slots[i].busy); /* [O4] thread_execute */
	weft__lock_release(&pool->census);
	return running;
}

void weft__pool_destroy(struct weft__pool *pool)
{
	bool last;

	if (!pool)
		return;
	weft__lock_acquire(&pool->census);
	last = atomic_load_relaxed(&pool->alive) == 0; /* relaxed: under the lock; [I4] */
	WEFT_ASSERT(last || pool->closing);
	pool->abandoned = true;
	weft__lock_release(&pool->census);
	if (last)
		free(pool);
}

void weft__pool_metrics(const struct weft__pool *pool, struct weft_metrics *metrics)
{
	/* relaxed: counters */
	metrics->blocking_threads = atomic_load_relaxed(&pool->threads);
	metrics->blocking_idle = metrics->blocking_queued = 0;
	for (unsigned i = 0; i < pool->shard_count; i++) {
		metrics->blocking_idle += atomic_load_relaxed(&pool->shards[i].idle_count);
		metrics->blocking_queued += atomic_load_relaxed(&pool->shards[i].queued_count);
	}
}

/* ---- the leaf ---- */

enum { BLOCKING_FRESH, BLOCKING_SUBMITTED };

static enum weft_poll blocking_end(struct weft_blocking__frame *f, int result)
{
	f->args.result = result;
	f->args.base.at = WEFT_AT_DONE;
	return WEFT_READY;
}

static enum weft_poll blocking_begin(struct weft_blocking__frame *f, struct weft_context *cx)
{
	struct weft__pool *pool;
	int error = 0;

	if (weft_context_cancelled(cx))
		return blocking_end(f, -ECANCELED);
	pool = weft__runtime_pool(cx->env);
	if (!pool)
		return blocking_end(f, -ENXIO);
	f->job.fn = f->args.p0;
	f->job.arg = f->args.p1;
	if (weft__pool_submit(pool, &f->job, weft_context_waker(cx), &error) == SUBMIT_REFUSED)
		return blocking_end(f, error);
	f->args.base.at = BLOCKING_SUBMITTED;
	return WEFT_PENDING;
}

static enum weft_poll blocking_wait(struct weft_blocking__frame *f, struct weft_context *cx)
{
	struct weft__pool *pool = f->job.pool;
	const struct weft_waker *waker = weft_context_waker(cx);

	if (!weft__pool_job_done(&f->job)) {
		if (weft_context_cancelled(cx) && weft__pool_withdraw(pool, &f->job))
			return blocking_end(f, -ECANCELED);
		if (weft__pool_rewake(pool, &f->job, waker))
			return WEFT_PENDING;
	}
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	return blocking_end(f, 0);
}

enum weft_poll weft_blocking__poll(void *frame, struct weft_context *cx)
{
	struct weft_blocking__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	switch (f->args.base.at) {
	case BLOCKING_FRESH:
		return blocking_begin(f, cx);
	case BLOCKING_SUBMITTED:
		return blocking_wait(f, cx);
	}
	weft_frame_misuse(&f->args.base);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(weft_blocking, WEFT_ASYNC_RESULT_INT);
