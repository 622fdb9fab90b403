/* SPDX-License-Identifier: MIT */
/* A channel against an array, at random: items of all sizes, room for one or for any number, permits in crowds,
 * many taken at once, memory that fails now and then (behaviours 50, 51, 55). What lies there is the array, in order, and
 * the memory for it does not stay. */
#include <errno.h>

#include <weft/channel.h>

#include "failing_memory.h"
#include "seeds.h"
#include "test.h"

enum { SEEDS = 60, STEPS = 3000, ITEM_MAX = 300, MANY_MAX = 40 };

struct world {
	struct weft_channel channel;
	struct probe_env *memory;
	uint64_t random;
	uint32_t item_bytes, capacity;
	uint32_t sent, received; /* item n is filled with n's low byte, and begins with it */
	uint32_t permits;
	bool closed;
};

static uint32_t draw(struct world *world, uint32_t bound)
{
	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(world->random >> 33) % bound;
}

static uint32_t queued(const struct world *world)
{
	return world->sent - world->received;
}

static int expected(const struct world *world, uint32_t count)
{
	if (world->closed)
		return -EPIPE;
	return world->capacity - queued(world) - world->permits >= count ? 0 : -EAGAIN;
}

/* What it should be, or -ENOMEM where an allocation may have failed. */
static bool is_expected(const struct world *world, int outcome, int wanted)
{
	return outcome == wanted ||
			(outcome == -ENOMEM && wanted == 0 && world->memory->fail_after == 0);
}

static void *item_make(const struct world *world, unsigned char *item)
{
	return memset(item, (int)(world->sent & 0xff), world->item_bytes);
}

static void items_check(struct world *world, const unsigned char *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, world->received++)
		for (uint32_t byte = 0; byte < world->item_bytes; byte++)
			CHECK_EQ(*items++, world->received & 0xff);
}

static void send_one(struct world *world)
{
	unsigned char item[ITEM_MAX];
	int outcome = weft_channel_try_send(&world->channel, item_make(world, item));

	CHECK(is_expected(world, outcome, expected(world, 1)));
	world->sent += outcome == 0;
}

static void reserve_some(struct world *world)
{
	uint32_t count = 1 + draw(world, world->capacity < MANY_MAX ? world->capacity : MANY_MAX);
	int outcome = weft_channel_try_reserve(&world->channel, count);

	CHECK(is_expected(world, outcome, expected(world, count)));
	world->permits += outcome == 0 ? count : 0;
}

/* Needs no memory. */
static void use_permits(struct world *world)
{
	unsigned char item[ITEM_MAX];
	int fails = world->memory->fail_after;

	world->memory->fail_after = 0;
	for (uint32_t i = draw(world, world->permits + 1); i > 0; i--, world->permits--) {
		weft_channel_send_reserved(&world->channel, item_make(world, item));
		world->sent++;
	}
	world->memory->fail_after = fails;
}

static void give_permits_back(struct world *world)
{
	uint32_t count = draw(world, world->permits + 1);

	weft_channel_unreserve(&world->channel, count);
	world->permits -= count;
}

static int nothing_to_receive(const struct world *world)
{
	return world->closed && !world->permits ? -EPIPE : -EAGAIN;
}

static void receive_one(struct world *world)
{
	unsigned char item[ITEM_MAX];
	int outcome = weft_channel_try_recv(&world->channel, item);

	CHECK_EQ(outcome, queued(world) ? 0 : nothing_to_receive(world));
	items_check(world, item, outcome == 0);
}

static void receive_many(struct world *world)
{
	static unsigned char items[MANY_MAX * ITEM_MAX];
	static struct weft_strand strand;
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_channel_recv_many__frame frame;
	uint32_t max = 1 + draw(world, MANY_MAX), there = queued(world);

	if (!there)
		return;
	weft_channel_recv_many__init(&frame.args, &world->channel, items, max);
	CHECK_EQ(weft_channel_recv_many__poll(&frame, &cx), WEFT_READY);
	CHECK_EQ(frame.args.result, there < max ? there : max);
	items_check(world, items, (uint32_t)frame.args.result);
}

static void step(struct world *world)
{
	static void (*const steps[])(struct world *) = { send_one, send_one, send_one, reserve_some,
		use_permits, give_permits_back, receive_one, receive_one, receive_many };

	/* fails from now on, or no more */
	if (draw(world, 16) == 0)
		world->memory->fail_after = draw(world, 2) ? -1 : 0;
	if (draw(world, STEPS) == 0) {
		weft_channel_close(&world->channel);
		world->closed = true;
	}
	steps[draw(world, sizeof steps / sizeof *steps)](world);
	CHECK_EQ(weft_channel_len(&world->channel), queued(world));
	CHECK_EQ(weft_channel_available(&world->channel),
			world->capacity - queued(world) - world->permits);
}

static void run(uint64_t seed)
{
	static const uint32_t sizes[] = { 1, 3, 8, 24, 40, 41, ITEM_MAX };
	static const uint32_t capacities[] = { 1, 2, 7, 100, WEFT_UNBOUNDED };
	struct world world = { .memory = failing_memory_begin(), .random = seed };

	world.item_bytes = sizes[draw(&world, sizeof sizes / sizeof *sizes)];
	world.capacity = capacities[draw(&world, sizeof capacities / sizeof *capacities)];
	weft_channel_init(&world.channel, world.item_bytes, world.capacity);
	for (int i = 0; i < STEPS; i++)
		step(&world);
	weft_channel_unreserve(&world.channel, world.permits);
	world.permits = 0;
	while (queued(&world))
		receive_many(&world);
	CHECK(world.memory->live_bytes <= 56);
	weft_channel_finish(&world.channel);
	CHECK(probe_env_balanced(world.memory));
}

TEST(b55_channel_is_an_array_whatever_comes)
{
	for (unsigned i = 0; i < seeds_count(SEEDS); i++) {
		seeds_begin(i);
		run(seeds_current);
		seeds_end();
	}
}
