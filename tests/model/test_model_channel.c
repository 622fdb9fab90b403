/* SPDX-License-Identifier: MIT */
/* The channel in every interleaving (behaviours 50 to 53, 57), with blocks of one item: what was sent before a message is
 * seen by who receives it, no message and no permit is lost, and who is told that it is over may free it. */
#include <errno.h>
#include <limits.h>
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

#define WEFT_TEST_SMALL 1
#define memcpy message_copy
#include "sync/channel.c" /* NOLINT(bugprone-suspicious-include) */
#undef memcpy

#undef weft_channel_send
#undef weft_channel_recv

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_channel *channel;
static uint32_t values[4]; /* what is sent: each thread has its own */
static uint32_t received;  /* atomic: the sum */

static void release(void *memory, size_t bytes)
{
	(void)bytes;
	model_free(memory);
}

static const struct weft__memory memory = { model_malloc, release };
const struct weft__memory *weft__memory = &memory;

static void prepare(uint32_t capacity)
{
	channel = model_malloc(sizeof *channel);
	weft_channel_init(channel, sizeof *values, capacity);
	for (uint32_t i = 0; i < 4; i++)
		values[i] = 1u << i;
	received = 0;
}

static void finish(void)
{
	model_join_all();
	weft_channel_finish(channel);
	model_free(channel);
	MODEL_CHECK(model_allocated() == 0);
}

static int sends_with(uint32_t *value, enum model_task_patience patience)
{
	struct weft_channel_send__frame frame;

	weft_channel_send__init(&frame.args, channel, value);
	return model_task_await(&frame, sizeof frame, &weft_channel_send__async, patience);
}

static int receives_with(uint32_t *value, enum model_task_patience patience)
{
	struct weft_channel_recv__frame frame;

	weft_channel_recv__init(&frame.args, channel, value);
	return model_task_await(&frame, sizeof frame, &weft_channel_recv__async, patience);
}

static void sends(void *value)
{
	MODEL_CHECK(sends_with(value, MODEL_TASK_STAYS) == 0);
}

static void sends_two(void *value)
{
	sends(value);
	sends((uint32_t *)value + 1);
}

/* Two go through a channel of one, the sender waits for room. */
static void two_are_received(void)
{
	uint32_t value = 0;

	prepare(1);
	model_thread(sends_two, &values[0]);
	for (uint32_t i = 0; i < 2; i++) {
		MODEL_CHECK(receives_with(&value, MODEL_TASK_LOOKS_AGAIN) == 0);
		MODEL_CHECK(value == values[i]);
	}
	finish();
}

/* Two senders, a receiver that gives up first. */
static void is_received_later(void)
{
	uint32_t value = 0, sum = 0;

	prepare(1);
	model_thread(sends, &values[0]);
	model_thread(sends, &values[1]);
	if (receives_with(&value, MODEL_TASK_GIVES_UP) == 0)
		sum = value;
	while (sum != 3) {
		MODEL_CHECK(receives_with(&value, MODEL_TASK_STAYS) == 0);
		sum += value;
	}
	finish();
}

static void gives_up(void *value)
{
	if (sends_with(value, MODEL_TASK_GIVES_UP) == 0)
		atomic_fetch_add_relaxed(&received, 0x100u);
}

/* Of two senders that wait for one place the first may give up: the second gets it. */
static void place_goes_on(void)
{
	uint32_t value = 0;

	prepare(1);
	MODEL_CHECK(weft_channel_try_send(channel, &values[2]) == 0);
	model_thread(gives_up, &values[0]);
	model_thread(sends, &values[1]);
	while (value != values[1])
		MODEL_CHECK(receives_with(&value, MODEL_TASK_STAYS) == 0);
	finish();
}

static void receives_one(void *patience)
{
	uint32_t value = 0;

	if (receives_with(&value, (enum model_task_patience)(uintptr_t)patience) == 0)
		atomic_fetch_add_relaxed(&received, value);
}

