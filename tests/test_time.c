/* SPDX-License-Identifier: MIT */
/* Sleeps, deadlines and intervals, stepped by hand: the clock stands until a test moves it. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <weft/time.h>

#include "probe.h"
#include "test.h"
#include "time/wheel.h"

#define MS(n) WEFT_MILLISECONDS(n)

enum { START = 1000 };

/* One task on one worker. */
struct bench {
	struct probe probe;
	struct probe_env env;
	struct weft_wheel wheel;
	struct weft_strand strand;
	struct weft_context cx; /* of the last poll */
	uint32_t budget;
	bool cancelled;
};

static void bench_init(struct bench *bench)
{
	*bench = (struct bench){ .probe = PROBE, .env = PROBE_ENV(START), .budget = WEFT_BUDGET };
	weft__wheel_init(&bench->wheel, START);
	bench->env.env.wheel = &bench->wheel;
}

/* A context for the next poll, budget full. */
static struct weft_context *bench_poll(struct bench *bench)
{
	bench->cx = probe_context(&bench->probe, &bench->env, &bench->strand);
	bench->cx.budget = bench->budget;
	bench->cx.cancelled = bench->cancelled;
	return &bench->cx;
}

static unsigned bench_advance(struct bench *bench, int64_t ns)
{
	unsigned fired = 0;

	bench->env.now_ns += ns;
	do
		fired += weft__wheel_expire(&bench->wheel, bench->env.now_ns);
	while (weft__wheel_is_due(&bench->wheel, bench->env.now_ns));
	return fired;
}

static bool bench_is_clean(const struct bench *bench)
{
	weft__wheel_check(&bench->wheel);
	return bench->wheel.count == 0 && probe_balanced(&bench->probe) &&
			probe_env_balanced(&bench->env);
}

