/* SPDX-License-Identifier: MIT */
/*
 * tests/test_main.c: runs the tests of one program and counts them.
 *
 * How         Constructors put the tests in a list. cmocka runs each of them inside
 *             run_case; with WEFT_NO_CMOCKA, where it is not to be had, a setjmp does.
 * Order       [O1] an outcome is FAILED until the body returns or skips, so that no
 *             way out of a test, by cmocka's hand or ours, counts as passed.
 * Output      The last line is `# N passed, N failed, N skipped`; tools/test.sh adds
 *             those up. The exit code is 0, 1, or 77 if everything was skipped.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef WEFT_NO_CMOCKA
#include <cmocka.h>
#endif

#include "test.h"

enum { CASE_NOT_SELECTED, CASE_FAILED, CASE_PASSED, CASE_SKIPPED, CASE_OUTCOMES };

static struct test_case *first_case;
static struct test_case **last_link = &first_case;
static struct test_case *running_case;
static pthread_t main_thread;
static pid_t main_process;

void test_register(struct test_case *test_case)
{
	*last_link = test_case;
	last_link = &test_case->next;
}

static void run_case(struct test_case *test_case)
{
	running_case = test_case;
	test_case->outcome = CASE_FAILED; /* [O1] */
	test_case->body();
	test_case->outcome = CASE_PASSED;
}

#ifdef WEFT_NO_CMOCKA

static jmp_buf leave_case;

static void run_selected(int count)
{
	static const char *const words[] = { "", "  FAILED", "      OK", " SKIPPED" };

	printf("[==========] Running %d test(s).\n", count);
	for (struct test_case *test_case = first_case; test_case; test_case = test_case->next)
		if (test_case->outcome != CASE_NOT_SELECTED) {
			printf("[ RUN      ] %s\n", test_case->name);
			fflush(stdout);
			if (setjmp(leave_case) == 0)
				run_case(test_case);
			test_case = running_case; /* its register may be lost by the jump */
			printf("[ %s ] %s\n", words[test_case->outcome], test_case->name);
		}
}

static _Noreturn void leave_running_case(const char *file, int line)
{
	(void)file;
	(void)line;
	longjmp(leave_case, 1);
}

#else

static void run_for_cmocka(void **state)
{
	run_case(*state);
}

static void run_selected(int count)
{
	struct CMUnitTest *tests = calloc((size_t)count, sizeof *tests);
	struct test_case *test_case = first_case;

	if (!tests)
		abort();
	for (int i = 0; i < count; test_case = test_case->next)
		if (test_case->outcome != CASE_NOT_SELECTED)
			tests[i++] = (struct CMUnitTest){ .name = test_case->name,
				.test_func = run_for_cmocka,
				.initial_state = test_case };
	_cmocka_run_group_tests("tests", tests, (size_t)count, NULL, NULL);
	free(tests);
}

static _Noreturn void leave_running_case(const char *file, int line)
{
	if (running_case->outcome == CASE_SKIPPED)
		_skip(file, line);
	_fail(file, line);
	abort(); /* not reached: both jump */
}

#endif

/* Jumps out of the running test, or ends the process that cannot. */
static _Noreturn void leave(const char *file, int line)
{
	fflush(NULL);
	if (getpid() != main_process || !pthread_equal(pthread_self(), main_thread))
		_exit(1);
	leave_running_case(file, line);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s:%d: %s: check failed: ", file, line, running_case->name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	leave(file, line);
}

void test_skip(const char *file, int line, const char *reason)
{
	fprintf(stderr, "%s:%d: %s: skipped: %s\n", file, line, running_case->name, reason);
	running_case->outcome = CASE_SKIPPED;
	leave(file, line);
}

void test_check_eq(const char *file, int line, const char *a_text, long long a, const char *b_text,
		long long b)
{
	if (a != b)
		test_fail(file, line, "%s == %s, that is %lld == %lld", a_text, b_text, a, b);
}

int test_on_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

int test_fork(const char *file, int line)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		test_fail(file, line, "fork");
	if (child == 0)
		signal(SIGABRT, SIG_DFL);
	return child;
}

void test_child_exit(void)
{
	_exit(0);
}

void test_check_aborted(const char *file, int line, const char *text, int child)
{
	int status = 0;

	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
			WTERMSIG(status) != SIGABRT)
		test_fail(file, line, "%s aborts; wait status 0x%x", text, (unsigned)status);
}

int test_listen(const char *file, int line)
{
	int heard = memfd_create("heard", MFD_CLOEXEC);

	if (heard < 0)
		test_fail(file, line, "memfd_create");
	return heard;
}

void test_speak_into(int heard)
{
	if (dup2(heard, STDERR_FILENO) < 0)
		_exit(1);
}

void test_check_heard(const char *file, int line, int heard, const char *text)
{
	char said[1000];
	ssize_t length = pread(heard, said, sizeof said - 1, 0);

	close(heard);
	said[length > 0 ? length : 0] = '\0';
	if (!strstr(said, text))
		test_fail(file, line, "it says \"%s\", not \"%s\"", text, said);
}

static int is_selected(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return 1;
	return argc < 2;
}

/* Returns how many tests the arguments select; none is a mistake, unless there are none at all. */
static int select_cases(int argc, char **argv)
{
	int count = 0;

	for (struct test_case *test_case = first_case; test_case; test_case = test_case->next) {
		if (!is_selected(test_case->name, argc, argv))
			continue;
		test_case->outcome = CASE_FAILED;
		count++;
	}
	return count;
}

static void list_cases(void)
{
	for (struct test_case *test_case = first_case; test_case; test_case = test_case->next)
		puts(test_case->name);
}

static int report(void)
{
	int count[CASE_OUTCOMES] = { 0 };

	for (struct test_case *test_case = first_case; test_case; test_case = test_case->next)
		count[test_case->outcome]++;
	fflush(NULL);
	printf("# %d passed, %d failed, %d skipped\n", count[CASE_PASSED], count[CASE_FAILED],
			count[CASE_SKIPPED]);
	if (count[CASE_FAILED])
		return 1;
	return count[CASE_PASSED] ? 0 : 77;
}

int main(int argc, char **argv)
{
	int count;

	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		list_cases();
		return 0;
	}
	main_thread = pthread_self();
	main_process = getpid();
	count = select_cases(argc, argv);
	if (!count) {
		fprintf(stderr, "%s: no test has such a name; -l lists them\n", argv[0]);
		return 1;
	}
	run_selected(count);
	return report();
}
