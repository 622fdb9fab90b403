/* SPDX-License-Identifier: MIT */
/* Blocks of the slab against a list of them: nobody else's byte changes, every size and alignment is kept,
 * memory is used again, walkers see each task once, and blocks come back from other threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "exec/slab.h"
#include "test.h"

enum { LIVE_MAX = 1500, STEPS = 60000, LARGE = 3 * WEFT__PAGE_BYTES };

static uint32_t seed;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)seed * limit) >> 32);
}

/* ---- the list ---- */

struct live {
	unsigned char *memory;
	size_t bytes;
	unsigned char pattern;
};

static void *allocate(
		struct weft__heap *heap, enum weft__slab_kind kind, size_t bytes, size_t align)
{
	void *memory = weft__heap_allocate(heap, kind, bytes, align);

	CHECK(memory != NULL);
	CHECK_EQ((uintptr_t)memory % (align < 8 ? 8 : align), 0);
	return memory;
}

static void live_fill(struct live *live)
{
	memset(live->memory, live->pattern, live->bytes);
}

static void live_check(const struct live *live)
{
	for (size_t i = 0; i < live->bytes; i++)
		if (live->memory[i] != live->pattern)
			CHECK_EQ(live->memory[i], live->pattern);
}

static unsigned slots_used(const struct weft__heap *heap)
{
	unsigned used = 0;

	for (const struct weft__page *page = heap->pages; page; page = page->all_next)
		used += page->used;
	return used;
}

/* Mostly small, sometimes at the edge of a class, seldom large. */
static size_t random_size(void)
{
	switch (random_below(8)) {
	case 0:
		return 1 + random_below(20000);
	case 1:
		return (size_t)1 << random_below(15);
	case 2:
		return ((size_t)1 << random_below(15)) + 1;
	case 3:
		return random_below(50) ? 200 : 1 + random_below(LARGE);
	default:
		return 1 + random_below(300);
	}
}

TEST(slab_blocks_keep_apart_at_any_size_and_alignment)
{
	static const size_t aligns[] = { 1, 4, 8, 16, 32, 64 };
	static struct live lives[LIVE_MAX];
	struct weft__heap heap;
	unsigned count = 0;
	size_t mapped;

	seed = 7;
	weft__heap_init(&heap, false);
	for (int step = 0; step < STEPS; step++) {
		/* grows and shrinks in waves */
		bool grow = count < LIVE_MAX &&
				(count == 0 || random_below(100) < (step / 5000 % 2 ? 35 : 65));
		unsigned i = random_below(count);

		if (grow) {
			struct live *live = &lives[count++];

			live->bytes = random_size();
			live->pattern = (unsigned char)step;
			live->memory = allocate(
					&heap, SLAB_FRAME, live->bytes, aligns[random_below(6)]);
			live_fill(live);
		} else {
			live_check(&lives[i]);
			weft__heap_free(&heap, lives[i].memory);
			lives[i] = lives[--count];
		}
	}
	mapped = heap.mapped_bytes;
	while (count > 0) {
		live_check(&lives[--count]);
		weft__heap_free(&heap, lives[count].memory);
	}
	CHECK_EQ(slots_used(&heap), 0);
	CHECK_EQ(heap.mapped_bytes, mapped);
	weft__heap_finish(&heap);
	CHECK_EQ(heap.mapped_bytes, 0);
}

/* Each size up to the largest class, filled to its last byte beside its neighbours. */
TEST(slab_gives_every_size_its_last_byte)
{
	struct weft__heap heap;

	weft__heap_init(&heap, false);
	for (size_t bytes = 1; bytes <= WEFT__SLAB_BYTES_MAX + 2; bytes += bytes < 1100 ? 1 : 61) {
		struct live lives[3];

		for (int i = 0; i < 3; i++) {
			lives[i] = (struct live){ allocate(&heap, SLAB_FRAME, bytes, 8), bytes,
				(unsigned char)(i + 1) };
			live_fill(&lives[i]);
		}
		for (int i = 0; i < 3; i++) {
			live_check(&lives[i]);
			weft__heap_free(&heap, lives[i].memory);
		}
	}
	for (size_t bytes = WEFT__SLAB_BYTES_MAX - 1; bytes <= WEFT__SLAB_BYTES_MAX + 1; bytes++)
		for (size_t align = 16; align <= 64; align *= 4)
			weft__heap_free(&heap, allocate(&heap, SLAB_FRAME, bytes, align));
	CHECK_EQ(slots_used(&heap), 0);
	weft__heap_finish(&heap);
}

/* ---- using memory again ---- */

