/* SPDX-License-Identifier: MIT */
/* The rwlock in every interleaving (behaviours 61, 62): tasks that read, write, downgrade and give up, over plain
 * memory. It has no memory orders of its own: those of permits.c and weft/waiter.h are weakened in test_model_semaphore.c. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/permits.c" /* NOLINT(bugprone-suspicious-include) */
#include "sync/rwlock.c"  /* NOLINT(bugprone-suspicious-include) */

static struct weft_rwlock *rwlock;
static uint32_t pages[2]; /* plain: equal whenever somebody may read */

static int lock_to_read(enum model_task_patience patience)
{
	struct weft_rwlock_read__frame frame;

	if (patience == MODEL_TASK_STAYS && MODEL_TASK_NOW(weft_rwlock_read, rwlock))
		return 0;
	weft_rwlock_read__init(&frame.args, rwlock);
	return model_task_await(&frame, sizeof frame, &weft_rwlock_read__async, patience);
}

static int lock_to_write(enum model_task_patience patience)
{
	struct weft_rwlock_write__frame frame;

	if (patience == MODEL_TASK_STAYS && MODEL_TASK_NOW(weft_rwlock_write, rwlock))
		return 0;
	weft_rwlock_write__init(&frame.args, rwlock);
	return model_task_await(&frame, sizeof frame, &weft_rwlock_write__async, patience);
}

static void read_pages(void)
{
	MODEL_CHECK(model_plain_read(&pages[0]) == model_plain_read(&pages[1]));
}

static void write_pages(void)
{
	for (int i = 0; i < 2; i++)
		model_plain_write(&pages[i], model_plain_read(&pages[i]) + 1);
}

static void reads(void *patience)
{
	if (lock_to_read((enum model_task_patience)(uintptr_t)patience) == 0) {
		read_pages();
		weft_rwlock_unlock_read(rwlock);
	}
}

static void writes(void *patience)
{
	if (lock_to_write((enum model_task_patience)(uintptr_t)patience) == 0) {
		write_pages();
		weft_rwlock_unlock_write(rwlock);
	}
}

static void downgrades(void *patience)
{
	if (lock_to_write((enum model_task_patience)(uintptr_t)patience) == 0) {
		write_pages();
		weft_rwlock_downgrade(rwlock);
		read_pages();
		weft_rwlock_unlock_read(rwlock);
	}
}

static void tries(void *unused)
{
	(void)unused;
	if (weft_rwlock_try_read(rwlock) == 0) {
		read_pages();
		weft_rwlock_unlock_read(rwlock);
	}
	if (weft_rwlock_try_write(rwlock) == 0) {
		write_pages();
		weft_rwlock_unlock_write(rwlock);
	}
}

static void prepare(void)
{
	pages[0] = pages[1] = 0;
	rwlock = model_malloc(sizeof *rwlock);
	weft_rwlock_init(rwlock);
}

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(!rwlock->waiters.oldest);
	MODEL_CHECK(weft_rwlock_try_write(rwlock) == 0);
	model_free(rwlock);
	MODEL_CHECK(model_allocated() == 0);
}

/* Two threads, and the body. */
static void meet(void (*first)(void *), enum model_task_patience patience, void (*second)(void *),
		void (*body)(void *))
{
	prepare();
	model_thread(first, (void *)(uintptr_t)patience);
	if (second)
		model_thread(second, (void *)(uintptr_t)MODEL_TASK_STAYS);
	body((void *)(uintptr_t)MODEL_TASK_STAYS);
	finish();
}

#define WORLD(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		meet(__VA_ARGS__);                                                                 \
	}
WORLD(one_reads, reads, MODEL_TASK_LOOKS_AGAIN, NULL, writes)
WORLD(one_downgrades, downgrades, MODEL_TASK_STAYS, NULL, writes)
WORLD(writer_gives_up, writes, MODEL_TASK_GIVES_UP, NULL, downgrades)
WORLD(two_read, reads, MODEL_TASK_STAYS, reads, writes)
WORLD(two_write, writes, MODEL_TASK_STAYS, reads, writes)
WORLD(reader_behind_a_downgrade, reads, MODEL_TASK_STAYS, writes, downgrades)
WORLD(writer_before_a_reader_gives_up, writes, MODEL_TASK_GIVES_UP, reads, reads)
WORLD(reader_before_a_writer_gives_up, reads, MODEL_TASK_GIVES_UP, writes, writes)
WORLD(one_tries, tries, MODEL_TASK_STAYS, reads, writes)

TEST(rwlock_is_held_by_readers_or_by_one_writer)
{
	PASSES(one_reads, 0);
	PASSES(two_read, 1);
	PASSES(two_write, 2);
	PASSES(one_tries, 1);
}

TEST(rwlock_downgrade_leaves_no_gap)
{
	PASSES(one_downgrades, 0);
	PASSES(reader_behind_a_downgrade, 1);
}

TEST(b61_b62_rwlock_is_left_by_who_gives_up)
{
	PASSES(writer_gives_up, 0);
	PASSES(writer_before_a_reader_gives_up, 2);
	PASSES(reader_before_a_writer_gives_up, 2);
}
