/* SPDX-License-Identifier: MIT */
/*
 * exec/slab.c: slots of equal size in pages of 64 KiB.
 *
 * Why         A task is one allocation, and half the cost of a spawn is memory. malloc's size classes
 *             waste up to a fifth at these sizes, take 20 ns cold, and cannot be walked. The kernel's
 *             first touch of a page costs as much as 2,000 switches.
 * How         A heap belongs to one thread at a time (a worker; or guests under a lock). A page belongs
 *             to one heap, one kind, one size; its header is found by masking the address.
 *
 *                 page: [header][slot][slot][slot] ... [slot]|bump -> never used yet
 *                               ^free list through the slots (owner)
 *                               ^remote list (others, by compare-and-swap)
 *
 *             Full pages are in no list. When the first block of a page is freed by another thread the
 *             page is pushed to its heap's `touched` stack, and the owner collects it when it runs out
 *             of slots: so nobody ever searches the full pages.
 *             Segments: small ones up to 2 MiB in all; later ones are 2 MiB, huge and populated at
 *             once, because touching 512 pages one by one costs 50 times more.
 * Invariants  [I1] a page is in `touched` exactly while its remote list was non-empty and not collected.
 *             [I2] the free lists run through struct weft_task's `next`, so that a freed task's `state`
 *                  and `async` stay readable for the walker.
 * Order       [O1] a remote free publishes the block by a release CAS; the owner's acquire exchange in
 *                  page_collect takes it. [O2] the same for `touched`. And back: once the owner has
 *                  released the empty list, whoever finds it (acquire) may write touched_next.
 *             [O3] bump is stored with release after a slot was handed out for the first time; the
 *                  walker loads it with acquire. The slot itself is protected by `async` (core/task.h).
 * Cost        allocate, free: some ten instructions. A remote free: one CAS, seldom two.
 * Not here    blocks over 16 KiB: they are mapped one by one.
 */
#include <string.h>

#include "base/atomic.h"
#include "base/check.h"
#include "exec/slab.h"
#include "os/os.h"

_Static_assert(offsetof(struct weft_task, next) == offsetof(struct weft__block, next),
		"[I2] the free list keeps off state and async");

enum { PAGE_FRONT = 128, SEGMENT_SMALL = 4 * WEFT__PAGE_BYTES, SEGMENT_BYTES = 2 << 20, CARVE = 16 };

_Static_assert(sizeof(struct weft__page) <= PAGE_FRONT, "slots begin behind the header");

struct segment {
	struct segment *next;
	size_t bytes;
};

static unsigned class_of(size_t bytes)
{
	unsigned shift;

	if (bytes <= WEFT__SLAB_FINE * 8)
		return (unsigned)((bytes + 7) / 8);
	/* four classes to each doubling: the top three bits of bytes - 1 choose */
	shift = 63u - (unsigned)__builtin_clzll(bytes - 1) - 2;
	return (unsigned)(WEFT__SLAB_FINE + 1 + (shift - 8) * 4 + (((bytes - 1) >> shift) & 3));
}

static size_t class_bytes(unsigned class_index)
{
	unsigned coarse;

	if (class_index <= WEFT__SLAB_FINE)
		return class_index * (size_t)8;
	coarse = class_index - WEFT__SLAB_FINE - 1;
	return (size_t)(5 + coarse % 4) << (coarse / 4 + 8);
}

static char *page_slot(struct weft__page *page, size_t index)
{
	return (char *)page + PAGE_FRONT + index * page->slot_bytes;
}

void weft__heap_init(struct weft__heap *heap, bool populate)
{
	memset(heap, 0, sizeof *heap);
	heap->populate = populate;
}

/* ---- pages ---- */

static bool segment_map(struct weft__heap *heap)
{
	bool small = heap->mapped_bytes < SEGMENT_BYTES;
	size_t bytes = small ? SEGMENT_SMALL : SEGMENT_BYTES;
	struct segment *segment = weft__pages_map(bytes, small ? WEFT__PAGE_BYTES : SEGMENT_BYTES,
			heap->populate && !small);

	if (!segment)
		return false;
	segment->next = heap->segments;
	segment->bytes = bytes;
	heap->segments = segment;
	heap->mapped_bytes += bytes;
	heap->segment = (char *)segment;
	heap->segment_end = (char *)segment + bytes;
	return true;
}

/* The first page of a segment shares its memory with the segment's own header. */
_Static_assert(sizeof(struct weft__page) + sizeof(struct segment) <= PAGE_FRONT,
		"both headers fit in front of the slots");

static struct segment *segment_header(struct weft__page *page)
{
	return (struct segment *)(void *)((char *)page + PAGE_FRONT - sizeof(struct segment));
}

