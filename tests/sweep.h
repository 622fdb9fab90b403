/* SPDX-License-Identifier: MIT */
/*
 * tests/sweep.h: runs one scenario in every way that it can be interrupted.
 *
 *     static void nap_set_up(struct sweep *sweep)              // the arguments, and the world
 *     {
 *             struct nap_world *world = sweep->world;
 *
 *             weft__wheel_init(&world->wheel, 0);
 *             sweep->env.env.wheel = &world->wheel;
 *             weft_sleep__init(sweep->frame, 1000);
 *     }
 *     static bool nap_advance(struct sweep *sweep)             // it waits: let something happen
 *     {
 *             sweep->env.now_ns += 500;
 *             weft__wheel_expire(sweep->env.env.wheel, sweep->env.now_ns);
 *             return sweep->env.now_ns < 5000;                 // false: nothing happens any more
 *     }
 *     static const char *nap_check(struct sweep *sweep)        // it is READY: NULL, or what is wrong
 *     {
 *             SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
 *             return NULL;
 *     }
 *     static const struct sweep_scenario nap = { .name = "nap", .async = &weft_sleep__async,
 *             .world_bytes = sizeof(struct nap_world), .set_up = nap_set_up, ... };
 *
 *     TEST(nap_survives_being_cancelled_anywhere)
 *     {
 *             CHECK_EQ(sweep(&nap).suspensions, 1);
 *     }
 *
 * A run polls the future until it is READY. Whenever it is PENDING it must have looked at its waker (or
 * have woken itself), and is polled again when that has been woken, for which the world advances. The
 * runs are: a plain one; then, for each n, the n-th allocation and all after it fail; and all of these
 * again for each k, cancelled at the k-th suspension (0: before the first poll). One more per k polls
 * without a wake at the k-th suspension. A leaf that tries (WEFT_ASYNC_TRIES) does so before its first
 * poll in one more run, and in another is dropped then, as a select would, with -ECANCELED.
 *
 * After each run, whatever its result: no allocation of the env is left, no frame on the strand, no timer
 * in the wheel, no owned waker and no claim. Then the frame's memory is freed, the world goes on, and
 * nobody may wake the future any more (or touch it: run this under a sanitizer).
 *
 * Memory:  the frame and the world come from malloc for each run, so that sanitizers see their bounds.
 *          The world is zeroed, the frame is not: initialising it is set_up's matter.
 * Threads: none. All that happens comes from advance, so a run can be repeated.
 */
#ifndef WEFT_TESTS_SWEEP_H
#define WEFT_TESTS_SWEEP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <weft/frame.h>

#include "probe.h"
#include "test.h"
#include "time/wheel.h"

enum {
	SWEEP_NEVER = -1,
	SWEEP_POLLS_MAX = 100000, /* a future that takes more is called endless */
	SWEEP_AFTERMATH = 100     /* how often the world advances when the future has ended */
};

enum sweep_trial { SWEEP_UNTRIED, SWEEP_TRIED, SWEEP_DROPPED };

/* One run. */
struct sweep {
	void *world; /* the scenario's own, as many bytes as it asked for */
	void *frame; /* NULL from when it is freed */
	struct probe probe;
	struct probe_env env;
	const struct weft_async *async;
	/* what interrupts it, or SWEEP_NEVER */
	int cancel_at;
	int fail_after; /* this many allocations succeed */
	int spurious_at;
	enum sweep_trial trial;
	/* so far */
	bool cancelled;
	int suspensions;
	int allocations;
	struct weft_strand strand; /* private from here on */
	unsigned blocks_before;
};

struct sweep_scenario {
	const char *name;
	const struct weft_async *async;
	size_t world_bytes;
	void (*set_up)(struct sweep *sweep);
	bool (*advance)(struct sweep *sweep);
	const char *(*check)(struct sweep *sweep);
	void (*tear_down)(struct sweep *sweep); /* NULL: nothing to do. The frame is there no more,
	                                           unless the run went wrong before its end */
};

struct sweep_result {
	int runs;
	int suspensions; /* of the plain run */
	int allocations; /* of the plain run */
	char failure[200];
};

