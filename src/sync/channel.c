/* SPDX-License-Identifier: MIT */
/*
 * sync/channel.c: a queue of messages, and those who wait on both sides of it.
 *
 * Why         One lock of one word with plain state inside costs less than the atomic operations of a
 *             queue without a lock, as long as it is held for some ten instructions.
 * How         Messages lie in blocks (channel_queue.h). These are allocated without the lock: room is
 *             reserved first, and then memory is put behind the reservation.
 *
 *             Whoever changes something then settles (as permits.c does): senders, oldest first, are given
 *             permits while there is room; receivers, oldest first, are each promised one message of those
 *             that are not promised. Nothing is handed over: what was promised lies in the queue, and who
 *             was promised something takes the oldest when it is polled, or is cancelled and the promise
 *             goes to the next.
 *
 *                 OUT --push--> LINKED --settle--> GRANTED (a permit, a promise), CLOSED
 *                  ^               |
 *                  +----remove-----+   cancelled
 * Invariants  [I1] queued + reserved <= capacity, with the permits of those GRANTED in reserved.
 *             [I2] room, the free places from write on, is not less than the permits with memory behind
 *                  them (reserved - unbacked). So send_reserved finds a place.
 *             [I3] promised <= queued: newcomers receive only what is not promised.
 *             [I4] when the lock is free, the oldest sender wants more than there is room for, and is not
 *                  closed; a receiver waits only if everything is promised, and something may still come;
 *                  or who let go of the lock after WAKES_MAX claims is about to take it again.
 * Order       [O1] all fields are plain, under the lock. Wakes are committed, and blocks freed, without
 *                  it.
 *             [O2] whoever closes, or sends last, touches the channel no more when it lets go of the lock:
 *                  a receiver that is told so takes the lock first, so it may free the channel.
 * Cost        constant: two copies of the item, a lock on each side. A block that is freed and allocated
 *             for every burst costs less than the memory that idle channels would hold.
 * Not here    handing a message from a sender's frame to a receiver's: it would be lost with the frame.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include <weft/channel.h>

#include "core/held.h"
#include "sync/channel_queue.h"
#include "sync/watchers.h"

#undef weft_channel_try_send
#undef weft_channel_send_reserved
#undef weft_channel_try_recv

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_channel) == 96, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_channel_send__frame) == 72,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_channel_reserve__frame) == 72,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_channel_recv__frame) == 72,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_channel_recv_many__frame) == 80,
		"part of the ABI");

/* The state: a flag, and how many senders are counted. */
enum { CHANNEL_CLOSED = 1, CHANNEL_SENDER = 2 };

/* ---- who waits ---- */

WEFT_INLINE void channel_enter(struct weft_channel *channel, struct channel_after *after)
{
	after->drained = NULL;
	weft__waiters_lock(&channel->receivers.list);
}

static bool channel_is_over(const struct weft_channel *channel)
{
	return channel->state & CHANNEL_CLOSED && channel->queued + channel->reserved == 0;
}

static bool channel_has_room(const struct weft_channel *channel, uint32_t count)
{
	return channel->capacity - channel->queued - channel->reserved >= count; /* [I1] */
}

/* Permits whose memory is still to come. */
static void channel_grant(struct weft_channel *channel, uint32_t count)
{
	channel->reserved += count;
	channel->senders.word += count;
}

static void channel_settle_senders(struct weft_channel *channel, struct weft__wakes *wakes)
{
	bool closed = channel->state & CHANNEL_CLOSED;
	struct weft_waiter *oldest;

	while ((oldest = channel->senders.oldest) && wakes->count < WAKES_MAX) {
		if (!closed && !channel_has_room(channel, oldest->wanted))
			break;
		if (!closed)
			channel_grant(channel, oldest->wanted);
		weft__waiters_wake(&channel->senders, oldest,
				closed ? WAITER_CLOSED : WAITER_GRANTED, wakes);
	}
}

static void channel_settle_receivers(struct weft_channel *channel, struct weft__wakes *wakes)
{
	struct weft_waiters *receivers = &channel->receivers.list;
	bool over = channel_is_over(channel);
	struct weft_waiter *oldest;

	while ((oldest = receivers->oldest) && wakes->count < WAKES_MAX) {
		if (!over && receivers->word == channel->queued) /* [I3] */
			break;
		if (!over)
			receivers->word++;
		weft__waiters_wake(receivers, oldest, over ? WAITER_CLOSED : WAITER_GRANTED, wakes);
	}
}

