/* SPDX-License-Identifier: MIT */
/*
 * weft/watch.h: the latest value, and who waits until it changes. Configurations, states, progress.
 *
 *     WEFT_WATCH(settings_watch, struct settings);     // declares two unions: this one and
 *     static struct settings place = { .limit = 10 };  // settings_watch_receiver
 *     static union settings_watch settings = WEFT_WATCH_INIT(settings, &place);
 *
 *     weft_watch_send(&settings, &changed);            // anybody
 *
 *     union settings_watch_receiver receiver;          // in each task that wants to know
 *
 *     weft_watch_subscribe(&settings, &receiver);      // it has seen the value that is there
 *     defer weft_watch_unsubscribe(&receiver.receiver);
 *     while (await weft_watch_changed(&receiver, &mine) == 0)
 *             apply(&mine);                            // the latest; those in between it never sees
 *
 * To change a part of the value, read it, and send it unless somebody else was faster:
 *
 *     do {
 *             version = weft_watch_read(&settings, &mine);
 *             mine.limit++;
 *     } while (weft_watch_send_if(&settings, &mine, version) == -EAGAIN);
 *
 * Memory:  the watch, the place of the value and the receivers are yours; nothing allocates. The value is
 *          copied under a lock that others spin for: keep it small, or send a pointer. The watch must stay
 *          until its receivers have unsubscribed and its calls have returned. A receiver must not move
 *          while a task waits on it.
 * Threads: all from any thread; a wait from any executor; a receiver by one at a time. What was done
 *          before a send is seen by who reads the value.
 * Order:   a lock of one word for each call. A send wakes all who wait, in steps.
 *
 * Tokio's watch is the model; values are copied here, so nobody who reads can hold up who sends.
 */
#ifndef WEFT_WATCH_H
#define WEFT_WATCH_H

#include <weft/block_on.h>
#include <weft/item.h>
#include <weft/waiter.h>

WEFT_BEGIN_DECLS

/* One whose value has a size, but no type. */
struct weft_watch {
	union {
		struct weft_waiters list; /* word: closed */
		void *item;               /* never used: for the macros below */
	} waiters;                        /* private from here on */
	void *value;
	uint64_t version;
	uint32_t bytes;
	uint32_t receivers;
	struct weft_waiter *watchers;
};

struct weft_watch_receiver {
	union {
		struct weft_watch *watch;
		void *item;
	} from; /* private */
	uint64_t seen;
};

/* A watch of a value of one type, and its receivers. The calls that have a value as an argument check its
 * type; the others take the address of the member `watch` or `receiver`. */
#define WEFT_WATCH(name, type)                                                                     \
	union name {                                                                               \
		struct weft_watch watch;                                                           \
		union {                                                                            \
			struct weft_waiters list;                                                  \
			type *item;                                                                \
		} waiters;                                                                         \
	};                                                                                         \
	union name##_receiver {                                                                    \
		struct weft_watch_receiver receiver;                                               \
		union {                                                                            \
			struct weft_watch *watch;                                                  \
			type *item;                                                                \
		} from;                                                                            \
	}

/* For the variable of that name, a WEFT_WATCH; `place` points to the first value, of its type. */
/* clang-format off */
#define WEFT_WATCH_INIT(name, place)                                                               \
	{ { { { NULL, NULL, 0, 0 } }, (place), 0,                                                  \
		(uint32_t)(sizeof *(place) +                                                       \
				0 * WEFT_ITEM_MATCH_((name).waiters.item, place)),                 \
		0, NULL } }
/* clang-format on */

/* The same, at run time. */
void weft_watch_init(struct weft_watch *watch, void *place, size_t bytes);

/* Makes it the value and wakes who waits. 0; -EPIPE: closed; -ENOTCONN: nobody has subscribed. Then the
 * value stays as it was. */
WEFT_NODISCARD int weft_watch_send(struct weft_watch *watch, const void *value);

/* The same, also if nobody has subscribed: -ENOTCONN is not given. */
WEFT_NODISCARD int weft_watch_replace(struct weft_watch *watch, const void *value);

/* As weft_watch_replace, if the value is still that of this version. -EAGAIN: it is not. */
WEFT_NODISCARD int weft_watch_send_if(
		struct weft_watch *watch, const void *value, uint64_t version);

/* Copies the value, also of a closed watch, and returns its version. */
uint64_t weft_watch_read(struct weft_watch *watch, void *value);

/* async int weft_watch_closed(watch): for who has no new value yet, as a branch of a select: 0 when nobody
 * is subscribed, or it is closed; -ECANCELED. */
WEFT_ASYNC_1(int, weft_watch_closed, struct weft_watch *);

struct weft_watch_closed__frame {
	struct weft_watch_closed__args args;
	struct weft_waiter waiter;
};

/* No other value comes: who waits, and has seen this one, gets -EPIPE. Idempotent. */
void weft_watch_close(struct weft_watch *watch);

