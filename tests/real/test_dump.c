/* SPDX-License-Identifier: MIT */
/* weft_dump, and what checked builds find, on all kinds of runtimes: rows S2-68 and S2-69, whose five
 * classes are a lock of the system across an await (weftcc finds it, too: W102), locking twice,
 * reading and writing, several locks, a queue that is not drained. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#include <weft/mutex.h>

#include "exec/holders.h"

/* tests/deadlocks.c, in async C */
extern const struct weft_async *const deadlock_cleanup;
extern const struct weft_async *const deadlock_two_orders;
extern const struct weft_async *const deadlock_queue;
extern const struct weft_async *const deadlock_complex;
extern const struct weft_async *const deadlock_set_join;
extern const struct weft_async *const deadlock_set;
extern const struct weft_async *const deadlock_children;
extern const struct weft_async *const deadlock_shared;
extern const struct weft_async *const deadlock_stream;
extern const struct weft_async *const deadlock_sink;
extern const struct weft_async *const deadlock_ended;
extern const struct weft_async *const deadlock_timed;
extern int deadlock_lines[2];
extern char deadlock_holder[200];
extern const struct weft_async *const misuse_locks_twice;
extern const struct weft_async *const misuse_writes_what_it_reads;
extern const struct weft_async *const misuse_reads_twice;
extern const struct weft_async *const misuse_unlocks_the_readers;
extern const struct weft_async *const misuse_unlocks_the_others;
extern const struct weft_async *const misuse_sleeps_with_a_lock;
extern const struct weft_async *const misuse_unlocks_twice;
extern const struct weft_async *const misuse_releases_early;
extern const struct weft_async *const misuse_never_acquires;
extern const struct weft_async *const misuse_releases_again;
extern const struct weft_async *const misuse_permits_of_two;
extern const struct weft_async *const misuse_releases_in_its_block;
extern const struct weft_async *const no_misuse;
extern const struct weft_async *const others_before;
extern const struct weft_async *const large_before;
extern const struct weft_async *const shares;
void deadlocks_reset(void);

/* ---- reports ---- */

struct planted {
	const struct weft_async *const *root;
	int stuck;         /* so many tasks can never go on */
	bool needs_owners; /* which are known in checked builds only */
	int cycle_length;  /* tasks and branches in it; 0: there is none */
	int lines[2];      /* to be named */
	char text[8000];
};

static int dump_to_text(char *text, size_t size)
{
	FILE *file = tmpfile();
	int stuck;
	size_t len;

	CHECK(file != NULL);
	stuck = weft_dump(fileno(file));
	rewind(file);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
	return stuck;
}

static int count_of(const char *text, const char *word)
{
	int count = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		count++;
	return count;
}

/* 0: none is to be named. */
static bool names_line(const char *text, int line)
{
	char word[40];

	snprintf(word, sizeof word, "deadlocks.c:%d)", line);
	return line == 0 || strstr(text, word) != NULL;
}

/* Until all are parked, so that nobody but the watcher runs. */
RIG_TASK(watches, struct planted, struct weft_task *task; struct weft_yield__frame yield;
		struct weft_task_join__frame join; int stuck, result;)
{
	struct watches__frame *f = frame;
	struct planted *planted = f->args.p0;
	struct {
		struct weft_frame base;
		int result;
	} none = { { 0, 0 }, 0 };

	weft_begin(f);
	f->task = weft_task_spawn(NULL, *planted->root, &none);
	CHECK(f->task != NULL);
	do {
		weft_await(f, f->yield, weft_yield);
		f->stuck = dump_to_text(planted->text, sizeof planted->text);
		CHECK(f->stuck >= 0 && f->stuck <= planted->stuck);
	} while (f->stuck < planted->stuck || count_of(planted->text, ": runs") > 1 ||
			count_of(planted->text, "task ") < 2);
	weft_task_cancel(f->task);
	weft_await(f, f->join, weft_task_join, f->task, &f->result);
	weft_return(f, f->join.args.result);
	weft_end(f);
}

static void report(const struct weft_runtime_options *options, struct planted *planted)
{
	struct weft_runtime *runtime = rig_create(options);
	const char *cycle;

	deadlocks_reset();
	if (planted->needs_owners && !WEFT__HELD) {
		planted->stuck = 0;
		planted->cycle_length = 0;
	}
	CHECK_EQ(rig_run(runtime, &watches__async, planted), 0);
	weft_runtime_destroy(runtime);
	memcpy(planted->lines, deadlock_lines, sizeof planted->lines);
	deadlocks_reset();
	cycle = strstr(planted->text, "deadlock: ");
	CHECK_EQ(cycle != NULL, planted->cycle_length > 0);
	if (cycle)
		CHECK_EQ(count_of(cycle, "\n") - 1, planted->cycle_length);
}

