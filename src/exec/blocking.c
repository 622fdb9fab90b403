/* SPDX-License-Identifier: MIT */
/*
 * exec/blocking.c: threads that block so that workers need not, and the leaf that waits for one.
 *
 * Why         A pool behind one mutex stops scaling at a few submitters, and one of shards loses jobs
 *             when its last idle thread leaves at the moment that a job arrives. Here a job has its
 *             thread before anybody else knows it, or is queued where no thread can miss it.
 * How         A submitter uses the shard that belongs to its thread (blocking_shard.h), and tries:
 *
 *                 a thread that idles, in its own shard or in another    claimed, handed the job
 *                 fewer threads than the cap                             a new one starts with the job
 *                 the queue of its shard; when that is full, the line
 *
 *             A thread, and where it reads the queues:
 *
 *                 hired --> BUSY --rest: [O1]--> IDLE --timeout--> LEAVING --resign: [O1]--> gone
 *                            ^ |                  |                   |
 *                       next +-+                  |                   |
 *                            +-----claim----------+                   |
 *                            +-----------a job was queued-------------+
 *
 *             It idles in the shard of its last job, first awake, for a moment (spin.h). A bounded pool
 *             has one shard: the bound is exact.
 * Invariants  [I1] while a job is queued, a thread that has started will look at its queue, unless the
 *                  pool has been shut down.
 *             [I2] a thread is counted in `alive` until it touches the pool no more. Whoever takes the
 *                  last one out of an abandoned pool, under `census`, frees it.
 * Order       [O1] A submitter at the cap writes its shard's queued_count, then reads the idle_count of
 *                  the others, and `threads`. A thread that idles writes idle_count, one that leaves
 *                  writes `threads`; then it reads every queued_count. All of that is seq_cst. In the
 *                  one order that there is of it, either the thread reads after the submitter has
 *                  written, and looks; or it has written before the submitter reads, who claims it or
 *                  starts a thread in its place. One of the two sees the other. A thread that is claimed
 *                  meanwhile, or takes another job, looks after that one.
 *                  `started`, whether there is such a thread at all, is relaxed: who leaves writes it
 *                  before `threads`, which only read-modify-writes change; a read of that brings it.
 *             [O2] a thread's release of `busy` follows its commit and pairs with the acquire in
 *                  weft__pool_shutdown: what is not counted has woken its task.
 *             [O3] who completes a job claims its task before it says DONE, both under the lock. A task
 *                  that is being polled meanwhile is polled again, and may be so before the DONE: it
 *                  waits for the lock, or it would say PENDING and not be woken any more.
 * Cost        to submit to an idle thread one lock, and a futex call if it sleeps; to complete one lock;
 *             to idle one lock, a look at the clock and perhaps a futex call. No allocation per job;
 *             withdrawing is O(1).
 * Not here    what cancelling and shutting down do to tasks: exec/runtime.c.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/blocking.h"
#include "exec/blocking_shard.h"
#include "exec/spin.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_blocking__frame) == 96, "part of the ABI");

#ifdef WEFT_TEST_SMALL
enum { POOL_SHARDS = 2, POOL_THREADS_DEFAULT = 4 };
#else
enum { POOL_SHARDS = 4, POOL_THREADS_DEFAULT = 512 };
#endif

enum { POOL_THREADS_LIMIT = 1 << 16, POOL_NAME_BYTES = 16 };

static const int64_t POOL_KEEP_ALIVE_DEFAULT_NS = INT64_C(10000000000);

struct weft__pool {
	struct weft__pool_front front; /* under the census */
	struct pool_shard shards[POOL_SHARDS];
	unsigned shard_count; /* from here on constant */
	unsigned threads_max;
	int64_t keep_alive_ns;
	size_t stack_bytes;
	char name[POOL_NAME_BYTES];
	struct weft_hooks hooks;

	struct weft__lock census __attribute__((aligned(WEFT_CACHE_LINE))); /* over what follows */
	bool closing, abandoned;
	uint32_t others; /* atomic: CPUs but one; found out by the first thread */
	uint32_t started; /* atomic: those of them whose thread runs, and will look before it leaves */
	uint32_t alive; /* atomic, futex: those, and threads that are in their thread_stop hook */
	unsigned slots_used;
	struct pool_thread *spare;
	struct weft__spin spin;     /* of threads that idle */
	struct pool_thread slots[]; /* touched as they are used */
};

