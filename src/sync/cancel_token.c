/* SPDX-License-Identifier: MIT */
/*
 * sync/cancel_token.c: a tree of flags; setting one sets those below and wakes who waits for any of them.
 *
 * How         The flag is the word of the token's waiters; it is set once. Those who wait are its
 *             list, under its own lock (sync/waiters.h), so who waits for one token does not hinder
 *             who waits for another. The tree is under the lock in its root. Cancelling has two parts:
 *
 *                 mark    all that are below, in one go, without memory of its own: the children of the
 *                         child that has just been marked are put behind it, as children of the token that
 *                         is being cancelled. So the tree below becomes its list of children, in which
 *                         those stay on whom somebody waits.
 *                 wake    those, WAKES_MAX at a time. Between two steps both locks are free, and any token
 *                         in that list may be finished: it takes itself out, as out of any other.
 *
 *                 token                token
 *                 |- a     --mark-->   |- b     --wake-->   token     (each that is out is a tree of
 *                 |  |- b, awaited     `- c                            its own, and cancelled)
 *                 |  `- c, awaited
 *                 `- d
 * Invariants  [I1] what is below a token that is not cancelled has a parent; what is in the tree of a
 *                  token that is cancelled is cancelled, too.
 *             [I2] who is in the list of a token that is cancelled is about to be woken by whoever
 *                  cancels.
 * Order       [O1] the release of the flag pairs with the acquire of who looks at it without a lock.
 *             [O2] the tree's lock comes before a token's own; no other two are held at once. Commits come
 *                  after both.
 * Cost        a child: two times the tree's lock. Cancelling: it holds that while it marks.
 * Why so      Tokens that lock their parent, and it theirs, cannot be finished without trying again and
 *             again; one lock for the tree is held for some instructions, once for a child's life each
 *             way.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/cancel_token.h>

#include "sync/waiters.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_cancel_token) == 72, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_cancel_token_wait__frame) == 64,
		"part of the ABI");

enum { TOKEN_CANCELLED = 1 };

bool weft_cancel_token_is_cancelled(const struct weft_cancel_token *token)
{
	return atomic_load_acquire(&token->waiters.word) != 0; /* [O1] pairs with token_mark */
}

/* ---- the tree: with its lock ---- */

static struct weft__lock *tree_lock_of(struct weft_cancel_token *token)
{
	struct weft_cancel_token *root = token->root ? token->root : token;

	return (struct weft__lock *)(void *)&root->tree_lock; /* its only member */
}

/* Relaxed: it is set with the lock. */
static bool token_is_marked(const struct weft_cancel_token *token)
{
	return atomic_load_relaxed(&token->waiters.word) != 0;
}

static void tree_link(struct weft_cancel_token *parent, struct weft_cancel_token *token)
{
	token->parent = parent;
	token->newer = NULL;
	token->older = parent->children;
	if (token->older)
		token->older->newer = token;
	parent->children = token;
}

static void tree_unlink(struct weft_cancel_token *token)
{
	if (token->newer)
		token->newer->older = token->older;
	else
		token->parent->children = token->older;
	if (token->older)
		token->older->newer = token->newer;
	token->parent = NULL;
}

/* What is below `token` comes to be below its parent, right behind it. */
static void tree_lift(struct weft_cancel_token *token)
{
	struct weft_cancel_token *first = token->children, *last;

	if (!first)
		return;
	for (last = first; last->older; last = last->older)
		last->parent = token->parent;
	last->parent = token->parent;
	last->older = token->older;
	if (last->older)
		last->older->newer = last;
	first->newer = token;
	token->older = first;
	token->children = NULL;
}

void weft_cancel_token_init_child(struct weft_cancel_token *token, struct weft_cancel_token *parent)
{
	struct weft__lock *lock = tree_lock_of(parent);

	weft_cancel_token_init(token);
	token->root = parent->root ? parent->root : parent;
	weft__lock_acquire(lock);
	if (token_is_marked(parent))                                                   /* [I1] */
		atomic_store_relaxed(&token->waiters.word, (uint32_t)TOKEN_CANCELLED); /* unseen */
	else
		tree_link(parent, token);
	weft__lock_release(lock);
}

