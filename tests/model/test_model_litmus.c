/* SPDX-License-Identifier: MIT */
/* The interleaving search itself: of each pair of programs it finds the fault of the broken one,
 * and runs the correct one to the end. Each is also run without reduction, to the same verdict. */
/* A part of a program is a line, as in the tables of the literature. */
/* clang-format off */
#include <errno.h>
#include <stdlib.h>

#include "model/model.h"

#include "test.h"

static uint32_t x, y, flag, payload, sum, r[4];

/* A part of a program, as the function of a thread. */
#define PART(name)                                                                                 \
	static void name(void *unused __attribute__((unused)))

/* A program, and what the search must say of it. */
#define LITMUS(name, ...)                                                                          \
	static void name##_body(void);                                                             \
	TEST(name)                                                                                 \
	{                                                                                          \
		check_verdict(#name, name##_body, __VA_ARGS__);                                    \
	}                                                                                          \
	static void name##_body(void)

static enum model_verdict explore(const char *name, void (*body)(void),
		struct model_options options)
{
	options.failure_is_expected = true;
	return model_explore(name, body, options).verdict;
}

static void check_verdict(const char *name, void (*body)(void), enum model_verdict verdict)
{
	CHECK_EQ(explore(name, body, (struct model_options){ 0 }), verdict);
	CHECK_EQ(explore(name, body, (struct model_options){ .unreduced = true }), verdict);
}

/* Starts up to four parts on zeroed variables, and waits for them. */
static void run_parts(void (*const *parts)(void *), int count)
{
	x = y = flag = payload = sum = r[0] = r[1] = r[2] = r[3] = 0;
	for (int i = 0; i < count; i++)
		model_thread(parts[i], NULL);
	model_join_all();
}

#define RUN(...)                                                                                   \
	run_parts((void (*const[])(void *)){ __VA_ARGS__ },                                        \
			(int)(sizeof((void (*[])(void *)){ __VA_ARGS__ }) / sizeof(void *)))

/* --- store buffering: both may miss the other's store, unless all is seq_cst ------------------ */

PART(relaxed_x_then_y) { atomic_store_relaxed(&x, 1); r[0] = atomic_load_relaxed(&y); }
PART(relaxed_y_then_x) { atomic_store_relaxed(&y, 1); r[1] = atomic_load_relaxed(&x); }
PART(release_x_then_y) { atomic_store_release(&x, 1); r[0] = atomic_load_acquire(&y); }
PART(release_y_then_x) { atomic_store_release(&y, 1); r[1] = atomic_load_acquire(&x); }
PART(seq_cst_x_then_y) { atomic_store_seq_cst(&x, 1); r[0] = atomic_load_seq_cst(&y); }
PART(seq_cst_y_then_x) { atomic_store_seq_cst(&y, 1); r[1] = atomic_load_seq_cst(&x); }
PART(rmw_x_then_y) { atomic_fetch_or_seq_cst(&x, 1); r[0] = atomic_load_seq_cst(&y); }
PART(acq_rel_rmw_y_then_x) { atomic_fetch_or_acq_rel(&y, 1); r[1] = atomic_load_acquire(&x); }

PART(fenced_x_then_y)
{
	atomic_store_relaxed(&x, 1);
	atomic_fence_seq_cst();
	r[0] = atomic_load_relaxed(&y);
}

PART(fenced_y_then_x)
{
	atomic_store_relaxed(&y, 1);
	atomic_fence_seq_cst();
	r[1] = atomic_load_relaxed(&x);
}

LITMUS(store_buffering_relaxed_misses_both, MODEL_CHECK_FAILED)
{
	RUN(relaxed_x_then_y, relaxed_y_then_x);
	MODEL_CHECK(r[0] || r[1]);
}

LITMUS(store_buffering_release_acquire_misses_both, MODEL_CHECK_FAILED)
{
	RUN(release_x_then_y, release_y_then_x);
	MODEL_CHECK(r[0] || r[1]);
}

LITMUS(store_buffering_acq_rel_rmw_misses_both, MODEL_CHECK_FAILED)
{
	RUN(rmw_x_then_y, acq_rel_rmw_y_then_x);
	MODEL_CHECK(r[0] || r[1]);
}

LITMUS(store_buffering_seq_cst_misses_one_at_most, MODEL_PASSED)
{
	RUN(seq_cst_x_then_y, seq_cst_y_then_x);
	MODEL_CHECK(r[0] || r[1]);
}

LITMUS(store_buffering_fences_miss_one_at_most, MODEL_PASSED)
{
	RUN(fenced_x_then_y, fenced_y_then_x);
	MODEL_CHECK(r[0] || r[1]);
}

LITMUS(store_buffering_one_fence_misses_both, MODEL_CHECK_FAILED)
{
	RUN(fenced_x_then_y, release_y_then_x);
	MODEL_CHECK(r[0] || r[1]);
}

/* Reduction goes as far as one execution for each result, and finds all. */
static unsigned results;

static void collect_results(void)
{
	RUN(relaxed_x_then_y, relaxed_y_then_x);
	results |= 1u << (2 * r[0] + r[1]);
}

TEST(store_buffering_has_four_results_in_four_executions)
{
	const struct model_options all = { 0 };

	results = 0;
	CHECK_EQ(model_explore("four_results", collect_results, all).executions, 4);
	CHECK_EQ(results, 15);
}

/* Not modelled: C11 lets both loads read the other thread's later store. */
PART(load_x_then_store_y) { r[0] = atomic_load_relaxed(&x); atomic_store_relaxed(&y, 1); }
PART(load_y_then_store_x) { r[1] = atomic_load_relaxed(&y); atomic_store_relaxed(&x, 1); }

LITMUS(load_buffering_is_not_found, MODEL_PASSED)
{
	RUN(load_x_then_store_y, load_y_then_store_x);
	MODEL_CHECK(!r[0] || !r[1]);
}

/* --- message passing -------------------------------------------------------------------------- */

PART(send_relaxed) { atomic_store_relaxed(&payload, 7); atomic_store_relaxed(&flag, 1); }
PART(send_release) { atomic_store_relaxed(&payload, 7); atomic_store_release(&flag, 1); }
PART(send_plain) { model_plain_write(&payload, 7); atomic_store_release(&flag, 1); }
PART(send_plain_relaxed) { model_plain_write(&payload, 7); atomic_store_relaxed(&flag, 1); }

PART(send_fence)
{
	model_plain_write(&payload, 7);
	atomic_fence_release();
	atomic_store_relaxed(&flag, 1);
}

PART(send_plain_too_late) { atomic_store_release(&flag, 1); model_plain_write(&payload, 7); }
PART(read_plain) { model_plain_read(&payload); }

/* The relaxed flag gives the order of execution away, but no happens-before. */
PART(store_payload_relaxed) { atomic_store_relaxed(&payload, 7); atomic_store_relaxed(&flag, 1); }
PART(read_if_flag) { if (atomic_load_relaxed(&flag)) model_plain_read(&payload); }
PART(read_payload_relaxed) { model_plain_read(&payload); atomic_store_relaxed(&flag, 1); }
PART(store_if_flag) { if (atomic_load_relaxed(&flag)) atomic_store_relaxed(&payload, 7); }

PART(receive_relaxed)
{
	if (atomic_load_relaxed(&flag))
		MODEL_CHECK(atomic_load_relaxed(&payload) == 7);
}

PART(receive_acquire)
{
	if (atomic_load_acquire(&flag))
		MODEL_CHECK(atomic_load_relaxed(&payload) == 7);
}

PART(receive_plain)
{
	if (atomic_load_acquire(&flag))
		MODEL_CHECK(model_plain_read(&payload) == 7);
}

PART(receive_fence)
{
	if (atomic_load_relaxed(&flag)) {
		atomic_fence_acquire();
		MODEL_CHECK(model_plain_read(&payload) == 7);
	}
}

PART(receive_spinning)
{
	while (!atomic_load_acquire(&flag))
		atomic_pause();
	MODEL_CHECK(model_plain_read(&payload) == 7);
}

PART(receive_spinning_relaxed)
{
	while (!atomic_load_relaxed(&flag))
		atomic_pause();
	MODEL_CHECK(atomic_load_relaxed(&payload) == 7);
}

LITMUS(message_relaxed_is_stale, MODEL_CHECK_FAILED) { RUN(send_relaxed, receive_relaxed); }
LITMUS(message_without_acquire_is_stale, MODEL_CHECK_FAILED) { RUN(send_release, receive_relaxed); }
LITMUS(message_without_release_is_stale, MODEL_CHECK_FAILED) { RUN(send_relaxed, receive_acquire); }
LITMUS(message_release_acquire_arrives, MODEL_PASSED) { RUN(send_release, receive_acquire); }
LITMUS(message_plain_release_arrives, MODEL_PASSED) { RUN(send_plain, receive_plain); }
LITMUS(message_plain_relaxed_races, MODEL_RACE) { RUN(send_plain_relaxed, receive_plain); }
LITMUS(message_fences_arrives, MODEL_PASSED) { RUN(send_fence, receive_fence); }
LITMUS(message_one_fence_races, MODEL_RACE) { RUN(send_plain_relaxed, receive_fence); }
LITMUS(message_to_a_spin_arrives, MODEL_PASSED) { RUN(send_plain, receive_spinning); }
LITMUS(message_written_too_late_races, MODEL_RACE) { RUN(send_plain_too_late, receive_plain); }
LITMUS(message_written_after_the_start_races, MODEL_RACE)
{
	payload = 0;
	model_thread(read_plain, NULL);
	model_plain_write(&payload, 7);
}
LITMUS(message_read_while_stored_races, MODEL_RACE) { RUN(store_payload_relaxed, read_if_flag); }
LITMUS(message_stored_while_read_races, MODEL_RACE) { RUN(read_payload_relaxed, store_if_flag); }
LITMUS(message_to_a_relaxed_spin_is_stale, MODEL_CHECK_FAILED)
{
	RUN(send_release, receive_spinning_relaxed);
}

/* --- release sequences ------------------------------------------------------------------------ */

PART(add_relaxed) { atomic_fetch_add_relaxed(&flag, 1); }
PART(store_relaxed) { atomic_store_relaxed(&flag, 2); }

PART(receive_second)
{
	if (atomic_load_acquire(&flag) == 2)
		MODEL_CHECK(model_plain_read(&payload) == 7);
}

LITMUS(release_sequence_goes_through_rmw, MODEL_PASSED)
{
	RUN(send_plain, add_relaxed, receive_second);
}

LITMUS(release_sequence_ends_at_a_store, MODEL_RACE)
{
	RUN(send_plain, store_relaxed, receive_second);
}

/* --- coherence and independent reads ---------------------------------------------------------- */

PART(store_x_1) { atomic_store_relaxed(&x, 1); }
PART(store_x_2) { atomic_store_relaxed(&x, 2); }
PART(store_y_1) { atomic_store_relaxed(&y, 1); }
PART(store_x_seq_cst) { atomic_store_seq_cst(&x, 1); }
PART(store_y_seq_cst) { atomic_store_seq_cst(&y, 1); }
PART(read_xx_01) { r[0] = atomic_load_relaxed(&x); r[1] = atomic_load_relaxed(&x); }
PART(read_xx_23) { r[2] = atomic_load_relaxed(&x); r[3] = atomic_load_relaxed(&x); }
PART(acquire_xy) { r[0] = atomic_load_acquire(&x); r[1] = atomic_load_acquire(&y); }
PART(acquire_yx) { r[2] = atomic_load_acquire(&y); r[3] = atomic_load_acquire(&x); }
PART(seq_cst_xy) { r[0] = atomic_load_seq_cst(&x); r[1] = atomic_load_seq_cst(&y); }
PART(seq_cst_yx) { r[2] = atomic_load_seq_cst(&y); r[3] = atomic_load_seq_cst(&x); }

LITMUS(coherence_readers_agree_on_the_order_of_stores, MODEL_PASSED)
{
	RUN(store_x_1, store_x_2, read_xx_01, read_xx_23);
	MODEL_CHECK(!(r[0] == 1 && r[1] == 2 && r[2] == 2 && r[3] == 1));
	MODEL_CHECK(!(r[0] && !r[1]));
}

LITMUS(independent_readers_with_acquire_disagree, MODEL_CHECK_FAILED)
{
	RUN(store_x_seq_cst, store_y_seq_cst, acquire_xy, acquire_yx);
	MODEL_CHECK(!(r[0] && !r[1] && r[2] && !r[3]));
}

/* What a seq_cst load has read, no later one may miss. */
LITMUS(independent_readers_of_relaxed_stores_agree, MODEL_PASSED)
{
	RUN(store_x_1, store_y_1, seq_cst_xy, seq_cst_yx);
	MODEL_CHECK(!(r[0] && !r[1] && r[2] && !r[3]));
}

LITMUS(independent_readers_with_seq_cst_agree, MODEL_PASSED)
{
	RUN(store_x_seq_cst, store_y_seq_cst, seq_cst_xy, seq_cst_yx);
	MODEL_CHECK(!(r[0] && !r[1] && r[2] && !r[3]));
}

/* --- compare-exchange ------------------------------------------------------------------------- */

#define RECEIVE_BY_FAILING(order)                                                                  \
	PART(receive_by_failing_##order)                                                           \
	{                                                                                          \
		uint32_t expected = 5;                                                             \
                                                                                                   \
		if (!atomic_cas_##order(&flag, &expected, 6) && expected == 1)                     \
			model_plain_read(&payload);                                                \
	}
RECEIVE_BY_FAILING(acq_rel)
RECEIVE_BY_FAILING(release)

PART(fail_on_a_stale_value)
{
	uint32_t expected = 1;

	if (atomic_load_relaxed(&x) && !atomic_cas_acq_rel(&y, &expected, 2))
		MODEL_CHECK(expected != 0); /* y was 1 before x was */
}

PART(store_yx) { atomic_store_relaxed(&y, 1); atomic_store_relaxed(&x, 1); }

LITMUS(cas_failing_acq_rel_acquires, MODEL_PASSED) { RUN(send_plain, receive_by_failing_acq_rel); }
LITMUS(cas_failing_release_is_relaxed, MODEL_RACE) { RUN(send_plain, receive_by_failing_release); }
LITMUS(cas_fails_on_a_stale_value, MODEL_CHECK_FAILED) { RUN(store_yx, fail_on_a_stale_value); }

PART(increment_by_cas)
{
	uint32_t old = atomic_load_relaxed(&sum);

	while (!atomic_cas_relaxed(&sum, &old, old + 1))
		continue;
}

PART(increment_in_two_steps) { atomic_store_relaxed(&sum, atomic_load_relaxed(&sum) + 1); }

LITMUS(cas_loop_loses_no_increment, MODEL_PASSED)
{
	RUN(increment_by_cas, increment_by_cas, increment_by_cas);
	MODEL_CHECK(atomic_load_relaxed(&sum) == 3);
}

LITMUS(load_and_store_lose_an_increment, MODEL_CHECK_FAILED)
{
	RUN(increment_in_two_steps, increment_in_two_steps);
	MODEL_CHECK(atomic_load_relaxed(&sum) == 2);
}

/* --- mutual exclusion ------------------------------------------------------------------------- */

static void touch_payload(void) { model_plain_write(&payload, model_plain_read(&payload) + 1); }

static uint32_t wants[2], turn;

#define PETERSON(order, load, store)                                                               \
	static void peterson_##order(void *me)                                                     \
	{                                                                                          \
		const uint32_t self = me != NULL, other = 1 - self;                                \
                                                                                                   \
		atomic_store_##store(&wants[self], 1);                                             \
		atomic_store_##store(&turn, other);                                                \
		while (atomic_load_##load(&wants[other]) && atomic_load_##load(&turn) == other)    \
			atomic_pause();                                                            \
		touch_payload();                                                                   \
		atomic_store_##store(&wants[self], 0);                                             \
	}
PETERSON(weak, acquire, release)
PETERSON(seq_cst, seq_cst, seq_cst)

static void run_peterson(void (*part)(void *))
{
	wants[0] = wants[1] = turn = payload = 0;
	model_thread(part, NULL);
	model_thread(part, &turn);
	model_join_all();
	MODEL_CHECK(model_plain_read(&payload) == 2);
}

LITMUS(peterson_release_acquire_races, MODEL_RACE) { run_peterson(peterson_weak); }
LITMUS(peterson_seq_cst_excludes, MODEL_PASSED) { run_peterson(peterson_seq_cst); }

PART(lock_by_exchange)
{
	while (atomic_exchange_acquire(&flag, 1))
		atomic_pause();
	touch_payload();
	atomic_store_release(&flag, 0);
}

PART(lock_by_looking_first)
{
	while (atomic_load_relaxed(&flag) || atomic_exchange_acquire(&flag, 1))
		atomic_pause();
	touch_payload();
	atomic_store_release(&flag, 0);
}

PART(lock_by_test_then_set)
{
	while (atomic_load_acquire(&flag))
		atomic_pause();
	atomic_store_relaxed(&flag, 1);
	touch_payload();
	atomic_store_release(&flag, 0);
}

PART(lock_with_relaxed_unlock)
{
	while (atomic_exchange_acquire(&flag, 1))
		atomic_pause();
	touch_payload();
	atomic_store_relaxed(&flag, 0);
}

PART(lock_without_unlock)
{
	while (atomic_exchange_acquire(&flag, 1))
		atomic_pause();
}

PART(lock_of_the_model)
{
	model_lock(&flag);
	touch_payload();
	model_unlock(&flag);
}

LITMUS(spin_lock_excludes, MODEL_PASSED) { RUN(lock_by_exchange, lock_by_exchange); }
LITMUS(spin_lock_of_three_excludes, MODEL_PASSED)
{
	RUN(lock_by_looking_first, lock_by_looking_first, lock_by_exchange);
}
LITMUS(spin_lock_test_then_set_races, MODEL_RACE)
{
	RUN(lock_by_test_then_set, lock_by_test_then_set);
}
LITMUS(spin_lock_relaxed_unlock_races, MODEL_RACE)
{
	RUN(lock_with_relaxed_unlock, lock_with_relaxed_unlock);
}
LITMUS(spin_lock_never_unlocked_deadlocks, MODEL_DEADLOCK)
{
	RUN(lock_without_unlock, lock_without_unlock, lock_without_unlock);
}
LITMUS(model_lock_excludes, MODEL_PASSED)
{
	RUN(lock_of_the_model, lock_of_the_model, lock_of_the_model);
	MODEL_CHECK(model_plain_read(&payload) == 3);
}

/* --- sleeping --------------------------------------------------------------------------------- */

/* Whoever sleeps announces it and looks again; whoever posts does so and looks for a sleeper. */
#define SLEEPER(order, load, store)                                                                \
	PART(sleep_##order)                                                                        \
	{                                                                                          \
		atomic_store_##store(&x, 1);                                                       \
		if (!atomic_load_##load(&y))                                                       \
			model_park();                                                              \
	}                                                                                          \
	PART(post_##order)                                                                         \
	{                                                                                          \
		atomic_store_##store(&y, 1);                                                       \
		if (atomic_load_##load(&x))                                                        \
			model_unpark(1);                                                           \
	}
SLEEPER(weak, acquire, release)
SLEEPER(seq_cst, seq_cst, seq_cst)

LITMUS(park_release_acquire_loses_a_wake_up, MODEL_DEADLOCK) { RUN(sleep_weak, post_weak); }
LITMUS(park_seq_cst_wakes, MODEL_PASSED) { RUN(sleep_seq_cst, post_seq_cst); }

PART(futex_wait_in_a_loop)
{
	while (!atomic_load_acquire(&flag))
		model_futex_wait(&flag, 0);
	MODEL_CHECK(model_plain_read(&payload) == 7);
}

PART(futex_wait_once)
{
	if (!atomic_load_relaxed(&flag))
		model_futex_wait(&flag, 0);
	MODEL_CHECK(atomic_load_acquire(&flag));
}

PART(futex_wait_timed) { MODEL_CHECK(model_futex_wait_timed(&flag, 0) != -ETIMEDOUT); }

PART(futex_post)
{
	model_plain_write(&payload, 7);
	atomic_store_release(&flag, 1);
	model_futex_wake(&flag, 1);
}

PART(futex_post_too_early)
{
	model_futex_wake(&flag, 1);
	model_plain_write(&payload, 7);
	atomic_store_release(&flag, 1);
}

LITMUS(futex_wakes, MODEL_PASSED) { RUN(futex_wait_in_a_loop, futex_post); }
LITMUS(futex_wake_before_the_store_is_lost, MODEL_DEADLOCK)
{
	RUN(futex_wait_in_a_loop, futex_post_too_early);
}
LITMUS(futex_wake_of_one_leaves_the_other, MODEL_DEADLOCK)
{
	RUN(futex_wait_in_a_loop, futex_wait_in_a_loop, futex_post);
}

static void wait_once(void) { RUN(futex_wait_once, futex_post); }
static void wait_in_a_loop(void) { RUN(futex_wait_in_a_loop, futex_post); }
static void wait_timed(void) { RUN(futex_wait_timed, futex_post); }

TEST(futex_wait_may_lapse)
{
	const struct model_options lapse = { .lapses = 1 }, no_lapse = { 0 };

	CHECK_EQ(explore("wait_once", wait_once, lapse), MODEL_CHECK_FAILED);
	CHECK_EQ(explore("wait_in_a_loop", wait_in_a_loop, lapse), MODEL_PASSED);
	CHECK_EQ(explore("wait_timed", wait_timed, lapse), MODEL_CHECK_FAILED);
	CHECK_EQ(explore("wait_timed_no_lapse", wait_timed, no_lapse), MODEL_PASSED);
}

/* --- memory ----------------------------------------------------------------------------------- */

struct node {
	struct node *next;
	uint32_t references;
};

static struct node *head;

static struct node *node_new(struct node *next)
{
	struct node *node = model_malloc(sizeof *node);

	*node = (struct node){ .next = next };
	return node;
}

/* Between the loads another thread may pop and free the node: the trouble called ABA. */
PART(pop_and_free)
{
	struct node *top = atomic_load_acquire(&head);

	while (top && !atomic_cas_acq_rel(&head, &top, atomic_load_relaxed(&top->next)))
		continue;
	model_free(top);
}

PART(pop_under_lock)
{
	struct node *top;

	model_lock(&flag);
	top = atomic_load_relaxed(&head);
	if (top)
		atomic_store_relaxed(&head, atomic_load_relaxed(&top->next));
	model_unlock(&flag);
	model_free(top);
}

LITMUS(stack_pop_uses_a_freed_node, MODEL_USE_AFTER_FREE)
{
	head = node_new(node_new(NULL));
	RUN(pop_and_free, pop_and_free);
}

LITMUS(stack_pop_under_lock_frees_all, MODEL_PASSED)
{
	head = node_new(node_new(NULL));
	RUN(pop_under_lock, pop_under_lock);
	MODEL_CHECK(model_allocated() == 0);
}

PART(unref_acq_rel)
{
	atomic_load_relaxed(&head->next);
	if (atomic_fetch_sub_acq_rel(&head->references, 1) == 1)
		model_free(head);
}

PART(unref_relaxed)
{
	atomic_load_relaxed(&head->next);
	if (atomic_fetch_sub_relaxed(&head->references, 1) == 1)
		model_free(head);
}

LITMUS(reference_count_acq_rel_frees, MODEL_PASSED)
{
	head = node_new(NULL);
	head->references = 2;
	RUN(unref_acq_rel, unref_acq_rel);
	MODEL_CHECK(model_allocated() == 0);
}

LITMUS(reference_count_relaxed_frees_too_early, MODEL_USE_AFTER_FREE)
{
	head = node_new(NULL);
	head->references = 2;
	RUN(unref_relaxed, unref_relaxed);
}

PART(publish_node_relaxed) { atomic_store_relaxed(&head, node_new(NULL)); }
PART(publish_node_release) { atomic_store_release(&head, node_new(NULL)); }

PART(read_node)
{
	struct node *node = atomic_load_acquire(&head);

	if (node)
		atomic_load_relaxed(&node->references);
}

LITMUS(new_node_published_relaxed_races, MODEL_RACE)
{
	head = NULL;
	RUN(publish_node_relaxed, read_node);
}

LITMUS(new_node_published_release_arrives, MODEL_PASSED)
{
	head = NULL;
	RUN(publish_node_release, read_node);
}

static struct node reused;

PART(publish_reused)
{
	reused.references = 5;
	model_init(&reused.references);
	atomic_store_release(&flag, 1);
}

PART(read_reused_after)
{
	if (atomic_load_acquire(&flag))
		MODEL_CHECK(atomic_load_relaxed(&reused.references) == 5);
}

PART(read_reused_at_any_time) { atomic_load_relaxed(&reused.references); }
PART(set_without_init) { reused.references = 6; atomic_load_relaxed(&reused.references); }

static void use_once(void)
{
	reused = (struct node){ .references = 0 };
	atomic_store_relaxed(&reused.references, 1);
}

LITMUS(init_starts_a_new_history, MODEL_PASSED)
{
	use_once();
	RUN(publish_reused, read_reused_after);
}
LITMUS(init_races_with_a_reader, MODEL_RACE)
{
	use_once();
	RUN(publish_reused, read_reused_at_any_time);
}
LITMUS(init_forgotten_is_noticed, MODEL_MISUSE) { use_once(); RUN(set_without_init); }

/* --- the search itself ------------------------------------------------------------------------ */

PART(trap) { __builtin_trap(); }
PART(spin_for_ever) { while (!atomic_load_relaxed(&flag)) continue; }
PART(count_to_three) { for (int i = 0; i < 3; i++) atomic_fetch_add_relaxed(&sum, 1); }

LITMUS(trap_is_a_failure, MODEL_CHECK_FAILED) { RUN(trap); }
LITMUS(spin_without_pause_is_endless, MODEL_ENDLESS) { RUN(spin_for_ever); }

static void count(void) { RUN(count_to_three, count_to_three, count_to_three); }

TEST(search_counts_and_caps_executions)
{
	const struct model_result all = model_explore("count", count, (struct model_options){ 0 });

	CHECK_EQ(all.executions, 1680); /* 9! / 3!^3 orders of the additions */
	CHECK_EQ(all.pruned, 0);
	CHECK_EQ(explore("count_capped", count, (struct model_options){ .executions_max = 1679 }),
			MODEL_CAPPED);
	CHECK_EQ(explore("count_just", count, (struct model_options){ .executions_max = 1680 }),
			MODEL_PASSED);
}

/* Fails only if the other thread comes in twice. */
PART(watch_for_two_visits)
{
	r[0] = atomic_fetch_add_relaxed(&x, 1);
	r[1] = atomic_fetch_add_relaxed(&x, 1);
	r[2] = atomic_fetch_add_relaxed(&x, 1);
	MODEL_CHECK(!(r[1] == r[0] + 2 && r[2] == r[1] + 2));
}

PART(visit_twice) { atomic_fetch_add_relaxed(&x, 1); atomic_fetch_add_relaxed(&x, 1); }

static void two_visits(void) { RUN(watch_for_two_visits, visit_twice); }

TEST(search_within_a_bound_finds_what_it_admits)
{
	CHECK_EQ(explore("visits_2", two_visits, (struct model_options){ .preemptions = 2 }),
			MODEL_PASSED);
	CHECK_EQ(explore("visits_3", two_visits, (struct model_options){ .preemptions = 3 }),
			MODEL_CHECK_FAILED);
}

TEST(search_replays_a_schedule)
{
	void (*const body)(void) = store_buffering_relaxed_misses_both_body;
	const struct model_options options = { 0 };

	setenv("WEFT_MODEL_SCHEDULE", "replay:001", 1); /* no switch, newest y, oldest x */
	CHECK_EQ(explore("replay", body, options), MODEL_CHECK_FAILED);
	setenv("WEFT_MODEL_SCHEDULE", "replay:000", 1);
	CHECK_EQ(explore("replay", body, options), MODEL_PASSED);
	unsetenv("WEFT_MODEL_SCHEDULE");
}
