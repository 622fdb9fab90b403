/* SPDX-License-Identifier: MIT */
/* Channels, polled by hand (behaviours 39 and 50 to 57): all short sequences of calls against an oracle; memory that
 * follows what lies there, and fails; cancellation at every point. */
#include <errno.h>

#include <weft/channel.h>

#include "failing_memory.h"
#include "sweep.h"
#include "test.h"

struct message {
	long number;
	char text[24];
};

WEFT_CHANNEL(inbox, struct message);
WEFT_CHANNEL(numbers, long);

static union inbox typed = WEFT_CHANNEL_INIT(typed, 3);

/* A leaf of one of the four kinds, with its own waker. */
struct party {
	struct probe probe;
	const struct weft_async *async;
	union {
		struct weft_channel_send__frame send;
		struct weft_channel_reserve__frame reserve;
		struct weft_channel_recv__frame recv;
		struct weft_channel_recv_many__frame recv_many;
	} frame;
	long item;
};

static void party_sends(struct party *party, struct weft_channel *channel, long item)
{
	*party = (struct party){ .async = &weft_channel_send__async, .item = item };
	weft_channel_send__init(&party->frame.send.args, channel, &party->item);
}

static void party_reserves(struct party *party, struct weft_channel *channel, uint32_t count)
{
	*party = (struct party){ .async = &weft_channel_reserve__async };
	weft_channel_reserve__init(&party->frame.reserve.args, channel, count);
}

static void party_receives(struct party *party, struct weft_channel *channel)
{
	*party = (struct party){ .async = &weft_channel_recv__async };
	weft_channel_recv__init(&party->frame.recv.args, channel, &party->item);
}

