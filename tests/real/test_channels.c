/* SPDX-License-Identifier: MIT */
/* Channels between tasks on all kinds of runtimes, and threads that block (behaviours 48, 50, 56, 57, 59, 60). What a message
 * points to is plain memory: the thread sanitizer looks. */
#include "rig.h"

#include <weft/branch.h>
#include <weft/broadcast.h>
#include <weft/channel.h>
#include <weft/mutex.h>
#include <weft/scope.h>
#include <weft/time.h>
#include <weft/watch.h>

#include "exec/join.h"

enum { TASKS = 4, ROUNDS = 2000 };

struct message {
	int *counter; /* plain: whoever has the message may write to it */
	int number;
};

WEFT_CHANNEL(inbox, struct message);

struct world {
	union inbox inbox, back;
	int counters[TASKS];
	uint32_t next; /* atomic: which task is which */
	uint32_t received;
	int producers; /* tasks */
};

static void world_init(struct world *world, int producers, uint32_t capacity)
{
	*world = (struct world){ .producers = producers };
	weft_channel_init(&world->inbox.channel, sizeof(struct message), capacity);
	weft_channel_init(&world->back.channel, sizeof(struct message), WEFT_UNBOUNDED);
}

static void world_finish(struct world *world)
{
	CHECK_EQ(weft_channel_len(&world->inbox.channel), 0);
	weft_channel_finish(&world->inbox.channel);
	weft_channel_finish(&world->back.channel);
}

/* ---- many send, one receives ---- */

/* Sends its counter ROUNDS times, and counts in it only after it came back. */
RIG_TASK(produces, struct world, struct weft_channel_send__frame send; struct message message;)
{
	struct produces__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->message.counter = &world->counters[rig_add(&world->next)];
	for (f->message.number = 0; f->message.number < ROUNDS; f->message.number++) {
		weft_await(f, f->send, weft_channel_send, &world->inbox.channel, &f->message);
		CHECK_EQ(f->send.args.result, 0);
	}
	weft_channel_sender_unref(&world->inbox.channel);
	weft_return(f, 0);
	weft_end(f);
}

/* Those that the world wants. */
static void spawn_producers(struct weft_scope *scope, struct world *world)
{
	struct rig_args args = rig_args(&produces__async, world);

	for (int i = 0; i < world->producers; i++) {
		CHECK_EQ(weft_channel_sender_ref(&world->inbox.channel), 0);
		CHECK_EQ(weft_scope_spawn(scope, &produces__async, &args), 0);
	}
}

static void is_next(const struct message *message)
{
	CHECK_EQ(*message->counter, message->number); /* of each sender, in order */
	(*message->counter)++;
}

RIG_TASK(receives, struct world, struct weft_scope scope; struct weft_scope_close__frame close;
		struct weft_channel_recv__frame recv; struct message message;)
{
	struct receives__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	spawn_producers(&f->scope, world);
	for (;;) {
		weft_await(f, f->recv, weft_channel_recv, &world->inbox.channel, &f->message);
		if (f->recv.args.result < 0)
			break;
		is_next(&f->message);
	}
	CHECK_EQ(f->recv.args.result, -EPIPE);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

static void all_have_come(struct world *world)
{
	for (int i = 0; i < TASKS; i++)
		CHECK_EQ(world->counters[i], ROUNDS);
	world_finish(world);
}

static void many_to_one(const struct weft_runtime_options *options, uint32_t capacity)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world, TASKS, capacity);
	CHECK_EQ(rig_run(runtime, &receives__async, &world), 0);
	weft_runtime_destroy(runtime);
	all_have_come(&world);
}

RIG_TEST(s2_44_bounded_channel_takes_from_many_tasks)
{
	many_to_one(options, 1);
	many_to_one(options, 7);
}

RIG_TEST(s2_44_unbounded_channel_takes_from_many_tasks)
{
	many_to_one(options, WEFT_UNBOUNDED);
}