/* A calling thread keeps its shard; they are dealt out in turn. */
static __thread uint32_t shard_ticket;

static struct pool_shard *shard_of_caller(struct weft__pool *pool)
{
	static uint32_t tickets;

	if (!shard_ticket) /* relaxed: any order will do */
		shard_ticket = (atomic_fetch_add_relaxed(&tickets, 1u) << 1) + 1;
	return &pool->shards[(shard_ticket >> 1) % pool->shard_count];
}

static struct pool_shard *shard_of_job(const struct weft_job *job)
{
	struct weft__pool *pool = job->pool;

	return &pool->shards[job->shard];
}

/* Called after the caller's own write of [O1]. */
static bool pool_has_queued(const struct weft__pool *pool)
{
	for (unsigned i = 0; i < pool->shard_count; i++)
		if (atomic_load_seq_cst(&pool->shards[i].queued_count)) /* [O1] shard_append */
			return true;
	return false;
}

/* Claims a thread that idles in another shard. */
static bool pool_claim(struct weft__pool *pool, struct pool_shard *except, struct weft_job *job)
{
	for (unsigned i = 0; i < pool->shard_count; i++) {
		struct pool_shard *shard = &pool->shards[i];
		struct pool_claim claim;

		/* [O1] shard_idle_push writes it */
		if (shard == except || !atomic_load_seq_cst(&shard->idle_count))
			continue;
		shard_lock(shard);
		claim = shard_idle_claim(shard, job);
		shard_unlock(shard);
		claim_wake(claim);
		if (claim.made)
			return true;
	}
	return false;
}

/* ---- the census: slots, and who is alive ---- */

/* NULL: the cap is reached (*error 0), or the pool is closing. */
static struct pool_thread *slot_take(struct weft__pool *pool, int *error)
{
	struct pool_thread *thread = NULL;

	weft__lock_acquire(&pool->census);
	*error = pool->closing ? -ESHUTDOWN : 0;
	/* relaxed, here: who needs to know exactly takes the lock */
	if (!pool->closing && atomic_load_relaxed(&pool->front.threads) < pool->threads_max) {
		thread = pool->spare;
		if (thread) {
			pool->spare = thread->next;
		} else {
			thread = &pool->slots[pool->slots_used];
			memset(thread, 0, sizeof *thread);
			thread->pool = pool;
			thread->number = pool->slots_used++;
		}
		atomic_fetch_add_relaxed(&pool->front.threads, 1u);
		atomic_fetch_add_relaxed(&pool->alive, 1u); /* [I2] */
	}
	weft__lock_release(&pool->census);
	return thread;
}

static void slot_put(struct weft__pool *pool, struct pool_thread *thread)
{
	thread->next = pool->spare;
	pool->spare = thread;
}

/* The last touch of a thread, or of the attempt to start one. */
static void pool_depart(struct weft__pool *pool)
{
	bool last;

	weft__lock_acquire(&pool->census);
	/* release: pairs with weft__pool_shutdown */
	last = atomic_fetch_sub_release(&pool->alive, 1u) == 1 && pool->abandoned; /* [I2] */
	if (pool->closing)
		weft__futex_wake(&pool->alive, INT32_MAX);
	weft__lock_release(&pool->census);
	if (last)
		free(pool);
}

static void *thread_main(void *arg);

