/* SPDX-License-Identifier: MIT */
/* The states of a task (core/task_mt.h, core/task_ct.h) in every interleaving, with stale values.
 *
 * A lost wake-up shows as a deadlock: a worker waits for a queue that stays empty. A task polled by two
 * workers, or a poll that does not see the last one's frame, is a race on `polls`; memory that is touched
 * after the task's end is a use after free. What wakers leave for the task are relaxed flags, so that
 * nothing but the task's state makes them visible: to miss one is to wait for ever.
 *
 * Then each memory order is made weaker, and the search must notice. */
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "base/check.h"
#include "core/task_ct.h"
#include "core/task_mt.h"
#include "test.h"

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

/* --- the task, and a queue that has one place ---------------------------------------------------- */

static struct task {
	struct weft_task header;
	uint32_t polls; /* the frame: plain */
} * task;

static struct {
	uint32_t has_task; /* for who waits */
	uint32_t tasks;    /* for the check that none is pushed twice */
	uint32_t ended;
	bool is_ordered; /* it makes visible what came before the push, as a real one does */
} queue;

static uint32_t flags[2]; /* what the wakers have to say */
static uint32_t reason;   /* what the canceller has to say: plain */

static struct {
	uint32_t lock;
	uint32_t flags; /* under the lock: how many wakers have come, and who waits for them */
	struct task *waiting;
} list;

static void queue_push(void)
{
	MODEL_CHECK(atomic_fetch_add_relaxed(&queue.tasks, 1) == 0);
	if (queue.is_ordered) {
		model_plain_write(&task->header.next, NULL); /* the link is the pusher's */
		atomic_store_release(&queue.has_task, 1);
	} else {
		atomic_store_relaxed(&queue.has_task, 1);
	}
}

/* Takes the task that is there. False: it has ended. */
static bool queue_took(void)
{
	if (atomic_load_relaxed(&queue.ended))
		return false;
	atomic_fetch_sub_relaxed(&queue.tasks, 1);
	if (queue.is_ordered)
		(void)model_plain_read(&task->header.next);
	return true;
}

/* Waits for the task. False: it has ended. */
static bool queue_pop(void)
{
	model_await(MODEL_SITE("pop queue"), &queue.has_task, 1, 0);
	return queue_took();
}

/* Tells the other worker. */
static void queue_end(void)
{
	atomic_store_relaxed(&queue.ended, 1);
	atomic_store_release(&queue.has_task, 1);
}

static void task_unref(void)
{
	if (atomic_fetch_sub_acq_rel(&task->header.refs, 1) == 1)
		model_free(task);
}

/* What a poll of the task comes to. */
enum outcome { WAITS, YIELDS, ENDS };
static enum outcome (*task_body)(bool cancelled);

static enum outcome task_poll(bool cancelled)
{
	model_plain_write(&task->polls, model_plain_read(&task->polls) + 1);
	return task_body(cancelled);
}

static enum outcome body_waits_for_both_flags(bool cancelled)
{
	(void)cancelled;
	return atomic_load_relaxed(&flags[0]) && atomic_load_relaxed(&flags[1]) ? ENDS : WAITS;
}

static enum outcome body_yields_and_waits_for_a_flag(bool cancelled)
{
	(void)cancelled;
	if (task->polls == 1)
		return YIELDS;
	return atomic_load_relaxed(&flags[0]) ? ENDS : WAITS;
}

static enum outcome body_waits_for_a_flag_and_the_cancel(bool cancelled)
{
	if (cancelled)
		MODEL_CHECK(model_plain_read(&reason) == 7);
	return cancelled && atomic_load_relaxed(&flags[0]) ? ENDS : WAITS;
}

/* Registers itself in the wait list, unless it has what it waits for: both flags, or a cancel. */
static enum outcome body_waits_in_the_list(bool cancelled)
{
	enum outcome outcome;

	model_lock(&list.lock);
	outcome = cancelled || list.flags == 2 ? ENDS : WAITS;
	list.waiting = outcome == WAITS ? task : NULL;
	model_unlock(&list.lock);
	return outcome;
}

/* --- any worker polls: core/task_mt.h ------------------------------------------------------------ */