TEST(slab_uses_a_freed_block_first)
{
	struct weft__heap heap;
	void *first, *second;

	weft__heap_init(&heap, false);
	first = allocate(&heap, SLAB_FRAME, 100, 8);
	second = allocate(&heap, SLAB_FRAME, 100, 8);
	CHECK(first != second);
	weft__heap_free(&heap, first);
	CHECK(allocate(&heap, SLAB_FRAME, 97, 8) == first); /* the same class */
	CHECK(allocate(&heap, SLAB_TASK, 100, 8) != second);
	weft__heap_finish(&heap);
}

enum { MANY = 20000 };

static void *many[MANY];

static void allocate_many(struct weft__heap *heap, size_t bytes)
{
	for (int i = 0; i < MANY; i++)
		many[i] = allocate(heap, SLAB_FRAME, bytes, 8);
}

/* Every other one first, so that pages come back in pieces. */
static void free_many(struct weft__heap *own, int first, int step)
{
	for (int i = first; i < MANY; i += step)
		weft__heap_free(own, many[i]);
}

TEST(slab_pages_serve_the_same_and_other_classes_again)
{
	struct weft__heap heap;
	size_t mapped;

	weft__heap_init(&heap, true);
	allocate_many(&heap, 160);
	mapped = heap.mapped_bytes;
	CHECK(mapped >= (size_t)MANY * 160);
	CHECK(mapped <= (size_t)MANY * 160 * 5 / 4 + (4u << 20));
	for (int round = 0; round < 5; round++) {
		free_many(&heap, 0, 2);
		free_many(&heap, 1, 2);
		allocate_many(&heap, 160);
		CHECK_EQ(heap.mapped_bytes, mapped);
	}
	free_many(&heap, 0, 2);
	free_many(&heap, 1, 2);
	allocate_many(&heap, 136); /* in what the other class has left */
	CHECK_EQ(heap.mapped_bytes, mapped);
	weft__heap_finish(&heap);
}

TEST(slab_large_blocks_go_back_at_once)
{
	struct weft__heap heap;
	struct live lives[4];

	weft__heap_init(&heap, false);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 4; i++) {
			size_t bytes = (size_t)LARGE * (unsigned)(i + 1) + (unsigned)round;

			lives[i] = (struct live){ allocate(&heap, SLAB_FRAME, bytes, 64), bytes,
				(unsigned char)(round + i) };
			live_fill(&lives[i]);
		}
		for (int i = 0; i < 4; i++) {
			live_check(&lives[(i + round) % 4]);
			weft__heap_free(round % 2 ? &heap : NULL, lives[(i + round) % 4].memory);
		}
		CHECK(heap.pages == NULL);
	}
	CHECK_EQ(heap.mapped_bytes, 0);
	/* one that nobody frees */
	(void)allocate(&heap, SLAB_FRAME, LARGE, 8);
	weft__heap_finish(&heap);
}

/* ---- walking ---- */

static const struct weft_async some_async = { .magic = WEFT_ASYNC_MAGIC };

struct census {
	unsigned started, slots;
	uint64_t sum;
};

static void count_task(struct weft_task *task, void *arg)
{
	struct census *census = arg;

	census->slots++;
	if (atomic_load_acquire(&task->async)) { /* pairs with the publishing */
		census->started++;
		census->sum += (uintptr_t)task;
	}
}

static struct census walk(struct weft__heap *heap)
{
	struct census census = { 0, 0, 0 };

	weft__heap_walk(heap, count_task, &census);
	return census;
}

static struct weft_task *task_make(struct weft__heap *heap, size_t bytes)
{
	struct weft_task *task = allocate(heap, SLAB_TASK, bytes, 8);

	CHECK(atomic_load_relaxed(&task->async) == NULL); /* relaxed: nobody else is here */
	atomic_store_release(&task->async, &some_async);  /* pairs with count_task */
	return task;
}

static void task_free(struct weft__heap *heap, struct weft_task *task)
{
	atomic_store_relaxed(&task->async, NULL); /* relaxed: a walker may see it late */
	weft__heap_free(heap, task);
}

TEST(slab_walk_visits_each_living_task_once)
{
	struct weft__heap heap;
	uint64_t sum = 0;
	unsigned count = 0;

	weft__heap_init(&heap, false);
	CHECK_EQ(walk(&heap).slots, 0);
	(void)allocate(&heap, SLAB_FRAME, 100, 8); /* frames are not walked */
	CHECK_EQ(walk(&heap).slots, 0);
	for (int i = 0; i < 3000; i++) {
		/* large ones, too */
		size_t bytes = i % 500 == 3 ? 40000
					    : sizeof(struct weft_task) + (size_t)(i % 40) * 50;
		struct weft_task *task = task_make(&heap, bytes);

		many[i] = task;
		sum += (uintptr_t)task;
	}
	CHECK_EQ(walk(&heap).started, 3000);
	CHECK_EQ(walk(&heap).sum, sum);
	for (int i = 0; i < 3000; i += 3) {
		sum -= (uintptr_t)many[i];
		task_free(i % 2 ? &heap : NULL, many[i]);
		count++;
	}
	CHECK_EQ(walk(&heap).started, 3000 - count);
	CHECK_EQ(walk(&heap).sum, sum);
	weft__heap_finish(&heap);
}

