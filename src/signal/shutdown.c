/* SPDX-License-Identifier: MIT */
/*
 * signal/shutdown.c: from the first signal to the last task that leaves.
 *
 *     FRESH ---> ASKING, a select: a signal, or `stop` is cancelled
 *                  |  stop is cancelled, tasks is closed
 *                  v
 *                DRAINING, a select: all have left, in the time that there is; or another signal
 *
 * Not here: tasks that are still there after that. The runtime cancels them when it ends (exec/runtime.c).
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include <weft/shutdown.h>

#include "base/check.h"

enum {
	SHUTDOWN_FRESH,
	SHUTDOWN_ASKING,
	SHUTDOWN_DRAINING
}; /* `at`; the indices of the points + 1 */

/* A branch 0 that takes the place of the signals where there are none. */
static void shutdown_select(
		struct weft_shutdown_wait__frame *f, const struct weft_async *async, void *frame)
{
	weft_signals_wait__init(&f->signal.args, f->signals, &f->signo);
	f->branches[0] = weft_branch_make(&weft_signals_wait__async, &f->signal);
	if (!f->has_signals)
		weft_branch_disable(&f->branches[0]);
	f->branches[1] = weft_branch_make(async, frame);
	f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
}

static int shutdown_begin(struct weft_shutdown_wait__frame *f)
{
	static const int ending[] = { SIGINT, SIGTERM };
	int err = weft_signals_open(&f->signals, ending, 2);

	f->has_signals = err == 0;
	if (err && err != -ENOTSUP)
		return err;
	weft_cancel_token_wait__init(&f->stop.args, &f->args.p0->stop);
	shutdown_select(f, &weft_cancel_token_wait__async, &f->stop);
	return 0;
}

static void shutdown_drain(struct weft_shutdown_wait__frame *f)
{
	weft_cancel_token_cancel(&f->args.p0->stop);
	weft_task_tracker_close(&f->args.p0->tasks);
	weft_task_tracker_wait__init(&f->left.args, &f->args.p0->tasks);
	weft_timeout__init(&f->timeout.args, f->args.p1, &weft_task_tracker_wait__async, &f->left);
	shutdown_select(f, &weft_timeout__async, &f->timeout);
}

/* What the select that has ended says: 0, or a negative errno. */
static int shutdown_outcome(const struct weft_shutdown_wait__frame *f)
{
	if (f->selection.winner < 0)
		return f->selection.winner;
	if (f->selection.winner == 0 && f->signal.args.result < 0)
		return f->signal.args.result;
	if (f->args.base.at == SHUTDOWN_ASKING)
		return 0;
	return f->selection.winner == 0 ? -EINTR : (int)f->timeout.args.result;
}

static enum weft_poll shutdown_end(struct weft_shutdown_wait__frame *f, int result)
{
	if (f->has_signals)
		(void)weft_signals_close(f->signals);
	weft_return(f, result);
}

enum weft_poll weft_shutdown_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_shutdown_wait__frame *f = frame;
	int outcome;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == SHUTDOWN_FRESH) {
		outcome = shutdown_begin(f);
		if (outcome)
			weft_return(f, outcome);
		f->args.base.at = SHUTDOWN_ASKING;
	}
	if (f->args.base.at == SHUTDOWN_ASKING) {
		if (weft_select_poll(f->branches, 2, cx, &f->selection) == WEFT_PENDING)
			return WEFT_PENDING;
		outcome = shutdown_outcome(f);
		if (outcome)
			return shutdown_end(f, outcome);
		shutdown_drain(f);
		f->args.base.at = SHUTDOWN_DRAINING;
	}
	if (f->args.base.at != SHUTDOWN_DRAINING)
		weft_frame_misuse(&f->args.base);
	if (weft_select_poll(f->branches, 2, cx, &f->selection) == WEFT_PENDING)
		return WEFT_PENDING;
	return shutdown_end(f, shutdown_outcome(f));
}

#define SHUTDOWN_POINT                                                                             \
	{                                                                                          \
		__LINE__, offsetof(struct weft_shutdown_wait__frame, branches), NULL,              \
				WEFT_POINT_BRANCH | 2 << 8                                         \
	}
static const struct weft_point shutdown_points[] = {
	SHUTDOWN_POINT, /* SHUTDOWN_ASKING */
	SHUTDOWN_POINT, /* SHUTDOWN_DRAINING */
};

static const struct weft_embedded shutdown_embedded[] = {
	{ &weft_signals_wait__async, sizeof(struct weft_signals_wait__frame) },
	{ &weft_cancel_token_wait__async, sizeof(struct weft_cancel_token_wait__frame) },
	{ &weft_task_tracker_wait__async, sizeof(struct weft_task_tracker_wait__frame) },
	{ &weft_timeout__async, sizeof(struct weft_timeout__frame) },
};

WEFT_ASYNC_DESCRIBE(weft_shutdown_wait, WEFT_ASYNC_RESULT_INT, .points = shutdown_points,
		.point_count = 2, .embedded = shutdown_embedded, .embedded_count = 4);
