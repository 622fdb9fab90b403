/* SPDX-License-Identifier: MIT */
/*
 * model/model.c: the interleaving search, and how a failure is told.
 *
 * Why         x86 hides a missing acquire or release, and a stress test meets a few of millions of
 *             interleavings. Here a small program runs in all of them, and every load returns
 *             every value that C11 lets it return.
 * How         The threads of a program are coroutines on one OS thread. At each atomic access a
 *             thread publishes what it is about to do, its op, and thread_pick says whose is next:
 *
 *               LOCAL --op_begin--> an op that can be done --picked--> LOCAL --thread_end--> ENDED
 *                 ^                 AWAIT, JOIN, not yet
 *                 |                 PAUSE, BLOCKED ---+
 *                 +-- spinners_release, model_wake ---+
 *
 *             Whatever is not determined is one call of model__choose: whose op is next, which
 *             store a load reads, whether a wait lapses, who is woken. The choices of an execution
 *             are a path in a tree. To run the body again with the last one changed walks the tree
 *             depth first; nothing else is kept, so a path is also a replay.
 * Memory      See model_memory.c: views, stale values, seq_cst, races.
 * Not modelled  Load buffering, and a store that falls behind one executed before it (litmus tests
 *             2+2W, S): program order, reads-from, modification order and the order of seq_cst ops
 *             together have no cycle here. So each execution found is one of C11's, but of those
 *             with such a cycle none is found (4 % of random programs of 8 ops have some). Consume,
 *             objects of mixed size, weak compare-exchange and signals are missing too.
 * Reduction   Sleep sets. When all that follows "t does its op now" is explored, t sleeps while its
 *             siblings are, until something happens that its op depends on. A load that is not
 *             seq_cst changes nothing for others, and reading one given store depends on nothing
 *             but that store. So at one location only stores depend on each other, and a sleeper
 *             wakes when there is a new one, a load then to read that one only. seq_cst ops also
 *             depend on those at their location, fences on all seq_cst ops, and futex ops on all
 *             at their address (ops_depend). And siblings are lazy: if in all that followed t's op
 *             nobody published an op that contests it (op_contests), they add nothing.
 * Bounded     With a bound on preemptions, all that is within the bound is still found. So only the
 *             op of the thread that could have stayed is reduced, and only while nobody waits:
 *             moving that to the front adds no preemption (is_reducible). Without a bound the
 *             reduction is far better; it is often the cheaper search.
 * Proof       test_model_litmus.c, test_model_random.c. Besides, 7,900 random programs of up to
 *             nine ops were compared with the results that the axioms of C20 give, the cycles
 *             above taken out: all are equal.
 * Invariants  [I1] a replayed choice has as many options as before: the body is deterministic.
 * Cost        Each execution starts from the beginning; a step takes about 0.1 us.
 * Sanitizers  address knows the coroutines; thread does not.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/model_run.h"

static const char digits[OPTIONS_MAX + 1] = "0123456789abcdefghijklmnopqrstuvwxyz";

struct choice {
	unsigned char taken;
	unsigned char options; /* 0: not known yet, taken is from a schedule */
	bool lazy; /* if nothing contests what was taken, the other options add nothing */
	bool contested;
};

static struct {
	const char *name;
	void (*body)(void);
	struct model_options options;
	struct model_result result;
	struct choice path[CHOICES_MAX];
	int path_len;
	bool replaying, telling;
} search;

/* --- the end of an execution, and what is told about it ------------------------------------- */

_Noreturn void model__fail(enum model_verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	search.result.verdict = verdict;
	vsnprintf(search.result.message, sizeof search.result.message, format, args);
	va_end(args);
	model__threads_leave();
	abort(); /* not reached */
}

void model__prune(void)
{
	search.result.pruned++;
	model__threads_leave();
}

_Noreturn void model_fail(const char *what, const char *file, int line)
{
	model__fail(MODEL_CHECK_FAILED, "T%d %s:%d: %s", model_self(), file, line, what);
}

static _Noreturn void on_signal(int signal)
{
	model__fail(MODEL_CHECK_FAILED, "T%d: %s", model_self(), strsignal(signal));
}

