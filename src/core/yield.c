/* SPDX-License-Identifier: MIT */
/* core/yield.c: gives the others a turn. The task goes to the back of its queue. */
#include <errno.h>

#include <weft/task.h>

enum weft_poll weft_yield__poll(void *frame, struct weft_context *cx)
{
	struct weft_yield__frame *f = frame;

	if (weft_context_cancelled(cx)) {
		if (!weft_context_charge(cx))
			return WEFT_PENDING; /* whoever ignores it in a loop gives way */
		weft_return(f, -ECANCELED);
	}
	if (f->args.base.at != 0)
		weft_return(f, 0);
	f->args.base.at = 1;
	weft_context_yield(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(weft_yield, WEFT_ASYNC_RESULT_INT);