static enum weft_poll party_poll(struct party *party, bool cancelled)
{
	static struct weft_strand strand;
	struct weft_context cx = probe_context(&party->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return party->async->poll(&party->frame, &cx);
}

static int party_result(const struct party *party)
{
	int result;

	memcpy(&result, (const char *)&party->frame + party->async->result_offset, sizeof result);
	return result;
}

static bool party_ends_with(struct party *party, int result)
{
	return party_poll(party, false) == WEFT_READY && party_result(party) == result;
}

static void channel_fill(struct weft_channel *channel, long from, long until)
{
	for (long i = from; i < until; i++)
		CHECK_EQ(weft_channel_try_send(channel, &i), 0);
}

static void channel_drain(struct weft_channel *channel, long from, long until)
{
	long item = -1;

	for (long i = from; i < until; i++) {
		CHECK_EQ(weft_channel_try_recv(channel, &item), 0);
		CHECK_EQ(item, i);
	}
}

/* ---- what it is ---- */

TEST(s2_43_channel_gives_messages_of_its_type_in_order)
{
	struct message message = { 1, "one" }, got = { 0 };

	CHECK_EQ(weft_channel_try_send(&typed, &message), 0);
	message.number = 2;
	CHECK_EQ(weft_channel_try_send(&typed, &message), 0);
	CHECK_EQ(weft_channel_try_recv(&typed, &got), 0);
	CHECK_EQ(got.number, 1);
	CHECK_EQ(strcmp(got.text, "one"), 0);
	CHECK_EQ(weft_channel_try_recv(&typed, &got), 0);
	CHECK_EQ(got.number, 2);
	CHECK_EQ(weft_channel_try_recv(&typed, &got), -EAGAIN);
	weft_channel_finish(&typed.channel);
	weft_channel_finish(&typed.channel); /* again */
	CHECK_EQ(weft_channel_try_send(&typed, &message), -EPIPE);
}

TEST(s2_44_channel_is_bounded_or_not)
{
	union numbers two = WEFT_CHANNEL_INIT(two, 2),
		      any = WEFT_CHANNEL_INIT(any, WEFT_UNBOUNDED);
	long item = 7;

	channel_fill(&two.channel, 0, 2);
	CHECK_EQ(weft_channel_try_send(&two, &item), -EAGAIN);
	CHECK_EQ(weft_channel_available(&two.channel), 0);
	channel_fill(&any.channel, 0, 100000);
	CHECK_EQ(weft_channel_len(&any.channel), 100000);
	channel_drain(&any.channel, 0, 100000);
	weft_channel_finish(&two.channel);
	weft_channel_finish(&any.channel);
}

TEST(channel_finishes_what_is_all_zero)
{
	struct weft_channel channel = { .capacity = 0 };

	weft_channel_finish(&channel);
}

TEST(channel_refuses_what_would_wait_for_ever)
{
	struct weft_channel channel;
	struct party party;
	long item = 0;

	CHECK_ABORTS_SAYING("capacity > 0", weft_channel_init(&channel, 8, 0));
	weft_channel_init(&channel, sizeof item, 2);
	party_reserves(&party, &channel, 3);
	CHECK_ABORTS_SAYING("count <= channel->capacity", (void)party_poll(&party, false));
	CHECK_ABORTS_SAYING(
			"channel_backed(channel) > 0", weft_channel_send_reserved(&channel, &item));
	CHECK_ABORTS_SAYING("CHANNEL_SENDER", weft_channel_sender_unref(&channel));
}

/* ---- behaviours, one by one ---- */

TEST(b50_close_fails_who_waits_and_lets_permits_send)
{
	struct weft_channel channel;
	struct party waits, receives;
	long item = 5;

	weft_channel_init(&channel, sizeof item, 1);
	CHECK_EQ(weft_channel_try_reserve(&channel, 1), 0);
	party_reserves(&waits, &channel, 1);
	party_receives(&receives, &channel);
	CHECK_EQ(party_poll(&waits, false), WEFT_PENDING);
	CHECK_EQ(party_poll(&receives, false), WEFT_PENDING);
	weft_channel_close(&channel);
	CHECK(weft_channel_is_closed(&channel));
	CHECK_EQ(probe_wakes(&waits.probe), 1);
	CHECK(party_ends_with(&waits, -EPIPE));
	CHECK_EQ(probe_wakes(&receives.probe), 0);
	weft_channel_send_reserved(&channel, &item);
	CHECK_EQ(probe_wakes(&receives.probe), 1);
	CHECK(party_ends_with(&receives, 0));
	CHECK_EQ(receives.item, 5);
	party_receives(&receives, &channel);
	CHECK(party_ends_with(&receives, -EPIPE));
	weft_channel_finish(&channel);
}

TEST(b51_reserve_that_is_cancelled_gives_back_and_ends_the_channel)
{
	struct weft_channel channel;
	struct party many, few, receives;
	long item;

	weft_channel_init(&channel, sizeof item, 2);
	CHECK_EQ(weft_channel_try_reserve(&channel, 1), 0);
	party_reserves(&many, &channel, 2);
	party_sends(&few, &channel, 3);
	CHECK_EQ(party_poll(&many, false), WEFT_PENDING);
	CHECK_EQ(party_poll(&few, false), WEFT_PENDING);
	CHECK_EQ(weft_channel_try_reserve(&channel, 1), -EAGAIN); /* nobody overtakes */
	weft_channel_unreserve(&channel, 1);
	CHECK_EQ(probe_wakes(&many.probe), 1); /* it was granted both, and is cancelled */
	CHECK_EQ(party_poll(&many, true), WEFT_READY);
	CHECK_EQ(party_result(&many), -ECANCELED);
	CHECK_EQ(probe_wakes(&few.probe), 1);
	party_receives(&receives, &channel);
	CHECK_EQ(party_poll(&receives, false), WEFT_PENDING);
	weft_channel_close(&channel);
	CHECK_EQ(probe_wakes(&receives.probe), 0);
	CHECK_EQ(party_poll(&few, true), WEFT_READY); /* the last permit */
	CHECK_EQ(probe_wakes(&receives.probe), 1);
	CHECK(party_ends_with(&receives, -EPIPE));
	weft_channel_finish(&channel);
}

TEST(b52_try_recv_after_close_is_empty_until_the_permit_is_gone)
{
	struct weft_channel channel;
	long item;

	weft_channel_init(&channel, sizeof item, 2);
	CHECK_EQ(weft_channel_try_reserve(&channel, 2), 0);
	weft_channel_close(&channel);
	CHECK_EQ(weft_channel_try_recv(&channel, &item), -EAGAIN);
	weft_channel_unreserve(&channel, 1);
	CHECK_EQ(weft_channel_try_recv(&channel, &item), -EAGAIN);
	weft_channel_unreserve(&channel, 1);
	CHECK_EQ(weft_channel_try_recv(&channel, &item), -EPIPE);
	weft_channel_finish(&channel);
}

TEST(b53_finish_frees_what_was_not_received_and_keeps_no_waker)
{
	struct probe_env *memory = failing_memory_begin();
	struct weft_channel channel;
	struct party receives;

	weft_channel_init(&channel, sizeof(long), WEFT_UNBOUNDED);
	party_receives(&receives, &channel);
	CHECK_EQ(party_poll(&receives, false), WEFT_PENDING);
	CHECK_EQ(party_poll(&receives, true), WEFT_READY);
	channel_fill(&channel, 0, 1000);
	CHECK_EQ(probe_wakes(&receives.probe), 0);
	weft_channel_finish(&channel);
	CHECK(probe_env_balanced(memory));
}

TEST(b54_what_nobody_wanted_is_handed_back_each_once)
{
	struct weft_channel channel;
	long item;

	weft_channel_init(&channel, sizeof item, WEFT_UNBOUNDED);
	channel_fill(&channel, 0, 100);
	weft_channel_close(&channel);
	CHECK_EQ(weft_channel_try_send(&channel, &item), -EPIPE);
	channel_drain(&channel, 0, 100);
	CHECK_EQ(weft_channel_try_recv(&channel, &item), -EPIPE);
	weft_channel_finish(&channel);
}

TEST(b55_len_is_exact_across_blocks)
{
	struct weft_channel channel;

	weft_channel_init(&channel, sizeof(long), 1000);
	for (long i = 0; i < 1000; i++) {
		CHECK_EQ(weft_channel_len(&channel), i);
		CHECK_EQ(weft_channel_available(&channel), 1000 - i);
		channel_fill(&channel, i, i + 1);
	}
	for (long i = 0; i < 1000; i++) {
		channel_drain(&channel, i, i + 1);
		CHECK_EQ(weft_channel_len(&channel), 999 - i);
	}
	weft_channel_finish(&channel);
}

TEST(b57_last_sender_closes_and_nobody_is_counted_any_more)
{
	struct weft_channel channel;
	struct party receives;

	weft_channel_init(&channel, sizeof(long), 1);
	CHECK_EQ(weft_channel_sender_ref(&channel), 0);
	CHECK_EQ(weft_channel_sender_ref(&channel), 0);
	party_receives(&receives, &channel);
	CHECK_EQ(party_poll(&receives, false), WEFT_PENDING);
	weft_channel_sender_unref(&channel);
	CHECK_EQ(weft_channel_sender_ref(&channel), 0); /* there is still one */
	weft_channel_sender_unref(&channel);
	CHECK_EQ(probe_wakes(&receives.probe), 0);
	weft_channel_sender_unref(&channel);
	CHECK_EQ(probe_wakes(&receives.probe), 1);
	CHECK(party_ends_with(&receives, -EPIPE));
	CHECK_EQ(weft_channel_sender_ref(&channel), -EPIPE);
	weft_channel_finish(&channel);
}

/* A task that receives for ever gives way. */
TEST(b39_receiving_is_cooperative)
{
	static struct weft_strand strand;
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_channel channel;
	struct weft_channel_recv__frame recv;
	enum weft_poll poll = WEFT_READY;
	int received = 0;
	long item;

	weft_channel_init(&channel, sizeof item, 1000);
	channel_fill(&channel, 0, 1000);
	while (poll == WEFT_READY) {
		weft_channel_recv__init(&recv.args, &channel, &item);
		poll = weft_channel_recv__poll(&recv, &cx);
		received += poll == WEFT_READY;
	}
	CHECK_EQ(received, WEFT_BUDGET);
	CHECK(cx.self_woken);
	weft_channel_finish(&channel);
}

TEST(channel_receives_many_at_once)
{
	struct weft_channel channel;
	struct party many, one;
	long items[8] = { 0 };

	weft_channel_init(&channel, sizeof *items, 100);
	many = (struct party){ .async = &weft_channel_recv_many__async };
	weft_channel_recv_many__init(&many.frame.recv_many.args, &channel, items, 8);
	party_receives(&one, &channel);
	CHECK_EQ(party_poll(&many, false), WEFT_PENDING);
	CHECK_EQ(party_poll(&one, false), WEFT_PENDING);
	channel_fill(&channel, 0, 20); /* the second is promised one of them */
	CHECK_EQ(probe_wakes(&many.probe), 1);
	CHECK_EQ(probe_wakes(&one.probe), 1);
	CHECK_EQ(party_poll(&many, false), WEFT_READY);
	CHECK_EQ(many.frame.recv_many.args.result, 8);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(items[i], i);
	CHECK(party_ends_with(&one, 0));
	CHECK_EQ(one.item, 8);
	weft_channel_recv_many__init(&many.frame.recv_many.args, &channel, items, 0);
	CHECK_EQ(party_poll(&many, false), WEFT_READY);
	CHECK_EQ(many.frame.recv_many.args.result, 0);
	channel_drain(&channel, 9, 20);
	weft_channel_finish(&channel);
}

/* ---- memory ---- */

/* S4.3 "mpsc memory": what lies there is in memory, and nothing else. */
TEST(channel_memory_follows_its_content)
{
	struct probe_env *memory = failing_memory_begin();
	struct weft_channel channel;

	weft_channel_init(&channel, sizeof(long), WEFT_UNBOUNDED);
	CHECK_EQ(memory->live_bytes, 0);
	for (int round = 0; round < 3; round++) {
		channel_fill(&channel, 0, 10000);
		CHECK(memory->live_bytes < 2 * 10000 * sizeof(long));
		channel_drain(&channel, 0, 9990);
		CHECK(memory->live_bytes <= 2 * 4096);
		channel_drain(&channel, 9990, 10000);
		CHECK(memory->live_bytes <= 56);
	}
	channel_fill(&channel, 0, 1);
	channel_drain(&channel, 0, 1);
	CHECK(memory->live_bytes <= 56);
	weft_channel_finish(&channel);
	CHECK(probe_env_balanced(memory));
}

TEST(channel_of_one_uses_tens_of_bytes)
{
	struct probe_env *memory = failing_memory_begin();
	struct weft_channel channel;

	weft_channel_init(&channel, sizeof(long), 1);
	channel_fill(&channel, 0, 1);
	channel_drain(&channel, 0, 1);
	CHECK(sizeof channel <= 96);
	CHECK(memory->live_bytes <= 24); /* room for one */
	weft_channel_finish(&channel);
}

/* The n-th allocation fails, for every n: -ENOMEM, and what lies there is received. */
TEST(channel_without_memory_loses_nothing)
{
	struct probe_env *memory = failing_memory_begin();

	for (int n = 0; n < 12; n++) {
		struct weft_channel channel;
		long sent = 0, item = 0;

		weft_channel_init(&channel, sizeof item, WEFT_UNBOUNDED);
		memory->fail_after = n;
		while (weft_channel_try_send(&channel, &sent) == 0)
			sent++;
		CHECK_EQ(weft_channel_try_send(&channel, &item), -ENOMEM);
		CHECK_EQ(weft_channel_len(&channel), sent);
		memory->fail_after = -1;
		channel_fill(&channel, sent, sent + 10);
		channel_drain(&channel, 0, sent + 10);
		weft_channel_finish(&channel);
	}
	CHECK(probe_env_balanced(memory));
}

/* A permit has its memory: what is sent with it needs none. */
TEST(channel_permits_need_no_memory_any_more)
{
	struct probe_env *memory = failing_memory_begin();
	struct weft_channel channel;
	long item = 0;

	weft_channel_init(&channel, sizeof item, 1000);
	for (int round = 0; round < 3; round++) {
		memory->fail_after = -1;
		CHECK_EQ(weft_channel_try_reserve(&channel, 600), 0);
		memory->fail_after = 0;
		for (item = 0; item < 600; item++) {
			weft_channel_send_reserved(&channel, &item);
			if (round == 1)
				channel_drain(&channel, item, item + 1);
		}
		if (round != 1)
			channel_drain(&channel, 0, 600);
	}
	memory->fail_after = -1;
	CHECK_EQ(weft_channel_try_reserve(&channel, 600), 0);
	weft_channel_unreserve(&channel, 600);
	CHECK(memory->live_bytes <= 56);
	weft_channel_finish(&channel);
	CHECK(probe_env_balanced(memory));
}

/* ---- every order: two who send, two who receive, one with a permit, one who closes ---- */

enum { SENDERS = 2, PARTIES = 4, OPERATIONS = 2 * PARTIES + 3, STEPS = 6, CAPACITY = 1 };

enum fate { FRESH, WAITS, GRANTED, REFUSED, ENDED };

struct world {
	struct weft_channel channel;
	struct party parties[PARTIES];
	enum fate fate[PARTIES];
	int result[PARTIES];
	unsigned wakes[PARTIES];
	int came[PARTIES];
	int now;
	long queue[STEPS], received[PARTIES];
	int queued, promised, permits, granted;
	bool has_permit, closed;
};

static bool is_sender(int who)
{
	return who < SENDERS;
}

static int oracle_oldest(const struct world *world, bool senders)
{
	int oldest = -1;

	for (int i = 0; i < PARTIES; i++)
		if (is_sender(i) == senders && world->fate[i] == WAITS &&
				(oldest < 0 || world->came[i] < world->came[oldest]))
			oldest = i;
	return oldest;
}

static bool oracle_has_room(const struct world *world)
{
	return world->queued + world->permits + world->granted < CAPACITY;
}

static bool oracle_is_over(const struct world *world)
{
	return world->closed && world->queued + world->permits + world->granted == 0;
}

static void oracle_wake(struct world *world, int who, bool refused)
{
	world->fate[who] = refused ? REFUSED : GRANTED;
	world->wakes[who]++;
	if (!refused)
		(*(is_sender(who) ? &world->granted : &world->promised))++;
}

static void oracle_settle(struct world *world)
{
	int who;

	while ((who = oracle_oldest(world, true)) >= 0 && (world->closed || oracle_has_room(world)))
		oracle_wake(world, who, world->closed);
	while ((who = oracle_oldest(world, false)) >= 0 &&
			(oracle_is_over(world) || world->promised < world->queued))
		oracle_wake(world, who, oracle_is_over(world));
}

static void oracle_take(struct world *world, int who)
{
	world->received[who] = world->queue[0];
	world->queued--;
	memmove(world->queue, world->queue + 1, sizeof world->queue - sizeof *world->queue);
}

static void oracle_end(struct world *world, int who, int result)
{
	bool granted = world->fate[who] == GRANTED;

	world->fate[who] = ENDED;
	world->result[who] = result;
	if (granted)
		(*(is_sender(who) ? &world->granted : &world->promised))--;
	if (result == 0 && is_sender(who))
		world->queue[world->queued++] = who;
	else if (result == 0)
		oracle_take(world, who);
	oracle_settle(world);
}

static void oracle_poll(struct world *world, int who, bool cancelled)
{
	bool fresh = world->fate[who] == FRESH;

	if (cancelled)
		oracle_end(world, who, -ECANCELED);
	else if (world->fate[who] == REFUSED)
		oracle_end(world, who, -EPIPE);
	else if (world->fate[who] == GRANTED)
		oracle_end(world, who, 0);
	else if (fresh && (is_sender(who) ? world->closed : oracle_is_over(world)))
		oracle_end(world, who, -EPIPE);
	else if (fresh &&
			(is_sender(who) ? oracle_has_room(world) : world->promised < world->queued))
		oracle_end(world, who, 0);
	else if (fresh) {
		world->fate[who] = WAITS;
		world->came[who] = world->now;
	}
}

static void try_to_send(struct world *world)
{
	int wanted = world->closed ? -EPIPE : oracle_has_room(world) ? 0 : -EAGAIN;
	long item = PARTIES;

	CHECK_EQ(weft_channel_try_send(&world->channel, &item), wanted);
	if (wanted == 0)
		world->queue[world->queued++] = item;
}

static void use_the_permit(struct world *world)
{
	int wanted = world->closed ? -EPIPE : oracle_has_room(world) ? 0 : -EAGAIN;
	long item = PARTIES + 1;

	if (world->has_permit) {
		weft_channel_send_reserved(&world->channel, &item);
		world->queue[world->queued++] = item;
		world->permits = 0;
		world->has_permit = false;
	} else {
		CHECK_EQ(weft_channel_try_reserve(&world->channel, 1), wanted);
		world->has_permit = wanted == 0;
		world->permits = world->has_permit;
	}
}

static bool step(struct world *world, int operation)
{
	int who = operation % PARTIES;

	world->now++;
	if (operation >= 2 * PARTIES) {
		if (operation == 2 * PARTIES)
			try_to_send(world);
		else if (operation == 2 * PARTIES + 1)
			use_the_permit(world);
		else
			weft_channel_close(&world->channel);
		world->closed |= operation == 2 * PARTIES + 2;
		oracle_settle(world);
		return true;
	}
	if (world->fate[who] == ENDED)
		return false;
	(void)party_poll(&world->parties[who], operation >= PARTIES);
	oracle_poll(world, who, operation >= PARTIES);
	return true;
}

static void compare(const struct world *world)
{
	for (int i = 0; i < PARTIES; i++) {
		const struct party *party = &world->parties[i];

		CHECK_EQ(probe_wakes(&party->probe), world->wakes[i]);
		if (world->fate[i] != ENDED)
			continue;
		CHECK_EQ(party_result(party), world->result[i]);
		if (!is_sender(i) && world->result[i] == 0)
			CHECK_EQ(party->item, world->received[i]);
	}
}

static void run_order(int order)
{
	struct world world = { .queued = 0 };

	weft_channel_init(&world.channel, sizeof(long), CAPACITY);
	for (int i = 0; i < PARTIES; i++)
		if (is_sender(i))
			party_sends(&world.parties[i], &world.channel, i);
		else
			party_receives(&world.parties[i], &world.channel);
	for (int i = 0; i < STEPS && step(&world, order % OPERATIONS); i++, order /= OPERATIONS)
		compare(&world);
	for (int i = 0; i < PARTIES; i++)
		if (world.fate[i] != ENDED)
			(void)party_poll(&world.parties[i], true);
	if (world.has_permit)
		weft_channel_unreserve(&world.channel, 1);
	CHECK_EQ(weft_channel_available(&world.channel) + weft_channel_len(&world.channel),
			CAPACITY);
	weft_channel_finish(&world.channel);
}

TEST(b50_channel_agrees_with_a_queue_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		run_order(order);
}

/* ---- while many are being woken ---- */

enum { CROWD = 40 };

TEST(channel_wakes_a_crowd)
{
	static struct party crowd[CROWD], senders[CROWD];
	struct weft_channel channel;
	long item;

	weft_channel_init(&channel, sizeof item, CROWD);
	for (int i = 0; i < CROWD; i++) {
		party_receives(&crowd[i], &channel);
		CHECK_EQ(party_poll(&crowd[i], false), WEFT_PENDING);
	}
	CHECK_EQ(weft_channel_try_reserve(&channel, CROWD), 0);
	for (int i = 0; i < CROWD; i++) {
		party_sends(&senders[i], &channel, i);
		CHECK_EQ(party_poll(&senders[i], false), WEFT_PENDING);
	}
	weft_channel_unreserve(&channel, CROWD);
	for (int i = 0; i < CROWD; i++) {
		CHECK_EQ(probe_wakes(&senders[i].probe), 1);
		CHECK(party_ends_with(&senders[i], 0));
		CHECK_EQ(probe_wakes(&crowd[i].probe), 1);
	}
	CHECK_EQ(weft_channel_try_recv(&channel, &item), -EAGAIN); /* all are promised */
	for (int i = 0; i < CROWD; i++) {
		CHECK(party_ends_with(&crowd[i], 0));
		CHECK_EQ(crowd[i].item, i);
		party_receives(&crowd[i], &channel);
		CHECK_EQ(party_poll(&crowd[i], false), WEFT_PENDING);
	}
	weft_channel_close(&channel);
	for (int i = 0; i < CROWD; i++)
		CHECK(party_ends_with(&crowd[i], -EPIPE));
	weft_channel_finish(&channel);
}

/* ---- swept: the leaf, and one of its kind behind it ---- */

struct swept_world {
	struct weft_channel channel;
	struct party after;
	long item, items[4];
	int steps;
};

static struct weft_channel *swept_channel(struct sweep *sweep, uint32_t capacity)
{
	struct swept_world *world = sweep->world;

