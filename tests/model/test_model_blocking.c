/* SPDX-License-Identifier: MIT */
/* B21: the blocking pool in every interleaving: threads that go idle, whose time runs out, that leave and that
 * cannot be started, against jobs that arrive, are taken back, and a pool that ends. The code is the real
 * one, with two shards; a lapse is a keep-alive that is over, at any moment. A lost job is a deadlock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/model_task.h"
#include "test.h"

#ifndef WEFT_TEST_SMALL
#define WEFT_TEST_SMALL
#endif
#define aligned_alloc(align, bytes) model_malloc(bytes)
#define free(memory) model_free(memory)
#include "exec/blocking.c"

static struct weft__pool *pool;

/* --- what the pool asks of the layers below ------------------------------------------------------- */

enum { KEEP_ALIVE_NS = 1, STARTS_MAX = 7 };

static struct start {
	void *(*run)(void *arg);
	void *arg;
} starts[STARTS_MAX];
static int start_count, starts_failing; /* that many fail first */

static void start_run(void *arg)
{
	struct start *start = arg;

	start->run(start->arg);
}

int weft__thread_start(struct weft__thread *thread, size_t stack_bytes, const char *name,
		void *(*run)(void *arg), void *arg)
{
	(void)stack_bytes;
	(void)name;
	memset(thread, 0, sizeof *thread);
	if (starts_failing > 0) {
		starts_failing--;
		return -EAGAIN;
	}
	MODEL_CHECK(start_count < STARTS_MAX);
	starts[start_count] = (struct start){ run, arg };
	model_thread(start_run, &starts[start_count++]);
	return 0;
}

void weft__thread_detach(struct weft__thread *thread)
{
	(void)thread;
}

/* With one CPU nobody stays awake; with two, for one look. */
static unsigned cpus;
static int64_t now_ns;

unsigned weft__cpu_count(void)
{
	return cpus;
}

int64_t weft__clock_now(void)
{
	return now_ns += SPIN_NS;
}

int weft__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	int err = deadline_ns == INT64_MAX ? model_futex_wait(word, expected)
					   : model_futex_wait_timed(word, expected);

	return err == -ETIMEDOUT ? err : 0;
}

void weft__futex_wake(uint32_t *word, int count)
{
	model_futex_wake(word, count);
}

void weft__lock_contended(struct weft__lock *lock)
{
	model_lock(&lock->held);
}

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

void weft_frame_misuse(const struct weft_frame *frame)
{
	(void)frame;
	model_fail("frame misused", __FILE__, __LINE__);
}

struct weft__pool *weft__runtime_pool(const struct weft_env *env)
{
	(void)env;
	return pool;
}

/* --- jobs ----------------------------------------------------------------------------------------- */

struct errand {
	struct weft_job job;
	int owner;       /* the thread that waits */
	uint32_t runs;   /* plain, checked for races */
	uint32_t claims; /* atomic */
	uint32_t commits;
	struct errand *waker_owner; /* whose waker is registered */
	uint32_t *gate;             /* atomic, futex: waits for it to be 1, or NULL */
};

static struct errand errands[3];
static uint32_t gate, second_ended; /* atomic, futex */

static struct weft_waker waker_claim(void *data);

static void waker_commit(void *data)
{
	struct errand *errand = data;

	MODEL_CHECK(++errand->commits <= atomic_load_relaxed(&errand->claims));
	model_unpark(errand->owner);
}

static const struct weft_waker_ops waker_ops = { .claim = waker_claim, .commit = waker_commit };

static struct weft_waker waker_of(struct errand *errand)
{
	return (struct weft_waker){ &waker_ops, errand };
}

static struct weft_waker waker_claim(void *data)
{
	struct errand *errand = data;

	atomic_fetch_add_relaxed(&errand->claims, 1u); /* a step: others may run before it */
	return waker_of(errand);
}

static void errand_run(void *arg)
{
	struct errand *errand = arg;

	model_plain_write(&errand->runs, model_plain_read(&errand->runs) + 1);
	if (errand->gate)
		while (!atomic_load_acquire(errand->gate)) /* pairs with gate_open */
			weft__futex_wait(errand->gate, 0, INT64_MAX);
}

static void gate_open(void)
{
	atomic_store_release(&gate, 1u); /* pairs with errand_run */
	weft__futex_wake(&gate, INT32_MAX);
}

