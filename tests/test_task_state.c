/* SPDX-License-Identifier: MIT */
/* The two state machines of a task, in every order of their edges, one thread: what each edge returns is
 * compared with a few lines that say what a task is. Threads come in model/test_model_task.c. */
#include <stdlib.h>
#include <string.h>

#include "core/task_ct.h"
#include "core/task_mt.h"
#include "test.h"

static void fail_aborts(const char *what, const char *file, int line)
{
	(void)what;
	(void)file;
	(void)line;
	abort();
}

__attribute__((constructor)) static void fail_hook_set(void)
{
	weft__fail_hook = fail_aborts;
}

/* What a task is. */
struct oracle {
	bool queued;  /* in a run queue */
	bool claimed; /* about to be pushed, by whoever claimed it */
	bool running;
	bool again; /* while it runs: it is to be polled once more */
	bool cancelled;
	bool done;
	/* current-thread flavour only */
	bool in_inbox;
	bool inbox_claimed;
	bool cancel_asked;
};

struct walk {
	struct weft_task task;
	struct oracle oracle;
};

static bool is_idle(const struct oracle *oracle)
{
	return !oracle->queued && !oracle->claimed && !oracle->running && !oracle->done;
}

/* --- core/task_mt.h ------------------------------------------------------------------------------ */

enum { MT_WAKE, MT_CANCEL, MT_CLAIM, MT_COMMIT, MT_START, MT_SUSPEND, MT_YIELD, MT_END, MT_OPS };

/* A wake of some kind, which must return whether to push. */
static void mt_woken(struct oracle *oracle, enum mt_todo todo)
{
	CHECK_EQ(todo, is_idle(oracle) ? MT_PUSH : MT_NOTHING);
	oracle->again |= oracle->running;
}

static void mt_step(struct walk *walk, int op)
{
	struct oracle *oracle = &walk->oracle;
	struct weft_task *task = &walk->task;
	bool idle = is_idle(oracle);

	switch (op) {
	case MT_WAKE:
		mt_woken(oracle, mt_wake(task));
		oracle->queued |= idle;
		break;
	case MT_CANCEL:
		mt_woken(oracle, mt_cancel(task));
		oracle->queued |= idle;
		oracle->cancelled = true;
		break;
	case MT_CLAIM:
		mt_woken(oracle, mt_wake(task));
		oracle->claimed |= idle;
		break;
	case MT_COMMIT:
		oracle->claimed = false;
		oracle->queued = true;
		break;
	case MT_START:
		CHECK_EQ(mt_start(task), oracle->cancelled);
		oracle->queued = false;
		oracle->running = true;
		break;
	case MT_SUSPEND:
		CHECK_EQ(mt_suspend(task), oracle->again ? MT_PUSH : MT_NOTHING);
		oracle->queued = oracle->again;
		oracle->running = oracle->again = false;
		break;
	case MT_YIELD:
		mt_yield(task);
		oracle->queued = true;
		oracle->running = oracle->again = false;
		break;
	case MT_END:
		mt_done(task);
		oracle->done = true;
		oracle->running = oracle->again = false;
		break;
	}
}

static bool mt_can(const struct oracle *oracle, int op)
{
	if (op == MT_COMMIT)
		return oracle->claimed;
	if (op == MT_START)
		return oracle->queued;
	return op < MT_COMMIT || oracle->running;
}

static unsigned long mt_walk(struct walk from, int steps)
{
	unsigned long count = 1;

	for (int op = 0; steps > 0 && op < MT_OPS; op++) {
		struct walk walk = from;

		if (!mt_can(&from.oracle, op))
			continue;
		mt_step(&walk, op);
		count += mt_walk(walk, steps - 1);
	}
	return count;
}

TEST(task_mt_does_what_the_oracle_says_in_every_order)
{
	struct walk walk;

	memset(&walk, 0, sizeof walk);
	mt_init(&walk.task);
	walk.oracle.queued = true;
	CHECK(mt_walk(walk, 9) > 500000);
}

TEST(task_mt_taken_from_nowhere_aborts)
{
	struct weft_task task;

	memset(&task, 0, sizeof task);
	mt_init(&task);
	CHECK_ABORTS((void)mt_suspend(&task)); /* it does not run */
	(void)mt_start(&task);
	CHECK_ABORTS((void)mt_start(&task)); /* two workers */
	mt_done(&task);
	CHECK_ABORTS((void)mt_start(&task));
	CHECK_EQ(mt_wake(&task), MT_NOTHING);
}

/* --- core/task_ct.h ------------------------------------------------------------------------------ */

enum {
	CT_WAKE,    /* the home */
	CT_CLAIM,   /* the home */
	CT_COMMIT,  /* the home */
	CT_REQUEST, /* elsewhere, as all that follow up to RECEIVE */
	CT_ASK_FOR_CANCEL,
	CT_AWAY_CLAIM,
	CT_AWAY_COMMIT,
	CT_RECEIVE, /* the home, as all that follow */
	CT_START,
	CT_SUSPEND,
	CT_YIELD,
	CT_END,
	CT_OPS
};