/* Its name is "NAME-blk-N", where a long NAME is cut. Until it has it, it may not be detached. */
static int thread_start(struct pool_thread *thread)
{
	const struct weft__pool *pool = thread->pool;
	struct weft__thread handle;
	char suffix[POOL_NAME_BYTES], name[2 * POOL_NAME_BYTES];
	int err, len = snprintf(suffix, sizeof suffix, "-blk-%u", thread->number);

	snprintf(name, sizeof name, "%.*s%s", POOL_NAME_BYTES - 1 - len, pool->name, suffix);
	err = weft__thread_start(&handle, pool->stack_bytes, name, thread_main, thread);
	if (!err)
		weft__thread_detach(&handle);
	return err;
}

/* Starts a thread with a job, or NULL to look around. Returns 1; 0: the cap is reached; -ESHUTDOWN; or
 * -EAGAIN: no thread is to be had. */
static int pool_hire(struct weft__pool *pool, struct pool_shard *shard, struct weft_job *job)
{
	int err;
	struct pool_thread *thread = slot_take(pool, &err);

	if (!thread)
		return err;
	if (job)
		job_enter(job, JOB_RUNNING);
	if (!thread->number) /* relaxed: the start publishes it */
		atomic_store_relaxed(&pool->others, weft__cpu_count() - 1);
	thread->shard = shard;
	thread->job = job;
	atomic_store_relaxed(&thread->busy, job ? 1u : 0u); /* relaxed: the start publishes it */
	if (thread_start(thread) == 0)
		return 1;
	if (job)
		job_enter(job, JOB_FRESH);
	weft__lock_acquire(&pool->census);
	atomic_store_relaxed(&thread->busy, 0u); /* relaxed: nothing was done */
	/* relaxed: who still reads the old count is in pool_attend, and waits for the new one */
	atomic_fetch_sub_relaxed(&pool->front.threads, 1u);
	slot_put(pool, thread);
	weft__lock_release(&pool->census);
	pool_depart(pool);
	return -EAGAIN;
}

/* ---- threads ---- */

static struct weft_job *thread_take(struct pool_thread *self, struct pool_shard *shard)
{
	struct weft_waker admitted = { NULL, NULL };
	struct weft_job *job;

	shard_lock(shard);
	job = shard_take(shard, &admitted);
	if (job)
		atomic_store_relaxed(&self->busy, 1u); /* relaxed: shutdown takes the lock first */
	shard_unlock(shard);
	weft_waker_commit(admitted);
	return job;
}

/* The job that was handed over, or one of a queue: first of the shard after that of the last job, so that
 * none waits for ever. */
static struct weft_job *thread_next(struct pool_thread *self)
{
	struct weft__pool *pool = self->pool;
	struct weft_job *job = self->job;
	unsigned home = (unsigned)(self->shard - pool->shards);

