/* SPDX-License-Identifier: MIT */
/* A lock that its owner enters without an exchange, until others take it away, in every interleaving. What
 * it guards is a plain counter, so two at a time are a race. */
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "base/owned_lock.h"
#include "test.h"

static struct weft__owned_lock lock;
static uint32_t counter;
static bool fenced; /* weft__fence_heavy does what it should */

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

void weft__fence_heavy(void)
{
	if (fenced)
		atomic_fence_seq_cst();
}

void weft__thread_yield(void)
{
	atomic_pause();
}

/* --- the threads --------------------------------------------------------------------------------- */

static void count(void)
{
	model_plain_write(&counter, model_plain_read(&counter) + 1);
}

static void owner_counts(void)
{
	if (weft__owned_lock_enter(&lock)) {
		count();
		weft__owned_lock_leave(&lock);
	} else {
		weft__owned_lock_acquire(&lock);
		count();
		weft__owned_lock_release(&lock);
	}
}

static void owner_opens(void)
{
	weft__owned_lock_acquire(&lock);
	count();
	weft__owned_lock_own(&lock);
}

static void owner_closes(void)
{
	weft__owned_lock_seize(&lock);
	count();
	weft__owned_lock_release(&lock);
}

/* Three times. */
static void owner_works(void *unused)
{
	(void)unused;
	owner_opens();
	owner_counts();
	owner_counts();
}

static void owner_opens_and_closes(void *unused)
{
	(void)unused;
	owner_opens();
	owner_counts();
	owner_closes();
}

static void owner_opens_again(void *unused)
{
	(void)unused;
	owner_opens();
	owner_closes();
	owner_opens();
}

static void other_counts(void *unused)
{
	(void)unused;
	weft__owned_lock_acquire(&lock);
	count();
	weft__owned_lock_release(&lock);
}

static void run(void (*owner)(void *), int others)
{
	lock = (struct weft__owned_lock){ { OWNED_LOCK_FREE }, 0 };
	counter = 0;
	model_thread(owner, NULL);
	for (int i = 0; i < others; i++)
		model_thread(other_counts, NULL);
	model_join_all();
	MODEL_CHECK(counter == 3 + (uint32_t)others);
	MODEL_CHECK(atomic_load_relaxed(&lock.inside) == 0);
	MODEL_CHECK(atomic_load_relaxed(&lock.word.held) != OWNED_LOCK_HELD);
}

#define WORLD(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		run(__VA_ARGS__);                                                                  \
	}
WORLD(works_alone, owner_works, 0)
WORLD(works_beside_one, owner_works, 1)
WORLD(works_beside_two, owner_works, 2)
WORLD(closes_beside_two, owner_opens_and_closes, 2)
WORLD(opens_again_beside_one, owner_opens_again, 1)

static enum model_verdict explore(const char *name, void (*world)(void), int preemptions)
{
	return model_explore(name, world, (struct model_options){ .preemptions = preemptions })
			.verdict;
}

TEST(owned_lock_lets_one_in)
{
	fenced = true;
	CHECK_EQ(explore("alone", works_alone, 0), MODEL_PASSED);
	CHECK_EQ(explore("beside one", works_beside_one, 0), MODEL_PASSED);
	CHECK_EQ(explore("beside two", works_beside_two, 2), MODEL_PASSED);
	CHECK_EQ(explore("closes beside two", closes_beside_two, 2), MODEL_PASSED);
	CHECK_EQ(explore("opens again beside one", opens_again_beside_one, 0), MODEL_PASSED);
}

TEST(owned_lock_needs_the_heavy_fence)
{
	fenced = false;
	CHECK_EQ(explore(NULL, works_beside_one, 0), MODEL_RACE);
}

TEST(owned_lock_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { works_beside_one, opens_again_beside_one };

	fenced = true;
	weaken_each("base/owned_lock.h", worlds, 2, NULL, 0);
}
