/* SPDX-License-Identifier: MIT */
/* Random programs have the same results with and without reduction, bounded or not. Which results
 * are right is not looked at here: the litmus programs do that. */
#include <string.h>

#include "model/model.h"

#include "test.h"

enum { THREADS = 3, STEPS_MAX = 3, RESULTS = 1 << 14 };

struct step {
	char kind;
	unsigned word, value;
};

static struct step program[THREADS][STEPS_MAX];
static int steps;
static uint32_t words[2], lock, thread_results[THREADS];
static bool found[RESULTS];
static unsigned seed;

static unsigned random_below(unsigned bound)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % bound;
}

static void program_make(const char *kinds)
{
	for (int i = 0; i < THREADS * STEPS_MAX; i++)
		program[i / STEPS_MAX][i % STEPS_MAX] = (struct step){
			kinds[random_below((unsigned)strlen(kinds))],
			random_below(2),
			random_below(3),
		};
}

/* Returns what the step read. */
static uint32_t step_run(const struct step *step)
{
	uint32_t *const word = &words[step->word];
	uint32_t read = step->value;

	switch (step->kind) {
	case 'l':
		return atomic_load_relaxed(word);
	case 'a':
		return atomic_load_acquire(word);
	case 'L':
		return atomic_load_seq_cst(word);
	case 's':
		atomic_store_relaxed(word, step->value);
		return 0;
	case 'r':
		atomic_store_release(word, step->value);
		return 0;
	case 'S':
		atomic_store_seq_cst(word, step->value);
		return 0;
	case '+':
		return atomic_fetch_add_acq_rel(word, 1);
	case 'C':
		atomic_cas_seq_cst(word, &read, 3);
		return read;
	case 'c':
		atomic_cas_release(word, &read, 2);
		return read;
	case 'F':
		atomic_fence_seq_cst();
		return 0;
	case 'w':
		return model_futex_wait_timed(word, step->value) == 0;
	case 'k':
		return (uint32_t)model_futex_wake(word, 1);
	case 'p':
		while (atomic_load_relaxed(word) == 0)
			atomic_pause();
		return 0;
	case 'x':
		model_lock(&lock);
		read = atomic_exchange_acquire(word, step->value);
		model_unlock(&lock);
		return read;
	}
	return 0;
}

static void thread_run(void *index)
{
	uint32_t *const thread_result = index;
	uint32_t result = 0;

	for (int i = 0; i < steps; i++)
		result = result * 5 + step_run(&program[thread_result - thread_results][i]);
	*thread_result = result; /* read after the join */
}

static void program_run(void)
{
	uint32_t result = 0;

	words[0] = words[1] = lock = 0;
	for (int i = 0; i < THREADS; i++)
		model_thread(thread_run, &thread_results[i]);
	model_join_all();
	for (int i = 0; i < THREADS; i++)
		result = result * 131 + thread_results[i];
	found[(result * 16 + words[0] * 4 + words[1]) % RESULTS] = true;
}

/* Explores the program; its results are in `found`. */
static enum model_verdict program_explore(struct model_options options)
{
	options.lapses = 2;
	options.failure_is_expected = true;
	memset(found, 0, sizeof found);
	return model_explore(NULL, program_run, options).verdict;
}

static void check_reduction(struct model_options options)
{
	static bool expected[RESULTS];
	enum model_verdict verdict;

	options.unreduced = true;
	options.executions_max = 3000;
	verdict = program_explore(options);
	if (verdict == MODEL_CAPPED)
		return; /* too big to compare */
	memcpy(expected, found, sizeof found);
	options.unreduced = false;
	options.executions_max = 0;
	if (program_explore(options) != verdict)
		test_fail(__FILE__, __LINE__, "verdict of program %u", seed);
	if (verdict == MODEL_PASSED && memcmp(expected, found, sizeof found) != 0)
		test_fail(__FILE__, __LINE__, "results of program %u", seed);
}

static void check_programs(int count, int length, const char *kinds)
{
	steps = length;
	seed = 1;
	while (count--) {
		program_make(kinds);
		check_reduction((struct model_options){ 0 });
		check_reduction((struct model_options){ .preemptions = 1 });
		check_reduction((struct model_options){ .preemptions = 2 });
	}
}

TEST(reduction_loses_no_result_of_random_programs)
{
	check_programs(60, 3, "laLLsrS+CcFFwkx");
}

TEST(reduction_loses_no_result_of_programs_with_a_lock)
{
	check_programs(200, 2, "ls+xx");
}

TEST(reduction_loses_no_result_of_programs_that_spin)
{
	check_programs(200, 2, "ls+pp");
}

TEST(reduction_loses_no_result_of_programs_that_sleep)
{
	check_programs(200, 2, "lsswwk");
}

TEST(reduction_loses_no_result_of_programs_with_fences)
{
	check_programs(150, 3, "lsSLFF");
}