/* From a thread of the given shard. */
static enum weft__submitted errand_submit(int index, unsigned shard, int *error)
{
	struct errand *errand = &errands[index];
	struct weft_waker waker = waker_of(errand);

	errand->job.fn = errand_run;
	errand->job.arg = errand;
	errand->owner = model_self();
	errand->waker_owner = errand;
	model_plain_write(&errand->runs, 0); /* the thread must see it */
	shard_ticket = shard << 1 | 1;       /* all threads of the search are one to the compiler */
	return weft__pool_submit(pool, &errand->job, &waker, error);
}

static void errand_queue(int index, unsigned shard)
{
	int error = 0;

	MODEL_CHECK(errand_submit(index, shard, &error) == SUBMIT_QUEUED);
}

static void errand_await(int index)
{
	struct errand *errand = &errands[index];

	while (!weft__pool_job_done(&errand->job))
		model_park();
	MODEL_CHECK(model_plain_read(&errand->runs) == 1);
	MODEL_CHECK(atomic_load_relaxed(&errand->waker_owner->claims) >
			0); /* nothing of the job is touched after DONE */
}

static void errand_do(int index, unsigned shard)
{
	errand_queue(index, shard);
	errand_await(index);
}

/* A refusal for want of a thread is as good. */
static void errand_try(int index, unsigned shard)
{
	int error = 0;

	if (errand_submit(index, shard, &error) == SUBMIT_REFUSED)
		MODEL_CHECK(error == -EAGAIN);
	else
		errand_await(index);
}

static void begin(unsigned threads_max, size_t queue_max)
{
	struct weft_runtime_options options = { .blocking_threads_max = threads_max,
		.blocking_queue_max = queue_max,
		.blocking_keep_alive_ns = KEEP_ALIVE_NS };

	start_count = starts_failing = 0;
	now_ns = 0;
	memset(errands, 0, sizeof errands);
	gate = second_ended = 0;
	MODEL_CHECK(weft__pool_create(&pool, &options) == 0);
}

static void end(void)
{
	MODEL_CHECK(weft__pool_shutdown(pool, INT64_MAX) == 0);
	weft__pool_destroy(pool);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	for (int i = 0; i < 3; i++)
		MODEL_CHECK(atomic_load_relaxed(&errands[i].claims) == errands[i].commits);
}

/* With each number of lapses up to that: while one is left, a thread that sleeps may still be woken by it,
 * and a lost wake-up is none. */
static void check_passes(const char *name, void (*body)(void), int preemptions, int lapses_max)
{
	cpus = 1;
	for (int lapses = 0; lapses <= lapses_max; lapses++) {
		struct model_options options = { .preemptions = preemptions, .lapses = lapses };
		char full_name[48];

		snprintf(full_name, sizeof full_name, "%s, %d lapses", name, lapses);
		CHECK_EQ(model_explore(full_name, body, options).verdict, MODEL_PASSED);
	}
}

static void check_passes_awake(const char *name, void (*body)(void), int preemptions, int lapses)
{
	struct model_options options = { .preemptions = preemptions, .lapses = lapses };

	cpus = 2;
	CHECK_EQ(model_explore(name, body, options).verdict, MODEL_PASSED);
}

/* A second submitter, which the body waits for before it ends the pool. */
static void second_has_ended(void)
{
	atomic_store_release(&second_ended, 1u); /* pairs with end_after_second */
	weft__futex_wake(&second_ended, 1);
}

static void end_after_second(void)
{
	while (!atomic_load_acquire(&second_ended)) /* pairs with second_has_ended */
		weft__futex_wait(&second_ended, 0, INT64_MAX);
	end();
}

static void submit_second(void *unused)
{
	(void)unused;
	errand_do(1, 1);
	second_has_ended();
}

/* --- a thread whose time runs out, and a job that arrives ----------------------------------------- */

static void arrival_in_its_shard(void)
{
	begin(1, 0);
	errand_do(0, 0);
	errand_do(1, 0);
	end();
}

TEST(job_is_not_lost_to_an_idle_thread_that_times_out)
{
	check_passes("timeout, same shard", arrival_in_its_shard, 2, 2);
	check_passes_awake("awake, same shard", arrival_in_its_shard, 2, 1);
}

