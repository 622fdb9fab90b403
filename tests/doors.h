/* SPDX-License-Identifier: MIT */
/*
 * tests/doors.h: a set whose children wait at doors, and a task to poll it with.
 *
 *     crowd_begin();
 *     crowd_add_all(2);                                // child i is at crowd.doors[i]
 *     CHECK_EQ(crowd_next(), NONE);                    // one poll of the set
 *     door_open(&crowd.doors[1]);
 *     CHECK_EQ(crowd_next(), 1);                       // who has ended
 *     ...
 *     crowd_end();                                     // the set is empty, and nothing is left
 *
 * A child's result is its index, or -ECANCELED. A door counts the polls of its child.
 */
#ifndef WEFT_TESTS_DOORS_H
#define WEFT_TESTS_DOORS_H

#include <errno.h>
#include <string.h>

#include <weft/set.h>

#include "dive.h"
#include "test.h"

/* ---- a child: passes a door when it is open ---- */

struct door {
	bool open;
	int slow;               /* polls that it takes to unwind */
	bool clones;            /* it keeps an owned waker, not the borrowed one */
	struct door *neighbour; /* knocked at in each poll that waits */
	unsigned polls;
	unsigned cancels; /* polls that were cancelled */
	const void *frame;
	bool waits;
	struct weft_waker waker;
};

static inline void door_wake(struct door *door)
{
	struct weft_waker waker = door->waker;

	if (!door->waits)
		return;
	door->waits = false;
	if (door->clones)
		weft_waker_wake(waker);
	else
		weft_waker_commit(weft_waker_claim(&waker));
}

static inline void door_open(struct door *door)
{
	door->open = true;
	door_wake(door);
}

/* async int pass(door, result) */
WEFT_ASYNC_2(int, pass, struct door *, int);
struct pass__frame {
	struct pass__args args;
};

static inline void door_leave(struct door *door)
{
	if (door->waits && door->clones)
		weft_waker_drop(door->waker);
	door->waits = false;
}

enum weft_poll pass__poll(void *frame, struct weft_context *cx)
{
	struct pass__frame *f = frame;
	struct door *door = f->args.p0;

	WEFT_FRAME_CHECK(&f->args.base);
	CHECK(!door->frame || door->frame == frame); /* B84: it never moves */
	door->frame = frame;
	door->polls++;
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	door->cancels += weft_context_cancelled(cx);
	door_leave(door);
	if (door->open)
		weft_return(f, f->args.p1);
	if (weft_context_cancelled(cx) && door->cancels > (unsigned)door->slow)
		weft_return(f, -ECANCELED);
	weft_context_refund(cx);
	f->args.base.at = 1;
	door->waits = true;
	door->waker = door->clones ? weft_waker_clone(weft_context_waker(cx))
				   : *weft_context_waker(cx);
	if (weft_context_cancelled(cx))
		weft_context_yield(cx); /* it unwinds, in time */
	if (door->neighbour)
		door_wake(door->neighbour);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(pass, WEFT_ASYNC_RESULT_INT);

/* ---- a set of them, whose nodes and frames are ours ---- */

enum { CROWD = 10000 };

struct crowd {
	struct stepper stepper;
	struct weft_set set;
	struct door doors[CROWD];
	struct weft_set_child nodes[CROWD];
	struct pass__frame frames[CROWD];
};

static struct crowd crowd;

static inline void crowd_begin(void)
{
	memset(&crowd, 0, sizeof crowd);
	crowd.stepper = stepper_make();
	weft__env_current = &crowd.stepper.env.env;
}

static inline void crowd_add(int index)
{
	pass__init(&crowd.frames[index].args, &crowd.doors[index], index);
	weft_set_add(&crowd.set, &crowd.nodes[index], &pass__async, &crowd.frames[index]);
}

static inline void crowd_add_all(int count)
{
	for (int i = 0; i < count; i++)
		crowd_add(i);
}

enum { NONE = -1, EMPTY = -2 };

static inline enum weft_poll crowd_step(const struct weft_set_child **ended)
{
	struct stepper *stepper = &crowd.stepper;
	struct weft_set_child *child;
	enum weft_poll poll;

	stepper->cx = probe_context(&stepper->probe, &stepper->env, &stepper->strand);
	poll = weft_set_poll_next(&crowd.set, &stepper->cx, &child);
	CHECK(poll == WEFT_READY || stepper->cx.waker_taken || stepper->cx.self_woken);
	*ended = child;
	return poll;
}

/* One poll: which child has ended. */
static inline int crowd_next(void)
{
	const struct weft_set_child *child;

	if (crowd_step(&child) == WEFT_PENDING)
		return NONE;
	return child ? (int)(child - crowd.nodes) : EMPTY;
}

/* The same, until the set waits. */
static inline int crowd_settle(void)
{
	int index = crowd_next();

	while (index == NONE && crowd.stepper.cx.self_woken)
		index = crowd_next();
	return index;
}

static inline void crowd_end(void)
{
	CHECK_EQ(crowd_next(), EMPTY);
	CHECK_EQ(weft_set_count(&crowd.set), 0);
	CHECK(stepper_is_clean(&crowd.stepper));
	CHECK_EQ(crowd.stepper.env.allocations, 0);
	weft__env_current = NULL;
}

static inline unsigned crowd_polls(int count)
{
	unsigned polls = 0;

	for (int i = 0; i < count; i++)
		polls += crowd.doors[i].polls;
	return polls;
}

static inline int next_result(void)
{
	struct weft_set_next__frame next;
	int result = NONE;

	weft_set_next__init(&next.args, &crowd.set, &result);
	if (step(&crowd.stepper, &weft_set_next__async, &next) == WEFT_PENDING)
		return NONE;
	return next.args.result == 0 ? result : EMPTY;
}

static inline void crowd_put(int index, int *result, bool front)
{
	struct pass__args args;

	pass__init(&args, &crowd.doors[index], index);
	CHECK_EQ((front ? weft_set_put_front : weft_set_put)(
				 &crowd.set, &pass__async, &args, result),
			0);
}

#endif