/* For check functions: says what is wrong, unless `expr` is true. */
#define SWEEP_EXPECT(expr)                                                                         \
	do {                                                                                       \
		if (!(expr))                                                                       \
			return #expr;                                                              \
	} while (0)

/* The future's result, which is an int. */
static inline int sweep_result(const struct sweep *sweep)
{
	int result;

	CHECK_EQ(sweep->async->result_size, sizeof result);
	memcpy(&result, (char *)sweep->frame + sweep->async->result_offset, sizeof result);
	return result;
}

/* Whether nothing has interrupted the run, so that the future must have done its work. */
static inline bool sweep_is_plain(const struct sweep *sweep)
{
	return !sweep->cancelled && sweep->fail_after == SWEEP_NEVER;
}

/* Lets the world advance until the future is woken. */
static inline const char *sweep_wait(
		const struct sweep_scenario *scenario, struct sweep *sweep, unsigned wakes)
{
	for (int i = 0; probe_wakes(&sweep->probe) == wakes; i++)
		if (i == SWEEP_POLLS_MAX || !scenario->advance(sweep))
			return probe_wakes(&sweep->probe) == wakes ? "it waits for ever" : NULL;
	return NULL;
}

/* READY, or PENDING with nothing begun; *wrong says what was. */
static inline enum weft_poll sweep_look(struct sweep *sweep, const char **wrong)
{
	struct weft_context cx = probe_context(&sweep->probe, &sweep->env, &sweep->strand);
	ssize_t wide = -ECANCELED;
	int narrow = -ECANCELED;

	cx.trying = 1;
	if (sweep->async->poll(sweep->frame, &cx) == WEFT_READY)
		return WEFT_READY;
	if (cx.waker_taken || cx.self_woken || cx.budget != WEFT_BUDGET)
		*wrong = "it was to try only, and has begun to wait";
	if (sweep->trial == SWEEP_TRIED)
		return WEFT_PENDING;
	sweep->cancelled = true;
	memcpy((char *)sweep->frame + sweep->async->result_offset,
			sweep->async->flags & WEFT_ASYNC_RESULT_INT ? (void *)&narrow
								    : (void *)&wide,
			sweep->async->result_size);
	return WEFT_READY;
}

static inline const char *sweep_poll(const struct sweep_scenario *scenario, struct sweep *sweep)
{
	const char *begun = NULL;

	if (sweep->trial != SWEEP_UNTRIED && (sweep_look(sweep, &begun) == WEFT_READY || begun))
		return begun;
	for (int polls = 0; polls < SWEEP_POLLS_MAX; polls++) {
		struct weft_context cx = probe_context(&sweep->probe, &sweep->env, &sweep->strand);
		unsigned wakes = probe_wakes(&sweep->probe);
		const char *wrong;

		sweep->cancelled |= sweep->suspensions == sweep->cancel_at;
		cx.cancelled = sweep->cancelled;
		if (weft_strand_poll(&sweep->strand, sweep->async, sweep->frame, &cx) == WEFT_READY)
			return NULL;
		if (!cx.waker_taken && !cx.self_woken)
			return "pending without a look at the waker: nobody can wake it";
		sweep->suspensions++;
		if (cx.self_woken || sweep->suspensions == sweep->cancel_at ||
				sweep->suspensions == sweep->spurious_at)
			continue;
		wrong = sweep_wait(scenario, sweep, wakes);
		if (wrong)
			return wrong;
	}
	return "it is polled for ever";
}

static inline const char *sweep_check_balance(const struct sweep *sweep)
{
	if (sweep->strand.innermost)
		return "a frame of its own is left on the strand";
	if (sweep->env.live_blocks != sweep->blocks_before)
		return "an allocation is left";
	if (sweep->env.env.wheel && sweep->env.env.wheel->count)
		return "a timer is left in the wheel";
	if (sweep->probe.clones != sweep->probe.wakes + sweep->probe.drops)
		return "an owned waker is left";
	return probe_balanced(&sweep->probe) ? NULL : "a claim was not committed";
}

