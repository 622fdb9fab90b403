/* SPDX-License-Identifier: MIT */
/* The queues of the workers, by one thread: order, bounds, halves (behaviour 23), against a plain list.
 * What several threads make of them is the interleaving search's matter. */
#include <stdlib.h>
#include <string.h>

#include "exec/fifo.h"
#include "exec/inbox.h"
#include "exec/inject.h"
#include "exec/run_queue.h"
#include "test.h"

enum { TASKS = 4 * WEFT__RING, BURST = 100000 };

static struct weft_task tasks[TASKS];

static long number(const struct weft_task *task)
{
	return task ? task - tasks : -1;
}

/* ---- the ring ---- */

TEST(b23_ring_holds_its_capacity_in_order)
{
	struct weft__ring ring = { .head = 0 };

	for (int lap = 0; lap < 3; lap++) {
		CHECK(weft__ring_pop(&ring) == NULL);
		for (unsigned i = 0; i < WEFT__RING; i++) {
			CHECK_EQ(weft__ring_count(&ring), i);
			CHECK(weft__ring_push(&ring, &tasks[i], WEFT__RING));
		}
		CHECK(!weft__ring_push(&ring, &tasks[WEFT__RING], WEFT__RING));
		for (unsigned i = 0; i < WEFT__RING; i++)
			CHECK_EQ(number(weft__ring_pop(&ring)), i);
		CHECK_EQ(weft__ring_count(&ring), 0);
	}
}

TEST(ring_takes_no_more_than_asked_for)
{
	struct weft__ring ring = { .head = 0 };

	for (unsigned i = 0; i < WEFT__RING / 2; i++)
		CHECK(weft__ring_push(&ring, &tasks[i], WEFT__RING / 2));
	CHECK(!weft__ring_push(&ring, &tasks[WEFT__RING / 2], WEFT__RING / 2));
	CHECK(!weft__ring_push(&ring, &tasks[WEFT__RING / 2], 1)); /* it holds more already */
	CHECK_EQ(weft__ring_count(&ring), WEFT__RING / 2);
}

TEST(b23_steal_takes_the_older_half)
{
	for (unsigned count = 0; count <= WEFT__RING; count++) {
		struct weft_task *stolen[WEFT__RING / 2];
		struct weft__ring ring = { .head = 0 };
		unsigned half = count - count / 2;

		for (unsigned i = 0; i < count; i++)
			CHECK(weft__ring_push(&ring, &tasks[i], WEFT__RING));
		CHECK_EQ(weft__ring_steal(&ring, stolen), half);
		for (unsigned i = 0; i < half; i++)
			CHECK_EQ(number(stolen[i]), i);
		for (unsigned i = half; i < count; i++)
			CHECK_EQ(number(weft__ring_pop(&ring)), i);
		CHECK(weft__ring_pop(&ring) == NULL);
	}
}

static uint32_t seed = 3;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)seed * limit) >> 32);
}

/* Near the wrap of the indices, too: they are 32 bits and only grow. */
TEST(ring_behaves_like_a_list_also_where_indices_wrap)
{
	struct weft__ring ring;
	struct weft_task *list[WEFT__RING], *stolen[WEFT__RING / 2];
	unsigned count = 0, next = 0;

	memset(&ring, 0, sizeof ring);
	ring.head = ring.tail = UINT32_MAX - 3 * WEFT__RING;
	for (int step = 0; step < 100000; step++) {
		uint32_t taken = 0;

		switch (random_below(7)) {
		case 0:
		case 1:
		case 2:
			CHECK_EQ(weft__ring_push(&ring, &tasks[next], WEFT__RING),
					count < WEFT__RING);
			if (count < WEFT__RING)
				list[count++] = &tasks[next];
			next = (next + 1) % TASKS;
			break;
		case 3:
			taken = weft__ring_steal(&ring, stolen);
			CHECK_EQ(taken, count - count / 2);
			for (uint32_t i = 0; i < taken; i++)
				CHECK(stolen[i] == list[i]);
			break;
		default:
			CHECK(weft__ring_pop(&ring) == (count ? list[0] : NULL));
			taken = count > 0;
		}
		count -= taken;
		memmove(list, list + taken, count * sizeof *list);
		CHECK_EQ(weft__ring_count(&ring), count);
	}
	CHECK(ring.head < UINT32_MAX / 2); /* it has wrapped */
}

/* ---- the inject shard ---- */

