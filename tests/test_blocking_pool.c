/* SPDX-License-Identifier: MIT */
/* The blocking pool and its leaf, without a runtime: the pool is driven directly, the leaf is polled by
 * hand. Everything waits for an event, nothing for a time. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <weft/runtime.h>

#include "base/atomic.h"
#include "core/env.h"
#include "exec/blocking.h"
#include "os/os.h"

#include "test.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { STACK_BYTES = 256 * 1024 }; /* 512 of them fit into 32 bits */

/* --- waiting -------------------------------------------------------------------------------------- */

/* Counts what happened, and can be waited for. */
static void event_signal(uint32_t *count)
{
	atomic_fetch_add_acq_rel(count, 1u); /* pairs with event_wait */
	weft__futex_wake(count, INT32_MAX);
}

static void event_wait(uint32_t *count, uint32_t at_least)
{
	uint32_t seen;

	while ((seen = atomic_load_acquire(count)) < at_least) /* pairs with event_signal */
		weft__futex_wait(count, seen, INT64_MAX);
}

/* --- a job and its waker: claims and commits are counted, any other use is a mistake ------------- */

struct gate {
	uint32_t entered, opened; /* events */
};

struct errand {
	struct weft_job job;
	struct gate *gate;
	unsigned order; /* in which it ran, if it has a counter */
	unsigned *counter;
	unsigned runs;
	uint32_t claims, commits; /* events */
};

static struct weft_waker waker_refuse(void *data)
{
	(void)data;
	test_fail(__FILE__, __LINE__, "the pool borrows wakers: it claims and commits");
}

static void waker_refuse_to_wake(void *data)
{
	(void)waker_refuse(data);
}

static struct weft_waker waker_claim(void *data);

static void waker_commit(void *data)
{
	struct errand *errand = data;

	event_signal(&errand->commits);
}

static const struct weft_waker_ops waker_ops = { waker_refuse, waker_refuse_to_wake,
	waker_refuse_to_wake, waker_refuse_to_wake, waker_claim, waker_commit };

static struct weft_waker waker_of(struct errand *errand)
{
	return (struct weft_waker){ &waker_ops, errand };
}

static struct weft_waker waker_claim(void *data)
{
	struct errand *errand = data;

	event_signal(&errand->claims);
	return waker_of(errand);
}

static void errand_run(void *arg)
{
	struct errand *errand = arg;

	errand->runs++;
	if (errand->counter)
		errand->order = ++*errand->counter;
	if (errand->gate) {
		event_signal(&errand->gate->entered);
		event_wait(&errand->gate->opened, 1);
	}
}

static enum weft__submitted errand_submit(
		struct weft__pool *pool, struct errand *errand, int *error)
{
	struct weft_waker waker = waker_of(errand);

	memset(&errand->job, 0xa5, sizeof errand->job); /* nobody may count on zeroes */
	errand->job.fn = errand_run;
	errand->job.arg = errand;
	return weft__pool_submit(pool, &errand->job, &waker, error);
}

static void errand_queue(struct weft__pool *pool, struct errand *errand)
{
	int error = 0;

	CHECK_EQ(errand_submit(pool, errand, &error), SUBMIT_QUEUED);
	CHECK_EQ(error, 0);
}

/* Waits for the wake-up, and checks that there was one, and that the job ran once. */
static void errand_await(struct errand *errand)
{
	event_wait(&errand->commits, 1);
	CHECK(weft__pool_job_done(&errand->job));
	CHECK_EQ(errand->runs, 1);
	CHECK_EQ(atomic_load_acquire(&errand->claims), 1); /* pairs with event_signal */
	CHECK_EQ(atomic_load_acquire(&errand->commits), 1);
}

/* --- pools ---------------------------------------------------------------------------------------- */

struct hooks_seen {
	uint32_t starts, stops; /* events */
};

static void on_start(void *data)
{
	event_signal(&((struct hooks_seen *)data)->starts);
}

static void on_stop(void *data)
{
	event_signal(&((struct hooks_seen *)data)->stops);
}

static struct weft_runtime_options options_for(unsigned threads_max)
{
	return (struct weft_runtime_options){ .blocking_threads_max = threads_max,
		.blocking_keep_alive_ns = WEFT_SECONDS(1000),
		.thread_stack_bytes = STACK_BYTES };
}

static struct weft__pool *pool_make(const struct weft_runtime_options *options)
{
	struct weft__pool *pool = NULL;

	CHECK_EQ(weft__pool_create(&pool, options), 0);
	return pool;
}

