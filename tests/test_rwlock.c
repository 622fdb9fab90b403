/* SPDX-License-Identifier: MIT */
/* The rwlock, polled by hand (behaviours 61, 62): all short sequences of calls against an oracle that is a
 * queue and two counts; the queue at length; downgrade; cancellation at every point; misuse. */
#include <errno.h>

#include <weft/rwlock.h>

#include "sweep.h"
#include "test.h"

static struct weft_rwlock fresh = WEFT_RWLOCK_INIT;

/* A task that wants it. The two frames are alike but for their names. */
struct asker {
	struct probe probe;
	bool writes;
	union {
		struct weft_rwlock_read__frame read;
		struct weft_rwlock_write__frame write;
	} frame;
};

static void asker_init(struct asker *asker, struct weft_rwlock *rwlock, bool writes)
{
	asker->probe = (struct probe)PROBE;
	asker->writes = writes;
	if (writes)
		weft_rwlock_write__init(&asker->frame.write.args, rwlock);
	else
		weft_rwlock_read__init(&asker->frame.read.args, rwlock);
}

static enum weft_poll asker_poll(struct asker *asker, bool cancelled)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&asker->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return asker->writes ? weft_rwlock_write__poll(&asker->frame, &cx)
			     : weft_rwlock_read__poll(&asker->frame, &cx);
}

static int asker_result(const struct asker *asker)
{
	return asker->writes ? asker->frame.write.args.result : asker->frame.read.args.result;
}

static bool asker_waits(struct asker *asker, struct weft_rwlock *rwlock, bool writes)
{
	asker_init(asker, rwlock, writes);
	return asker_poll(asker, false) == WEFT_PENDING;
}

static bool asker_has_it(struct asker *asker)
{
	return asker_poll(asker, false) == WEFT_READY && asker_result(asker) == 0;
}

static bool asker_gives_up(struct asker *asker)
{
	return asker_poll(asker, true) == WEFT_READY && asker_result(asker) == -ECANCELED;
}

static void asker_unlocks(struct asker *asker, struct weft_rwlock *rwlock)
{
	if (asker->writes)
		weft_rwlock_unlock_write(rwlock);
	else
		weft_rwlock_unlock_read(rwlock);
}

static bool is_free(struct weft_rwlock *rwlock)
{
	if (weft_rwlock_try_write(rwlock) < 0)
		return false;
	weft_rwlock_unlock_write(rwlock);
	return true;
}

TEST(rwlock_is_held_by_many_readers_or_one_writer)
{
	CHECK_EQ(weft_rwlock_try_read(&fresh), 0);
	CHECK_EQ(weft_rwlock_try_read(&fresh), 0);
	CHECK_EQ(weft_rwlock_try_write(&fresh), -EAGAIN);
	weft_rwlock_unlock_read(&fresh);
	CHECK_EQ(weft_rwlock_try_write(&fresh), -EAGAIN);
	weft_rwlock_unlock_read(&fresh);
	CHECK_EQ(weft_rwlock_try_write(&fresh), 0);
	CHECK_EQ(weft_rwlock_try_write(&fresh), -EAGAIN);
	CHECK_EQ(weft_rwlock_try_read(&fresh), -EAGAIN);
	weft_rwlock_unlock_write(&fresh);
	CHECK(is_free(&fresh));
}

/* ---- every order ---- */

enum { ASKERS = 3, STEPS = 5, OUTSIDER = ASKERS };

/* Begins, and stands in the queue; has been let in, and does not know; knows; has ended. */
enum fate { FRESH, WAITS, LET_IN, HOLDS, ENDED };

struct oracle {
	int readers, writers;
	int queue[ASKERS], queue_len;
	enum fate fate[ASKERS + 1];
	bool writes[ASKERS + 1];
	unsigned wakes[ASKERS];
};

static bool oracle_lets_in(struct oracle *oracle, bool writes)
{
	if (oracle->writers || (writes && oracle->readers))
		return false;
	oracle->writers += writes;
	oracle->readers += !writes;
	return true;
}

static void oracle_leave(struct oracle *oracle, int place)
{
	oracle->queue_len--;
	for (int i = place; i < oracle->queue_len; i++)
		oracle->queue[i] = oracle->queue[i + 1];
}

static void oracle_settle(struct oracle *oracle)
{
	while (oracle->queue_len && oracle_lets_in(oracle, oracle->writes[oracle->queue[0]])) {
		oracle->fate[oracle->queue[0]] = LET_IN;
		oracle->wakes[oracle->queue[0]]++;
		oracle_leave(oracle, 0);
	}
}