#define CHECK_PENDING(bench, function, frame)                                                      \
	CHECK_EQ(function##__poll((frame), bench_poll(bench)), WEFT_PENDING)

#define CHECK_READY(bench, function, frame, value)                                                 \
	do {                                                                                       \
		CHECK_EQ(function##__poll((frame), bench_poll(bench)), WEFT_READY);                \
		CHECK_EQ((frame)->args.result, value);                                             \
		CHECK_EQ((frame)->args.base.at, WEFT_AT_DONE);                                     \
	} while (0)

/* --- children of the kinds that a deadline may meet ------------------------------------------- */

/* Always ready inside, so that only the budget stops it. */
WEFT_ASYNC_0(int, greedy);
struct greedy__frame {
	struct greedy__args args;
};

enum weft_poll greedy__poll(void *frame, struct weft_context *cx)
{
	struct greedy__frame *f = frame;

	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	f->args.base.at = 1;
	while (weft_context_charge(cx))
		continue;
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(greedy, WEFT_ASYNC_RESULT_INT);

/* Yields `polls` times, whether it is cancelled or not, then gives `result`. */
WEFT_ASYNC_2(int, stubborn, int, int);
struct stubborn__frame {
	struct stubborn__args args;
};

enum weft_poll stubborn__poll(void *frame, struct weft_context *cx)
{
	struct stubborn__frame *f = frame;

	f->args.base.at = 1;
	if (f->args.p0-- == 0)
		weft_return(f, f->args.p1);
	weft_context_yield(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(stubborn, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(ssize_t, transferred, ssize_t);
struct transferred__frame {
	struct transferred__args args;
};

enum weft_poll transferred__poll(void *frame, struct weft_context *cx)
{
	struct transferred__frame *f = frame;

	(void)cx;
	weft_return(f, f->args.p0);
}

WEFT_ASYNC_DEFINE_LEAF(transferred, WEFT_ASYNC_RESULT_SSIZE);

/* Its result says nothing about failure. */
WEFT_ASYNC_0(uint64_t, hash);
struct hash__frame {
	struct hash__args args;
};

enum weft_poll hash__poll(void *frame, struct weft_context *cx)
{
	struct hash__frame *f = frame;

	(void)cx;
	weft_return(f, UINT64_MAX);
}

WEFT_ASYNC_DEFINE_LEAF(hash, 0);

/* Holds something across two sleeps, and sleeps once more before it lets go. */
static int held;

WEFT_ASYNC_1(int, chores, int64_t);
struct chores__frame {
	struct chores__args args;
	struct weft_sleep__frame sleep;
	int result;
};

enum weft_poll chores__poll(void *frame, struct weft_context *cx)
{
	struct chores__frame *f = frame;

	weft_begin(f);
	held++;
	weft_await(f, f->sleep, weft_sleep, f->args.p0);
	f->result = f->sleep.args.result;
	if (f->result == 0) {
		weft_await(f, f->sleep, weft_sleep, f->args.p0);
		f->result = f->sleep.args.result;
	}
	weft_await(f, f->sleep, weft_sleep, 1);
	held--;
	weft_return(f, f->result ? f->result : f->sleep.args.result);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(chores, WEFT_ASYNC_RESULT_INT);

/* --- clock and conversions -------------------------------------------------------------------- */

TEST(time_now_is_the_clock_of_the_runtime)
{
	struct bench bench;

	bench_init(&bench);
	bench.env.now_ns = 77;
	CHECK_EQ(weft_now(bench_poll(&bench)), 77);
	bench.cx.env = NULL;
	CHECK(weft_now(&bench.cx) > 77);
	CHECK(weft_now(NULL) > 77);
}

TEST(time_deadlines_saturate)
{
	CHECK_EQ(weft_deadline_after(5, 7), 12);
	CHECK_EQ(weft_deadline_after(5, 0), 5);
	CHECK_EQ(weft_deadline_after(5, -7), 5);
	CHECK_EQ(weft_deadline_after(5, INT64_MIN), 5);
	CHECK_EQ(weft_deadline_after(5, WEFT_NEVER), WEFT_NEVER);
	CHECK_EQ(weft_deadline_after(WEFT_NEVER - 7, 7), WEFT_NEVER);
	CHECK_EQ(weft_deadline_after(WEFT_NEVER, 1), WEFT_NEVER);
}

/* B67: milliseconds are rounded up, so that poll(2) does not return early and spin. */
TEST(time_milliseconds_round_up)
{
	CHECK_EQ(weft_timeout_ms(1), 1);
	CHECK_EQ(weft_timeout_ms(999999), 1);
	CHECK_EQ(weft_timeout_ms(1000000), 1);
	CHECK_EQ(weft_timeout_ms(1000001), 2);
	CHECK_EQ(weft_timeout_ms(0), 0);
	CHECK_EQ(weft_timeout_ms(-5), 0);
	CHECK_EQ(weft_timeout_ms(WEFT_NEVER), -1);
	CHECK_EQ(weft_timeout_ms(WEFT_NEVER - 1), INT32_MAX);
}

TEST(time_descriptors_describe_their_frames)
{
	static const struct weft_async *const leaves[] = { &weft_sleep__async,
		&weft_sleep_until__async, &weft_interval_tick__async };
	const struct weft_async *deadline = &weft_deadline__async;

	for (int i = 0; i < 3; i++) {
		weft_async_verify(leaves[i]);
		CHECK_EQ(leaves[i]->flags,
				WEFT_ASYNC_LEAF | WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_TRIES);
		CHECK_EQ(leaves[i]->result_size, sizeof(int));
		CHECK_EQ(leaves[i]->point_count, 0);
	}
	CHECK(sizeof(void *) != 8 || weft_sleep__async.frame_size == 72);
	weft_async_verify(&weft_timeout__async);
	CHECK_EQ(weft_timeout__async.embedded_count, 1);
	CHECK(weft_timeout__async.points[0].child == deadline);
	CHECK_EQ(weft_timeout__async.flags, WEFT_ASYNC_RESULT_SSIZE);
	CHECK_EQ(deadline->point_count, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(deadline->points[i].flags, WEFT_POINT_BRANCH);
		CHECK_EQ(deadline->points[i].child_offset,
				offsetof(struct weft_deadline__frame, branch));
	}
}

/* --- sleep ------------------------------------------------------------------------------------ */

/* B67: never early; counted from the first poll; woken once. */
TEST(sleep_ends_when_its_time_has_passed)
{
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	weft_sleep__init(&sleep.args, MS(5));
	bench_advance(&bench, MS(100)); /* inert until polled */
	CHECK_PENDING(&bench, weft_sleep, &sleep);
	CHECK(bench.cx.waker_taken);
	CHECK_EQ(bench.cx.budget, WEFT_BUDGET);
	CHECK_EQ(weft__wheel_next(&bench.wheel), START + MS(105));
	CHECK_EQ(bench_advance(&bench, MS(5) - 1), 0);
	CHECK_PENDING(&bench, weft_sleep, &sleep); /* spurious */
	CHECK_EQ(bench_advance(&bench, 1), 1);
	CHECK_EQ(probe_wakes(&bench.probe), 1);
	CHECK_READY(&bench, weft_sleep, &sleep, 0);
	CHECK_EQ(bench.cx.budget, WEFT_BUDGET - 1);
	CHECK(bench_is_clean(&bench));
}

TEST(sleep_of_nothing_is_ready_at_once)
{
	static const int64_t timeouts[] = { 0, -1, INT64_MIN };
	struct weft_sleep_until__frame until;
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	for (int i = 0; i < 3; i++) {
		weft_sleep__init(&sleep.args, timeouts[i]);
		CHECK_READY(&bench, weft_sleep, &sleep, 0);
	}
	weft_sleep_until__init(&until.args, START);
	CHECK_READY(&bench, weft_sleep_until, &until, 0);
	weft_sleep_until__init(&until.args, START + 1);
	CHECK_PENDING(&bench, weft_sleep_until, &until);
	CHECK_EQ(bench_advance(&bench, 1), 1);
	CHECK_READY(&bench, weft_sleep_until, &until, 0);
	CHECK(bench_is_clean(&bench));
}

TEST(sleep_forever_ends_only_by_cancelling)
{
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	weft_sleep__init(&sleep.args, WEFT_NEVER);
	CHECK_PENDING(&bench, weft_sleep, &sleep);
	CHECK_EQ(weft__wheel_next(&bench.wheel), WEFT_NEVER);
	CHECK_EQ(bench_advance(&bench, WEFT_SECONDS(86400) * 36500), 0);
	CHECK_PENDING(&bench, weft_sleep, &sleep);
	bench.cancelled = true;
	CHECK_READY(&bench, weft_sleep, &sleep, -ECANCELED);
	CHECK_EQ(probe_wakes(&bench.probe), 0);
	CHECK(bench_is_clean(&bench));
}

TEST(sleep_cancelled_at_its_first_poll_has_no_effect)
{
	struct weft_interval interval = weft_interval_make(START, MS(1), WEFT_TICK_BURST);
	struct weft_interval_tick__frame tick;
	struct weft_sleep_until__frame until;
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	bench.cancelled = true;
	weft_sleep__init(&sleep.args, 0);
	CHECK_READY(&bench, weft_sleep, &sleep, -ECANCELED);
	weft_sleep_until__init(&until.args, 0);
	CHECK_READY(&bench, weft_sleep_until, &until, -ECANCELED);
	weft_interval_tick__init(&tick.args, &interval, NULL);
	CHECK_READY(&bench, weft_interval_tick, &tick, -ECANCELED);
	CHECK_EQ(interval.next_ns, START);
	CHECK(bench_is_clean(&bench));
}

TEST(sleep_that_has_fired_beats_a_cancellation)
{
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	weft_sleep__init(&sleep.args, 5);
	CHECK_PENDING(&bench, weft_sleep, &sleep);
	bench_advance(&bench, 5);
	bench.cancelled = true;
	CHECK_READY(&bench, weft_sleep, &sleep, 0);
	CHECK(bench_is_clean(&bench));
}

TEST(sleep_outside_a_runtime_gives_enxio)
{
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	bench.env.env.wheel = NULL;
	weft_sleep__init(&sleep.args, 0);
	CHECK_READY(&bench, weft_sleep, &sleep, -ENXIO);
	weft_sleep__init(&sleep.args, 5);
	bench_poll(&bench)->env = NULL;
	CHECK_EQ(weft_sleep__poll(&sleep, &bench.cx), WEFT_READY);
	CHECK_EQ(sleep.args.result, -ENXIO);
}

TEST(sleep_is_charged_to_the_budget)
{
	struct weft_sleep__frame sleep;
	struct bench bench;
	int completions = 0;

	bench_init(&bench);
	bench_poll(&bench);
	for (;;) {
		weft_sleep__init(&sleep.args, 0);
		if (weft_sleep__poll(&sleep, &bench.cx) == WEFT_PENDING)
			break;
		completions++;
	}
	CHECK_EQ(completions, WEFT_BUDGET);
	CHECK(bench.cx.self_woken);
	CHECK_READY(&bench, weft_sleep, &sleep, 0);

	weft_sleep__init(&sleep.args, 5);
	CHECK_PENDING(&bench, weft_sleep, &sleep);
	bench_advance(&bench, 5);
	bench.budget = 0;
	CHECK_PENDING(&bench, weft_sleep, &sleep); /* it has fired, and stays so */
	CHECK(bench.cx.self_woken);
	bench.cancelled = true;
	bench.budget = 1;
	CHECK_READY(&bench, weft_sleep, &sleep, 0);
	CHECK(bench_is_clean(&bench));
}

/* A frame may be polled by another task next time: the last waker counts. */
TEST(sleep_wakes_whoever_polled_it_last)
{
	struct probe other = PROBE;
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	weft_sleep__init(&sleep.args, 5);
	CHECK_PENDING(&bench, weft_sleep, &sleep);
	bench_poll(&bench)->waker = probe_waker(&other);
	CHECK_EQ(weft_sleep__poll(&sleep, &bench.cx), WEFT_PENDING);
	CHECK_EQ(bench_advance(&bench, 5), 1);
	CHECK_EQ(probe_wakes(&bench.probe), 0);
	CHECK_EQ(probe_wakes(&other), 1);
	CHECK_READY(&bench, weft_sleep, &sleep, 0);
	CHECK(probe_balanced(&other) && bench_is_clean(&bench));
}

/* B71: a task that wakes itself all the time still sees its sleep fire; there is one timer. */
TEST(sleep_polled_all_the_time_still_fires)
{
	struct weft_sleep__frame sleep;
	struct bench bench;
	int polls = 0;

	bench_init(&bench);
	weft_sleep__init(&sleep.args, 1000);
	while (weft_sleep__poll(&sleep, bench_poll(&bench)) == WEFT_PENDING) {
		CHECK(bench.wheel.count <= 1);
		bench_advance(&bench, 1);
		polls++;
	}
	CHECK_EQ(polls, 1000);
	CHECK_EQ(sleep.args.result, 0);
	CHECK_EQ(probe_wakes(&bench.probe), 1);
	CHECK(bench_is_clean(&bench));
}

/* --- moving a deadline: B67 ------------------------------------------------------------------- */

TEST(sleep_until_reset_before_the_first_poll)
{
	struct weft_sleep_until__frame sleep;
	struct bench bench;

	bench_init(&bench);
	weft_sleep_until__init(&sleep.args, START + MS(1));
	weft_sleep_until_reset(&sleep, START + MS(3));
	CHECK_PENDING(&bench, weft_sleep_until, &sleep);
	CHECK_EQ(bench_advance(&bench, MS(3) - 1), 0);
	CHECK_EQ(bench_advance(&bench, 1), 1);
	CHECK_READY(&bench, weft_sleep_until, &sleep, 0);
}

TEST(sleep_until_reset_later_wakes_nobody_at_the_old_time)
{
	struct weft_sleep_until__frame sleep;
	struct bench bench;

	bench_init(&bench);
	weft_sleep_until__init(&sleep.args, START + MS(1));
	CHECK_PENDING(&bench, weft_sleep_until, &sleep);
	weft_sleep_until_reset(&sleep, START + MS(3));
	CHECK_EQ(probe_wakes(&bench.probe), 0);
	CHECK_EQ(bench_advance(&bench, MS(2)), 0);
	CHECK_EQ(weft__wheel_next(&bench.wheel), START + MS(3));
	CHECK_EQ(bench_advance(&bench, MS(1)), 1); /* without a poll in between */
	CHECK_READY(&bench, weft_sleep_until, &sleep, 0);
	CHECK(bench_is_clean(&bench));
}

/* The new deadline may be the earliest of a wheel whose driver sleeps: the task wakes itself, and
 * its poll takes the timer over into the wheel of whoever polls. */
TEST(sleep_until_reset_earlier_takes_effect_on_the_polling_worker)
{
	struct weft_sleep_until__frame sleep;
	struct weft_wheel other;
	struct bench bench;

	bench_init(&bench);
	weft__wheel_init(&other, START);
	weft_sleep_until__init(&sleep.args, START + MS(9));
	CHECK_PENDING(&bench, weft_sleep_until, &sleep);
	bench.env.env.wheel = &other; /* the task has migrated */
	weft_sleep_until_reset(&sleep, START + MS(3));
	CHECK_EQ(probe_wakes(&bench.probe), 1);
	CHECK_PENDING(&bench, weft_sleep_until, &sleep);
	CHECK_EQ(bench.wheel.count, 0);
	CHECK_EQ(weft__wheel_next(&other), START + MS(3));
	CHECK_EQ(weft__wheel_expire(&other, START + MS(3)), 1);
	CHECK_READY(&bench, weft_sleep_until, &sleep, 0);
	CHECK_EQ(other.count, 0);
	CHECK(bench_is_clean(&bench));
}

TEST(sleep_until_reset_into_the_past_is_ready_at_the_next_poll)
{
	struct weft_sleep_until__frame sleep;
	struct bench bench;

	bench_init(&bench);
	for (int fire_first = 0; fire_first <= 1; fire_first++) {
		weft_sleep_until__init(&sleep.args, bench.env.now_ns + MS(9));
		CHECK_PENDING(&bench, weft_sleep_until, &sleep);
		weft_sleep_until_reset(&sleep, 1);
		if (fire_first)
			CHECK_EQ(bench_advance(&bench, 0), 1);
		CHECK_READY(&bench, weft_sleep_until, &sleep, 0);
		CHECK(bench_is_clean(&bench));
	}
}

TEST(sleep_until_reset_after_it_fired_waits_again)
{
	struct weft_sleep_until__frame sleep;
	struct bench bench;

	bench_init(&bench);
	weft_sleep_until__init(&sleep.args, START + MS(1));
	CHECK_PENDING(&bench, weft_sleep_until, &sleep);
	CHECK_EQ(bench_advance(&bench, MS(1)), 1);
	weft_sleep_until_reset(&sleep, START + MS(4));
	CHECK_PENDING(&bench, weft_sleep_until, &sleep);
	CHECK_EQ(bench_advance(&bench, MS(3) - 1), 0);
	CHECK_PENDING(&bench, weft_sleep_until, &sleep);
	CHECK_EQ(bench_advance(&bench, 1), 1);
	CHECK_READY(&bench, weft_sleep_until, &sleep, 0);
	CHECK(bench_is_clean(&bench));
}

TEST(sleep_until_reset_then_cancelled_leaves_no_timer)
{
	static const int64_t deadlines[] = { START + MS(9), START + MS(2), 1 };
	struct weft_sleep_until__frame sleep;
	struct bench bench;

	for (int i = 0; i < 3; i++) {
		bench_init(&bench);
		weft_sleep_until__init(&sleep.args, START + MS(5));
		CHECK_PENDING(&bench, weft_sleep_until, &sleep);
		weft_sleep_until_reset(&sleep, deadlines[i]);
		bench.cancelled = true;
		CHECK_READY(&bench, weft_sleep_until, &sleep, -ECANCELED);
		CHECK(bench_is_clean(&bench));
	}
}

/* --- timeout and deadline --------------------------------------------------------------------- */

TEST(timeout_of_a_ready_child_needs_no_timer)
{
	struct transferred__frame child;
	struct weft_timeout__frame timeout;
	struct bench bench;

	bench_init(&bench);
	transferred__init(&child.args, 42);
	weft_timeout__init(&timeout.args, 0, &transferred__async, &child);
	CHECK_READY(&bench, weft_timeout, &timeout, 42);
	CHECK_EQ(bench.wheel.count, 0);
	bench.env.env.wheel = NULL;
	transferred__init(&child.args, 43);
	weft_timeout__init(&timeout.args, MS(1), &transferred__async, &child);
	CHECK_READY(&bench, weft_timeout, &timeout, 43);
}

TEST(timeout_gives_the_result_of_a_child_in_time)
{
	struct weft_sleep__frame sleep;
	struct weft_timeout__frame timeout;
	struct bench bench;

	bench_init(&bench);
	weft_sleep__init(&sleep.args, MS(5));
	weft_timeout__init(&timeout.args, MS(9), &weft_sleep__async, &sleep);
	CHECK_PENDING(&bench, weft_timeout, &timeout);
	CHECK_EQ(bench.wheel.count, 2);
	CHECK_EQ(bench_advance(&bench, MS(5)), 1);
	CHECK_READY(&bench, weft_timeout, &timeout, 0);
	CHECK(bench_is_clean(&bench));
	CHECK_EQ(bench_advance(&bench, MS(5)), 0);
}

TEST(timeout_cancels_a_late_child)
{
	struct weft_sleep__frame sleep;
	struct weft_timeout__frame timeout;
	struct bench bench;

	bench_init(&bench);
	weft_sleep__init(&sleep.args, MS(9));
	weft_timeout__init(&timeout.args, MS(5), &weft_sleep__async, &sleep);
	CHECK_PENDING(&bench, weft_timeout, &timeout);
	CHECK_EQ(bench_advance(&bench, MS(5) - 1), 0);
	CHECK_PENDING(&bench, weft_timeout, &timeout);
	CHECK_EQ(bench_advance(&bench, 1), 1);
	CHECK_READY(&bench, weft_timeout, &timeout, -ETIME);
	CHECK_EQ(sleep.args.result, -ECANCELED);
	CHECK(bench_is_clean(&bench));
}

/* Nothing to wait for: the child is polled, cancelled and polled again in one go. */
TEST(timeout_of_nothing_still_polls_the_child)
{
	static const int64_t timeouts[] = { 0, -1, INT64_MIN };
	struct weft_deadline__frame deadline;
	struct weft_timeout__frame timeout;
	struct weft_sleep__frame sleep;
	struct bench bench;

	bench_init(&bench);
	for (int i = 0; i < 3; i++) {
		weft_sleep__init(&sleep.args, 1);
		weft_timeout__init(&timeout.args, timeouts[i], &weft_sleep__async, &sleep);
		CHECK_READY(&bench, weft_timeout, &timeout, -ETIME);
	}
	weft_sleep__init(&sleep.args, 1);
	weft_deadline__init(&deadline.args, START, &weft_sleep__async, &sleep);
	CHECK_READY(&bench, weft_deadline, &deadline, -ETIME);
	weft_sleep__init(&sleep.args, 0);
	weft_deadline__init(&deadline.args, START - 1, &weft_sleep__async, &sleep);
	CHECK_READY(&bench, weft_deadline, &deadline, 0);
	CHECK(bench_is_clean(&bench));
}

/* B70: due at the same time, or long past it: a result that is ready wins. */
TEST(timeout_loses_against_a_child_ready_at_the_deadline)
{
	struct weft_sleep__frame sleep;
	struct weft_timeout__frame timeout;
	struct bench bench;

	for (int i = 0; i < 2; i++) {
		bench_init(&bench);
		weft_sleep__init(&sleep.args, MS(5) + i);
		weft_timeout__init(&timeout.args, MS(5), &weft_sleep__async, &sleep);
		CHECK_PENDING(&bench, weft_timeout, &timeout);
		CHECK_EQ(bench_advance(&bench, MS(5) + i * MS(7)), 2);
		CHECK_READY(&bench, weft_timeout, &timeout, 0);
		CHECK(bench_is_clean(&bench));
	}
}

/* B41: a child that is always ready and only yields for its budget is timed out all the same. */
TEST(timeout_is_not_exhausted_by_its_child)
{
	struct greedy__frame child;
	struct weft_timeout__frame timeout;
	struct bench bench;
	int polls = 0;

	bench_init(&bench);
	greedy__init(&child.args);
	weft_timeout__init(&timeout.args, MS(1), &greedy__async, &child);
	while (weft_timeout__poll(&timeout, bench_poll(&bench)) == WEFT_PENDING) {
		CHECK_EQ(bench.cx.budget, 0);
		CHECK(bench.cx.self_woken);
		CHECK(++polls < 200);
		bench_advance(&bench, MS(1) / 100);
	}
	CHECK_EQ(polls, 100);
	CHECK_EQ(timeout.args.result, -ETIME);
	CHECK(bench_is_clean(&bench));
}

/* The deadline only asks: whatever the child gives in the end counts, except its -ECANCELED. */
TEST(deadline_waits_until_the_child_has_unwound)
{
	static const int results[][2] = { { 7, 7 }, { -EPIPE, -EPIPE }, { 0, 0 },
		{ -ECANCELED, -ETIME } };

	for (int i = 0; i < 4; i++) {
		struct stubborn__frame child;
		struct weft_deadline__frame deadline;
		struct bench bench;

		bench_init(&bench);
		stubborn__init(&child.args, 5, results[i][0]);
		weft_deadline__init(&deadline.args, START + 1, &stubborn__async, &child);
		CHECK_PENDING(&bench, weft_deadline, &deadline);
		bench_advance(&bench, 1);
		CHECK_PENDING(&bench, weft_deadline,
				&deadline); /* polled twice: cancelled in between */
		CHECK(deadline.branch.cancelled);
		CHECK_EQ(bench.wheel.count, 0);
		CHECK_PENDING(&bench, weft_deadline, &deadline);
		CHECK_PENDING(&bench, weft_deadline, &deadline);
		CHECK_READY(&bench, weft_deadline, &deadline, results[i][1]);
		CHECK(bench_is_clean(&bench));
	}
}

TEST(deadline_leaves_the_childs_own_cancellation_alone)
{
	struct stubborn__frame child;
	struct weft_deadline__frame deadline;
	struct bench bench;

	bench_init(&bench);
	stubborn__init(&child.args, 1, -ECANCELED);
	weft_deadline__init(&deadline.args, START + 5, &stubborn__async, &child);
	CHECK_PENDING(&bench, weft_deadline, &deadline);
	bench_advance(&bench, 5); /* due, but the child ends by itself */
	CHECK_READY(&bench, weft_deadline, &deadline, -ECANCELED);
	CHECK(bench_is_clean(&bench));
}

TEST(deadline_yields_to_an_outer_cancellation)
{
	for (int late = 0; late <= 1; late++) {
		struct stubborn__frame child;
		struct weft_deadline__frame deadline;
		struct bench bench;

		bench_init(&bench);
		stubborn__init(&child.args, 3, -ECANCELED);
		weft_deadline__init(&deadline.args, START + 5, &stubborn__async, &child);
		CHECK_PENDING(&bench, weft_deadline, &deadline);
		bench_advance(&bench, 5);
		bench.cancelled = late == 0;
		CHECK_PENDING(&bench, weft_deadline, &deadline);
		bench.cancelled = true;
		CHECK_READY(&bench, weft_deadline, &deadline, -ECANCELED);
		CHECK(bench_is_clean(&bench));
	}
}

/* What the child was given must be released: it is started, and unwinds. */
TEST(timeout_outside_a_runtime_cancels_a_child_that_waits)
{
	struct stubborn__frame child;
	struct weft_timeout__frame timeout;
	struct bench bench;

	bench_init(&bench);
	bench.env.env.wheel = NULL;
	stubborn__init(&child.args, 3, -ECANCELED);
	weft_timeout__init(&timeout.args, MS(1), &stubborn__async, &child);
	CHECK_PENDING(&bench, weft_timeout, &timeout);
	CHECK(timeout.deadline.branch.cancelled);
	CHECK_PENDING(&bench, weft_timeout, &timeout);
	CHECK_READY(&bench, weft_timeout, &timeout, -ENXIO);
}

TEST(timeout_passes_on_results_of_any_width)
{
	static const ssize_t results[] = { 0, -EPIPE, (ssize_t)(SIZE_MAX / 2),
		-(ssize_t)(SIZE_MAX / 2) };
	struct transferred__frame child;
	struct weft_timeout__frame timeout, outer;
	struct hash__frame hash;
	struct bench bench;

	bench_init(&bench);
	for (int i = 0; i < 4; i++) {
		transferred__init(&child.args, results[i]);
		weft_timeout__init(&timeout.args, MS(1), &transferred__async, &child);
		weft_timeout__init(&outer.args, MS(1), &weft_timeout__async, &timeout);
		CHECK_READY(&bench, weft_timeout, &outer, results[i]);
	}
	hash__init(&hash.args);
	weft_timeout__init(&timeout.args, MS(1), &hash__async, &hash);
	CHECK_READY(&bench, weft_timeout, &timeout, 0);
}

TEST(timeout_wakes_whoever_polled_it_last)
{
	struct probe other = PROBE;
	struct stubborn__frame child;
	struct weft_timeout__frame timeout;
	struct bench bench;

	bench_init(&bench);
	stubborn__init(&child.args, 9, 0);
	weft_timeout__init(&timeout.args, MS(1), &stubborn__async, &child);
	CHECK_PENDING(&bench, weft_timeout, &timeout);
	bench_poll(&bench)->waker = probe_waker(&other);
	CHECK_EQ(weft_timeout__poll(&timeout, &bench.cx), WEFT_PENDING);
	CHECK_EQ(bench_advance(&bench, MS(1)), 1);
	CHECK_EQ(probe_wakes(&bench.probe), 0);
	CHECK_EQ(probe_wakes(&other), 1);
}

/* --- cancelled everywhere --------------------------------------------------------------------- */

struct scenario {
	struct weft_sleep__frame sleep;
	struct chores__frame chores;
	struct stubborn__frame stubborn;
	struct weft_timeout__frame inner, outer;
};

static void sleep_within(struct scenario *s, int64_t sleep_ns, int64_t timeout_ns)
{
	weft_sleep__init(&s->sleep.args, sleep_ns);
	weft_timeout__init(&s->outer.args, timeout_ns, &weft_sleep__async, &s->sleep);
}

static void chores_within(struct scenario *s, int64_t sleep_ns, int64_t inner_ns, int64_t outer_ns)
{
	chores__init(&s->chores.args, sleep_ns);
	weft_timeout__init(&s->inner.args, inner_ns, &chores__async, &s->chores);
	weft_timeout__init(&s->outer.args, outer_ns, &weft_timeout__async, &s->inner);
}

static void stubborn_within(struct scenario *s)
{
	stubborn__init(&s->stubborn.args, 4, -ECANCELED);
	weft_timeout__init(&s->inner.args, 0, &stubborn__async, &s->stubborn);
	weft_timeout__init(&s->outer.args, MS(8), &weft_timeout__async, &s->inner);
}

enum { SCENARIOS = 9 };

/* Sets up the n-th scenario, whose root is `outer`. Returns what it gives if nobody cancels it. */
static ssize_t scenario_init(struct scenario *s, int n)
{
	memset(s, 0xa5, sizeof *s);
	switch (n) {
	case 0:
		sleep_within(s, MS(5), MS(6));
		return 0;
	case 1:
		sleep_within(s, MS(8), MS(6));
		return -ETIME;
	case 2: /* both at once */
		sleep_within(s, MS(6), MS(6));
		return 0;
	case 3: /* in time */
		chores_within(s, MS(1), MS(50), MS(8));
		return 0;
	case 4: /* the inner deadline interrupts the first sleep */
		chores_within(s, MS(8), MS(7), MS(9));
		return -ETIME;
	case 5: /* the second sleep */
		chores_within(s, MS(5), MS(7), MS(8));
		return -ETIME;
	case 6: /* the outer deadline does */
		chores_within(s, MS(5), MS(50), MS(8));
		return -ETIME;
	case 7: /* both at once */
		chores_within(s, MS(5), MS(8), MS(8));
		return -ETIME;
	default: /* a child that takes its time to end */
		stubborn_within(s);
		return -ETIME;
	}
}

/* Polls to the end; from poll `cancel_at` on the context is cancelled, before (or, with `late`,
 * after) what the poll waited for has fired. Returns the number of polls. */
static int scenario_run(int n, int cancel_at, bool late, ssize_t *result)
{
	struct scenario s;
	struct bench bench;
	int polls = 0;

	bench_init(&bench);
	scenario_init(&s, n);
	held = 0;
	for (;; polls++) {
		unsigned wakes = probe_wakes(&bench.probe);

		bench.cancelled = polls >= cancel_at;
		if (weft_timeout__poll(&s.outer, bench_poll(&bench)) == WEFT_READY)
			break;
		CHECK(polls < 100);
		if (!bench.cx.self_woken && (polls + 1 < cancel_at || late)) {
			int64_t next_ns = weft__wheel_next(&bench.wheel);

			CHECK(next_ns != WEFT_NEVER);
			bench_advance(&bench, next_ns - bench.env.now_ns);
			CHECK(probe_wakes(&bench.probe) > wakes);
		}
	}
	CHECK_EQ(held, 0);
	CHECK(bench_is_clean(&bench));
	*result = s.outer.args.result;
	return polls + 1;
}

/* Cancelled at its k-th poll, for every k: every timer is out, everything held is released, and the
 * result is -ECANCELED unless the one without cancellation was ready. */
TEST(timeout_cancelled_at_every_suspension)
{
	for (int n = 0; n < SCENARIOS; n++) {
		struct scenario unused;
		ssize_t result, expected = scenario_init(&unused, n);
		int polls = scenario_run(n, 1000, false, &result);

		CHECK_EQ(result, expected);
		for (int k = 0; k < polls; k++) {
			scenario_run(n, k, false, &result);
			CHECK_EQ(result, -ECANCELED);
			scenario_run(n, k, true, &result);
			CHECK(result == -ECANCELED || (result == expected && k == polls - 1));
		}
	}
}

/* --- intervals: B69 --------------------------------------------------------------------------- */

struct metronome {
	struct bench bench;
	struct weft_interval interval;
	struct weft_interval_tick__frame tick;
	int64_t due_ns;
	bool waits;
};

static void metronome_init(struct metronome *m, int64_t period_ns, enum weft_missed_tick missed)
{
	bench_init(&m->bench);
	m->interval = weft_interval_make(START, period_ns, missed);
	m->waits = false;
}

/* The time since START at which the next tick was due, or -1 if it is not yet. */
static int64_t metronome_tick(struct metronome *m)
{
	if (!m->waits)
		weft_interval_tick__init(&m->tick.args, &m->interval, &m->due_ns);
	m->waits = weft_interval_tick__poll(&m->tick, bench_poll(&m->bench)) == WEFT_PENDING;
	if (m->waits)
		return -1;
	CHECK_EQ(m->tick.args.result, 0);
	return m->due_ns - START;
}

/* Moves the clock, then ticks until nothing is due: `ticks`, in milliseconds, ends with -1. */
static void metronome_check(struct metronome *m, int64_t advance_ms, const int64_t *ticks)
{
	bench_advance(&m->bench, MS(advance_ms));
	for (; *ticks >= 0; ticks++)
		CHECK_EQ(metronome_tick(m), MS(*ticks));
	CHECK_EQ(metronome_tick(m), -1);
}

#define METRONOME(m, advance_ms, ...)                                                              \
	metronome_check((m), (advance_ms), (const int64_t[]){ __VA_ARGS__ })

TEST(interval_burst_catches_up_at_once)
{
	struct metronome m;

	metronome_init(&m, MS(300), WEFT_TICK_BURST);
	METRONOME(&m, 0, 0, -1);
	METRONOME(&m, 100, -1);
	METRONOME(&m, 200, 300, -1);
	METRONOME(&m, 650, 600, 900, -1);
	METRONOME(&m, 200, -1);
	METRONOME(&m, 100, 1200, -1);
	METRONOME(&m, 250, 1500, -1);
	METRONOME(&m, 300, 1800, -1);
}

TEST(interval_delay_goes_on_from_the_late_tick)
{
	struct metronome m;

	metronome_init(&m, MS(300), WEFT_TICK_DELAY);
	METRONOME(&m, 0, 0, -1);
	METRONOME(&m, 300, 300, -1);
	METRONOME(&m, 650, 600, -1);
	METRONOME(&m, 100, -1);
	METRONOME(&m, 199, -1);
	METRONOME(&m, 1, 1250, -1);
	METRONOME(&m, 300, 1550, -1);
	METRONOME(&m, 300, 1850, -1);
}

TEST(interval_skip_stays_on_multiples_of_the_period)
{
	struct metronome m;

	metronome_init(&m, MS(300), WEFT_TICK_SKIP);
	METRONOME(&m, 0, 0, -1);
	METRONOME(&m, 300, 300, -1);
	METRONOME(&m, 650, 600, -1);
	METRONOME(&m, 249, -1);
	METRONOME(&m, 1, 1200, -1);
	METRONOME(&m, 300, 1500, -1);
	METRONOME(&m, 900, 1800, -1); /* late by exactly two periods: the next is strictly later */
	METRONOME(&m, 299, -1);
	METRONOME(&m, 1, 2700, -1);
}

/* A little late is not missed: no policy drifts. */
TEST(interval_tolerates_a_late_wakeup)
{
	for (int missed = WEFT_TICK_BURST; missed <= WEFT_TICK_SKIP; missed++) {
		struct metronome m;

		metronome_init(&m, MS(300), (enum weft_missed_tick)missed);
		METRONOME(&m, 5, 0, -1);
		METRONOME(&m, 300, 300, -1);
		METRONOME(&m, 294, -1);
		METRONOME(&m, 1, 600, -1);
	}
}

/* The tolerance is a period at most: short intervals do not turn into bursts. */
TEST(interval_of_a_short_period_applies_its_policy)
{
	struct metronome m;

	metronome_init(&m, MS(1), WEFT_TICK_DELAY);
	METRONOME(&m, 4, 0, -1);
	METRONOME(&m, 1, 5, -1);
	metronome_init(&m, MS(1), WEFT_TICK_SKIP);
	METRONOME(&m, 4, 0, -1);
	METRONOME(&m, 1, 5, -1);
}

TEST(interval_of_the_longest_period_ticks_once)
{
	for (int missed = WEFT_TICK_BURST; missed <= WEFT_TICK_SKIP; missed++) {
		struct metronome m;

		metronome_init(&m, WEFT_NEVER, (enum weft_missed_tick)missed);
		METRONOME(&m, 100, 0, -1);
		CHECK_EQ(m.interval.next_ns, WEFT_NEVER);
		CHECK_EQ(weft__wheel_next(&m.bench.wheel), WEFT_NEVER);
		METRONOME(&m, 86400000, -1);
	}
}

TEST(interval_reset_moves_the_schedule)
{
	struct metronome m;

	metronome_init(&m, MS(300), WEFT_TICK_BURST);
	METRONOME(&m, 0, 0, -1);
	METRONOME(&m, 300, 300, -1);
	METRONOME(&m, 100, -1);
	m.bench.cancelled = true;
	CHECK_READY(&m.bench, weft_interval_tick, &m.tick, -ECANCELED);
	m.bench.cancelled = false;
	m.waits = false;
	weft_interval_reset(&m.interval, m.bench.env.now_ns + MS(300));
	METRONOME(&m, 299, -1);
	METRONOME(&m, 1, 700, -1);
	METRONOME(&m, 300, 1000, -1);
}

TEST(interval_loses_no_tick_when_cancelled)
{
	struct metronome m;

	metronome_init(&m, MS(10), WEFT_TICK_DELAY);
	METRONOME(&m, 0, 0, -1);
	m.bench.cancelled = true;
	CHECK_READY(&m.bench, weft_interval_tick, &m.tick, -ECANCELED);
	CHECK(bench_is_clean(&m.bench));
	m.bench.cancelled = false;
	m.waits = false;
	METRONOME(&m, 10, 10, -1);
}

TEST(interval_without_a_period_gives_einval)
{
	struct weft_interval interval = weft_interval_make(START, 0, WEFT_TICK_BURST);
	struct weft_interval_tick__frame tick;
	struct bench bench;

	bench_init(&bench);
	weft_interval_tick__init(&tick.args, &interval, NULL);
	CHECK_READY(&bench, weft_interval_tick, &tick, -EINVAL);
	interval.period_ns = -1;
	weft_interval_tick__init(&tick.args, &interval, NULL);
	CHECK_READY(&bench, weft_interval_tick, &tick, -EINVAL);
	interval.period_ns = 1;
	weft_interval_tick__init(&tick.args, &interval, NULL);
	CHECK_READY(&bench, weft_interval_tick, &tick, 0);
}
