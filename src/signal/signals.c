/* SPDX-License-Identifier: MIT */
/*
 * signal/signals.c: from a signal handler to a wake.
 *
 * How         Each open set has a slot in a fixed table: a mask of its signals, the pending ones, and an
 *             event descriptor that is a source of the reactor. The handler sets the pending bit of every
 *             slot that wants the signal and signals its descriptor: nothing but atomics and write(2).
 *
 *                 FREE --open--> CLAIMED --descriptor known--> OPEN --close--> CLAIMED --> FREE
 *
 *             Closing the source decides who closes the set. It is FREE again when no handler is inside
 *             (`handlers_inside`): one that saw OPEN might signal a descriptor that is not ours any more.
 * Order       [O1] the handler sets `pending` and then signals the descriptor; a waiter drains the
 *                  descriptor and then looks at `pending`. So a signal that it does not find there makes
 *                  the descriptor readable once more.
 *             [O2] open publishes mask and fd by the release store of `state`; the handler acquires it.
 * Invariants  [I1] under the slot's lock, a waiter takes only what is its own set's: the slot may have
 *                  been closed, and opened by somebody else, since it was told to try.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <weft/signal.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "core/env.h"
#include "io/reactor.h"
#include "os/os.h"

enum set_state { SET_FREE, SET_CLAIMED, SET_OPEN };

enum { SIGNAL_WORDS = 3, SIGNAL_BITS = 32, SIGNAL_MAX = SIGNAL_WORDS * SIGNAL_BITS };

static struct signal_set {
	uint32_t state;
	int fd;
	struct weft__lock lock;      /* of the next two, and who takes from `pending` */
	struct weft__source *source; /* of the set that is open, or NULL */
	uint32_t generation;
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

static int signal_set_claim(void)
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
		slot->mask[(unsigned)signos[i] / SIGNAL_BITS] |= 1u
				<< ((unsigned)signos[i] % SIGNAL_BITS);
	}
	return 0;
}

/* Under the lock a waiter looks whether the slot is still its own. [I1] */
static void signal_set_become(struct signal_set *slot, struct weft__source *source, uint32_t generation)
{
	weft__lock_acquire(&slot->lock);
	slot->source = source;
	slot->generation = generation;
	weft__lock_release(&slot->lock);
}

/* All but the handlers. */
static int signal_set_open(
		struct weft_signals *signals, struct signal_set *slot, const int *signos, int count)
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
		return err == -EPERM ? -ENOTSUP : err; /* the simulated network's word for it */
	}
	signal_set_become(slot, signals->source, signals->generation);
	atomic_store_seq_cst(&slot->state, (uint32_t)SET_OPEN); /* [O2] */
	return 0;
}

int weft_signals_open(struct weft_signals *signals, const int *signos, int count)
{
	int index, err;

	if (!weft__env_current || !weft__env_current->reactor)
		return -ENXIO;
	index = signal_set_claim();
	if (index < 0)
		return index;
	signals->slot = (uint32_t)index;
	err = signal_set_open(signals, &sets[index], signos, count);
	if (err) {
		atomic_store_release(&sets[index].state, (uint32_t)SET_FREE); /* with signal_set_claim */
		return err;
	}
	for (int i = 0; !err && i < count; i++)
		err = handler_install(signos[i]);
	if (err)
		weft_signals_close(*signals);
	return err;
}

int weft_signals_close(struct weft_signals signals)
{
	struct signal_set *slot = &sets[signals.slot];
	int err = weft__source_use(signals.source, signals.generation); /* keeps the descriptor */

	if (err < 0)
		return err;
	err = weft__source_close(signals.source, signals.generation);
	if (!err) {
		atomic_store_seq_cst(&slot->state, (uint32_t)SET_CLAIMED);
		while (atomic_load_seq_cst(&handlers_inside)) /* one that saw OPEN leaves first */
			atomic_pause();
		signal_set_become(slot, NULL, 0);
	}
	weft__source_unuse(signals.source);
	if (!err)
		atomic_store_release(&slot->state, (uint32_t)SET_FREE); /* with signal_set_claim */
	return err;
}

/* The lowest pending signal, or 0. */
static int take_pending(uint32_t *pending)
{
	for (unsigned word = 0; word < SIGNAL_WORDS; word++) {
		uint32_t bits = atomic_load_acquire(&pending[word]); /* [O1] */

		if (bits) {
			uint32_t bit = bits & (0u - bits);

			atomic_fetch_and_acq_rel(&pending[word], ~bit); /* [O1] */
			return (int)(word * SIGNAL_BITS + (unsigned)__builtin_ctz(bit));
		}
	}
	return 0;
}

/* The same for a set, 0 also if it is closed. */
static int signal_set_take(struct weft_signals signals)
{
	struct signal_set *slot = &sets[signals.slot];
	int signo = 0;

	weft__lock_acquire(&slot->lock);
	if (slot->source == signals.source && slot->generation == signals.generation) /* [I1] */
		signo = take_pending(slot->pending);
	weft__lock_release(&slot->lock);
	return signo;
}

enum weft_poll weft_signals_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_signals_wait__frame *f = frame;
	struct weft_signals signals = f->args.p0;
	struct weft__use use = weft__use_make(signals.source, signals.generation, SOURCE_READ);
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
			weft__event_drain(use.fd); /* [O1] before the look */
			*f->args.p1 = signal_set_take(signals);
			weft__source_end(&use, *f->args.p1 ? ATTEMPT_DONE : ATTEMPT_BLOCKED);
			if (*f->args.p1)
				weft_return(f, 0);
			weft_context_refund(cx);
		}
	}
}

WEFT_ASYNC_DEFINE_LEAF(weft_signals_wait, WEFT_ASYNC_RESULT_INT);
