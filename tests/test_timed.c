/* SPDX-License-Identifier: MIT */
/* The timed forms of the locks (row S2-72), on a clock that the test sets: each gives -ETIME at its limit, and
 * what it would have got goes to the next; without contention there is no timer; the limit and the report of
 * the whole process; cancelled at every point. */
#include <errno.h>
#include <string.h>

#include <weft/timed.h>

#include "core/held.h"
#include "lock_forms.h"
#include "sweep.h"
#include "test.h"

/* ---- a clock, and one that waits ---- */

struct bench {
	struct locks locks;
	struct weft_wheel wheel;
	struct probe_env env;
	struct probe probe;
	union lock_frame frame;
	const struct lock_form *form;
};

static void bench_init(struct bench *bench, const struct lock_form *form)
{
	*bench = (struct bench){ .probe = PROBE, .env = PROBE_ENV(0), .form = form };
	locks_init(&bench->locks);
	weft__wheel_init(&bench->wheel, 0);
	bench->env.env.wheel = &bench->wheel;
}

static enum weft_poll bench_poll(struct bench *bench, bool cancelled)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&bench->probe, &bench->env, &strand);

	cx.cancelled = cancelled;
	return bench->form->timed->poll(&bench->frame, &cx);
}

static bool bench_waits(struct bench *bench, int64_t timeout_ns, const char *where)
{
	bench->form->init_timed(&bench->frame, &bench->locks, timeout_ns, where);
	return bench_poll(bench, false) == WEFT_PENDING;
}

static bool bench_ends(struct bench *bench, int result)
{
	return bench_poll(bench, false) == WEFT_READY && bench->frame.args.result == result &&
			bench->wheel.count == 0;
}

/* Whether it was woken. */
static bool bench_pass(struct bench *bench, int64_t ns)
{
	unsigned wakes = probe_wakes(&bench->probe);

	bench->env.now_ns += ns;
	weft__wheel_expire(&bench->wheel, bench->env.now_ns);
	return probe_wakes(&bench->probe) > wakes;
}