static void page_link(struct weft__heap *heap, struct weft__page *page)
{
	page->all_next = heap->pages;
	page->all_link = &heap->pages;
	if (heap->pages)
		heap->pages->all_link = &page->all_next;
	heap->pages = page;
}

static void page_unlink(struct weft__page *page)
{
	*page->all_link = page->all_next;
	if (page->all_next)
		page->all_next->all_link = page->all_link;
}

/* Empty pages may serve another class. They stay where they are until memory is short, because a burst
 * that ended is often followed by its like. */
static void class_reclaim(struct weft__heap *heap, struct weft__page **link)
{
	while (*link) {
		struct weft__page *page = *link;

		if (page->used) {
			link = &page->next;
			continue;
		}
		*link = page->next;
		page_unlink(page);
		page->next = heap->spare;
		heap->spare = page;
	}
}

static void heap_reclaim(struct weft__heap *heap)
{
	for (int i = 0; i < WEFT__SLAB_CLASSES; i++) {
		class_reclaim(heap, &heap->current[SLAB_FRAME][i]);
		class_reclaim(heap, &heap->current[SLAB_TASK][i]);
	}
}

static struct weft__page *page_fresh(struct weft__heap *heap)
{
	struct weft__page *page;

	if (!heap->spare && heap->segment == heap->segment_end)
		heap_reclaim(heap);
	page = heap->spare;
	if (page) {
		heap->spare = page->next;
		return page;
	}
	if (heap->segment == heap->segment_end && !segment_map(heap))
		return NULL;
	page = (struct weft__page *)(void *)heap->segment;
	if (heap->segments == (void *)page) {
		struct segment copy = *(struct segment *)heap->segments;

		*segment_header(page) = copy;
		heap->segments = segment_header(page);
	}
	heap->segment += WEFT__PAGE_BYTES;
	return page;
}

static void page_setup(struct weft__heap *heap, struct weft__page *page, enum weft__slab_kind kind,
		unsigned class_index)
{
	page->heap = heap;
	page->free = NULL;
	page->remote = NULL;
	page->slot_bytes = (uint32_t)class_bytes(class_index);
	page->capacity = (uint16_t)((WEFT__PAGE_BYTES - PAGE_FRONT) / page->slot_bytes);
	page->used = 0;
	atomic_store_release(&page->bump, (uint16_t)0); /* [O3] */
	page->kind = (uint8_t)kind;
	page->class_index = (uint8_t)class_index;
	page->is_large = 0;
	page->listed = 1;
	page->next = heap->current[kind][class_index];
	heap->current[kind][class_index] = page;
}

static struct weft__page *page_add(struct weft__heap *heap, enum weft__slab_kind kind,
		unsigned class_index)
{
	struct weft__page *page;

	weft__lock_acquire(&heap->lock);
	page = page_fresh(heap);
	if (page) {
		page_setup(heap, page, kind, class_index);
		page_link(heap, page);
	}
	weft__lock_release(&heap->lock);
	return page;
}

static void page_relist(struct weft__heap *heap, struct weft__page *page)
{
	struct weft__page **list = &heap->current[page->kind][page->class_index];

	if (page->listed)
		return;
	page->listed = 1;
	/* behind the first, which is in use and in the cache */
	if (*list) {
		page->next = (*list)->next;
		(*list)->next = page;
	} else {
		page->next = NULL;
		*list = page;
	}
}

/* Takes the blocks that others have freed. */
static void page_collect(struct weft__heap *heap, struct weft__page *page)
{
	struct weft__block *block = atomic_exchange_acq_rel(&page->remote, NULL); /* [O1] [O2] */

	while (block) {
		struct weft__block *next = block->next;

		block->next = page->free;
		page->free = block;
		page->used--;
		block = next;
	}
	page_relist(heap, page);
}

static void heap_collect(struct weft__heap *heap)
{
	struct weft__page *page;

	/* relaxed: a hint; the exchange acquires */
	if (!atomic_load_relaxed(&heap->touched))
		return;
	page = atomic_exchange_acquire(&heap->touched, NULL); /* [O2] */
	while (page) {
		struct weft__page *next = page->touched_next; /* before page_collect: [I1] */

		page_collect(heap, page);
		page = next;
	}
}

/* ---- blocks ---- */

/* Puts slots that were never used into the free list, a few at a time. */
static void page_carve(struct weft__page *page)
{
	uint16_t bump = page->bump, end = (uint16_t)(bump + CARVE);

	if (end > page->capacity)
		end = page->capacity;
	for (uint16_t i = end; i-- > bump;) {
		struct weft__block *block = (void *)page_slot(page, i);

		if (page->kind == SLAB_TASK) /* relaxed: [O3] publishes it */
			atomic_store_relaxed(&((struct weft_task *)(void *)block)->async, NULL);
		block->next = page->free;
		page->free = block;
	}
	atomic_store_release(&page->bump, end); /* [O3] */
}

