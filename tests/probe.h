/* SPDX-License-Identifier: MIT */
/*
 * tests/probe.h: what a stepped test polls with. No executor, no clock, no thread.
 *
 *     struct probe probe = PROBE;
 *     struct probe_env env = PROBE_ENV(1000);          // the clock stands at 1,000 ns
 *     struct weft_strand strand = { NULL };
 *     struct weft_context cx = probe_context(&probe, &env, &strand);
 *
 *     CHECK_EQ(weft_sleep__poll(&sleep, &cx), WEFT_PENDING);
 *     env.now_ns += 500;
 *     CHECK_EQ(probe_wakes(&probe), 1);
 *     CHECK(probe_balanced(&probe) && probe_env_balanced(&env));
 *
 * A probe is a waker that only counts, so that every missing or extra wake-up and every lost
 * reference shows. A probe_env is the services of a runtime with a clock that the test sets and an
 * allocator that counts; it has no wheel and no reactor unless the test gives it one.
 *
 * Memory:  all on the test's stack; a probe_env's blocks are malloc's, so that sanitizers see them.
 * Threads: none. A test with threads needs another waker.
 */
#ifndef WEFT_TESTS_PROBE_H
#define WEFT_TESTS_PROBE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weft/poll.h>

#include "base/check.h"
#include "core/env.h"
#include "test.h"

struct probe {
	unsigned clones;
	unsigned drops;
	unsigned wakes; /* those that ended an owned waker */
	unsigned wakes_by_ref;
	unsigned claims;
	unsigned commits;
	void (*on_wake)(struct probe *probe); /* called by each wake and commit, after counting */
	void *on_wake_arg;
};

#define PROBE                                                                                      \
	{                                                                                          \
		.clones = 0                                                                        \
	}

static const struct weft_waker_ops probe_waker_ops;

static inline void probe_notify(struct probe *probe)
{
	if (probe->on_wake)
		probe->on_wake(probe);
}

static struct weft_waker probe_clone(void *data)
{
	struct probe *probe = data;
	struct weft_waker waker = { &probe_waker_ops, probe };

	probe->clones++;
	return waker;
}

static void probe_wake(void *data)
{
	struct probe *probe = data;

	probe->wakes++;
	CHECK(probe->wakes + probe->drops <= probe->clones);
	probe_notify(probe);
}

static void probe_wake_by_ref(void *data)
{
	struct probe *probe = data;

	probe->wakes_by_ref++;
	probe_notify(probe);
}

static void probe_drop(void *data)
{
	struct probe *probe = data;

	probe->drops++;
	CHECK(probe->wakes + probe->drops <= probe->clones);
}

/* Unlike a task's claim, this one does not coalesce: each claim is to be committed. */
static struct weft_waker probe_claim(void *data)
{
	struct probe *probe = data;
	struct weft_waker waker = { &probe_waker_ops, probe };

	probe->claims++;
	return waker;
}

static void probe_commit(void *data)
{
	struct probe *probe = data;

	probe->commits++;
	CHECK(probe->commits <= probe->claims);
	probe_notify(probe);
}

static const struct weft_waker_ops probe_waker_ops = { probe_clone, probe_wake, probe_wake_by_ref,
	probe_drop, probe_claim, probe_commit };

/* A borrowed waker. */
static inline struct weft_waker probe_waker(struct probe *probe)
{
	struct weft_waker waker = { &probe_waker_ops, probe };

	return waker;
}

/* How often the task would have been queued, if wakes did not coalesce. */
static inline unsigned probe_wakes(const struct probe *probe)
{
	return probe->wakes + probe->wakes_by_ref + probe->commits;
}

/* Whether every owned waker has been ended and every claim committed. */
static inline bool probe_balanced(const struct probe *probe)
{
	return probe->clones == probe->wakes + probe->drops && probe->claims == probe->commits;
}

struct probe_env {
	struct weft_env env;
	int64_t now_ns;
	size_t live_bytes;
	unsigned live_blocks;
	unsigned allocations; /* successful ones so far */
	int fail_after;       /* this many more succeed, then each fails; < 0: none fails */
};

#define PROBE_ENV(ns)                                                                              \
	{                                                                                          \
		.env = { .allocate = probe_env_allocate,                                           \
			.release = probe_env_release,                                              \
			.now = probe_env_now },                                                    \
		.now_ns = (ns), .fail_after = -1                                                   \
	}

/* In front of each block: what release must be given back. */
struct probe_block {
	size_t bytes;
	size_t align;
	void *memory;
};

/* Room for that and for aligning down; a block aligned to 16 or less ends where malloc's does. */
enum { PROBE_BLOCK_FRONT = 96 };

static inline struct probe_env *probe_env_of(const struct weft_env *env)
{
	return (struct probe_env *)(uintptr_t)env; /* its first member */
}

static inline void *probe_env_allocate(const struct weft_env *env, size_t bytes, size_t align)
{
	struct probe_env *probe_env = probe_env_of(env);
	struct probe_block *block;
	char *memory, *body;

	CHECK(align != 0 && (align & (align - 1)) == 0 && align <= 64);
	if (probe_env->fail_after == 0)
		return NULL;
	if (probe_env->fail_after > 0)
		probe_env->fail_after--;
	memory = malloc(PROBE_BLOCK_FRONT + bytes);
	CHECK(memory != NULL);
	body = (char *)(((uintptr_t)memory + PROBE_BLOCK_FRONT) & ~(uintptr_t)(align - 1));
	block = (struct probe_block *)(void *)body - 1;
	block->bytes = bytes;
	block->align = align;
	block->memory = memory;
	memset(body, 0xa5, bytes); /* nobody may count on zeroes */
	probe_env->live_bytes += bytes;
	probe_env->live_blocks++;
	probe_env->allocations++;
	return body;
}

static inline void probe_env_release(
		const struct weft_env *env, void *memory, size_t bytes, size_t align)
{
	struct probe_env *probe_env = probe_env_of(env);
	struct probe_block *block = (struct probe_block *)memory - 1;

	CHECK_EQ(block->bytes, bytes);
	CHECK_EQ(block->align, align);
	probe_env->live_bytes -= bytes;
	probe_env->live_blocks--;
	free(block->memory);
}

static inline int64_t probe_env_now(const struct weft_env *env)
{
	return probe_env_of(env)->now_ns;
}

static inline bool probe_env_balanced(const struct probe_env *env)
{
	return env->live_blocks == 0 && env->live_bytes == 0;
}

/* A context whose budget is full and which is not cancelled. env NULL: a bare driver. */
static inline struct weft_context probe_context(
		struct probe *probe, struct probe_env *env, struct weft_strand *strand)
{
	struct weft_context cx = weft_context_make(probe_waker(probe), strand);

	cx.env = env ? &env->env : NULL;
	return cx;
}

#endif