static void oracle_poll(struct oracle *oracle, int who)
{
	if (oracle->fate[who] == LET_IN) {
		oracle->fate[who] = HOLDS;
	} else if (oracle->fate[who] == FRESH) {
		if (oracle->queue_len == 0 && oracle_lets_in(oracle, oracle->writes[who])) {
			oracle->fate[who] = HOLDS;
		} else {
			oracle->fate[who] = WAITS;
			oracle->queue[oracle->queue_len++] = who;
		}
	}
}

static void oracle_unlock(struct oracle *oracle, int who)
{
	oracle->readers -= !oracle->writes[who];
	oracle->writers -= oracle->writes[who];
	oracle->fate[who] = ENDED;
	oracle_settle(oracle);
}

static void oracle_cancel(struct oracle *oracle, int who)
{
	if (oracle->fate[who] == LET_IN) {
		oracle_unlock(oracle, who);
		return;
	}
	for (int i = 0; i < oracle->queue_len; i++)
		if (oracle->queue[i] == who)
			oracle_leave(oracle, i);
	oracle->fate[who] = ENDED;
	oracle_settle(oracle);
}

struct world {
	struct weft_rwlock rwlock;
	struct asker askers[ASKERS + 1]; /* and the outsider, who is not polled */
	struct oracle oracle;
};

/* 0 to 2 polls, 3 to 5 polls, cancelled; 6 to 9 unlocks, if it may; 10 downgrades; 11 and 12 try. */
enum {
	CANCELS = ASKERS,
	UNLOCKS = 2 * ASKERS,
	DOWNGRADES = UNLOCKS + ASKERS + 1,
	TRIES,
	OPERATIONS = TRIES + 2
};

static bool step_poll(struct world *world, int who, bool cancelled)
{
	struct oracle *oracle = &world->oracle;

	if (oracle->fate[who] >= HOLDS)
		return false;
	asker_poll(&world->askers[who], cancelled);
	if (cancelled)
		oracle_cancel(oracle, who);
	else
		oracle_poll(oracle, who);
	return true;
}

static bool step_unlock(struct world *world, int who)
{
	if (world->oracle.fate[who] != HOLDS)
		return false;
	world->askers[who].writes = world->oracle.writes[who];
	asker_unlocks(&world->askers[who], &world->rwlock);
	oracle_unlock(&world->oracle, who);
	return true;
}

/* Whoever writes, if anybody does and knows it. */
static bool step_downgrade(struct world *world)
{
	struct oracle *oracle = &world->oracle;

	for (int who = 0; who <= OUTSIDER; who++) {
		if (oracle->fate[who] != HOLDS || !oracle->writes[who])
			continue;
		weft_rwlock_downgrade(&world->rwlock);
		oracle->writes[who] = false;
		oracle->writers--;
		oracle->readers++;
		oracle_settle(oracle);
		return true;
	}
	return false;
}

static bool step_try(struct world *world, bool writes)
{
	struct oracle *oracle = &world->oracle;
	bool expected = oracle->queue_len == 0 && oracle->writers == 0 &&
			(!writes || oracle->readers == 0);
	int err = writes ? weft_rwlock_try_write(&world->rwlock)
			 : weft_rwlock_try_read(&world->rwlock);

	CHECK_EQ(err, expected ? 0 : -EAGAIN);
	if (err == 0 && writes)
		weft_rwlock_unlock_write(&world->rwlock);
	else if (err == 0)
		weft_rwlock_unlock_read(&world->rwlock);
	return true;
}

/* False: it makes no sense. */
static bool step(struct world *world, int operation)
{
	if (operation >= TRIES)
		return step_try(world, operation > TRIES);
	if (operation == DOWNGRADES)
		return step_downgrade(world);
	if (operation >= UNLOCKS)
		return step_unlock(world, operation - UNLOCKS);
	return step_poll(world, operation % ASKERS, operation >= CANCELS);
}

static void compare(const struct world *world)
{
	const struct oracle *oracle = &world->oracle;

	for (int i = 0; i < ASKERS; i++) {
		const struct asker *asker = &world->askers[i];
		bool ended = asker->frame.read.args.base.at == WEFT_AT_DONE;

		CHECK_EQ(probe_wakes(&asker->probe), oracle->wakes[i]);
		CHECK(probe_balanced(&asker->probe) && asker->probe.clones == 0);
		CHECK_EQ(ended, oracle->fate[i] >= HOLDS);
		if (oracle->fate[i] == HOLDS)
			CHECK_EQ(asker_result(asker), 0);
	}
}

