/* SPDX-License-Identifier: MIT */
/*
 * weft/generator.h: a stream that an async function makes, item by item.
 *
 *     typedef WEFT_STREAM_OF(generator, int) counter;
 *
 *     static async int count(counter *self, void *arg)
 *     {
 *             for (int i = 0; i < *(int *)arg; i++) {
 *                     weft_try(await weft_sleep(WEFT_SECONDS(1)));
 *                     weft_try(await weft_yield_item(self, &i));
 *             }
 *             return 0;                                        // the end; < 0: an error, and then the end
 *     }
 *
 *     counter numbers;
 *
 *     weft_stream_generator_init(&numbers, count, &limit);     // nothing runs yet
 *     while ((n = await weft_stream_next(&numbers, &x)) > 0)
 *
 * The function runs while it is asked for an item, as a part of the task that asks, and stands still
 * at its weft_yield_item until the next one is asked for. Whoever is cancelled while it asks gives up
 * the asking: the function stays where it waits. The close of the stream cancels it: what it awaits,
 * and each later weft_yield_item, gives -ECANCELED, and it unwinds.
 *
 * While nobody asks it stands still with what it holds: keep no lock across a weft_yield_item.
 *
 * Memory:  its frame is one allocation of whoever asks first, until its end.
 * Threads: those of the stream.
 * Errors:  -ENOMEM: no frame, it may be asked again.
 *
 * For who compiles or writes one by hand there is nothing to know but this: it is an async function
 * with a pointer to the stream and one to `arg`, whose result is an int; weft_yield_item is a leaf.
 */
#ifndef WEFT_GENERATOR_H
#define WEFT_GENERATOR_H

#include <weft/branch.h>
#include <weft/stream_futures.h>

WEFT_BEGIN_DECLS

struct weft_stream_generator {
	struct weft_stream stream; /* private from here on */
	const struct weft_async *fn;
	void *arg;
	void *frame; /* NULL: it has not begun, or has ended */
	struct weft_branch body;
	void *place; /* where the next item goes; NULL: nobody asks, or it is there */
	bool has_begun;
};

/* `async int fn(S *self, void *arg)`, where S is the type of the stream. */
#define weft_stream_generator_init(s, fn, arg)                                                     \
	weft_stream_generator_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                     \
			((void)sizeof(1 ? (fn)                                                     \
					: (WEFT_STREAM_ASYNC_FN_(*)(                               \
							  __typeof__(*(s)) *, void *))0),          \
					(const struct weft_async *)(const void *)(fn)),            \
			arg)

/* By hand, `fn` is the descriptor, &count__async. */
void weft_stream_generator_init_raw(struct weft_stream_generator *generator, size_t item_bytes,
		const struct weft_async *fn, void *arg);

/* async int weft_yield_item(self, const T *item): gives the item to whoever asks, and waits until the
 * next one is asked for, or the stream is closed. 0: it was taken; -ECANCELED: it was not, and no other
 * will be. Only within the function. */
WEFT_ASYNC_2(int, weft_yield_item, struct weft_stream *, const void *);

struct weft_yield_item__frame {
	struct weft_yield_item__args args;
};

WEFT_END_DECLS

#define weft_yield_item(self_, item_) weft_yield_item(WEFT_STREAM_ANY_(self_, item_), item_)

#endif
