/* SPDX-License-Identifier: MIT */
/*
 * weft/channel.h: a queue of messages, from any number of tasks and threads to the one that receives.
 *
 *     WEFT_CHANNEL(inbox, struct message);                              // declares union inbox
 *     static union inbox inbox = WEFT_CHANNEL_INIT(inbox, 100);
 *
 *     weft_try(await weft_channel_send(&inbox, &message));              // a copy of it; waits for room
 *     while (await weft_channel_recv(&inbox, &message) == 0)            // oldest first
 *             handle(&message);
 *
 * A bounded channel has room for `capacity` messages that nobody has received. Senders wait for it in the
 * order in which they came; who comes later does not go first, not even by try_send. A permit is room that
 * is kept: reserve may be cancelled, or fail, and then send_reserved cannot.
 *
 * Closing ends it for senders, at once: they get -EPIPE. The receiver gets what was sent before, and what
 * is sent with permits that are still out, and then -EPIPE. Close it when nothing more is to come, or have
 * it closed by the last sender that is counted (weft_channel_sender_ref). When it is over:
 *
 *     weft_channel_close(&inbox.channel);
 *     while (weft_channel_try_recv(&inbox, &message) == 0)
 *             message_release(&message);                                // what nobody wanted
 *     weft_channel_finish(&inbox.channel);
 *
 * Several tasks may receive: each message goes to one, and they wait in the order in which they came.
 *
 * Memory:  the channel is yours. Its messages are in blocks that it allocates when they are needed and
 *          frees when they are empty; of these it keeps one of 56 bytes at most. It must not move or die
 *          while a task waits on it or a call on it has not returned; but who got -EPIPE from a receive
 *          may finish it, and free it, if all senders were counted.
 * Threads: all from any thread; a wait from any executor. What was done before a send is seen by who
 *          receives the message.
 * Errors:  -EPIPE: closed. -ENOMEM: as if it had not been called. -ECANCELED: no message was sent, or
 *          received; what was granted meanwhile goes to the next who waits.
 * Order:   a lock of one word for each call, and constant time.
 *
 * Tokio's mpsc is the model; here a channel need not be shared by counting.
 */
#ifndef WEFT_CHANNEL_H
#define WEFT_CHANNEL_H

#include <sys/types.h>

#include <weft/block_on.h>
#include <weft/item.h>
#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_channel_block;

/* One whose items have a size, but no type. */
struct weft_channel {
	union {
		struct weft_waiters list; /* its lock guards everything; word: how many woken */
		void *item;               /* never used: for the macros below */
	} receivers;                      /* private from here on */
	struct weft_waiters senders;      /* word: permits without memory behind them */
	struct weft_channel_block *head, *write;
	uint32_t queued, reserved, room, capacity;
	uint32_t item_bytes;
	uint32_t state;
	struct weft_waiter *watchers;
};

/* A channel of items of one type: `union name`. The calls that have an item as an argument take a pointer
 * to it and check the type; the others take the address of its member `channel`. */
#define WEFT_CHANNEL(name, type)                                                                   \
	union name {                                                                               \
		struct weft_channel channel;                                                       \
		union {                                                                            \
			struct weft_waiters list;                                                  \
			type *item;                                                                \
		} receivers;                                                                       \
	}

/* As a capacity: as many as there is memory for. */
#define WEFT_UNBOUNDED UINT32_MAX

/* For the variable of that name, a WEFT_CHANNEL; the capacity is at least 1. */
/* clang-format off */
#define WEFT_CHANNEL_INIT(name, capacity)                                                          \
	{ { { { NULL, NULL, 0, 0 } }, { NULL, NULL, 0, 0 }, NULL, NULL, 0, 0, 0,                   \
		(uint32_t)(capacity), (uint32_t)sizeof *(name).receivers.item, 0, NULL } }
/* clang-format on */

/* The same, at run time. Allocates nothing. */
void weft_channel_init(struct weft_channel *channel, size_t item_bytes, uint32_t capacity);

/* Frees its memory, and with it what nobody has received. It is closed from then on; nobody waits on it,
 * and there are no permits. */
void weft_channel_finish(struct weft_channel *channel);

/* ---- sending ---- */

/* async int weft_channel_send(channel, const void *item): waits for room and copies the item there. 0;
 * -EPIPE, -ENOMEM, -ECANCELED: it was not sent, and is yours. */
WEFT_ASYNC_2(int, weft_channel_send, struct weft_channel *, const void *);

struct weft_channel_send__frame {
	struct weft_channel_send__args args;
	struct weft_waiter waiter;
};

/* The same without waiting. -EAGAIN: it is full, or others wait. */
WEFT_NODISCARD int weft_channel_try_send(struct weft_channel *channel, const void *item);

/* async int weft_channel_reserve(channel, uint32_t count): waits until there is room for all of them, at
 * most `capacity`. 0: these permits are yours: each is ended by send_reserved or unreserve. Also -EPIPE,
 * -ENOMEM, -ECANCELED: you have none. */
WEFT_ASYNC_2(int, weft_channel_reserve, struct weft_channel *, uint32_t);

struct weft_channel_reserve__frame {
	struct weft_channel_reserve__args args;
	struct weft_waiter waiter;
};

