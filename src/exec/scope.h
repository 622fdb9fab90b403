/* SPDX-License-Identifier: MIT */
/* exec/scope.h: what the flavours know of scopes: a child's word in `joiner`, and its end; and what a join
 * set, which is a scope that keeps its children's results, knows of them. */
#ifndef WEFT_EXEC_SCOPE_H
#define WEFT_EXEC_SCOPE_H

#include <weft/scope.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "core/task.h"
#include "exec/join.h"

/* JOIN_DETACHED with an address: nobody has a handle, but a scope waits. */
static inline uintptr_t weft__scope_word(const struct weft_scope *scope)
{
	return (uintptr_t)scope | JOIN_DETACHED;
}

/* NULL: the word tells of none. */
static inline struct weft_scope *weft__word_scope(uintptr_t word)
{
	return weft__join_is_detached(word) ? (struct weft_scope *)(word - JOIN_DETACHED) : NULL;
}

/* A child ends: from here on it is detached no more. NULL: it was before, or always, and nobody waits for
 * it. */
WEFT_NODISCARD static inline struct weft_scope *weft__scope_of_ending(struct weft_task *child)
{
	/* acquire, both, pairs with child_detach: who detached it touches it no more */
	uintptr_t word = atomic_load_acquire(&child->joiner);
	struct weft_scope *scope = weft__word_scope(word);

	return scope && atomic_cas_acquire(&child->joiner, &word, (uintptr_t)JOIN_LOCKED) ? scope
											  : NULL;
}

/* The child has ended; its result and its links are there still. Afterwards the scope may be gone.
 * True: so may the child; it is a task with a handle, which the join set has. False: it is the
 * caller's to free. */
WEFT_NODISCARD bool weft__scope_leave(struct weft_scope *scope, struct weft_task *child);

/* As weft_scope_spawn_on; runtime NULL: that of the calling task. *task (NULL: not wanted) is the child
 * before anybody polls it. */
WEFT_NODISCARD int weft__scope_spawn(struct weft_scope *scope, struct weft_runtime *runtime,
		const struct weft_async *async, const void *args, struct weft_task **task);

/* ---- with the scope's lock ---- */

static inline struct weft__lock *weft__scope_lock(struct weft_scope *scope)
{
	return (struct weft__lock *)(void *)&scope->lock; /* its only member */
}

/* Behind the child's frame: its place among those that live, or, in a join set, that have ended. */
struct weft__scope_links {
	struct weft_task *newer, *older;
};

struct weft__scope_links *weft__scope_links(struct weft_task *child);

/* Cancels all that live, unless that has been done. Those that are to be queued, by weft__scope_push after
 * the lock has been released. */
WEFT_NODISCARD struct weft_task *weft__scope_claim(struct weft_scope *scope);
void weft__scope_push(struct weft_task *claimed);

/* Takes a child out, and puts it in front of all. */
void weft__scope_unlink(struct weft_scope *scope, struct weft_task *child);
void weft__scope_link(struct weft_scope *scope, struct weft_task *child);

/* join_set.c: one more, and one that has ended, from the scope in it. */
void weft__join_set_enter(struct weft_scope *scope);
void weft__join_set_keep(struct weft_scope *scope, struct weft_task *child);

#endif
