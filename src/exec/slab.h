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

struct weft__heap;

/* A free block, linked through struct weft_task's `next`. */
struct weft__block {
	uint64_t keep; /* weft_task's state and local */
	struct weft__block *next;
};

/* The header of a page; the slots follow. See slab.c. */
struct weft__page {
	struct weft__heap *heap;
	struct weft__block *free;
	struct weft__block *remote; /* atomic */
	struct weft__page *next;    /* in current's list, in spare */
	struct weft__page *touched_next;
	struct weft__page *all_next, **all_link;
	uint32_t slot_bytes;
	uint16_t used; /* handed out and not collected */
	uint16_t capacity;
	uint16_t bump; /* atomic: slots handed out at least once */
	uint8_t kind;
	uint8_t class_index;
	uint8_t listed; /* in current's list; 0 for a full page and for a large block */
	uint8_t is_large;
};

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

void *weft__heap_allocate_slow(struct weft__heap *heap, enum weft__slab_kind kind, size_t bytes,
		size_t align);
void weft__heap_free_slow(struct weft__heap *heap, struct weft__page *page,
		struct weft__block *block);

/* As weft__heap_allocate; NULL also if there is no free block at hand. */
static inline void *weft__heap_take(struct weft__heap *heap, enum weft__slab_kind kind, size_t bytes,
		size_t align)
{
	if (WEFT_LIKELY(align <= 8 && bytes - sizeof(struct weft__block) <=
					WEFT__SLAB_FINE * 8 - sizeof(struct weft__block))) {
		struct weft__page *page = heap->current[kind][(bytes + 7) / 8];

		if (WEFT_LIKELY(page && page->free)) {
			struct weft__block *block = page->free;

			page->free = block->next;
			page->used++;
			return block;
		}
	}
	return NULL;
}

/* A block aligned to 8, 16 or 64, as align asks; not cleared, except that a fresh task slot has
 * async == NULL. The heap's owner only. NULL: no memory. */
static inline void *weft__heap_allocate(struct weft__heap *heap, enum weft__slab_kind kind,
		size_t bytes, size_t align)
{
	void *block = weft__heap_take(heap, kind, bytes, align);

	return WEFT_LIKELY(block != NULL) ? block
					  : weft__heap_allocate_slow(heap, kind, bytes, align);
}

static inline struct weft__page *weft__page_of(void *block)
{
	return (struct weft__page *)((uintptr_t)block & ~(uintptr_t)(WEFT__PAGE_BYTES - 1));
}

/* Whether put may give the block back: it comes from this heap, and its page is in a list. */
static inline bool weft__heap_is_own(const struct weft__heap *heap, void *memory)
{
	const struct weft__page *page = weft__page_of(memory);

	return WEFT_LIKELY(page->heap == heap && page->listed);
}

static inline void weft__heap_put(void *memory)
{
	struct weft__page *page = weft__page_of(memory);
	struct weft__block *block = memory;

	block->next = page->free;
	page->free = block;
	page->used--;
}

/* Gives a block back. `heap` is the caller's own heap, or NULL. */
static inline void weft__heap_free(struct weft__heap *heap, void *memory)
{
	if (weft__heap_is_own(heap, memory))
		weft__heap_put(memory);
	else
		weft__heap_free_slow(heap, weft__page_of(memory), memory);
}

/* Calls visit for every slot of every task page. The tasks may come and go meanwhile: visit must bear
 * with that (core/task.h says which fields stay readable). */
void weft__heap_walk(struct weft__heap *heap, void (*visit)(struct weft_task *task, void *arg),
		void *arg);

#endif