/* ---- threads that block, on both ends ---- */

static void *sends_from_a_thread(void *data)
{
	struct world *world = data;
	struct message message = { &world->counters[rig_add(&world->next)], 0 };

	for (; message.number < ROUNDS; message.number++)
		CHECK_EQ(weft_channel_send_blocking(&world->inbox, &message, WEFT_NEVER), 0);
	weft_channel_sender_unref(&world->inbox.channel);
	return NULL;
}

RIG_TEST(b56_channel_takes_from_threads_that_block)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;
	pthread_t threads[TASKS];

	world_init(&world, 0, 2);
	for (int i = 0; i < TASKS; i++)
		CHECK_EQ(weft_channel_sender_ref(&world.inbox.channel), 0);
	for (int i = 0; i < TASKS; i++)
		threads[i] = rig_thread(sends_from_a_thread, &world);
	CHECK_EQ(rig_run(runtime, &receives__async, &world), 0);
	for (int i = 0; i < TASKS; i++)
		rig_thread_join(threads[i]);
	weft_runtime_destroy(runtime);
	all_have_come(&world);
}

/* Several threads may receive, too; what each of them got counts in the order of its sender. */
static void *receives_in_a_thread(void *data)
{
	struct world *world = data;
	struct message message;

	while (weft_channel_recv_blocking(&world->inbox, &message, WEFT_NEVER) == 0)
		rig_add(&world->received);
	return NULL;
}

RIG_TASK(spawns_producers, struct world, struct weft_scope scope;
		struct weft_scope_close__frame close;)
{
	struct spawns_producers__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	spawn_producers(&f->scope, f->args.p0);
	weft_channel_sender_unref(&f->args.p0->inbox.channel);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(b56_channel_gives_to_threads_that_block)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;
	pthread_t threads[2];

	world_init(&world, TASKS, 3);
	CHECK_EQ(weft_channel_sender_ref(&world.inbox.channel), 0); /* until all are counted */
	for (int i = 0; i < 2; i++)
		threads[i] = rig_thread(receives_in_a_thread, &world);
	CHECK_EQ(rig_run(runtime, &spawns_producers__async, &world), 0);
	for (int i = 0; i < 2; i++)
		rig_thread_join(threads[i]);
	weft_runtime_destroy(runtime);
	CHECK_EQ(world.received, TASKS * ROUNDS);
	world_finish(&world);
}

RIG_TASK(would_block, struct world, )
{
	struct would_block__frame *f = frame;
	struct message message = { NULL, 0 };

	(void)cx;
	CHECK_EQ(weft_channel_recv_blocking(&f->args.p0->inbox, &message, WEFT_NEVER), -EDEADLK);
	CHECK_EQ(weft_channel_send_blocking(&f->args.p0->inbox, &message, WEFT_NEVER), -EDEADLK);
	weft_return(f, 0);
}

RIG_TEST(b56_blocking_in_a_task_is_refused)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world, 0, 1);
	CHECK_EQ(rig_run(runtime, &would_block__async, &world), 0);
	weft_runtime_destroy(runtime);
	world_finish(&world);
}

TEST(b56_thread_waits_until_its_deadline)
{
	struct world world;
	struct message message = { NULL, 7 };

	world_init(&world, 0, 1);
	CHECK_EQ(weft_channel_recv_blocking(&world.inbox, &message, 1), -ETIME);
	CHECK_EQ(weft_channel_send_blocking(&world.inbox, &message, 1), 0);
	CHECK_EQ(weft_channel_send_blocking(&world.inbox, &message, 1), -ETIME);
	CHECK_EQ(weft_channel_recv_blocking(&world.inbox, &message, 1), 0);
	CHECK_EQ(message.number, 7);
	weft_channel_close(&world.inbox.channel);
	CHECK_EQ(weft_channel_recv_blocking(&world.inbox, &message, WEFT_NEVER), -EPIPE);
	world_finish(&world);
}