/* Settles, and gives the lock back. */
__attribute__((noinline)) static void channel_settle(
		struct weft_channel *channel, struct weft_channel_block *drained)
{
	struct weft_waiters *receivers = &channel->receivers.list;
	uint32_t item_bytes = channel->item_bytes;
	struct weft__wakes wakes;
	bool more;

	do {
		wakes.count = 0;
		if (channel->state & CHANNEL_CLOSED)
			weft__watchers_claim(&channel->watchers, &wakes);
		if (channel->senders.oldest)
			channel_settle_senders(channel, &wakes); /* [I4] */
		if (receivers->oldest)
			channel_settle_receivers(channel, &wakes); /* [I4] */
		more = wakes.count == WAKES_MAX &&
				(channel->senders.oldest || receivers->oldest || channel->watchers);
		weft__waiters_unlock(receivers); /* [O2] */
		weft__wakes_commit(&wakes);      /* [O1] */
		if (more)
			weft__waiters_lock(receivers);
	} while (more);
	channel_blocks_destroy(drained, item_bytes); /* [O1] */
}

/* The same, for who has just sent, or received: most of the time nobody waits, or the one receiver. */
WEFT_INLINE void channel_leave(struct weft_channel *channel, struct channel_after *after)
{
	struct weft_waiters *receivers = &channel->receivers.list;
	struct weft_waiter *oldest = receivers->oldest;
	struct weft_waker claimed;

	WEFT_CHECK(channel_check(channel));
	if (WEFT_UNLIKELY(channel->senders.oldest || after->drained ||
			    (oldest && (oldest->newer || receivers->word == channel->queued)))) {
		channel_settle(channel, after->drained);
	} else if (oldest) {
		receivers->word++; /* [I3] */
		weft__waiters_remove(receivers, oldest);
		oldest->state = WAITER_GRANTED;
		claimed = weft_waker_claim(&oldest->waker);
		weft__waiters_unlock(receivers); /* [O2] */
		weft_waker_commit(claimed);      /* [O1] */
	} else {
		weft__waiters_unlock(receivers);
	}
}

static void channel_ungrant(
		struct weft_channel *channel, uint32_t count, struct channel_after *after)
{
	channel->reserved -= count;
	if (channel->queued == 0 && channel_backed(channel) == 0)
		channel_trim(channel, after);
}

/* Puts memory behind granted permits, or takes them back: -ENOMEM. */
static int channel_back(struct weft_channel *channel, uint32_t count, struct channel_after *after)
{
	while (channel->room - channel_backed(channel) < count) { /* [I2] */
		uint32_t slots = channel_next_slots(channel);
		struct weft_channel_block *block;

		weft__waiters_unlock(&channel->receivers.list);
		block = channel_block_create(slots, channel->item_bytes);
		weft__waiters_lock(&channel->receivers.list);
		if (!block) {
			channel->senders.word -= count;
			channel_ungrant(channel, count, after);
			return -ENOMEM;
		}
		channel_insert(channel, block);
	}
	channel->senders.word -= count;
	return 0;
}

/* For who has just come: 0: granted. */
static int channel_admit(struct weft_channel *channel, uint32_t count)
{
	WEFT_ASSERT(count <= channel->capacity); /* it would wait for ever */
	if (channel->state & CHANNEL_CLOSED)
		return -EPIPE;
	if (channel->senders.oldest || !channel_has_room(channel, count))
		return -EAGAIN;
	channel_grant(channel, count);
	return 0;
}

/* For who has just come: 0: there is a message that nobody was promised. */
static int channel_look(const struct weft_channel *channel)
{
	if (channel->queued > channel->receivers.list.word) /* [I3] */
		return channel->receivers.list.oldest ? -EAGAIN : 0;
	return channel_is_over(channel) ? -EPIPE : -EAGAIN;
}

/* Polled again: -EAGAIN: it still waits; 0: it was granted something, which is its own now, also if it is
 * cancelled. */
