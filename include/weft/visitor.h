/* SPDX-License-Identifier: MIT */
/*
 * weft/visitor.h: what reports (weft_dump) learn of a future that polls others inside of itself.
 *
 *     static void race__each(void *frame, struct weft_visitor *visitor)
 *     {
 *             struct race__frame *f = frame;
 *
 *             visitor->future(visitor, &f->strand, f->runner, f->runner_frame);
 *     }
 *     WEFT_ASYNC_DEFINE_NEST(race, WEFT_ASYNC_RESULT_INT);
 *
 * It tells of each that it waits for at this moment. It is called while nobody polls the frame, on any
 * thread, and changes nothing that a poll would see.
 */
#ifndef WEFT_VISITOR_H
#define WEFT_VISITOR_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft_scope;

struct weft_visitor {
	/* A future that has begun and has not ended. strand NULL: it has none of its own. */
	void (*future)(struct weft_visitor *visitor, const struct weft_strand *strand,
			const struct weft_async *async, void *frame);
	/* The tasks of a scope: any of them. */
	void (*scope)(struct weft_visitor *visitor, struct weft_scope *scope);
	/* Something of which nobody can say more. */
	void (*unknown)(struct weft_visitor *visitor);
};

/* Whether a frame has begun and not ended. */
static inline bool weft_frame_is_begun(const void *frame)
{
	uint32_t at = ((const struct weft_frame *)frame)->at;

	return at != 0 && at != WEFT_AT_DONE;
}

/* The descriptor of a leaf that polls futures, of which function__each tells. */
#define WEFT_ASYNC_DEFINE_NEST(function, flags_)                                                   \
	WEFT_ASYNC_DESCRIBE(function, (flags_) | WEFT_ASYNC_LEAF | WEFT_ASYNC_CHILDREN,            \
			.each = function##__each)

WEFT_END_DECLS

#endif