/* The same without waiting. -EAGAIN. */
WEFT_NODISCARD int weft_channel_try_reserve(struct weft_channel *channel, uint32_t count);

/* Sends with a permit: never waits, never fails, also when the channel was closed meanwhile. Aborts if
 * nobody has a permit. */
void weft_channel_send_reserved(struct weft_channel *channel, const void *item);

/* Gives permits back. */
void weft_channel_unreserve(struct weft_channel *channel, uint32_t count);

/* ---- receiving ---- */

/* async int weft_channel_recv(channel, void *item): waits for a message and moves it to *item. 0; -EPIPE:
 * none will come any more; -ECANCELED: none is lost. */
WEFT_ASYNC_2(int, weft_channel_recv, struct weft_channel *, void *);

struct weft_channel_recv__frame {
	struct weft_channel_recv__args args;
	struct weft_waiter waiter;
};

/* The same without waiting. -EAGAIN: there is none, or others wait; after a close also while permits are
 * out. */
WEFT_NODISCARD int weft_channel_try_recv(struct weft_channel *channel, void *item);

/* async ssize_t weft_channel_recv_many(channel, void *items, size_t max): waits for one and takes what is
 * there, up to max. Their number; 0 only if max is 0; -EPIPE; -ECANCELED. */
WEFT_ASYNC_3(ssize_t, weft_channel_recv_many, struct weft_channel *, void *, size_t);

struct weft_channel_recv_many__frame {
	struct weft_channel_recv_many__args args;
	struct weft_waiter waiter;
};

/* ---- from a thread ---- */

/* send and recv for a thread that runs no runtime: they block it, until the deadline (-ETIME; monotonic
 * nanoseconds, or WEFT_NEVER). -EDEADLK in a task, and on every thread that runs a runtime: there it
 * could be waiting for itself. */
WEFT_NODISCARD static inline int weft_channel_send_blocking(
		struct weft_channel *channel, const void *item, int64_t deadline_ns)
{
	struct weft_channel_send__frame frame;
	int err;

	weft_channel_send__init(&frame.args, channel, item);
	err = weft_block_on(&weft_channel_send__async, &frame, deadline_ns);
	return err ? err : frame.args.result;
}

WEFT_NODISCARD static inline int weft_channel_recv_blocking(
		struct weft_channel *channel, void *item, int64_t deadline_ns)
{
	struct weft_channel_recv__frame frame;
	int err;

	weft_channel_recv__init(&frame.args, channel, item);
	err = weft_block_on(&weft_channel_recv__async, &frame, deadline_ns);
	return err ? err : frame.args.result;
}

/* ---- the end ---- */

/* No more is sent, except with permits. Wakes who waits to send; and who waits to receive, when that too
 * is over. Either side, idempotent. */
void weft_channel_close(struct weft_channel *channel);

bool weft_channel_is_closed(struct weft_channel *channel);

/* async int weft_channel_closed(channel): for who has nothing to send yet, as a branch of a select: 0 when
 * it is closed; -ECANCELED. */
WEFT_ASYNC_1(int, weft_channel_closed, struct weft_channel *);

struct weft_channel_closed__frame {
	struct weft_channel_closed__args args;
	struct weft_waiter waiter;
};

/* Counts a sender: whoever sends, or passes the channel on to who does, holds one. 0; -EPIPE: it is
 * closed, so whoever knows the channel without being counted may try (Tokio calls that a weak sender). */
WEFT_NODISCARD int weft_channel_sender_ref(struct weft_channel *channel);

/* The last one closes the channel. Touches it no more when the receiver has seen that. */
void weft_channel_sender_unref(struct weft_channel *channel);

/* How many could be received, or sent, at some moment during the call. */
uint32_t weft_channel_len(struct weft_channel *channel);
uint32_t weft_channel_available(struct weft_channel *channel);

WEFT_END_DECLS

/* The channel in either, if p points to what it holds. */
#define WEFT_CHANNEL_OF_(ch, p)                                                                    \
	(WEFT_ITEM_CHECK((ch)->receivers.item, p), (struct weft_channel *)(void *)(ch))

#define weft_channel_send(ch, item_) weft_channel_send(WEFT_CHANNEL_OF_(ch, item_), item_)
#define weft_channel_try_send(ch, item_) weft_channel_try_send(WEFT_CHANNEL_OF_(ch, item_), item_)
#define weft_channel_send_reserved(ch, item_)                                                      \
	weft_channel_send_reserved(WEFT_CHANNEL_OF_(ch, item_), item_)
#define weft_channel_recv(ch, item_) weft_channel_recv(WEFT_CHANNEL_OF_(ch, item_), item_)
#define weft_channel_try_recv(ch, item_) weft_channel_try_recv(WEFT_CHANNEL_OF_(ch, item_), item_)
#define weft_channel_recv_many(ch, items_, max)                                                    \
	weft_channel_recv_many(WEFT_CHANNEL_OF_(ch, items_), items_, max)

#define weft_channel_send_blocking(ch, item_, deadline_ns)                                         \
	weft_channel_send_blocking(WEFT_CHANNEL_OF_(ch, item_), item_, deadline_ns)
#define weft_channel_recv_blocking(ch, item_, deadline_ns)                                         \
	weft_channel_recv_blocking(WEFT_CHANNEL_OF_(ch, item_), item_, deadline_ns)

#endif