	failing_memory_sweep(&sweep->env);
	weft_channel_init(&world->channel, sizeof(long), capacity);
	world->item = 7;
	return &world->channel;
}

static void swept_tear_down(struct sweep *sweep)
{
	weft_channel_finish(&((struct swept_world *)sweep->world)->channel);
	failing_memory_end();
}

/* Full, so that the leaf waits for one to be received. */
static void send_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	channel_fill(swept_channel(sweep, 1), 1, 2);
	party_sends(&world->after, &world->channel, 8);
	weft_channel_send__init(sweep->frame, &world->channel, &world->item);
}

static bool send_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	if (sweep->frame) /* else it has ended, and all was received */
		CHECK_EQ(party_poll(&world->after, false), WEFT_PENDING);
	channel_drain(&world->channel, 1, 2);
	return true;
}

/* It has sent, or its place is the next one's. */
static const char *send_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;
	int result = sweep_result(sweep);
	long item = 0;

	sweep->env.fail_after = -1;
	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED) ||
			(sweep->fail_after != SWEEP_NEVER && result == -ENOMEM));
	(void)send_advance(sweep);
	if (result == 0) {
		SWEEP_EXPECT(weft_channel_try_recv(&world->channel, &item) == 0 && item == 7);
	}
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	SWEEP_EXPECT(party_ends_with(&world->after, 0));
	SWEEP_EXPECT(weft_channel_try_recv(&world->channel, &item) == 0 && item == 8);
	SWEEP_EXPECT(weft_channel_try_recv(&world->channel, &item) == -EAGAIN);
	return NULL;
}

