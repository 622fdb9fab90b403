/* SPDX-License-Identifier: MIT */
/* What is tried before a leaf is polled (NAME__now): ends what need not wait, inline, and nothing else. */
#include <stdio.h>
#include <string.h>

#include <weft.h>

#include "lock_forms.h"
#include "probe.h"
#include "test.h"

/* Checked builds hear of each lock that somebody holds. */
#ifdef WEFT_CHECKED
enum { LOCKS_ARE_INLINE = 0 };
#else
enum { LOCKS_ARE_INLINE = 1 };
#endif

static struct locks locks;
static struct weft_notify notify;
static struct weft_oneshot oneshot;
static int value, place;

static bool mutex_now(struct weft_context *cx, int *result)
{
	return weft_mutex_lock__now(cx, result, &locks.mutex);
}

static void mutex_ready(void)
{
	CHECK_EQ(weft_mutex_try_lock(&locks.mutex), 0); /* the library says so at the first time */
	weft_mutex_unlock(&locks.mutex);
}

static bool semaphore_now(struct weft_context *cx, int *result)
{
	return weft_semaphore_acquire__now(cx, result, &locks.semaphore, 2);
}

static void semaphore_ready(void)
{
	CHECK_EQ(weft_semaphore_try_acquire(&locks.semaphore, 2), 0);
	weft_semaphore_release(&locks.semaphore, 2);
}

static bool read_now(struct weft_context *cx, int *result)
{
	return weft_rwlock_read__now(cx, result, &locks.rwlock);
}

static bool write_now(struct weft_context *cx, int *result)
{
	return weft_rwlock_write__now(cx, result, &locks.rwlock);
}

static void rwlock_ready(void)
{
	CHECK_EQ(weft_rwlock_try_write(&locks.rwlock), 0);
	weft_rwlock_unlock_write(&locks.rwlock);
	CHECK_EQ(weft_rwlock_try_read(&locks.rwlock), 0);
	weft_rwlock_unlock_read(&locks.rwlock);
}

static bool once_now(struct weft_context *cx, int *result)
{
	return weft_once_begin__now(cx, result, &locks.once);
}

static void once_ready(void)
{
	CHECK(!weft_once_is_done(&locks.once));
	CHECK_EQ(weft_once_try_begin(&locks.once), 1);
	CHECK_EQ(weft_once_end(&locks.once, 0), 0);
	CHECK(weft_once_is_done(&locks.once));
}

static bool notify_now(struct weft_context *cx, int *result)
{
	return weft_notify_wait__now(cx, result, &notify);
}

static void notify_ready(void)
{
	weft_notify_one(&notify);
}

static bool oneshot_now(struct weft_context *cx, int *result)
{
	return weft_oneshot_recv__now(cx, result, &oneshot, &value);
}

static void oneshot_ready(void)
{
	CHECK_EQ(weft_oneshot_send(&oneshot, &(int){ 7 }), 0);
}

static const struct now {
	const char *name;
	bool (*now)(struct weft_context *cx, int *result);
	void (*ready)(void);
	bool is_shared;  /* a second one may have it, too */
	bool is_watched; /* in checked builds */
} nows[] = {
	{ "mutex", mutex_now, mutex_ready, false, true },
	{ "semaphore", semaphore_now, semaphore_ready, false, true },
	{ "read", read_now, rwlock_ready, true, true },
	{ "write", write_now, rwlock_ready, false, true },
	{ "once", once_now, once_ready, true, false },
	{ "notify", notify_now, notify_ready, false, false },
	{ "oneshot", oneshot_now, oneshot_ready, false, false },
};

static void prepare(const struct now *now)
{
	locks_init(&locks);
	weft_notify_init(&notify);
	weft_oneshot_init(&oneshot, &place, sizeof place);
	value = 0;
	printf("%s\n", now->name);
}

