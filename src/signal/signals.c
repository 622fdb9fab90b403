/* SPDX-License-Identifier: MIT */
/*
 * signal/signals.c: from a signal handler to a wake.
 *
 * How         Each open set has a slot in a fixed table: a mask of its signals, the pending ones, and an
 *             event descriptor that is a source of the reactor. The handler sets the pending bit of every
 *             slot that wants the signal and signals its descriptor: nothing but atomics and write(2).
 *
 *                 FREE --open--> CLAIMED --descriptor known--> OPEN --close--> FREE
 *
 * Order       [O1] the handler's release of `pending` pairs with the acquire exchange in take_pending;
 *                  the descriptor is signalled after that, so whoever is woken finds the bit.
 *             [O2] open publishes mask and fd by the release store of `state`; the handler acquires it.
 * Not here    a handler that runs while its set is being closed may signal a descriptor number that is
 *             closed or new: closing waits until no handler is inside (`handlers_inside`).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <weft/signal.h>

#include "base/atomic.h"
#include "core/env.h"
#include "io/reactor.h"
#include "os/os.h"

enum set_state { SET_FREE, SET_CLAIMED, SET_OPEN };

enum { SIGNAL_WORDS = 3, SIGNAL_BITS = 32, SIGNAL_MAX = SIGNAL_WORDS * SIGNAL_BITS };

static struct signal_set {
	uint32_t state;
	int fd;
	uint32_t mask[SIGNAL_WORDS];
	uint32_t pending[SIGNAL_WORDS];
} sets[WEFT_SIGNAL_SETS_MAX];

static uint32_t handlers_inside; /* handlers that may be reading the table */

static void on_signal(int signo)
{
	unsigned word = (unsigned)signo / SIGNAL_BITS;
	uint32_t bit = 1u << ((unsigned)signo % SIGNAL_BITS);
	int saved = errno;

	atomic_fetch_add_seq_cst(&handlers_inside, 1u); /* pairs with weft_signals_close */
	for (int i = 0; i < WEFT_SIGNAL_SETS_MAX; i++)
		if (atomic_load_seq_cst(&sets[i].state) == SET_OPEN && /* [O2] */
				(sets[i].mask[word] & bit)) {
			atomic_fetch_or_acq_rel(&sets[i].pending[word], bit); /* [O1] */
			weft__event_signal(sets[i].fd);
		}
	atomic_fetch_sub_seq_cst(&handlers_inside, 1u); /* pairs with weft_signals_close */
	errno = saved; /* banned: a handler must not change what it interrupts */
}

static int set_claim(void)
{
	for (int i = 0; i < WEFT_SIGNAL_SETS_MAX; i++) {
		uint32_t state = SET_FREE;

		if (atomic_cas_acquire(&sets[i].state, &state, (uint32_t)SET_CLAIMED))
			return i;
	}
	return -EMFILE;
}

static int handler_install(int signo)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigfillset(&action.sa_mask);
	return sigaction(signo, &action, NULL) < 0 ? -errno : 0;
}

static int mask_fill(struct signal_set *slot, const int *signos, int count)
{
	memset(slot->mask, 0, sizeof slot->mask);
	memset(slot->pending, 0, sizeof slot->pending);
	for (int i = 0; i < count; i++) {
		if (signos[i] <= 0 || signos[i] >= SIGNAL_MAX)
			return -EINVAL;
		slot->mask[(unsigned)signos[i] / SIGNAL_BITS] |= 1u << ((unsigned)signos[i] % SIGNAL_BITS);
	}
	return 0;
}

static int set_open(struct weft_signals *signals, struct signal_set *slot, const int *signos, int count)
{
	int err = mask_fill(slot, signos, count);

	if (err)
		return err;
	slot->fd = weft__event_create();
	if (slot->fd < 0)
		return slot->fd;
	err = weft__source_open(&signals->source, &signals->generation, weft__env_current->reactor,
			slot->fd);
	if (err) {
		weft__fd_close(slot->fd);
		return err;
	}
	atomic_store_seq_cst(&slot->state, (uint32_t)SET_OPEN); /* [O2] */
	for (int i = 0; !err && i < count; i++)
		err = handler_install(signos[i]);
	if (err)
		weft_signals_close(*signals);
	return err;
}

int weft_signals_open(struct weft_signals *signals, const int *signos, int count)
{
	int index, err;

	if (!weft__env_current || !weft__env_current->reactor)
		return -ENXIO;
	index = set_claim();
	if (index < 0)
		return index;
	signals->slot = (uint32_t)index;
	err = set_open(signals, &sets[index], signos, count);
	/* relaxed: claimed, or closed by set_open, by this thread */
	if (err && atomic_load_relaxed(&sets[index].state) == SET_CLAIMED)
		atomic_store_release(&sets[index].state, (uint32_t)SET_FREE); /* with set_claim */
	return err;
}

int weft_signals_close(struct weft_signals signals)
{
	int fd = weft__source_use(signals.source, signals.generation);

	if (fd < 0)
		return fd;
	atomic_store_seq_cst(&sets[signals.slot].state, (uint32_t)SET_CLAIMED);
	while (atomic_load_seq_cst(&handlers_inside)) /* a handler that saw OPEN leaves first */
		atomic_pause();
	weft__source_close(signals.source, signals.generation);
	weft__source_unuse(signals.source);
	atomic_store_release(&sets[signals.slot].state, (uint32_t)SET_FREE); /* with set_claim */
	return 0;
}

/* The lowest pending signal of the set, or 0. */
static int take_pending(struct signal_set *slot)
{
	for (unsigned word = 0; word < SIGNAL_WORDS; word++) {
		uint32_t pending = atomic_load_acquire(&slot->pending[word]); /* [O1] */

		if (pending) {
			uint32_t bit = pending & (0u - pending);

			atomic_fetch_and_acq_rel(&slot->pending[word], ~bit); /* [O1] */
			return (int)(word * SIGNAL_BITS + (unsigned)__builtin_ctz(bit));
		}
	}
	return 0;
}

enum weft_poll weft_signals_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_signals_wait__frame *f = frame;
	struct weft_signals signals = f->args.p0;
	struct weft__use use = { signals.source, signals.generation, SOURCE_READ, -1, 0, 0 };
	bool waiting = f->args.base.at == 2;

	for (;;) {
		if (!weft_context_charge(cx)) {
			f->args.base.at = waiting ? 2 : 1;
			return WEFT_PENDING;
		}
		switch (weft__source_begin(&use, cx, waiting)) {
		case BEGIN_WAIT:
			weft_context_refund(cx);
			f->args.base.at = 2;
			return WEFT_PENDING;
		case BEGIN_FAILED:
			weft_return(f, use.error);
		case BEGIN_TRY:
			waiting = false;
			*f->args.p1 = take_pending(&sets[signals.slot]);
			if (!*f->args.p1)
				weft__event_drain(use.fd);
			weft__source_end(&use, *f->args.p1 ? ATTEMPT_DONE : ATTEMPT_BLOCKED);
			if (*f->args.p1)
				weft_return(f, 0);
			weft_context_refund(cx);
		}
	}
}

WEFT_ASYNC_DEFINE_LEAF(weft_signals_wait, WEFT_ASYNC_RESULT_INT);
