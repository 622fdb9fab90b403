/* SPDX-License-Identifier: MIT */
/*
 * weft/main.h: from plain code into async code: main, and a call that brings its own runtime.
 *
 *     int main(int argc, char **argv)                  // what weftcc makes of `async int main(...)`
 *     {
 *             struct main__args args;
 *
 *             main__init(&args, argc, argv);
 *             return weft_async_main(&main__async, &args);
 *     }
 *
 * Memory:  arguments are copied; a result goes to the caller's memory.
 * Threads: any thread that runs no runtime.
 */
#ifndef WEFT_MAIN_H
#define WEFT_MAIN_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

/* Runs `async` on a runtime of the default kind (weft/runtime.h: multi-thread; WEFT_WORKERS,
 * WEFT_POLLER, WEFT_SEED) and returns the exit status of the process. When it has ended, tasks that
 * still run are cancelled and have 5 s to unwind; those that do not are reported on stderr.
 *
 * The status is the int result, 0 if the result is not an int. A result below 0 is a negative errno: it
 * is said on stderr, as by weft_report, and the status is EXIT_FAILURE; so it is when there can be no
 * runtime. Signals: workers block SIGPIPE and all asynchronous ones; the calling thread only waits, and
 * its mask and the process's dispositions stay as they are. */
WEFT_NODISCARD int weft_async_main(const struct weft_async *async, const void *args);

/* Runs `async` to its end on a current-thread runtime that lasts for the call, and copies its result to
 * *result (may be NULL). Tasks that it leaves behind are cancelled and have 5 s to unwind. Whoever wants
 * workers makes a runtime. Returns 0, -EDEADLK on a thread that runs a runtime already (use await
 * there), -ENOMEM, -EMFILE or what else weft_runtime_create gives. */
WEFT_NODISCARD int weft_run_async(const struct weft_async *async, const void *args, void *result);

/* What generated code does about an error of weft_run_async, whose caller has no way to know of it:
 * aborts with a message. */
WEFT_NORETURN void weft_run_failed(int err, const struct weft_async *async);

/* Ends a main: `return weft_report(err, "echo");`. err < 0, a negative errno: prints "echo: " and what
 * it means on stderr, and returns EXIT_FAILURE. Else prints nothing and returns EXIT_SUCCESS. */
int weft_report(int err, const char *what);

WEFT_END_DECLS

#endif
