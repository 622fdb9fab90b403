/* SPDX-License-Identifier: MIT */
/* The timed forms of the locks (row S2-72), on a clock that the test sets: each gives -ETIME at its limit, and
 * what it would have got goes to the next; without contention there is no timer; the limit and the report of
 * the whole process; cancelled at every point. */
#include <errno.h>
#include <string.h>

#include <weft/timed.h>

#include "sweep.h"
#include "test.h"

struct locks {
	struct weft_wheel wheel;
	struct weft_mutex mutex;
	struct weft_rwlock rwlock;
	struct weft_semaphore semaphore;
	struct weft_once once;
};

/* What the forms have in common: their frames begin alike. */
struct form_args {
	struct weft_frame base;
	int result;
};

union form_frame {
	struct form_args args;
	struct weft_mutex_lock_timed__frame mutex;
	struct weft_rwlock_read_timed__frame read;
	struct weft_rwlock_write_timed__frame write;
	struct weft_semaphore_acquire_timed__frame semaphore;
	struct weft_once_begin_timed__frame once;
};

struct form {
	const struct weft_async *async;
	const char *leaf;
	int success; /* the result of who gets it */
	void (*init)(union form_frame *frame, struct locks *locks, int64_t timeout_ns,
			const char *where);
	const void *(*object)(const struct locks *locks);
	int (*take)(struct locks *locks); /* without waiting; so that the form has to wait */
	void (*give)(struct locks *locks);
	void (*give_back)(struct locks *locks); /* what the form got */
};

static void mutex_init(union form_frame *frame, struct locks *locks, int64_t ns, const char *where)
{
	weft_mutex_lock_timed__init(&frame->mutex.args, &locks->mutex, ns, where);
}

static const void *mutex_of(const struct locks *locks)
{
	return &locks->mutex;
}

static int mutex_take(struct locks *locks)
{
	return weft_mutex_try_lock(&locks->mutex);
}

static void mutex_give(struct locks *locks)
{
	weft_mutex_unlock(&locks->mutex);
}

static void read_init(union form_frame *frame, struct locks *locks, int64_t ns, const char *where)
{
	weft_rwlock_read_timed__init(&frame->read.args, &locks->rwlock, ns, where);
}

static const void *rwlock_of(const struct locks *locks)
{
	return &locks->rwlock;
}

static int write_take(struct locks *locks)
{
	return weft_rwlock_try_write(&locks->rwlock);
}

static void write_give(struct locks *locks)
{
	weft_rwlock_unlock_write(&locks->rwlock);
}

static void read_give(struct locks *locks)
{
	weft_rwlock_unlock_read(&locks->rwlock);
}

static void write_init(union form_frame *frame, struct locks *locks, int64_t ns, const char *where)
{
	weft_rwlock_write_timed__init(&frame->write.args, &locks->rwlock, ns, where);
}

static int read_take(struct locks *locks)
{
	return weft_rwlock_try_read(&locks->rwlock);
}

static void semaphore_init(
		union form_frame *frame, struct locks *locks, int64_t ns, const char *where)
{
	weft_semaphore_acquire_timed__init(&frame->semaphore.args, &locks->semaphore, 2, ns, where);
}

static const void *semaphore_of(const struct locks *locks)
{
	return &locks->semaphore;
}

static int semaphore_take(struct locks *locks)
{
	return weft_semaphore_try_acquire(&locks->semaphore, 2);
}

static void semaphore_give(struct locks *locks)
{
	weft_semaphore_release(&locks->semaphore, 2);
}

static void once_init(union form_frame *frame, struct locks *locks, int64_t ns, const char *where)
{
	weft_once_begin_timed__init(&frame->once.args, &locks->once, ns, where);
}

static const void *once_of(const struct locks *locks)
{
	return &locks->once;
}

static int once_take(struct locks *locks)
{
	return weft_once_try_begin(&locks->once) - 1;
}

static void once_give(struct locks *locks)
{
	CHECK_EQ(weft_once_end(&locks->once, -EIO), -EIO);
}

static const struct form forms[] = {
	{ &weft_mutex_lock_timed__async, "weft_mutex_lock", 0, mutex_init, mutex_of, mutex_take,
			mutex_give, mutex_give },
	{ &weft_rwlock_read_timed__async, "weft_rwlock_read", 0, read_init, rwlock_of, write_take,
			write_give, read_give },
	{ &weft_rwlock_write_timed__async, "weft_rwlock_write", 0, write_init, rwlock_of, read_take,
			read_give, write_give },
	{ &weft_semaphore_acquire_timed__async, "weft_semaphore_acquire", 0, semaphore_init,
			semaphore_of, semaphore_take, semaphore_give, semaphore_give },
	{ &weft_once_begin_timed__async, "weft_once_begin", 1, once_init, once_of, once_take,
			once_give, once_give },
};

enum { FORMS = sizeof forms / sizeof *forms };

static void locks_init(struct locks *locks)
{
	weft__wheel_init(&locks->wheel, 0);
	weft_mutex_init(&locks->mutex);
	weft_rwlock_init(&locks->rwlock);
	weft_semaphore_init(&locks->semaphore, 2);
	weft_once_init(&locks->once);
}

/* ---- a clock, and one that waits ---- */