	self->job = NULL;
	for (unsigned i = 1; !job && i <= pool->shard_count; i++) {
		struct pool_shard *shard = &pool->shards[(home + i) % pool->shard_count];

		/* relaxed: thread_rest reads it again */
		if (atomic_load_relaxed(&shard->queued_count))
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
	shard_lock(shard);
	claimed = weft_waker_claim(&job->waker);
	job_enter(job, JOB_DONE); /* the last touch */
	shard_unlock(shard);
	weft_waker_commit(claimed);
	atomic_store_release(&self->busy, 0u); /* [O2] */
}

/* Takes the idle thread out of its shard. False: it has been claimed. */
static bool thread_unidle(struct pool_thread *self)
{
	struct pool_shard *shard = self->shard;
	bool claimed;

	shard_lock(shard);
	claimed = atomic_load_relaxed(&self->rest) == REST_CLAIMED; /* relaxed: under the lock */
	if (!claimed)
		shard_idle_remove(shard, self);
	shard_unlock(shard);
	return !claimed;
}

/* Gives the slot up. False: a job has been queued meanwhile. */
static bool thread_resign(struct pool_thread *self, bool closed)
{
	struct weft__pool *pool = self->pool;
	bool leaves;

	weft__lock_acquire(&pool->census);
	atomic_fetch_sub_relaxed(&pool->started, 1u);       /* relaxed: [O1] */
	atomic_fetch_sub_seq_cst(&pool->front.threads, 1u); /* [O1] pool_attend reads it */
	leaves = closed || !pool_has_queued(pool);          /* [I1] */
	if (leaves) {
		slot_put(pool, self);
	} else {
		/* relaxed: nobody could take the slot, nothing has happened */
		atomic_fetch_add_relaxed(&pool->front.threads, 1u);
		atomic_fetch_add_relaxed(&pool->started, 1u);
	}
	weft__lock_release(&pool->census);
	return leaves;
}

/* How many threads do not idle: a guess. */
static uint32_t pool_at_work(const struct weft__pool *pool)
{
	uint32_t threads =
			atomic_load_relaxed(&pool->front.threads); /* relaxed: hints, all of them */

	for (unsigned i = 0; threads && i < pool->shard_count; i++) {
		uint32_t idle = atomic_load_relaxed(&pool->shards[i].idle_count);

		threads -= idle < threads ? idle : threads;
	}
	return threads;
}

/* Relaxed: thread_sleep looks again. */
static bool thread_is_claimed(const struct pool_thread *self)
{
	return atomic_load_relaxed(&self->rest) == REST_CLAIMED;
}

/* Whether there is a CPU for each thread beside who is awake, and who submits. Of idle threads, too: they
 * are there because so many jobs were under way at a time lately, and then whoever spins has a CPU that a
 * job could have. */
static bool pool_has_room(const struct weft__pool *pool, unsigned others_awake)
{
	/* relaxed: hints */
	return atomic_load_relaxed(&pool->front.threads) + others_awake <=
			atomic_load_relaxed(&pool->others);
}

static void thread_spin(struct pool_thread *self, int64_t now_ns)
{
	struct weft__pool *pool = self->pool;

	if (!pool_has_room(pool, 0) || !weft__spin_begin(&pool->spin, now_ns))
		return;
	while (!thread_is_claimed(self) && weft__spin_on(&pool->spin))
		;
	weft__spin_end(&pool->spin, thread_is_claimed(self));
}

static bool thread_sleep(struct pool_thread *self)
{
	int64_t now_ns = weft__clock_now();
	int64_t deadline_ns = weft_deadline_after(now_ns, self->pool->keep_alive_ns);
	uint32_t rest = REST_AWAKE;

	thread_spin(self, now_ns);
	(void)atomic_cas_relaxed(&self->rest, &rest, (uint32_t)REST_ASLEEP); /* relaxed: [O2] */
	/* acquire pairs with shard_idle_claim */
	while (atomic_load_acquire(&self->rest) != REST_CLAIMED)
		if (weft__futex_wait(&self->rest, REST_ASLEEP, deadline_ns) && thread_unidle(self))
			return !thread_resign(self, false);
	return true;
}

/* Idles until there may be something to do. False: the slot has been given up. */
static bool thread_rest(struct pool_thread *self)
{
	struct pool_shard *shard = self->shard;
	bool closed, idles;

	shard_lock(shard);
	closed = shard->closed;
	idles = !closed && !shard_queued(shard);
	if (idles)
		shard_idle_push(shard, self);
	shard_unlock(shard);
	if (!idles)
		return !closed || !thread_resign(self, true);
	if (pool_has_queued(self->pool)) { /* [I1] */
		(void)thread_unidle(self); /* if it has been claimed, it has that job */
		return true;
	}
	return thread_sleep(self);
}

static void *thread_main(void *arg)
{
	struct pool_thread *self = arg;
	struct weft__pool *pool = self->pool;
	struct weft_job *job;

	atomic_fetch_add_relaxed(&pool->started, 1u); /* relaxed: [O1] */
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
	bool withdrawn;

	WEFT_ASSERT(job->pool == pool);
	shard_lock(shard);
	withdrawn = shard_withdraw(shard, job, &admitted);
	shard_unlock(shard);
	weft_waker_commit(admitted);
	return withdrawn;
}

/* After a job was queued: sees to it that a thread will look. err: why none could be hired before, or 0.
 * Returns 0, or why there is none and none is to be had. */
static int pool_attend(struct weft__pool *pool, struct pool_shard *shard, int err)
{
	for (;;) {
		uint32_t threads;

		if (pool_claim(pool, shard, NULL))
			return 0;
		threads = atomic_load_seq_cst(
				&pool->front.threads); /* [O1] thread_resign writes it */
		if (!err && threads < pool->threads_max)
			err = pool_hire(pool, shard, NULL);
		if (err > 0 || atomic_load_relaxed(&pool->started)) /* relaxed: [O1] */
			return 0;                                   /* [I1] */
		if (err && !threads)
			return err;
		/* Threads are being started by others; what comes of it? */
		atomic_pause();
		sched_yield();
	}
}

enum weft__submitted weft__pool_submit(struct weft__pool *pool, struct weft_job *job,
		const struct weft_waker *waker, int *error)
{
	struct pool_shard *shard = shard_of_caller(pool);
	enum shard_answer answer;
	int err = 0;

	job->pool = pool;
	job->shard = (uint32_t)(shard - pool->shards);
	job->waker = *waker;
	atomic_store_relaxed(&job->state, (uint32_t)JOB_FRESH); /* relaxed: nobody knows it yet */
	answer = shard_offer(shard, job, false);
	if (answer == SHARD_HAS_NOBODY) {
		if (pool_claim(pool, shard, job))
			return SUBMIT_QUEUED;
		err = pool_hire(pool, shard, job);
		if (err > 0)
			return SUBMIT_QUEUED;
		answer = shard_offer(shard, job, true);
	}
	if (answer == SHARD_HANDED_OVER)
		return SUBMIT_QUEUED;
	*error = answer == SHARD_CLOSED ? -ESHUTDOWN : pool_attend(pool, shard, err);
	if (answer == SHARD_CLOSED || (*error && weft__pool_withdraw(pool, job)))
		return SUBMIT_REFUSED;
	return answer == SHARD_LINED ? SUBMIT_FULL : SUBMIT_QUEUED;
}

bool weft__pool_rewake(
		struct weft__pool *pool, struct weft_job *job, const struct weft_waker *waker)
{
	struct pool_shard *shard = shard_of_job(job);
	bool pending;

