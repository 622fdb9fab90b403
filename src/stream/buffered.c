/* SPDX-License-Identifier: MIT */
/*
 * stream/buffered.c: an async function for each item, several at a time.
 *
 * How         There are `limit` calls, in one block of memory: each is free, or begun, or has ended and
 *             waits to be taken.
 *
 *                 FREE --call_begin--> BEGUN --calls_push, on any thread--> ENDED --call_finish--> FREE
 *
 *             [ place | item | result ][ place | item | result ] ...
 *
 *             Whoever asks first begins as many calls as are free, as long as the source has items
 *             at once; then takes one that has ended. Where the order of the source matters, the calls
 *             that have begun are in a second list, and what has ended waits until it is the oldest.
 *             A call is a task of the scope, which awaits fn in a frame of its own. Who is polled by an
 *             executor that spawns no tasks has them in a set instead, in the place's own memory.
 * Invariants  [I1] never more than `limit` calls are begun.
 *             [I2] the source is waited for only while a call is free, and asked again at each poll until
 *                  then.
 *             [I3] the block is there until the scope is closed.
 * Why so      Futures that are polled by who asks (as in Rust) stand still while it does something else.
 *             If it then waits for a lock that one of them has just been given, it waits for ever.
 * Cost        a task for each item, whose memory comes from the worker's slab.
 * Not here    the list of those that have ended: ended.h.
 */
#include <errno.h>
#include <string.h>

#include <weft/stream_futures.h>

#include "base/check.h"
#include "core/env.h"
#include "stream/ended.h"
#include "stream/set.h"

enum { CALL_ALIGN = 16 };

static size_t round_up(size_t bytes)
{
	return (bytes + CALL_ALIGN - 1) & ~(size_t)(CALL_ALIGN - 1);
}

/* ---- one call ---- */

/* async int weft__stream_call(call): awaits fn, and hands the call over. */
WEFT_ASYNC_1(int, weft__stream_call, struct weft_stream_call *);

/* What fn is called with. */
struct call_args {
	struct weft_frame base;
	int result;
	void *arg;
	const void *in;
	void *out;
};

struct weft__stream_call__frame {
	struct weft__stream_call__args args;
	struct call_args *own; /* the frame of fn */
};

/* In front of item and result. */
struct call_place {
	struct weft_stream_call call;
	struct weft_set_child child; /* where it is not a task */
	struct weft__stream_call__frame frame;
};

static void *call_item(struct weft_stream_call *call)
{
	return (char *)call + round_up(sizeof(struct call_place));
}

static void *call_result(struct weft_stream_call *call)
{
	return (char *)call_item(call) + round_up(call->of->from->item_bytes);
}

static size_t call_bytes(const struct weft_stream_buffered *buffered)
{
	return round_up(sizeof(struct call_place)) + round_up(buffered->from->item_bytes) +
			round_up(buffered->stream.item_bytes);
}

static struct call_args *call_enter(struct weft_stream_call *call, struct weft_context *cx)
{
	const struct weft_stream_buffered *of = call->of;
	struct call_args args = { { 0, 0 }, 0, of->arg, call_item(call), call_result(call) };
	void *own = weft_frame_enter(cx, of->fn);

	if (own) /* for_each_concurrent's have no `out` */
		memcpy(own, &args,
				of->fn->args_size < sizeof args ? of->fn->args_size : sizeof args);
	return own;
}

enum weft_poll weft__stream_call__poll(void *frame, struct weft_context *cx)
{
	struct weft__stream_call__frame *f = frame;
	struct weft_stream_call *call = f->args.p0;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		call->result = -ENOMEM;
		f->own = call_enter(call, cx);
		if (f->own && weft_frame_descend(cx, f->own) == WEFT_PENDING)
			return WEFT_PENDING;
	}
	if (f->own) {
		memcpy(&call->result, (char *)f->own + call->of->fn->result_offset,
				sizeof call->result);
		weft_frame_leave(cx, f->own);
	}
	calls_push(&call->of->ended, call);
	weft_return(f, 0);
}

static const struct weft_point call_points[] = {
	{ __LINE__, offsetof(struct weft__stream_call__frame, own), NULL, WEFT_POINT_OWN },
};

WEFT_ASYNC_DESCRIBE(
		weft__stream_call, WEFT_ASYNC_RESULT_INT, .points = call_points, .point_count = 1);