static void *asks_in_vain(void *arg)
{
	struct world *world = arg;

	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(weft_channel_try_reserve(&world->inbox.channel, 1), -EAGAIN);
	return NULL;
}

/* Others look at what it wants whenever it may be polled again. */
TEST(b57_reserve_is_polled_again_while_others_look)
{
	struct weft__parker parker = { 0, 0 };
	struct weft_context cx = weft_context_make(weft__parker_waker(&parker), NULL);
	struct weft_channel_reserve__frame reserve;
	struct world world;
	pthread_t other;

	world_init(&world, 0, 2);
	CHECK_EQ(weft_channel_try_reserve(&world.inbox.channel, 1), 0);
	weft_channel_reserve__init(&reserve.args, &world.inbox.channel, 2);
	CHECK_EQ(weft_channel_reserve__poll(&reserve, &cx), WEFT_PENDING);
	other = rig_thread(asks_in_vain, &world);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(weft_channel_reserve__poll(&reserve, &cx), WEFT_PENDING);
	rig_thread_join(other);
	cx.cancelled = 1;
	CHECK_EQ(weft_channel_reserve__poll(&reserve, &cx), WEFT_READY);
	CHECK_EQ(reserve.args.result, -ECANCELED);
	weft_channel_unreserve(&world.inbox.channel, 1);
	world_finish(&world);
}

/* What blocks a thread on a channel does it on a lock, too. */
static struct weft_mutex mutex;
static int counted; /* plain: under the mutex */

static void *counts_under_a_mutex(void *unused)
{
	struct weft_mutex_lock__frame lock;

	for (int i = 0; i < ROUNDS; i++) {
		weft_mutex_lock__init(&lock.args, &mutex);
		CHECK_EQ(weft_block_on(&weft_mutex_lock__async, &lock, WEFT_NEVER), 0);
		CHECK_EQ(lock.args.result, 0);
		counted++;
		weft_mutex_unlock(&mutex);
	}
	return unused;
}

TEST(b61_threads_wait_for_a_mutex_as_tasks_do)
{
	struct weft_mutex_lock__frame lock;
	pthread_t threads[3];

	weft_mutex_init(&mutex);
	for (int i = 0; i < 3; i++)
		threads[i] = rig_thread(counts_under_a_mutex, NULL);
	for (int i = 0; i < 3; i++)
		rig_thread_join(threads[i]);
	CHECK_EQ(counted, 3 * ROUNDS);
	CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
	weft_mutex_lock__init(&lock.args, &mutex);
	CHECK_EQ(weft_block_on(&weft_mutex_lock__async, &lock, 1), -ETIME);
	weft_mutex_unlock(&mutex);
	CHECK_EQ(weft_mutex_try_lock(&mutex), 0); /* it was not locked by who gave up */
	weft_mutex_unlock(&mutex);
}

/* ---- cancelled while messages come ---- */

/* A receive against a yield: whoever loses is cancelled, and no message is lost. */
RIG_TASK(receives_in_a_hurry, struct world, struct weft_branch branches[2];
		struct weft_selection selection; struct weft_channel_recv__frame recv;
		struct weft_yield__frame yield; struct message message;)
{
	struct receives_in_a_hurry__frame *f = frame;

	if (f->args.base.at == 0) {
		weft_channel_recv__init(&f->recv.args, &f->args.p0->inbox.channel, &f->message);
		f->branches[0] = weft_branch_make(&weft_channel_recv__async, &f->recv);
		weft_yield__init(&f->yield.args);
		f->branches[1] = weft_branch_make(&weft_yield__async, &f->yield);
		f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
		f->args.base.at = 1;
	}
	if (weft_select_poll(f->branches, 2, cx, &f->selection) == WEFT_PENDING)
		return WEFT_PENDING;
	if (f->recv.args.result == 0)
		is_next(&f->message);
	weft_return(f, f->recv.args.result);
}

