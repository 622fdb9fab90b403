/* SPDX-License-Identifier: MIT */
/* The mutex in every interleaving (behaviour 61): tasks that lock, give up, barge and try; what it guards is plain
 * memory, and who holds it last frees it. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/mutex.c" /* NOLINT(bugprone-suspicious-include) */

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_mutex *mutex;
static uint32_t counter; /* plain: what the mutex guards */

static int lock(enum model_task_patience patience)
{
	struct weft_mutex_lock__frame frame;

	if (patience == MODEL_TASK_STAYS && MODEL_TASK_NOW(weft_mutex_lock, mutex))
		return 0;
	weft_mutex_lock__init(&frame.args, mutex);
	return model_task_await(&frame, sizeof frame, &weft_mutex_lock__async, patience);
}

static void prepare(void)
{
	counter = 0;
	mutex = model_malloc(sizeof *mutex);
	weft_mutex_init(mutex);
}

static void finish(void)
{
	model_join_all();
	if (mutex) {
		MODEL_CHECK(!mutex->waiters.oldest);
		MODEL_CHECK((atomic_load_relaxed(&mutex->waiters.word) & ~(uint32_t)MUTEX_INLINE) ==
				MUTEX_VALID);
		model_free(mutex);
	}
	MODEL_CHECK(model_allocated() == 0);
}

static void count(void)
{
	model_plain_write(&counter, model_plain_read(&counter) + 1);
}

static void counts(void *patience)
{
	if (lock((enum model_task_patience)(uintptr_t)patience) == 0) {
		count();
		weft_mutex_unlock(mutex);
	}
}

static void counts_twice(void *patience)
{
	counts(patience);
	counts(patience);
}

static void tries(void *unused)
{
	(void)unused;
	if (weft_mutex_try_lock(mutex) == 0) {
		count();
		weft_mutex_unlock(mutex);
	}
}

static void meet(void (*first)(void *), enum model_task_patience patience, void (*second)(void *),
		void (*body)(void *))
{
	prepare();
	model_thread(first, (void *)(uintptr_t)patience);
	if (second)
		model_thread(second, (void *)(uintptr_t)MODEL_TASK_STAYS);
	body((void *)(uintptr_t)MODEL_TASK_STAYS);
	finish();
	MODEL_CHECK(counter >= 1);
}

/* Whoever is the last frees it. */
static void counts_and_frees(void *unused)
{
	bool last;

	(void)unused;
	MODEL_CHECK(lock(MODEL_TASK_LOOKS_AGAIN) == 0);
	count();
	last = model_plain_read(&counter) == 2;
	weft_mutex_unlock(mutex);
	if (last) {
		model_free(mutex);
		mutex = NULL;
	}
}

static void last_one_frees_it(void)
{
	prepare();
	model_thread(counts_and_frees, NULL);
	counts_and_frees(NULL);
	finish();
}

static void unlocks(void *unused)
{
	(void)unused;
	weft_mutex_unlock(mutex);
}

/* Who gives up, and then gets it without waiting, frees it; the unlock may have seen that one waited. */
static void impatient_one_frees_it(void)
{
	prepare();
	MODEL_CHECK(weft_mutex_try_lock(mutex) == 0);
	model_thread(unlocks, NULL);
	if (lock(MODEL_TASK_GIVES_UP) == 0 || weft_mutex_try_lock(mutex) == 0) {
		weft_mutex_unlock(mutex);
		model_free(mutex);
		mutex = NULL;
	}
	finish();
}

#define WORLD(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		meet(__VA_ARGS__);                                                                 \
	}
WORLD(two_count, counts, MODEL_TASK_STAYS, NULL, counts)
WORLD(two_count_and_look, counts, MODEL_TASK_LOOKS_AGAIN, NULL, counts)
WORLD(one_gives_up, counts, MODEL_TASK_GIVES_UP, NULL, counts)
WORLD(one_tries, tries, MODEL_TASK_STAYS, NULL, counts)
WORLD(one_comes_back, counts, MODEL_TASK_STAYS, NULL, counts_twice)
WORLD(both_come_back, counts_twice, MODEL_TASK_STAYS, NULL, counts_twice)
WORLD(one_barges, counts, MODEL_TASK_STAYS, tries, counts)
WORLD(three_count, counts, MODEL_TASK_STAYS, counts, counts)
WORLD(one_gives_up_before_another, counts, MODEL_TASK_GIVES_UP, counts, counts)
WORLD(one_gives_up_while_one_barges, counts, MODEL_TASK_GIVES_UP, counts, counts_twice)
WORLD(one_looks_while_one_barges, counts, MODEL_TASK_LOOKS_AGAIN, counts, counts_twice)

TEST(b61_mutex_is_held_by_one_at_a_time)
{
	PASSES(two_count, 0);
	PASSES(two_count_and_look, 0);
	PASSES(one_tries, 0);
	PASSES(three_count, 2);
}

TEST(b61_mutex_that_is_barged_forgets_nobody)
{
	PASSES(one_comes_back, 0);
	PASSES(both_come_back, 2);
	PASSES(one_barges, 2);
	PASSES(one_looks_while_one_barges, 1);
}

TEST(b61_mutex_is_left_by_who_gives_up)
{
	PASSES(one_gives_up, 0);
	PASSES(one_gives_up_before_another, 2);
	PASSES(one_gives_up_while_one_barges, 1);
}

TEST(mutex_may_be_freed_by_who_holds_it_last)
{
	PASSES(last_one_frees_it, 0);
	PASSES(impatient_one_frees_it, 0);
}

TEST(mutex_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { two_count, one_comes_back, one_barges };

	weaken_each("sync/mutex.c", worlds, COUNT(worlds), NULL, 0);
	weaken_each("weft/waiter.h", worlds, 1, NULL, 0);
}