static int channel_wait(
		struct weft_waiters *list, struct weft_waiter *waiter, struct weft_context *cx)
{
	bool cancelled = weft_context_cancelled(cx);

	if (waiter->state == WAITER_GRANTED)
		return 0;
	if (waiter->state == WAITER_CLOSED)
		return cancelled ? -ECANCELED : -EPIPE;
	if (cancelled) {
		weft__waiters_remove(list, waiter);
		return -ECANCELED;
	}
	waiter->waker = *weft_context_waker(cx);
	return -EAGAIN;
}

/* ---- the leaves ---- */

/* Whether it was cancelled before it began. */
WEFT_INLINE bool channel_is_spared(struct weft_frame *frame, const struct weft_context *cx)
{
	WEFT_FRAME_CHECK(frame);
	if (frame->at != LEAF_FRESH && frame->at != LEAF_WAITING)
		weft_frame_misuse(frame);
	return frame->at == LEAF_FRESH && weft_context_cancelled(cx);
}

/* With the lock: permits for the waiter, with memory behind them. */
static int channel_acquire(struct weft_channel *channel, const struct weft_frame *frame,
		struct weft_waiter *waiter, struct weft_context *cx, struct channel_after *after)
{
	int outcome;

	if (frame->at == LEAF_FRESH) {
		outcome = channel_admit(channel, waiter->wanted);
		if (outcome == -EAGAIN && !cx->trying)
			weft__waiters_push(&channel->senders, waiter, cx);
	} else {
		outcome = channel_wait(&channel->senders, waiter, cx);
		if (outcome == 0 && weft_context_cancelled(cx)) {
			channel->senders.word -= waiter->wanted;
			channel_ungrant(channel, waiter->wanted, after);
			outcome = -ECANCELED;
		}
	}
	return outcome == 0 ? channel_back(channel, waiter->wanted, after) : outcome;
}

/* Whether who has just come may send at once: all that channel_admit and channel_back look at. */
static inline bool channel_is_open(const struct weft_channel *channel)
{
	return !(channel->state & CHANNEL_CLOSED) && !channel->senders.oldest &&
			channel_has_room(channel, 1) && channel->room > channel_backed(channel);
}

/* With the lock, which it gives back. item NULL: keeps the permits. */
__attribute__((noinline)) static int channel_send_slowly(struct weft_channel *channel,
		const struct weft_frame *frame, struct weft_waiter *waiter, const void *item,
		struct weft_context *cx)
{
	struct channel_after after = { NULL };
	int outcome = channel_acquire(channel, frame, waiter, cx, &after);

	if (outcome == 0 && item)
		channel_put(channel, item);
	channel_leave(channel, &after);
	return outcome;
}

enum weft_poll weft_channel_send__poll(void *frame, struct weft_context *cx)
{
	struct weft_channel_send__frame *f = frame;
	struct weft_channel *channel = f->args.p0;
	struct channel_after after;
	int outcome = -ECANCELED;

	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (channel_is_spared(&f->args.base, cx))
		return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
	channel_enter(channel, &after);
	if (f->args.base.at == LEAF_FRESH && channel_is_open(channel)) {
		channel_write(channel, f->args.p1);
		channel_leave(channel, &after);
		outcome = 0;
	} else {
		f->waiter.wanted = 1;
		outcome = channel_send_slowly(channel, &f->args.base, &f->waiter, f->args.p1, cx);
	}
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_channel_send, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_HELD | WEFT_ASYNC_TRIES);

enum weft_poll weft_channel_reserve__poll(void *frame, struct weft_context *cx)
{
	struct weft_channel_reserve__frame *f = frame;
	int outcome = -ECANCELED;

	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (!channel_is_spared(&f->args.base, cx)) {
		weft__waiters_lock(&f->args.p0->receivers.list);
		f->waiter.wanted = f->args.p1; /* others read it, once it waits */
		outcome = channel_send_slowly(f->args.p0, &f->args.base, &f->waiter, NULL, cx);
	}
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_channel_reserve, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_HELD | WEFT_ASYNC_TRIES);

/* With the lock: 0: a message is there, and for the waiter. */
WEFT_INLINE int channel_expect(struct weft_channel *channel, const struct weft_frame *frame,
		struct weft_waiter *waiter, struct weft_context *cx)
{
	struct weft_waiters *receivers = &channel->receivers.list;
	int outcome;

