/* SPDX-License-Identifier: MIT */
/* The oneshot in every interleaving (behaviour 58). It is freed by who receives, as soon as it has. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

/* The value is plain memory, and the search is told so. */
static void *value_copy(void *to, const void *from, size_t bytes)
{
	model_plain(MODEL_SITE("value"), from, bytes, false);
	model_plain(MODEL_SITE("value"), to, bytes, true);
	return memcpy(to, from, bytes);
}

#define memcpy value_copy
#include "sync/oneshot.c" /* NOLINT(bugprone-suspicious-include) */
#undef memcpy

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct exchange {
	struct weft_oneshot oneshot;
	uint32_t place;
} * exchange;

static uint32_t seven; /* what is sent; each thread has its own */
static uint32_t note;  /* plain: written before a close */

static void prepare(void)
{
	exchange = model_malloc(sizeof *exchange);
	weft_oneshot_init(&exchange->oneshot, &exchange->place, sizeof exchange->place);
	seven = 7;
	note = 0;
}

static int receive(uint32_t *value, enum model_task_patience patience)
{
	struct weft_oneshot_recv__frame frame;

	if (patience == MODEL_TASK_STAYS &&
			MODEL_TASK_NOW(weft_oneshot_recv, &exchange->oneshot, value))
		return 0;
	weft_oneshot_recv__init(&frame.args, &exchange->oneshot, value);
	return model_task_await(&frame, sizeof frame, &weft_oneshot_recv__async, patience);
}

static void sends(void *unused)
{
	(void)unused;
	MODEL_CHECK(weft_oneshot_send(&exchange->oneshot, &seven) == 0);
}

static void closes(void *unused)
{
	(void)unused;
	model_plain_write(&note, 1u);
	weft_oneshot_close(&exchange->oneshot);
}

/* It is freed at once, maybe before the send has returned. */
static void is_received_with(enum model_task_patience patience)
{
	uint32_t value = 0;
	int err;

	prepare();
	model_thread(sends, NULL);
	err = receive(&value, patience);
	while (err == -ECANCELED)
		err = receive(&value, MODEL_TASK_STAYS);
	MODEL_CHECK(err == 0 && value == 7);
	model_free(exchange);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

static void is_received(void)
{
	is_received_with(MODEL_TASK_STAYS);
}

static void is_received_later(void)
{
	is_received_with(MODEL_TASK_GIVES_UP);
}

static void is_tried(void)
{
	uint32_t value = 0;
	int err;

	prepare();
	model_thread(sends, NULL);
	while ((err = weft_oneshot_try_recv(&exchange->oneshot, &value)) == -EAGAIN)
		atomic_pause();
	MODEL_CHECK(err == 0 && value == 7);
	model_free(exchange);
	model_join_all();
}

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(!exchange->oneshot.waiters.oldest);
	model_free(exchange);
	MODEL_CHECK(model_allocated() == 0);
}

static void is_closed(void)
{
	uint32_t value = 0;

	prepare();
	model_thread(closes, NULL);
	MODEL_CHECK(receive(&value, MODEL_TASK_LOOKS_AGAIN) == -EPIPE);
	MODEL_CHECK(model_plain_read(&note) == 1);
	finish();
}

/* The send wins, or the close does, and both sides agree. */
static uint32_t sent;

static void tries_to_send(void *unused)
{
	(void)unused;
	if (weft_oneshot_send(&exchange->oneshot, &seven) == 0)
		atomic_store_relaxed(&sent, 1u);
}

static void is_closed_meanwhile(void)
{
	uint32_t value = 0;
	int err;

	prepare();
	sent = 0;
	model_thread(tries_to_send, NULL);
	model_thread(closes, NULL);
	err = receive(&value, MODEL_TASK_LOOKS_AGAIN);
	model_join_all();
	MODEL_CHECK(err == (sent ? 0 : -EPIPE));
	MODEL_CHECK(value == (sent ? 7 : 0));
	finish();
}

/* Who watches learns of the close; who is about to send does too. */
static void is_watched(void)
{
	struct weft_oneshot_closed__frame frame;

	prepare();
	model_thread(closes, NULL);
	weft_oneshot_closed__init(&frame.args, &exchange->oneshot);
	MODEL_CHECK(model_task_await(&frame, sizeof frame, &weft_oneshot_closed__async,
				    MODEL_TASK_LOOKS_AGAIN) == 0);
	MODEL_CHECK(model_plain_read(&note) == 1);
	finish();
}

TEST(b58_oneshot_may_be_freed_by_who_has_received)
{
	PASSES(is_received, 0);
	PASSES(is_received_later, 0);
	PASSES(is_tried, 0);
}

TEST(b58_oneshot_is_closed_or_sent)
{
	PASSES(is_closed, 0);
	PASSES(is_closed_meanwhile, 0);
	PASSES(is_watched, 0);
}

TEST(oneshot_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { is_received, is_closed, is_watched };

	weaken_each("sync/oneshot.c", worlds, COUNT(worlds), NULL, 0);
	weaken_each("weft/waiter.h", worlds, COUNT(worlds), NULL, 0);
}