void weft_cancel_token_finish(struct weft_cancel_token *token)
{
	struct weft__lock *lock = tree_lock_of(token);

	weft__lock_acquire(lock);
	if (token->parent) {
		tree_lift(token);
		tree_unlink(token);
	}
	WEFT_ASSERT(!token->children); /* the root outlives what is below it */
	token->root = NULL;
	weft__lock_release(lock);
}

/* ---- cancelling ---- */

/* Whether somebody waits for it. */
static bool token_mark(struct weft_cancel_token *token)
{
	bool is_awaited;

	weft__waiters_lock(&token->waiters); /* [O2] */
	/* [O1] pairs with weft_cancel_token_is_cancelled */
	atomic_store_release(&token->waiters.word, (uint32_t)TOKEN_CANCELLED);
	is_awaited = token->waiters.oldest != NULL;
	weft__waiters_unlock(&token->waiters);
	return is_awaited;
}

static void tree_mark(struct weft_cancel_token *token)
{
	struct weft_cancel_token *older;

	token_mark(token);
	if (token->parent)
		tree_unlink(token);
	for (struct weft_cancel_token *below = token->children; below; below = older) {
		bool is_awaited = token_mark(below);

		tree_lift(below);
		older = below->older;
		if (!is_awaited)
			tree_unlink(below);
	}
}

/* Whether somebody still waits for it, because there is no more room in wakes. */
static bool token_wake(struct weft_cancel_token *token, struct weft__wakes *wakes)
{
	struct weft_waiter *oldest;

	weft__waiters_lock(&token->waiters); /* [O2] */
	while ((oldest = token->waiters.oldest) && wakes->count < WAKES_MAX)
		weft__waiters_wake(&token->waiters, oldest, WAITER_CLOSED, wakes);
	weft__waiters_unlock(&token->waiters);
	return oldest != NULL;
}

/* The same, of the token and those that tree_mark has left below it. [I2] */
static bool tree_wake(struct weft_cancel_token *token, struct weft__wakes *wakes)
{
	if (token_wake(token, wakes))
		return true;
	while (token->children) {
		if (token_wake(token->children, wakes))
			return true;
		tree_unlink(token->children);
	}
	return false;
}

void weft_cancel_token_cancel(struct weft_cancel_token *token)
{
	struct weft__lock *lock = tree_lock_of(token);
	struct weft__wakes wakes;
	bool more;

	weft__lock_acquire(lock);
	if (token_is_marked(token)) {
		weft__lock_release(lock);
		return;
	}
	tree_mark(token);
	do {
		wakes.count = 0;
		more = tree_wake(token, &wakes);
		weft__lock_release(lock);
		weft__wakes_commit(&wakes); /* [O2] */
		if (more)
			weft__lock_acquire(lock);
	} while (more);
}

/* ---- the leaf ---- */

static int token_begin(struct weft_cancel_token *token, struct weft_waiter *waiter,
		struct weft_context *cx)
{
	bool marked;

	if (weft_context_cancelled(cx))
		return -ECANCELED;
	if (weft_cancel_token_is_cancelled(token))
		return 0;
	weft__waiters_lock(&token->waiters);
	marked = token_is_marked(token);
	if (!marked && !cx->trying)
		weft__waiters_push(&token->waiters, waiter, cx);
	weft__waiters_unlock(&token->waiters);
	return marked ? 0 : -EAGAIN;
}

static int token_wait(struct weft_cancel_token *token, struct weft_waiter *waiter,
		struct weft_context *cx)
{
	bool cancelled = weft_context_cancelled(cx);
	int outcome = cancelled ? -ECANCELED : 0;

	weft__waiters_lock(&token->waiters);
	if (waiter->state == WAITER_LINKED) {
		if (cancelled || token_is_marked(token)) {
			weft__waiters_remove(&token->waiters, waiter);
		} else {
			waiter->waker = *weft_context_waker(cx);
			outcome = -EAGAIN;
		}
	}
	weft__waiters_unlock(&token->waiters);
	return outcome;
}

enum weft_poll weft_cancel_token_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_cancel_token_wait__frame *f = frame;
	int outcome;

	WEFT_FRAME_CHECK(&f->args.base);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (f->args.base.at == LEAF_WAITING)
		outcome = token_wait(f->args.p0, &f->waiter, cx);
	else if (f->args.base.at == LEAF_FRESH)
		outcome = token_begin(f->args.p0, &f->waiter, cx);
	else
		weft_frame_misuse(&f->args.base);
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_cancel_token_wait,
		WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);