TEST(s2_72_lock_that_is_free_needs_no_timer)
{
	for (int i = 0; i < LOCK_FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &lock_forms[i]);
		bench.env.env.wheel = NULL; /* nor a runtime */
		CHECK(!bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		CHECK_EQ(bench.frame.args.result, lock_forms[i].success);
		lock_forms[i].give_back(&bench.locks);
		CHECK_EQ(lock_forms[i].take(&bench.locks), 0);
		CHECK(!bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		CHECK_EQ(bench.frame.args.result, -ENXIO);
	}
}

TEST(s2_72_lock_that_is_held_too_long_gives_etime)
{
	for (int i = 0; i < LOCK_FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &lock_forms[i]);
		CHECK_EQ(lock_forms[i].take(&bench.locks), 0);
		CHECK(!bench_waits(&bench, 0, WEFT_HERE));
		CHECK_EQ(bench.frame.args.result, -ETIME);
		CHECK(bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		CHECK(!bench_pass(&bench, WEFT_SECONDS(1) - WEFT_MILLISECONDS(2)));
		CHECK(bench_pass(&bench, WEFT_MILLISECONDS(4)));
		CHECK(bench_ends(&bench, -ETIME));
		lock_forms[i].give(&bench.locks);
		CHECK_EQ(lock_forms[i].take(&bench.locks), 0);
	}
}

TEST(s2_72_lock_that_is_released_in_time_is_had)
{
	for (int i = 0; i < LOCK_FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &lock_forms[i]);
		CHECK_EQ(lock_forms[i].take(&bench.locks), 0);
		CHECK(bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		lock_forms[i].give(&bench.locks);
		(void)bench_pass(&bench, WEFT_SECONDS(2)); /* both: what was ready wins */
		CHECK(bench_ends(&bench, lock_forms[i].success));
		lock_forms[i].give_back(&bench.locks);
	}
}

/* ---- the policy ---- */

static struct weft_lock_timeout heard;
static int heard_count;

static void hear(const struct weft_lock_timeout *timeout)
{
	heard = *timeout;
	heard_count++;
}

TEST(s2_72_lock_is_waited_for_thirty_seconds_if_nobody_says_otherwise)
{
	struct bench bench;

	bench_init(&bench, &lock_forms[0]);
	CHECK_EQ(mutex_take(&bench.locks), 0);
	CHECK(bench_waits(&bench, WEFT_LOCK_TIMEOUT, WEFT_HERE));
	CHECK(!bench_pass(&bench, WEFT_SECONDS(29)));
	CHECK(bench_pass(&bench, WEFT_SECONDS(2)));
	CHECK(bench_ends(&bench, -ETIME));
}

TEST(s2_72_policy_reports_who_waits_and_who_holds)
{
	static const struct weft_lock_policy policy = { WEFT_SECONDS(60), hear };

	weft_lock_policy_set(&policy);
	for (int i = 0; i < LOCK_FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &lock_forms[i]);
		heard_count = 0;
		CHECK(!bench_waits(&bench, WEFT_LOCK_TIMEOUT, "holder"));
		/* a limit of its own is no matter of the policy; two readers get on */
		if (lock_forms[i].async == &weft_rwlock_read__async) {
			read_give(&bench.locks);
			CHECK_EQ(write_take(&bench.locks), 0);
		}
		CHECK(bench_waits(&bench, WEFT_SECONDS(1), "impatient"));
		CHECK(bench_pass(&bench, WEFT_SECONDS(2)));
		CHECK(bench_ends(&bench, -ETIME));
		CHECK_EQ(heard_count, 0);
		CHECK(bench_waits(&bench, WEFT_LOCK_TIMEOUT, "waiter"));
		CHECK(!bench_pass(&bench, WEFT_SECONDS(59)));
		CHECK(bench_pass(&bench, WEFT_SECONDS(2)));
		CHECK(bench_ends(&bench, -ETIME));
		CHECK_EQ(heard_count, 1);
		CHECK(heard.object == (char *)&bench.locks + lock_forms[i].offset);
		CHECK(strcmp(heard.lock, lock_forms[i].name) == 0);
		CHECK(strcmp(heard.waits_at, "waiter") == 0);
		CHECK(heard.taken_at && strcmp(heard.taken_at, "holder") == 0);
		CHECK_EQ(heard.timeout_ns, WEFT_SECONDS(60));
	}
	weft_lock_policy_set(NULL);
}

static bool takes_inline(const struct bench *bench, struct weft_context *cx, int *result)
{
	const struct weft_async *async = bench->form->async;
	struct locks *locks = (struct locks *)(uintptr_t)&bench->locks;

	if (async == &weft_mutex_lock__async)
		return weft_mutex_lock_timed__now(cx, result, &locks->mutex, 1, "inline");
	if (async == &weft_rwlock_read__async)
		return weft_rwlock_read_timed__now(cx, result, &locks->rwlock, 1, "inline");
	if (async == &weft_rwlock_write__async)
		return weft_rwlock_write_timed__now(cx, result, &locks->rwlock, 1, "inline");
	if (async == &weft_once_begin__async)
		return weft_once_begin_timed__now(cx, result, &locks->once, 1, "inline");
	return weft_semaphore_acquire_timed__now(cx, result, &locks->semaphore, 2, 1, "inline");
}

TEST(s2_72_lock_that_is_taken_inline_is_noted)
{
	static const struct weft_lock_policy policy = { 0, hear };

	weft_lock_policy_set(&policy);
	for (int i = 0; i < LOCK_FORMS; i++) {
		struct weft_strand strand = { NULL };
		struct weft_context cx;
		struct bench bench;
		int result = 1;

		bench_init(&bench, &lock_forms[i]);
		cx = probe_context(&bench.probe, &bench.env, &strand);
		CHECK_EQ(lock_forms[i].take(&bench.locks), 0); /* the first call is the library's */
		lock_forms[i].give(&bench.locks);
		if (!takes_inline(&bench, &cx, &result)) {
			CHECK(WEFT__HELD || bench.form->async == &weft_once_begin__async);
			continue; /* a checked build sees each; a once must be done */
		}
		CHECK_EQ(result, 0);
		CHECK_EQ(cx.budget, WEFT_BUDGET - 1);
		bench.form = &lock_forms[lock_forms[i].async == &weft_rwlock_read__async ? i + 1
											 : i];
		CHECK(!bench_waits(&bench, WEFT_LOCK_TIMEOUT, WEFT_HERE));
		CHECK_EQ(bench.frame.args.result, -ETIME);
		CHECK(heard.taken_at && strcmp(heard.taken_at, "inline") == 0);
	}
	weft_lock_policy_set(NULL);
}