#define SAYS(planted, word)                                                                        \
	do {                                                                                       \
		if (!strstr((planted).text, word))                                                 \
			test_fail(__FILE__, __LINE__, "no `%s` in\n%s", word, (planted).text);     \
	} while (0)

RIG_TEST(s2_68_dump_says_what_each_task_waits_for)
{
	struct planted planted = { .root = &deadlock_cleanup };

	report(options, &planted);
	SAYS(planted, ", cleans_too_late, in cleans_too_late (");
	SAYS(planted, "weft_task_join of task ");
	SAYS(planted, ", needs_cleanup, in needs_cleanup (");
	SAYS(planted, "deadlocks.c:");
	SAYS(planted, "weft_notify_wait 0x");
}

RIG_TEST(s2_69_two_orders_of_two_mutexes_are_named)
{
	struct planted planted = {
		.root = &deadlock_two_orders, .stuck = 3, .needs_owners = true, .cycle_length = 2
	};

	report(options, &planted);
	SAYS(planted, "weft_scope_close 0x");
	SAYS(planted, "weft_mutex_lock 0x");
	if (WEFT__HELD) {
		const char *cycle = strstr(planted.text, "deadlock: ");

		CHECK_EQ(count_of(cycle, "in locks_both ("), 4); /* both places */
		CHECK_EQ(count_of(cycle, "a mutex was taken by task "), 2);
	}
}

RIG_TEST(s2_69_sender_that_waits_for_its_own_receiver_is_named)
{
	struct planted planted = {
		.root = &deadlock_queue, .stuck = 1, .needs_owners = true, .cycle_length = 1
	};

	report(options, &planted);
	SAYS(planted, "in fills_its_own (");
	SAYS(planted, "weft_channel_send 0x");
	if (WEFT__HELD) {
		SAYS(planted, "the receiving end of a channel was used by task ");
		CHECK(names_line(planted.text, planted.lines[0]));
	}
	CHECK(names_line(planted.text, planted.lines[1]));
}

RIG_TEST(dump_tells_that_who_has_the_lock_has_ended)
{
	struct planted planted = { .root = &deadlock_ended };

	report(options, &planted);
	if (WEFT__HELD)
		SAYS(planted, "in ends_with_the_lock (");
	CHECK_EQ(strstr(planted.text, ", which has ended") != NULL, WEFT__HELD);
}

RIG_TEST(s2_69_cycle_through_a_lock_a_scope_and_a_join_is_named)
{
	struct planted planted = {
		.root = &deadlock_complex, .stuck = 3, .needs_owners = true, .cycle_length = 4
	};

	report(options, &planted);
	SAYS(planted, "joins_with_the_lock");
	SAYS(planted, "its branches");
	SAYS(planted, "waits_for_its_child");
	SAYS(planted, "wants_the_lock");
}

/* Futures that a leaf polls: those of sets, shared ones, those of streams and sinks. */

RIG_TEST(s2_69_child_of_a_set_that_wants_what_its_task_holds_is_named)
{
	struct planted planted = {
		.root = &deadlock_set, .stuck = 1, .needs_owners = true, .cycle_length = 2
	};

	report(options, &planted);
	SAYS(planted, "in takes_from_a_set (");
	SAYS(planted, "weft_set_next 0x");
	SAYS(planted, "    branch of ");
	SAYS(planted, "in wants_the_lock (");
}

RIG_TEST(s2_69_one_child_of_all_suffices)
{
	struct planted planted = {
		.root = &deadlock_set_join, .stuck = 1, .needs_owners = true, .cycle_length = 2
	};

	report(options, &planted);
	SAYS(planted, "weft_set_join 0x");
	SAYS(planted, "in waits_for_nobody (");
	SAYS(planted, "weft_notify_wait 0x");
}

RIG_TEST(s2_69_children_of_one_set_and_where_they_locked_are_named)
{
	struct planted planted = {
		.root = &deadlock_children, .stuck = 1, .needs_owners = true, .cycle_length = 2
	};

	report(options, &planted);
	SAYS(planted, "in locks_for_ever (");
	if (WEFT__HELD)
		CHECK(count_of(planted.text, " in locks_for_ever (") >=
				2); /* waits, and has locked */
}

RIG_TEST(s2_69_shared_future_that_wants_what_its_task_holds_is_named)
{
	struct planted planted = {
		.root = &deadlock_shared, .stuck = 1, .needs_owners = true, .cycle_length = 2
	};

	report(options, &planted);
	SAYS(planted, "weft_shared_wait 0x");
	SAYS(planted, "weft_mutex_lock 0x");
}