RIG_TASK(receives_hurriedly, struct world, struct receives_in_a_hurry__frame recv;
		struct weft_scope scope; struct weft_scope_close__frame close;)
{
	struct receives_hurriedly__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	spawn_producers(&f->scope, world);
	do
		weft_await(f, f->recv, receives_in_a_hurry, world);
	while (f->recv.args.result != -EPIPE);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(b53_channel_loses_no_message_to_a_select)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world, TASKS, 2);
	CHECK_EQ(rig_run(runtime, &receives_hurriedly__async, &world), 0);
	weft_runtime_destroy(runtime);
	all_have_come(&world);
}

/* ---- freed by the receiver ---- */

RIG_TASK(says_one, union inbox, )
{
	struct says_one__frame *f = frame;
	struct message message = { NULL, 1 };

	(void)cx;
	CHECK_EQ(weft_channel_try_send(f->args.p0, &message), 0);
	weft_channel_sender_unref(&f->args.p0->channel);
	weft_return(f, 0);
}

/* The channel is in the frame, and is made anew as soon as it is over. */
RIG_TASK(collects, struct world, union inbox inbox; struct weft_channel_recv__frame recv;
		struct message message; int i; int sum;)
{
	struct collects__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_channel_init(&f->inbox.channel, sizeof f->message, TASKS);
		for (int i = 0; i < TASKS; i++)
			CHECK_EQ(weft_channel_sender_ref(&f->inbox.channel), 0);
		for (int i = 0; i < TASKS; i++)
			rig_spawn_detached(NULL, &says_one__async, &f->inbox);
		for (f->sum = 0;;) {
			weft_await(f, f->recv, weft_channel_recv, &f->inbox.channel, &f->message);
			if (f->recv.args.result < 0)
				break;
			f->sum += f->message.number;
		}
		CHECK_EQ(f->sum, TASKS);
		weft_channel_finish(&f->inbox.channel);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b57_channel_may_be_made_anew_when_it_is_over)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world;

	world_init(&world, 0, 1);
	CHECK_EQ(rig_run(runtime, &collects__async, &world), 0);
	weft_runtime_destroy(runtime);
	world_finish(&world);
}

/* ---- broadcast and watch: a thread sends, tasks and a thread follow ---- */

WEFT_BROADCAST(news, int);
WEFT_WATCH(progress, int);

struct station {
	union news news;
	union progress progress;
	int ring[8], place;
	int count; /* plain: of what was sent; seen by who receives */
	uint32_t next;
	union news_receiver listeners[TASKS + 1];
	union progress_receiver watchers[TASKS + 1];
};

static void station_open(struct station *station)
{
	*station = (struct station){ .count = 0 };
	weft_broadcast_init(&station->news.broadcast, station->ring, sizeof(int), 8);
	weft_watch_init(&station->progress.watch, &station->place, sizeof(int));
	for (int i = 0; i <= TASKS; i++) {
		weft_broadcast_subscribe(&station->news, &station->listeners[i]);
		weft_watch_subscribe(&station->progress, &station->watchers[i]);
	}
}

static void *airs(void *data)
{
	struct station *station = data;

	for (int i = 1; i <= ROUNDS; i++) {
		station->count = i;
		CHECK_EQ(weft_broadcast_send(&station->news, &i), 0);
	}
	for (int i = 1; i <= ROUNDS; i++)
		CHECK_EQ(weft_watch_send(&station->progress, &i), 0);
	weft_watch_close(&station->progress.watch);
	weft_broadcast_close(&station->news.broadcast);
	return NULL;
}

/* Each message once, and in order: what was missed lies between the last and this one. */
static void hears(int message, const struct weft_broadcast_receiver *receiver, int *last, int err)
{
	if (err == 0) {
		CHECK_EQ(message, *last + 1);
		*last = message;
	} else {
		CHECK_EQ(err, -EOVERFLOW);
		*last += (int)receiver->missed;
	}
}

WEFT_WATCH_TEST(is_past, int, int)
{
	return *in > *arg;
}