/* One line of the trace: thread, place, operation, and what came of it. */
void model__tell(const struct model_site *site, const struct location *at, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "  %4d  T%d  %s:%d: %s", ++execution.lines, model_self(), site->file,
			site->line, site->text);
	if (at && at->name && !strstr(site->text, at->name))
		fprintf(stderr, " (%s)", at->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* --- paths ---------------------------------------------------------------------------------- */

int model__choose(int options)
{
	struct choice *choice = &search.path[execution.depth];

	if (options == 1)
		return 0;
	if (options > OPTIONS_MAX || execution.depth == CHOICES_MAX)
		model__fail(MODEL_MISUSE, "too many choices");
	if (execution.depth == search.path_len)
		search.path[search.path_len++] = (struct choice){ .taken = 0 };
	if (!choice->options)
		choice->options = (unsigned char)options;
	if (choice->options != options || choice->taken >= options) /* [I1] */
		model__fail(MODEL_MISUSE,
				"the body is not deterministic, or not the one of the schedule");
	execution.depth++;
	return choice->taken;
}

bool model__choice_is_lazy(int depth)
{
	search.path[depth].lazy = true;
	return !search.path[depth].contested;
}

void model__choice_contest(int depth)
{
	search.path[depth].contested = true;
}

/* Moves on to the next path. Returns false after the last one. */
static bool path_advance(void)
{
	while (search.path_len) {
		struct choice *last = &search.path[search.path_len - 1];
		const bool done = last->lazy && !last->contested;

		if (!done && ++last->taken < last->options) {
			last->lazy = last->contested = false;
			return true;
		}
		search.path_len--;
	}
	return false;
}

/* Takes a path from the environment if it is for this search. */
static void path_read(const char *schedule)
{
	const size_t len = search.name ? strlen(search.name) : 0;

	search.path_len = 0;
	search.replaying = len && schedule && !strncmp(schedule, search.name, len) &&
			schedule[len] == ':';
	if (!search.replaying)
		return;
	for (const char *at = schedule + len + 1; *at && search.path_len < CHOICES_MAX; at++) {
		const char *digit = strchr(digits, *at);

		search.path[search.path_len++].taken =
				(unsigned char)(digit ? digit - digits : 255);
	}
}

static void path_print(void)
{
	fprintf(stderr, "  WEFT_MODEL_SCHEDULE=%s:", search.name ? search.name : "?");
	for (int i = 0; i < execution.depth; i++)
		fputc(digits[search.path[i].taken], stderr);
	fputc('\n', stderr);
}

/* --- executions ----------------------------------------------------------------------------- */

static void body_run(void *unused)
{
	(void)unused;
	search.body();
	model_join_all();
	search.result.executions++;
	model__threads_leave();
}

static void execution_run(void)
{
	execution = (struct execution){
		.preemptions = search.options.preemptions ? search.options.preemptions : -1,
		.lapses = search.options.lapses,
		.steps_max = search.options.steps_max,
		.unreduced = search.options.unreduced,
		.telling = search.telling,
	};
	model__memory_reset();
	model__threads_run(body_run);
}

static void paths_walk(void)
{
	const long most = search.options.executions_max;
	struct model_result *result = &search.result;

	do {
		if (result->executions + result->pruned == most) {
			result->verdict = MODEL_CAPPED;
			snprintf(result->message, sizeof result->message,
					"capped at %ld executions", most);
			return;
		}
		execution_run();
	} while (result->verdict == MODEL_PASSED && !search.replaying && path_advance());
}

/* Runs the path that failed once more, aloud. */
static void failure_tell(void)
{
	const struct model_result failure = search.result;

	fprintf(stderr, "model: %s: %s\n", search.name ? search.name : "?", failure.message);
	search.telling = true;
	execution_run();
	search.telling = false;
	fprintf(stderr, "  %s\n", search.result.message);
	path_print();
	search.result = failure;
}

/* A trap or a wild pointer of the code under test is a failure like others. */
static const int caught[] = { SIGABRT, SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE };
enum { CAUGHT = sizeof caught / sizeof caught[0] };

static void signals_catch(struct sigaction *before)
{
	struct sigaction action = { .sa_flags = SA_NODEFER };

	action.sa_handler = on_signal;
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &action, &before[i]);
}

static void signals_restore(const struct sigaction *before)
{
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &before[i], NULL);
}

static double milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void search_init(const char *name, void (*body)(void), const struct model_options *options)
{
	search.name = name;
	search.body = body;
	search.options = *options;
	if (!search.options.steps_max)
		search.options.steps_max = 2000;
	if (!search.options.executions_max)
		search.options.executions_max = 2000000;
	search.result = (struct model_result){ .message = "no failure" };
	memset(search.path, 0, sizeof search.path);
	path_read(getenv("WEFT_MODEL_SCHEDULE"));
	model__stacks_make();
}

struct model_result model_explore(
		const char *name, void (*body)(void), struct model_options options)
{
	static const char *const words[] = { "passed", "CAPPED", "check failed", "data race",
		"use after free", "deadlock", "endless", "misuse" };
	const double started = milliseconds_now();
	struct sigaction before[CAUGHT];
	const struct model_result *result = &search.result;

	search_init(name, body, &options);
	signals_catch(before);
	paths_walk();
	if (name)
		printf("model: %-44s %-14s %8ld executions, %7ld pruned, %8.1f ms\n", name,
				words[result->verdict], result->executions, result->pruned,
				milliseconds_now() - started);
	fflush(stdout);
	if (search.replaying || (result->verdict > MODEL_CAPPED && !options.failure_is_expected))
		failure_tell();
	signals_restore(before);
	return *result;
}