RIG_TEST(s2_69_calls_of_a_stream_that_want_what_its_task_holds_are_named)
{
	struct planted planted = {
		.root = &deadlock_stream, .stuck = 3, .needs_owners = true, .cycle_length = 3
	};

	report(options, &planted);
	SAYS(planted, "weft_stream_next");
	SAYS(planted, "the tasks of a stream");
	SAYS(planted, "in wants_the_lock (");
}

RIG_TEST(s2_69_sink_that_its_own_receiver_fills_is_named)
{
	struct planted planted = {
		.root = &deadlock_sink, .stuck = 1, .needs_owners = true, .cycle_length = 2
	};

	report(options, &planted);
	SAYS(planted, "weft_sink_send");
	SAYS(planted, "weft_channel_send 0x");
}

RIG_TEST(dump_calls_nobody_stuck_whom_time_will_wake)
{
	struct planted planted = { .root = &deadlock_timed };

	report(options, &planted);
	SAYS(planted, "weft_deadline");
	SAYS(planted, "    branch of ");
}

/* ---- misuse, in a child process: its last words ---- */

static const char *last_words; /* all that must be in them, separated by bars */

static void hear_last_words(const char *what, const char *file, int line)
{
	const char *rest = last_words;
	char word[100];
	int len;

	for (; sscanf(rest, "%99[^|]%n", word, &len) == 1; rest += len + (rest[len] == '|'))
		if (!strstr(what, word)) {
			fprintf(stderr, "no `%s` in: %s\n", word, what);
			_exit(0);
		}
	if (!strstr(file, "deadlocks.c") || line <= 0)
		_exit(0);
	for (int i = 0; i < 2; i++)
		if (line != deadlock_lines[i] && !names_line(what, deadlock_lines[i])) {
			fprintf(stderr, "no line %d in: %s\n", deadlock_lines[i], what);
			_exit(0);
		}
	abort();
}

static void run_misuse(const struct weft_runtime_options *options, const struct weft_async *async)
{
	struct weft_runtime *runtime = rig_create(options);
	struct {
		struct weft_frame base;
		int result;
	} none = { { 0, 0 }, 0 };
	int result;

	deadlocks_reset();
	CHECK_EQ(weft_runtime_run(runtime, async, &none, &result), 0);
	CHECK_EQ(result, 0);
	weft_runtime_destroy(runtime);
	deadlocks_reset();
}

static void needs_a_checked_build(void)
{
	if (!WEFT__HELD)
		SKIP("nobody looks for it in this build");
}

static void dies(const struct weft_runtime_options *options, const struct weft_async *async,
		const char *words)
{
	last_words = words;
	weft__fail_hook = hear_last_words;
	run_misuse(options, async);
}

RIG_TEST(s2_69_mutex_that_is_locked_twice_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_locks_twice,
			"locks_again|waits for ever for a mutex 0x|has locked in locks_twice|"
			"deadlocks.c:"));
}

RIG_TEST(s2_69_rwlock_that_is_read_and_written_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_writes_what_it_reads,
			"waits for ever for an rwlock 0x|has locked in writes_what_it_reads|"
			"deadlocks.c:"));
}

RIG_TEST(s2_69_rwlock_that_is_read_again_behind_a_writer_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_reads_twice,
			"waits for ever for an rwlock 0x|has locked in reads_twice|deadlocks.c:"));
}

RIG_TEST(unlocking_what_others_read_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_unlocks_the_readers,
			"unlocks_what_others_read|unlocks an rwlock 0x|"
			"has locked in has_its_read_lock_unlocked|deadlocks.c:"));
}

RIG_TEST(unlocking_what_another_task_holds_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_unlocks_the_others,
			"unlocks_the_others|unlocks a mutex 0x|has locked in has_its_lock_unlocked|"
			"deadlocks.c:"));
}

RIG_TEST(unlocking_twice_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_unlocks_twice,
			"unlocks_twice|unlocks again a mutex 0x|it has taken in unlocks_twice (|"
			"has given back in unlocks_twice (after |deadlocks.c:"));
}

RIG_TEST(s3_15_permit_that_is_released_early_is_reported_where_it_is_needed)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_releases_early,
			"needs_its_permit|needs permits of a semaphore 0x|"
			"it has taken in releases_early (|has given back in releases_early (after |"
			"deadlocks.c:"));
}

RIG_TEST(s3_15_permit_that_was_never_acquired_is_reported_where_it_is_needed)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_never_acquires,
			"a lock or permit is needed here, and nobody has it"));
}

RIG_TEST(s3_15_permit_that_is_released_again_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_releases_again,
			"releases again permits of a semaphore 0x|it has taken in releases_again (|"
			"has given back in releases_again (after |deadlocks.c:"));
}

RIG_TEST(s3_15_who_released_the_permit_of_another_is_named)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_permits_of_two,
			"has_its_permit_released|releases again permits|"
			"it has taken in has_its_permit_released (|"
			"has given back in releases_the_others (after |deadlocks.c:"));
}

