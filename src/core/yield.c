/* SPDX-License-Identifier: MIT */
/* core/yield.c: gives the others a turn. The task goes to the back of its queue. */
#include <errno.h>

#include <weft/task.h>

enum weft_poll weft_yield__poll(void *frame, struct weft_context *cx)
{
	struct weft_yield__frame *f = frame;

	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	if (f->args.base.at != 0)
		weft_return(f, 0);
	f->args.base.at = 1;
	weft_context_yield(cx);
	return WEFT_PENDING;
}

const struct weft_async weft_yield__async = {
	.magic = WEFT_ASYNC_MAGIC,
	.abi = WEFT_ASYNC_ABI,
	.flags = WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_LEAF,
	.name = "weft_yield",
	.file = __FILE__,
	.poll = weft_yield__poll,
	.frame_size = sizeof(struct weft_yield__frame),
	.frame_align = _Alignof(struct weft_yield__frame),
	.args_size = sizeof(struct weft_yield__args),
	.result_offset = offsetof(struct weft_yield__args, result),
	.result_size = sizeof(int),
	.line = __LINE__,
};