/* outsider: nobody, one that reads, one that writes. */
static void run_order(int order, int outsider)
{
	struct world world = { .oracle.writes = { false, true, false, outsider == 2 } };
	struct oracle *oracle = &world.oracle;

	weft_rwlock_init(&world.rwlock);
	for (int i = 0; i < ASKERS; i++)
		asker_init(&world.askers[i], &world.rwlock, oracle->writes[i]);
	oracle->fate[OUTSIDER] = outsider ? HOLDS : ENDED;
	oracle->readers = outsider == 1;
	oracle->writers = outsider == 2;
	if (outsider == 1)
		CHECK_EQ(weft_rwlock_try_read(&world.rwlock), 0);
	else if (outsider == 2)
		CHECK_EQ(weft_rwlock_try_write(&world.rwlock), 0);
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b61_b62_rwlock_agrees_with_a_queue_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		for (int outsider = 0; outsider < 3; outsider++)
			run_order(order, outsider);
}

/* ---- the queue ---- */

TEST(b62_writer_that_waits_keeps_later_readers_out)
{
	struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
	struct asker writer, reader;

	CHECK_EQ(weft_rwlock_try_read(&rwlock), 0);
	CHECK(asker_waits(&writer, &rwlock, true));
	CHECK(asker_waits(&reader, &rwlock, false));
	CHECK_EQ(weft_rwlock_try_read(&rwlock), -EAGAIN);
	weft_rwlock_unlock_read(&rwlock);
	CHECK_EQ(probe_wakes(&reader.probe), 0);
	CHECK(asker_has_it(&writer));
	weft_rwlock_unlock_write(&rwlock);
	CHECK(asker_has_it(&reader));
	weft_rwlock_unlock_read(&rwlock);
	CHECK(is_free(&rwlock));
}

TEST(b62_writer_that_is_cancelled_lets_readers_in)
{
	struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
	struct asker writer, readers[2];

	CHECK_EQ(weft_rwlock_try_read(&rwlock), 0);
	CHECK(asker_waits(&writer, &rwlock, true));
	for (int i = 0; i < 2; i++)
		CHECK(asker_waits(&readers[i], &rwlock, false));
	CHECK(asker_gives_up(&writer));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(probe_wakes(&readers[i].probe), 1);
		CHECK(asker_has_it(&readers[i]));
	}
	for (int i = 0; i < 3; i++)
		weft_rwlock_unlock_read(&rwlock);
	CHECK(is_free(&rwlock));
}

/* More readers than one batch of wakes. */
TEST(rwlock_lets_all_readers_at_the_head_in_together)
{
	enum { MANY = 40 };
	struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
	static struct asker readers[MANY];
	struct asker writer, last;

	CHECK_EQ(weft_rwlock_try_write(&rwlock), 0);
	for (int i = 0; i < MANY; i++)
		CHECK(asker_waits(&readers[i], &rwlock, false));
	CHECK(asker_waits(&writer, &rwlock, true));
	CHECK(asker_waits(&last, &rwlock, false));
	weft_rwlock_unlock_write(&rwlock);
	for (int i = 0; i < MANY; i++)
		CHECK(asker_has_it(&readers[i]));
	CHECK_EQ(probe_wakes(&writer.probe) + probe_wakes(&last.probe), 0);
	for (int i = 0; i < MANY; i++)
		weft_rwlock_unlock_read(&rwlock);
	CHECK(asker_has_it(&writer));
	weft_rwlock_unlock_write(&rwlock);
	CHECK(asker_has_it(&last));
}

TEST(rwlock_downgrade_lets_readers_in_and_no_writer)
{
	struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
	struct asker reader, writer;

	CHECK_EQ(weft_rwlock_try_write(&rwlock), 0);
	CHECK(asker_waits(&reader, &rwlock, false));
	CHECK(asker_waits(&writer, &rwlock, true));
	weft_rwlock_downgrade(&rwlock);
	CHECK(asker_has_it(&reader));
	CHECK_EQ(probe_wakes(&writer.probe), 0);
	CHECK_EQ(weft_rwlock_try_read(&rwlock), -EAGAIN); /* the writer is next */
	weft_rwlock_unlock_read(&rwlock);
	weft_rwlock_unlock_read(&rwlock);
	CHECK(asker_has_it(&writer));
}