/* What a walker or a late waker reads of a freed task stays as it was. */
TEST(slab_leaves_state_and_async_of_a_freed_task)
{
	struct weft__heap heap;
	struct weft_task *task;

	weft__heap_init(&heap, false);
	for (int remote = 0; remote < 2; remote++) {
		task = allocate(&heap, SLAB_TASK, 200, 8);
		task->state = 0x1234;
		task->async = NULL;
		weft__heap_free(remote ? NULL : &heap, task);
		CHECK_EQ(task->state, 0x1234);
		CHECK(task->async == NULL);
	}
	weft__heap_finish(&heap);
}

/* ---- from other threads ---- */

static void *free_as_a_stranger(void *arg)
{
	free_many(arg, 0, 3);
	free_many(arg, 1, 3);
	free_many(arg, 2, 3);
	return NULL;
}

TEST(slab_collects_what_another_thread_has_freed)
{
	struct weft__heap heap, other;
	size_t mapped;
	pthread_t thread;

	weft__heap_init(&heap, false);
	weft__heap_init(&other, false);
	allocate_many(&heap, 128);
	mapped = heap.mapped_bytes;
	for (int round = 0; round < 4; round++) {
		/* with a heap of its own, or without */
		CHECK_EQ(pthread_create(&thread, NULL, free_as_a_stranger,
					 round % 2 ? &other : NULL),
				0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		allocate_many(&heap, 128);
		CHECK_EQ(heap.mapped_bytes, mapped);
		CHECK_EQ(slots_used(&heap), MANY);
	}
	CHECK_EQ(other.mapped_bytes, 0);
	weft__heap_finish(&heap);
	weft__heap_finish(&other);
}

/* Two owners and a walker: each frees what the other has allocated, through a small mailbox. */
enum { MAIL = 64, LETTERS = 40000, LETTERS_UNDER_SANITIZERS = 8000 };

struct party {
	struct weft__heap heap;
	struct party *peer;
	void *mail[MAIL]; /* atomic: tasks from the peer, to be freed here */
	unsigned letters;
	uint32_t over;
};

static void *correspond(void *arg)
{
	struct party *self = arg;
	void **place;

	for (unsigned i = 0; i < self->letters; i++) {
		struct weft_task *task = task_make(&self->heap, sizeof *task + 8 * (i % 5)), *old;

		task->joiner = (uintptr_t)&self->heap;
		place = &self->peer->mail[i % MAIL];
		/* acq_rel: pairs with the other side's */
		old = atomic_exchange_acq_rel(place, (void *)task);
		if (old) { /* nobody came for it */
			CHECK(old->joiner == (uintptr_t)&self->heap);
			task_free(&self->heap, old);
		}
		old = atomic_exchange_acq_rel(&self->mail[(i * 7) % MAIL], NULL); /* as above */
		if (old) {
			CHECK(old->joiner == (uintptr_t)&self->peer->heap);
			task_free(&self->heap, old);
		}
	}
	atomic_store_release(&self->over, 1u); /* pairs with walk_meanwhile */
	return NULL;
}

static void *walk_meanwhile(void *arg)
{
	struct party *parties = arg;

	/* acquire pairs with correspond */
	while (!atomic_load_acquire(&parties[0].over) || !atomic_load_acquire(&parties[1].over))
		for (int i = 0; i < 2; i++)
			CHECK(walk(&parties[i].heap).started <=
					walk(&parties[i].heap).slots + 2 * MAIL);
	return NULL;
}

TEST(slab_blocks_cross_between_two_heaps_and_a_walker)
{
	static struct party parties[2];
	pthread_t threads[3];

	for (int i = 0; i < 2; i++) {
		memset(&parties[i], 0, sizeof parties[i]);
		weft__heap_init(&parties[i].heap, false);
		parties[i].peer = &parties[1 - i];
#ifdef WEFT_CHECKED
		parties[i].letters = LETTERS_UNDER_SANITIZERS;
#else
		parties[i].letters = LETTERS;
#endif
	}
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, correspond, &parties[i]), 0);
	CHECK_EQ(pthread_create(&threads[2], NULL, walk_meanwhile, parties), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < MAIL; k++)
			if (parties[i].mail[k])
				task_free(NULL, parties[i].mail[k]);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(walk(&parties[i].heap).started, 0);
		/* few are alive at a time, so few pages were needed */
		CHECK(parties[i].heap.mapped_bytes <= 4u << 20);
		weft__heap_finish(&parties[i].heap);
	}
}
