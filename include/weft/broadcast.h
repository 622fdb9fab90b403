/* SPDX-License-Identifier: MIT */
/*
 * weft/broadcast.h: every receiver gets every message, if it is not too slow.
 *
 *     WEFT_BROADCAST(ticks, struct tick);              // declares union ticks and union ticks_receiver
 *     static struct tick ring[16];
 *     static union ticks ticks = WEFT_BROADCAST_INIT(ticks, ring);
 *
 *     weft_broadcast_send(&ticks, &tick);              // never waits: the oldest message makes room
 *
 *     union ticks_receiver receiver;                   // in each task that listens
 *
 *     weft_broadcast_subscribe(&ticks, &receiver);     // to what is sent from now on
 *     defer weft_broadcast_unsubscribe(&receiver.receiver);
 *     while ((err = await weft_broadcast_recv(&receiver, &tick)) != -EPIPE)
 *             if (err == -EOVERFLOW)                   // it has missed some, and goes on with the oldest
 *                     missed += receiver.receiver.missed;
 *
 * The ring holds the last messages, as many as it has elements. A receiver that has not taken a message
 * before it makes room for another misses it, and is told, once, how many those were.
 *
 * Memory:  the broadcast, its ring and the receivers are yours; nothing allocates. A message is copied to
 *          each receiver. The broadcast must stay until its receivers have unsubscribed and its calls have
 *          returned. A receiver must not move while a task waits on it.
 * Threads: all from any thread; a wait from any executor; a receiver by one at a time. What was done
 *          before a send is seen by who receives the message.
 * Order:   a lock of one word for each call. A send wakes all who wait, in steps.
 *
 * Tokio's broadcast is the model. There a capacity is rounded up to a power of two; here it is what it is.
 */
#ifndef WEFT_BROADCAST_H
#define WEFT_BROADCAST_H

#include <weft/block_on.h>
#include <weft/item.h>
#include <weft/waiter.h>

WEFT_BEGIN_DECLS

/* One whose items have a size, but no type. */
struct weft_broadcast {
	union {
		struct weft_waiters list; /* word: closed */
		void *item;               /* never used: for the macros below */
	} waiters;                        /* private from here on */
	unsigned char *ring;
	uint64_t sent;
	uint32_t capacity, item_bytes;
	uint32_t write; /* where in the ring the next one goes */
	uint32_t receivers;
	struct weft_waiter *watchers;
};

struct weft_broadcast_receiver {
	union {
		struct weft_broadcast *broadcast;
		void *item;
	} from;          /* private */
	uint64_t missed; /* how many, when a receive has given -EOVERFLOW */
	uint64_t next;   /* private from here on: how many were sent before its next one */
	uint32_t read;   /* where in the ring that is */
};

/* A broadcast of items of one type, and its receivers. The calls that have an item as an argument check
 * its type; the others take the address of the member `broadcast` or `receiver`. */
#define WEFT_BROADCAST(name, type)                                                                 \
	union name {                                                                               \
		struct weft_broadcast broadcast;                                                   \
		union {                                                                            \
			struct weft_waiters list;                                                  \
			type *item;                                                                \
		} waiters;                                                                         \
	};                                                                                         \
	union name##_receiver {                                                                    \
		struct weft_broadcast_receiver receiver;                                           \
		union {                                                                            \
			struct weft_broadcast *broadcast;                                          \
			type *item;                                                                \
		} from;                                                                            \
	}

/* For the variable of that name, a WEFT_BROADCAST; the array has items of its type. */
/* clang-format off */
#define WEFT_BROADCAST_INIT(name, array)                                                           \
	{ { { { NULL, NULL, 0, 0 } }, (unsigned char *)(array), 0,                                 \
		(uint32_t)(sizeof(array) / sizeof *(array)),                                       \
		(uint32_t)(sizeof *(array) +                                                       \
				0 * WEFT_ITEM_MATCH_((name).waiters.item, array)),                 \
		0, 0, NULL } }
/* clang-format on */