RIG_TEST(s3_15_permit_that_is_released_in_the_block_that_has_it_is_reported)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_releases_in_its_block,
			"releases_in_its_block|needs permits of a semaphore 0x|"
			"it has taken in releases_in_its_block (|"
			"has given back in releases_in_its_block (after |deadlocks.c:"));
}

RIG_TEST(s2_69_pthread_mutex_across_a_suspension_is_reported_with_both_places)
{
	needs_a_checked_build();
	CHECK_ABORTS(dies(options, misuse_sleeps_with_a_lock,
			"suspends in sleeps_with_a_lock|holds the mutex 0x|"
			"has locked in sleeps_with_a_lock|deadlocks.c:"));
}

RIG_TEST(locks_that_are_used_well_are_not_reported)
{
	run_misuse(options, no_misuse);
}

/* Its tasks had the ids that those of the next runtime have. */
RIG_TEST(locks_of_a_runtime_that_is_gone_are_nobody_s)
{
	for (int i = 0; i < 3; i++) {
		run_misuse(options, others_before);
		run_misuse(options, no_misuse);
	}
}

/* The memory of a large task goes with it, so that the next may have its id. */
RIG_TEST(locks_of_a_task_that_has_ended_are_nobody_s)
{
	run_misuse(options, large_before);
}

/* It was locked by a plain form, which gives no place. */
RIG_TEST(s2_72_limit_of_a_lock_is_told_who_holds_it)
{
	run_misuse(options, no_misuse);
	if (!WEFT__HELD) {
		CHECK_EQ(strlen(deadlock_holder), 0);
		return;
	}
	CHECK(strstr(deadlock_holder, "gives_up_on_itself (") != NULL);
	CHECK(strstr(deadlock_holder, "deadlocks.c:") != NULL);
	CHECK(strstr(deadlock_holder, "), by task ") != NULL);
}

/* ---- while others work ---- */

enum { TASKS = 12, ROUNDS = 400, DUMPS = 10 };

struct works {
	struct weft_mutex mutex;
	unsigned counted;     /* plain: under the mutex */
	uint32_t dumps, done; /* atomic */
	unsigned rounds;      /* atomic: of those that are done */
};

RIG_TASK(works, struct works, struct weft_mutex_lock__frame lock; struct weft_yield__frame yield;
		int i;)
{
	struct works__frame *f = frame;
	struct works *works = f->args.p0;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS || rig_get(&works->dumps) < DUMPS; f->i++) {
		weft_await(f, f->lock, weft_mutex_lock, &works->mutex);
		works->counted++;
		if (f->i % 3 == 0)
			weft_await(f, f->yield, weft_yield);
		weft_mutex_unlock(&works->mutex);
	}
	atomic_fetch_add_relaxed(&works->rounds, (unsigned)f->i); /* carried by `done` */
	rig_add(&works->done);
	weft_return(f, 0);
	weft_end(f);
}

/* Tasks are claimed, looked into and let go while others run, wait, are woken and end. */
RIG_TEST(dump_disturbs_nobody)
{
	struct weft_runtime *runtime = rig_create(options);
	FILE *nowhere = fopen("/dev/null", "w");
	struct works works = { .counted = 0 };

	CHECK(nowhere != NULL);
	weft_mutex_init(&works.mutex);
	for (int i = 0; i < TASKS; i++)
		rig_spawn_detached(runtime, &works__async, &works);
	while (rig_get(&works.done) < TASKS) {
		if (options == &rig_current)
			CHECK(weft_runtime_turn(runtime) >= 0);
		CHECK(weft_dump(fileno(nowhere)) >= 0);
		rig_add(&works.dumps);
	}
	rig_wait_all_gone(runtime);
	CHECK_EQ(works.counted, works.rounds);
	weft_runtime_destroy(runtime);
	fclose(nowhere);
}

RIG_TEST(dump_disturbs_no_shared_future)
{
	struct weft_runtime *runtime = rig_create(options);
	FILE *nowhere = fopen("/dev/null", "w");
	struct {
		struct weft_frame base;
		int result;
	} none = { { 0, 0 }, 0 };
	struct weft_task *task;
	int result;

	CHECK(nowhere != NULL);
	deadlocks_reset();
	task = weft_task_spawn(runtime, shares, &none);
	CHECK(task != NULL);
	while (!weft_task_is_done(task)) {
		if (options == &rig_current)
			CHECK(weft_runtime_turn(runtime) >= 0);
		CHECK(weft_dump(fileno(nowhere)) >= 0);
	}
	CHECK_EQ(weft_task_join_blocking(task, &result), 0);
	CHECK_EQ(result, 0);
	weft_runtime_destroy(runtime);
	deadlocks_reset();
	fclose(nowhere);
}
