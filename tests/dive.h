/* SPDX-License-Identifier: MIT */
/*
 * tests/dive.h: a recursive async function, and a task to poll it with.
 *
 *     struct stepper stepper = stepper_make();
 *     struct gate gate = { .waits = 3 };               // each diver passes it three times
 *     struct dive__frame dive;
 *
 *     dive__init(&dive.args, 1000, &gate);             // a thousand frames of their own
 *     CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
 *     gate.open = 3;
 *     CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
 *     CHECK(stepper_is_clean(&stepper));
 *
 * `seen` counts the polls of both, and how far they went down the C stack. A failed assertion of the
 * library aborts, as CHECK_ABORTS expects.
 */
#ifndef WEFT_TESTS_DIVE_H
#define WEFT_TESTS_DIVE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/frame.h>

#include "probe.h"
#include "test.h"

static inline void fail_aborts(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

__attribute__((constructor)) static void fail_hook_set(void)
{
	weft__fail_hook = fail_aborts;
}

/* --- what happened: how many polls, and how deep the C stack was -------------------------------- */

static struct {
	unsigned polls; /* of dive and gate_pass */
	int nested, nested_max;
	uintptr_t stack_low, stack_high;
} seen;

static inline void seen_reset(void)
{
	memset(&seen, 0, sizeof seen);
	seen.stack_low = UINTPTR_MAX;
}

static inline void seen_enter(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	seen.polls++;
	seen.nested++;
	seen.nested_max = seen.nested > seen.nested_max ? seen.nested : seen.nested_max;
	seen.stack_low = here < seen.stack_low ? here : seen.stack_low;
	seen.stack_high = here > seen.stack_high ? here : seen.stack_high;
}

static inline enum weft_poll seen_leave(enum weft_poll poll)
{
	seen.nested--;
	return poll;
}

/* --- the functions ------------------------------------------------------------------------------ */

struct gate {
	int open;  /* how many may still pass */
	int waits; /* how often a diver passes at the bottom */
};

WEFT_ASYNC_1(int, gate_pass, struct gate *);
struct gate_pass__frame {
	struct gate_pass__args args;
};

static inline enum weft_poll gate_pass_step(struct gate_pass__frame *f, struct weft_context *cx)
{
	struct gate *gate = f->args.p0;

	if (f->args.base.at == WEFT_AT_DONE)
		weft_frame_misuse(&f->args.base);
	if (gate->open > 0) {
		gate->open--;
		weft_return(f, 0);
	}
	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	weft_context_waker(cx);
	return WEFT_PENDING;
}

enum weft_poll gate_pass__poll(void *frame, struct weft_context *cx)
{
	seen_enter();
	return seen_leave(gate_pass_step(frame, cx));
}

WEFT_ASYNC_DEFINE_LEAF(gate_pass, WEFT_ASYNC_RESULT_INT);

/* async int dive(depth, gate): gives the depth, or what went wrong. */
WEFT_ASYNC_2(int, dive, int, struct gate *);
struct dive__frame {
	struct dive__args args;
	struct dive__args *deeper;
	struct gate_pass__frame pass;
	int i;
	int result;
};

static inline enum weft_poll dive_step(struct dive__frame *f, struct weft_context *cx)
{
	weft_begin(f);
	if (f->args.p0 > 0) {
		weft_await_own(f, f->deeper, &f->result, dive, f->args.p0 - 1, f->args.p1);
		weft_return(f, f->result < 0 ? f->result : f->result + 1);
	}
	for (f->i = 0; f->i < f->args.p1->waits; f->i++) {
		weft_await(f, f->pass, gate_pass, f->args.p1);
		if (f->pass.args.result < 0)
			weft_return(f, f->pass.args.result);
	}
	weft_return(f, 0);
	weft_end(f);
}

enum weft_poll dive__poll(void *frame, struct weft_context *cx)
{
	seen_enter();
	return seen_leave(dive_step(frame, cx));
}

WEFT_ASYNC_DEFINE(dive, WEFT_ASYNC_RESULT_INT);

/* --- a task without an executor ----------------------------------------------------------------- */

struct stepper {
	struct probe probe;
	struct probe_env env;
	struct weft_strand strand;
	struct weft_context cx; /* of the last step */
	bool cancelled;
};

static inline struct stepper stepper_make(void)
{
	struct stepper stepper = { .probe = PROBE, .env = PROBE_ENV(0) };

	seen_reset();
	return stepper;
}

static inline enum weft_poll step(
		struct stepper *stepper, const struct weft_async *async, void *frame)
{
	stepper->cx = probe_context(&stepper->probe, &stepper->env, &stepper->strand);
	stepper->cx.cancelled = stepper->cancelled;
	return weft_strand_poll(&stepper->strand, async, frame, &stepper->cx);
}

static inline bool stepper_is_clean(const struct stepper *stepper)
{
	return !stepper->strand.innermost && probe_balanced(&stepper->probe) &&
			probe_env_balanced(&stepper->env);
}

#endif
