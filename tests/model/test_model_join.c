/* SPDX-License-Identifier: MIT */
/* Who joins a task, in every interleaving: the word of exec/join.c between whoever ends the task and one
 * who joins it, gives up joining, or detaches it; and the parker of a thread that waits. The task and the
 * joiner's memory are freed as soon as they may be: who touches them later is found. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/weaken.h"

#include "exec/join.c"
#include "test.h"

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

__thread struct weft__worker *weft__worker_current;

int weft__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	(void)deadline_ns;
	(void)model_futex_wait(word, expected);
	return 0;
}

void weft__futex_wake(uint32_t *word, int count)
{
	model_futex_wake(word, count);
}

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

void weft_frame_misuse(const struct weft_frame *frame)
{
	(void)frame;
	model_fail("frame misused", __FILE__, __LINE__);
}

/* ---- the task, and who waits --------------------------------------------------------------------- */

static struct task {
	struct weft_task header;
	uint32_t result; /* plain */
} * task;

static struct joiner {
	struct weft_waker slot;
	uint32_t alive; /* plain: read by whoever claims */
	uint32_t woken; /* atomic */
	struct weft__parker parker;
} * joiner;

enum { JOINER = 0 };

static struct weft_waker joiner_claim(void *data);

static void joiner_commit(void *data)
{
	(void)data; /* the joiner may be gone, its thread is not */
	model_unpark(JOINER);
}

static const struct weft_waker_ops joiner_ops = { .claim = joiner_claim, .commit = joiner_commit };

static struct weft_waker joiner_claim(void *data)
{
	struct joiner *claimed = data;

	MODEL_CHECK(model_plain_read(&claimed->alive) == 1);
	return (struct weft_waker){ &joiner_ops, NULL };
}

static void prepare(void)
{
	task = model_malloc(sizeof *task);
	*task = (struct task){ .header.joiner = JOIN_OPEN };
	joiner = model_malloc(sizeof *joiner);
	*joiner = (struct joiner){ .alive = 1 };
}

static struct weft_waker joiner_waker(void)
{
	return (struct weft_waker){ &joiner_ops, joiner };
}

static void end_task(void *unused)
{
	(void)unused;
	model_plain_write(&task->result, 7u);
	if (weft__end_word(&task->header))
		model_free(task);
}

static void take_result(void)
{
	MODEL_CHECK(model_plain_read(&task->result) == 7);
	model_free(task);
}

static void leave(void)
{
	model_plain_write(&joiner->alive, 0u);
	model_free(joiner);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

/* ---- the word ------------------------------------------------------------------------------------- */

static void joins(void)
{
	struct weft_waker waker;

	prepare();
	waker = joiner_waker();
	model_thread(end_task, NULL);
	while (weft__join_word(&task->header, &joiner->slot, &waker) == WEFT_PENDING)
		model_park();
	take_result();
	leave();
}

/* Polled again meanwhile, with another waker. */
static void joins_again(void)
{
	static struct weft_waker_ops others;
	struct weft_waker waker;

	others = joiner_ops;
	prepare();
	waker = joiner_waker();
	model_thread(end_task, NULL);
	if (weft__join_word(&task->header, &joiner->slot, &waker) == WEFT_PENDING) {
		waker.ops = &others;
		while (weft__join_word(&task->header, &joiner->slot, &waker) == WEFT_PENDING)
			model_park();
	}
	take_result();
	leave();
}

static void gives_up(void)
{
	struct weft_waker waker;

	prepare();
	waker = joiner_waker();
	model_thread(end_task, NULL);
	if (weft__join_word(&task->header, &joiner->slot, &waker) == WEFT_READY ||
			!weft__unjoin_word(&task->header, &joiner->slot))
		take_result();
	else if (weft__detach_word(&task->header))
		model_free(task);
	leave();
}

static void detaches(void)
{
	prepare();
	model_thread(end_task, NULL);
	if (weft__detach_word(&task->header))
		take_result();
	leave();
}

/* ---- a thread that waits -------------------------------------------------------------------------- */

static void waits(void)
{
	struct weft_waker waker;

	prepare();
	waker = weft__parker_waker(&joiner->parker);
	model_thread(end_task, NULL);
	while (weft__join_word(&task->header, &joiner->slot, &waker) == WEFT_PENDING)
		(void)weft__parker_wait(&joiner->parker, INT64_MAX);
	weft__parker_settle(&joiner->parker);
	take_result();
	leave();
}

/* The runtime goes meanwhile: it says the same as the end would. */
static void abandon_task(void *unused)
{
	(void)unused;
	(void)weft__end_word(&task->header);
}

static void is_abandoned(void)
{
	struct weft_waker waker;

	prepare();
	waker = joiner_waker();
	model_thread(end_task, NULL);
	model_thread(abandon_task, NULL);
	while (weft__join_word(&task->header, &joiner->slot, &waker) == WEFT_PENDING)
		model_park();
	model_join_all();
	model_free(task);
	leave();
}

static void (*const bodies[])(void) = { joins, joins_again, gives_up, detaches, waits };

static void check_passes(const char *name, void (*body)(void))
{
	CHECK_EQ(model_explore(name, body, (struct model_options){ 0 }).verdict, MODEL_PASSED);
}

TEST(join_meets_the_end)
{
	check_passes("joins", joins);
	check_passes("joins again", joins_again);
}

TEST(join_that_is_given_up_leaves_nothing_behind)
{
	check_passes("gives up", gives_up);
}

TEST(detach_meets_the_end)
{
	check_passes("detaches", detaches);
}

TEST(thread_that_joins_is_unparked)
{
	check_passes("waits", waits);
}

TEST(join_meets_the_end_of_a_runtime)
{
	check_passes("is abandoned", is_abandoned);
}

TEST(join_needs_its_memory_orders)
{
	/* The joiner's slot is ordinary memory, of which the search sees nothing: what publishes it has to
	 * be excused. */
	static const struct weaken_excuse excuses[] = {
		{ "weft__join_word", "cas_acq_rel", MODEL_ACQUIRE },
		{ "weft__unjoin_word", "cas_acq_rel", MODEL_ACQUIRE },
		{ "parker_claim", "fetch_add_acq_rel", MODEL_ACQUIRE },
		{ "parker_claim", "fetch_add_acq_rel", MODEL_RELEASE },
	};

	weaken_each("exec/join.c", bodies, COUNT(bodies), excuses, COUNT(excuses));
}