RIG_TASK(tunes_in, struct station, struct weft_broadcast_recv__frame recv;
		struct weft_watch_wait_for__frame wait; struct weft_watch_changed__frame changed;
		uint32_t self; int got; int last;)
{
	struct tunes_in__frame *f = frame;
	struct station *station = f->args.p0;

	weft_begin(f);
	f->self = rig_add(&station->next);
	for (f->last = 0; f->last < ROUNDS;) {
		weft_await(f, f->recv, weft_broadcast_recv, &station->listeners[f->self].receiver,
				&f->got);
		hears(f->got, &station->listeners[f->self].receiver, &f->last, f->recv.args.result);
	}
	CHECK_EQ(station->count, ROUNDS);
	for (f->last = 0; f->last < ROUNDS / 2; f->last = f->got) {
		weft_await(f, f->wait, weft_watch_wait_for, &station->watchers[f->self].receiver,
				&f->got, is_past__any, &f->last);
		CHECK_EQ(f->wait.args.result, 0);
		CHECK(f->got > f->last);
	}
	for (;;) {
		weft_await(f, f->changed, weft_watch_changed, &station->watchers[f->self].receiver,
				&f->got);
		if (f->changed.args.result < 0)
			break;
		CHECK(f->got > f->last);
		f->last = f->got;
	}
	CHECK_EQ(f->changed.args.result, -EPIPE);
	CHECK_EQ(f->last, ROUNDS);
	weft_return(f, 0);
	weft_end(f);
}

static void *tunes_in_blocking(void *data)
{
	struct station *station = data;
	union news_receiver *receiver = &station->listeners[TASKS];
	int got = 0, last = 0, err;

	while ((err = weft_broadcast_recv_blocking(receiver, &got, WEFT_NEVER)) != -EPIPE)
		hears(got, &receiver->receiver, &last, err);
	CHECK_EQ(last, ROUNDS);
	while (weft_watch_changed_blocking(&station->watchers[TASKS], &got, WEFT_NEVER) == 0)
		;
	CHECK_EQ(got, ROUNDS);
	return NULL;
}