static void pool_end(struct weft__pool *pool)
{
	CHECK_EQ(weft__pool_shutdown(pool, INT64_MAX), 0);
	weft__pool_destroy(pool);
}

static struct weft_metrics metrics_of(const struct weft__pool *pool)
{
	struct weft_metrics metrics = { 0 };

	weft__pool_metrics(pool, &metrics);
	return metrics;
}

/* A thread idles a moment after the wake-up by its last job. */
static void pool_wait_idle(const struct weft__pool *pool, uint64_t count)
{
	while (metrics_of(pool).blocking_idle != count)
		sched_yield();
}

/* valgrind has a limit of 500 threads. */
static unsigned cap_to_test(void)
{
	if (test_on_valgrind())
		return 64;
#ifdef WEFT_TEST_SMALL
	return 4;
#else
	return 512;
#endif
}

/* --- threads come and go -------------------------------------------------------------------------- */

TEST(pool_starts_a_thread_only_for_a_job_that_finds_none_idle)
{
	struct weft_runtime_options options = options_for(8);
	struct gate gate = { 0, 0 };
	struct errand first = { .gate = NULL }, second = { .gate = &gate },
		      third = { .gate = &gate };
	struct weft__pool *pool = pool_make(&options);

	CHECK_EQ(metrics_of(pool).blocking_threads, 0);
	errand_queue(pool, &first);
	errand_await(&first);
	pool_wait_idle(pool, 1);
	CHECK_EQ(metrics_of(pool).blocking_threads, 1);
	errand_queue(pool, &second);
	CHECK_EQ(metrics_of(pool).blocking_threads, 1);
	CHECK_EQ(metrics_of(pool).blocking_idle, 0);
	errand_queue(pool, &third);
	CHECK_EQ(metrics_of(pool).blocking_threads, 2);
	event_signal(&gate.opened);
	errand_await(&second);
	errand_await(&third);
	pool_wait_idle(pool, 2);
	pool_end(pool);
}

/* B21 and row S2-17: every job that is queued at the cap runs. */
TEST(pool_runs_as_many_jobs_as_its_cap_and_queues_the_rest)
{
	unsigned cap = cap_to_test(), extra = 88;
	struct weft_runtime_options options = options_for(cap == 64 ? 64 : 0); /* 0: the default */
	struct gate gate = { 0, 0 };
	struct errand *errands = calloc(cap + extra, sizeof *errands);
	struct weft__pool *pool = pool_make(&options);

	CHECK(errands != NULL);
	for (unsigned i = 0; i < cap + extra; i++) {
		errands[i].gate = &gate;
		errand_queue(pool, &errands[i]);
	}
	event_wait(&gate.entered, cap);
	CHECK_EQ(metrics_of(pool).blocking_threads, cap);
	CHECK_EQ(metrics_of(pool).blocking_queued, extra);
	CHECK_EQ(metrics_of(pool).blocking_idle, 0);
	CHECK_EQ(atomic_load_acquire(&gate.entered), cap);
	event_signal(&gate.opened);
	for (unsigned i = 0; i < cap + extra; i++)
		errand_await(&errands[i]);
	pool_wait_idle(pool, cap);
	CHECK_EQ(metrics_of(pool).blocking_queued, 0);
	pool_end(pool);
	free(errands);
}

TEST(pool_threads_leave_after_the_keep_alive_and_come_back)
{
	struct hooks_seen seen = { 0, 0 };
	struct weft_runtime_options options = options_for(3);
	struct gate gates[2] = { { 0, 0 }, { 0, 0 } };
	struct errand errands[6] = { { .gate = NULL } };
	struct weft__pool *pool;

	options.blocking_keep_alive_ns = 1;
	options.hooks = (struct weft_hooks){
		.data = &seen, .thread_start = on_start, .thread_stop = on_stop
	};
	pool = pool_make(&options);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3; i++) {
			errands[3 * round + i].gate = &gates[round];
			errand_queue(pool, &errands[3 * round + i]);
		}
		event_signal(&gates[round].opened);
		event_wait(&seen.stops, 3 * round + 3);
		CHECK_EQ(metrics_of(pool).blocking_threads, 0);
		CHECK_EQ(metrics_of(pool).blocking_idle, 0);
	}
	for (unsigned i = 0; i < 6; i++)
		errand_await(&errands[i]);
	CHECK_EQ(atomic_load_acquire(&seen.starts), 6);
	pool_end(pool);
	CHECK_EQ(atomic_load_acquire(&seen.stops), 6);
}

