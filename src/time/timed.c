/* SPDX-License-Identifier: MIT */
/*
 * time/timed.c: a lock's leaf in a timeout, and what is reported when that is over.
 *
 * How         One machine for all of them: the frame has the leaf, and a weft_timeout around it.
 *
 *                 FRESH --the leaf is ready at once--> DONE
 *                 FRESH --it pends--> WAITING --the timeout is ready--> DONE
 *
 *             So without contention a timed form costs a note more than the leaf. The limit is looked up
 *             when it pends. Whether it was reached is the timeout's matter (timeout.c): by then the leaf
 *             has left the queue, or has passed on what it was given.
 *
 *             A lock knows not where it was taken: it would be eight bytes more for all. For those that
 *             were taken by a timed form `taken_places` does: a table by the address of the lock, in which
 *             each entry has the last one that fell upon it. Checked builds know of all (core/held.h).
 * Invariants  [I1] an entry's object and place were written by one call: under its lock.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include <weft/timed.h>

#include "base/check.h"
#include "base/lock.h"
#include "core/held.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_mutex_lock_timed__frame) == 264,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_semaphore_acquire_timed__frame) == 280,
		"part of the ABI");

enum { TIMED_FRESH, TIMED_WAITING };
enum { TAKEN_BITS = 8 };

static const struct weft_lock_policy policy_at_first = { WEFT_SECONDS(30), NULL };
static const struct weft_lock_policy *policy_now = &policy_at_first;

static struct taken {
	struct weft__lock lock;
	const void *object;
	const char *where;
} taken_places[1 << TAKEN_BITS];

void weft_lock_policy_set(const struct weft_lock_policy *policy)
{
	/* pairs with timed_begin: the policy's fields are seen */
	atomic_store_release(&policy_now, policy ? policy : &policy_at_first);
}

_Noreturn void weft_lock_timeout_abort(const struct weft_lock_timeout *timeout)
{
	char text[512];

	snprintf(text, sizeof text, "%s has waited for %lld ms at %s; taken at %s", timeout->lock,
			(long long)(timeout->timeout_ns / 1000000), timeout->waits_at,
			timeout->taken_at ? timeout->taken_at : "a place that is not known");
	weft__fail(text, __FILE__, __LINE__);
}

static struct taken *taken_find(const void *object)
{
	uint32_t hash = (uint32_t)((uintptr_t)object >> 3) * 0x9e3779b1u;

	return &taken_places[hash >> (32 - TAKEN_BITS)];
}

static void taken_put(const void *object, const char *where)
{
	struct taken *entry = taken_find(object);

	weft__lock_acquire(&entry->lock); /* [I1] */
	entry->object = object;
	entry->where = where;
	weft__lock_release(&entry->lock);
}

bool weft_lock_taken_(const void *lock, const char *where)
{
	taken_put(lock, where);
	return true;
}

static const char *taken_get(const void *object)
{
	struct taken *entry = taken_find(object);
	const char *where;

	weft__lock_acquire(&entry->lock); /* [I1] */
	where = entry->object == object ? entry->where : NULL;
	weft__lock_release(&entry->lock);
	return where;
}

/* What the frames have in common, by reference. */
struct timed {
	struct weft_frame *base;
	int *result;
	const void *object;
	int64_t timeout_ns;
	const char *where;
	struct weft_timeout__frame *timeout;
	const struct weft_async *async; /* of the leaf */
	void *leaf;
	const int *leaf_result;
};

static enum weft_poll timed_end(const struct timed *timed, ssize_t result)
{
	if (result >= 0)
		taken_put(timed->object, timed->where);
	*timed->result = (int)result;
	timed->base->at = WEFT_AT_DONE;
	return WEFT_READY;
}

static enum weft_poll timed_begin(const struct timed *timed, struct weft_context *cx)
{
	/* pairs with weft_lock_policy_set */
	const struct weft_lock_policy *policy = atomic_load_acquire(&policy_now);
	int64_t timeout_ns = timed->timeout_ns;
	struct weft_strand *outer_strand = cx->strand;
	enum weft_poll poll;

