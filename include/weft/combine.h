/* SPDX-License-Identifier: MIT */
/*
 * weft/combine.h: a future made of another one, for code written by hand.
 *
 *     static int in_kib(void *unused, const void *result)
 *     {
 *             const ssize_t *bytes = result;
 *
 *             return *bytes < 0 ? (int)*bytes : (int)(*bytes / 1024);
 *     }
 *     ...
 *     weft_map__init(&f->map.args, &fetch__async, &f->fetch, in_kib, NULL);
 *     weft_set_add(&f->set, &f->child, &weft_map__async, &f->map);     // or await it, or a branch
 *
 * In async C a function does that, and is easier to read. To catch errors is to map them: the function
 * sees every result, also those below 0. A future that is polled after its end ("fused") is a branch
 * (weft/branch.h), whose poll stays READY.
 *
 * Memory:  frames are the caller's; nothing allocates.
 * Threads: whoever polls the function around.
 *
 * Rust's FutureExt has these, and many more that a C function says as well.
 */
#ifndef WEFT_COMBINE_H
#define WEFT_COMBINE_H

#include <weft/branch.h>

WEFT_BEGIN_DECLS

/* What to make of a result, which is of the type that the future's function gives. */
typedef int (*weft_map_fn)(void *data, const void *result);

/* async int weft_map(async, frame, map, data): runs the future in `frame`, which is of type `async` and
 * has been initialised, and gives map(data, its result). Cancelling it cancels the future. */
WEFT_ASYNC_4(int, weft_map, const struct weft_async *, void *, weft_map_fn, void *);

struct weft_map__frame {
	struct weft_map__args args;
	struct weft_branch branch; /* private */
};

/* What comes after a future. */
struct weft_continuation {
	const struct weft_async *async;
	void *frame; /* of that type; it may lie where the first one's frame is */
	/* Sees the first result, and initialises the frame. Gives 0; anything else is the end, and the
	 * result of all. */
	weft_map_fn prepare;
	void *data;
};

/* async int weft_then(async, frame, next): runs the future in `frame`; when that has ended, what comes
 * after it, and gives that one's result, if it is an int or ssize_t, else 0. `next` is borrowed until the
 * end. Cancelling it cancels the one that runs; the next is prepared all the same, and runs cancelled. */
WEFT_ASYNC_3(int, weft_then, const struct weft_async *, void *, const struct weft_continuation *);

struct weft_then__frame {
	struct weft_then__args args;
	struct weft_branch branch; /* private */
};

WEFT_END_DECLS

#endif