static const struct sweep_scenario sending = {
	.name = "send",
	.async = &weft_channel_send__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = send_set_up,
	.advance = send_advance,
	.check = send_check,
	.tear_down = swept_tear_down,
};

TEST(b48_send_that_is_cancelled_anywhere_has_sent_nothing)
{
	CHECK_EQ(sweep(&sending).suspensions, 1);
}

static void reserve_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	channel_fill(swept_channel(sweep, 2), 1, 2);
	party_sends(&world->after, &world->channel, 8);
	weft_channel_reserve__init(sweep->frame, &world->channel, 2);
}

static bool reserve_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	channel_drain(&world->channel, 1, 2);
	return true;
}

/* It has both, or none. */
static const char *reserve_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;
	int result = sweep_result(sweep);
	long item = 0;

	sweep->env.fail_after = -1;
	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED) ||
			(sweep->fail_after != SWEEP_NEVER && result == -ENOMEM));
	(void)reserve_advance(sweep);
	if (result == 0) {
		weft_channel_send_reserved(&world->channel, &world->item);
		weft_channel_unreserve(&world->channel, 1);
		SWEEP_EXPECT(weft_channel_try_recv(&world->channel, &item) == 0 && item == 7);
	}
	SWEEP_EXPECT(party_ends_with(&world->after, 0));
	SWEEP_EXPECT(weft_channel_available(&world->channel) == 1);
	return NULL;
}

