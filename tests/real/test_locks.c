/* SPDX-License-Identifier: MIT */
/* Semaphore, mutex, rwlock, barrier, notify and oneshot between tasks on all kinds of runtimes, and threads
 * outside (behaviours 47, 58, 61 to 66). What they guard is plain memory: the thread sanitizer looks. */
#include "rig.h"

#include <weft/barrier.h>
#include <weft/mutex.h>
#include <weft/notify.h>
#include <weft/once.h>
#include <weft/oneshot.h>
#include <weft/rwlock.h>
#include <weft/scope.h>
#include <weft/semaphore.h>
#include <weft/time.h>
#include <weft/timed.h>

enum { TASKS = 6, ROUNDS = 2100, PERMITS = 2 }; /* ROUNDS: a multiple of three */

struct world {
	struct weft_mutex mutex;
	struct weft_rwlock rwlock;
	struct weft_semaphore semaphore;
	struct weft_barrier barrier;
	struct weft_notify notify;
	struct rig_gate never;
	uint32_t in_use;                /* atomic: permits */
	unsigned counted;               /* plain: under the mutex, or by the leader */
	unsigned guarded[3];            /* plain: under the mutex, the rwlock, all permits */
	const struct weft_async *child; /* what each task does */
};

static void world_init(struct world *world, const struct weft_async *child)
{
	*world = (struct world){ .child = child };
	weft_mutex_init(&world->mutex);
	weft_rwlock_init(&world->rwlock);
	weft_semaphore_init(&world->semaphore, PERMITS);
	weft_barrier_init(&world->barrier, TASKS);
	weft_notify_init(&world->notify);
}

RIG_TASK(crowd, struct world, struct weft_scope scope; struct weft_scope_close__frame close;)
{
	struct crowd__frame *f = frame;
	struct rig_args args;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (int i = 0; i < TASKS; i++) {
		args = rig_args(f->args.p0->child, f->args.p0);
		CHECK_EQ(weft_scope_spawn(&f->scope, f->args.p0->child, &args), 0);
	}
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

/* Threads that take part are started between the two: without its poller a runtime skips the test. */
static void run_crowd_on(struct weft_runtime *runtime, struct world *world)
{
	CHECK_EQ(rig_run(runtime, &crowd__async, world), 0);
	weft_runtime_destroy(runtime);
	CHECK_EQ(weft_mutex_try_lock(&world->mutex), 0);
	CHECK_EQ(weft_rwlock_try_write(&world->rwlock), 0);
	CHECK(!world->semaphore.waiters.oldest && !world->barrier.waiters.oldest);
}

static void run_crowd(const struct weft_runtime_options *options, struct world *world)
{
	run_crowd_on(rig_create(options), world);
}

/* ---- the mutex ---- */

RIG_TASK(counts, struct world, struct weft_mutex_lock__frame lock; struct weft_yield__frame yield;
		int i;)
{
	struct counts__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->lock, weft_mutex_lock, &f->args.p0->mutex);
		CHECK_EQ(f->lock.args.result, 0);
		f->args.p0->counted++;
		if (f->i % 4 == 0)
			weft_await(f, f->yield, weft_yield);
		weft_mutex_unlock(&f->args.p0->mutex);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b61_mutex_is_held_by_one_task)
{
	struct world world;

	world_init(&world, &counts__async);
	run_crowd(options, &world);
	CHECK_EQ(world.counted, TASKS * ROUNDS);
}

RIG_TASK(holds, struct world, struct weft_mutex_lock__frame lock; struct rig_gate_wait__frame wait;)
{
	struct holds__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->lock, weft_mutex_lock, &f->args.p0->mutex);
	if (f->lock.args.result < 0) /* somebody else holds it for so long */
		weft_return(f, f->lock.args.result);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	weft_mutex_unlock(&f->args.p0->mutex);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

RIG_TASK(outlasts, struct world, struct weft_timeout__frame timeout; struct holds__frame holds;
		struct weft_mutex_lock__frame lock;)
{
	struct outlasts__frame *f = frame;

	weft_begin(f);
	holds__init(&f->holds.args, f->args.p0);
	weft_await(f, f->timeout, weft_timeout, 1, &holds__async, &f->holds);
	CHECK_EQ(f->timeout.args.result, -ETIME);
	weft_await(f, f->lock, weft_mutex_lock, &f->args.p0->mutex);
	weft_mutex_unlock(&f->args.p0->mutex);
	weft_return(f, f->lock.args.result);
	weft_end(f);
}

