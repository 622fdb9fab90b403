/* SPDX-License-Identifier: MIT */
/* Broadcast and watch in every interleaving (behaviours 59 and 60): nobody who waits is forgotten, and what was done before a
 * send is seen by who receives. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

/* Messages are plain memory, and the search is told so. */
static void *message_copy(void *to, const void *from, size_t bytes)
{
	model_plain(MODEL_SITE("message"), from, bytes, false);
	model_plain(MODEL_SITE("message"), to, bytes, true);
	return memcpy(to, from, bytes);
}

#define memcpy message_copy
#include "sync/broadcast.c" /* NOLINT(bugprone-suspicious-include) */
#include "sync/watch.c"     /* NOLINT(bugprone-suspicious-include) */
#undef memcpy

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_broadcast broadcast;
static struct weft_watch watch;
static uint32_t ring[2];
static uint32_t place;
static uint32_t numbers[3]; /* 1, 2, 3: what is sent, read by all */
static uint32_t note;       /* plain: written before a send */

static void prepare(uint32_t capacity)
{
	weft_broadcast_init(&broadcast, ring, sizeof *ring, capacity);
	weft_watch_init(&watch, &place, sizeof place);
	for (uint32_t i = 0; i < 3; i++)
		numbers[i] = i + 1;
	ring[0] = ring[1] = place = note = 0;
}

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	MODEL_CHECK(!broadcast.waiters.list.oldest);
	MODEL_CHECK(!watch.waiters.list.oldest);
}

static int receives(struct weft_broadcast_receiver *receiver, uint32_t *got,
		enum model_task_patience patience)
{
	struct weft_broadcast_recv__frame frame;

	weft_broadcast_recv__init(&frame.args, receiver, got);
	return model_task_await(&frame, sizeof frame, &weft_broadcast_recv__async, patience);
}

static int sees(struct weft_watch_receiver *receiver, uint32_t *got,
		enum model_task_patience patience)
{
	struct weft_watch_changed__frame frame;

	weft_watch_changed__init(&frame.args, receiver, got);
	return model_task_await(&frame, sizeof frame, &weft_watch_changed__async, patience);
}

/* ---- broadcast ---- */

static void sends_two(void *unused)
{
	(void)unused;
	model_plain_write(&note, 1u);
	for (int i = 0; i < 2; i++)
		MODEL_CHECK(weft_broadcast_send(&broadcast, &numbers[i]) == 0);
}

static struct weft_broadcast_receiver listeners[2];

/* Up to the second message, whatever it misses. */
static void listens(void *receiver)
{
	struct weft_broadcast_receiver *self = receiver;
	uint32_t got = 0, count = 0;

	while (got != 2) {
		int err = receives(self, &got, MODEL_TASK_LOOKS_AGAIN);

		MODEL_CHECK(err == 0 || (err == -EOVERFLOW && self->missed == 1));
		count += err == 0 ? 1 : (uint32_t)self->missed;
	}
	MODEL_CHECK(count == 2);
	MODEL_CHECK(model_plain_read(&note) == 1);
}

static void two_listen_to(uint32_t capacity)
{
	prepare(capacity);
	for (int i = 0; i < 2; i++)
		weft_broadcast_subscribe(&broadcast, &listeners[i]);
	model_thread(sends_two, NULL);
	model_thread(listens, &listeners[0]);
	listens(&listeners[1]);
	finish();
}

static void two_listen(void)
{
	two_listen_to(2);
}

static void two_lag(void)
{
	two_listen_to(1);
}

static void one_listens(void)
{
	prepare(2);
	weft_broadcast_subscribe(&broadcast, &listeners[0]);
	model_thread(sends_two, NULL);
	listens(&listeners[0]);
	finish();
}

static void sends_and_closes(void *unused)
{
	sends_two(unused);
	weft_broadcast_close(&broadcast);
}

/* Gives up once, and misses nothing by it. */
static void one_gives_up(void)
{
	uint32_t got = 0, sum = 0;

	prepare(2);
	weft_broadcast_subscribe(&broadcast, &listeners[0]);
	model_thread(sends_and_closes, NULL);
	if (receives(&listeners[0], &got, MODEL_TASK_GIVES_UP) == 0)
		sum += got;
	while (receives(&listeners[0], &got, MODEL_TASK_STAYS) == 0)
		sum += got;
	MODEL_CHECK(sum == 3);
	finish();
}

/* ---- watch ---- */

static void replaces_and_closes(void *unused)
{
	(void)unused;
	model_plain_write(&note, 1u);
	for (int i = 0; i < 2; i++)
		MODEL_CHECK(weft_watch_replace(&watch, &numbers[i]) == 0);
	weft_watch_close(&watch);
}

static struct weft_watch_receiver watchers[2];

/* Values grow, and the last is seen. */
static void watches(void *receiver)
{
	struct weft_watch_receiver *self = receiver;
	uint32_t got = 0, last = 0;

	while (sees(self, &got, MODEL_TASK_LOOKS_AGAIN) == 0) {
		MODEL_CHECK(got > last);
		MODEL_CHECK(model_plain_read(&note) == 1);
		last = got;
	}
	MODEL_CHECK(last == 2);
}

static void two_watch(void)
{
	prepare(1);
	for (int i = 0; i < 2; i++)
		weft_watch_subscribe(&watch, &watchers[i]);
	model_thread(replaces_and_closes, NULL);
	model_thread(watches, &watchers[0]);
	watches(&watchers[1]);
	finish();
}

WEFT_WATCH_TEST(is_even, void, uint32_t)
{
	return *in && *in % 2 == 0;
}

/* The last value is 2, and it is found, whichever of both was asked about when it came. */
static void waits_for_two(void *receiver)
{
	struct weft_watch_wait_for__frame frame;
	uint32_t got = 0;

	weft_watch_wait_for__init(&frame.args, receiver, &got, is_even__any, NULL);
	MODEL_CHECK(model_task_await(&frame, sizeof frame, &weft_watch_wait_for__async,
				    MODEL_TASK_STAYS) == 0);
	MODEL_CHECK(got == 2);
	MODEL_CHECK(model_plain_read(&note) == 1);
}

static void one_waits_for_two(void)
{
	prepare(1);
	weft_watch_subscribe(&watch, &watchers[0]);
	model_thread(replaces_and_closes, NULL);
	waits_for_two(&watchers[0]);
	finish();
}

static void adds_one(void *unused)
{
	uint64_t version;
	uint32_t value = 0;

	(void)unused;
	do {
		version = weft_watch_read(&watch, &value);
		value++;
	} while (weft_watch_send_if(&watch, &value, version) == -EAGAIN);
}

static void two_add(void)
{
	uint32_t value = 0;

	prepare(1);
	model_thread(adds_one, NULL);
	adds_one(NULL);
	model_join_all();
	(void)weft_watch_read(&watch, &value);
	MODEL_CHECK(value == 2);
	finish();
}

TEST(b59_broadcast_forgets_nobody)
{
	PASSES(one_listens, 0);
	PASSES(two_listen, 2);
	PASSES(two_lag, 2);
	PASSES(one_gives_up, 2);
}

TEST(b60_watch_forgets_nobody)
{
	PASSES(two_watch, 2);
	PASSES(one_waits_for_two, 0);
	PASSES(two_add, 0);
}

/* All their orders are those of the lock. */
TEST(followers_need_the_memory_orders_of_the_lock)
{
	static void (*const worlds[])(void) = { one_listens, two_add };

	weaken_each("base/lock.h", worlds, COUNT(worlds), NULL, 0);
}