static const struct sweep_scenario reserving = {
	.name = "reserve",
	.async = &weft_channel_reserve__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = reserve_set_up,
	.advance = reserve_advance,
	.check = reserve_check,
	.tear_down = swept_tear_down,
};

TEST(b51_reserve_that_is_cancelled_anywhere_has_no_permit)
{
	CHECK_EQ(sweep(&reserving).suspensions, 1);
}

static void recv_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	party_receives(&world->after, swept_channel(sweep, 4));
	failing_memory_begin(); /* receiving allocates nothing, and those who send shall not fail */
	weft_channel_recv__init(sweep->frame, &world->channel, &world->item);
}

static void recv_many_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	recv_set_up(sweep);
	weft_channel_recv_many__init(sweep->frame, &world->channel, world->items, 4);
}

static bool recv_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK_EQ(party_poll(&world->after, false), WEFT_PENDING);
	channel_fill(&world->channel, 9, 10);
	return true;
}

/* The message is the leaf's, or the next one's. */
static const char *recv_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;
	bool is_many = sweep->async == &weft_channel_recv_many__async;
	long result;

	if (is_many)
		result = (long)((struct weft_channel_recv_many__frame *)sweep->frame)->args.result;
	else
		result = sweep_result(sweep);
	SWEEP_EXPECT(result == (sweep->cancelled ? -ECANCELED : is_many));
	(void)recv_advance(sweep);
	if (!sweep->cancelled) {
		SWEEP_EXPECT((is_many ? world->items[0] : world->item) == 9);
		channel_fill(&world->channel, 9, 10);
	}
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	SWEEP_EXPECT(party_ends_with(&world->after, 0));
	SWEEP_EXPECT(world->after.item == 9);
	return NULL;
}

static const struct sweep_scenario receiving = {
	.name = "recv",
	.async = &weft_channel_recv__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = recv_set_up,
	.advance = recv_advance,
	.check = recv_check,
	.tear_down = swept_tear_down,
};

static const struct sweep_scenario receiving_many = {
	.name = "recv_many",
	.async = &weft_channel_recv_many__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = recv_many_set_up,
	.advance = recv_advance,
	.check = recv_check,
	.tear_down = swept_tear_down,
};

TEST(b53_recv_that_is_cancelled_anywhere_loses_nothing)
{
	CHECK_EQ(sweep(&receiving).suspensions, 1);
	CHECK_EQ(sweep(&receiving_many).suspensions, 1);
}
