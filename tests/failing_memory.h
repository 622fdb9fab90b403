/* SPDX-License-Identifier: MIT */
/*
 * tests/failing_memory.h: the memory of channels, counted, and failing when a test wants it to.
 *
 *     struct probe_env *memory = failing_memory_begin();
 *
 *     memory->fail_after = 2;                          // two more allocations succeed
 *     ...
 *     CHECK(probe_env_balanced(memory));
 *
 * In a sweep the allocations count as those of its env, so that each of them fails in turn; but what lies in a
 * channel may stay there when the leaf has ended:
 *
 *     failing_memory_sweep(&sweep->env);               // in set_up
 *     failing_memory_end();                            // in tear_down: all is balanced
 */
#ifndef WEFT_TESTS_FAILING_MEMORY_H
#define WEFT_TESTS_FAILING_MEMORY_H

#include "base/memory.h"
#include "probe.h"

static struct failing_memory {
	struct probe_env env;
	struct probe_env *sweep; /* or NULL */
} failing_memory;

static inline void *failing_memory_allocate(size_t bytes)
{
	struct probe_env *sweep = failing_memory.sweep;

	if (sweep && sweep->fail_after == 0)
		return NULL;
	if (sweep) {
		sweep->allocations++;
		sweep->fail_after -= sweep->fail_after > 0;
	}
	return probe_env_allocate(&failing_memory.env.env, bytes, 16);
}

static inline void failing_memory_release(void *memory, size_t bytes)
{
	probe_env_release(&failing_memory.env.env, memory, bytes, 16);
}

/* Nothing is allocated, and nothing fails. */
static inline struct probe_env *failing_memory_begin(void)
{
	static const struct weft__memory hooks = { failing_memory_allocate,
		failing_memory_release };

	failing_memory = (struct failing_memory){ PROBE_ENV(0), NULL };
	weft__memory = &hooks;
	return &failing_memory.env;
}

static inline void failing_memory_sweep(struct probe_env *env)
{
	failing_memory_begin();
	failing_memory.sweep = env;
}

static inline void failing_memory_end(void)
{
	CHECK(probe_env_balanced(&failing_memory.env));
	failing_memory.sweep = NULL;
}

#endif