struct name_errand {
	struct errand errand; /* first */
	char name[16];
};

static void name_run(void *arg)
{
	struct name_errand *named = arg;

	errand_run(&named->errand);
	pthread_getname_np(pthread_self(), named->name, sizeof named->name);
}

static void check_names(const char *name, const char *first, const char *second)
{
	struct weft_runtime_options options = options_for(2);
	struct gate gate = { 0, 0 };
	struct name_errand named[2] = { { .name = "" } };
	struct weft__pool *pool;

	options.name = name;
	pool = pool_make(&options);
	for (int i = 0; i < 2; i++) {
		struct weft_waker waker = waker_of(&named[i].errand);
		int error;

		named[i].errand.gate = &gate;
		named[i].errand.job.fn = name_run;
		named[i].errand.job.arg = &named[i];
		CHECK_EQ(weft__pool_submit(pool, &named[i].errand.job, &waker, &error),
				SUBMIT_QUEUED);
	}
	event_signal(&gate.opened); /* a thread has its name when submit has returned */
	errand_await(&named[0].errand);
	errand_await(&named[1].errand);
	CHECK(strcmp(named[0].name, first) == 0);
	CHECK(strcmp(named[1].name, second) == 0);
	pool_end(pool);
}

TEST(pool_threads_are_named_and_numbered)
{
	check_names(NULL, "weft-blk-0", "weft-blk-1");
	check_names("files", "files-blk-0", "files-blk-1");
	check_names("a-very-long-name", "a-very-lo-blk-0", "a-very-lo-blk-1");
}

TEST(submit_without_any_thread_to_be_had_is_refused)
{
	struct weft_runtime_options options = options_for(4);
	struct errand errand = { .gate = NULL };
	struct weft__pool *pool;
	int error = 0;

	if (sizeof(void *) < 8)
		SKIP("no stack is too large to be asked for");
	options.thread_stack_bytes = SIZE_MAX / 4; /* more than a process has */
	pool = pool_make(&options);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(errand_submit(pool, &errand, &error), SUBMIT_REFUSED);
		CHECK_EQ(error, -EAGAIN);
	}
	CHECK_EQ(metrics_of(pool).blocking_threads, 0);
	CHECK_EQ(metrics_of(pool).blocking_queued, 0);
	pool_end(pool);
	CHECK_EQ(errand.runs, 0);
	CHECK_EQ(errand.claims, 0);
}

/* --- taking back ---------------------------------------------------------------------------------- */

/* A pool of one thread, which stands in the gate. */
static struct weft__pool *pool_make_stuck(struct errand *stuck, struct gate *gate, size_t queue_max)
{
	struct weft_runtime_options options = options_for(1);
	struct weft__pool *pool;

	options.blocking_queue_max = queue_max;
	pool = pool_make(&options);
	*gate = (struct gate){ 0, 0 };
	*stuck = (struct errand){ .gate = gate };
	errand_queue(pool, stuck);
	event_wait(&gate->entered, 1);
	return pool;
}

TEST(withdraw_takes_back_what_is_queued_and_nothing_else)
{
	struct gate gate;
	struct errand stuck, queued = { .gate = NULL };
	struct weft__pool *pool = pool_make_stuck(&stuck, &gate, 0);

	errand_queue(pool, &queued);
	CHECK(!weft__pool_withdraw(pool, &stuck.job)); /* runs */
	CHECK(weft__pool_withdraw(pool, &queued.job));
	CHECK(!weft__pool_withdraw(pool, &queued.job)); /* is gone */
	CHECK(!weft__pool_job_done(&queued.job));
	CHECK_EQ(metrics_of(pool).blocking_queued, 0);
	event_signal(&gate.opened);
	errand_await(&stuck);
	CHECK(!weft__pool_withdraw(pool, &stuck.job)); /* has run */
	pool_end(pool);
	CHECK_EQ(queued.runs, 0);
	CHECK_EQ(queued.claims, 0);
}