static void arrival_in_another_shard(void)
{
	begin(1, 0);
	errand_do(0, 0);
	errand_do(1, 1);
	end();
}

TEST(job_is_not_lost_to_a_thread_that_times_out_in_another_shard)
{
	check_passes("timeout, other shard", arrival_in_another_shard, 2, 2);
}

static void arrivals_in_both_shards(void)
{
	begin(1, 0);
	model_thread(submit_second, NULL);
	errand_do(0, 0);
	end_after_second();
}

TEST(jobs_of_two_submitters_are_not_lost_to_a_thread_that_times_out)
{
	check_passes("timeout, two submitters", arrivals_in_both_shards, 1, 1);
}

/* --- at the cap ----------------------------------------------------------------------------------- */

static void arrivals_at_the_cap(void)
{
	begin(1, 0);
	errand_queue(0, 0);
	errand_queue(1, 1);
	errand_await(0);
	errand_await(1);
	end();
}

TEST(job_queued_at_the_cap_is_seen_by_the_thread_that_goes_idle)
{
	check_passes("at the cap", arrivals_at_the_cap, 2, 1);
	check_passes_awake("awake, at the cap", arrivals_at_the_cap, 1, 1);
}

/* The pool has one more thread, which is busy for ever; the other one idles or leaves when the second job
 * arrives. */
static void arrival_beside_a_busy_thread(void)
{
	begin(2, 0);
	atomic_fetch_add_relaxed(&pool->front.threads, 1u);
	atomic_fetch_add_relaxed(&pool->started, 1u);
	errand_do(0, 0);
	errand_do(1, 1);
	atomic_fetch_sub_relaxed(&pool->front.threads, 1u);
	atomic_fetch_sub_relaxed(&pool->started, 1u);
	end();
}

TEST(job_below_the_cap_gets_a_thread_though_another_is_busy)
{
	check_passes("beside a busy thread", arrival_beside_a_busy_thread, 2, 1);
}

/* --- threads that cannot be started --------------------------------------------------------------- */

static void try_second(void *unused)
{
	(void)unused;
	errand_try(1, 1);
	second_has_ended();
}

static void one_start_fails(void)
{
	begin(1, 0);
	starts_failing = 1;
	model_thread(try_second, NULL);
	errand_try(0, 0);
	end_after_second();
}

TEST(job_is_run_or_refused_when_a_thread_cannot_be_started)
{
	check_passes("a start fails", one_start_fails, 1, 1);
}

/* The only thread leaves, one submitter fails to start another, and the other one sees its attempt. */
static void start_fails_when_the_thread_leaves(void)
{
	begin(1, 0);
	errand_do(2, 0);
	starts_failing = 1;
	model_thread(try_second, NULL);
	errand_try(0, 0);
	end_after_second();
}

TEST(job_is_run_or_refused_when_the_thread_leaves_and_none_can_be_started)
{
	check_passes("a start fails, leaving", start_fails_when_the_thread_leaves, 1, 1);
}

/* The thread of the first job is there, or leaving: the second is queued or refused. */
static void start_fails_beside_a_thread(void)
{
	begin(2, 0);
	errand_queue(0, 0);
	starts_failing = 2;
	errand_try(1, 1);
	starts_failing = 0;
	errand_await(0);
	end();
}

TEST(job_is_queued_when_no_further_thread_can_be_started)
{
	check_passes("a further start fails", start_fails_beside_a_thread, 1, 1);
}

/* --- taking back, and other wakers ---------------------------------------------------------------- */

static void take_back(void)
{
	begin(1, 0);
	errand_queue(0, 0);
	errand_queue(1, 1);
	if (weft__pool_withdraw(pool, &errands[1].job))
		MODEL_CHECK(errands[1].runs == 0 && !weft__pool_job_done(&errands[1].job));
	else
		errand_await(1);
	errand_await(0);
	end();
	MODEL_CHECK(errands[1].runs == errands[1].commits);
}

TEST(job_is_either_withdrawn_or_run)
{
	check_passes("withdraw", take_back, 2, 1);
}

static void line_moves_up(void)
{
	int error;

	begin(1, 1);
	errands[0].gate = &gate;
	errand_queue(0, 0);
	errand_queue(1, 0);
	MODEL_CHECK(errand_submit(2, 0, &error) == SUBMIT_FULL);
	gate_open();
	if (!weft__pool_withdraw(pool, &errands[1].job))
		errand_await(1);
	errand_await(2);
	errand_await(0);
	end();
	MODEL_CHECK(errands[2].commits == 2);
}