RIG_TEST(b63_mutex_is_unlocked_when_a_timeout_ends_its_holder)
{
	struct world world;

	world_init(&world, &outlasts__async);
	run_crowd(options, &world);
}

/* One lock after the other; half of the rounds have little patience. */
RIG_TASK(
		counts_in_time, struct world,
		union {
			struct weft_mutex_lock_timed__frame mutex;
			struct weft_rwlock_write_timed__frame write;
			struct weft_rwlock_read_timed__frame read;
			struct weft_semaphore_acquire_timed__frame permits;
		} lock;
		struct weft_yield__frame yield; int i, result; int64_t limit_ns;)
{
	struct counts_in_time__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		f->limit_ns = f->i % 2 ? f->i : WEFT_LOCK_TIMEOUT;
		if (f->i % 3 == 0) {
			weft_await(f, f->lock.mutex, weft_mutex_lock_timed, &world->mutex,
					f->limit_ns, WEFT_HERE);
			f->result = f->lock.mutex.args.result;
		} else if (f->i % 3 == 1) {
			weft_await(f, f->lock.write, weft_rwlock_write_timed, &world->rwlock,
					f->limit_ns, WEFT_HERE);
			f->result = f->lock.write.args.result;
		} else {
			weft_await(f, f->lock.permits, weft_semaphore_acquire_timed,
					&world->semaphore, PERMITS, f->limit_ns, WEFT_HERE);
			f->result = f->lock.permits.args.result;
		}
		if (f->result == -ETIME && f->i % 2)
			continue;
		CHECK_EQ(f->result, 0);
		world->guarded[f->i % 3]++;
		if (f->i % 4 == 0)
			weft_await(f, f->yield, weft_yield);
		if (f->i % 3 == 0)
			weft_mutex_unlock(&world->mutex);
		else if (f->i % 3 == 1)
			weft_rwlock_unlock_write(&world->rwlock);
		else
			weft_semaphore_release(&world->semaphore, PERMITS);
		weft_await(f, f->lock.read, weft_rwlock_read_timed, &world->rwlock, f->limit_ns,
				WEFT_HERE);
		if (f->lock.read.args.result == 0) {
			CHECK(world->guarded[1] <= TASKS * ROUNDS / 3);
			weft_rwlock_unlock_read(&world->rwlock);
		}
	}
	weft_return(f, 0);
	weft_end(f);
}

/* Who is patient gets each of its turns. */
RIG_TEST(s2_72_locks_are_held_by_one_of_the_impatient)
{
	struct world world;

	world_init(&world, &counts_in_time__async);
	run_crowd(options, &world);
	for (int i = 0; i < 3; i++)
		CHECK(world.guarded[i] >= TASKS * ROUNDS / 6 &&
				world.guarded[i] <= TASKS * ROUNDS / 3);
}

/* ---- the rwlock ---- */

enum { PAGES = 4 };
static unsigned pages[PAGES]; /* plain: alike, unless somebody writes */

static void pages_write(void)
{
	for (int i = 0; i < PAGES; i++)
		pages[i]++;
}

static void pages_read(void)
{
	for (int i = 1; i < PAGES; i++)
		CHECK_EQ(pages[i], pages[0]);
}

/* async int reads(world): once, with a yield in it; may be cancelled at either. */
RIG_TASK(reads, struct world, struct weft_rwlock_read__frame read; struct weft_yield__frame yield;)
{
	struct reads__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->read, weft_rwlock_read, &f->args.p0->rwlock);
	if (f->read.args.result < 0)
		weft_return(f, f->read.args.result);
	pages_read();
	weft_await(f, f->yield, weft_yield);
	pages_read();
	weft_rwlock_unlock_read(&f->args.p0->rwlock);
	weft_return(f, 0);
	weft_end(f);
}

