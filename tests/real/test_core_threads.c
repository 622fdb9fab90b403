/* SPDX-License-Identifier: MIT */
/* core with real threads: eight of them hammer the wakers of one task on the bare executor, and two take
 * turns with a task by a waker slot. What the search of tests/model shows for a few steps, the thread
 * sanitizer looks at here for many. Then whatever tasks wait for each other with, between the bare executor,
 * one that knows of Weft's only the wakers, and a runtime. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <weft.h>
#include <weft/loop.h>
#include <weft/waker_slot.h>

#include "base/atomic.h"
#include "rig.h"
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

/* --- an executor of somebody else ----------------------------------------------------------------- */

/* One future on one thread; it is told of a wake, and counts who may still tell it. */
struct foreign {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool woken;
	int owners;
};

static const struct weft_waker_ops foreign_ops;

static void foreign_tell(struct foreign *foreign, bool woken, int owners)
{
	pthread_mutex_lock(&foreign->lock);
	foreign->woken |= woken;
	foreign->owners += owners;
	pthread_cond_signal(&foreign->told);
	pthread_mutex_unlock(&foreign->lock);
}

static struct weft_waker foreign_clone(void *data)
{
	struct weft_waker waker = { &foreign_ops, data };

	foreign_tell(data, false, 1);
	return waker;
}

static void foreign_wake(void *data)
{
	foreign_tell(data, true, -1);
}

static void foreign_wake_by_ref(void *data)
{
	foreign_tell(data, true, 0);
}

static void foreign_drop(void *data)
{
	foreign_tell(data, false, -1);
}

/* A claim is a clone, and its commit wakes and ends that. */
static const struct weft_waker_ops foreign_ops = { foreign_clone, foreign_wake, foreign_wake_by_ref,
	foreign_drop, foreign_clone, foreign_wake };

static void foreign_run(const struct weft_async *async, void *frame)
{
	struct foreign foreign = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.told = PTHREAD_COND_INITIALIZER };
	struct weft_waker waker = { &foreign_ops, &foreign };
	struct weft_strand strand = { NULL };
	enum weft_poll poll;

	do {
		struct weft_context cx = weft_context_make(waker, &strand);

		poll = weft_strand_poll(&strand, async, frame, &cx);
		pthread_mutex_lock(&foreign.lock);
		foreign.woken |= cx.self_woken;
		while (poll == WEFT_READY ? foreign.owners > 0 : !foreign.woken)
			pthread_cond_wait(&foreign.told, &foreign.lock);
		foreign.woken = false;
		pthread_mutex_unlock(&foreign.lock);
	} while (poll == WEFT_PENDING);
}

/* --- three tasks that go on together only --------------------------------------------------------- */

enum { PLACES = 3, TURNS = 40 };

static struct {
	struct weft_barrier barrier;
	struct weft_mutex mutex;
	struct weft_rwlock rwlock;
	struct weft_semaphore semaphore;
	struct weft_once onces[TURNS];
	struct weft_notify notifies[PLACES];
	struct weft_oneshot oneshots[PLACES];
	struct weft_channel ring[PLACES];
	struct weft_broadcast broadcast;
	struct weft_broadcast_receiver listeners[PLACES];
	struct weft_watch watch;
	struct weft_watch_receiver watchers[PLACES];
	struct weft_cancel_token token;
	struct weft_task_tracker tracker;
	int lie_here[PLACES], aired[4], shown;
	int locked, read, permitted, made; /* plain */
	uint32_t leaders;
} meeting;

WEFT_ASYNC_1(int, meets, int);
struct meets__frame {
	struct meets__args args;
	int turn, next, got, heard, seen, before;
	union {
		struct weft_barrier_wait__frame barrier;
		struct weft_mutex_lock__frame mutex;
		struct weft_rwlock_write__frame write;
		struct weft_rwlock_read__frame read;
		struct weft_semaphore_acquire__frame acquire;
		struct weft_once_begin__frame once;
		struct weft_notify_wait__frame notify;
		struct weft_oneshot_recv__frame oneshot;
		struct weft_channel_send__frame send;
		struct weft_channel_recv__frame recv;
		struct weft_broadcast_recv__frame hear;
		struct weft_watch_changed__frame changed;
		struct weft_cancel_token_wait__frame token;
		struct weft_task_tracker_wait__frame tracker;
	};
};
WEFT_ASYNC_DEFINE(meets, WEFT_ASYNC_RESULT_INT);

#define AWAIT(leaf, function, ...)                                                                 \
	do {                                                                                       \
		weft_await(f, f->leaf, function, __VA_ARGS__);                                     \
		CHECK(f->leaf.args.result >= 0);                                                   \
	} while (0)

static void meets_tell_next(const struct meets__frame *f)
{
	weft_notify_one(&meeting.notifies[f->next]);
	CHECK_EQ(weft_oneshot_send(&meeting.oneshots[f->next], &f->turn), 0);
	if (f->args.p0 == 0)
		CHECK_EQ(weft_broadcast_send(&meeting.broadcast, &f->turn), 0);
	if (f->args.p0 == 1)
		CHECK_EQ(weft_watch_send(&meeting.watch, &f->turn), 0);
}

enum weft_poll meets__poll(void *frame, struct weft_context *cx)
{
	struct meets__frame *f = frame;
	int self = f->args.p0;