static void ct_woken(struct oracle *oracle, enum ct_todo todo)
{
	CHECK_EQ(todo, is_idle(oracle) ? CT_PUSH : CT_NOTHING);
	oracle->again |= oracle->running;
}

/* A request, pushed to the inbox by the first that finds it not there. */
static bool ct_asked(const struct oracle *oracle, enum ct_todo todo)
{
	CHECK_EQ(todo, oracle->in_inbox || oracle->inbox_claimed ? CT_NOTHING : CT_PUSH);
	return todo == CT_PUSH;
}

static void ct_receives(struct walk *walk)
{
	struct oracle *oracle = &walk->oracle;
	bool idle = is_idle(oracle);
	uint32_t asked = ct_receive(&walk->task);

	CHECK_EQ(asked, (uint32_t)CT_WOKEN | (oracle->cancel_asked ? (uint32_t)CT_ASK_CANCEL : 0));
	if (asked & CT_ASK_CANCEL)
		walk->task.local |= CT_CANCELLED;
	oracle->cancelled |= oracle->cancel_asked;
	oracle->in_inbox = oracle->cancel_asked = false;
	ct_woken(oracle, ct_wake(&walk->task));
	oracle->queued |= idle;
}

static void ct_step(struct walk *walk, int op)
{
	struct oracle *oracle = &walk->oracle;
	struct weft_task *task = &walk->task;
	bool idle = is_idle(oracle);

	switch (op) {
	case CT_WAKE:
		ct_woken(oracle, ct_wake(task));
		oracle->queued |= idle;
		break;
	case CT_CLAIM:
		ct_woken(oracle, ct_wake(task));
		oracle->claimed |= idle;
		break;
	case CT_COMMIT:
		oracle->claimed = false;
		oracle->queued = true;
		break;
	case CT_REQUEST:
		oracle->in_inbox |= ct_asked(oracle, ct_request(task, 0));
		break;
	case CT_ASK_FOR_CANCEL:
		oracle->in_inbox |= ct_asked(oracle, ct_request(task, CT_ASK_CANCEL));
		oracle->cancel_asked = true;
		break;
	case CT_AWAY_CLAIM:
		oracle->inbox_claimed |= ct_asked(oracle, ct_request(task, 0));
		break;
	case CT_AWAY_COMMIT:
		oracle->inbox_claimed = false;
		oracle->in_inbox = true;
		break;
	case CT_RECEIVE:
		ct_receives(walk);
		break;
	case CT_START:
		CHECK_EQ(ct_start(task), oracle->cancelled);
		oracle->queued = false;
		oracle->running = true;
		break;
	case CT_SUSPEND:
	case CT_YIELD:
		oracle->queued = oracle->again || op == CT_YIELD;
		CHECK_EQ(ct_suspend(task, op == CT_YIELD), oracle->queued ? CT_PUSH : CT_NOTHING);
		oracle->running = oracle->again = false;
		break;
	case CT_END:
		ct_done(task);
		oracle->done = true;
		oracle->running = oracle->again = false;
		break;
	}
	/* its memory must stay as long as the inbox holds it, or is about to */
	CHECK_EQ(ct_requested(task), oracle->in_inbox || oracle->inbox_claimed);
}

static bool ct_can(const struct oracle *oracle, int op)
{
	switch (op) {
	case CT_COMMIT:
		return oracle->claimed;
	case CT_AWAY_COMMIT:
		return oracle->inbox_claimed;
	case CT_RECEIVE:
		return oracle->in_inbox;
	case CT_START:
		return oracle->queued;
	case CT_SUSPEND:
	case CT_YIELD:
	case CT_END:
		return oracle->running;
	default:
		return true;
	}
}

static unsigned long ct_walk(struct walk from, int steps)
{
	unsigned long count = 1;

	for (int op = 0; steps > 0 && op < CT_OPS; op++) {
		struct walk walk = from;

		if (!ct_can(&from.oracle, op))
			continue;
		ct_step(&walk, op);
		count += ct_walk(walk, steps - 1);
	}
	return count;
}

TEST(task_ct_does_what_the_oracle_says_in_every_order)
{
	struct walk walk;

	memset(&walk, 0, sizeof walk);
	ct_init(&walk.task, false);
	CHECK(ct_walk(walk, 7) > 500000);
}

TEST(task_ct_taken_from_nowhere_aborts)
{
	struct weft_task task;

	memset(&task, 0, sizeof task);
	ct_init(&task, false);
	CHECK_ABORTS((void)ct_start(&task));
	CHECK_EQ(ct_wake(&task), CT_PUSH);
	(void)ct_start(&task);
	CHECK_ABORTS((void)ct_start(&task));
	ct_done(&task);
	CHECK_ABORTS((void)ct_start(&task));
	CHECK_ABORTS(ct_done(&task));
	CHECK_EQ(ct_wake(&task), CT_NOTHING);
}