/* A third of the rounds writes, of which some downgrade; some of the others are out of patience at once. */
RIG_TASK(shares, struct world, struct weft_rwlock_write__frame write;
		struct weft_yield__frame yield; struct reads__frame reads;
		struct weft_timeout__frame timeout; int i;)
{
	struct shares__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		reads__init(&f->reads.args, f->args.p0);
		if (f->i % 3 == 1) {
			weft_await(f, f->reads, reads, f->args.p0);
		} else if (f->i % 3 == 2) {
			weft_await(f, f->timeout, weft_timeout, 0, &reads__async, &f->reads);
		} else {
			weft_await(f, f->write, weft_rwlock_write, &f->args.p0->rwlock);
			CHECK_EQ(f->write.args.result, 0);
			pages_write();
			weft_await(f, f->yield, weft_yield);
			pages_write();
			if (f->i % 2) {
				weft_rwlock_unlock_write(&f->args.p0->rwlock);
				continue;
			}
			weft_rwlock_downgrade(&f->args.p0->rwlock);
			pages_read();
			weft_rwlock_unlock_read(&f->args.p0->rwlock);
		}
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b61_b62_rwlock_is_held_by_one_writer_or_readers)
{
	struct world world;

	pages[0] = pages[1] = pages[2] = pages[3] = 0;
	world_init(&world, &shares__async);
	run_crowd(options, &world);
	pages_read();
	CHECK_EQ(pages[0], TASKS * ROUNDS / 3 * 2);
}

/* ---- the semaphore ---- */

RIG_TASK(gathers, struct world, struct weft_semaphore_acquire__frame acquire; int i;)
{
	struct gathers__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->acquire, weft_semaphore_acquire, &f->args.p0->semaphore,
				1 + (uint32_t)f->i % 3);
		CHECK_EQ(f->acquire.args.result, 0);
	}
	weft_return(f, 0);
	weft_end(f);
}

/* Half of what all gather: two in a round. */
static void *gives(void *semaphore)
{
	for (int i = 0; i < TASKS * ROUNDS; i++)
		weft_semaphore_release(semaphore, 1);
	return NULL;
}

RIG_TEST(b61_semaphore_takes_from_threads_and_gives_to_tasks)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;
	pthread_t threads[2];

	world_init(&world, &gathers__async);
	for (int i = 0; i < 2; i++)
		threads[i] = rig_thread(gives, &world.semaphore);
	run_crowd_on(runtime, &world);
	for (int i = 0; i < 2; i++)
		rig_thread_join(threads[i]);
	CHECK_EQ(weft_semaphore_available(&world.semaphore), PERMITS);
}

/* async int hurry(world): acquires two permits, unless a yield is faster: then that is cancelled, maybe just
 * as it gets them. Whether it has them. */
RIG_TASK(hurry, struct world, struct weft_branch branches[2]; struct weft_selection selection;
		struct weft_semaphore_acquire__frame acquire; struct weft_yield__frame yield;)
{
	struct hurry__frame *f = frame;

	if (f->args.base.at == 0) {
		weft_semaphore_acquire__init(&f->acquire.args, &f->args.p0->semaphore, PERMITS);
		f->branches[0] = weft_branch_make(&weft_semaphore_acquire__async, &f->acquire);
		weft_yield__init(&f->yield.args);
		f->branches[1] = weft_branch_make(&weft_yield__async, &f->yield);
		f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
		f->args.base.at = 1;
	}
	if (weft_select_poll(f->branches, 2, cx, &f->selection) == WEFT_PENDING)
		return WEFT_PENDING;
	CHECK_EQ(f->acquire.args.result, f->selection.winner ? -ECANCELED : 0);
	weft_return(f, f->selection.winner == 0);
}

RIG_TASK(hurries, struct world, struct hurry__frame hurry; struct weft_yield__frame yield; int i;)
{
	struct hurries__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->hurry, hurry, f->args.p0);
		if (!f->hurry.args.result)
			continue;
		CHECK_EQ(atomic_fetch_add_relaxed(&f->args.p0->in_use, 1u), 0);
		weft_await(f, f->yield, weft_yield);
		atomic_fetch_sub_relaxed(&f->args.p0->in_use, 1u);
		weft_semaphore_release(&f->args.p0->semaphore, 1);
		weft_semaphore_release(&f->args.p0->semaphore, 1);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b61_semaphore_loses_no_permit_to_cancelled_tasks)
{
	struct world world;

	world_init(&world, &hurries__async);
	run_crowd(options, &world);
	CHECK_EQ(weft_semaphore_available(&world.semaphore), PERMITS);
}