/* ---- all of them ---- */

static int calls_make(struct weft_stream_buffered *buffered, struct weft_context *cx)
{
	size_t bytes = call_bytes(buffered);

	if (buffered->memory)
		return 0;
	if (!cx->env || !cx->env->allocate)
		return -ENXIO;
	buffered->memory = cx->env->allocate(cx->env, bytes * buffered->limit, CALL_ALIGN);
	if (!buffered->memory)
		return -ENOMEM;
	buffered->env = cx->env;
	for (uint32_t i = buffered->limit; i-- > 0;) {
		struct weft_stream_call *call =
				(struct weft_stream_call *)(void *)((char *)buffered->memory +
						i * bytes);

		call->of = buffered;
		call->next = buffered->free;
		buffered->free = call;
	}
	return 0;
}

static void call_queue(struct weft_stream_buffered *buffered, struct weft_stream_call *call)
{
	call->done = false;
	call->newer = NULL;
	if (buffered->oldest)
		buffered->newest->newer = call;
	else
		buffered->oldest = call;
	buffered->newest = call;
}

/* The free call, with an item in it, or with an error in its place. */
static void call_begin(struct weft_stream_buffered *buffered, int error)
{
	struct weft_stream_call *call = buffered->free;
	struct call_place *place = (struct call_place *)call;

	buffered->free = call->next;
	buffered->busy++;
	WEFT_ASSERT(buffered->busy <= buffered->limit); /* [I1] */
	if (buffered->ordered)
		call_queue(buffered, call);
	weft__stream_call__init(&place->frame.args, call);
	if (!error)
		error = weft_scope_spawn(
				&buffered->scope, &weft__stream_call__async, &place->frame.args);
	if (error == -ENXIO) {
		weft_set_add(&buffered->set, &place->child, &weft__stream_call__async,
				&place->frame);
	} else if (error) {
		call->result = error;
		calls_push(&buffered->ended, call);
	}
}

/* Begins calls while some are free and the source has items at once. */
static void calls_fill(struct weft_stream_buffered *buffered, struct weft_context *cx)
{
	int result;

	while (buffered->free && !buffered->source_ended) {
		if (weft_stream_poll_next(buffered->from, cx, call_item(buffered->free), &result) ==
						WEFT_PENDING ||
				result == -ECANCELED)
			return; /* [I2] */
		if (result == 0)
			buffered->source_ended = true;
		else
			call_begin(buffered, result < 0 ? result : 0);
	}
}

static void calls_drive(struct weft_stream_buffered *buffered, struct weft_context *cx)
{
	struct weft_set_child *child = NULL;

	while (weft_set_count(&buffered->set) > 0)
		if (weft_set_poll_next(&buffered->set, cx, &child) == WEFT_PENDING)
			return;
}

/* One that has ended, and whose turn it is. */
static struct weft_stream_call *calls_take(struct weft_stream_buffered *buffered)
{
	struct weft_stream_call *call;

	if (!buffered->ordered)
		return calls_pop(&buffered->ended);
	while ((call = calls_pop(&buffered->ended)))
		call->done = true;
	call = buffered->oldest;
	if (!call || !call->done)
		return NULL;
	buffered->oldest = call->newer;
	return call;
}

/* What it has given: 1, with *item; 0: nothing. */
static int call_finish(
		struct weft_stream_buffered *buffered, struct weft_stream_call *call, void *item)
{
	int result = call->result;

	if (result > 0)
		memcpy(item, call_result(call), buffered->stream.item_bytes);
	call->next = buffered->free;
	buffered->free = call;
	buffered->busy--;
	return result;
}

/* Whether there is an answer: *result. */
static bool buffered_step(struct weft_stream_buffered *buffered, struct weft_context *cx,
		void *item, int *result)
{
	struct weft_stream_call *call;

	do {
		calls_fill(buffered, cx);
		calls_drive(buffered, cx);
		call = calls_take(buffered);
		if (!call) {
			*result = weft_context_cancelled(cx) ? -ECANCELED : 0;
			return *result || (buffered->source_ended && !buffered->busy);
		}
		*result = call_finish(buffered, call, item);
	} while (*result == 0);
	return true;
}

