/* SPDX-License-Identifier: MIT */
/* stream/set.h: what join_all.c does with a set. */
#ifndef WEFT_STREAM_SET_H
#define WEFT_STREAM_SET_H

#include <weft/set.h>
#include <weft/visitor.h>

/* Polls until all children have ended, and frees them. If first_error is not NULL, the first result below
 * 0 is stored there, which is 0 at the start, and cancels the others. READY: the set is empty. */
WEFT_NODISCARD enum weft_poll weft__set_drain(
		struct weft_set *set, struct weft_context *cx, int *first_error);

/* Tells of the children. */
void weft__set_each(const struct weft_set *set, struct weft_visitor *visitor);

#endif
