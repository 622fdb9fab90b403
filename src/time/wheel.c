/* SPDX-License-Identifier: MIT */
/*
 * time/wheel.c: the timers of one worker, in a hierarchical wheel.
 *
 * Why         Most timers are timeouts that are stopped long before they are due. So start and stop
 *             are a push and an unlink, and order is only made of what really comes due.
 * How         A tick is 2^16 ns. Written in base 64, a timer's tick and now_ticks differ first at
 *             some digit; that digit's place is the timer's level, its value the slot:
 *
 *                 now_ticks  ... 3 . 17 . 40      behind a level's hand (17, 40) all slots
 *                 timer      ... 3 . 21 . 07      are empty, and all that is on level n
 *                        level 1, slot 21         is due before anything on level n+1
 *
 *             The hand moves to the start of the next occupied slot (found by bitmap, whatever the
 *             distance). A slot of level n > 0 is spilled into level n-1, which is empty then; one
 *             of level 0 is sorted into the due list, from which batches are fired. Only the list
 *             knows nanoseconds; it may keep timers that are due later in the current tick.
 *             A slot may hold a million timers, so it is spilled in portions: the hand is at it
 *             already, new timers go to their slots, in front, and the rest follows, behind.
 *             Slots are kept newest first (a start touches the timer started last, which is warm),
 *             and timers of the same tick share a slot at any time; hence ties end up in order of
 *             start. stop does not know the slot and leaves its bit set; whoever looks there clears
 *             it.
 * Invariants  [I1] link is NULL exactly while the timer is out; otherwise *link is the timer.
 *             [I2] a timer is in the slot of its tick (or of now_ticks, if that is later), except
 *                  that what the hand points at up to spill_level is on its way down.
 *             [I3] next_ns is at most the deadline of any timer: a driver that sleeps until what
 *                  next gave is late for nobody, because start says so when it lowers next_ns.
 *             [I4] the due list is sorted, and nothing in it belongs to a later tick than
 *                  now_ticks.
 * Order       [O1] link = NULL is a release and the last access to a timer that fires, after its
 *                  waker was claimed: the task may see it without the lock (acquire) and end at
 *                  once.
 *                  A task that is being polled when it is claimed is polled again, perhaps before link is
 *                  NULL, and is not woken any more. So link says FIRING before the claim, which is a
 *                  release: that poll sees it, and waits for the lock.
 *             [O2] claim under the lock, commit after it: commit runs code that may start and stop.
 * Cost        start, stop: 60 and 30 instructions, two cache lines of other timers, no allocation.
 *             On its way down a timer is touched once per level (at most 7 times; from 10 s ahead,
 *             twice): about 0.1 us each, out of the cache. The lock is held for WORK of them, or for
 *             as many as are due in the same tick, which are sorted: linear if started in order.
 *             expire ends after WORK, so that its driver looks after its sockets and tasks, too.
 * Not here    clocks and the leaves (sleep.c, timeout.c); who sleeps until next (exec).
 */
#include <stddef.h>
#include <string.h>

#include "time/wheel.h"

#include "base/check.h"

_Static_assert(WEFT__WHEEL_TICK_SHIFT + WEFT__WHEEL_LEVELS * WEFT__WHEEL_SLOT_BITS >= 63,
		"every deadline has a slot");
_Static_assert(WEFT__WHEEL_SLOTS <= 64, "a level's slots have a bit each");

/* --- lists: *link is the timer, also in the first one ----------------------------------------- */

/* Makes `timer` (or nothing) what follows at `place`. */
static inline void timer_hang(struct weft_timer **place, struct weft_timer *timer)
{
	*place = timer;
	if (timer)
		/* relaxed: without the lock it only matters that it is not NULL */
		atomic_store_relaxed(&timer->link, place);
}

static inline void timer_push(struct weft_timer **list, struct weft_timer *timer)
{
	timer_hang(&timer->next, *list);
	timer_hang(list, timer);
}

static inline void timer_unhang(struct weft_timer *timer)
{
	WEFT_ASSERT(*timer->link == timer); /* [I1] */
	timer_hang(timer->link, timer->next);
}