/* The same, at run time. `ring` has room for `capacity` items, one at least. */
void weft_broadcast_init(
		struct weft_broadcast *broadcast, void *ring, size_t item_bytes, uint32_t capacity);

/* Copies the item to the ring and wakes who waits. 0; -EPIPE: it is closed; -ENOTCONN: nobody has
 * subscribed, and it was dropped. */
WEFT_NODISCARD int weft_broadcast_send(struct weft_broadcast *broadcast, const void *item);

/* Receivers get what is in the ring, and then -EPIPE. Wakes who waits. Idempotent. */
void weft_broadcast_close(struct weft_broadcast *broadcast);

/* async int weft_broadcast_closed(broadcast): for who has nothing to send yet, as a branch of a select: 0
 * when nobody is subscribed, or it is closed; -ECANCELED. */
WEFT_ASYNC_1(int, weft_broadcast_closed, struct weft_broadcast *);

struct weft_broadcast_closed__frame {
	struct weft_broadcast_closed__args args;
	struct weft_waiter waiter;
};

/* How many are subscribed, at some moment during the call. */
uint32_t weft_broadcast_receivers(struct weft_broadcast *broadcast);

/* The receiver gets what is sent from now on. Again: it forgets what it has not received. */
void weft_broadcast_subscribe(
		struct weft_broadcast *broadcast, struct weft_broadcast_receiver *receiver);

/* Exactly once for each receiver. */
void weft_broadcast_unsubscribe(struct weft_broadcast_receiver *receiver);

/* async int weft_broadcast_recv(receiver, void *item): waits for the next message and copies it. 0;
 * -EOVERFLOW: nothing was copied, `missed` were overwritten, the next receive gives the oldest that is
 * there; -EPIPE: closed, and nothing is left; -ECANCELED: it has received nothing. */
WEFT_ASYNC_2(int, weft_broadcast_recv, struct weft_broadcast_receiver *, void *);

struct weft_broadcast_recv__frame {
	struct weft_broadcast_recv__args args;
	struct weft_waiter waiter;
};

/* The same without waiting: -EAGAIN. */
WEFT_NODISCARD int weft_broadcast_try_recv(struct weft_broadcast_receiver *receiver, void *item);

/* For a thread that runs no runtime, as weft_block_on: -ETIME, -EDEADLK. */
WEFT_NODISCARD static inline int weft_broadcast_recv_blocking(
		struct weft_broadcast_receiver *receiver, void *item, int64_t deadline_ns)
{
	struct weft_broadcast_recv__frame frame;
	int err;

	weft_broadcast_recv__init(&frame.args, receiver, item);
	err = weft_block_on(&weft_broadcast_recv__async, &frame, deadline_ns);
	return err ? err : frame.args.result;
}

/* How many were sent and not received, with those that it has missed. */
uint64_t weft_broadcast_len(struct weft_broadcast_receiver *receiver);

WEFT_END_DECLS

#define WEFT_BROADCAST_FROM_(rx, p)                                                                \
	(WEFT_ITEM_CHECK((rx)->from.item, p), (struct weft_broadcast_receiver *)(void *)(rx))

#define weft_broadcast_send(ch, item_)                                                             \
	weft_broadcast_send((WEFT_ITEM_CHECK((ch)->waiters.item, item_),                           \
					    (struct weft_broadcast *)(void *)(ch)),                \
			item_)
#define weft_broadcast_subscribe(ch, rx)                                                           \
	weft_broadcast_subscribe((struct weft_broadcast *)(void *)(ch),                            \
			WEFT_BROADCAST_FROM_(rx, (ch)->waiters.item))
#define weft_broadcast_recv(rx, item_) weft_broadcast_recv(WEFT_BROADCAST_FROM_(rx, item_), item_)
#define weft_broadcast_try_recv(rx, item_)                                                         \
	weft_broadcast_try_recv(WEFT_BROADCAST_FROM_(rx, item_), item_)
#define weft_broadcast_recv_blocking(rx, item_, deadline_ns)                                       \
	weft_broadcast_recv_blocking(WEFT_BROADCAST_FROM_(rx, item_), item_, deadline_ns)

#endif
