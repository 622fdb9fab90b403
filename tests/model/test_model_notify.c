/* SPDX-License-Identifier: MIT */
/* Notify in every interleaving (behaviour 64): who is woken sees what was done before, and nobody who should
 * be is forgotten. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/notify.c" /* NOLINT(bugprone-suspicious-include) */

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_notify notify;
static uint32_t notes[2]; /* plain */
static uint32_t changed;  /* atomic, relaxed: notify makes it visible */
static uint32_t woken;    /* atomic */

static int wait_for(enum model_task_patience patience)
{
	struct weft_notify_wait__frame frame;

	if (patience == MODEL_TASK_STAYS && MODEL_TASK_NOW(weft_notify_wait, &notify))
		return 0;
	weft_notify_wait__init(&frame.args, &notify);
	return model_task_await(&frame, sizeof frame, &weft_notify_wait__async, patience);
}

static int wait_after(uint32_t seen)
{
	struct weft_notify_wait_after__frame frame;

	weft_notify_wait_after__init(&frame.args, &notify, seen);
	return model_task_await(&frame, sizeof frame, &weft_notify_wait_after__async,
			MODEL_TASK_LOOKS_AGAIN);
}

static void prepare(void)
{
	weft_notify_init(&notify);
	notes[0] = notes[1] = changed = woken = 0;
}

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	MODEL_CHECK(!notify.waiters.oldest);
	MODEL_CHECK(!(atomic_load_relaxed(&notify.waiters.word) & NOTIFY_WAITING));
}

/* ---- notify_one ---- */

static void notifies_one(void *unused)
{
	(void)unused;
	model_plain_write(&notes[0], 1u);
	weft_notify_one(&notify);
}

static void changes_and_notifies_one(void *unused)
{
	(void)unused;
	atomic_fetch_add_relaxed(&changed, 1u);
	weft_notify_one(&notify);
}

/* It may have been kept. */
static void is_notified(void)
{
	prepare();
	model_thread(notifies_one, NULL);
	MODEL_CHECK(wait_for(MODEL_TASK_LOOKS_AGAIN) == 0);
	MODEL_CHECK(model_plain_read(&notes[0]) == 1);
	finish();
}

/* Two changes and two that notify, of which one may be kept: who looks again after each sees both. */
static void loops_until_both_have_changed(void)
{
	prepare();
	model_thread(changes_and_notifies_one, NULL);
	model_thread(changes_and_notifies_one, NULL);
	while (atomic_load_relaxed(&changed) < 2)
		MODEL_CHECK(wait_for(MODEL_TASK_STAYS) == 0);
	finish();
}

static void waits_and_counts(void *patience)
{
	if (wait_for((enum model_task_patience)(uintptr_t)patience) == 0) {
		MODEL_CHECK(model_plain_read(&notes[0]) == 1);
		atomic_fetch_add_relaxed(&woken, 1u);
	}
}

/* Of two one gives up: the other is woken, or it was the first that was, and then the body does it again. */
static void passes_it_on(void)
{
	prepare();
	model_plain_write(&notes[0], 1u);
	model_thread(waits_and_counts, (void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	weft_notify_one(&notify);
	waits_and_counts((void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	model_join_all();
	if (woken == 0)
		MODEL_CHECK(wait_for(MODEL_TASK_STAYS) == 0); /* it was not lost */
	finish();
	MODEL_CHECK(!(atomic_load_relaxed(&notify.waiters.word) & NOTIFY_KEPT));
}

/* The same, and who takes it in the end has seen nothing of the lock. */
static void passes_it_on_unseen(void)
{
	prepare();
	model_thread(notifies_one, NULL);
	model_thread(waits_and_counts, (void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	waits_and_counts((void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	finish();
	MODEL_CHECK(woken == 1 || atomic_load_relaxed(&notify.waiters.word) & NOTIFY_KEPT);
}

/* ---- notify_all ---- */

static void changes_and_notifies_all(void *unused)
{
	(void)unused;
	model_plain_write(&notes[0], 1u);
	atomic_store_relaxed(&changed, 1u);
	weft_notify_all(&notify);
}

static void waits_after(void *unused)
{
	uint32_t seen = weft_notify_seen(&notify);

	(void)unused;
	if (!atomic_load_relaxed(&changed))
		MODEL_CHECK(wait_after(seen) == 0);
	MODEL_CHECK(atomic_load_relaxed(&changed) == 1);
}

static void sees_the_note(void *unused)
{
	(void)unused;
	MODEL_CHECK(wait_after(0) == 0); /* nobody was notified before */
	MODEL_CHECK(model_plain_read(&notes[0]) == 1);
	if (weft_notify_seen(&notify) == 1)
		MODEL_CHECK(model_plain_read(&notes[0]) == 1);
}

static void only_looks(void *unused)
{
	(void)unused;
	if (weft_notify_seen(&notify) == 1)
		MODEL_CHECK(model_plain_read(&notes[0]) == 1);
}

static void all_are_notified(void (*one)(void *), void (*other)(void *))
{
	prepare();
	model_thread(changes_and_notifies_all, NULL);
	model_thread(one, NULL);
	other(NULL);
	finish();
}

static void two_wait_after(void)
{
	all_are_notified(waits_after, waits_after);
}

static void two_see_the_note(void)
{
	all_are_notified(sees_the_note, sees_the_note);
}

static void one_sees_and_one_looks(void)
{
	all_are_notified(sees_the_note, only_looks);
}

/* Registers first, and looks then: if it came too late to be woken, it sees the change. */
static void registers_and_looks(void)
{
	struct weft_notify_wait__frame frame;
	struct model_task *task;
	struct weft_context cx;

	prepare();
	model_thread(changes_and_notifies_all, NULL);
	task = model_malloc(sizeof *task);
	task->thread = model_self();
	mt_init(&task->task);
	(void)mt_start(&task->task);
	cx = weft_context_make((struct weft_waker){ &model_task_ops, task }, NULL);
	weft_notify_wait__init(&frame.args, &notify);
	MODEL_CHECK(weft_notify_wait__poll(&frame, &cx) == WEFT_PENDING);
	while (!atomic_load_relaxed(&changed)) {
		if (mt_suspend(&task->task) != MT_PUSH)
			model_park();
		(void)mt_start(&task->task);
	}
	cx.cancelled = true;
	MODEL_CHECK(weft_notify_wait__poll(&frame, &cx) == WEFT_READY);
	mt_done(&task->task);
	model_free(task);
	finish();
}

TEST(b64_notify_one_is_not_lost)
{
	PASSES(is_notified, 0);
	PASSES(loops_until_both_have_changed, 2);
	PASSES(passes_it_on, 2);
	PASSES(passes_it_on_unseen, 2);
}

TEST(b64_notify_all_forgets_nobody)
{
	PASSES(two_wait_after, 1);
	PASSES(two_see_the_note, 1);
	PASSES(one_sees_and_one_looks, 2);
	PASSES(registers_and_looks, 0);
}

TEST(notify_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { is_notified, loops_until_both_have_changed,
		one_sees_and_one_looks, registers_and_looks };

	weaken_each("sync/notify.c", worlds, COUNT(worlds), NULL, 0);
	weaken_each("sync/waiters.h", worlds, COUNT(worlds), NULL, 0);
	weaken_each("base/lock.h", worlds, COUNT(worlds), NULL, 0);
	weaken_each("weft/waiter.h", worlds, COUNT(worlds), NULL, 0);
}
