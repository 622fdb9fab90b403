/* SPDX-License-Identifier: MIT */
/* The sweep finds what it is there to find: one errand, and for each kind of fault a run of it that the
 * sweep must object to. */
#include <errno.h>
#include <string.h>

#include <weft/frame.h>

#include "sweep.h"
#include "test.h"

enum fault {
	SOUND,
	LEAVES_ITS_WAKER,     /* registered after it was cancelled */
	CLONES_AND_FORGETS,   /* an owned waker */
	CLAIMS_AND_FORGETS,   /* a claim */
	LOOKS_AT_NO_WAKER,    /* and is pending */
	IGNORES_THE_CANCEL,   /* and waits for ever */
	YIELDS_FOR_EVER,      /* when cancelled */
	LEAKS_WITHOUT_MEMORY, /* its first buffer, if there is none for the second */
	TRUSTS_EVERY_POLL,    /* takes a spurious one for the bell */
	HAS_AN_EFFECT,        /* although it gives -ECANCELED */
	FAULTS
};

/* --- the world: a bell that rings three times, with one place to wait for it -------------------- */

enum { RINGS = 3 };

struct bell {
	enum fault fault;
	bool waited; /* waker is borrowed from whoever waits */
	struct weft_waker waker;
	int rung;
	int heard;
	int heard_before_cancel;
};

static bool bell_ring(struct bell *bell)
{
	struct weft_waker claimed = { NULL, NULL };

	if (bell->rung == RINGS + 1)
		return false;
	bell->rung++;
	if (bell->waited)
		claimed = weft_waker_claim(&bell->waker);
	bell->waited = false;
	if (bell->fault == CLAIMS_AND_FORGETS && claimed.ops)
		weft_waker_wake_by_ref(&claimed);
	else
		weft_waker_commit(claimed);
	return true;
}

/* --- async int bell_hear(bell): waits until it has rung once more than was heard ---------------- */

WEFT_ASYNC_1(int, bell_hear, struct bell *);
struct bell_hear__frame {
	struct bell_hear__args args;
};

/* The faults of a leaf that is cancelled. Returns false if it stays pending. */
static bool bell_withdraw(struct bell *bell, struct weft_context *cx)
{
	bell->waited = bell->waited && bell->fault == LEAVES_ITS_WAKER;
	if (bell->fault == CLONES_AND_FORGETS)
		(void)weft_waker_clone(weft_context_waker(cx));
	if (bell->fault == HAS_AN_EFFECT)
		bell->heard++;
	if (bell->fault == YIELDS_FOR_EVER)
		weft_context_yield(cx);
	if (bell->fault == IGNORES_THE_CANCEL)
		weft_context_waker(cx);
	return bell->fault != YIELDS_FOR_EVER && bell->fault != IGNORES_THE_CANCEL;
}

enum weft_poll bell_hear__poll(void *frame, struct weft_context *cx)
{
	struct bell_hear__frame *f = frame;
	struct bell *bell = f->args.p0;
	bool first = f->args.base.at == 0;

	f->args.base.at = 1;
	if (bell->heard < bell->rung || (!first && bell->fault == TRUSTS_EVERY_POLL)) {
		bell->heard++;
		bell->waited = false;
		weft_return(f, 0);
	}
	if (weft_context_cancelled(cx)) {
		if (!bell_withdraw(bell, cx))
			return WEFT_PENDING;
		weft_return(f, -ECANCELED);
	}
	bell->heard_before_cancel = bell->heard;
	if (bell->fault == LOOKS_AT_NO_WAKER)
		return WEFT_PENDING;
	bell->waker = *weft_context_waker(cx);
	bell->waited = true;
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(bell_hear, WEFT_ASYNC_RESULT_INT);

/* --- async int errand(bell): two buffers, then the bell three times ----------------------------- */

enum { BUFFER = 24 };

WEFT_ASYNC_1(int, errand, struct bell *);
struct errand__frame {
	struct errand__args args;
	void *first, *second;
	struct bell_hear__frame hear;
	int i;
};

static void *lost; /* so that the leak checker knows it, too */

static void errand_release(struct errand__frame *f, const struct weft_env *env)
{
	if (f->first)
		env->release(env, f->first, BUFFER, 8);
	if (f->second)
		env->release(env, f->second, BUFFER, 8);
}

enum weft_poll errand__poll(void *frame, struct weft_context *cx)
{
	struct errand__frame *f = frame;
	int err = 0;