	if (frame->at == LEAF_FRESH) {
		outcome = channel_look(channel);
		if (outcome == -EAGAIN && !cx->trying)
			weft__waiters_push(receivers, waiter, cx);
		return outcome;
	}
	outcome = channel_wait(receivers, waiter, cx);
	if (outcome == 0) {
		receivers->word--;
		if (weft_context_cancelled(cx))
			return -ECANCELED;
	}
	return outcome;
}

enum weft_poll weft_channel_recv__poll(void *frame, struct weft_context *cx)
{
	struct weft_channel_recv__frame *f = frame;
	struct weft_channel *channel = f->args.p0;
	struct channel_after after;
	int outcome = -ECANCELED;

	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (!channel_is_spared(&f->args.base, cx)) {
		channel_enter(channel, &after);
		outcome = channel_expect(channel, &f->args.base, &f->waiter, cx);
		if (outcome == 0)
			channel_take(channel, f->args.p1, &after);
		if (outcome == -EAGAIN)
			weft__waiters_unlock(&channel->receivers.list); /* [I4] still */
		else
			channel_leave(channel, &after);
	}
	if (outcome == 0 || outcome == -EAGAIN)
		WEFT_HELD(took(channel, HELD_RECEIVER, cx, f));
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_channel_recv, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

/* With the lock, and one message at least that is not promised. */
static int channel_take_many(
		struct weft_channel *channel, void *items, size_t max, struct channel_after *after)
{
	uint32_t count = channel->queued - channel->receivers.list.word; /* [I3] */