/* Every subset of four queued jobs is taken back: the others run, in the order of their submission. */
TEST(queued_jobs_run_in_order_whichever_are_withdrawn)
{
	for (unsigned subset = 0; subset < 16; subset++) {
		struct gate gate;
		struct errand stuck, errands[4];
		struct weft__pool *pool = pool_make_stuck(&stuck, &gate, 0);
		unsigned counter = 0, expected = 0;

		for (int i = 0; i < 4; i++) {
			errands[i] = (struct errand){ .counter = &counter };
			errand_queue(pool, &errands[i]);
		}
		for (int i = 0; i < 4; i++)
			if (subset >> i & 1)
				CHECK(weft__pool_withdraw(pool, &errands[i].job));
		event_signal(&gate.opened);
		for (int i = 0; i < 4; i++)
			if (!(subset >> i & 1)) {
				errand_await(&errands[i]);
				CHECK_EQ(errands[i].order, ++expected);
			}
		pool_end(pool);
		CHECK_EQ(counter, expected);
	}
}

TEST(rewake_moves_the_wake_up_until_the_job_has_run)
{
	struct gate gate;
	struct errand stuck, other = { .gate = NULL };
	struct weft__pool *pool = pool_make_stuck(&stuck, &gate, 0);
	struct weft_waker waker = waker_of(&other), same = waker_of(&other);

	CHECK(weft__pool_rewake(pool, &stuck.job, &waker));
	CHECK(weft__pool_rewake(pool, &stuck.job, &same));
	event_signal(&gate.opened);
	event_wait(&other.commits, 1);
	CHECK(weft__pool_job_done(&stuck.job));
	CHECK(!weft__pool_rewake(pool, &stuck.job, &same));
	waker = waker_of(&stuck);
	CHECK(!weft__pool_rewake(pool, &stuck.job, &waker));
	pool_end(pool);
	CHECK_EQ(other.claims, 1);
	CHECK_EQ(stuck.claims, 0);
}

/* --- a bounded queue ------------------------------------------------------------------------------ */

TEST(submitters_beyond_the_bound_stand_in_line_and_move_up_in_order)
{
	struct gate gate;
	struct errand stuck, errands[6] = { { .gate = NULL } };
	struct weft__pool *pool = pool_make_stuck(&stuck, &gate, 2);
	unsigned counter = 0;
	int error = 0;

	for (int i = 0; i < 6; i++) {
		errands[i].counter = &counter;
		CHECK_EQ(errand_submit(pool, &errands[i], &error),
				i < 2 ? SUBMIT_QUEUED : SUBMIT_FULL);
	}
	CHECK_EQ(metrics_of(pool).blocking_queued, 2);
	CHECK(weft__pool_withdraw(pool, &errands[3].job)); /* out of the line */
	CHECK_EQ(errands[2].claims, 0);
	CHECK(weft__pool_withdraw(pool, &errands[0].job)); /* makes room: [2] moves up */
	CHECK_EQ(errands[2].commits, 1);
	CHECK_EQ(errands[4].claims, 0);
	CHECK_EQ(metrics_of(pool).blocking_queued, 2);
	event_signal(&gate.opened);
	event_wait(&errands[5].commits, 2); /* moved up, has run */
	pool_end(pool);
	CHECK_EQ(errands[1].order, 1);
	CHECK_EQ(errands[2].order, 2);
	CHECK_EQ(errands[4].order, 3);
	CHECK_EQ(errands[5].order, 4);
	CHECK_EQ(errands[1].commits, 1); /* was never in line */
	CHECK_EQ(errands[2].commits, 2);
	CHECK_EQ(errands[4].commits, 2);
	CHECK_EQ(counter, 4);
}

TEST(a_bounded_pool_grows_to_its_cap_before_it_queues)
{
	struct weft_runtime_options options = options_for(3);
	struct gate gate = { 0, 0 };
	struct errand errands[5] = { { .gate = NULL } };
	struct weft__pool *pool;
	int error = 0;

	options.blocking_queue_max = 1;
	pool = pool_make(&options);
	for (int i = 0; i < 5; i++) {
		errands[i].gate = &gate;
		CHECK_EQ(errand_submit(pool, &errands[i], &error),
				i < 4 ? SUBMIT_QUEUED : SUBMIT_FULL);
	}
	CHECK_EQ(metrics_of(pool).blocking_threads, 3);
	event_signal(&gate.opened);
	for (int i = 0; i < 4; i++)
		errand_await(&errands[i]);
	event_wait(&errands[4].commits, 2);
	pool_end(pool);
	CHECK_EQ(errands[4].runs, 1);
}

/* --- the end -------------------------------------------------------------------------------------- */