	weft_begin(f);
	f->first = cx->env->allocate(cx->env, BUFFER, 8);
	f->second = cx->env->allocate(cx->env, BUFFER, 8);
	if (!f->second) {
		if (f->args.p0->fault == LEAKS_WITHOUT_MEMORY && f->first) {
			lost = f->first;
			f->first = NULL;
		}
		errand_release(f, cx->env);
		weft_return(f, -ENOMEM);
	}
	for (f->i = 0; f->i < RINGS && !err; f->i++) {
		weft_await(f, f->hear, bell_hear, f->args.p0);
		err = f->hear.args.result;
	}
	errand_release(f, cx->env);
	weft_return(f, err);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(errand, WEFT_ASYNC_RESULT_INT);

/* --- the scenario ------------------------------------------------------------------------------- */

static enum fault fault;

static void errand_set_up(struct sweep *sweep)
{
	struct bell *bell = sweep->world;

	bell->fault = fault;
	errand__init(sweep->frame, bell);
}

static bool errand_advance(struct sweep *sweep)
{
	return bell_ring(sweep->world);
}

static const char *errand_check(struct sweep *sweep)
{
	const struct bell *bell = sweep->world;

	if (sweep->fail_after != SWEEP_NEVER) {
		SWEEP_EXPECT(sweep_result(sweep) == -ENOMEM);
	} else if (sweep->cancelled && sweep_result(sweep)) {
		SWEEP_EXPECT(sweep_result(sweep) == -ECANCELED);
		SWEEP_EXPECT(bell->heard == bell->heard_before_cancel);
	} else {
		SWEEP_EXPECT(sweep_result(sweep) == 0);
		SWEEP_EXPECT(bell->heard == RINGS);
		SWEEP_EXPECT(bell->rung == RINGS);
	}
	return NULL;
}

static void errand_tear_down(struct sweep *sweep)
{
	struct errand__frame *f = sweep->frame;

	if (f && f->args.base.at != WEFT_AT_DONE)
		errand_release(f, &sweep->env.env); /* the sweep gave up on it */
	if (lost)
		sweep->env.env.release(&sweep->env.env, lost, BUFFER, 8);
	lost = NULL;
}

static const struct sweep_scenario errand_scenario = {
	.name = "errand",
	.async = &errand__async,
	.world_bytes = sizeof(struct bell),
	.set_up = errand_set_up,
	.advance = errand_advance,
	.check = errand_check,
	.tear_down = errand_tear_down,
};

TEST(sweep_runs_a_sound_scenario_in_every_way)
{
	struct sweep_result result;

	fault = SOUND;
	result = sweep(&errand_scenario);
	CHECK_EQ(result.suspensions, 3);
	CHECK_EQ(result.allocations, 2);
	/* plain; 3 spurious; plain and 4 cancelled; for each of 2 allocations one, and one cancelled */
	CHECK_EQ(result.runs, 1 + 3 + (1 + 4) + 2 * (1 + 1));
}

TEST(sweep_finds_each_kind_of_fault)
{
	static const char *const messages[FAULTS] = {
		[LEAVES_ITS_WAKER] = "its waker was left registered (cancelled at 1,",
		[CLONES_AND_FORGETS] = "an owned waker is left (cancelled at 0,",
		[CLAIMS_AND_FORGETS] = "a claim was not committed (cancelled at -1,",
		[LOOKS_AT_NO_WAKER] = "nobody can wake it (cancelled at -1,",
		[IGNORES_THE_CANCEL] = "it waits for ever (cancelled at 0,",
		[YIELDS_FOR_EVER] = "it is polled for ever (cancelled at 0,",
		[LEAKS_WITHOUT_MEMORY] =
				"an allocation is left (cancelled at -1, allocations fail after 1,",
		[TRUSTS_EVERY_POLL] = "allocations fail after -1, polled spuriously at 1)",
		[HAS_AN_EFFECT] = "heard_before_cancel (cancelled at 0,",
	};

	for (fault = SOUND + 1; fault < FAULTS; fault++) {
		struct sweep_result result = sweep_explore(&errand_scenario);

		if (!strstr(result.failure, messages[fault]))
			test_fail(__FILE__, __LINE__, "fault %d: \"%s\"", (int)fault,
					result.failure);
	}
}