TEST(rwlock_has_a_last_reader)
{
	struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
	struct asker late;

	CHECK_EQ(weft_rwlock_try_read(&rwlock), 0);
	/* as if so many had come */
	rwlock.waiters.word -= (WEFT_RWLOCK_READERS_MAX - 2) * 4u * 8u;
	CHECK_EQ(weft_rwlock_try_read(&rwlock), 0);
	CHECK_EQ(weft_rwlock_try_read(&rwlock), -EAGAIN);
	CHECK(asker_waits(&late, &rwlock, false));
	weft_rwlock_unlock_read(&rwlock);
	CHECK(asker_has_it(&late));
}

TEST(rwlock_that_is_misused_aborts)
{
	struct weft_rwlock rwlock, zeroed = { { NULL, NULL, 0, 0 } };
	struct asker asker;

	weft_rwlock_init(&rwlock);
	CHECK_ABORTS_SAYING("rwlock_is_read_locked", weft_rwlock_unlock_read(&rwlock));
	CHECK_ABORTS_SAYING("rwlock_is_write_locked", weft_rwlock_unlock_write(&rwlock));
	CHECK_ABORTS_SAYING("rwlock_is_write_locked", weft_rwlock_downgrade(&rwlock));
	CHECK_EQ(weft_rwlock_try_read(&rwlock), 0);
	CHECK_ABORTS_SAYING("rwlock_is_write_locked", weft_rwlock_unlock_write(&rwlock));
	weft_rwlock_unlock_read(&rwlock);
	CHECK_EQ(weft_rwlock_try_write(&rwlock), 0);
	CHECK_ABORTS_SAYING("rwlock_is_not_write_locked", weft_rwlock_unlock_read(&rwlock));
	CHECK_ABORTS_SAYING("rwlock_is_initialised", asker_waits(&asker, &zeroed, false));
	CHECK_ABORTS_SAYING("rwlock_is_initialised", asker_waits(&asker, &zeroed, true));
	CHECK_ABORTS_SAYING("rwlock_is_initialised", (void)!weft_rwlock_try_read(&zeroed));
	CHECK_ABORTS_SAYING("rwlock_is_initialised", (void)!weft_rwlock_try_write(&zeroed));
	CHECK_ABORTS_SAYING("rwlock_is_initialised", weft_rwlock_unlock_read(&zeroed));
}

/* ---- swept: behind a reader, and before readers and a writer ---- */

struct swept_world {
	struct weft_rwlock rwlock;
	struct asker after[3];
	int steps;
};

static void swept_prepare(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_rwlock_init(&world->rwlock);
	CHECK_EQ(weft_rwlock_try_write(&world->rwlock), 0);
}

static void swept_set_up_write(struct sweep *sweep)
{
	swept_prepare(sweep);
	weft_rwlock_write__init(sweep->frame, &((struct swept_world *)sweep->world)->rwlock);
}

static void swept_set_up_read(struct sweep *sweep)
{
	swept_prepare(sweep);
	weft_rwlock_read__init(sweep->frame, &((struct swept_world *)sweep->world)->rwlock);
}

/* First who comes later, then the unlock: it may be cancelled between that and its next poll. */
static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	for (int i = 0; i < 3; i++)
		CHECK(asker_waits(&world->after[i], &world->rwlock, i == 1));
	weft_rwlock_unlock_write(&world->rwlock);
	return true;
}

static const char *swept_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	swept_advance(sweep);
	if (!sweep->cancelled && sweep->async == &weft_rwlock_write__async)
		weft_rwlock_unlock_write(&world->rwlock);
	else if (!sweep->cancelled)
		weft_rwlock_unlock_read(&world->rwlock);
	for (int i = 0; i < 3; i++) {
		SWEEP_EXPECT(probe_wakes(&world->after[i].probe) == 1);
		SWEEP_EXPECT(asker_has_it(&world->after[i]));
		asker_unlocks(&world->after[i], &world->rwlock);
	}
	SWEEP_EXPECT(is_free(&world->rwlock));
	return NULL;
}

TEST(b61_b62_rwlock_that_is_cancelled_anywhere_leaves_no_trace)
{
	struct sweep_scenario swept = {
		.name = "write",
		.async = &weft_rwlock_write__async,
		.world_bytes = sizeof(struct swept_world),
		.set_up = swept_set_up_write,
		.advance = swept_advance,
		.check = swept_check,
	};
	struct sweep_result result = sweep(&swept);

	CHECK_EQ(result.suspensions, 1);
	CHECK_EQ(result.allocations, 0);
	swept.name = "read";
	swept.async = &weft_rwlock_read__async;
	swept.set_up = swept_set_up_read;
	result = sweep(&swept);
	CHECK_EQ(result.suspensions, 1);
	CHECK_EQ(result.allocations, 0);
}