/* B22 */
TEST(shutdown_refuses_new_jobs_and_completes_the_started)
{
	struct gate gate;
	struct errand stuck, late = { .gate = NULL };
	struct weft__pool *pool = pool_make_stuck(&stuck, &gate, 0);
	int error = 0;

	CHECK_EQ(weft__pool_shutdown(pool, 0), 1);
	CHECK_EQ(errand_submit(pool, &late, &error), SUBMIT_REFUSED);
	CHECK_EQ(error, -ESHUTDOWN);
	event_signal(&gate.opened);
	errand_await(&stuck);
	CHECK_EQ(weft__pool_shutdown(pool, INT64_MAX), 0);
	CHECK_EQ(metrics_of(pool).blocking_threads, 0);
	CHECK_EQ(errand_submit(pool, &late, &error), SUBMIT_REFUSED);
	weft__pool_destroy(pool);
	CHECK_EQ(late.runs, 0);
}

TEST(shutdown_leaves_queued_jobs_to_be_withdrawn)
{
	struct gate gate;
	struct errand stuck, queued[3] = { { .gate = NULL } };
	struct weft__pool *pool = pool_make_stuck(&stuck, &gate, 1);
	int error = 0;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(errand_submit(pool, &queued[i], &error),
				i < 1 ? SUBMIT_QUEUED : SUBMIT_FULL);
	CHECK_EQ(weft__pool_shutdown(pool, 0), 1);
	event_signal(&gate.opened);
	errand_await(&stuck);
	CHECK_EQ(weft__pool_shutdown(pool, INT64_MAX), 0);
	CHECK(weft__pool_withdraw(pool, &queued[1].job));
	CHECK(weft__pool_withdraw(pool, &queued[0].job));
	/* nobody withdraws the last */
	weft__pool_destroy(pool);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(queued[i].runs, 0);
}

TEST(shutdown_ends_idle_threads)
{
	struct hooks_seen seen = { 0, 0 };
	struct weft_runtime_options options = options_for(4);
	struct gate gate = { 0, 0 };
	struct errand errands[4] = { { .gate = NULL } };
	struct weft__pool *pool;

	options.hooks = (struct weft_hooks){
		.data = &seen, .thread_start = on_start, .thread_stop = on_stop
	};
	pool = pool_make(&options);
	for (int i = 0; i < 4; i++) {
		errands[i].gate = &gate;
		errand_queue(pool, &errands[i]);
	}
	event_signal(&gate.opened);
	pool_wait_idle(pool, 4);
	pool_end(pool);
	CHECK_EQ(atomic_load_acquire(&seen.starts), 4);
	CHECK_EQ(atomic_load_acquire(&seen.stops), 4);
}

/* A job that does not return delays the shutdown to its deadline, and the pool's memory outlives destroy:
 * the job's thread uses it once more, and frees it. */
TEST(destroy_abandons_the_pool_to_a_stuck_job)
{
	static struct hooks_seen seen;
	static struct gate gate;
	static struct errand errands[2];
	struct weft_runtime_options options = options_for(2);
	struct weft__pool *pool;
	int64_t before = weft__clock_now();

	seen = (struct hooks_seen){ 0, 0 };
	gate = (struct gate){ 0, 0 };
	memset(errands, 0, sizeof errands);
	options.hooks = (struct weft_hooks){
		.data = &seen, .thread_start = on_start, .thread_stop = on_stop
	};
	pool = pool_make(&options);
	for (int i = 0; i < 2; i++) {
		errands[i].gate = &gate;
		errand_queue(pool, &errands[i]);
	}
	event_wait(&gate.entered, 2);
	CHECK_EQ(weft__pool_shutdown(pool, before + WEFT_MILLISECONDS(20)), 2);
	CHECK(weft__clock_now() >= before + WEFT_MILLISECONDS(20));
	CHECK_EQ(weft__pool_shutdown(pool, 0), 2);
	weft__pool_destroy(pool);
	event_signal(&gate.opened);
	errand_await(&errands[0]);
	errand_await(&errands[1]);
	event_wait(&seen.stops, 2);
	memset(errands, 0,
			sizeof errands); /* they know the pool, which a leak checker is to miss */
}

TEST(a_pool_that_was_never_used_can_be_destroyed_at_once)
{
	struct weft_runtime_options options = { .blocking_threads_max = 0 };

	weft__pool_destroy(pool_make(&options));
	weft__pool_destroy(NULL);
}

/* --- many threads at once ------------------------------------------------------------------------- */

enum { WINDOW = 4 };

struct submitter {
	struct weft__pool *pool;
	unsigned count;
	unsigned withdraw_every; /* 0: never */
	unsigned done, withdrawn;
	pthread_t thread;
};