	WEFT_ASSERT(job->pool == pool);
	/* [O3]: under the lock also if the waker stays the same */
	shard_lock(shard);
	pending = job_state(job) != JOB_DONE;
	if (pending)
		job->waker = *waker;
	shard_unlock(shard);
	return pending;
}

bool weft__pool_job_done(const struct weft_job *job)
{
	return atomic_load_acquire(&job->state) == JOB_DONE; /* pairs with job_enter */
}

/* ---- the pool ---- */

int weft__pool_create(struct weft__pool **pool_out, const struct weft_runtime_options *options)
{
	unsigned threads_max = options->blocking_threads_max;
	size_t queue_max = options->blocking_queue_max;
	struct weft__pool *pool;

	WEFT_ASSERT(options->blocking_keep_alive_ns >= 0);
	if (!threads_max)
		threads_max = POOL_THREADS_DEFAULT;
	if (threads_max > POOL_THREADS_LIMIT)
		threads_max = POOL_THREADS_LIMIT;
	pool = aligned_alloc(WEFT_CACHE_LINE, sizeof *pool + threads_max * sizeof pool->slots[0]);
	if (!pool)
		return -ENOMEM;
	memset(pool, 0, sizeof *pool);
	pool->threads_max = threads_max;
	pool->keep_alive_ns = options->blocking_keep_alive_ns ? options->blocking_keep_alive_ns
							      : POOL_KEEP_ALIVE_DEFAULT_NS;
	pool->stack_bytes = options->thread_stack_bytes;
	snprintf(pool->name, sizeof pool->name, "%s", options->name ? options->name : "weft");
	pool->hooks = options->hooks;
	pool->shard_count = queue_max ? 1 : POOL_SHARDS;
	for (unsigned i = 0; i < pool->shard_count; i++) {
		/* 0 is no bound: SIZE_MAX here */
		pool->shards[i].queued_max =
				queue_max - 1 < UINT32_MAX ? (uint32_t)queue_max : UINT32_MAX;
		job_list_init(&pool->shards[i].queue);
		job_list_init(&pool->shards[i].line);
	}
	*pool_out = pool;
	return 0;
}

/* From here on no job starts but those that were handed over. */
static void pool_close(struct weft__pool *pool)
{
	for (unsigned i = 0; i < pool->shard_count; i++) {
		struct pool_shard *shard = &pool->shards[i];
		struct pool_claim claim;

		do {
			shard_lock(shard);
			shard->closed = true;
			claim = shard_idle_claim(shard, NULL);
			shard_unlock(shard);
			claim_wake(claim);
		} while (claim.made);
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
	while ((alive = atomic_load_acquire(&pool->alive))) /* pairs with pool_depart */
		if (weft__futex_wait(&pool->alive, alive, deadline_ns < 0 ? 0 : deadline_ns))
			break;
	weft__lock_acquire(&pool->census);
	for (unsigned i = 0; i < pool->slots_used; i++)
		running += atomic_load_acquire(&pool->slots[i].busy); /* [O2] */
	weft__lock_release(&pool->census);
	return running;
}

void weft__pool_destroy(struct weft__pool *pool)
{
	bool last;

	if (!pool)
		return;
	weft__lock_acquire(&pool->census);
	last = atomic_load_relaxed(&pool->alive) == 0; /* relaxed: under the lock; [I2] */
	WEFT_ASSERT(last || pool->closing);
	pool->abandoned = true;
	weft__lock_release(&pool->census);
	if (last)
		free(pool);
}

bool weft__pool_is_working(const struct weft__pool *pool, unsigned others_awake)
{
	return pool_at_work(pool) && pool_has_room(pool, others_awake);
}

void weft__pool_metrics(const struct weft__pool *pool, struct weft_metrics *metrics)
{
	/* relaxed: counters */
	metrics->blocking_threads = atomic_load_relaxed(&pool->front.threads);
	metrics->blocking_idle = metrics->blocking_queued = 0;
	for (unsigned i = 0; i < pool->shard_count; i++) {
		metrics->blocking_idle += atomic_load_relaxed(&pool->shards[i].idle_count);
		metrics->blocking_queued += atomic_load_relaxed(&pool->shards[i].queued_count);
	}
}

/* ---- the leaf ---- */

enum { BLOCKING_FRESH, BLOCKING_SUBMITTED };

static enum weft_poll blocking_begin(struct weft_blocking__frame *f, struct weft_context *cx)
{
	struct weft__pool *pool;
	int error = 0;

	if (!weft_context_charge(cx)) /* errors, too: who ignores them in a loop gives way */
		return WEFT_PENDING;
	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	pool = weft__runtime_pool(cx->env);
	if (!pool)
		weft_return(f, -ENXIO);
	f->job.fn = f->args.p0;
	f->job.arg = f->args.p1;
	if (weft__pool_submit(pool, &f->job, weft_context_waker(cx), &error) == SUBMIT_REFUSED)
		weft_return(f, error);
	weft_context_refund(cx);
	f->args.base.at = BLOCKING_SUBMITTED;
	return WEFT_PENDING;
}

static enum weft_poll blocking_wait(struct weft_blocking__frame *f, struct weft_context *cx)
{
	struct weft__pool *pool = f->job.pool;

	if (!weft__pool_job_done(&f->job)) {
		if (weft_context_cancelled(cx) && weft__pool_withdraw(pool, &f->job))
			weft_return(f, -ECANCELED);
		if (weft__pool_rewake(pool, &f->job, weft_context_waker(cx)))
			return WEFT_PENDING;
	}
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	weft_return(f, 0);
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
