/* SPDX-License-Identifier: MIT */
/*
 * core/held.h: what locks tell of who holds them, in checked builds.
 *
 * Why so      Owners cannot be written into the locks, whose size is the same in every build; and sync
 *             does not know who polls. So it says who took what to whoever wants to know, by these
 *             functions; exec/holders.c keeps a table. Elsewhere nothing is said, and nothing costs.
 */
#ifndef WEFT_CORE_HELD_H
#define WEFT_CORE_HELD_H

#include <weft/frame.h>

#include "base/atomic.h"

#if defined(WEFT_CHECKED) && !defined(WEFT_MODEL)
#define WEFT__HELD 1
#else
#define WEFT__HELD 0
#endif

struct weft_task;

enum weft__held_kind {
	HELD_MUTEX,
	HELD_READ,    /* of an rwlock */
	HELD_WRITE,   /* the same */
	HELD_PERMITS, /* of a semaphore: they may be released by another task */
	HELD_RECEIVER /* of a channel: who has received last */
};

struct weft__held_ops {
	/* The task that is being polled has got it. The leaf is where it was awaited; NULL: by a
	 * plain call. */
	void (*took)(const void *object, enum weft__held_kind kind, const struct weft_context *cx,
			const void *leaf);
	/* It gives back a lock, which is locked or not; aborts if another holds it, and not this, or if it
	 * has given it back already. */
	void (*gave)(const void *object, bool is_locked);
	/* The same two of permits. Here the release aborts if the task's own have been released already,
	 * and nobody else has any. */
	void (*acquired)(const void *object, uint32_t count, const struct weft_context *cx,
			const void *leaf);
	void (*released)(const void *object, uint32_t count);
	/* Aborts if the task does not hold it. */
	void (*requires)(const void *object);
	/* It begins to wait; aborts if it waits for itself. */
	void (*waits)(const void *object, enum weft__held_kind kind, const struct weft_context *cx,
			const void *leaf);
	/* Writes down where one of those who have it took it; nothing if nobody is known to. */
	void (*where)(const void *object, char *text, size_t size);
	/* The task has ended, and its memory is about to be another's. */
	void (*ended)(const struct weft_task *task);
	/* Around a poll; the second if it was PENDING. */
	void (*begins)(void);
	void (*suspends)(struct weft_task *task);
};

/* NULL: nobody wants to know. Atomic; set once. */
extern const struct weft__held_ops *weft__held_ops;

/* The task that this thread polls; kept where WEFT__HELD is 1. */
extern __thread struct weft_task *weft__task_polled __attribute__((tls_model("initial-exec")));

#if WEFT__HELD
#define WEFT_HELD(call)                                                                            \
	do {                                                                                       \
		/* acquire pairs with weft__held_watch: its table is there */                      \
		const struct weft__held_ops *held_ops = atomic_load_acquire(&weft__held_ops);      \
                                                                                                   \
		if (held_ops)                                                                      \
			held_ops->call;                                                            \
	} while (0)
#else
#define WEFT_HELD(call) ((void)0)
#endif

/* What a poll of a leaf that takes something has come to. */
static inline void weft__held_polled(const void *object, enum weft__held_kind kind,
		const struct weft_frame *leaf, int result, enum weft_poll poll,
		const struct weft_context *cx)
{
	(void)object, (void)kind, (void)leaf, (void)result, (void)cx;
	if (poll == WEFT_PENDING && cx->trying)
		return;
	if (poll == WEFT_PENDING)
		WEFT_HELD(waits(object, kind, cx, leaf));
	else if (result == 0)
		WEFT_HELD(took(object, kind, cx, leaf));
}

/* What a call that does not wait has come to, which it returns. */
static inline int weft__held_tried(const void *object, enum weft__held_kind kind, int result)
{
	(void)object, (void)kind;
	if (result == 0)
		WEFT_HELD(took(object, kind, NULL, NULL));
	return result;
}

#endif
