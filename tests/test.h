/* SPDX-License-Identifier: MIT */
/*
 * tests/test.h: a test is a function that registers itself.
 *
 *     TEST(timer_stop_guarantees_no_later_callback)
 *     {
 *             CHECK(weft_timer_stop(&timer) == 0);
 *             CHECK_EQ(probe.wakes, 1);
 *     }
 *
 * Running:  the program runs all its tests in the order of the file; arguments
 *           select those whose name contains one of them. `-l` lists them.
 * Threads:  a check that fails on another thread, or in a forked child, ends
 *           that process at once: there is nothing to jump back to.
 */
#ifndef WEFT_TESTS_TEST_H
#define WEFT_TESTS_TEST_H

struct test_case {
	const char *name;
	void (*body)(void);
	struct test_case *next; /* private from here on */
	int outcome;
};

#define TEST(name)                                                                                 \
	static void name(void);                                                                    \
	__attribute__((constructor)) static void name##_register(void)                             \
	{                                                                                          \
		static struct test_case test_case = { #name, name, 0, 0 };                         \
		test_register(&test_case);                                                         \
	}                                                                                          \
	static void name(void)

/* Fails the test unless `expr` is true. */
#define CHECK(expr) ((expr) ? (void)0 : test_fail(__FILE__, __LINE__, "%s", #expr))

/* Fails the test unless two integers are equal, and prints both. */
#define CHECK_EQ(a, b) test_check_eq(__FILE__, __LINE__, #a, (long long)(a), #b, (long long)(b))

/* Fails the test unless `statement`, run in a forked child, aborts. */
#define CHECK_ABORTS(statement)                                                                    \
	do {                                                                                       \
		int test_child = test_fork(__FILE__, __LINE__);                                    \
		if (test_child == 0) {                                                             \
			statement;                                                                 \
			test_child_exit();                                                         \
		}                                                                                  \
		test_check_aborted(__FILE__, __LINE__, #statement, test_child);                    \
	} while (0)

/* The same, and what it says on stderr contains `text`. */
#define CHECK_ABORTS_SAYING(text, statement)                                                       \
	do {                                                                                       \
		int test_heard = test_listen(__FILE__, __LINE__);                                  \
		CHECK_ABORTS(test_speak_into(test_heard); statement);                              \
		test_check_heard(__FILE__, __LINE__, test_heard, text);                            \
	} while (0)

/* How many sequences of `steps` calls there are, each of one of `operations`: a number below that, digit by
 * digit to that base, is one of them. */
static inline int test_orders(int operations, int steps)
{
	int orders = 1;

	for (int i = 0; i < steps; i++)
		orders *= operations;
	return orders;
}

/* From an order to the next that is tried: all are, but where that takes minutes (valgrind, TSan). 17 is no
 * factor of any number of operations, so that each comes at each step. */
#if WEFT_TEST_SLOWDOWN > 3
#define ORDER_STRIDE 17
#else
#define ORDER_STRIDE 1
#endif

/* Ends the test without an outcome. The program exits with 77 if all its tests did. */
#define SKIP(reason) test_skip(__FILE__, __LINE__, reason)

/* Whether the program runs on valgrind, which plays some of the kernel's parts itself. */
int test_on_valgrind(void);

void test_register(struct test_case *test_case);
void test_check_eq(const char *file, int line, const char *a_text, long long a, const char *b_text,
		long long b);
int test_fork(const char *file, int line);
void test_check_aborted(const char *file, int line, const char *text, int child);
_Noreturn void test_child_exit(void);
int test_listen(const char *file, int line);
void test_speak_into(int heard);
void test_check_heard(const char *file, int line, int heard, const char *text);
_Noreturn void test_skip(const char *file, int line, const char *reason);
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

#endif