/* Nobody but its owner touches the timer any more. */
static inline void timer_out(struct weft_timer *timer)
{
	atomic_store_release(&timer->link, NULL); /* [O1] pairs with weft__timer_is_out */
}

/* Merges two lists, earliest first; ties: those of `older` first. */
static struct weft_timer *timers_merge(struct weft_timer *older, struct weft_timer *newer)
{
	struct weft_timer *first = NULL, **place = &first;

	while (older && newer) {
		struct weft_timer **least =
				newer->deadline_ns < older->deadline_ns ? &newer : &older;
		struct weft_timer *timer = *least;

		*least = timer->next;
		timer_hang(place, timer);
		place = &timer->next;
	}
	timer_hang(place, older ? older : newer);
	return first;
}

/* Cuts from a list, newest first, the part that was started in order of deadlines, and turns it. */
static struct weft_timer *timers_cut_run(struct weft_timer **newest)
{
	struct weft_timer *run = *newest;
	struct weft_timer *rest = run->next;

	run->next = NULL;
	while (rest && rest->deadline_ns <= run->deadline_ns) {
		struct weft_timer *timer = rest;

		rest = timer->next;
		timer_hang(&timer->next, run);
		run = timer;
	}
	*newest = rest;
	return run;
}

/* Sorts a list that is kept newest first: earliest first, ties oldest first. Merges runs pairwise,
 * as a binary counter is incremented: runs[n] is made of 2^n of them. */
static struct weft_timer *timers_sort(struct weft_timer *newest)
{
	struct weft_timer *runs[32], *sorted = NULL;
	unsigned used = 0;

	while (newest) {
		struct weft_timer *run = timers_cut_run(&newest);
		unsigned n = 0;

		for (; n < used && runs[n]; n++) {
			run = timers_merge(run, runs[n]);
			runs[n] = NULL;
		}
		used += n == used;
		runs[n] = run;
	}
	for (unsigned n = 0; n < used; n++)
		sorted = timers_merge(sorted, runs[n]);
	return sorted;
}

/* --- slots ------------------------------------------------------------------------------------ */

static inline unsigned tick_digit(int64_t tick, unsigned level)
{
	return (unsigned)((uint64_t)tick >> (level * WEFT__WHEEL_SLOT_BITS)) &
			(WEFT__WHEEL_SLOTS - 1);
}

/* The place of the first digit in which two ticks differ; 0 if they do not. */
static inline unsigned tick_level(int64_t a, int64_t b)
{
	uint64_t difference = ((uint64_t)a ^ (uint64_t)b) | (WEFT__WHEEL_SLOTS - 1);

	return (63 - (unsigned)__builtin_clzll(difference)) / WEFT__WHEEL_SLOT_BITS;
}

/* The tick at which a timer is looked at: its own, or the current one if that is past. */
static inline int64_t wheel_tick(const struct weft_wheel *wheel, const struct weft_timer *timer)
{
	int64_t tick = timer->deadline_ns >> WEFT__WHEEL_TICK_SHIFT;

	return tick < wheel->now_ticks ? wheel->now_ticks : tick;
}

/* The first occupied slot, and the tick (now_ticks or later) at which it starts. NULL: none is. */
static struct weft_timer **wheel_first(struct weft_wheel *wheel, unsigned *level, int64_t *tick)
{
	for (unsigned n = 0; n < WEFT__WHEEL_LEVELS; n++) {
		unsigned hand = tick_digit(wheel->now_ticks, n);
		unsigned shift = n * WEFT__WHEEL_SLOT_BITS;
		/* what the hand points at has been spilled, except on level 0 */
		uint64_t ahead = wheel->occupied[n] & (n ? ~UINT64_C(1) : ~UINT64_C(0)) << hand;

		for (; ahead; ahead &= ahead - 1) {
			unsigned slot = (unsigned)__builtin_ctzll(ahead);

			if (wheel->slots[n][slot]) {
				*level = n;
				*tick = ((wheel->now_ticks >> shift) + (slot - hand)) << shift;
				return &wheel->slots[n][slot];
			}
			wheel->occupied[n] &= ~(UINT64_C(1) << slot);
		}
	}
	return NULL;
}

