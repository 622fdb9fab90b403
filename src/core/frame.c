/* SPDX-License-Identifier: MIT */
/*
 * core/frame.c: frames of their own, and strands.
 *
 * Why         A callee that is recursive, called through a pointer or unseen cannot be embedded in
 *             its caller. It gets a frame of its own; and a wake must not walk down from the root
 *             to reach it: at depth n that makes n resumes cost n*n.
 * How         Each own frame has a link in front, to the own frame it hangs under. The strand (of a
 *             task, or of a branch) points at the innermost:
 *
 *                 strand.innermost --> [link|C] --parent--> [link|B] --parent--> NULL (the root)
 *
 *             A resume polls C. READY: the link is taken off and B is polled, which finds C done
 *             and goes on: climbing is a loop here, not a recursion. A caller may poll its new
 *             child directly (weft_frame_descend), up to DEPTH levels of the C stack; beyond, it
 *             returns PENDING with cx->descend set, and the loop goes on with the innermost frame.
 * Invariants  [I1] the innermost frame is the only one of a strand that waits: when the frame above
 *                  it is polled, it has been READY.
 *             [I2] a frame that ends is the innermost (its own children have ended before).
 *             [I3] a context's strand is the one that is being polled.
 * Cost        enter and leave: one slab operation each. A resume: one poll at any depth.
 * Not here    embedded children, which are plain calls of f__poll; task states (core/task_ct.h,
 *             core/task_mt.h); branches, each of which has a strand (core/branch.c).
 */
#include <errno.h>
#include <stddef.h>

#include <weft/branch.h>

#include "base/atomic.h"
#include "base/check.h"
#include "core/env.h"

enum { DEPTH = 32 };

static size_t link_bytes(const struct weft_async *async)
{
	return async->frame_align > sizeof(struct weft_link) ? async->frame_align
							     : sizeof(struct weft_link);
}

static struct weft_link *link_of(void *frame)
{
	return (struct weft_link *)frame - 1;
}

static void *link_frame(struct weft_link *link)
{
	return link + 1;
}

void *weft_frame_alloc(struct weft_context *cx, const struct weft_async *async)
{
	size_t front = link_bytes(async);
	struct weft_link *link;
	char *memory;

	WEFT_ASSERT(async->magic == WEFT_ASYNC_MAGIC); /* not a plain function's address */
	if (!cx->env || !cx->env->allocate)
		return NULL;
	memory = cx->env->allocate(cx->env, front + async->frame_size, front);
	if (!memory)
		return NULL;
	link = link_of(memory + front);
	link->async = async;
	link->parent = NULL;
	((struct weft_frame *)link_frame(link))->at = 0;
	return link_frame(link);
}

void weft_frame_free(struct weft_context *cx, void *frame)
{
	const struct weft_async *async;
	size_t front;

	if (!frame)
		return;
	async = link_of(frame)->async;
	front = link_bytes(async);
	cx->env->release(cx->env, (char *)frame - front, front + async->frame_size, front);
}

const struct weft_no_memory__frame weft_no_memory_frame = { { 0, 0 }, -ENOMEM };

static enum weft_poll no_memory_poll(void *frame, struct weft_context *cx)
{
	(void)frame;
	(void)cx;
	return WEFT_READY;
}

const struct weft_async weft_no_memory__async = {
	.magic = WEFT_ASYNC_MAGIC,
	.abi = WEFT_ASYNC_ABI,
	.flags = WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_LEAF,
	.name = "weft_no_memory",
	.file = __FILE__,
	.poll = no_memory_poll,
	.frame_size = sizeof(struct weft_no_memory__frame),
	.frame_align = _Alignof(struct weft_no_memory__frame),
	.args_size = sizeof(struct weft_no_memory__frame),
	.result_offset = offsetof(struct weft_no_memory__frame, result),
	.result_size = sizeof weft_no_memory_frame.result,
};

void *weft_frame_enter(struct weft_context *cx, const struct weft_async *async)
{
	void *frame = weft_frame_alloc(cx, async);

	if (!frame)
		return NULL;
	link_of(frame)->parent = cx->strand->innermost;
	cx->strand->innermost = link_of(frame);
	return frame;
}

void weft_frame_leave(struct weft_context *cx, void *frame)
{
	WEFT_ASSERT(cx->strand->innermost != link_of(frame)); /* [I1]: it has been READY */
	weft_frame_free(cx, frame);
}

enum weft_poll weft_frame_descend(struct weft_context *cx, void *frame)
{
	struct weft_link *link = link_of(frame);

	WEFT_ASSERT(cx->strand->innermost == link); /* [I1] */
	if (cx->depth >= DEPTH) {
		cx->descend = 1;
		return WEFT_PENDING;
	}
	cx->depth++;
	if (link->async->poll(frame, cx) == WEFT_PENDING) {
		cx->depth--;
		return WEFT_PENDING;
	}
	cx->depth--;
	WEFT_ASSERT(cx->strand->innermost == link); /* [I2] */
	cx->strand->innermost = link->parent;
	return WEFT_READY;
}

enum weft_poll weft_strand_poll(struct weft_strand *strand, const struct weft_async *async,
		void *frame, struct weft_context *cx)
{
	WEFT_ASSERT(cx->strand == strand); /* [I3] */
	for (;;) {
		struct weft_link *link = strand->innermost;
		enum weft_poll poll;

		cx->depth = 0;
		cx->descend = 0;
		poll = link ? link->async->poll(link_frame(link), cx) : async->poll(frame, cx);
		if (poll == WEFT_PENDING && !cx->descend)
			return WEFT_PENDING;
		if (poll == WEFT_PENDING)
			continue;
		WEFT_ASSERT(strand->innermost == link); /* [I2] */
		if (!link)
			return WEFT_READY;
		strand->innermost = link->parent;
	}
}

void weft_async_verify(const struct weft_async *async)
{
	WEFT_ASSERT(async->magic == WEFT_ASYNC_MAGIC);
	if (async->abi != WEFT_ASYNC_ABI)
		weft__fail("compiled for another version of the weft ABI", async->name,
				(int)async->line);
	for (uint32_t i = 0; i < async->embedded_count; i++) {
		const struct weft_embedded *embedded = &async->embedded[i];

		weft_async_verify(embedded->async); /* ends: a frame cannot embed itself */
		if (embedded->async->frame_size != embedded->frame_size)
			weft__fail("embeds a frame that has another size where it is defined",
					embedded->async->name, (int)async->line);
	}
}

/* `home` is known in checked builds only, and there a frame that stands still is told apart. */
void weft_frame_misuse(const struct weft_frame *frame)
{
	if (frame->at == WEFT_AT_DONE)
		weft__fail("future polled after completion", __FILE__, __LINE__);
	if (frame->home != ((uint32_t)((uintptr_t)frame >> 3) | 1u))
		weft__fail("future moved after its first poll, or overwritten", __FILE__, __LINE__);
	weft__fail("frame holds no await point of its function", __FILE__, __LINE__);
}

static weft_out_of_memory_fn out_of_memory_handler;

void weft_set_out_of_memory_handler(weft_out_of_memory_fn handler)
{
	atomic_store_release(&out_of_memory_handler, handler); /* pairs with weft_out_of_memory */
}

void weft_out_of_memory(const struct weft_async *async)
{
	/* acquire pairs with weft_set_out_of_memory_handler: what the handler uses is there */
	weft_out_of_memory_fn handler = atomic_load_acquire(&out_of_memory_handler);

	if (handler)
		handler(async);
	weft__fail("no memory for the frame of an async function", async->name, (int)async->line);
}