static enum weft_poll buffered_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_buffered *buffered = (struct weft_stream_buffered *)stream;

	*result = calls_make(buffered, cx);
	if (*result < 0)
		return WEFT_READY;
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	calls_register(&buffered->ended, cx);
	if (!buffered_step(buffered, cx, item, result)) {
		weft_context_refund(cx);
		return WEFT_PENDING;
	}
	calls_unregister(&buffered->ended);
	return WEFT_READY;
}

static enum weft_poll buffered_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_buffered *buffered = (struct weft_stream_buffered *)stream;

	if (!buffered->memory)
		return WEFT_READY;
	if (!buffered->closing) {
		buffered->closing = true;
		calls_unregister(&buffered->ended);
		weft_scope_cancel(&buffered->scope);
		weft_scope_close__init(&buffered->close.args, &buffered->scope);
	}
	if (weft_set_poll_close(&buffered->set, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if (weft_scope_close__poll(&buffered->close, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	buffered->env->release(buffered->env, buffered->memory,
			call_bytes(buffered) * buffered->limit, CALL_ALIGN); /* [I3] */
	buffered->memory = NULL;
	return WEFT_READY;
}

static struct weft_size_hint buffered_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_buffered *buffered = (const struct weft_stream_buffered *)stream;
	struct weft_size_hint hint = weft_stream_poll_size_hint(buffered->from);

	hint.least = 0; /* fn may give nothing */
	if (hint.most != WEFT_UNKNOWN)
		hint.most += buffered->busy;
	return hint;
}

static void buffered_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	struct weft_stream_buffered *buffered = (struct weft_stream_buffered *)(uintptr_t)stream;

	if (buffered->busy)
		visitor->scope(visitor, &buffered->scope);
	weft__set_each(&buffered->set, visitor);
	if (buffered->free && !buffered->source_ended)
		weft_stream_each(buffered->from, visitor); /* [I2] */
}

static const struct weft_stream_ops buffered_ops = { "buffered", buffered_poll_next,
	buffered_size_hint, buffered_poll_close, buffered_each };

void weft_stream_buffered_init_raw(struct weft_stream_buffered *buffered, size_t item_bytes,
		struct weft_stream *from, uint32_t limit, const struct weft_async *fn, void *arg)
{
	WEFT_ASSERT(limit > 0);
	WEFT_ASSERT(fn->magic == WEFT_ASYNC_MAGIC); /* not a plain function's address */
	WEFT_ASSERT(fn->args_size <= sizeof(struct call_args));
	WEFT_ASSERT(fn->result_size == sizeof(int));
	memset(buffered, 0, sizeof *buffered);
	weft_stream_init(&buffered->stream, &buffered_ops, from, item_bytes);
	buffered->from = from;
	buffered->fn = fn;
	buffered->arg = arg;
	buffered->limit = limit;
	buffered->ordered = true;
	buffered->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	buffered->set = (struct weft_set)WEFT_SET_INIT;
}

void weft_stream_buffer_unordered_init_raw(struct weft_stream_buffered *buffered, size_t item_bytes,
		struct weft_stream *from, uint32_t limit, const struct weft_async *fn, void *arg)
{
	weft_stream_buffered_init_raw(buffered, item_bytes, from, limit, fn, arg);
	buffered->ordered = false;
}

/* ---- for_each_concurrent ---- */

enum { CALLS_FRESH, CALLS_RUN, CALLS_CLOSE };

enum weft_poll weft_stream_for_each_concurrent__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_for_each_concurrent__frame *f = frame;
	struct weft_stream *calls = &f->calls.stream;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == CALLS_FRESH) {
		weft_stream_buffer_unordered_init_raw(
				&f->calls, 0, f->args.p0, f->args.p1, f->args.p2, f->args.p3);
		calls->source = NULL; /* not ours to close */
		f->args.base.at = CALLS_RUN;
	}
	while (f->args.base.at == CALLS_RUN) {
		if (weft_stream_poll_next(calls, cx, NULL, &f->outcome) == WEFT_PENDING)
			return WEFT_PENDING;
		if (f->outcome <= 0)
			f->args.base.at = CALLS_CLOSE;
	}
	if (weft_stream_poll_close(calls, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->outcome);
}

static void weft_stream_for_each_concurrent__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_stream_for_each_concurrent__frame *f = frame;

	weft_stream_each(&f->calls.stream, visitor);
}

WEFT_ASYNC_DEFINE_NEST(weft_stream_for_each_concurrent, WEFT_ASYNC_RESULT_INT);
