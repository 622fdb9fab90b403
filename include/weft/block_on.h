/* SPDX-License-Identifier: MIT */
/*
 * weft/block_on.h: a thread without a runtime waits for what tasks wait for.
 *
 *     struct weft_semaphore_acquire__frame acquire;
 *
 *     weft_semaphore_acquire__init(&acquire.args, &connections, 1);
 *     err = weft_block_on(&weft_semaphore_acquire__async, &acquire, WEFT_NEVER);
 *     if (!err)
 *             err = acquire.args.result;
 *
 * Channels have calls that do this: weft_channel_recv_blocking and the like. For what needs a runtime
 * (time, sockets, functions of your own) there is weft_run_async.
 */
#ifndef WEFT_BLOCK_ON_H
#define WEFT_BLOCK_ON_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

/* Polls a leaf of the headers that include weft/waiter.h to its end, and blocks the thread in between; no
 * allocation. The frame, with its arguments, is yours, and so is its result. 0; -ETIME: the deadline
 * (monotonic nanoseconds; WEFT_NEVER) passed, and the leaf ended with -ECANCELED; -EDEADLK, and nothing
 * has happened: this thread runs a runtime, whose tasks would wait, too; use await. */
WEFT_NODISCARD int weft_block_on(const struct weft_async *async, void *frame, int64_t deadline_ns);

WEFT_END_DECLS

#endif
