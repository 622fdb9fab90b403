/* SPDX-License-Identifier: MIT */
/*
 * weft/async.h: the language: async, await, defer, and what takes a call as its argument. Include it last.
 *
 *     #include <weft.h>
 *     #include <weft/async.h>
 *
 *     static async int greet(const char *name)
 *     {
 *             weft_try(await weft_sleep(WEFT_SECONDS(1)));
 *             printf("hello, %s\n", name);
 *             return 0;
 *     }
 *
 * weftcc compiles it; for every other compiler and for editors the same text is ordinary C, with the
 * types that it will have, which may be looked at but not linked.
 *
 * A branch is `call` or `lvalue = call`, where call is one of an async function. Its arguments and the
 * address of its lvalue are evaluated before any branch starts, from left to right; the lvalue is
 * assigned when the built-in completes. There may be 64 of them.
 *
 *     await weft_join(branch, ...)              all have ended
 *     await weft_try_join(branch, ...)          0: all have ended; else the first result below 0, and the
 *                                               others have been cancelled and have unwound
 *     await weft_select(branch, ...)            the index of the first to end; the others have unwound.
 *                                               -ECANCELED: so have all, since we are being cancelled.
 *                                               It starts with any of them, drawn by the seed
 *     await weft_select_biased(branch, ...)     the same, always beginning with the first
 *         weft_when(condition, branch)          there: a branch that takes part if the condition holds;
 *                                               -EINVAL if none does
 *     await weft_timeout(ns, branch)            the int result of the call (0 for void, and with an
 *     await weft_deadline(at_ns, branch)        lvalue), or -ETIME
 *     await weft_shield(ns, branch)             as weft_timeout, but what cancels us does not reach it
 *     await weft_with(&local, branch)           as the branch, with a value bound (weft/local.h)
 *     lvalue = await weft_blocking(call)        a call of a plain function, on the blocking pool
 *     weft_spawn(call)                          a new task, to be joined or detached. NULL: there is none,
 *                                               and what was to be its arguments is still yours
 *     weft_spawn_on(runtime, call)              the same on a given runtime, from any thread
 *     weft_spawn_detached(call)                 0 or a negative errno
 *     weft_future(f) x;                         a variable for a call of f, which gives a number, void, or
 *                                               a pointer to char or void
 *     weft_future(f(1)) x;                      the same for any result; the call is not evaluated.
 *                                               Through a pointer: for all functions of the type
 *         weft_start(x, f(1));                  its arguments are evaluated, nothing runs
 *         n = await x;                          runs it, gives its result; x may be started again
 *         weft_cancel(x);                       asks it to end; it ends at the latest with x's block
 *         x, n = x                              are branches, too; whoever won, x has ended
 *     weft_run(call)                            from plain code: a runtime that lasts for this call
 *     weft_scope (s) { weft_spawn_in(&s, call); }   tasks that end before the block is left; on another
 *                                               runtime: weft_spawn_in_on(&s, runtime, call)
 *     weft_set_push(&set, branch)               a future in a set (weft/set.h): 0 or a negative errno; its
 *                                               lvalue has the result's type, and is assigned when it ends
 *     weft_cancelled()                          whether this function is being cancelled
 *     weft_clock()                              the runtime's clock: monotonic nanoseconds, or virtual
 *     defer statement                           runs when the enclosing block is left (ISO TS 25755)
 *     weft_try(value)                           returns the value from this function if it is below 0
 */
#ifndef WEFT_ASYNC_H
#define WEFT_ASYNC_H

#include <weft/main.h>
#include <weft/branches.h>
#include <weft/guard.h>
#include <weft/local.h>
#include <weft/runtime.h>
#include <weft/scope.h>
#include <weft/semaphore.h>
#include <weft/set.h>

/* In these something is called async; so weft.h may stand after this header as well. */
#include <weft/combine.h>
#include <weft/join_all.h>
#include <weft/shared.h>

/* Marks of functions, for weftcc's warnings: `static async WEFT_CANCEL_SAFE int f(void)` may be cancelled
 * anywhere without losing anything; a plain WEFT_BLOCKING function is to be called by weft_blocking. */