/* How many are subscribed, at some moment during the call. */
uint32_t weft_watch_receivers(struct weft_watch *watch);

/* The receiver waits for values after the one that is there. */
void weft_watch_subscribe(struct weft_watch *watch, struct weft_watch_receiver *receiver);

/* Exactly once for each receiver. */
void weft_watch_unsubscribe(struct weft_watch_receiver *receiver);

/* async int weft_watch_changed(receiver, void *value): waits until there is a value that the receiver has
 * not seen, and copies it: that is seen now. 0, also if it was closed since; -EPIPE: it is closed, and the
 * last value was seen; -ECANCELED: nothing is seen. */
WEFT_ASYNC_2(int, weft_watch_changed, struct weft_watch_receiver *, void *);

struct weft_watch_changed__frame {
	struct weft_watch_changed__args args;
	struct weft_waiter waiter;
};

/* A question about the value, static, whose parameters are called `arg` and `in`. 1: yes; 0: no; < 0: an
 * error.         WEFT_WATCH_TEST(is_at_least, int, struct settings) { return in->limit >= *arg; } */
#define WEFT_WATCH_TEST WEFT_ITEM_TEST /* (name, Arg, type) */

/* async int weft_watch_wait_for(receiver, void *value, fn, arg): waits until there is a value to which fn,
 * a WEFT_WATCH_TEST, gives 1, also if it is there already and the receiver has seen it. It is copied, and
 * seen now. 0; -EPIPE: it is closed, and the last value is none; < 0: what fn gave; -ECANCELED. With these
 * nothing is seen, and *value may be one that was not it. fn is called by the task that waits, without the
 * lock. */
WEFT_ASYNC_4(int, weft_watch_wait_for, struct weft_watch_receiver *, void *, weft_item_fn, void *);

struct weft_watch_wait_for__frame {
	struct weft_watch_wait_for__args args;
	struct weft_waiter waiter; /* private from here on */
	uint64_t asked;            /* about which version */
	bool has_asked;
};

/* weft_watch_changed for a thread that runs no runtime, as weft_block_on: -ETIME, -EDEADLK. */
WEFT_NODISCARD static inline int weft_watch_changed_blocking(
		struct weft_watch_receiver *receiver, void *value, int64_t deadline_ns)
{
	struct weft_watch_changed__frame frame;
	int err;

	weft_watch_changed__init(&frame.args, receiver, value);
	err = weft_block_on(&weft_watch_changed__async, &frame, deadline_ns);
	return err ? err : frame.args.result;
}

/* Copies the value, whatever was seen, and it is seen now. */
void weft_watch_get(struct weft_watch_receiver *receiver, void *value);

/* 1: there is a value that the receiver has not seen; 0; -EPIPE: it is closed. */
WEFT_NODISCARD int weft_watch_has_changed(struct weft_watch_receiver *receiver);

/* The receiver has not seen the value that is there, so that the next weft_watch_changed gives it; or has
 * seen it, and waits for another. */
void weft_watch_mark_changed(struct weft_watch_receiver *receiver);
void weft_watch_mark_unchanged(struct weft_watch_receiver *receiver);

WEFT_END_DECLS

#define WEFT_WATCH_OF_(ch, p)                                                                      \
	(WEFT_ITEM_CHECK((ch)->waiters.item, p), (struct weft_watch *)(void *)(ch))
#define WEFT_WATCH_FROM_(rx, p)                                                                    \
	(WEFT_ITEM_CHECK((rx)->from.item, p), (struct weft_watch_receiver *)(void *)(rx))

#define weft_watch_send(ch, value_) weft_watch_send(WEFT_WATCH_OF_(ch, value_), value_)
#define weft_watch_replace(ch, value_) weft_watch_replace(WEFT_WATCH_OF_(ch, value_), value_)
#define weft_watch_send_if(ch, value_, version_)                                                   \
	weft_watch_send_if(WEFT_WATCH_OF_(ch, value_), value_, version_)
#define weft_watch_read(ch, value_) weft_watch_read(WEFT_WATCH_OF_(ch, value_), value_)
#define weft_watch_subscribe(ch, rx)                                                               \
	weft_watch_subscribe((struct weft_watch *)(void *)(ch),                                    \
			WEFT_WATCH_FROM_(rx, (ch)->waiters.item))
#define weft_watch_changed(rx, value_) weft_watch_changed(WEFT_WATCH_FROM_(rx, value_), value_)
#define weft_watch_wait_for(rx, value_, fn, arg)                                                   \
	weft_watch_wait_for(WEFT_WATCH_FROM_(rx, value_), value_,                                  \
			WEFT_ITEM_ASK_(fn, arg, (rx)->from.item), arg)
#define weft_watch_changed_blocking(rx, value_, deadline_ns)                                       \
	weft_watch_changed_blocking(WEFT_WATCH_FROM_(rx, value_), value_, deadline_ns)
#define weft_watch_get(rx, value_) weft_watch_get(WEFT_WATCH_FROM_(rx, value_), value_)

#endif