static void mt_work(void *unused)
{
	(void)unused;
	while (queue_pop()) {
		enum outcome outcome = task_poll(mt_start(&task->header));

		if (outcome == ENDS) {
			mt_done(&task->header);
			task_unref();
			queue_end();
			return;
		}
		if (outcome == YIELDS) {
			mt_yield(&task->header);
			queue_push();
		} else if (mt_suspend(&task->header) == MT_PUSH) {
			queue_push();
		}
	}
}

/* Owned wakers. */
static void mt_wake_owned(void *flag)
{
	atomic_store_relaxed((uint32_t *)flag, 1);
	if (mt_wake(&task->header) == MT_PUSH)
		queue_push();
	task_unref();
}

static void mt_cancel_handle(void *unused)
{
	(void)unused;
	model_plain_write(&reason, 7);
	if (mt_cancel(&task->header) == MT_PUSH)
		queue_push();
	task_unref();
}

/* A borrowed waker in a list: claimed under the lock, committed after it, no reference. */
static void mt_wake_listed(void *unused)
{
	struct task *claimed = NULL;

	(void)unused;
	model_lock(&list.lock);
	list.flags++;
	if (list.waiting && mt_wake(&list.waiting->header) == MT_PUSH)
		claimed = list.waiting;
	list.waiting = NULL;
	model_unlock(&list.lock);
	if (claimed)
		queue_push();
}

/* What claims are for: this one wakes after it has unlocked, when the task may be gone. */
static void mt_wake_listed_late(void *unused)
{
	struct task *waiting;

	(void)unused;
	model_lock(&list.lock);
	list.flags++;
	waiting = list.waiting;
	list.waiting = NULL;
	model_unlock(&list.lock);
	if (waiting && mt_wake(&waiting->header) == MT_PUSH)
		queue_push();
}

/* --- one thread polls, its home: core/task_ct.h -------------------------------------------------- */

/* Does what others have asked for. Returns whether the task is to be polled. */
static bool ct_obey(void)
{
	uint32_t asked = ct_receive(&task->header);

	if (asked & CT_ASK_UNREF)
		atomic_fetch_sub_acq_rel(&task->header.refs, 1);
	if (asked & CT_ASK_CANCEL)
		task->header.local |= CT_CANCELLED;
	return ct_wake(&task->header) == CT_PUSH;
}

/* Frees the task if nobody can reach it any more. */
static bool ct_reap(void)
{
	if (atomic_load_acquire(&task->header.refs) != 1 || ct_requested(&task->header))
		return false;
	model_free(task);
	return true;
}

/* Looks into the inbox between polls, and waits for it when there is nothing else to do. */
static void ct_home(void *unused)
{
	bool queued = true;

	(void)unused;
	task->header.local = CT_QUEUED;
	for (;;) {
		enum outcome outcome;

		if (queued ? atomic_exchange_acquire(&queue.has_task, 0) && queue_took()
			   : queue_pop())
			queued |= ct_obey();
		if (queued) {
			outcome = task_poll(ct_start(&task->header));
			queued = outcome != ENDS &&
					ct_suspend(&task->header, outcome == YIELDS) == CT_PUSH;
			if (outcome == ENDS)
				ct_done(&task->header);
		}
		if (task->header.local & CT_DONE && ct_reap())
			return;
	}
}

static void ct_ask(uint32_t asked)
{
	if (ct_request(&task->header, asked) == CT_PUSH)
		queue_push();
}

/* The last reference is the home's to end: it may be what the memory waits for. */
static void ct_drop(void)
{
	uint32_t refs = atomic_load_relaxed(&task->header.refs);

	while (refs != 2)
		if (atomic_cas_acq_rel(&task->header.refs, &refs, refs - 1))
			return;
	ct_ask(CT_ASK_UNREF);
}

static void ct_wake_owned(void *flag)
{
	atomic_store_relaxed((uint32_t *)flag, 1);
	ct_ask(0);
	ct_drop();
}

static void ct_cancel_handle(void *unused)
{
	(void)unused;
	model_plain_write(&reason, 7);
	ct_ask(CT_ASK_CANCEL);
	ct_drop();
}