struct bench {
	struct locks locks;
	struct probe_env env;
	struct probe probe;
	union form_frame frame;
	const struct form *form;
};

static void bench_init(struct bench *bench, const struct form *form)
{
	*bench = (struct bench){ .probe = PROBE, .env = PROBE_ENV(0), .form = form };
	locks_init(&bench->locks);
	bench->env.env.wheel = &bench->locks.wheel;
}

static enum weft_poll bench_poll(struct bench *bench, bool cancelled)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&bench->probe, &bench->env, &strand);

	cx.cancelled = cancelled;
	return bench->form->async->poll(&bench->frame, &cx);
}

static bool bench_waits(struct bench *bench, int64_t timeout_ns, const char *where)
{
	bench->form->init(&bench->frame, &bench->locks, timeout_ns, where);
	return bench_poll(bench, false) == WEFT_PENDING;
}

static bool bench_ends(struct bench *bench, int result)
{
	return bench_poll(bench, false) == WEFT_READY && bench->frame.args.result == result &&
			bench->locks.wheel.count == 0;
}

/* Whether it was woken. */
static bool bench_pass(struct bench *bench, int64_t ns)
{
	unsigned wakes = probe_wakes(&bench->probe);

	bench->env.now_ns += ns;
	weft__wheel_expire(&bench->locks.wheel, bench->env.now_ns);
	return probe_wakes(&bench->probe) > wakes;
}

TEST(s2_72_lock_that_is_free_needs_no_timer)
{
	for (int i = 0; i < FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &forms[i]);
		bench.env.env.wheel = NULL; /* nor a runtime */
		CHECK(!bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		CHECK_EQ(bench.frame.args.result, forms[i].success);
		forms[i].give_back(&bench.locks);
		CHECK_EQ(forms[i].take(&bench.locks), 0);
		CHECK(!bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		CHECK_EQ(bench.frame.args.result, -ENXIO);
	}
}

TEST(s2_72_lock_that_is_held_too_long_gives_etime)
{
	for (int i = 0; i < FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &forms[i]);
		CHECK_EQ(forms[i].take(&bench.locks), 0);
		CHECK(!bench_waits(&bench, 0, WEFT_HERE));
		CHECK_EQ(bench.frame.args.result, -ETIME);
		CHECK(bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		CHECK(!bench_pass(&bench, WEFT_SECONDS(1) - WEFT_MILLISECONDS(2)));
		CHECK(bench_pass(&bench, WEFT_MILLISECONDS(4)));
		CHECK(bench_ends(&bench, -ETIME));
		forms[i].give(&bench.locks);
		CHECK_EQ(forms[i].take(&bench.locks), 0);
	}
}

TEST(s2_72_lock_that_is_released_in_time_is_had)
{
	for (int i = 0; i < FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &forms[i]);
		CHECK_EQ(forms[i].take(&bench.locks), 0);
		CHECK(bench_waits(&bench, WEFT_SECONDS(1), WEFT_HERE));
		forms[i].give(&bench.locks);
		(void)bench_pass(&bench, WEFT_SECONDS(2)); /* both: what was ready wins */
		CHECK(bench_ends(&bench, forms[i].success));
		forms[i].give_back(&bench.locks);
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

	bench_init(&bench, &forms[0]);
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
	for (int i = 0; i < FORMS; i++) {
		struct bench bench;

		bench_init(&bench, &forms[i]);
		heard_count = 0;
		CHECK(!bench_waits(&bench, WEFT_LOCK_TIMEOUT, "holder"));
		/* a limit of its own is no matter of the policy; two readers get on */
		if (forms[i].async == &weft_rwlock_read_timed__async) {
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
		CHECK(heard.object == forms[i].object(&bench.locks));
		CHECK(strcmp(heard.lock, forms[i].leaf) == 0);
		CHECK(strcmp(heard.waits_at, "waiter") == 0);
		CHECK(heard.taken_at && strcmp(heard.taken_at, "holder") == 0);
		CHECK_EQ(heard.timeout_ns, WEFT_SECONDS(60));
	}
	weft_lock_policy_set(NULL);
}

TEST(s2_72_place_of_who_took_it_otherwise_is_not_known)
{
	static const struct weft_lock_policy policy = { 0, hear };
	static struct bench bench; /* at an address of its own */

	bench_init(&bench, &forms[0]);
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

	bench_init(&bench, &forms[0]);
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

static const struct form *swept_form;
static bool swept_gives;

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	bench_init(&world->after, swept_form);
	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	CHECK_EQ(swept_form->take(&world->after.locks), 0);
	swept_form->init(sweep->frame, &world->after.locks, WEFT_SECONDS(1), WEFT_HERE);
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
	for (int i = 0; i < 2 * FORMS; i++) {
		struct sweep_scenario scenario = {
			.async = forms[i / 2].async,
			.name = forms[i / 2].leaf,
			.world_bytes = sizeof(struct swept_world),
			.set_up = swept_set_up,
			.advance = swept_advance,
			.check = swept_check,
		};
		struct sweep_result result;

		swept_form = &forms[i / 2];
		swept_gives = i % 2;
		result = sweep(&scenario);
		CHECK_EQ(result.suspensions, 1);
		CHECK_EQ(result.allocations, 0);
	}
}
