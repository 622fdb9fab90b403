/* SPDX-License-Identifier: MIT */
/*
 * weft/stream.h: many items from one future, one after the other; and where they come from.
 *
 *     int numbers[] = { 1, 2, 3 }, x, n;
 *     WEFT_STREAM_OF(iter, int) source;
 *     WEFT_STREAM_FROM(map, int, long) squares;                // weft/stream_adaptors.h
 *
 *     weft_stream_iter_init(&source, numbers, 3);
 *     weft_stream_map_init(&squares, &source, square, NULL);
 *     while ((n = await weft_stream_next(&squares, &y)) > 0)   // 1: an item; 0: the end; < 0: an error
 *             printf("%ld\n", y);
 *     await weft_stream_close(&squares);                       // who leaves early; and `source` with it
 *
 * A stream is asked for one item at a time, and does nothing in between, but for what it has started
 * (weft/stream_futures.h). An adaptor is a stream that asks another one, its source. Both are variables of
 * yours; nothing is allocated for an item, which is copied to where you want it.
 *
 * An error stands in place of an item; adaptors pass it on, and the stream may be asked for the next one.
 * So there is one form of each adaptor, which is what Rust calls its try_ form. Every function that you
 * give to one answers in the same way: above 0 yes or "here it is", 0 no, below 0 an error.
 *
 * Whoever is cancelled while it waits for an item gets -ECANCELED, and no item is lost: a `next` may be a
 * branch of a select. The end comes once, then again each time one asks (every stream is fused).
 *
 * Memory:  a stream neither moves nor dies from its first poll to its end, which it gives as 0 or by
 *          weft_stream_close; nor does its source. Either closes all that is below. After an error, or
 *          -ECANCELED, it is open. Before its first poll it is plain data.
 * Threads: a stream belongs to the task, or the branch of one, that polls it, from its first poll to its
 *          end: what waits in it keeps that task's waker.
 * Errors:  of the sources here: -ECANCELED.
 *
 * Rust's Stream is the model, and C#'s DisposeAsync for the end.
 */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

#include <weft/frame.h>
#include <weft/item.h>
#include <weft/visitor.h>

WEFT_BEGIN_DECLS

struct weft_stream;

/* How many items are still to come. */
struct weft_size_hint {
	size_t least;
	size_t most; /* WEFT_UNKNOWN: nobody knows, or no end */
};

#define WEFT_UNKNOWN ((size_t)-1)

struct weft_stream_ops {
	const char *name;
	/* A step towards the next item, like that of a future. READY: *result is 1 and the item at
	 * `item`; or 0, the end; or a negative errno. What is at `item` may be overwritten in any
	 * case. The answer to a cancelled context is -ECANCELED, with all items still to come, unless
	 * one is ready. Not called after the end. */
	enum weft_poll (*poll_next)(struct weft_stream *stream, struct weft_context *cx, void *item,
			int *result);
	/* NULL: unknown. */
	struct weft_size_hint (*size_hint)(const struct weft_stream *stream);
	/* A step towards the end: cancels what was started and waits for it, gives back what it
	 * holds; whether the context is cancelled or not. NULL: nothing to do. Called after the end,
	 * too, and before the close of the source; not after READY. */
	enum weft_poll (*poll_close)(struct weft_stream *stream, struct weft_context *cx);
	/* What it waits for (weft/visitor.h). NULL: for what its source does, if it has one. */
	void (*each)(const struct weft_stream *stream, struct weft_visitor *visitor);
};

/* The head of every stream. Private, but for who writes one. */
struct weft_stream {
	const struct weft_stream_ops *ops;
	struct weft_stream *
			source; /* closed after this one; NULL: there is none, or poll_close does it */
	uint32_t item_bytes;
	uint32_t state;
};

/* Before anything else is done to it. */
static inline void weft_stream_init(struct weft_stream *stream, const struct weft_stream_ops *ops,
		struct weft_stream *source, size_t item_bytes)
{
	stream->ops = ops;
	stream->source = source;
	stream->item_bytes = (uint32_t)item_bytes;
	stream->state = 0;
}

/* ---- types ---- */

/* A stream of kind `iter`, `map` ... with items of type T. FROM: one that needs room for an item of its
 * source. Calls take its address. The type of items is known to the macros below: what does not fit does
 * not compile. */
#define WEFT_STREAM_OF(kind, T)                                                                    \
	union {                                                                                    \
		struct weft_stream stream;                                                         \
		struct weft_stream_##kind self;                                                    \
		T *item; /* never used, but for its type */                                        \
	}