static void ct_wake_listed(void *unused)
{
	struct task *claimed = NULL;

	(void)unused;
	model_lock(&list.lock);
	list.flags++;
	if (list.waiting && ct_request(&list.waiting->header, 0) == CT_PUSH)
		claimed = list.waiting;
	list.waiting = NULL;
	model_unlock(&list.lock);
	if (claimed)
		queue_push();
}

static void ct_wake_listed_late(void *unused)
{
	struct task *waiting;

	(void)unused;
	model_lock(&list.lock);
	list.flags++;
	waiting = list.waiting;
	list.waiting = NULL;
	model_unlock(&list.lock);
	if (waiting && ct_request(&waiting->header, 0) == CT_PUSH)
		queue_push();
}

/* --- the worlds ---------------------------------------------------------------------------------- */

static void prepare(enum outcome (*body)(bool cancelled), uint32_t refs, bool queue_is_ordered)
{
	task = model_malloc(sizeof *task);
	*task = (struct task){ .header.refs = refs };
	queue.has_task = queue.tasks = 1;
	queue.ended = 0;
	queue.is_ordered = queue_is_ordered;
	flags[0] = flags[1] = reason = list.lock = list.flags = 0;
	list.waiting = NULL;
	task_body = body;
}

static void mt_start_task(void)
{
	mt_init(&task->header);
	model_thread(mt_work, NULL);
	model_thread(mt_work, NULL);
}

static void ct_start_task(void)
{
	queue.has_task = queue.tasks = 0; /* the task is in the home's own queue */
	ct_init(&task->header, false);
	model_thread(ct_home, NULL);
}

static const struct flavour {
	void (*start)(void);
	void (*wake_owned)(void *flag);
	void (*cancel_handle)(void *unused);
	void (*wake_listed)(void *unused);
	void (*wake_listed_late)(void *unused);
} mt = { mt_start_task, mt_wake_owned, mt_cancel_handle, mt_wake_listed, mt_wake_listed_late },
  ct = { ct_start_task, ct_wake_owned, ct_cancel_handle, ct_wake_listed, ct_wake_listed_late };

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

static void owned_wakers(const struct flavour *flavour, bool queue_is_ordered)
{
	prepare(body_waits_for_both_flags, 3, queue_is_ordered);
	flavour->start();
	model_thread(flavour->wake_owned, &flags[0]);
	model_thread(flavour->wake_owned, &flags[1]);
	finish();
}

static void yielding(const struct flavour *flavour, bool queue_is_ordered)
{
	prepare(body_yields_and_waits_for_a_flag, 2, queue_is_ordered);
	flavour->start();
	model_thread(flavour->wake_owned, &flags[0]);
	finish();
}

static void cancelled(const struct flavour *flavour, bool queue_is_ordered)
{
	prepare(body_waits_for_a_flag_and_the_cancel, 3, queue_is_ordered);
	flavour->start();
	model_thread(flavour->wake_owned, &flags[0]);
	model_thread(flavour->cancel_handle, NULL);
	finish();
}

static void claims(const struct flavour *flavour)
{
	prepare(body_waits_in_the_list, 1, true);
	flavour->start();
	model_thread(flavour->wake_listed, NULL);
	model_thread(flavour->wake_listed, NULL);
	finish();
}

static void claims_and_cancel(const struct flavour *flavour)
{
	prepare(body_waits_in_the_list, 2, true);
	flavour->start();
	model_thread(flavour->wake_listed, NULL);
	model_thread(flavour->wake_listed, NULL);
	model_thread(flavour->cancel_handle, NULL);
	finish();
}

static void late_wake_and_cancel(const struct flavour *flavour)
{
	prepare(body_waits_in_the_list, 2, true);
	flavour->start();
	model_thread(flavour->wake_listed_late, NULL);
	model_thread(flavour->cancel_handle, NULL);
	finish();
}

/* --- the explorations ---------------------------------------------------------------------------- */

#define WORLD(name, call)                                                                          \
	static void name(void)                                                                     \
	{                                                                                          \
		call;                                                                              \
	}
