/* SPDX-License-Identifier: MIT */
/*
 * weft/oneshot.h: one value, once, from whoever has it to the task that waits for it.
 *
 *     struct reply lies_here, reply;
 *     struct weft_oneshot answer = WEFT_ONESHOT_INIT(&lies_here);
 *
 *     ask(&answer);                                            // somebody will send
 *     weft_try(await weft_oneshot_recv(&answer, &reply));
 *
 *     weft_oneshot_send(&answer, &found);                      // there: the value is copied
 *
 * Either side may close it. Then a send gives -EPIPE, and so does a receive, unless the value was sent
 * before: that can still be received. Who closes and does not want the value tries once more:
 *
 *     weft_oneshot_close(&answer);
 *     if (weft_oneshot_try_recv(&answer, &reply) == 0)
 *             reply_release(&reply);
 *
 * Memory:  the oneshot, and the place where the value lies in between, are yours; nothing allocates. They
 *          must stay until both sides have done with them: for who received that is so, even if the send
 *          has not quite returned. So they may be in the frame that receives.
 * Threads: send by one, once, from any thread; receive by one at a time; close, try and wait from any.
 * Order:   one atomic operation each, or a lock of one word once somebody has had to wait; neither while
 *          the process has one thread.
 */
#ifndef WEFT_ONESHOT_H
#define WEFT_ONESHOT_H

#include <string.h>

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_oneshot {
	struct weft_waiters waiters; /* private from here on */
	void *value;
	size_t bytes;
};

/* `place`: a pointer to where a value of its type is kept until it is received. */
/* clang-format off */
#define WEFT_ONESHOT_INIT(place) { { NULL, NULL, 0, 0 }, (place), sizeof *(place) }
/* clang-format on */

/* The same, at run time; bytes 0: there is no value, only the fact that it was sent. */
void weft_oneshot_init(struct weft_oneshot *oneshot, void *place, size_t bytes);

/* Copies the value and wakes who waits for it. 0; -EPIPE: it is closed, the value is still yours alone.
 * Aborts the second time. */
WEFT_NODISCARD int weft_oneshot_send(struct weft_oneshot *oneshot, const void *value);

/* async int weft_oneshot_recv(oneshot, void *value): waits for the value and copies it. 0; -EPIPE: none
 * will come, or it was received already; -ECANCELED: it can still be received. */
WEFT_ASYNC_2(int, weft_oneshot_recv, struct weft_oneshot *, void *);

struct weft_oneshot_recv__frame {
	struct weft_oneshot_recv__args args;
	struct weft_waiter waiter;
};

/* Its word when a value is there that nobody has waited for, and after that (private). */
#define WEFT_ONESHOT_SENT_ 1u
#define WEFT_ONESHOT_TAKEN_ 3u

static inline bool weft_oneshot_recv__now(
		struct weft_context *cx, int *result, struct weft_oneshot *oneshot, void *value)
{
	if (weft_word_look_(&oneshot->waiters) != WEFT_ONESHOT_SENT_ || !weft_context_may_end(cx) ||
			!weft_word_take_(
					&oneshot->waiters, WEFT_ONESHOT_SENT_, WEFT_ONESHOT_TAKEN_))
		return false;
	if (oneshot->bytes)
		memcpy(value, oneshot->value, oneshot->bytes);
	return weft_leaf_ends_(cx, result);
}

static inline bool weft_oneshot_recv__waits(const struct weft_oneshot *oneshot, const void *value)
{
	(void)value;
	return weft_word_look_(&oneshot->waiters) == 0;
}

/* The same without waiting: -EAGAIN. */
WEFT_NODISCARD int weft_oneshot_try_recv(struct weft_oneshot *oneshot, void *value);

/* Either side. Wakes who waits. Idempotent. */
void weft_oneshot_close(struct weft_oneshot *oneshot);

/* Whether a send would be in vain, for who works on the value and awaits nothing meanwhile. */
bool weft_oneshot_is_closed(const struct weft_oneshot *oneshot);

/* async int weft_oneshot_closed(oneshot): for who works on the value, as a branch of a select: 0 when
 * nobody wants it any more; -EALREADY: it was sent; -ECANCELED. */
WEFT_ASYNC_1(int, weft_oneshot_closed, struct weft_oneshot *);

struct weft_oneshot_closed__frame {
	struct weft_oneshot_closed__args args;
	struct weft_waiter waiter;
};

WEFT_END_DECLS

#endif