#define WEFT_STREAM_FROM(kind, In, T)                                                              \
	union {                                                                                    \
		struct weft_stream stream;                                                         \
		struct weft_stream_##kind self;                                                    \
		T *item;                                                                           \
		struct {                                                                           \
			struct weft_stream_##kind head;                                            \
			In item;                                                                   \
		} room;                                                                            \
	}

/* Any stream of such items, for parameters: typedef WEFT_STREAM(int) ints; f((ints *)&squares). */
#define WEFT_STREAM(T)                                                                             \
	union {                                                                                    \
		struct weft_stream stream;                                                         \
		T *item;                                                                           \
	}

/* What streams are given: >= 0 or a negative errno, see there. */
typedef weft_item_fn weft_stream_fn;

/* Defines such a function, static, with types. Their parameters are called `arg`, `in` and `out`.
 *     WEFT_STREAM_FN(square, void, int, long) { *out = (long)*in * *in; return 1; }
 *     WEFT_STREAM_TEST(is_odd, void, int) { return *in & 1; }
 *     WEFT_STREAM_MAKE(count_down, int, int) { *out = --*arg; return *arg >= 0; }      for unfold */
#define WEFT_STREAM_FN(name, Arg, In, Out)                                                         \
	static int name(Arg *arg, const In *in, Out *out);                                         \
	static WEFT_MAYBE_UNUSED int name##__any(void *arg, const void *in, void *out)             \
	{                                                                                          \
		return name((Arg *)arg, (const In *)in, (Out *)out);                               \
	}                                                                                          \
	static int name(WEFT_MAYBE_UNUSED Arg *arg, WEFT_MAYBE_UNUSED const In *in, Out *out)
#define WEFT_STREAM_TEST WEFT_ITEM_TEST /* (name, Arg, In) */
#define WEFT_STREAM_MAKE(name, Arg, Out)                                                           \
	static int name(Arg *arg, Out *out);                                                       \
	static WEFT_MAYBE_UNUSED int name##__any(void *arg, const void *in, void *out)             \
	{                                                                                          \
		(void)in;                                                                          \
		return name((Arg *)arg, (Out *)out);                                               \
	}                                                                                          \
	static int name(WEFT_MAYBE_UNUSED Arg *arg, Out *out)

#define WEFT_STREAM_ANY_(s, x) (WEFT_ITEM_CHECK((s)->item, x), &(s)->stream)
#define WEFT_STREAM_ITEM_BYTES_(s) sizeof(*(s)->item)

/* ---- asking ---- */

/* A step of whoever asks: as the table's poll_next, and closes the stream at its end. */
WEFT_NODISCARD enum weft_poll weft_stream_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result);

/* A step of a close. READY: it is at its end, and so is what is below. */
WEFT_NODISCARD enum weft_poll weft_stream_poll_close(
		struct weft_stream *stream, struct weft_context *cx);

struct weft_size_hint weft_stream_poll_size_hint(const struct weft_stream *stream);

/* Tells what it waits for. */
void weft_stream_each(const struct weft_stream *stream, struct weft_visitor *visitor);
#define weft_stream_size_hint(s) weft_stream_poll_size_hint(&(s)->stream)

/* async int weft_stream_next(stream, T *item): 1: the next item has been copied to *item; 0: that was the
 * end; -ECANCELED: it is still to come; another errno: an error in its place. (WEFT_CANCEL_SAFE) */
WEFT_ASYNC_2(int, weft_stream_next, struct weft_stream *, void *);

struct weft_stream_next__frame {
	struct weft_stream_next__args args;
};

/* async int weft_stream_close(stream): ends it. Gives 0, cancelled or not. Idempotent, and at once for one
 * that has given 0, or is all zero. */
WEFT_ASYNC_1(int, weft_stream_close, struct weft_stream *);

struct weft_stream_close__frame {
	struct weft_stream_close__args args;
};

/* async int weft_stream_collect(stream, T *items, size_t capacity, size_t *count): copies items to an
 * array. 0: these were the last; 1: it is full, there may be more; < 0: an error, or -ECANCELED. In each
 * case *count items are there, and no other is lost. */
WEFT_ASYNC_4(int, weft_stream_collect, struct weft_stream *, void *, size_t, size_t *);

struct weft_stream_collect__frame {
	struct weft_stream_collect__args args;
};

/* async int weft_stream_fold(stream, T *item, fn, arg): calls fn(arg, item) for each item, which it copies
 * to *item. fn is a WEFT_STREAM_TEST. Gives 0 at the end, or the first result below 0, of fn or of the
 * stream; which is then open. for_each is the same. */
WEFT_ASYNC_4(int, weft_stream_fold, struct weft_stream *, void *, weft_stream_fn, void *);