	/* the branch's already: checked builds tell by it a wait that nothing can end (exec/holders.c) */
	cx->strand = &timed->timeout->deadline.branch.strand;
	poll = timed->async->poll(timed->leaf, cx);
	cx->strand = outer_strand;
	if (poll == WEFT_READY)
		return timed_end(timed, *timed->leaf_result);
	if (timeout_ns == WEFT_LOCK_TIMEOUT)
		timeout_ns = policy->timeout_ns;
	weft_timeout__init(&timed->timeout->args, timeout_ns, timed->async, timed->leaf);
	timed->base->at = TIMED_WAITING;
	return WEFT_PENDING;
}

static void timed_report(const struct timed *timed)
{
	const struct weft_lock_policy *policy = atomic_load_acquire(&policy_now); /* as above */
	struct weft_lock_timeout report = { timed->async->name, timed->object, timed->where,
		taken_get(timed->object), timed->timeout->args.p0 };
	char holder[256] = "";

	WEFT_HELD(where(timed->object, holder, sizeof holder));
	if (*holder)
		report.taken_at = holder;
	if (policy->handler)
		policy->handler(&report);
}

static enum weft_poll timed_poll(const struct timed *timed, struct weft_context *cx)
{
	ssize_t result;

	WEFT_FRAME_CHECK(timed->base);
	if (timed->base->at == TIMED_FRESH && timed_begin(timed, cx) == WEFT_READY)
		return WEFT_READY;
	if (timed->base->at != TIMED_WAITING)
		weft_frame_misuse(timed->base);
	if (weft_timeout__poll(timed->timeout, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	result = timed->timeout->args.result;
	if (result == -ETIME && timed->timeout_ns == WEFT_LOCK_TIMEOUT)
		timed_report(timed);
	return timed_end(timed, result);
}

/* The poll of `leaf`_timed and its descriptor. `limit` and `place` are the members of its arguments that
 * are called so here; then come the leaf's own. */
#define TIMED(leaf, limit, place, ...)                                                             \
	enum weft_poll leaf##_timed__poll(void *frame, struct weft_context *cx)                    \
	{                                                                                          \
		struct leaf##_timed__frame *f = frame;                                             \
		struct timed timed = { &f->args.base, &f->args.result, f->args.p0, f->args.limit,  \
			f->args.place, &f->timeout, &leaf##__async, &f->lock,                      \
			&f->lock.args.result };                                                    \
                                                                                                   \
		if (f->args.base.at == TIMED_FRESH)                                                \
			leaf##__init(&f->lock.args, __VA_ARGS__);                                  \
		return timed_poll(&timed, cx);                                                     \
	}                                                                                          \
	static const struct weft_point leaf##_timed_points[] = {                                   \
		{ __LINE__, offsetof(struct leaf##_timed__frame, timeout), &weft_timeout__async,   \
				0 },                                                               \
	};                                                                                         \
	static const struct weft_embedded leaf##_timed_embedded[] = {                              \
		{ &weft_timeout__async, sizeof(struct weft_timeout__frame) },                      \
		{ &leaf##__async, sizeof(struct leaf##__frame) },                                  \
	};                                                                                         \
	WEFT_ASYNC_DESCRIBE(leaf##_timed, WEFT_ASYNC_RESULT_INT, .points = leaf##_timed_points,    \
			.point_count = 1, .embedded = leaf##_timed_embedded, .embedded_count = 2)

TIMED(weft_mutex_lock, p1, p2, f->args.p0);
TIMED(weft_rwlock_read, p1, p2, f->args.p0);
TIMED(weft_rwlock_write, p1, p2, f->args.p0);
TIMED(weft_semaphore_acquire, p2, p3, f->args.p0, f->args.p1);
TIMED(weft_once_begin, p1, p2, f->args.p0);
