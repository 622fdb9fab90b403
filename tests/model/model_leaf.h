/* SPDX-License-Identifier: MIT */
/*
 * model/model_leaf.h: what the tests of leaves have in common: tasks that await them (model_task.h), the
 * functions that the code under test calls, and a line per world.
 *
 *     #include "model/model.h"
 *     #include "model/weaken.h"
 *
 *     #include "model/model_leaf.h"
 *     #include "test.h"
 *
 *     PASSES(two_wait, 0);        // this world, with any number of preemptions; 2: with up to two
 */
#ifndef WEFT_MODEL_MODEL_LEAF_H
#define WEFT_MODEL_MODEL_LEAF_H

#include "model/model_task.h"
#include "test.h"

#include "base/check.h"
#include "base/lock.h"

void weft__lock_contended(struct weft__lock *lock)
{
	model_lock(&lock->held);
}

uint32_t weft__lock_bit_contended(uint32_t *word, uint32_t bit)
{
	return model_lock_bit(word, bit);
}

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

void weft_frame_misuse(const struct weft_frame *frame)
{
	(void)frame;
	model_fail("frame misused", __FILE__, __LINE__);
}

static inline enum model_verdict explore(const char *name, void (*world)(void), int preemptions)
{
	return model_explore(name, world, (struct model_options){ .preemptions = preemptions })
			.verdict;
}

#define PASSES(world, preemptions) CHECK_EQ(explore(#world, world, preemptions), MODEL_PASSED)

#endif