TEST(job_in_line_moves_up_whoever_makes_room)
{
	check_passes("line", line_moves_up, 1, 1);
}

static void wake_another(void)
{
	struct weft_waker waker = waker_of(&errands[1]);
	bool pending;

	begin(1, 0);
	errands[1].owner = model_self();
	errand_queue(0, 0);
	pending = weft__pool_rewake(pool, &errands[0].job, &waker);
	errands[0].waker_owner = &errands[pending];
	errand_await(0);
	end();
	MODEL_CHECK(errands[0].commits == !pending);
	MODEL_CHECK(errands[1].commits == pending);
}

TEST(rewake_decides_who_is_woken)
{
	check_passes("rewake", wake_another, 2, 1);
}

/* A task that is polled again for another reason than its job, just when that is over, is woken all the
 * same: it was left asleep for ever. */
static void leaf_with(enum model_task_patience patience)
{
	struct weft_blocking__frame leaf;

	begin(1, 0);
	shard_ticket = 1;
	weft_blocking__init(&leaf.args, errand_run, &errands[0]);
	model_plain_write(&errands[0].runs, 0);
	if (model_task_await(&leaf, sizeof leaf, &weft_blocking__async, patience) == 0)
		MODEL_CHECK(model_plain_read(&errands[0].runs) == 1);
	else
		MODEL_CHECK(patience == MODEL_TASK_GIVES_UP);
	end();
}

static void leaf_that_waits(void)
{
	leaf_with(MODEL_TASK_STAYS);
}

static void leaf_that_looks_again(void)
{
	leaf_with(MODEL_TASK_LOOKS_AGAIN);
}

static void leaf_that_gives_up(void)
{
	leaf_with(MODEL_TASK_GIVES_UP);
}

TEST(leaf_is_woken_whenever_it_is_polled)
{
	check_passes("leaf", leaf_that_waits, 2, 1);
	check_passes("leaf that looks again", leaf_that_looks_again, 2, 1);
	check_passes("leaf that gives up", leaf_that_gives_up, 2, 1);
}

/* --- the end -------------------------------------------------------------------------------------- */

static enum weft__submitted late;

static void submit_late(void *unused)
{
	int error = 0;

	(void)unused;
	late = errand_submit(1, 1, &error);
	MODEL_CHECK(late == SUBMIT_QUEUED || error == -ESHUTDOWN);
}

static void shutdown_meets_a_submitter(void)
{
	begin(1, 0);
	errand_do(0, 0);
	model_thread(submit_late, NULL);
	MODEL_CHECK(weft__pool_shutdown(pool, INT64_MAX) == 0);
	model_join_all();
	if (late == SUBMIT_QUEUED && !weft__pool_job_done(&errands[1].job))
		MODEL_CHECK(weft__pool_withdraw(pool, &errands[1].job));
	weft__pool_destroy(pool);
	MODEL_CHECK(errands[1].runs == errands[1].commits);
	MODEL_CHECK(model_allocated() == 0);
}

TEST(job_that_races_with_shutdown_is_run_or_refused_or_can_be_withdrawn)
{
	check_passes("shutdown and submit", shutdown_meets_a_submitter, 2, 1);
	check_passes_awake("awake, shutdown and submit", shutdown_meets_a_submitter, 1, 1);
}

static void open_later(void *unused)
{
	(void)unused;
	gate_open();
}

/* The shutdown's deadline passes, or does not; either side may be the last to let go of the pool. */
static void destroy_meets_the_last_thread(void)
{
	unsigned running;

	begin(1, 0);
	errands[0].gate = &gate;
	errand_queue(0, 0);
	model_thread(open_later, NULL);
	running = weft__pool_shutdown(pool, KEEP_ALIVE_NS);
	MODEL_CHECK(running || weft__pool_job_done(&errands[0].job));
	weft__pool_destroy(pool);
	model_join_all();
	MODEL_CHECK(errands[0].runs == 1 && errands[0].commits == 1);
	MODEL_CHECK(model_allocated() == 0);
}

TEST(pool_is_freed_once_by_destroy_or_by_the_last_thread)
{
	check_passes("destroy", destroy_meets_the_last_thread, 2, 1);
}
