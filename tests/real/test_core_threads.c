/* SPDX-License-Identifier: MIT */
/* core with real threads: eight of them hammer the wakers of one task on the bare executor, and two take
 * turns with a task by a waker slot. What the search of tests/model shows for a few steps, the thread
 * sanitizer looks at here for many. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <weft/loop.h>
#include <weft/waker_slot.h>

#include "base/atomic.h"
#include "test.h"

/* --- a home that parks on a token ----------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t is_left = PTHREAD_COND_INITIALIZER;
static bool token;

static void home_wake(struct weft_loop *loop)
{
	(void)loop;
	pthread_mutex_lock(&lock);
	token = true;
	pthread_cond_signal(&is_left);
	pthread_mutex_unlock(&lock);
}

static void home_run(struct weft_loop *loop)
{
	while (weft_loop_run_until_stalled(loop) > 0) {
		pthread_mutex_lock(&lock);
		while (!token)
			pthread_cond_wait(&is_left, &lock);
		token = false;
		pthread_mutex_unlock(&lock);
	}
}

/* --- owned wakers --------------------------------------------------------------------------------- */

enum { THREADS = 8, WAKES = 2000, ROUNDS = 1000 };

static pthread_t threads[THREADS];
static uint32_t wakes, polls;

static void *hammer(void *owned)
{
	struct weft_waker waker = *(struct weft_waker *)owned;

	for (int i = 0; i < WAKES; i++) {
		struct weft_waker other = weft_waker_clone(&waker);

		atomic_fetch_add_relaxed(&wakes, 1u); /* the wake makes it visible */
		if (i % 2)
			weft_waker_wake_by_ref(&waker);
		else
			weft_waker_wake(weft_waker_clone(&waker));
		weft_waker_drop(other);
	}
	weft_waker_wake(waker);
	return NULL;
}

WEFT_ASYNC_0(int, be_hammered);
struct be_hammered__frame {
	struct be_hammered__args args;
	struct weft_waker owned[THREADS];
};

enum weft_poll be_hammered__poll(void *frame, struct weft_context *cx)
{
	struct be_hammered__frame *f = frame;
	const struct weft_waker *waker = weft_context_waker(cx);

	polls++;
	for (int i = 0; f->args.base.at == 0 && i < THREADS; i++) {
		f->owned[i] = weft_waker_clone(waker);
		CHECK_EQ(pthread_create(&threads[i], NULL, hammer, &f->owned[i]), 0);
	}
	f->args.base.at = 1;
	if (atomic_load_relaxed(&wakes) < THREADS * WAKES)
		return WEFT_PENDING;
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE_LEAF(be_hammered, WEFT_ASYNC_RESULT_INT);

/* Row S0-30. */
TEST(loop_survives_eight_threads_that_hammer_clones_of_one_waker)
{
	static struct weft_loop loop = { .on_wake = home_wake };
	static WEFT_LOOP_TASK(storage, struct be_hammered__frame);
	struct be_hammered__args args;

	be_hammered__init(&args);
	CHECK(weft_loop_spawn(&loop, &storage, sizeof storage, &be_hammered__async, &args));
	home_run(&loop);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0); /* wakes after the end */
	CHECK(polls <= THREADS * (WAKES + 1) + 1);
	CHECK(weft_loop_spawn(&loop, &storage, sizeof storage, &be_hammered__async, &args));
}

/* --- a waker slot --------------------------------------------------------------------------------- */

/* A place for one number at a time, 0 for none: the thread fills it, the task empties it. */
static struct basket {
	struct weft_waker_slot slot;
	uint32_t number;
} baskets[2];

static void *fill(void *data)
{
	struct basket *basket = data;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		while (atomic_load_acquire(&basket->number)) /* pairs with empty__poll */
			sched_yield();
		atomic_store_release(&basket->number, i); /* pairs with empty__poll */
		weft_waker_slot_wake(&basket->slot);
	}
	return NULL;
}

WEFT_ASYNC_1(int, empty, struct basket *);
struct empty__frame {
	struct empty__args args;
	uint32_t expected;
};

enum weft_poll empty__poll(void *frame, struct weft_context *cx)
{
	struct empty__frame *f = frame;
	struct basket *basket = f->args.p0;

	if (f->args.base.at == 0)
		f->expected = 1;
	f->args.base.at = 1;
	for (;;) {
		uint32_t number;

		weft_waker_slot_register(&basket->slot, cx);
		number = atomic_load_acquire(&basket->number); /* pairs with fill */
		if (!number)
			return WEFT_PENDING;
		CHECK_EQ(number, f->expected);
		if (number == ROUNDS)
			break;
		f->expected++;
		atomic_store_release(&basket->number, 0u); /* pairs with fill */
	}
	if (!weft_waker_slot_clear(&basket->slot, cx))
		return WEFT_PENDING;
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE_LEAF(empty, WEFT_ASYNC_RESULT_INT);

TEST(waker_slot_hands_numbers_from_threads_to_tasks)
{
	static struct weft_loop loop = { .on_wake = home_wake };
	static WEFT_LOOP_TASK(storage[2], struct empty__frame);
	struct empty__args args;

	for (int i = 0; i < 2; i++) {
		empty__init(&args, &baskets[i]);
		CHECK(weft_loop_spawn(&loop, &storage[i], sizeof storage[i], &empty__async, &args));
		CHECK_EQ(pthread_create(&threads[i], NULL, fill, &baskets[i]), 0);
	}
	home_run(&loop);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}