static void submitter_settle(struct submitter *self, struct errand *errand)
{
	event_wait(&errand->commits, 1);
	CHECK(weft__pool_job_done(&errand->job));
	CHECK_EQ(errand->runs, 1);
	self->done++;
}

static void *submitter_main(void *arg)
{
	struct submitter *self = arg;
	struct errand errands[WINDOW];

	for (unsigned i = 0; i < self->count + WINDOW; i++) {
		struct errand *errand = &errands[i % WINDOW];

		if (i >= WINDOW && errand->counter == NULL)
			submitter_settle(self, errand);
		if (i >= self->count)
			continue;
		*errand = (struct errand){ .gate = NULL };
		errand_queue(self->pool, errand);
		if (self->withdraw_every && i % self->withdraw_every == 0 &&
				weft__pool_withdraw(self->pool, &errand->job)) {
			errand->counter = &self->withdrawn; /* marks it */
			self->withdrawn++;
		}
	}
	return NULL;
}

static void submit_from_many(struct weft__pool *pool, unsigned submitters, unsigned each,
		unsigned withdraw_every)
{
	struct submitter all[8];

	for (unsigned i = 0; i < submitters; i++) {
		all[i] = (struct submitter){
			.pool = pool, .count = each, .withdraw_every = withdraw_every
		};
		CHECK_EQ(pthread_create(&all[i].thread, NULL, submitter_main, &all[i]), 0);
	}
	for (unsigned i = 0; i < submitters; i++) {
		CHECK_EQ(pthread_join(all[i].thread, NULL), 0);
		CHECK_EQ(all[i].done + all[i].withdrawn, each);
	}
	CHECK_EQ(metrics_of(pool).blocking_queued, 0);
	pool_end(pool);
}

static unsigned scaled(unsigned count)
{
#ifdef SANITIZED
	return count / 10;
#else
	return cap_to_test() == 64 ? count / 100 : count;
#endif
}

/* One or two submitters, in step: each submits one job a round, and nobody submits another before both have
 * run. So nothing that comes later finds a job that was lost. They spin, to come just when the pool's only
 * thread goes idle or leaves, a little later in each round. */
struct stepper {
	struct weft__pool *pool;
	uint32_t *arrived; /* how often any of them has been at the barrier */
	unsigned count, rounds;
	pthread_t thread;
};

static void spin_until(uint32_t *count, uint32_t at_least)
{
	for (unsigned spins = 1; atomic_load_acquire(count) < at_least;
			spins++) /* pairs with a signal */
		if (spins % 64)
			atomic_pause();
		else
			sched_yield();
}

static void *stepper_main(void *arg)
{
	struct stepper *self = arg;
	struct errand errand;

	for (unsigned round = 1; round <= self->rounds; round++) {
		errand = (struct errand){ .gate = NULL };
		atomic_fetch_add_acq_rel(self->arrived, 1u); /* pairs with spin_until */
		spin_until(self->arrived, self->count * round);
		for (unsigned delay = round % 128; delay; delay--)
			atomic_pause();
		errand_queue(self->pool, &errand);
		spin_until(&errand.commits, 1);
		CHECK_EQ(errand.runs, 1);
	}
	return NULL;
}

static void check_steps(int64_t keep_alive_ns, unsigned steppers, unsigned rounds)
{
	struct weft_runtime_options options = options_for(1);
	struct stepper all[2];
	struct weft__pool *pool;
	uint32_t arrived = 0;

	options.blocking_keep_alive_ns = keep_alive_ns;
	pool = pool_make(&options);
	for (unsigned i = 0; i < steppers; i++) {
		all[i] = (struct stepper){ pool, &arrived, steppers, rounds, pthread_self() };
		CHECK_EQ(pthread_create(&all[i].thread, NULL, stepper_main, &all[i]), 0);
	}
	for (unsigned i = 0; i < steppers; i++)
		CHECK_EQ(pthread_join(all[i].thread, NULL), 0);
	CHECK_EQ(metrics_of(pool).blocking_queued, 0);
	pool_end(pool);
}

/* B21, as the next two. */
TEST(no_job_is_lost_to_a_thread_whose_time_runs_out)
{
	check_steps(1, 1, scaled(5000));
}

TEST(no_jobs_of_two_submitters_are_lost_to_a_thread_whose_time_runs_out)
{
	check_steps(1, 2, scaled(10000));
}

TEST(no_jobs_of_two_submitters_are_lost_to_a_thread_that_goes_idle)
{
	check_steps(WEFT_SECONDS(1000), 2, scaled(10000));
}