WORLD(mt_owned_wakers, owned_wakers(&mt, false))
WORLD(mt_owned_wakers_ordered, owned_wakers(&mt, true))
WORLD(mt_yielding, yielding(&mt, false))
WORLD(mt_cancelled, cancelled(&mt, false))
WORLD(mt_cancelled_ordered, cancelled(&mt, true))
WORLD(mt_claims, claims(&mt))
WORLD(mt_claims_and_cancel, claims_and_cancel(&mt))
WORLD(mt_late_wake_and_cancel, late_wake_and_cancel(&mt))
WORLD(ct_owned_wakers, owned_wakers(&ct, false))
WORLD(ct_owned_wakers_ordered, owned_wakers(&ct, true))
WORLD(ct_yielding, yielding(&ct, false))
WORLD(ct_cancelled, cancelled(&ct, false))
WORLD(ct_cancelled_ordered, cancelled(&ct, true))
WORLD(ct_claims, claims(&ct))
WORLD(ct_claims_and_cancel, claims_and_cancel(&ct))
WORLD(ct_late_wake_and_cancel, late_wake_and_cancel(&ct))

#define EXPLORE(world, expected)                                                                   \
	CHECK_EQ(model_explore(#world, world,                                                      \
				 (struct model_options){ .failure_is_expected = expected !=        \
								 MODEL_PASSED })                   \
					.verdict,                                                  \
			expected)

TEST(task_with_owned_wakers_loses_no_wake)
{
	EXPLORE(mt_owned_wakers, MODEL_PASSED);
	EXPLORE(mt_owned_wakers_ordered, MODEL_PASSED);
	EXPLORE(ct_owned_wakers, MODEL_PASSED);
	EXPLORE(ct_owned_wakers_ordered, MODEL_PASSED);
}

TEST(task_that_yields_loses_no_wake)
{
	EXPLORE(mt_yielding, MODEL_PASSED);
	EXPLORE(ct_yielding, MODEL_PASSED);
}

TEST(task_that_is_cancelled_hears_of_it)
{
	EXPLORE(mt_cancelled, MODEL_PASSED);
	EXPLORE(mt_cancelled_ordered, MODEL_PASSED);
	EXPLORE(ct_cancelled, MODEL_PASSED);
	EXPLORE(ct_cancelled_ordered, MODEL_PASSED);
}

TEST(task_that_is_claimed_outlives_the_claim)
{
	EXPLORE(mt_claims, MODEL_PASSED);
	EXPLORE(mt_claims_and_cancel, MODEL_PASSED);
	EXPLORE(ct_claims, MODEL_PASSED);
	EXPLORE(ct_claims_and_cancel, MODEL_PASSED);
}

/* Why there are claims: the same wake, after unlocking, touches a task that is gone. */
TEST(task_that_is_woken_without_a_claim_is_used_after_its_end)
{
	EXPLORE(mt_late_wake_and_cancel, MODEL_USE_AFTER_FREE);
	EXPLORE(ct_late_wake_and_cancel, MODEL_USE_AFTER_FREE);
}

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

TEST(task_mt_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { mt_owned_wakers, mt_owned_wakers_ordered,
		mt_yielding, mt_cancelled, mt_cancelled_ordered, mt_claims_and_cancel };
	static const struct weaken_excuse excuses[] = {
		/* half of these is needed; acq_rel says that the word orders everything */
		{ "mt_start", "fetch_add_acq_rel", MODEL_ACQUIRE },
		{ "mt_suspend", "fetch_sub_acq_rel", MODEL_RELEASE },
		{ "mt_yield", "exchange_acq_rel", MODEL_RELEASE },
	};

	weaken_each("core/task_mt.h", worlds, COUNT(worlds), excuses, COUNT(excuses));
}

TEST(task_ct_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { ct_owned_wakers, ct_owned_wakers_ordered,
		ct_yielding, ct_cancelled, ct_cancelled_ordered, ct_claims_and_cancel };
	static const struct weaken_excuse excuses[] = {
		{ "ct_requested", "load_acquire", MODEL_RELAXED },
	};

	weaken_each("core/task_ct.h", worlds, COUNT(worlds), excuses, COUNT(excuses));
}