#if defined(__WEFTCC__)
#define WEFT_CANCEL_SAFE __attribute__((annotate("weft_cancel_safe")))
#define WEFT_BLOCKING __attribute__((annotate("weft_blocking")))
#else
#define WEFT_CANCEL_SAFE
#define WEFT_BLOCKING
#endif

/* weftcc knows these itself. For others: no more than their places in the grammar. What is deferred does
 * not run where it stands, so it is not reached there. */
#if !defined(__WEFTCC__)
#define _Async
#define _Await
#ifndef __STDC_DEFER_TS25755__
#define _Defer while ((weft_needs_weftcc(), 0))
#endif
#endif
#define async _Async
#define await _Await
#define defer _Defer

WEFT_BEGIN_DECLS

/* What the macros below stand for: weftcc knows them by name, nobody defines them. */
void weft_needs_weftcc(void) WEFT_ONLY_WEFTCC;
int weft_join_(int branch, ...) WEFT_ONLY_WEFTCC;
int weft_try_join_(int branch, ...) WEFT_ONLY_WEFTCC;
int weft_select_(int branch, ...) WEFT_ONLY_WEFTCC;
int weft_select_biased_(int branch, ...) WEFT_ONLY_WEFTCC;
int weft_when_(bool condition, int branch) WEFT_ONLY_WEFTCC;
int weft_timeout_(int64_t timeout_ns, int branch) WEFT_ONLY_WEFTCC;
int weft_deadline_(int64_t deadline_ns, int branch) WEFT_ONLY_WEFTCC;
int weft_shield_(int64_t timeout_ns, int branch) WEFT_ONLY_WEFTCC;
int weft_with_(struct weft_local *local, int branch) WEFT_ONLY_WEFTCC;
struct weft_task *weft_spawn_(int call) WEFT_ONLY_WEFTCC;
struct weft_task *weft_spawn_local_(int call) WEFT_ONLY_WEFTCC;
struct weft_task *weft_spawn_on_(struct weft_runtime *runtime, int call) WEFT_ONLY_WEFTCC;
int weft_spawn_detached_(int call) WEFT_ONLY_WEFTCC;
int weft_spawn_in_(struct weft_scope *scope, int call) WEFT_ONLY_WEFTCC;
int weft_spawn_in_on_(
		struct weft_scope *scope, struct weft_runtime *runtime, int call) WEFT_ONLY_WEFTCC;
int weft_set_push_(struct weft_set *set, int branch) WEFT_ONLY_WEFTCC;
int weft_blocking_(void) WEFT_ONLY_WEFTCC;
int weft_run_(void) WEFT_ONLY_WEFTCC;
void weft_future_of_(void) WEFT_ONLY_WEFTCC;
void weft_start_(__volatile__ void *future, int call) WEFT_ONLY_WEFTCC;
void weft_cancel_(__volatile__ void *future) WEFT_ONLY_WEFTCC;
bool weft_cancelled_here_(void) WEFT_ONLY_WEFTCC;
int64_t weft_now_here_(void) WEFT_ONLY_WEFTCC;

