/* SPDX-License-Identifier: MIT */
/*
 * weft/cancel_token.h: "stop", said once to all who listen, and to all below them.
 *
 *     static struct weft_cancel_token stop = WEFT_CANCEL_TOKEN_INIT;
 *
 *     switch (await weft_select(n = weft_tcp_read(conn, buf, sizeof buf),
 *                               err = weft_cancel_token_wait(&stop))) {
 *     case 0: ...
 *     case 1: return 0;                                // somebody said stop
 *     }
 *     weft_cancel_token_cancel(&stop);                 // anybody, on any thread
 *
 * Tokens make a tree. Cancelling one cancels all below it, and nothing above:
 *
 *     weft_cancel_token_init_child(&request, &stop);
 *     defer weft_cancel_token_finish(&request);
 *
 * To cancel when a block is left: `defer weft_cancel_token_cancel(&request)`. Finishing does not
 * cancel; what is below a token that is finished hangs under its parent from then on.
 *
 * A token cancels no task. It is for code that is to end at a place of its own choice; a task that is to
 * end wherever it is: weft_task_cancel.
 *
 * Memory:  yours; nothing allocates. A token must not move, and not die while a task waits on it or a
 *          call on it has not returned. One without a parent outlives all that are below it.
 * Threads: all from any thread; a wait from any executor. What was done before a cancel is seen by who is
 *          told of it.
 * Order:   to ask is a load. The tree has one lock, which making and finishing a child take, and
 *          cancelling; a wait takes that of its own token.
 *
 * Tokio's CancellationToken is the model, without its reference counts.
 */
#ifndef WEFT_CANCEL_TOKEN_H
#define WEFT_CANCEL_TOKEN_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_cancel_token {
	struct weft_waiters waiters; /* private from here on */
	struct weft_cancel_token *root, *parent, *children, *newer, *older;
	uint32_t tree_lock;
};

/* clang-format off */
#define WEFT_CANCEL_TOKEN_INIT { { NULL, NULL, 0, 0 }, NULL, NULL, NULL, NULL, NULL, 0 }
/* clang-format on */

/* The same, at run time. */
static inline void weft_cancel_token_init(struct weft_cancel_token *token)
{
	struct weft_cancel_token fresh = WEFT_CANCEL_TOKEN_INIT;

	*token = fresh;
}

/* A token below `parent`. If that has been cancelled, so is this. To be finished. */
void weft_cancel_token_init_child(
		struct weft_cancel_token *token, struct weft_cancel_token *parent);

/* Takes the token out of its tree; what is below it goes to its parent. It stays cancelled, or not.
 * A token without a parent has nothing to be finished; one that has others below it aborts. */
void weft_cancel_token_finish(struct weft_cancel_token *token);

/* Cancels the token and all below it: when this returns, each of them says so. Idempotent, and there is no
 * way back. Time linear in the tokens below and those who wait. */
void weft_cancel_token_cancel(struct weft_cancel_token *token);

bool weft_cancel_token_is_cancelled(const struct weft_cancel_token *token);

/* async int weft_cancel_token_wait(token): 0 when the token is cancelled, or was before. -ECANCELED: the
 * task is. */
WEFT_ASYNC_1(int, weft_cancel_token_wait, struct weft_cancel_token *);

struct weft_cancel_token_wait__frame {
	struct weft_cancel_token_wait__args args;
	struct weft_waiter waiter;
};

WEFT_END_DECLS

#endif
