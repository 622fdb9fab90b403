/* SPDX-License-Identifier: MIT */
/* Values bound around a branch, polled by hand (behaviour 34): seen inside, and nowhere else, also
 * while the branch unwinds; the inner one hides the outer one. */
#include <errno.h>

#include <weft/local.h>
#include <weft/notify.h>

#include "sweep.h"
#include "test.h"

WEFT_LOCAL_DECLARE(int, number)
WEFT_LOCAL_DECLARE(int, colour)
WEFT_LOCAL_DEFINE(number);
WEFT_LOCAL_DEFINE(colour);

static int number_here(void)
{
	const int *value = number_get();

	return value ? *value : 0;
}

/* async int looks(notify, expected): waits, and looks before and after; its result, or -EPROTO. */
WEFT_ASYNC_2(int, looks, struct weft_notify *, int);

struct looks__frame {
	struct looks__args args;
	struct weft_notify_wait__frame wait;
};
WEFT_ASYNC_DEFINE(looks, WEFT_ASYNC_RESULT_INT);

enum weft_poll looks__poll(void *frame, struct weft_context *cx)
{
	struct looks__frame *f = frame;
	int result;

	weft_begin(f);
	if (number_here() != f->args.p1)
		weft_return(f, -EPROTO);
	weft_await(f, f->wait, weft_notify_wait, f->args.p0);
	result = f->wait.args.result;
	weft_return(f, number_here() == f->args.p1 && !colour_get() ? result : -EPROTO);
	weft_end(f);
}

struct bound {
	struct probe probe;
	struct weft_strand strand;
	struct weft_local local;
	int value;
	struct looks__frame looks;
	struct weft_with__frame with;
};

static void bound_init(struct bound *bound, struct weft_notify *notify, int value)
{
	bound->probe = (struct probe)PROBE;
	bound->strand = (struct weft_strand){ NULL };
	bound->value = value;
	bound->local = number_bind(&bound->value);
	looks__init(&bound->looks.args, notify, value);
	weft_with__init(&bound->with.args, &bound->local, &looks__async, &bound->looks);
}

static enum weft_poll bound_poll(struct bound *bound, bool cancelled)
{
	struct weft_context cx = probe_context(&bound->probe, NULL, &bound->strand);

	cx.cancelled = cancelled;
	return weft_with__poll(&bound->with, &cx);
}

TEST(b34_local_is_seen_by_its_branch_and_by_no_other)
{
	struct weft_notify notify = WEFT_NOTIFY_INIT;
	struct bound one, other;

	bound_init(&one, &notify, 1);
	bound_init(&other, &notify, 2);
	CHECK(!number_get());
	CHECK_EQ(bound_poll(&one, false), WEFT_PENDING);
	CHECK(!number_get());
	CHECK_EQ(bound_poll(&other, false), WEFT_PENDING);
	CHECK_EQ(bound_poll(&one, false), WEFT_PENDING); /* spurious */
	weft_notify_all(&notify);
	CHECK_EQ(bound_poll(&one, false), WEFT_READY);
	CHECK_EQ(bound_poll(&other, false), WEFT_READY);
	CHECK_EQ(one.with.args.result, 0);
	CHECK_EQ(other.with.args.result, 0);
	CHECK(!number_get());
}

TEST(b34_local_is_seen_while_its_branch_unwinds)
{
	struct weft_notify notify = WEFT_NOTIFY_INIT;
	struct bound one;

	bound_init(&one, &notify, 1);
	CHECK_EQ(bound_poll(&one, false), WEFT_PENDING);
	CHECK_EQ(bound_poll(&one, true), WEFT_READY);
	CHECK_EQ(one.with.args.result, -ECANCELED);
	CHECK(!number_get());
}

TEST(b34_inner_local_hides_the_outer_one)
{
	struct weft_notify notify = WEFT_NOTIFY_INIT;
	struct weft_strand strand = { NULL };
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_local outer, red;
	struct weft_with__frame with;
	struct bound inner;
	int value = 7;

	bound_init(&inner, &notify, 1);
	outer = number_bind(&value);
	weft_with__init(&with.args, &outer, &weft_with__async, &inner.with);
	CHECK_EQ(weft_with__poll(&with, &cx), WEFT_PENDING);
	weft_notify_one(&notify);
	CHECK_EQ(weft_with__poll(&with, &cx), WEFT_READY);
	CHECK_EQ(with.args.result, 0);
	red = colour_bind(&value);
	bound_init(&inner, &notify, 1);
	weft_with__init(&with.args, &red, &weft_with__async, &inner.with);
	weft_notify_one(&notify);
	CHECK_EQ(weft_with__poll(&with, &cx), WEFT_READY);
	CHECK_EQ(with.args.result, -EPROTO); /* it sees the colour, too */
}

/* ---- swept ---- */

struct swept_world {
	struct weft_notify notify;
	struct weft_local local;
	int value;
	struct looks__frame looks;
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_notify_init(&world->notify);
	world->value = 5;
	world->local = number_bind(&world->value);
	looks__init(&world->looks.args, &world->notify, 5);
	weft_with__init(sweep->frame, &world->local, &looks__async, &world->looks);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_notify_one(&world->notify);
	return world->steps++ == 0;
}

static const char *swept_check(struct sweep *sweep)
{
	const struct swept_world *world = sweep->world;

	SWEEP_EXPECT(world->looks.args.result == (sweep->cancelled ? -ECANCELED : 0));
	SWEEP_EXPECT(!number_get());
	return NULL;
}

TEST(b34_local_survives_whatever_interrupts_its_branch)
{
	static const struct sweep_scenario scenario = {
		.name = "with",
		.async = &weft_with__async,
		.world_bytes = sizeof(struct swept_world),
		.set_up = swept_set_up,
		.advance = swept_advance,
		.check = swept_check,
	};

	CHECK_EQ(sweep(&scenario).suspensions, 1);
}
