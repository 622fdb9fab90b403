/* SPDX-License-Identifier: MIT */
/*
 * weft/signal.h: signals as something to wait for.
 *
 *     static const int ending[] = { SIGINT, SIGTERM };
 *     int err = weft_signals_open(&signals, ending, 2);
 *
 *     weft_await(f, f->wait, weft_signals_wait, f->signals, &f->signo);
 *     weft_signals_close(f->signals);
 *
 * Every open set hears of every delivery; deliveries of one signal that nobody waited for meanwhile count
 * as one. The first set of a signal installs a handler, and it stays: after the last close the signal is
 * ignored by the handler, not deadly again.
 *
 * Memory:  a small copyable handle.
 * Threads: any task, any thread; one waiting task per set.
 */
#ifndef WEFT_SIGNAL_H
#define WEFT_SIGNAL_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft__source;

struct weft_signals {
	struct weft__source *source; /* private */
	uint32_t generation;
	uint32_t slot;
};

enum {
	WEFT_SIGNAL_SETS_MAX = 64 /* open at once in a process */
};

/* Starts to listen for `count` signals, inside a runtime. -ENXIO outside; -EINVAL: a signal that cannot be
 * caught; -ENOTSUP: on the simulated poller, which hears of nothing outside; -EMFILE: WEFT_SIGNAL_SETS_MAX
 * sets, or no descriptor, are left. */
WEFT_NODISCARD int weft_signals_open(struct weft_signals *signals, const int *signos, int count);

/* Stops listening; a waiting task gets -EBADF. -EBADF if closed already. */
int weft_signals_close(struct weft_signals signals);

/* async int weft_signals_wait(signals, &signo): 0 and the lowest of the signals that have arrived. -EBADF,
 * -EBUSY, -ECANCELED (no delivery is lost). */
WEFT_ASYNC_2(int, weft_signals_wait, struct weft_signals, int *);

struct weft_signals_wait__frame {
	struct weft_signals_wait__args args;
};

WEFT_END_DECLS

#endif