RIG_TASK(audience, struct station, struct weft_scope scope; struct weft_scope_close__frame close;)
{
	struct audience__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (int i = 0; i < TASKS; i++) {
		struct rig_args args = rig_args(&tunes_in__async, f->args.p0);

		CHECK_EQ(weft_scope_spawn(&f->scope, &tunes_in__async, &args), 0);
	}
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(b59_broadcast_and_b60_watch_reach_tasks_and_threads)
{
	struct weft_runtime *runtime = rig_create(options);
	struct station station;
	pthread_t threads[2];

	station_open(&station);
	threads[0] = rig_thread(tunes_in_blocking, &station);
	threads[1] = rig_thread(airs, &station);
	CHECK_EQ(rig_run(runtime, &audience__async, &station), 0);
	for (int i = 0; i < 2; i++)
		rig_thread_join(threads[i]);
	weft_runtime_destroy(runtime);
	for (int i = 0; i <= TASKS; i++) {
		weft_broadcast_unsubscribe(&station.listeners[i].receiver);
		weft_watch_unsubscribe(&station.watchers[i].receiver);
	}
	CHECK_EQ(weft_broadcast_receivers(&station.news.broadcast), 0);
	CHECK_EQ(weft_watch_receivers(&station.progress.watch), 0);
}

/* ---- senders wait for the end, which comes while some of them give up ---- */

enum { ENDS = 3, LOOKERS = 2 * ENDS, ENDINGS = 300 };

struct ending {
	struct weft_channel channel;
	struct weft_broadcast broadcast;
	struct weft_broadcast_receiver listener;
	struct weft_watch watch;
	struct weft_watch_receiver reader;
	int ring[2], place;
	int said; /* plain: before the end, and read after it */
	uint32_t round, begun, ended;
};

union closed_frame {
	struct weft_channel_closed__frame channel;
	struct weft_broadcast_closed__frame broadcast;
	struct weft_watch_closed__frame watch;
};

static struct weft_branch closed_branch(struct ending *ending, union closed_frame *frame, int which)
{
	switch (which) {
	case 0:
		weft_channel_closed__init(&frame->channel.args, &ending->channel);
		return weft_branch_make(&weft_channel_closed__async, frame);
	case 1:
		weft_broadcast_closed__init(&frame->broadcast.args, &ending->broadcast);
		return weft_branch_make(&weft_broadcast_closed__async, frame);
	default:
		weft_watch_closed__init(&frame->watch.args, &ending->watch);
		return weft_branch_make(&weft_watch_closed__async, frame);
	}
}

/* Some wait, and the others give up after each yield and begin again. */
RIG_TASK(sees_an_end, struct ending, union closed_frame closed; struct weft_yield__frame yield;
		struct weft_branch branches[2]; struct weft_selection selection; int self;)
{
	struct sees_an_end__frame *f = frame;
	struct ending *ending = f->args.p0;
	bool begins = f->args.base.at == 0;

	if (begins)
		f->self = (int)(rig_add(&ending->begun) % LOOKERS);
	for (f->args.base.at = 1;; begins = true) {
		if (begins) {
			f->branches[0] = closed_branch(ending, &f->closed, f->self % ENDS);
			weft_yield__init(&f->yield.args);
			f->branches[1] = weft_branch_make(&weft_yield__async, &f->yield);
			f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
		}
		if (weft_select_poll(f->branches, f->self < ENDS ? 1 : 2, cx, &f->selection) ==
				WEFT_PENDING)
			return WEFT_PENDING;
		if (f->closed.channel.args.result == 0) /* it is at the same place in all */
			break;
		CHECK_EQ(f->closed.channel.args.result, -ECANCELED);
	}
	CHECK_EQ(ending->said, (int)ending->round);
	weft_return(f, 0);
}

/* A thread, so that it happens while they look. */
static void *makes_the_ends(void *data)
{
	struct ending *ending = data;

	for (uint32_t round = 1; round <= ENDINGS; round++) {
		rig_wait(&ending->begun, round * LOOKERS);
		ending->said = (int)round;
		weft_channel_close(&ending->channel);
		weft_broadcast_unsubscribe(&ending->listener);
		weft_watch_close(&ending->watch);
		rig_add(&ending->ended);
	}
	return NULL;
}

/* What has ended is made anew as soon as all have seen it. */
RIG_TASK(has_many_ends, struct ending, struct weft_scope scope;
		struct weft_scope_close__frame close;)
{
	struct has_many_ends__frame *f = frame;
	struct ending *ending = f->args.p0;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (ending->round = 1; ending->round <= ENDINGS; ending->round++) {
		weft_channel_init(&ending->channel, sizeof(int), 1);
		weft_broadcast_init(&ending->broadcast, ending->ring, sizeof(int), 2);
		weft_broadcast_subscribe(&ending->broadcast, &ending->listener);
		weft_watch_init(&ending->watch, &ending->place, sizeof(int));
		weft_watch_subscribe(&ending->watch, &ending->reader);
		for (int i = 0; i < LOOKERS; i++) {
			struct rig_args args = rig_args(&sees_an_end__async, ending);

			CHECK_EQ(weft_scope_spawn(&f->scope, &sees_an_end__async, &args), 0);
		}
		weft_await(f, f->close, weft_scope_close, &f->scope);
		CHECK_EQ(f->close.args.result, 0);
		rig_wait(&ending->ended, ending->round);
		weft_channel_finish(&ending->channel);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b57_b59_b60_end_is_seen_by_all_while_some_give_up)
{
	struct weft_runtime *runtime = rig_create(options);
	struct ending ending = { .begun = 0 };
	pthread_t thread = rig_thread(makes_the_ends, &ending);

	CHECK_EQ(rig_run(runtime, &has_many_ends__async, &ending), 0);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
}