/* Functions of whatever parameters, apart from char, short, bool and float. */
#if defined(__WEFTCC__)
#define WEFT_GIVES_VOID_ async void (*)()
#define WEFT_GIVES_BOOL_ async bool (*)()
#define WEFT_GIVES_CHAR_ async char (*)()
#define WEFT_GIVES_SIGNED_CHAR_ async signed char (*)()
#define WEFT_GIVES_UNSIGNED_CHAR_ async unsigned char (*)()
#define WEFT_GIVES_SHORT_ async short (*)()
#define WEFT_GIVES_UNSIGNED_SHORT_ async unsigned short (*)()
#define WEFT_GIVES_INT_ async int (*)()
#define WEFT_GIVES_UNSIGNED_ async unsigned (*)()
#define WEFT_GIVES_UNSIGNED_LONG_ async unsigned long (*)()
#define WEFT_GIVES_LONG_LONG_ async long long (*)()
#define WEFT_GIVES_UNSIGNED_LONG_LONG_ async unsigned long long (*)()
#define WEFT_GIVES_FLOAT_ async float (*)()
#define WEFT_GIVES_DOUBLE_ async double (*)()
#define WEFT_GIVES_LONG_DOUBLE_ async long double (*)()
#define WEFT_GIVES_POINTER_ async void *(*)()
#define WEFT_GIVES_CONST_POINTER_ async const void *(*)()
#define WEFT_GIVES_TEXT_ async char *(*)()
#define WEFT_GIVES_CONST_TEXT_ async const char *(*)()
#else
#if defined(__GNUC__) && !defined(__cplusplus)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#endif
typedef void (*WEFT_GIVES_VOID_)();
typedef bool (*WEFT_GIVES_BOOL_)();
typedef char (*WEFT_GIVES_CHAR_)();
typedef signed char (*WEFT_GIVES_SIGNED_CHAR_)();
typedef unsigned char (*WEFT_GIVES_UNSIGNED_CHAR_)();
typedef short (*WEFT_GIVES_SHORT_)();
typedef unsigned short (*WEFT_GIVES_UNSIGNED_SHORT_)();
typedef int (*WEFT_GIVES_INT_)();
typedef unsigned (*WEFT_GIVES_UNSIGNED_)();
typedef unsigned long (*WEFT_GIVES_UNSIGNED_LONG_)();
typedef long long (*WEFT_GIVES_LONG_LONG_)();
typedef unsigned long long (*WEFT_GIVES_UNSIGNED_LONG_LONG_)();
typedef float (*WEFT_GIVES_FLOAT_)();
typedef double (*WEFT_GIVES_DOUBLE_)();
typedef long double (*WEFT_GIVES_LONG_DOUBLE_)();
typedef void *(*WEFT_GIVES_POINTER_)();
typedef const void *(*WEFT_GIVES_CONST_POINTER_)();
typedef char *(*WEFT_GIVES_TEXT_)();
typedef const char *(*WEFT_GIVES_CONST_TEXT_)();
#if defined(__GNUC__) && !defined(__cplusplus)
#pragma GCC diagnostic pop
#endif
#endif

WEFT_END_DECLS

#define weft_join(...) weft_join_(WEFT_BRANCHES_(__VA_ARGS__))
#define weft_try_join(...) weft_try_join_(WEFT_BRANCHES_(__VA_ARGS__))
#define weft_select(...) weft_select_(WEFT_BRANCHES_(__VA_ARGS__))
#define weft_select_biased(...) weft_select_biased_(WEFT_BRANCHES_(__VA_ARGS__))
#define weft_when(condition, branch) weft_when_((condition) ? true : false, WEFT_BRANCH_(branch))
#define weft_timeout(timeout_ns, branch) weft_timeout_(timeout_ns, WEFT_BRANCH_(branch))
#define weft_deadline(deadline_ns, branch) weft_deadline_(deadline_ns, WEFT_BRANCH_(branch))
#define weft_shield(timeout_ns, branch) weft_shield_(timeout_ns, WEFT_BRANCH_(branch))
#define weft_with(local, branch) weft_with_(local, WEFT_BRANCH_(branch))
#define weft_spawn(call) weft_spawn_(WEFT_BRANCH_(call))
#define weft_spawn_local(call) weft_spawn_local_(WEFT_BRANCH_(call))
#define weft_spawn_on(runtime, call) weft_spawn_on_(runtime, WEFT_BRANCH_(call))
#define weft_spawn_detached(call) weft_spawn_detached_(WEFT_BRANCH_(call))
#define weft_spawn_in(scope, call) weft_spawn_in_(scope, WEFT_BRANCH_(call))
#define weft_spawn_in_on(scope, runtime, call) weft_spawn_in_on_(scope, runtime, WEFT_BRANCH_(call))
#define weft_set_push(set, branch) weft_set_push_(set, WEFT_BRANCH_(branch))
#define weft_blocking(call) ((void)weft_blocking_(), (call))
#define weft_run(call) ((void)weft_run_(), (call))
/* clang-format off */
/* What a call gives, or a function: C tells that of a call, and of a name if it is one of these. */
#define WEFT_RESULT_OF_(what)                                                                      \
	__typeof__(__builtin_choose_expr(                                                          \
		__builtin_types_compatible_p(__typeof__(what), __typeof__((void)0, (what))),       \
		(what),                                                                            \
		_Generic((what), WEFT_GIVES_VOID_: (void)0,                                        \
			WEFT_GIVES_BOOL_: (bool)0, WEFT_GIVES_CHAR_: (char)0,                      \
			WEFT_GIVES_SIGNED_CHAR_: (signed char)0,                                   \
			WEFT_GIVES_UNSIGNED_CHAR_: (unsigned char)0,                               \
			WEFT_GIVES_SHORT_: (short)0,                                               \
			WEFT_GIVES_UNSIGNED_SHORT_: (unsigned short)0, WEFT_GIVES_INT_: 0,         \
			WEFT_GIVES_UNSIGNED_: 0u, WEFT_GIVES_UNSIGNED_LONG_: 0ul,                  \
			WEFT_GIVES_LONG_LONG_: 0ll, WEFT_GIVES_UNSIGNED_LONG_LONG_: 0ull,          \
			WEFT_GIVES_FLOAT_: 0.0f, WEFT_GIVES_DOUBLE_: 0.0,                          \
			WEFT_GIVES_LONG_DOUBLE_: 0.0l, WEFT_GIVES_POINTER_: (void *)0,             \
			WEFT_GIVES_CONST_POINTER_: (const void *)0, WEFT_GIVES_TEXT_: (char *)0,   \
			WEFT_GIVES_CONST_TEXT_: (const char *)0, default: 0l)))