TEST(many_submitters_share_threads_that_come_and_go)
{
	struct weft_runtime_options options = options_for(2);

	options.blocking_keep_alive_ns = 1;
	submit_from_many(pool_make(&options), 2, scaled(25000), 0);
}

TEST(many_submitters_share_a_few_threads)
{
	struct weft_runtime_options options = options_for(4);

	submit_from_many(pool_make(&options), 8, scaled(10000), 0);
}

TEST(many_submitters_take_jobs_back_while_threads_take_them)
{
	struct weft_runtime_options options = options_for(2);

	submit_from_many(pool_make(&options), 8, scaled(10000), 2);
}

/* Row S1-21: each job needs all the others to run at the same time, so that a thread must come for each. */
TEST(jobs_that_wait_for_each_other_all_get_a_thread)
{
	enum { CREW = 4 };

	for (unsigned round = 0; round < scaled(500); round++) {
		struct weft_runtime_options options = options_for(CREW);
		struct gate gate = { 0, 0 };
		struct errand errands[CREW] = { { .gate = NULL } };
		struct weft__pool *pool;

		options.blocking_keep_alive_ns = 1 + round % 2 * 1000000;
		pool = pool_make(&options);
		for (int i = 0; i < CREW; i++) {
			struct errand brief = { .gate = NULL };

			errand_queue(pool, &brief); /* its thread is idle or leaving then */
			errand_await(&brief);
			errands[i].gate = &gate;
			errand_queue(pool, &errands[i]);
		}
		event_wait(&gate.entered, CREW);
		event_signal(&gate.opened);
		for (int i = 0; i < CREW; i++)
			errand_await(&errands[i]);
		pool_end(pool);
	}
}

/* --- the leaf ------------------------------------------------------------------------------------- */

/* Stands in for the runtime: its definition keeps exec/runtime.c out of this program. */
static struct weft_env leaf_env;
static struct weft__pool *leaf_pool;

struct weft__pool *weft__runtime_pool(const struct weft_env *env)
{
	return env == &leaf_env ? leaf_pool : NULL;
}

struct leaf {
	struct weft_blocking__frame frame;
	struct weft_context cx;
	struct weft_strand strand;
	struct errand errand;
};

static void leaf_init(struct leaf *leaf, struct gate *gate)
{
	memset(leaf, 0, sizeof *leaf);
	memset(&leaf->frame, 0xa5, sizeof leaf->frame); /* nobody may count on zeroes */
	leaf->errand.gate = gate;
	weft_blocking__init(&leaf->frame.args, errand_run, &leaf->errand);
	leaf->cx = weft_context_make(waker_of(&leaf->errand), &leaf->strand);
	leaf->cx.env = &leaf_env;
}

static enum weft_poll leaf_poll(struct leaf *leaf)
{
	enum weft_poll poll;

	leaf->cx.waker_taken = 0;
	poll = weft_blocking__poll(&leaf->frame, &leaf->cx);
	CHECK(poll == WEFT_READY || leaf->cx.waker_taken || leaf->cx.self_woken);
	return poll;
}

static void check_leaf_result(struct leaf *leaf, int result)
{
	CHECK_EQ(leaf_poll(leaf), WEFT_READY);
	CHECK_EQ(leaf->frame.args.result, result);
}

TEST(blocking_is_ready_when_the_function_has_returned)
{
	struct weft_runtime_options options = options_for(1);
	struct gate gate = { 0, 0 };
	struct leaf leaf;

	leaf_pool = pool_make(&options);
	leaf_init(&leaf, &gate);
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	event_wait(&gate.entered, 1);
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING); /* spurious */
	CHECK_EQ(leaf.errand.claims, 0);
	event_signal(&gate.opened);
	event_wait(&leaf.errand.commits, 1);
	leaf.cx.budget = 0;
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	CHECK(leaf.cx.self_woken);
	leaf.cx.budget = WEFT_BUDGET;
	check_leaf_result(&leaf, 0);
	CHECK_EQ(leaf.cx.budget, WEFT_BUDGET - 1);
	pool_end(leaf_pool);
}