/* Who has been given a permit by whoever spawned it gives it back, also if it is cancelled before it begins:
 * it begins all the same. */
RIG_TASK(owns, struct world, struct weft_yield__frame yield;)
{
	struct owns__frame *f = frame;

	weft_begin(f);
	CHECK(atomic_fetch_add_relaxed(&f->args.p0->in_use, 1u) < PERMITS);
	weft_await(f, f->yield, weft_yield);
	atomic_fetch_sub_relaxed(&f->args.p0->in_use, 1u);
	weft_semaphore_release(&f->args.p0->semaphore, 1);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(gives_away, struct world, struct weft_semaphore_acquire__frame acquire;
		struct weft_task * task; int i;)
{
	struct gives_away__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->acquire, weft_semaphore_acquire, &f->args.p0->semaphore, 1);
		CHECK_EQ(f->acquire.args.result, 0);
		f->task = rig_spawn(NULL, &owns__async, f->args.p0);
		if (f->i % 2)
			weft_task_cancel(f->task);
		weft_task_detach(f->task);
	}
	weft_await(f, f->acquire, weft_semaphore_acquire, &f->args.p0->semaphore, PERMITS);
	weft_semaphore_release(&f->args.p0->semaphore, PERMITS);
	weft_return(f, f->acquire.args.result);
	weft_end(f);
}

RIG_TEST(s2_41_semaphore_permit_moves_into_a_task)
{
	struct world world;

	world_init(&world, &gives_away__async);
	run_crowd(options, &world);
	CHECK_EQ(weft_semaphore_available(&world.semaphore), PERMITS);
	CHECK_EQ(world.in_use, 0);
}

/* Three in one task take turns with one permit. */
RIG_TASK(takes_turns, struct world, struct weft_semaphore_acquire__frame acquire;
		struct weft_yield__frame yield; int i;)
{
	struct takes_turns__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->acquire, weft_semaphore_acquire, &f->args.p0->semaphore, PERMITS);
		weft_await(f, f->yield, weft_yield);
		weft_semaphore_release(&f->args.p0->semaphore, PERMITS);
	}
	weft_return(f, f->acquire.args.result);
	weft_end(f);
}

RIG_TASK(joins_three, struct world, struct weft_branch branches[3];
		struct takes_turns__frame turns[3];)
{
	struct joins_three__frame *f = frame;

	for (int i = 0; i < 3 && f->args.base.at == 0; i++) {
		takes_turns__init(&f->turns[i].args, f->args.p0);
		f->branches[i] = weft_branch_make(&takes_turns__async, &f->turns[i]);
	}
	f->args.base.at = 1;
	if (weft_join_poll(f->branches, 3, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, 0);
}

RIG_TEST(b47_join_of_tasks_that_share_a_permit_starves_nobody)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world, NULL);
	CHECK_EQ(rig_run(runtime, &joins_three__async, &world), 0);
	weft_runtime_destroy(runtime);
	CHECK_EQ(weft_semaphore_available(&world.semaphore), PERMITS);
}

/* ---- the barrier ---- */

RIG_TASK(keeps_step, struct world, struct weft_barrier_wait__frame wait; unsigned i;)
{
	struct keeps_step__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->wait, weft_barrier_wait, &f->args.p0->barrier);
		CHECK(f->wait.args.result >= 0);
		if (f->wait.args.result)
			f->args.p0->counted++;
		weft_await(f, f->wait, weft_barrier_wait, &f->args.p0->barrier);
		CHECK_EQ(f->args.p0->counted, f->i + 1);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b65_barrier_keeps_tasks_in_step)
{
	struct world world;

	world_init(&world, &keeps_step__async);
	run_crowd(options, &world);
	CHECK_EQ(world.counted, ROUNDS);
}

/* ---- notify ---- */

/* A stock that everybody puts into and takes from, and that says when it has grown. */
RIG_TASK(consumes, struct world, struct weft_notify_wait__frame wait; int i;)
{
	struct consumes__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		while (weft_semaphore_try_acquire(&world->semaphore, 1) < 0) {
			weft_await(f, f->wait, weft_notify_wait, &world->notify);
			CHECK_EQ(f->wait.args.result, 0);
		}
		/* one notify may stand for several that have come: the next looks, too */
		weft_notify_one(&world->notify);
	}
	weft_return(f, 0);
	weft_end(f);
}

