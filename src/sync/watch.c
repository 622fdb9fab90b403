/* SPDX-License-Identifier: MIT */
/*
 * sync/watch.c: one value with a version, and receivers that know which version they have seen.
 *
 * How         Whoever has seen the version that is there waits (followers.h) for the next.
 *             Who waits for a certain value asks about a copy, without the lock: whoever sends is not
 *             held up by what is none of ours. A version is asked about once by a wait.
 * Order       all fields are plain, under the lock. A receiver's are its own.
 * Cost        a copy of the value under the lock; a send walks once through those who wait.
 * Not here    readers that share the lock, or read again when the version has changed meanwhile: for a
 *             value of some hundred bytes the copy takes no longer than getting hold of the word that says
 *             so.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/watch.h>

#include "base/memory.h"
#include "sync/followers.h"
#include "sync/watchers.h"

#undef weft_watch_send
#undef weft_watch_replace
#undef weft_watch_send_if
#undef weft_watch_read
#undef weft_watch_subscribe
#undef weft_watch_get

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_watch) == 56, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_watch_receiver) == 16, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_watch_changed__frame) == 72,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_watch_wait_for__frame) == 104,
		"part of the ABI");

void weft_watch_init(struct weft_watch *watch, void *place, size_t bytes)
{
	struct weft_watch fresh = { .value = place, .bytes = (uint32_t)bytes };

	WEFT_ASSERT(bytes <= UINT32_MAX);
	*watch = fresh;
}

/* With the lock, which it gives back: the new value, unless the outcome is another. */
static int watch_put(struct weft_watch *watch, const void *value, int outcome)
{
	struct weft_waiters *waiters = &watch->waiters.list;

	if (waiters->word)
		outcome = -EPIPE;
	if (outcome) {
		weft__waiters_unlock(waiters);
		return outcome;
	}
	weft__message_copy(watch->value, value, watch->bytes);
	watch->version++;
	weft__followers_wake(waiters, (uint32_t)watch->version, false);
	return 0;
}

int weft_watch_send(struct weft_watch *watch, const void *value)
{
	weft__waiters_lock(&watch->waiters.list);
	return watch_put(watch, value, watch->receivers ? 0 : -ENOTCONN);
}

int weft_watch_replace(struct weft_watch *watch, const void *value)
{
	weft__waiters_lock(&watch->waiters.list);
	return watch_put(watch, value, 0);
}

int weft_watch_send_if(struct weft_watch *watch, const void *value, uint64_t version)
{
	weft__waiters_lock(&watch->waiters.list);
	return watch_put(watch, value, watch->version == version ? 0 : -EAGAIN);
}

/* With the lock. */
static uint64_t watch_copy(const struct weft_watch *watch, void *value)
{
	weft__message_copy(value, watch->value, watch->bytes);
	return watch->version;
}

uint64_t weft_watch_read(struct weft_watch *watch, void *value)
{
	uint64_t version;

	weft__waiters_lock(&watch->waiters.list);
	version = watch_copy(watch, value);
	weft__waiters_unlock(&watch->waiters.list);
	return version;
}

void weft_watch_close(struct weft_watch *watch)
{
	struct weft_waiters *waiters = &watch->waiters.list;

	weft__waiters_lock(waiters);
	waiters->word = true;
	weft__followers_wake(waiters, 0, true);
	weft__waiters_lock(waiters);
	weft__watchers_wake(waiters, &watch->watchers);
}

enum weft_poll weft_watch_closed__poll(void *frame, struct weft_context *cx)
{
	struct weft_watch_closed__frame *f = frame;
	struct weft_watch *watch = f->args.p0;
	struct weft_waiters *waiters = &watch->waiters.list;
	int outcome;

	if (!weft__followers_enter(waiters, &f->args.base, cx))
		return WEFT_PENDING;
	outcome = weft__watchers_look(&watch->watchers, &f->waiter, &f->args.base,
			waiters->word || !watch->receivers, cx);
	weft__waiters_unlock(waiters);
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_watch_closed, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);

uint32_t weft_watch_receivers(struct weft_watch *watch)
{
	uint32_t receivers;

	weft__waiters_lock(&watch->waiters.list);
	receivers = watch->receivers;
	weft__waiters_unlock(&watch->waiters.list);
	return receivers;
}

void weft_watch_subscribe(struct weft_watch *watch, struct weft_watch_receiver *receiver)
{
	weft__waiters_lock(&watch->waiters.list);
	watch->receivers++;
	receiver->from.watch = watch;
	receiver->seen = watch->version;
	weft__waiters_unlock(&watch->waiters.list);
}