TEST(blocking_cancelled_before_it_starts_gives_ecanceled_and_runs_nothing)
{
	struct gate gate;
	struct errand stuck;
	struct leaf fresh, queued;

	leaf_pool = pool_make_stuck(&stuck, &gate, 0);
	leaf_init(&fresh, NULL);
	fresh.cx.cancelled = 1;
	check_leaf_result(&fresh, -ECANCELED);
	leaf_init(&queued, NULL);
	CHECK_EQ(leaf_poll(&queued), WEFT_PENDING);
	CHECK_EQ(metrics_of(leaf_pool).blocking_queued, 1);
	queued.cx.cancelled = 1;
	check_leaf_result(&queued, -ECANCELED);
	CHECK_EQ(metrics_of(leaf_pool).blocking_queued, 0);
	event_signal(&gate.opened);
	pool_end(leaf_pool);
	CHECK_EQ(fresh.errand.runs, 0);
	CHECK_EQ(queued.errand.runs, 0);
	CHECK_EQ(queued.errand.claims, 0);
}

TEST(blocking_cancelled_while_it_runs_waits_for_the_function)
{
	struct weft_runtime_options options = options_for(1);
	struct gate gate = { 0, 0 };
	struct leaf leaf;

	leaf_pool = pool_make(&options);
	leaf_init(&leaf, &gate);
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	event_wait(&gate.entered, 1);
	leaf.cx.cancelled = 1;
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	event_signal(&gate.opened);
	event_wait(&leaf.errand.commits, 1);
	check_leaf_result(&leaf, 0);
	pool_end(leaf_pool);
}

TEST(blocking_wakes_whoever_polled_it_last)
{
	struct weft_runtime_options options = options_for(1);
	struct gate gate = { 0, 0 };
	struct errand other = { .gate = NULL };
	struct leaf leaf;

	leaf_pool = pool_make(&options);
	leaf_init(&leaf, &gate);
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	leaf.cx.waker = waker_of(&other);
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	event_signal(&gate.opened);
	event_wait(&other.commits, 1);
	CHECK_EQ(leaf.errand.claims, 0);
	check_leaf_result(&leaf, 0);
	pool_end(leaf_pool);
}

TEST(blocking_beyond_the_bound_waits_its_turn)
{
	struct gate gate;
	struct errand stuck;
	struct leaf leaves[3];

	leaf_pool = pool_make_stuck(&stuck, &gate, 1);
	for (int i = 0; i < 3; i++) {
		leaf_init(&leaves[i], NULL);
		CHECK_EQ(leaf_poll(&leaves[i]), WEFT_PENDING);
	}
	leaves[1].cx.cancelled = 1;
	check_leaf_result(&leaves[1], -ECANCELED);
	event_signal(&gate.opened);
	event_wait(&leaves[2].errand.commits, 2);
	check_leaf_result(&leaves[0], 0);
	check_leaf_result(&leaves[2], 0);
	CHECK_EQ(leaves[1].errand.runs, 0);
	pool_end(leaf_pool);
}

TEST(blocking_outside_a_runtime_gives_enxio_and_after_shutdown_eshutdown)
{
	struct weft_runtime_options options = options_for(1);
	struct leaf leaf;

	leaf_init(&leaf, NULL);
	leaf.cx.env = NULL;
	check_leaf_result(&leaf, -ENXIO);
	leaf_pool = pool_make(&options);
	CHECK_EQ(weft__pool_shutdown(leaf_pool, INT64_MAX), 0);
	leaf_init(&leaf, NULL);
	check_leaf_result(&leaf, -ESHUTDOWN);
	weft__pool_destroy(leaf_pool);
	CHECK_EQ(leaf.errand.runs, 0);
}

TEST(blocking_charges_what_ends_at_once_but_not_what_waits)
{
	struct gate gate;
	struct errand stuck;
	struct leaf leaf;

	leaf_pool = pool_make_stuck(&stuck, &gate, 0);
	leaf_init(&leaf, NULL);
	leaf.cx.budget = 0;
	leaf.cx.cancelled = 1;
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	CHECK(leaf.cx.self_woken);
	leaf.cx.budget = 1;
	check_leaf_result(&leaf, -ECANCELED);
	CHECK_EQ(leaf.cx.budget, 0);
	leaf_init(&leaf, NULL);
	CHECK_EQ(leaf_poll(&leaf), WEFT_PENDING);
	CHECK_EQ(leaf.cx.budget, WEFT_BUDGET);
	event_signal(&gate.opened);
	event_wait(&leaf.errand.commits, 1);
	check_leaf_result(&leaf, 0);
	pool_end(leaf_pool);
}

TEST(blocking_describes_itself)
{
	CHECK_EQ(weft_blocking__async.flags, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_LEAF);
	CHECK_EQ(weft_blocking__async.frame_size, sizeof(struct weft_blocking__frame));
	weft_async_verify(&weft_blocking__async);
}