struct weft_stream_fold__frame {
	struct weft_stream_fold__args args;
};

/* async int weft_stream_any(stream, T *item, fn, arg): asks until fn(arg, item) says yes. 1: that item is
 * at *item, and the stream is open, for the next one; 0: there was none; or the first result below 0, of
 * fn or of the stream. */
WEFT_ASYNC_4(int, weft_stream_any, struct weft_stream *, void *, weft_stream_fn, void *);

struct weft_stream_any__frame {
	struct weft_stream_any__args args;
};

/* async int weft_stream_all(stream, T *item, fn, arg): the other way round. 1: fn said yes to all of them;
 * 0: not for the one at *item, and the stream is open; < 0 as above. */
WEFT_ASYNC_4(int, weft_stream_all, struct weft_stream *, void *, weft_stream_fn, void *);

struct weft_stream_all__frame {
	struct weft_stream_all__args args;
};

/* async int weft_stream_count(stream, T *item, size_t *count): adds 1 to *count for each item, which it
 * copies to *item. 0 at the end; < 0: an error, or -ECANCELED: so far they are counted, and a further call
 * goes on. */
WEFT_ASYNC_3(int, weft_stream_count, struct weft_stream *, void *, size_t *);

struct weft_stream_count__frame {
	struct weft_stream_count__args args;
};

/* ---- sources ---- */

/* Items of an array, or the same item again and again. */
struct weft_stream_iter {
	struct weft_stream stream; /* private from here on */
	const void *next;
	size_t left, stride;
};

/* `array`: a pointer to the first of `count` items, which stay until they have been taken. */
#define weft_stream_iter_init(s, array, count)                                                     \
	weft_stream_iter_init_raw(&(s)->self,                                                      \
			(WEFT_ITEM_CHECK((s)->item, array), WEFT_STREAM_ITEM_BYTES_(s)), array,    \
			count, WEFT_STREAM_ITEM_BYTES_(s))

/* One item; the same for ever. It is copied from there each time. */
#define weft_stream_once_init(s, x) weft_stream_iter_init(s, x, 1)
#define weft_stream_repeat_init(s, x)                                                              \
	weft_stream_iter_init_raw(&(s)->self,                                                      \
			(WEFT_ITEM_CHECK((s)->item, x), WEFT_STREAM_ITEM_BYTES_(s)), x,            \
			WEFT_UNKNOWN, 0)

/* `count` items of item_bytes, `stride` bytes apart. WEFT_UNKNOWN of them do not end. */
void weft_stream_iter_init_raw(struct weft_stream_iter *iter, size_t item_bytes, const void *array,
		size_t count, size_t stride);

/* What a function makes. */
struct weft_stream_unfold {
	struct weft_stream stream; /* private from here on */
	weft_stream_fn fn;
	void *arg;
};

/* fn(arg, out), a WEFT_STREAM_MAKE, is called for each item: 1, it is at *out; 0, there is none any more;
 * < 0, an error. */
#define weft_stream_unfold_init(s, fn, arg)                                                        \
	weft_stream_unfold_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                        \
			((void)sizeof(fn((arg), (s)->item)), fn##__any), arg)

void weft_stream_unfold_init_raw(
		struct weft_stream_unfold *unfold, size_t item_bytes, weft_stream_fn fn, void *arg);

WEFT_END_DECLS

#define weft_stream_next(s, item_) weft_stream_next(WEFT_STREAM_ANY_(s, item_), item_)
#define weft_stream_close(s) weft_stream_close(&(s)->stream)
#define weft_stream_collect(s, items_, capacity, count)                                            \
	weft_stream_collect(WEFT_STREAM_ANY_(s, items_), items_, capacity, count)
#define weft_stream_fold(s, item_, fn, arg)                                                        \
	weft_stream_fold(WEFT_STREAM_ANY_(s, item_), item_, WEFT_ITEM_ASK_(fn, arg, (s)->item), arg)
#define weft_stream_for_each(s, item_, fn, arg) weft_stream_fold(s, item_, fn, arg)
#define weft_stream_any(s, item_, fn, arg)                                                         \
	weft_stream_any(WEFT_STREAM_ANY_(s, item_), item_, WEFT_ITEM_ASK_(fn, arg, (s)->item), arg)
#define weft_stream_all(s, item_, fn, arg)                                                         \
	weft_stream_all(WEFT_STREAM_ANY_(s, item_), item_, WEFT_ITEM_ASK_(fn, arg, (s)->item), arg)
#define weft_stream_count(s, item_, count)                                                         \
	weft_stream_count(WEFT_STREAM_ANY_(s, item_), item_, count)

#endif
