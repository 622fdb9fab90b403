/* SPDX-License-Identifier: MIT */
/* Every lock as a branch of a select and a try_join, polled by hand (behaviours 44, 48, 89 and 61 to 63; row S2-69,
 * "futurelock"): who loses has left the queue, and passed on what it was given, before the select goes on. So
 * nothing is granted to somebody who is not polled any more, and whoever stands behind it goes on. */
#include <errno.h>

#include <weft/branch.h>
#include <weft/notify.h>

#include "lock_forms.h"
#include "sweep.h"
#include "test.h"

static const struct lock_form *swept_form;

/* What is locked, who holds it, somebody who waits behind, and a rival of the lock. */
struct scene {
	struct locks locks;
	struct weft_notify rival;
	struct probe behind_probe;
	union lock_frame behind;
	bool gives; /* the lock is given when the rival is ready */
	int steps;
};

static enum weft_poll behind_poll(struct scene *scene)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&scene->behind_probe, NULL, &strand);

	return swept_form->async->poll(&scene->behind, &cx);
}

static bool behind_gets_it(struct scene *scene)
{
	return probe_wakes(&scene->behind_probe) == 1 && behind_poll(scene) == WEFT_READY &&
			scene->behind.args.result == swept_form->success;
}

static void scene_init(struct scene *scene)
{
	locks_init(&scene->locks);
	weft_notify_init(&scene->rival);
	scene->behind_probe = (struct probe)PROBE;
	CHECK_EQ(swept_form->take(&scene->locks), 0);
}

/* Somebody comes behind; then all that can happen does, before anybody is polled. */
static bool scene_advance(struct scene *scene)
{
	if (scene->steps++)
		return false;
	swept_form->init(&scene->behind, &scene->locks);
	CHECK_EQ(behind_poll(scene), WEFT_PENDING);
	if (scene->gives)
		swept_form->give(&scene->locks);
	weft_notify_one(&scene->rival);
	return true;
}

/* The lock's branch had this result, and what it has is given back: who stands behind gets it. */
static const char *scene_check(struct scene *scene, int result)
{
	SWEEP_EXPECT(result == swept_form->success || result == -ECANCELED);
	scene_advance(scene);
	if (!scene->gives)
		swept_form->give(&scene->locks);
	if (result == swept_form->success)
		swept_form->give_back(&scene->locks);
	SWEEP_EXPECT(behind_gets_it(scene));
	swept_form->give_back(&scene->locks);
	SWEEP_EXPECT(swept_form->take(&scene->locks) == 0);
	return NULL;
}

/* ---- async int picks(scene): the index of who wins, the lock or its rival ---- */

WEFT_ASYNC_1(int, picks, struct scene *);
struct picks__frame {
	struct picks__args args;
	struct weft_branch branches[2];
	struct weft_selection selection;
	union lock_frame lock;
	struct weft_notify_wait__frame rival;
};

enum weft_poll picks__poll(void *frame, struct weft_context *cx)
{
	struct picks__frame *f = frame;

	if (f->args.base.at == 0) {
		swept_form->init(&f->lock, &f->args.p0->locks);
		weft_notify_wait__init(&f->rival.args, &f->args.p0->rival);
		f->branches[0] = weft_branch_make(swept_form->async, &f->lock);
		f->branches[1] = weft_branch_make(&weft_notify_wait__async, &f->rival);
		f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
		f->args.base.at = 1;
	}
	if (weft_select_poll(f->branches, 2, cx, &f->selection) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->selection.winner);
}

WEFT_ASYNC_DEFINE(picks, WEFT_ASYNC_RESULT_INT);

static bool scene_gives;

static void picks_set_up(struct sweep *sweep)
{
	struct scene *scene = sweep->world;

	scene_init(scene);
	scene->gives = scene_gives;
	picks__init(sweep->frame, scene);
}

static bool scene_advances(struct sweep *sweep)
{
	return scene_advance(sweep->world);
}

static const char *picks_check(struct sweep *sweep)
{
	const struct picks__frame *f = sweep->frame;
	int winner = sweep_result(sweep), result = f->lock.args.result;

	SWEEP_EXPECT(winner == 0 || winner == 1 || winner == -ECANCELED);
	SWEEP_EXPECT(winner != -ECANCELED || sweep->cancelled);
	SWEEP_EXPECT(result == (winner == 0 ? swept_form->success : -ECANCELED));
	return scene_check(sweep->world, result);
}

TEST(b44_b89_lock_that_loses_a_select_has_left_and_passed_on_what_it_had)
{
	for (int i = 0; i < 2 * LOCK_FORMS; i++) {
		struct sweep_scenario scenario = {
			.name = lock_forms[i / 2].name,
			.async = &picks__async,
			.world_bytes = sizeof(struct scene),
			.set_up = picks_set_up,
			.advance = scene_advances,
			.check = picks_check,
		};

		swept_form = &lock_forms[i / 2];
		scene_gives = i % 2;
		CHECK_EQ(sweep(&scenario).suspensions, 1);
	}
}

/* ---- async int tries(scene): the lock, and a rival that fails ---- */

WEFT_ASYNC_1(int, fails_when_notified, struct scene *);
struct fails_when_notified__frame {
	struct fails_when_notified__args args;
	struct weft_notify_wait__frame wait;
};

