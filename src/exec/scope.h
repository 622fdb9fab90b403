/* SPDX-License-Identifier: MIT */
/* exec/scope.h: what the flavours know of scopes: a child's word in `joiner`, and its end. */
#ifndef WEFT_EXEC_SCOPE_H
#define WEFT_EXEC_SCOPE_H

#include <weft/scope.h>

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

/* The child has ended; its result and its links are there still. Afterwards the scope may be gone. */
void weft__scope_leave(struct weft_scope *scope, struct weft_task *child);

#endif