/* To await it has an effect, whatever it looks like; structs do without, as their arrays would show it. */
#define weft_future(what)                                                                          \
	__typeof__(*((void)weft_future_of_(),                                                      \
		_Generic((WEFT_RESULT_OF_(what) *)0, void *: (__volatile__ int *)0,                \
			default: __builtin_choose_expr(                                            \
				__builtin_classify_type(*_Generic((WEFT_RESULT_OF_(what) *)0,      \
					void *: (int *)0, default: (WEFT_RESULT_OF_(what) *)0)) < 12, \
				(__volatile__ WEFT_RESULT_OF_(what) *)0,                           \
				(WEFT_RESULT_OF_(what) *)0))))
/* clang-format on */
#define weft_start(future, call) weft_start_(&(future), WEFT_BRANCH_(call))
#define weft_cancel(future) weft_cancel_(&(future))
#define weft_cancelled() weft_cancelled_here_()
#define weft_clock() weft_now_here_()

/* Leaving the block, in whatever way, cancels nothing and awaits the tasks that were spawned in it.
 * The first that fails cancels the others, unless weft_scope_keep_going(&name) says not to. */
#define weft_scope(name)                                                                           \
	for (struct weft_scope name = WEFT_SCOPE_INIT, *weft_scope_of_##name = &name;              \
			weft_scope_of_##name; weft_scope_of_##name = NULL)

/* The block has permits of the semaphore, and releases them when it is left, in whatever way. If they are
 * not to be had, the function returns why, as by weft_try. In checked builds the block's end tells who has
 * released them before. */
#define weft_with_permits(semaphore, count) WEFT_WITH_PERMITS_1_(semaphore, count, __LINE__)
#define WEFT_WITH_PERMITS_1_(semaphore, count, line) WEFT_WITH_PERMITS_2_(semaphore, count, line)
#define WEFT_WITH_PERMITS_2_(from, wanted, line)                                                   \
	for (struct weft_permits_ weft_permits_##line##_ __attribute__((                           \
			     cleanup(weft_permits_leave_))) = { (from), (wanted), false };         \
			!weft_permits_##line##_.held && (__extension__({                           \
				weft_try(_Await weft_semaphore_acquire(                            \
						weft_permits_##line##_.semaphore,                  \
						weft_permits_##line##_.count));                    \
				weft_permits_##line##_.held = true;                                \
			}));)

#define weft_try(value)                                                                            \
	do {                                                                                       \
		long weft_error_ = (value);                                                        \
		if (weft_error_ < 0)                                                               \
			return (int)weft_error_;                                                   \
	} while (0)

#endif