TEST(s2_72_place_of_who_took_it_otherwise_is_not_known)
{
	static const struct weft_lock_policy policy = { 0, hear };
	static struct bench bench; /* at an address of its own */

	bench_init(&bench, &lock_forms[0]);
	weft_lock_policy_set(&policy);
	CHECK_EQ(mutex_take(&bench.locks), 0);
	CHECK(!bench_waits(&bench, WEFT_LOCK_TIMEOUT, WEFT_HERE));
	CHECK_EQ(bench.frame.args.result, -ETIME);
	CHECK(heard.taken_at == NULL);
	CHECK(strstr(heard.waits_at, "test_timed.c:") != NULL);
	weft_lock_policy_set(NULL);
}

TEST(s2_72_policy_may_be_to_abort)
{
	static const struct weft_lock_policy policy = { 0, weft_lock_timeout_abort };
	struct bench bench;

	bench_init(&bench, &lock_forms[0]);
	weft_lock_policy_set(&policy);
	CHECK(!bench_waits(&bench, WEFT_LOCK_TIMEOUT, "there"));
	CHECK_ABORTS_SAYING("weft_mutex_lock has waited for 0 ms at here; taken at there",
			(void)bench_waits(&bench, WEFT_LOCK_TIMEOUT, "here"));
	weft_lock_policy_set(NULL);
}

/* ---- swept: behind who holds it, and before another; the limit comes first, or who holds it gives it ---- */

struct swept_world {
	struct bench after; /* and the locks; with no limit */
	struct weft_wheel wheel;
	int steps;
};

static const struct lock_form *swept_form;
static bool swept_gives;

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	bench_init(&world->after, swept_form);
	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	CHECK_EQ(swept_form->take(&world->after.locks), 0);
	swept_form->init_timed(sweep->frame, &world->after.locks, WEFT_SECONDS(1), WEFT_HERE);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK(bench_waits(&world->after, WEFT_NEVER, WEFT_HERE));
	if (swept_gives)
		swept_form->give(&world->after.locks);
	sweep->env.now_ns += WEFT_SECONDS(2);
	weft__wheel_expire(&world->wheel, sweep->env.now_ns);
	return true;
}

static const char *swept_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;
	int expected = swept_gives ? swept_form->success : -ETIME;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == (sweep->cancelled ? -ECANCELED : expected));
	swept_advance(sweep);
	if (!swept_gives)
		swept_form->give(&world->after.locks);
	if (result == swept_form->success)
		swept_form->give_back(&world->after.locks);
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	SWEEP_EXPECT(bench_ends(&world->after, swept_form->success));
	swept_form->give_back(&world->after.locks);
	SWEEP_EXPECT(swept_form->take(&world->after.locks) == 0);
	return NULL;
}

TEST(s2_72_timed_lock_that_is_cancelled_anywhere_leaves_no_trace)
{
	for (int i = 0; i < 2 * LOCK_FORMS; i++) {
		struct sweep_scenario scenario = {
			.async = lock_forms[i / 2].timed,
			.name = lock_forms[i / 2].name,
			.world_bytes = sizeof(struct swept_world),
			.set_up = swept_set_up,
			.advance = swept_advance,
			.check = swept_check,
		};
		struct sweep_result result;

		swept_form = &lock_forms[i / 2];
		swept_gives = i % 2;
		result = sweep(&scenario);
		CHECK_EQ(result.suspensions, 1);
		CHECK_EQ(result.allocations, 0);
	}
}
