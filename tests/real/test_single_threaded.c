/* SPDX-License-Identifier: MIT */
/* Locks before and after the process's second thread: what they do then is the same, and costs less before. The
 * first two tests need a process that has had one thread only, so they come first. */
#include <pthread.h>
#include <stdio.h>

#include <weft.h>
#include <weft/single_threaded.h>

#include "lock_forms.h"
#include "locked.h"
#include "probe.h"
#include "test.h"

static struct locks held[LOCK_FORMS];
static struct locks locks;
static struct weft_notify notify;
static struct weft_oneshot oneshot;
static int value, place;

static struct weft_strand strand;
static struct probe probe = PROBE;
static struct weft_context cx;

/* ---- what is counted: each goes the short way ---- */

static void mutex_once(void)
{
	int result = 1;

	CHECK(weft_mutex_lock__now(&cx, &result, &locks.mutex));
	weft_mutex_unlock(&locks.mutex);
}

static void semaphore_once(void)
{
	int result = 1;

	CHECK(weft_semaphore_acquire__now(&cx, &result, &locks.semaphore, 2));
	weft_semaphore_release(&locks.semaphore, 2);
}

static void read_once(void)
{
	int result = 1;

	CHECK(weft_rwlock_read__now(&cx, &result, &locks.rwlock));
	weft_rwlock_unlock_read(&locks.rwlock);
}

static void write_once(void)
{
	int result = 1;

	CHECK(weft_rwlock_write__now(&cx, &result, &locks.rwlock));
	weft_rwlock_unlock_write(&locks.rwlock);
}

static void notify_once(void)
{
	int result = 1;

	weft_notify_one(&notify);
	CHECK(weft_notify_wait__now(&cx, &result, &notify));
}

static void oneshot_once(void)
{
	int result = 1;

	weft_oneshot_init(&oneshot, &place, sizeof place);
	CHECK_EQ(weft_oneshot_send(&oneshot, &(int){ 7 }), 0);
	CHECK(weft_oneshot_recv__now(&cx, &result, &oneshot, &value));
}

static const struct {
	const char *name;
	void (*once)(void);
} ways[] = {
	{ "mutex", mutex_once },
	{ "semaphore", semaphore_once },
	{ "read", read_once },
	{ "write", write_once },
	{ "notify", notify_once },
	{ "oneshot", oneshot_once },
};

enum { WAYS = sizeof ways / sizeof *ways };

static pthread_mutex_t systems = PTHREAD_MUTEX_INITIALIZER;

static void systems_once(void)
{
	pthread_mutex_lock(&systems);
	pthread_mutex_unlock(&systems);
}

/* The library lets them go the short way from the first time on. */
static void prepare(void)
{
	locks_init(&locks);
	weft_notify_init(&notify);
	for (int i = 0; i < LOCK_FORMS; i++) {
		CHECK_EQ(lock_forms[i].take(&locks), 0);
		lock_forms[i].give(&locks);
	}
	cx = probe_context(&probe, NULL, &strand);
	systems_once();
	for (int i = 0; i < WAYS; i++)
		ways[i].once(); /* what the dynamic linker does is done then */
}

static void expect_to_count(void)
{
#ifdef WEFT_CHECKED
	SKIP("checked builds hear of each lock");
#endif
	if (!locked_are_seen())
		SKIP("instructions cannot be counted here");
	prepare();
}

static void expect_one_thread(void)
{
	if (!weft_single_threaded_())
		SKIP("the C library does not say that there is one thread only");
}

TEST(single_threaded_locks_need_no_atomic_operation)
{
	expect_one_thread();
	expect_to_count();
	for (int i = 0; i < WAYS; i++) {
		printf("%s\n", ways[i].name);
		CHECK_EQ(locked_in(ways[i].once), 0);
	}
	CHECK_EQ(locked_in(systems_once), 0);
}

/* ---- from one thread to two ---- */

static void *other_thread(void *unused)
{
	CHECK(!weft_single_threaded_());
	for (int i = 0; i < LOCK_FORMS; i++)
		CHECK(lock_forms[i].take(&held[i]) < 0); /* it was taken by the first thread */
	return unused;
}

static void *others_turn(void *unused)
{
	for (int i = 0; i < LOCK_FORMS; i++)
		CHECK_EQ(lock_forms[i].take(&held[i]), 0);
	return unused;
}

static void run_thread(void *(*run)(void *unused))
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Locked without other threads, with a task that waits, and unlocked when there were others. */
TEST(single_threaded_locks_are_seen_by_the_threads_that_come)
{
	struct weft_strand strands[LOCK_FORMS];
	struct probe probes[LOCK_FORMS];
	struct weft_context waiting[LOCK_FORMS];
	union lock_frame frames[LOCK_FORMS];

	expect_one_thread();
	for (int i = 0; i < LOCK_FORMS; i++) {
		strands[i].innermost = NULL;
		probes[i] = (struct probe)PROBE;
		waiting[i] = probe_context(&probes[i], NULL, &strands[i]);
		locks_init(&held[i]);
		for (int round = 0; round < 2; round++) { /* the slow way, and the short one */
			CHECK_EQ(lock_forms[i].take(&held[i]), 0);
			if (round == 0)
				lock_forms[i].give(&held[i]);
		}
		lock_forms[i].init(&frames[i], &held[i]);
		CHECK_EQ(lock_forms[i].async->poll(&frames[i], &waiting[i]), WEFT_PENDING);
	}
	CHECK(weft_single_threaded_());
	run_thread(other_thread);
	CHECK(!weft_single_threaded_());
	for (int i = 0; i < LOCK_FORMS; i++) {
		lock_forms[i].give(&held[i]);
		CHECK_EQ(probe_wakes(&probes[i]), 1);
		CHECK_EQ(lock_forms[i].async->poll(&frames[i], &waiting[i]), WEFT_READY);
		CHECK_EQ(frames[i].args.result, lock_forms[i].success);
		lock_forms[i].give_back(&held[i]);
	}
	/* TAKEN by a thread that has ended, and given by this one */
	for (int i = 0; i < LOCK_FORMS; i++)
		locks_init(&held[i]);
	run_thread(others_turn);
	for (int i = 0; i < LOCK_FORMS; i++) {
		lock_forms[i].give(&held[i]);
		CHECK_EQ(lock_forms[i].take(&held[i]), 0);
		lock_forms[i].give(&held[i]);
	}
}

/* ---- with threads ---- */

static void *nothing(void *unused)
{
	return unused;
}

/* Not more than the system's mutex, which may take one less. */
TEST(locks_take_one_atomic_operation_each)
{
	run_thread(nothing);
	expect_to_count();
	CHECK_EQ(locked_in(systems_once), 2);
	for (int i = 0; i < WAYS; i++) {
		printf("%s\n", ways[i].name);
		CHECK_EQ(locked_in(ways[i].once), 2);
	}
}