enum weft_poll fails_when_notified__poll(void *frame, struct weft_context *cx)
{
	struct fails_when_notified__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, weft_notify_wait, &f->args.p0->rival);
	weft_return(f, f->wait.args.result < 0 ? f->wait.args.result : -EIO);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(fails_when_notified, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, tries, struct scene *);
struct tries__frame {
	struct tries__args args;
	struct weft_branch branches[2];
	int first_error;
	union lock_frame lock;
	struct fails_when_notified__frame rival;
};

enum weft_poll tries__poll(void *frame, struct weft_context *cx)
{
	struct tries__frame *f = frame;

	if (f->args.base.at == 0) {
		swept_form->init(&f->lock, &f->args.p0->locks);
		fails_when_notified__init(&f->rival.args, f->args.p0);
		f->branches[0] = weft_branch_make(swept_form->async, &f->lock);
		f->branches[1] = weft_branch_make(&fails_when_notified__async, &f->rival);
		f->first_error = 0;
		f->args.base.at = 1;
	}
	if (weft_try_join_poll(f->branches, 2, cx, &f->first_error) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->first_error);
}

WEFT_ASYNC_DEFINE(tries, WEFT_ASYNC_RESULT_INT);

static void tries_set_up(struct sweep *sweep)
{
	struct scene *scene = sweep->world;

	scene_init(scene);
	scene->gives = scene_gives;
	tries__init(sweep->frame, scene);
}

/* It may have been locked before the other one failed: its result says so. */
static const char *tries_check(struct sweep *sweep)
{
	const struct tries__frame *f = sweep->frame;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : -EIO));
	return scene_check(sweep->world, f->lock.args.result);
}

TEST(b48_lock_beside_one_that_fails_is_had_or_has_left)
{
	for (int i = 0; i < 2 * LOCK_FORMS; i++) {
		struct sweep_scenario scenario = {
			.name = lock_forms[i / 2].name,
			.async = &tries__async,
			.world_bytes = sizeof(struct scene),
			.set_up = tries_set_up,
			.advance = scene_advances,
			.check = tries_check,
		};

		swept_form = &lock_forms[i / 2];
		scene_gives = i % 2;
		CHECK_EQ(sweep(&scenario).suspensions, 1);
	}
}

/* ---- lost wake-ups: between the unlock and the poll ---- */

/* Whoever is first in the queue leaves after it was woken, one after the other; the last one gets it. */
TEST(b61_lock_is_passed_on_by_all_who_leave_after_they_were_woken)
{
	enum { MANY = 20 }; /* more than one batch of wakes */

	for (int i = 0; i < LOCK_FORMS; i++) {
		const struct lock_form *form = &lock_forms[i];
		static union lock_frame frames[MANY + 1];
		static struct probe probes[MANY + 1];
		struct weft_strand strand = { NULL };
		struct locks locks;

		locks_init(&locks);
		CHECK_EQ(form->take(&locks), 0);
		for (int j = 0; j <= MANY; j++) {
			struct weft_context cx;

			probes[j] = (struct probe)PROBE;
			cx = probe_context(&probes[j], NULL, &strand);
			form->init(&frames[j], &locks);
			CHECK_EQ(form->async->poll(&frames[j], &cx), WEFT_PENDING);
		}
		form->give(&locks);
		for (int j = 0; j <= MANY; j++) {
			struct weft_context cx = probe_context(&probes[j], NULL, &strand);

			cx.cancelled = j < MANY;
			CHECK_EQ(probe_wakes(&probes[j]), 1);
			CHECK_EQ(form->async->poll(&frames[j], &cx), WEFT_READY);
			CHECK_EQ(frames[j].args.result, j < MANY ? -ECANCELED : form->success);
		}
		form->give_back(&locks);
		CHECK_EQ(form->take(&locks), 0);
	}
}

/* A mutex is offered, not handed, to who was never late: a future that is woken, and then polled by nobody, keeps
 * nobody out. */
TEST(b61_mutex_is_not_kept_for_a_future_that_nobody_polls)
{
	struct weft_mutex mutex = WEFT_MUTEX_INIT;
	struct weft_mutex_lock__frame forgotten, other;
	struct probe probes[2] = { PROBE, PROBE };
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&probes[0], NULL, &strand);

	CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
	weft_mutex_lock__init(&forgotten.args, &mutex);
	CHECK_EQ(weft_mutex_lock__poll(&forgotten, &cx), WEFT_PENDING);
	weft_mutex_unlock(&mutex);
	CHECK_EQ(probe_wakes(&probes[0]), 1);
	for (int i = 0; i < 3; i++) {
		cx = probe_context(&probes[1], NULL, &strand);
		weft_mutex_lock__init(&other.args, &mutex);
		CHECK_EQ(weft_mutex_lock__poll(&other, &cx), WEFT_READY);
		CHECK_EQ(other.args.result, 0);
		weft_mutex_unlock(&mutex);
	}
	cx = probe_context(&probes[0], NULL, &strand);
	CHECK_EQ(weft_mutex_lock__poll(&forgotten, &cx), WEFT_READY);
	CHECK_EQ(forgotten.args.result, 0);
}