/* One message, two who wait for it, one of them gives up: it is the other's, or is still there. */
static void message_goes_on(void)
{
	uint32_t value = 0;

	prepare(2);
	model_thread(receives_one, (void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	model_thread(sends, &values[0]);
	receives_one((void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	model_join_all();
	if (received == 0)
		MODEL_CHECK(weft_channel_try_recv(channel, &value) == 0);
	MODEL_CHECK(received + value == 1);
	finish();
}

static void sends_with_a_permit(void *value)
{
	weft_channel_send_reserved(channel, value);
}

static void closes(void *unused)
{
	(void)unused;
	weft_channel_close(channel);
}

static void tries(void *value)
{
	if (sends_with(value, MODEL_TASK_STAYS) == 0)
		atomic_fetch_add_relaxed(&received, 0x100u);
}

/* What was sent, and the permit's message, come before the end. */
static void is_closed_meanwhile(void)
{
	uint32_t value = 0, sum = 0;

	prepare(1);
	MODEL_CHECK(weft_channel_try_reserve(channel, 1) == 0);
	model_thread(sends_with_a_permit, &values[0]);
	model_thread(tries, &values[1]);
	model_thread(closes, NULL);
	while (receives_with(&value, MODEL_TASK_STAYS) == 0)
		sum += value;
	model_join_all();
	MODEL_CHECK(sum == (received ? 3 : 1));
	finish();
}

static void sends_and_leaves(void *value)
{
	MODEL_CHECK(weft_channel_try_send(channel, value) == 0);
	weft_channel_sender_unref(channel);
}

/* The receiver frees it when it is told, maybe before the last sender has returned. */
static void is_freed_by_the_receiver(void)
{
	uint32_t value = 0, sum = 0;

	prepare(4);
	for (int i = 0; i < 2; i++)
		MODEL_CHECK(weft_channel_sender_ref(channel) == 0);
	for (int i = 0; i < 2; i++)
		model_thread(sends_and_leaves, &values[i]);
	while (receives_with(&value, MODEL_TASK_STAYS) == 0)
		sum += value;
	MODEL_CHECK(sum == 3);
	weft_channel_finish(channel);
	model_free(channel);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

static int watches_with(enum model_task_patience patience)
{
	struct weft_channel_closed__frame frame;

	weft_channel_closed__init(&frame.args, channel);
	return model_task_await(&frame, sizeof frame, &weft_channel_closed__async, patience);
}

/* Waits until nobody receives, with a sender that is counted; and then that is over, too. */
static void watches(void *unused)
{
	(void)unused;
	MODEL_CHECK(watches_with(MODEL_TASK_STAYS) == 0);
	weft_channel_sender_unref(channel);
}

static void watches_for_a_while(void *unused)
{
	int outcome = watches_with(MODEL_TASK_GIVES_UP);

	(void)unused;
	MODEL_CHECK(outcome == 0 || outcome == -ECANCELED);
}

static void is_watched(void)
{
	prepare(1);
	MODEL_CHECK(weft_channel_sender_ref(channel) == 0);
	model_thread(watches, NULL);
	model_thread(watches_for_a_while, NULL);
	closes(NULL);
	finish();
}

TEST(b57_channel_tells_senders_that_nobody_receives)
{
	PASSES(is_watched, 2);
}

TEST(b53_channel_loses_no_message)
{
	PASSES(two_are_received, 0);
	PASSES(is_received_later, 2);
	PASSES(message_goes_on, 2);
}

TEST(b51_channel_loses_no_place)
{
	PASSES(place_goes_on, 2);
}

TEST(b50_channel_that_is_closed_gives_what_was_sent)
{
	PASSES(is_closed_meanwhile, 2);
}

TEST(b57_channel_may_be_freed_by_who_was_told_that_it_is_over)
{
	PASSES(is_freed_by_the_receiver, 2);
}

/* All its orders are those of its lock. */
TEST(channel_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { two_are_received };

	weaken_each("base/lock.h", worlds, COUNT(worlds), NULL, 0);
}
