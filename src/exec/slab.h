/* SPDX-License-Identifier: MIT */
/*
 * exec/slab.h: memory for tasks, frames and buffers: one heap per worker, no lock on the fast path.
 *
 * Allocate from your own heap; free from anywhere.
 */
#ifndef WEFT_EXEC_SLAB_H
#define WEFT_EXEC_SLAB_H

#include <stddef.h>

#include "base/lock.h"
#include "core/task.h"

enum weft__slab_kind {
	SLAB_FRAME,
	SLAB_TASK /* slots are struct weft_task and can be walked */
};

enum {
	WEFT__PAGE_BYTES = 65536,
	WEFT__SLAB_FINE = 128,     /* classes of 8 bytes up to 1,024 */
	WEFT__SLAB_CLASSES = 145,  /* then four to a doubling, up to 16 KiB */
	WEFT__SLAB_BYTES_MAX = 16384
};

struct weft__page;

struct weft__heap {
	struct weft__page *current[2][WEFT__SLAB_CLASSES]; /* by kind: where to allocate */
	struct weft__page *touched;  /* atomic: pages with blocks freed by others */
	struct weft__page *spare;    /* empty pages, for any class */
	struct weft__page *pages;    /* all, for walkers; under the lock */
	struct weft__lock lock;      /* the list of pages and the segments; never on the fast path */
	char *segment, *segment_end; /* fresh memory */
	void *segments;              /* all segments, for finish */
	size_t mapped_bytes;
	bool populate; /* large segments are huge and touched at once */
};

void weft__heap_init(struct weft__heap *heap, bool populate);

/* Gives all memory back to the system. Nobody may hold any of it. */
void weft__heap_finish(struct weft__heap *heap);

/* A block aligned to 8, 16 or 64, as align asks; not cleared, except that a fresh task slot has
 * async == NULL. The heap's owner only. NULL: no memory. */
void *weft__heap_allocate(struct weft__heap *heap, enum weft__slab_kind kind, size_t bytes,
		size_t align);

/* Gives a block back. `heap` is the caller's own heap, or NULL. */
void weft__heap_free(struct weft__heap *heap, enum weft__slab_kind kind, void *block);

/* Calls visit for every slot of every task page. The tasks may come and go meanwhile: visit must bear
 * with that (core/task.h says which fields stay readable). */
void weft__heap_walk(struct weft__heap *heap, void (*visit)(struct weft_task *task, void *arg),
		void *arg);

#endif