	weft_begin(f);
	f->next = (self + 1) % PLACES;
	for (f->turn = 0; f->turn < TURNS; f->turn++) {
		AWAIT(barrier, weft_barrier_wait, &meeting.barrier);
		atomic_fetch_add_relaxed(&meeting.leaders, (uint32_t)f->barrier.args.result);
		AWAIT(mutex, weft_mutex_lock, &meeting.mutex);
		meeting.locked++;
		weft_mutex_unlock(&meeting.mutex);
		AWAIT(write, weft_rwlock_write, &meeting.rwlock);
		meeting.read++;
		weft_rwlock_downgrade(&meeting.rwlock);
		weft_rwlock_unlock_read(&meeting.rwlock);
		AWAIT(read, weft_rwlock_read, &meeting.rwlock);
		CHECK(meeting.read > PLACES * f->turn && meeting.read <= PLACES * (f->turn + 1));
		weft_rwlock_unlock_read(&meeting.rwlock);
		AWAIT(acquire, weft_semaphore_acquire, &meeting.semaphore, 2);
		meeting.permitted++;
		weft_semaphore_release(&meeting.semaphore, 2);
		AWAIT(once, weft_once_begin, &meeting.onces[f->turn]);
		if (f->once.args.result) {
			meeting.made++;
			CHECK_EQ(weft_once_end(&meeting.onces[f->turn], 0), 0);
		}
		CHECK_EQ(meeting.made, f->turn + 1);
		meets_tell_next(f);
		AWAIT(notify, weft_notify_wait, &meeting.notifies[self]);
		AWAIT(oneshot, weft_oneshot_recv, &meeting.oneshots[self], &f->got);
		weft_oneshot_init(&meeting.oneshots[self], &meeting.lie_here[self], sizeof(int));
		AWAIT(send, weft_channel_send, &meeting.ring[f->next], &f->turn);
		AWAIT(recv, weft_channel_recv, &meeting.ring[self], &f->before);
		AWAIT(hear, weft_broadcast_recv, &meeting.listeners[self], &f->heard);
		AWAIT(changed, weft_watch_changed, &meeting.watchers[self], &f->seen);
		CHECK(f->got == f->turn && f->before == f->turn);
		CHECK(f->heard == f->turn && f->seen == f->turn);
	}
	if (self == 0)
		weft_cancel_token_cancel(&meeting.token);
	AWAIT(token, weft_cancel_token_wait, &meeting.token);
	weft_task_tracker_leave(&meeting.tracker);
	AWAIT(tracker, weft_task_tracker_wait, &meeting.tracker);
	weft_return(f, self + 10);
	weft_end(f);
}

static void meeting_set_up(void)
{
	weft_barrier_init(&meeting.barrier, PLACES);
	weft_mutex_init(&meeting.mutex);
	weft_rwlock_init(&meeting.rwlock);
	weft_semaphore_init(&meeting.semaphore, 3);
	weft_broadcast_init(&meeting.broadcast, meeting.aired, sizeof(int), 4);
	weft_watch_init(&meeting.watch, &meeting.shown, sizeof(int));
	weft_cancel_token_init(&meeting.token);
	weft_task_tracker_init(&meeting.tracker);
	for (int i = 0; i < TURNS; i++)
		weft_once_init(&meeting.onces[i]);
	for (int i = 0; i < PLACES; i++) {
		weft_notify_init(&meeting.notifies[i]);
		weft_oneshot_init(&meeting.oneshots[i], &meeting.lie_here[i], sizeof(int));
		weft_channel_init(&meeting.ring[i], sizeof(int), 1);
		(weft_broadcast_subscribe)(&meeting.broadcast, &meeting.listeners[i]);
		(weft_watch_subscribe)(&meeting.watch, &meeting.watchers[i]);
		weft_task_tracker_enter(&meeting.tracker);
	}
	weft_task_tracker_close(&meeting.tracker);
	meeting.locked = meeting.read = meeting.permitted = meeting.made = 0;
	meeting.leaders = 0;
}

static void meeting_check(void)
{
	CHECK_EQ(meeting.leaders, TURNS);
	CHECK_EQ(meeting.locked, PLACES * TURNS);
	CHECK_EQ(meeting.permitted, PLACES * TURNS);
	CHECK_EQ(weft_semaphore_available(&meeting.semaphore), 3);
	for (int i = 0; i < PLACES; i++)
		weft_channel_finish(&meeting.ring[i]);
}

static void *meets_in_a_loop(void *unused)
{
	static WEFT_LOOP_TASK(storage, struct meets__frame);
	struct weft_loop loop = { .on_wake = home_wake };
	struct weft_loop_task *task;
	struct meets__args args;

	meets__init(&args, 0);
	token = false;
	task = weft_loop_spawn(&loop, &storage, sizeof storage, &meets__async, &args);
	CHECK(task != NULL);
	home_run(&loop);
	CHECK_EQ(*(const int *)weft_loop_result(task), 10);
	return unused;
}

static void *meets_elsewhere(void *unused)
{
	struct meets__frame frame;

	meets__init(&frame.args, 1);
	foreign_run(&meets__async, &frame);
	CHECK_EQ(frame.args.result, 11);
	return unused;
}

/* Each of them wakes the others, and is woken by them, on the way through everything. */
RIG_TEST(tasks_of_three_executors_meet)
{
	struct weft_runtime *runtime = rig_create(options);
	pthread_t loop, elsewhere;
	struct meets__args args;
	int result = 0;

	meeting_set_up();
	CHECK_EQ(pthread_create(&loop, NULL, meets_in_a_loop, NULL), 0);
	CHECK_EQ(pthread_create(&elsewhere, NULL, meets_elsewhere, NULL), 0);
	meets__init(&args, 2);
	CHECK_EQ(weft_runtime_run(runtime, &meets__async, &args, &result), 0);
	CHECK_EQ(result, 12);
	CHECK_EQ(pthread_join(loop, NULL), 0);
	CHECK_EQ(pthread_join(elsewhere, NULL), 0);
	meeting_check();
	weft_runtime_destroy(runtime);
}