static void *produces(void *data)
{
	struct world *world = data;

	for (int i = 0; i < TASKS * ROUNDS / 2; i++) {
		weft_semaphore_release(&world->semaphore, 1);
		weft_notify_one(&world->notify);
	}
	return NULL;
}

RIG_TEST(b64_notify_one_feeds_tasks_from_threads)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;
	pthread_t threads[2];

	world_init(&world, &consumes__async);
	for (int i = 0; i < 2; i++)
		threads[i] = rig_thread(produces, &world);
	run_crowd_on(runtime, &world);
	for (int i = 0; i < 2; i++)
		rig_thread_join(threads[i]);
	CHECK_EQ(weft_semaphore_available(&world.semaphore), PERMITS);
}

/* Everybody waits until a thread has counted to the end, and looks whenever it says so. */
RIG_TASK(follows, struct world, struct weft_notify_wait_after__frame wait; uint32_t seen;)
{
	struct follows__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (;;) {
		f->seen = weft_notify_seen(&world->notify);
		/* relaxed: what was counted before a generation is seen with it */
		if (atomic_load_relaxed(&world->in_use) == ROUNDS)
			break;
		weft_await(f, f->wait, weft_notify_wait_after, &world->notify, f->seen);
		CHECK_EQ(f->wait.args.result, 0);
	}
	weft_return(f, 0);
	weft_end(f);
}

static void *announces(void *data)
{
	struct world *world = data;

	for (int i = 0; i < ROUNDS; i++) {
		atomic_fetch_add_relaxed(&world->in_use, 1u);
		weft_notify_all(&world->notify);
	}
	return NULL;
}

RIG_TEST(b64_notify_all_is_missed_by_nobody)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;
	pthread_t thread;

	world_init(&world, &follows__async);
	thread = rig_thread(announces, &world);
	run_crowd_on(runtime, &world);
	rig_thread_join(thread);
}

/* ---- oneshot ---- */

RIG_TASK(answers, struct weft_oneshot, )
{
	struct answers__frame *f = frame;
	const int answer = 42;

	(void)cx;
	CHECK_EQ(weft_oneshot_send(f->args.p0, &answer), 0);
	weft_return(f, 0);
}

/* The oneshot is in the frame, and is used again as soon as it has been received from. */
RIG_TASK(asks, struct world, struct weft_oneshot oneshot; struct weft_oneshot_recv__frame recv;
		int place; int received; int i;)
{
	struct asks__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_oneshot_init(&f->oneshot, &f->place, sizeof f->place);
		f->place = f->received = 0;
		rig_spawn_detached(NULL, &answers__async, &f->oneshot);
		weft_await(f, f->recv, weft_oneshot_recv, &f->oneshot, &f->received);
		CHECK_EQ(f->recv.args.result, 0);
		CHECK_EQ(f->received, 42);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b58_oneshot_may_be_used_again_by_who_has_received)
{
	struct world world;

	world_init(&world, &asks__async);
	run_crowd(options, &world);
}

/* ---- once ---- */

static struct weft_once onces[ROUNDS];
static int made[ROUNDS],
		failed[ROUNDS]; /* plain: whoever has the turn writes, and the others read */

/* Each is made by whoever comes first, after a yield, and after a failure. */
RIG_TASK(needs_all, struct world, struct weft_once_begin__frame begin;
		struct weft_yield__frame yield; int i; int result;)
{
	struct needs_all__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i += f->result == 0) {
		weft_await(f, f->begin, weft_once_begin, &onces[f->i]);
		f->result = f->begin.args.result;
		if (f->result == 1) {
			weft_await(f, f->yield, weft_yield);
			if (failed[f->i]++)
				made[f->i]++;
			f->result = weft_once_end(&onces[f->i], made[f->i] ? 0 : -EIO);
		}
		CHECK(f->result == 0 ? made[f->i] == 1 : f->result == -EIO);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b66_once_is_made_once_between_tasks)
{
	struct world world;

	for (int i = 0; i < ROUNDS; i++) {
		weft_once_init(&onces[i]);
		made[i] = failed[i] = 0;
	}
	world_init(&world, &needs_all__async);
	run_crowd(options, &world);
	for (int i = 0; i < ROUNDS; i++)
		CHECK(made[i] == 1 && failed[i] == 2);
}
