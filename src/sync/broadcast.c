/* SPDX-License-Identifier: MIT */
/*
 * sync/broadcast.c: a ring of the last messages, and receivers that read it at their own pace.
 *
 * How         `sent` counts the messages, and `write` is where the next one goes. A receiver has the same
 *             two for the next that it reads. It lags when more than the ring holds were sent since; then
 *             it is put to the oldest, which lies at `write`.
 *
 *                 ring:  [ 8 | 9 | 6 | 7 ]     sent 10, write 2; who is next at 7 reads at 3,
 *                                ^ write       who is next at 4 has missed 2 and goes on with 6, at 2
 *
 *             Whoever finds nothing waits (followers.h) for `sent` to move on.
 * Invariants  [I1] read is where the message `next` lies, or would lie, if it is in the ring.
 * Order       all fields are plain, under the lock. A receiver's are its own.
 * Cost        a send is one copy, and one walk through the list, with a lock for each WAKES_MAX that wait;
 *             a receive one copy.
 * Not here    counting who has still to read a message: nobody frees it. Messages that own something are
 *             counted by who sends them.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/broadcast.h>

#include "base/memory.h"
#include "sync/followers.h"
#include "sync/watchers.h"

#undef weft_broadcast_send
#undef weft_broadcast_subscribe
#undef weft_broadcast_try_recv

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_broadcast) == 64, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_broadcast_receiver) == 32,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_broadcast_recv__frame) == 72,
		"part of the ABI");

void weft_broadcast_init(
		struct weft_broadcast *broadcast, void *ring, size_t item_bytes, uint32_t capacity)
{
	struct weft_broadcast fresh = {
		.ring = ring, .capacity = capacity, .item_bytes = (uint32_t)item_bytes
	};

	WEFT_ASSERT(capacity > 0);
	WEFT_ASSERT(item_bytes <= UINT32_MAX);
	*broadcast = fresh;
}

static uint32_t broadcast_after(const struct weft_broadcast *broadcast, uint32_t index)
{
	return index + 1 == broadcast->capacity ? 0 : index + 1;
}

static unsigned char *broadcast_slot(const struct weft_broadcast *broadcast, uint32_t index)
{
	return broadcast->ring + (size_t)index * broadcast->item_bytes;
}

int weft_broadcast_send(struct weft_broadcast *broadcast, const void *item)
{
	struct weft_waiters *waiters = &broadcast->waiters.list;

	weft__waiters_lock(waiters);
	if (waiters->word || !broadcast->receivers) {
		int outcome = waiters->word ? -EPIPE : -ENOTCONN;

		weft__waiters_unlock(waiters);
		return outcome;
	}
	weft__message_copy(
			broadcast_slot(broadcast, broadcast->write), item, broadcast->item_bytes);
	broadcast->write = broadcast_after(broadcast, broadcast->write);
	broadcast->sent++;
	weft__followers_wake(waiters, (uint32_t)broadcast->sent, false);
	return 0;
}

void weft_broadcast_close(struct weft_broadcast *broadcast)
{
	struct weft_waiters *waiters = &broadcast->waiters.list;

	weft__waiters_lock(waiters);
	waiters->word = true;
	weft__followers_wake(waiters, 0, true);
	weft__waiters_lock(waiters);
	weft__watchers_wake(waiters, &broadcast->watchers);
}

enum weft_poll weft_broadcast_closed__poll(void *frame, struct weft_context *cx)
{
	struct weft_broadcast_closed__frame *f = frame;
	struct weft_broadcast *broadcast = f->args.p0;
	struct weft_waiters *waiters = &broadcast->waiters.list;
	int outcome;

	if (!weft__followers_enter(waiters, &f->args.base, cx))
		return WEFT_PENDING;
	outcome = weft__watchers_look(&broadcast->watchers, &f->waiter, &f->args.base,
			waiters->word || !broadcast->receivers, cx);
	weft__waiters_unlock(waiters);
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_broadcast_closed, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);

uint32_t weft_broadcast_receivers(struct weft_broadcast *broadcast)
{
	uint32_t receivers;

	weft__waiters_lock(&broadcast->waiters.list);
	receivers = broadcast->receivers;
	weft__waiters_unlock(&broadcast->waiters.list);
	return receivers;
}

void weft_broadcast_subscribe(
		struct weft_broadcast *broadcast, struct weft_broadcast_receiver *receiver)
{
	weft__waiters_lock(&broadcast->waiters.list);
	broadcast->receivers++;
	receiver->from.broadcast = broadcast;
	receiver->missed = 0;
	receiver->next = broadcast->sent;
	receiver->read = broadcast->write; /* [I1] */
	weft__waiters_unlock(&broadcast->waiters.list);
}

void weft_broadcast_unsubscribe(struct weft_broadcast_receiver *receiver)
{
	struct weft_broadcast *broadcast = receiver->from.broadcast;

	weft__waiters_lock(&broadcast->waiters.list);
	WEFT_ASSERT(broadcast->receivers > 0);
	if (--broadcast->receivers == 0)
		weft__watchers_wake(&broadcast->waiters.list, &broadcast->watchers);
	else
		weft__waiters_unlock(&broadcast->waiters.list);
}

/* With the lock. */
static int broadcast_read(struct weft_broadcast_receiver *receiver, void *item)
{
	const struct weft_broadcast *broadcast = receiver->from.broadcast;
	uint64_t behind = broadcast->sent - receiver->next;

	if (behind == 0)
		return broadcast->waiters.list.word ? -EPIPE : -EAGAIN;
	if (behind > broadcast->capacity) {
		receiver->missed = behind - broadcast->capacity;
		receiver->next += receiver->missed;
		receiver->read = broadcast->write; /* [I1] */
		return -EOVERFLOW;
	}
	weft__message_copy(item, broadcast_slot(broadcast, receiver->read), broadcast->item_bytes);
	receiver->read = broadcast_after(broadcast, receiver->read);
	receiver->next++;
	return 0;
}

int weft_broadcast_try_recv(struct weft_broadcast_receiver *receiver, void *item)
{
	struct weft_waiters *waiters = &receiver->from.broadcast->waiters.list;
	int outcome;

	weft__waiters_lock(waiters);
	outcome = broadcast_read(receiver, item);
	weft__waiters_unlock(waiters);
	return outcome;
}

enum weft_poll weft_broadcast_recv__poll(void *frame, struct weft_context *cx)
{
	struct weft_broadcast_recv__frame *f = frame;
	struct weft_broadcast *broadcast = f->args.p0->from.broadcast;
	struct weft_waiters *waiters = &broadcast->waiters.list;
	int outcome = -ECANCELED;

	if (!weft__followers_enter(waiters, &f->args.base, cx))
		return WEFT_PENDING;
	if (!weft_context_cancelled(cx))
		outcome = broadcast_read(f->args.p0, f->args.p1);
	f->waiter.wanted = (uint32_t)broadcast->sent;
	return weft__followers_leave(
			waiters, &f->waiter, &f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_broadcast_recv, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

uint64_t weft_broadcast_len(struct weft_broadcast_receiver *receiver)
{
	struct weft_broadcast *broadcast = receiver->from.broadcast;
	uint64_t len;

	weft__waiters_lock(&broadcast->waiters.list);
	len = broadcast->sent - receiver->next;
	weft__waiters_unlock(&broadcast->waiters.list);
	return len;
}
