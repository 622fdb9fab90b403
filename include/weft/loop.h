/* SPDX-License-Identifier: MIT */
/*
 * weft/loop.h: the smallest executor: your memory, no thread, no malloc, no operating system.
 *
 *     static struct weft_loop loop;                                  // all zero: empty
 *     static WEFT_LOOP_TASK(blink_storage, struct blink__frame);     // room for one task
 *
 *     blink__init(&args, LED_GREEN);
 *     task = weft_loop_spawn(&loop, &blink_storage, sizeof blink_storage, &blink__async, &args);
 *     while (weft_loop_run_until_stalled(&loop) > 0)
 *             sleep_until_interrupt(&loop);
 *
 * Sleeping: mask interrupts, and wait for one only if weft_loop_has_work is still false; or let
 * on_wake give a token (an eventfd, a semaphore) and wait for that.
 *
 * Memory:  a task lives in storage of yours, all zero at first, which must outlive its wakers. It
 *          can take the next task when this one has ended and no owned waker of it is left.
 * Threads: a loop has a home, one thread or the main program of a bare machine, and everything
 *          here is the home's, but for weft_loop_cancel and wakers: any thread, any interrupt
 *          handler.
 */
#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft_task;
struct weft_loop_task;

struct weft_loop {
	/* NULL, or called by whoever gives an idle loop something to do, on that thread */
	void (*on_wake)(struct weft_loop *loop);
	struct weft_task *inbox; /* private from here on */
	void *spare_frames;
	size_t spare_bytes;
	size_t alive;
};

enum {
	WEFT_LOOP_TASK_BYTES = 64 /* in front of the frame */
};

/* Declares storage for one task whose frame is a `frame_type`, or smaller. */
#define WEFT_LOOP_TASK(name, frame_type)                                                           \
	struct {                                                                                   \
		unsigned char bytes[WEFT_LOOP_TASK_BYTES + sizeof(frame_type)];                    \
	} __attribute__((aligned(16))) name

/* Declares room for `count` frames of their own, each a `frame_type`, or smaller. */
#define WEFT_LOOP_FRAMES(name, count, frame_type)                                                  \
	struct {                                                                                   \
		unsigned char bytes[count][(sizeof(frame_type) + 31) / 16 * 16];                   \
	} __attribute__((aligned(16))) name

/* Makes a task in `storage` (aligned to 16) and queues it; the arguments are copied. NULL: the
 * storage is too small or still in use, and the arguments are still yours. */
WEFT_NODISCARD struct weft_loop_task *weft_loop_spawn(struct weft_loop *loop, void *storage,
		size_t storage_bytes, const struct weft_async *async, const void *args);

/* Lends memory for frames of their own, those of async functions that are recursive or called
 * through a pointer:
 *
 *     static WEFT_LOOP_FRAMES(frames, 8, struct walk__frame);
 *     weft_loop_lend_frames(&loop, frames.bytes, 8, sizeof frames.bytes[0]);
 *
 * Without, or when all are in use, such an await gives WEFT_ENOMEM. More can be lent later, of the
 * same size; none is given back. */
void weft_loop_lend_frames(struct weft_loop *loop, void *frames, size_t count, size_t bytes_each);

/* Polls every task that is queued now, once, in order. Returns how many tasks are alive. */
size_t weft_loop_run_once(struct weft_loop *loop);

/* Polls until nothing is queued: for ever, if a task yields for ever. Returns how many live. */
size_t weft_loop_run_until_stalled(struct weft_loop *loop);

/* Whether something is queued. */
bool weft_loop_has_work(const struct weft_loop *loop);

/* Asks the task to end; its pending leaf gives -ECANCELED. Any thread, and only as long as the
 * storage holds this task. */
void weft_loop_cancel(struct weft_loop_task *task);

/* Where the result is, or NULL while the task is alive. Good until the storage takes another. */
const void *weft_loop_result(const struct weft_loop_task *task);

WEFT_END_DECLS

#endif