/* What comes after the end. The frame is gone: whoever still knows it is found out. */
static inline const char *sweep_aftermath(
		const struct sweep_scenario *scenario, struct sweep *sweep)
{
	unsigned wakes = probe_wakes(&sweep->probe);

	free(sweep->frame);
	sweep->frame = NULL;
	for (int i = 0; i < SWEEP_AFTERMATH && scenario->advance(sweep); i++)
		;
	return probe_wakes(&sweep->probe) == wakes ? NULL : "its waker was left registered";
}

/* A run. Says what is wrong, or NULL; fills in what happened. */
static inline const char *sweep_run(const struct sweep_scenario *scenario, struct sweep *sweep)
{
	size_t align = scenario->async->frame_align < 16 ? 16 : scenario->async->frame_align;
	size_t bytes = (scenario->async->frame_size + align - 1) / align * align;
	const char *wrong;

	sweep->async = scenario->async;
	sweep->env = (struct probe_env)PROBE_ENV(0);
	sweep->world = calloc(1, scenario->world_bytes + 1);
	sweep->frame = aligned_alloc(align, bytes);
	CHECK(sweep->world && sweep->frame);
	memset(sweep->frame, 0xa5, bytes);
	scenario->set_up(sweep);
	sweep->env.fail_after = sweep->fail_after;
	sweep->blocks_before = sweep->env.live_blocks;
	sweep->allocations = -(int)sweep->env.allocations;
	wrong = sweep_poll(scenario, sweep);
	sweep->allocations += (int)sweep->env.allocations;
	if (!wrong)
		wrong = sweep_check_balance(sweep);
	if (!wrong)
		wrong = scenario->check(sweep);
	if (!wrong)
		wrong = sweep_aftermath(scenario, sweep);
	if (scenario->tear_down)
		scenario->tear_down(sweep);
	free(sweep->frame);
	free(sweep->world);
	return wrong;
}

/* A run of `how`, counted; its failure is written down with what interrupted it. */
static inline struct sweep sweep_try(const struct sweep_scenario *scenario, struct sweep how,
		struct sweep_result *result)
{
	static const char *const trials[] = { "", ", tried", ", tried and dropped" };
	const char *wrong;

	if (result->failure[0])
		return how;
	result->runs++;
	wrong = sweep_run(scenario, &how);
	if (wrong)
		snprintf(result->failure, sizeof result->failure,
				"%s: %s (cancelled at %d, allocations fail after %d%s, polled spuriously at %d)",
				scenario->name, wrong, how.cancel_at, how.fail_after,
				trials[how.trial], how.spurious_at);
	return how;
}

/* All runs, up to the first failure. */
static inline struct sweep_result sweep_explore(const struct sweep_scenario *scenario)
{
	struct sweep_result result = { 0 };
	struct sweep plain = {
		.cancel_at = SWEEP_NEVER, .fail_after = SWEEP_NEVER, .spurious_at = SWEEP_NEVER
	};
	struct sweep how = plain, done = sweep_try(scenario, how, &result);

	result.suspensions = done.suspensions;
	result.allocations = done.allocations;
	for (how.spurious_at = 1; how.spurious_at <= result.suspensions; how.spurious_at++)
		sweep_try(scenario, how, &result);
	if (scenario->async->flags & WEFT_ASYNC_TRIES)
		for (how = plain; how.trial < SWEEP_DROPPED;) {
			how.trial++;
			sweep_try(scenario, how, &result);
		}
	for (how = plain; how.fail_after < result.allocations; how.fail_after++) {
		how.cancel_at = SWEEP_NEVER;
		done = sweep_try(scenario, how, &result);
		for (how.cancel_at = 0; how.cancel_at <= done.suspensions; how.cancel_at++)
			sweep_try(scenario, how, &result);
	}
	return result;
}

/* All runs; the test fails with the first of them that fails. */
static inline struct sweep_result sweep(const struct sweep_scenario *scenario)
{
	struct sweep_result result = sweep_explore(scenario);

	if (result.failure[0])
		test_fail(__FILE__, __LINE__, "%s", result.failure);
	return result;
}

#endif