static inline struct weft_timer **wheel_slot(struct weft_wheel *wheel, unsigned level, int64_t tick)
{
	unsigned slot = tick_digit(tick, level);

	wheel->occupied[level] |= UINT64_C(1) << slot;
	return &wheel->slots[level][slot];
}

static inline void wheel_put(struct weft_wheel *wheel, struct weft_timer *timer)
{
	int64_t tick = wheel_tick(wheel, timer);

	timer_push(wheel_slot(wheel, tick_level(tick, wheel->now_ticks), tick), timer); /* [I2] */
}

/* Begins with the first occupied slot, from `level` down, at which the hand points. */
static void wheel_spill_from(struct weft_wheel *wheel, unsigned level)
{
	struct weft_timer **slot = &wheel->slots[level][tick_digit(wheel->now_ticks, level)];

	while (level > 0 && !*slot) {
		level--;
		slot = &wheel->slots[level][tick_digit(wheel->now_ticks, level)];
	}
	wheel->spill_level = level;
	if (level == 0)
		return;
	timer_hang(&wheel->spilling, *slot);
	*slot = NULL;
	memset(wheel->last, 0, sizeof wheel->last);
}

/* The place behind all timers of a slot below the one that is being spilled. */
static struct weft_timer **wheel_spill_place(struct weft_wheel *wheel, int64_t tick)
{
	struct weft_timer **place = wheel->last[tick_digit(tick, wheel->spill_level - 1)];

	if (!place)
		place = wheel_slot(wheel, wheel->spill_level - 1, tick);
	while (*place) /* started since the hand is here, so they are few, and newer */
		place = &(*place)->next;
	return place;
}

/* Moves the next timer one level down, behind those that are there. */
static void wheel_spill_one(struct weft_wheel *wheel)
{
	struct weft_timer *timer = wheel->spilling;
	int64_t tick = wheel_tick(wheel, timer);
	struct weft_timer **place = wheel_spill_place(wheel, tick);

	timer_unhang(timer);
	timer->next = NULL;
	timer_hang(place, timer);
	wheel->last[tick_digit(tick, wheel->spill_level - 1)] = &timer->next;
}

/* Goes on with what is being spilled, for up to `most` timers. Returns how many. */
static unsigned wheel_spill(struct weft_wheel *wheel, unsigned most)
{
	unsigned moved = 0;

	while (wheel->spill_level > 0 && moved < most) {
		if (wheel->spilling) {
			wheel_spill_one(wheel);
			moved++;
		} else {
			wheel_spill_from(wheel, wheel->spill_level - 1);
		}
	}
	return moved;
}

/* A timer that leaves while a slot is spilled may be the last one in a slot below. */
static void wheel_spill_without(struct weft_wheel *wheel, struct weft_timer *timer)
{
	unsigned below = wheel->spill_level - 1;
	unsigned digit = tick_digit(wheel_tick(wheel, timer), below);

	if (wheel->last[digit] == &timer->next)
		wheel->last[digit] =
				timer->link == &wheel->slots[below][digit] ? NULL : timer->link;
}

/* Moves the hand to a tick before which no slot is occupied. */
static void wheel_turn(struct weft_wheel *wheel, int64_t tick)
{
	unsigned level = tick_level(tick, wheel->now_ticks);

	wheel->now_ticks = tick;
	if (level > 0)
		wheel_spill_from(wheel, level);
}

/* Takes the next slot that starts by the tick `last` into the due list, or begins to spill it. False:
 * that was all, and the hand is at `last`. */
static bool wheel_collect(struct weft_wheel *wheel, int64_t last)
{
	unsigned level;
	int64_t tick;
	struct weft_timer **slot = wheel_first(wheel, &level, &tick);

	if (!slot || tick > last) {
		wheel_turn(wheel, last);
		return false;
	}
	wheel_turn(wheel, tick);
	if (level > 0)
		return true;
	timer_hang(&wheel->due, timers_merge(wheel->due, timers_sort(*slot))); /* [I4] */
	*slot = NULL;
	if (tick == last)
		return false;
	wheel_turn(wheel, tick + 1);
	return true;
}