void weft_watch_unsubscribe(struct weft_watch_receiver *receiver)
{
	struct weft_watch *watch = receiver->from.watch;

	weft__waiters_lock(&watch->waiters.list);
	WEFT_ASSERT(watch->receivers > 0);
	if (--watch->receivers == 0)
		weft__watchers_wake(&watch->waiters.list, &watch->watchers);
	else
		weft__waiters_unlock(&watch->waiters.list);
}

/* With the lock. */
static int watch_look(struct weft_watch_receiver *receiver, void *value)
{
	const struct weft_watch *watch = receiver->from.watch;

	if (receiver->seen == watch->version)
		return watch->waiters.list.word ? -EPIPE : -EAGAIN;
	receiver->seen = watch_copy(watch, value);
	return 0;
}

enum weft_poll weft_watch_changed__poll(void *frame, struct weft_context *cx)
{
	struct weft_watch_changed__frame *f = frame;
	struct weft_watch *watch = f->args.p0->from.watch;
	struct weft_waiters *waiters = &watch->waiters.list;
	int outcome = -ECANCELED;

	if (!weft__followers_enter(waiters, &f->args.base, cx))
		return WEFT_PENDING;
	if (!weft_context_cancelled(cx))
		outcome = watch_look(f->args.p0, f->args.p1);
	f->waiter.wanted = (uint32_t)watch->version;
	return weft__followers_leave(
			waiters, &f->waiter, &f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_watch_changed, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

/* With the lock. 1: there is a value that has not been asked about, and is at *p1 now. */
static int watch_fetch(struct weft_watch_wait_for__frame *f, const struct weft_context *cx)
{
	const struct weft_watch *watch = f->args.p0->from.watch;

	if (weft_context_cancelled(cx))
		return -ECANCELED;
	if (f->has_asked && f->asked == watch->version)
		return watch->waiters.list.word ? -EPIPE : -EAGAIN;
	f->asked = watch_copy(watch, f->args.p1);
	f->has_asked = true;
	return 1;
}

/* A value may come while the last is being asked about: so it looks again before it waits. */
enum weft_poll weft_watch_wait_for__poll(void *frame, struct weft_context *cx)
{
	struct weft_watch_wait_for__frame *f = frame;
	struct weft_watch_receiver *receiver = f->args.p0;
	struct weft_waiters *waiters = &receiver->from.watch->waiters.list;
	int outcome;

	if (f->args.base.at == LEAF_FRESH)
		f->has_asked = false;
	for (unsigned asked = 0; weft__followers_enter(waiters, &f->args.base, cx); asked++) {
		outcome = watch_fetch(f, cx);
		if (outcome == 1) {
			weft__waiters_unlock(waiters);
			outcome = f->args.p2(f->args.p3, f->args.p1, NULL);
			if (outcome == 0)
				continue;
			weft__waiters_lock(waiters);
		}
		if (outcome > 0)
			receiver->seen = f->asked;
		for (; outcome == -EAGAIN && asked > 0; asked--)
			weft_context_refund(cx); /* who waits has spent nothing */
		f->waiter.wanted = (uint32_t)f->asked;
		return weft__followers_leave(waiters, &f->waiter, &f->args.base, &f->args.result,
				outcome > 0 ? 0 : outcome, cx);
	}
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_watch_wait_for, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

void weft_watch_get(struct weft_watch_receiver *receiver, void *value)
{
	receiver->seen = weft_watch_read(receiver->from.watch, value);
}

static void watch_mark(struct weft_watch_receiver *receiver, uint64_t behind)
{
	struct weft_watch *watch = receiver->from.watch;

	weft__waiters_lock(&watch->waiters.list);
	receiver->seen = watch->version - behind;
	weft__waiters_unlock(&watch->waiters.list);
}

void weft_watch_mark_changed(struct weft_watch_receiver *receiver)
{
	watch_mark(receiver, 1);
}

void weft_watch_mark_unchanged(struct weft_watch_receiver *receiver)
{
	watch_mark(receiver, 0);
}

int weft_watch_has_changed(struct weft_watch_receiver *receiver)
{
	struct weft_watch *watch = receiver->from.watch;
	int outcome;

	weft__waiters_lock(&watch->waiters.list);
	outcome = watch->waiters.list.word ? -EPIPE : receiver->seen != watch->version;
	weft__waiters_unlock(&watch->waiters.list);
	return outcome;
}