TEST(lock_now_ends_what_need_not_wait)
{
	for (size_t i = 0; i < sizeof nows / sizeof nows[0]; i++) {
		const struct now *now = &nows[i];
		struct weft_strand strand = { NULL };
		struct probe probe = PROBE;
		struct weft_context cx = probe_context(&probe, NULL, &strand);
		bool is_inline = LOCKS_ARE_INLINE || !now->is_watched;
		int result = 1;

		prepare(now);
		CHECK(!now->now(&cx, &result)); /* nobody has said that it may */
		CHECK_EQ(cx.budget, WEFT_BUDGET);
		now->ready();
		CHECK_EQ(now->now(&cx, &result), is_inline);
		CHECK_EQ(cx.budget, WEFT_BUDGET - is_inline);
		CHECK_EQ(result, !is_inline);
		CHECK_EQ(value, now->now == oneshot_now ? 7 : 0);
		CHECK_EQ(now->now(&cx, &result), is_inline && now->is_shared);
		CHECK(!cx.self_woken);
	}
}

TEST(lock_now_does_nothing_for_who_is_cancelled_or_has_spent_the_budget)
{
	for (size_t i = 0; i < sizeof nows / sizeof nows[0]; i++) {
		const struct now *now = &nows[i];
		struct weft_strand strand = { NULL };
		struct probe probe = PROBE;
		struct weft_context cx = probe_context(&probe, NULL, &strand);
		int result = 1;

		prepare(now);
		now->ready();
		cx.cancelled = 1;
		CHECK(!now->now(&cx, &result));
		cx.cancelled = 0;
		cx.budget = 0;
		CHECK(!now->now(&cx, &result));
		CHECK_EQ(cx.budget, 0);
		CHECK_EQ(result, 1);
		cx.budget = 1; /* it is still there */
		CHECK_EQ(now->now(&cx, &result), LOCKS_ARE_INLINE || !now->is_watched);
	}
}

/* B61: a task waits, so nobody goes first by the short way. */
TEST(b61_lock_now_and_try_overtake_nobody)
{
	for (int i = 0; i < LOCK_FORMS; i++) {
		const struct lock_form *form = &lock_forms[i];
		struct weft_strand strand = { NULL };
		struct probe probe = PROBE;
		struct weft_context cx = probe_context(&probe, NULL, &strand);
		union lock_frame frame;
		int result;

		locks_init(&locks);
		CHECK_EQ(form->take(&locks), 0);
		form->init(&frame, &locks);
		CHECK_EQ(form->async->poll(&frame, &cx), WEFT_PENDING);
		for (size_t j = 0; j < sizeof nows / sizeof nows[0]; j++)
			if (strstr(form->async->name, nows[j].name))
				CHECK(!nows[j].now(&cx, &result));
		form->give(&locks);
		CHECK_EQ(form->async->poll(&frame, &cx), WEFT_READY);
		CHECK_EQ(frame.args.result, form->success);
		form->give_back(&locks);
	}
}

/* ---- by hand ---- */

WEFT_ASYNC_0(int, locks_by_hand);

struct locks_by_hand__frame {
	struct locks_by_hand__args args;
	struct weft_mutex_lock__frame lock;
	int rounds;
};

enum weft_poll locks_by_hand__poll(void *frame, struct weft_context *cx)
{
	struct locks_by_hand__frame *f = frame;

	weft_begin(f);
	for (f->rounds = 0; f->rounds < 3; f->rounds++) {
		weft_await_now(f, f->lock, weft_mutex_lock, &locks.mutex);
		if (f->lock.args.result < 0)
			weft_return(f, f->lock.args.result);
		weft_mutex_unlock(&locks.mutex);
	}
	weft_return(f, f->rounds);
	weft_end(f);
}

TEST(lock_now_by_hand)
{
	struct weft_strand strand = { NULL };
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct locks_by_hand__frame frame;

	locks_init(&locks);
	CHECK_EQ(weft_mutex_try_lock(&locks.mutex), 0);
	locks_by_hand__init(&frame.args);
	CHECK_EQ(locks_by_hand__poll(&frame, &cx), WEFT_PENDING);
	weft_mutex_unlock(&locks.mutex);
	CHECK_EQ(probe_wakes(&probe), 1);
	CHECK_EQ(locks_by_hand__poll(&frame, &cx), WEFT_READY);
	CHECK_EQ(frame.args.result, 3);
	CHECK_EQ(cx.budget, WEFT_BUDGET - 3);
}