static void *page_take(struct weft__page *page)
{
	struct weft__block *block;

	if (!page->free && page->bump < page->capacity)
		page_carve(page);
	block = page->free;
	if (!block)
		return NULL;
	page->free = block->next;
	page->used++;
	return block;
}

static void *class_allocate(struct weft__heap *heap, enum weft__slab_kind kind,
		unsigned class_index)
{
	struct weft__page **list = &heap->current[kind][class_index];

	heap_collect(heap);
	while (*list) {
		struct weft__page *page = *list;
		void *block = page_take(page);

		if (block)
			return block;
		*list = page->next; /* full: out of the list until something is freed */
		page->listed = 0;
	}
	return page_add(heap, kind, class_index) ? page_take(*list) : NULL;
}

static size_t large_bytes(size_t bytes)
{
	return (bytes + PAGE_FRONT + WEFT__PAGE_BYTES - 1) & ~(size_t)(WEFT__PAGE_BYTES - 1);
}

static void *large_allocate(struct weft__heap *heap, enum weft__slab_kind kind, size_t bytes)
{
	struct weft__page *page = weft__pages_map(large_bytes(bytes), WEFT__PAGE_BYTES, false);

	if (!page)
		return NULL;
	page->heap = heap;
	page->is_large = 1;
	page->slot_bytes = (uint32_t)large_bytes(bytes);
	page->kind = (uint8_t)kind;
	page->capacity = 1;
	page->bump = 1;
	weft__lock_acquire(&heap->lock);
	page_link(heap, page);
	weft__lock_release(&heap->lock);
	return page_slot(page, 0);
}

static void large_free(struct weft__page *page)
{
	weft__lock_acquire(&page->heap->lock);
	page_unlink(page);
	weft__lock_release(&page->heap->lock);
	weft__pages_unmap(page, page->slot_bytes);
}

static size_t block_bytes(size_t bytes, size_t align)
{
	size_t least = sizeof(struct weft__block);

	if (bytes < least)
		bytes = least;
	if (align <= 8)
		return bytes;
	align = align <= 16 ? 16 : 64;
	return (bytes + align - 1) & ~(align - 1);
}

void *weft__heap_allocate_slow(struct weft__heap *heap, enum weft__slab_kind kind, size_t bytes,
		size_t align)
{
	WEFT_ASSERT(align <= 64);
	bytes = block_bytes(bytes, align);
	if (bytes > WEFT__SLAB_BYTES_MAX)
		return large_allocate(heap, kind, bytes);
	return class_allocate(heap, kind, class_of(bytes));
}

static void free_remote(struct weft__page *page, struct weft__block *block)
{
	struct weft__heap *heap = page->heap;
	/* relaxed: only a guess for the exchange */
	struct weft__block *first = atomic_load_relaxed(&page->remote);

	do
		block->next = first;
	while (!atomic_cas_acq_rel(&page->remote, &first, block)); /* [O1] [O2] with page_collect */
	if (first)
		return;
	/* [I1]: first into an empty list announces the page; relaxed: a guess again */
	page->touched_next = atomic_load_relaxed(&heap->touched);
	while (!atomic_cas_release(&heap->touched, &page->touched_next, page)) /* [O2] */
		;
}

void weft__heap_free_slow(struct weft__heap *heap, struct weft__page *page, struct weft__block *block)
{
	if (page->is_large) {
		large_free(page);
	} else if (page->heap != heap) {
		free_remote(page, block);
	} else {
		block->next = page->free;
		page->free = block;
		page->used--;
		page_relist(heap, page);
	}
}

void weft__heap_walk(struct weft__heap *heap, void (*visit)(struct weft_task *task, void *arg),
		void *arg)
{
	weft__lock_acquire(&heap->lock);
	for (struct weft__page *page = heap->pages; page; page = page->all_next)
		if (page->kind == SLAB_TASK) {
			size_t count = atomic_load_acquire(&page->bump); /* [O3] */

			for (size_t i = 0; i < count; i++)
				visit((struct weft_task *)(void *)page_slot(page, i), arg);
		}
	weft__lock_release(&heap->lock);
}

void weft__heap_finish(struct weft__heap *heap)
{
	struct weft__page *page = heap->pages, *next_page;
	struct segment *segment = heap->segments, *next;

	for (; page; page = next_page) {
		next_page = page->all_next;
		if (page->is_large)
			weft__pages_unmap(page, page->slot_bytes);
	}
	for (; segment; segment = next) {
		next = segment->next;
		weft__pages_unmap((void *)((uintptr_t)segment & ~(uintptr_t)(WEFT__PAGE_BYTES - 1)),
				segment->bytes);
	}
	weft__heap_init(heap, heap->populate);
}
