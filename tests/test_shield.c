/* SPDX-License-Identifier: MIT */
/* weft_shield, swept: whatever is cancelled around it, and whenever, what is in it gets its time and no
 * more. */
#include <errno.h>

#include <weft/task.h>
#include <weft/time.h>

#include "sweep.h"
#include "test.h"

enum { STEP_NS = 100 };

/* What is shielded, for how long, and what must come of it. */
struct chore {
	int64_t sleep_ns;
	int64_t shield_ns;
	int64_t timeout_ns; /* around the shield */
	ssize_t result;
	int64_t ends_ns;
};

/* async ssize_t guarded(chore): weft_timeout(weft_shield(weft_sleep)). */
WEFT_ASYNC_1(ssize_t, guarded, const struct chore *);
struct guarded__frame {
	struct guarded__args args;
	struct weft_timeout__frame timeout;
	struct weft_shield__frame shield;
	struct weft_sleep__frame sleep;
};

enum weft_poll guarded__poll(void *frame, struct weft_context *cx)
{
	struct guarded__frame *f = frame;
	const struct chore *chore = f->args.p0;

	weft_begin(f);
	weft_sleep__init(&f->sleep.args, chore->sleep_ns);
	weft_shield__init(&f->shield.args, chore->shield_ns, &weft_sleep__async, &f->sleep);
	weft_await(f, f->timeout, weft_timeout, chore->timeout_ns, &weft_shield__async, &f->shield);
	weft_return(f, f->timeout.args.result);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(guarded, WEFT_ASYNC_RESULT_SSIZE);

static const struct chore *chore_under_test;

static void guarded_set_up(struct sweep *sweep)
{
	struct weft_wheel *wheel = sweep->world;

	weft__wheel_init(wheel, 0);
	sweep->env.env.wheel = wheel;
	guarded__init(sweep->frame, chore_under_test);
}

static bool guarded_advance(struct sweep *sweep)
{
	sweep->env.now_ns += STEP_NS;
	weft__wheel_expire(sweep->world, sweep->env.now_ns);
	return sweep->env.now_ns < 50 * STEP_NS;
}

/* The same, whether it was cancelled or not. */
static const char *guarded_check(struct sweep *sweep)
{
	struct guarded__frame *f = sweep->frame;

	SWEEP_EXPECT(f->args.result == chore_under_test->result);
	SWEEP_EXPECT(sweep->env.now_ns == chore_under_test->ends_ns);
	return NULL;
}

static void check_chore(const struct chore *chore, int suspensions)
{
	static const struct sweep_scenario guarded = { .name = "guarded",
		.async = &guarded__async,
		.world_bytes = sizeof(struct weft_wheel),
		.set_up = guarded_set_up,
		.advance = guarded_advance,
		.check = guarded_check };

	chore_under_test = chore;
	CHECK_EQ(sweep(&guarded).suspensions, suspensions);
}

TEST(shield_keeps_a_cancellation_from_its_child)
{
	check_chore(&(struct chore){ 300, 1000, 2000, 0, 300 }, 1);
}

TEST(shield_ends_its_child_after_its_time)
{
	check_chore(&(struct chore){ 1000, 300, 2000, -ETIME, 300 }, 1);
}

TEST(shield_holds_against_a_deadline_around_it)
{
	check_chore(&(struct chore){ 300, 1000, 100, 0, 300 }, 2);
}

TEST(shield_and_the_deadline_around_it_may_both_pass)
{
	check_chore(&(struct chore){ 1000, 300, 100, -ETIME, 300 }, 2);
}

TEST(shield_of_no_time_polls_its_child_once)
{
	check_chore(&(struct chore){ 0, 0, 1000, 0, 0 }, 0);
	check_chore(&(struct chore){ 300, 0, 1000, -ETIME, 0 }, 0);
}

/* The very end of a shutdown: the flag that says so reaches everybody. */
TEST(shield_ends_with_the_runtime)
{
	struct probe probe = PROBE;
	struct probe_env env = PROBE_ENV(0);
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&probe, &env, &strand);
	struct weft_shield__frame shield;
	struct weft_sleep__frame sleep;
	struct weft_wheel wheel;

	weft__wheel_init(&wheel, 0);
	env.env.wheel = &wheel;
	weft_sleep__init(&sleep.args, 1000);
	weft_shield__init(&shield.args, 2000, &weft_sleep__async, &sleep);
	cx.cancelled = 1;
	CHECK_EQ(weft_shield__poll(&shield, &cx), WEFT_PENDING);
	cx.cancelled = 3;
	CHECK_EQ(weft_shield__poll(&shield, &cx), WEFT_READY);
	CHECK_EQ(shield.args.result, -ECANCELED);
	CHECK_EQ(wheel.count, 0);
}

TEST(shield_outside_a_runtime_cancels_a_child_that_waits)
{
	struct probe probe = PROBE;
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_shield__frame shield;
	struct weft_yield__frame yield;

	weft_yield__init(&yield.args);
	weft_shield__init(&shield.args, 1000, &weft_yield__async, &yield);
	cx.cancelled = 1;
	CHECK_EQ(weft_shield__poll(&shield, &cx), WEFT_READY);
	CHECK_EQ(shield.args.result, -ENXIO);
}