TEST(inject_gives_first_in_first_out_in_any_portions)
{
	struct weft__inject inject = { .incoming = NULL };
	struct weft_task *taken[7];
	unsigned pushed = 0, seen = 0;

	CHECK(weft__inject_is_empty(&inject));
	CHECK_EQ(weft__inject_take(&inject, taken, 7), 0);
	while (seen < TASKS) {
		unsigned portion = 1 + random_below(7), count;

		for (unsigned i = random_below(10); i > 0 && pushed < TASKS; i--)
			weft__inject_push(&inject, &tasks[pushed++]);
		CHECK_EQ(weft__inject_is_empty(&inject), pushed == seen);
		count = weft__inject_take(&inject, taken, portion);
		CHECK_EQ(count, pushed - seen < portion ? pushed - seen : portion);
		for (unsigned i = 0; i < count; i++)
			CHECK_EQ(number(taken[i]), seen++);
	}
}

TEST(inject_gives_nothing_while_somebody_else_takes)
{
	struct weft__inject inject = { .incoming = NULL };
	struct weft_task *taken[1];

	weft__inject_push(&inject, &tasks[0]);
	weft__lock_acquire(&inject.lock);
	CHECK_EQ(weft__inject_take(&inject, taken, 1), 0);
	CHECK(!weft__inject_is_empty(&inject));
	weft__lock_release(&inject.lock);
	CHECK_EQ(weft__inject_take(&inject, taken, 1), 1);
}

/* ---- the inbox ---- */

TEST(inbox_asks_for_a_wake_exactly_while_the_home_sleeps)
{
	struct weft__inbox inbox = { INBOX_EMPTY };
	struct weft_task *task;

	CHECK(weft__inbox_take(&inbox) == NULL);
	CHECK(!weft__inbox_push(&inbox, &tasks[0]));
	CHECK(!weft__inbox_push(&inbox, &tasks[1]));
	CHECK(!weft__inbox_sleep(&inbox)); /* there is something to do */
	task = weft__inbox_take(&inbox);
	CHECK(task == &tasks[0] && task->next == &tasks[1] && !tasks[1].next);
	CHECK(weft__inbox_sleep(&inbox));
	CHECK(weft__inbox_sleep(&inbox));
	CHECK(weft__inbox_push(&inbox, &tasks[2]));
	CHECK(!weft__inbox_push(&inbox, &tasks[3])); /* one wake will do */
	CHECK(!weft__inbox_sleep(&inbox));
	task = weft__inbox_take(&inbox);
	CHECK(task == &tasks[2] && task->next == &tasks[3] && !tasks[3].next);
	CHECK(weft__inbox_sleep(&inbox));
	CHECK(weft__inbox_take(&inbox) == NULL); /* awake again */
	CHECK(!weft__inbox_push(&inbox, &tasks[4]));
}

/* ---- the growing ring of the current-thread flavour ---- */

TEST(fifo_grows_in_order_and_gives_memory_back)
{
	struct weft__fifo fifo = { .tasks = NULL };
	static struct weft_task many[20000];
	unsigned pushed = 0, popped = 0;

	CHECK(weft__fifo_pop(&fifo) == NULL);
	/* grows at every state of its head */
	while (pushed < 20000) {
		for (unsigned i = random_below(40); i > 0 && pushed < 20000; i--)
			CHECK(weft__fifo_push(&fifo, &many[pushed++]));
		for (unsigned i = random_below(20); i > 0 && popped < pushed; i--)
			CHECK(weft__fifo_pop(&fifo) == &many[popped++]);
		CHECK_EQ(weft__fifo_count(&fifo), pushed - popped);
	}
	while (popped < pushed)
		CHECK(weft__fifo_pop(&fifo) == &many[popped++]);
	CHECK(weft__fifo_pop(&fifo) == NULL);

	for (int i = 0; i < BURST; i++)
		CHECK(weft__fifo_push(&fifo, &many[i % 20000]));
	weft__fifo_shrink(&fifo);
	CHECK(fifo.tasks != NULL); /* not while there is something in it */
	for (int i = 0; i < BURST; i++)
		CHECK(weft__fifo_pop(&fifo) == &many[i % 20000]);
	weft__fifo_shrink(&fifo);
	CHECK(fifo.tasks == NULL);
	CHECK(weft__fifo_push(&fifo, &many[0]));
	CHECK(weft__fifo_pop(&fifo) == &many[0]);
	weft__fifo_free(&fifo);
}