/* A lower bound for the deadlines of all timers, exact where that is cheap. */
static int64_t wheel_look(struct weft_wheel *wheel)
{
	int64_t next_ns = wheel->due ? wheel->due->deadline_ns : WEFT_NEVER;
	int64_t bound_ns = WEFT_NEVER, tick;
	unsigned level, looked = 0;
	struct weft_timer **slot;

	if (wheel->spill_level > 0)
		return wheel->next_ns;
	slot = wheel_first(wheel, &level, &tick);
	for (struct weft_timer *timer = slot ? *slot : NULL; timer; timer = timer->next) {
		if (looked++ == WEFT__WHEEL_SHORT) {
			/* the start of the slot; but past deadlines are in that of now_ticks */
			bound_ns = tick << WEFT__WHEEL_TICK_SHIFT;
			if (tick == wheel->now_ticks || bound_ns < wheel->next_ns)
				bound_ns = wheel->next_ns; /* [I3] */
			break;
		}
		bound_ns = timer->deadline_ns < bound_ns ? timer->deadline_ns : bound_ns;
	}
	return bound_ns < next_ns ? bound_ns : next_ns;
}

/* Claims a batch from the due list, commits it without the lock, and takes the lock again. Returns how
 * many. */
static unsigned wheel_fire(struct weft_wheel *wheel, int64_t now_ns)
{
	struct weft_waker claimed[WEFT__WHEEL_BATCH];
	unsigned count = 0;

	while (count < WEFT__WHEEL_BATCH && wheel->due && wheel->due->deadline_ns <= now_ns) {
		struct weft_timer *timer = wheel->due;

		timer_unhang(timer);
		atomic_store_relaxed(&timer->link, WEFT__TIMER_FIRING); /* relaxed: [O1] */
		claimed[count++] = weft_waker_claim(&timer->waker);
		timer_out(timer);
	}
	if (count == 0)
		return 0;
	wheel->count -= count;
	weft__lock_release(&wheel->lock);
	for (unsigned i = 0; i < count; i++)
		weft_waker_commit(claimed[i]); /* [O2] */
	weft__lock_acquire(&wheel->lock);
	return count;
}

/* --- the interface ---------------------------------------------------------------------------- */

void weft__wheel_init(struct weft_wheel *wheel, int64_t now_ns)
{
	WEFT_ASSERT(now_ns >= 0);
	*wheel = (struct weft_wheel){ .now_ticks = now_ns >> WEFT__WHEEL_TICK_SHIFT,
		.next_ns = WEFT_NEVER };
}

bool weft__wheel_start(struct weft_wheel *wheel, struct weft_timer *timer, int64_t deadline_ns,
		const struct weft_waker *waker)
{
	bool earliest;

	timer->deadline_ns = deadline_ns;
	timer->wheel = wheel;
	timer->waker = *waker;
	weft__lock_acquire(&wheel->lock);
	if (WEFT_LIKELY(deadline_ns != WEFT_NEVER))
		wheel_put(wheel, timer);
	else
		timer_push(&wheel->never, timer);
	wheel->count++;
	earliest = deadline_ns < wheel->next_ns;
	if (earliest)
		/* relaxed: read without the lock as a hint only */
		atomic_store_relaxed(&wheel->next_ns, deadline_ns); /* [I3] */
	weft__lock_release(&wheel->lock);
	return earliest;
}

bool weft__timer_settle(const struct weft_timer *timer)
{
	struct weft__lock *lock = &timer->wheel->lock;

	weft__lock_acquire(lock);
	weft__lock_release(lock);
	WEFT_ASSERT(!atomic_load_relaxed(&timer->link)); /* relaxed: the lock has ordered it */
	return true;
}

bool weft__timer_rewake(struct weft_timer *timer, const struct weft_waker *waker)
{
	bool is_in;

	weft__lock_acquire(&timer->wheel->lock);
	is_in = timer->link != NULL;
	if (is_in)
		timer->waker = *waker;
	weft__lock_release(&timer->wheel->lock);
	return is_in;
}

bool weft__timer_stop(struct weft_timer *timer)
{
	struct weft_wheel *wheel = timer->wheel;
	bool is_in;

	if (weft__timer_is_out(timer))
		return false;
	weft__lock_acquire(&wheel->lock);
	is_in = timer->link != NULL;
	if (is_in) {
		if (WEFT_UNLIKELY(wheel->spilling != NULL))
			wheel_spill_without(wheel, timer);
		timer_unhang(timer);
		timer_out(timer);
		wheel->count--;
	}
	weft__lock_release(&wheel->lock);
	return is_in;
}

