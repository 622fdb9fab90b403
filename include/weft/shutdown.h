/* SPDX-License-Identifier: MIT */
/*
 * weft/shutdown.h: a program that is asked to end, and lets what it has begun come to its end.
 *
 *     static struct weft_shutdown end = WEFT_SHUTDOWN_INIT;
 *
 *     async int main(void)
 *     {
 *             weft_try(weft_spawn_detached(accept_all()));
 *             return await weft_shutdown_wait(&end, WEFT_SECONDS(10));
 *     }
 *
 * It is a token and a tracker, for all to use. Who works enters `tasks`, and leaves; who can stop waits
 * for `stop`, in a select beside what it does, or looks at it between two pieces of work:
 *
 *     weft_task_tracker_enter(&end.tasks);                 // before the task is spawned
 *     defer weft_task_tracker_leave(&end.tasks);           // in the task
 *     await weft_select(..., err = weft_cancel_token_wait(&end.stop));
 *
 * Memory:  yours; nothing allocates. It must not die while a task waits on it or is in it.
 * Threads: weft_cancel_token_cancel(&end.stop) from anywhere asks the program to end, as a signal does.
 */
#ifndef WEFT_SHUTDOWN_H
#define WEFT_SHUTDOWN_H

#include <weft/branch.h>
#include <weft/cancel_token.h>
#include <weft/signal.h>
#include <weft/task_tracker.h>
#include <weft/time.h>

WEFT_BEGIN_DECLS

struct weft_shutdown {
	struct weft_cancel_token stop;  /* cancelled when the program is to end */
	struct weft_task_tracker tasks; /* who is to be waited for then */
};

/* clang-format off */
#define WEFT_SHUTDOWN_INIT { WEFT_CANCEL_TOKEN_INIT, WEFT_TASK_TRACKER_INIT }
/* clang-format on */

/* async int weft_shutdown_wait(shutdown, int64_t grace_ns): waits for SIGINT or SIGTERM, or until `stop`
 * is cancelled by the program; then cancels `stop`, closes `tasks`, and waits until all have left.
 * 0: they have. -ETIME: grace_ns have passed since; -EINTR: a second signal has come: whoever is still
 * there will be cancelled when the runtime ends. -ECANCELED: the task was. -ENXIO, -EMFILE: signals could
 * not be had, and nothing was waited for; on the simulated poller there are none, and only `stop`
 * counts. */
WEFT_ASYNC_2(int, weft_shutdown_wait, struct weft_shutdown *, int64_t);

struct weft_shutdown_wait__frame {
	struct weft_shutdown_wait__args args;
	struct weft_signals signals; /* private from here on */
	int signo;
	bool has_signals;
	struct weft_branch branches[2];
	struct weft_selection selection;
	struct weft_signals_wait__frame signal;
	struct weft_cancel_token_wait__frame stop;
	struct weft_task_tracker_wait__frame left;
	struct weft_timeout__frame timeout;
};

WEFT_END_DECLS

#endif
