/* SPDX-License-Identifier: MIT */
/* Calls of a buffered stream that end while somebody asks, in every interleaving: none is missed, what a
 * call has done is seen, and nobody is woken who has gone. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "stream/ended.h"

static struct weft_stream_ended ended;
static struct weft_stream_call calls[2];
static uint32_t results[2]; /* plain */

/* async int ask(void): waits for a call as a stream does; its index, or -ECANCELED. */
struct ask__args {
	struct weft_frame base;
	int result;
};

static enum weft_poll ask__poll(void *frame, struct weft_context *cx)
{
	struct ask__args *f = frame;
	struct weft_stream_call *call;

	calls_register(&ended, cx);
	call = calls_pop(&ended);
	if (!call && !cx->cancelled)
		return WEFT_PENDING;
	calls_unregister(&ended);
	f->result = call ? (int)(call - calls) : -ECANCELED;
	return WEFT_READY;
}

static const struct weft_async ask__async = {
	.magic = WEFT_ASYNC_MAGIC,
	.poll = ask__poll,
	.result_offset = offsetof(struct ask__args, result),
};

static int ask(enum model_task_patience patience)
{
	struct ask__args frame = { { 0, 0 }, 0 };

	return model_task_await(&frame, sizeof frame, &ask__async, patience);
}

static void ends(void *index)
{
	size_t i = (size_t)(uintptr_t)index;

	model_plain_write(&results[i], 1u);
	calls_push(&ended, &calls[i]);
}

static void prepare(void)
{
	ended = (struct weft_stream_ended){ NULL, NULL, { NULL, NULL }, 0 };
	results[0] = results[1] = 0;
}

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	MODEL_CHECK(!ended.waker.ops);
}

static void takes(int index)
{
	MODEL_CHECK(index >= 0);
	MODEL_CHECK(model_plain_read(&results[index]) == 1);
}

static void one_ends(void)
{
	prepare();
	model_thread(ends, (void *)0);
	takes(ask(MODEL_TASK_STAYS));
	finish();
}

static void two_end(void)
{
	prepare();
	model_thread(ends, (void *)0);
	model_thread(ends, (void *)1);
	takes(ask(MODEL_TASK_STAYS));
	takes(ask(MODEL_TASK_LOOKS_AGAIN));
	finish();
}

/* Who gives up takes nothing with it: the next gets both. */
static void gives_up(void)
{
	int first;

	prepare();
	model_thread(ends, (void *)0);
	model_thread(ends, (void *)1);
	first = ask(MODEL_TASK_GIVES_UP);
	if (first >= 0)
		takes(first);
	else
		takes(ask(MODEL_TASK_STAYS));
	takes(ask(MODEL_TASK_STAYS));
	finish();
}

TEST(s2_48_stream_misses_no_call_that_ends)
{
	PASSES(one_ends, 0);
	PASSES(two_end, 2);
	PASSES(gives_up, 2);
}

TEST(stream_ended_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { one_ends, two_end };

	weaken_each("base/lock.h", worlds, 2, NULL, 0);
}