unsigned weft__wheel_expire(struct weft_wheel *wheel, int64_t now_ns)
{
	unsigned fired = 0, moved = 0, batch;
	int64_t last;
	bool more = true;

	if (!weft__wheel_is_due(wheel, now_ns))
		return 0;
	weft__lock_acquire(&wheel->lock);
	last = now_ns >> WEFT__WHEEL_TICK_SHIFT;
	while (more && fired + moved < WEFT__WHEEL_WORK) {
		/* what comes down may be due before what is in the due list */
		moved += wheel_spill(wheel, WEFT__WHEEL_WORK - moved);
		if (wheel->spill_level > 0)
			break;
		/* time does not go back here, also if another thread has fired meanwhile */
		if (last < wheel->now_ticks)
			last = wheel->now_ticks;
		more = wheel_collect(wheel, last);
		while (fired + moved < WEFT__WHEEL_WORK && (batch = wheel_fire(wheel, now_ns)) > 0)
			fired += batch;
	}
	atomic_store_relaxed(&wheel->next_ns, wheel_look(wheel)); /* relaxed: a hint; [I3] */
	WEFT_CHECK(weft__wheel_check(wheel));
	weft__lock_release(&wheel->lock);
	return fired;
}

int64_t weft__wheel_next(struct weft_wheel *wheel)
{
	int64_t next_ns;

	weft__lock_acquire(&wheel->lock);
	next_ns = wheel->count ? wheel_look(wheel) : WEFT_NEVER;
	atomic_store_relaxed(&wheel->next_ns, next_ns); /* relaxed: a hint; [I3] */
	weft__lock_release(&wheel->lock);
	return next_ns;
}

/* --- the walker ------------------------------------------------------------------------------- */

static uint32_t wheel_check_list(const struct weft_wheel *wheel, struct weft_timer *const *list)
{
	uint32_t count = 0;

	for (const struct weft_timer *timer = *list; timer; timer = timer->next) {
		WEFT_ASSERT(*timer->link == timer); /* [I1] */
		WEFT_ASSERT(timer->wheel == wheel);
		WEFT_ASSERT(timer->deadline_ns >= wheel->next_ns); /* [I3] */
		count++;
	}
	return count;
}

static uint32_t wheel_check_slot(const struct weft_wheel *wheel, unsigned level, unsigned slot)
{
	const struct weft_timer *timer = wheel->slots[level][slot];

	WEFT_ASSERT(!timer || (wheel->occupied[level] >> slot & 1));
	if (level <= wheel->spill_level && slot == tick_digit(wheel->now_ticks, level))
		timer = NULL; /* [I2] on their way down */
	for (; timer; timer = timer->next) {
		int64_t tick = wheel_tick(wheel, timer);

		WEFT_ASSERT(tick_level(tick, wheel->now_ticks) == level); /* [I2] */
		WEFT_ASSERT(tick_digit(tick, level) == slot);             /* [I2] */
	}
	return wheel_check_list(wheel, &wheel->slots[level][slot]);
}

bool weft__wheel_check(const struct weft_wheel *wheel)
{
	uint32_t count = wheel_check_list(wheel, &wheel->due) +
			wheel_check_list(wheel, &wheel->never) +
			wheel_check_list(wheel, &wheel->spilling);

	for (unsigned level = 0; level < WEFT__WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < WEFT__WHEEL_SLOTS; slot++)
			count += wheel_check_slot(wheel, level, slot);
	WEFT_ASSERT(count == wheel->count);
	for (const struct weft_timer *timer = wheel->due; timer && timer->next; timer = timer->next)
		WEFT_ASSERT(timer->deadline_ns <= timer->next->deadline_ns); /* [I4] */
	for (const struct weft_timer *timer = wheel->due; timer; timer = timer->next)
		WEFT_ASSERT(timer->deadline_ns >> WEFT__WHEEL_TICK_SHIFT <=
				wheel->now_ticks); /* [I4] */
	return true;
}