	if (count > max)
		count = (uint32_t)max;
	if (count > INT_MAX)
		count = INT_MAX;
	for (uint32_t i = 0; i < count; i++)
		channel_take(channel, (char *)items + (size_t)i * channel->item_bytes, after);
	return (int)count;
}

enum weft_poll weft_channel_recv_many__poll(void *frame, struct weft_context *cx)
{
	struct weft_channel_recv_many__frame *f = frame;
	struct weft_channel *channel = f->args.p0;
	struct channel_after after;
	enum weft_poll poll;
	int outcome = -ECANCELED, result = 0;

	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (!channel_is_spared(&f->args.base, cx)) {
		channel_enter(channel, &after);
		outcome = f->args.p2 ? channel_expect(channel, &f->args.base, &f->waiter, cx) : 0;
		if (outcome == 0 && f->args.p2)
			outcome = channel_take_many(channel, f->args.p1, f->args.p2, &after);
		channel_leave(channel, &after);
	}
	if (outcome >= 0 || outcome == -EAGAIN)
		WEFT_HELD(took(channel, HELD_RECEIVER, cx, f));
	poll = weft__leaf_end(&f->args.base, &result, outcome, cx);
	f->args.result = result;
	return poll;
}

WEFT_ASYNC_DEFINE_LEAF(weft_channel_recv_many,
		WEFT_ASYNC_RESULT_SSIZE | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

/* ---- without waiting ---- */

int weft_channel_try_reserve(struct weft_channel *channel, uint32_t count)
{
	struct channel_after after;
	int outcome;

	channel_enter(channel, &after);
	outcome = channel_admit(channel, count);
	if (outcome == 0)
		outcome = channel_back(channel, count, &after);
	channel_leave(channel, &after);
	return outcome;
}

int weft_channel_try_send(struct weft_channel *channel, const void *item)
{
	struct channel_after after;
	int outcome = 0;

	channel_enter(channel, &after);
	if (channel_is_open(channel)) {
		channel_write(channel, item);
	} else {
		outcome = channel_admit(channel, 1);
		if (outcome == 0)
			outcome = channel_back(channel, 1, &after);
		if (outcome == 0)
			channel_put(channel, item);
	}
	channel_leave(channel, &after);
	return outcome;
}

void weft_channel_send_reserved(struct weft_channel *channel, const void *item)
{
	struct channel_after after;

	channel_enter(channel, &after);
	channel_put(channel, item);
	channel_leave(channel, &after);
}

void weft_channel_unreserve(struct weft_channel *channel, uint32_t count)
{
	struct channel_after after;

	channel_enter(channel, &after);
	WEFT_ASSERT(count <= channel_backed(channel));
	channel_ungrant(channel, count, &after);
	channel_leave(channel, &after);
}

int weft_channel_try_recv(struct weft_channel *channel, void *item)
{
	struct channel_after after;
	int outcome;

	channel_enter(channel, &after);
	outcome = channel_look(channel);
	if (outcome == 0)
		channel_take(channel, item, &after);
	channel_leave(channel, &after);
	if (outcome == 0 || outcome == -EAGAIN)
		WEFT_HELD(took(channel, HELD_RECEIVER, NULL, NULL));
	return outcome;
}

/* ---- the rest of its life ---- */

void weft_channel_init(struct weft_channel *channel, size_t item_bytes, uint32_t capacity)
{
	struct weft_channel fresh = { .capacity = capacity, .item_bytes = (uint32_t)item_bytes };

	WEFT_ASSERT(item_bytes > 0);
	WEFT_ASSERT(item_bytes <= UINT32_MAX / 2);
	WEFT_ASSERT(capacity > 0);
	*channel = fresh;
}

void weft_channel_finish(struct weft_channel *channel)
{
	WEFT_ASSERT(!channel->receivers.list.oldest);
	WEFT_ASSERT(!channel->senders.oldest && !channel->watchers);
	WEFT_ASSERT(channel->reserved == 0);
	WEFT_ASSERT(channel->receivers.list.word == 0); /* who is promised one waits, too */
	channel_blocks_destroy(channel->head, channel->item_bytes);
	channel->head = channel->write = NULL;
	channel->queued = channel->room = 0;
	channel->state = CHANNEL_CLOSED;
}

void weft_channel_close(struct weft_channel *channel)
{
	weft__waiters_lock(&channel->receivers.list);
	channel->state |= CHANNEL_CLOSED;
	channel_settle(channel, NULL);
}

enum weft_poll weft_channel_closed__poll(void *frame, struct weft_context *cx)
{
	struct weft_channel_closed__frame *f = frame;
	struct weft_channel *channel = f->args.p0;
	int outcome = -ECANCELED;

	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (!channel_is_spared(&f->args.base, cx)) {
		weft__waiters_lock(&channel->receivers.list);
		outcome = weft__watchers_look(&channel->watchers, &f->waiter, &f->args.base,
				channel->state & CHANNEL_CLOSED, cx);
		weft__waiters_unlock(&channel->receivers.list);
	}
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_channel_closed, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);

bool weft_channel_is_closed(struct weft_channel *channel)
{
	bool closed;

	weft__waiters_lock(&channel->receivers.list);
	closed = channel->state & CHANNEL_CLOSED;
	weft__waiters_unlock(&channel->receivers.list);
	return closed;
}

int weft_channel_sender_ref(struct weft_channel *channel)
{
	int outcome = -EPIPE;

	weft__waiters_lock(&channel->receivers.list);
	if (!(channel->state & CHANNEL_CLOSED)) {
		WEFT_ASSERT(channel->state < UINT32_MAX - CHANNEL_SENDER);
		channel->state += CHANNEL_SENDER;
		outcome = 0;
	}
	weft__waiters_unlock(&channel->receivers.list);
	return outcome;
}

void weft_channel_sender_unref(struct weft_channel *channel)
{
	weft__waiters_lock(&channel->receivers.list);
	WEFT_ASSERT(channel->state >= CHANNEL_SENDER);
	channel->state -= CHANNEL_SENDER;
	if (channel->state < CHANNEL_SENDER)
		channel->state |= CHANNEL_CLOSED;
	channel_settle(channel, NULL); /* [O2] */
}

uint32_t weft_channel_len(struct weft_channel *channel)
{
	uint32_t len;

	weft__waiters_lock(&channel->receivers.list);
	len = channel->queued - channel->receivers.list.word;
	weft__waiters_unlock(&channel->receivers.list);
	return len;
}

uint32_t weft_channel_available(struct weft_channel *channel)
{
	uint32_t available;

	weft__waiters_lock(&channel->receivers.list);
	available = channel->capacity - channel->queued - channel->reserved;
	weft__waiters_unlock(&channel->receivers.list);
	return available;
}
