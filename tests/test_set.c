/* SPDX-License-Identifier: MIT */
/* Sets of futures, stepped (B84, B85, S2-21): who is polled and how often, the order in which children are
 * given back, the budget, memory. */
#include <errno.h>
#include <string.h>

#include <weft/set.h>

#include "doors.h"
#include "test.h"

TEST(set_that_is_empty_says_so)
{
	crowd_begin();
	crowd_end();
}

TEST(b84_children_are_given_back_in_the_order_in_which_they_end)
{
	crowd_begin();
	crowd_add_all(4);
	CHECK_EQ(crowd_next(), NONE);
	door_open(&crowd.doors[2]);
	door_open(&crowd.doors[0]);
	door_open(&crowd.doors[3]);
	CHECK_EQ(crowd_next(), 2);
	CHECK_EQ(*(int *)weft_set_child_result(&crowd.nodes[2]), 2);
	CHECK_EQ(crowd_next(), 0);
	CHECK_EQ(crowd_next(), 3);
	CHECK_EQ(crowd_next(), NONE);
	door_open(&crowd.doors[1]);
	CHECK_EQ(crowd_next(), 1);
	crowd_end();
}

/* S2-21: of 10,000 children as many are polled as are woken, and each wakes the task once. */
TEST(s2_21_only_children_that_were_woken_are_polled)
{
	crowd_begin();
	crowd_add_all(CROWD);
	CHECK_EQ(crowd_settle(), NONE);
	CHECK_EQ(crowd_polls(CROWD), CROWD);
	for (int i = CROWD - 1; i >= 0; i--) {
		door_open(&crowd.doors[i]);
		CHECK_EQ(crowd_next(), i);
		CHECK(i == 0 || crowd_next() == NONE);
	}
	CHECK_EQ(crowd_polls(CROWD), 2 * CROWD);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), CROWD);
	crowd_end();
}

TEST(set_wakes_its_task_once_for_many_children)
{
	crowd_begin();
	crowd_add_all(100);
	CHECK_EQ(crowd_next(), NONE);
	for (int i = 0; i < 100; i++)
		door_wake(&crowd.doors[i]);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 1);
	CHECK_EQ(crowd_next(), NONE);
	CHECK_EQ(crowd_polls(100), 200);
	for (int i = 0; i < 100; i++) {
		door_open(&crowd.doors[i]);
		CHECK_EQ(crowd_next(), i);
	}
	crowd_end();
}

/* B84: each at most once. */
TEST(b84_child_that_wakes_itself_is_polled_once_in_a_poll)
{
	crowd_begin();
	crowd_add_all(3);
	for (int i = 0; i < 3; i++)
		crowd.doors[i].neighbour = &crowd.doors[(i + 1) % 3];
	crowd.doors[2].neighbour = &crowd.doors[2];
	for (int polls = 1; polls < 10; polls++) {
		CHECK_EQ(crowd_next(), NONE);
		CHECK(crowd.stepper.cx.self_woken);
		for (int i = 0; i < 3; i++)
			CHECK((int)crowd.doors[i].polls <= polls);
		CHECK_EQ(crowd.doors[2].polls, polls);
	}
	for (int i = 0; i < 3; i++)
		crowd.doors[i].open = true;
	for (int i = 0; i < 3; i++) {
		door_wake(&crowd.doors[i]);
		CHECK(crowd_settle() >= 0);
	}
	crowd_end();
}

TEST(set_may_be_filled_while_it_is_emptied)
{
	crowd_begin();
	for (int i = 0; i < CROWD; i++) {
		crowd_add(i);
		crowd.doors[i].open = i % 3 != 0;
		if (i % 3)
			CHECK_EQ(crowd_settle(), i);
	}
	for (int i = 0; i < CROWD; i += 3) {
		door_open(&crowd.doors[i]);
		CHECK_EQ(crowd_settle(), i);
	}
	crowd_end();
}

/* ---- the budget ---- */

TEST(set_stops_when_the_budget_is_spent)
{
	int given = 0;

	crowd_begin();
	crowd_add_all(CROWD);
	for (int i = 0; i < CROWD; i++)
		crowd.doors[i].open = true;
	for (int turns = 0; given < CROWD; turns++) {
		struct stepper *stepper = &crowd.stepper;
		struct weft_set_child *child;
		int before = given;

		CHECK(turns < CROWD);
		stepper->cx = probe_context(&stepper->probe, &stepper->env, &stepper->strand);
		while (weft_set_poll_next(&crowd.set, &stepper->cx, &child) == WEFT_READY && child)
			CHECK_EQ(child - crowd.nodes, given++);
		CHECK(given == CROWD || stepper->cx.self_woken);
		CHECK_EQ(given - before, CROWD - before < 64 ? CROWD - before : 64);
	}
	CHECK_EQ(crowd_polls(CROWD), CROWD); /* nobody was polled without a budget */
	crowd_end();
}

/* Also where no child can be given back yet. */
TEST(set_in_order_stops_when_the_budget_is_spent)
{
	struct stepper *stepper = &crowd.stepper;
	struct weft_set_child *child;

	crowd_begin();
	crowd.set = (struct weft_set)WEFT_SET_ORDERED_INIT;
	crowd_add_all(30);
	for (int i = 1; i < 30; i++)
		crowd.doors[i].open = true;
	stepper->cx = probe_context(&stepper->probe, &stepper->env, &stepper->strand);
	stepper->cx.budget = 10;
	CHECK_EQ(weft_set_poll_next(&crowd.set, &stepper->cx, &child), WEFT_PENDING);
	CHECK(stepper->cx.self_woken);
	CHECK_EQ(crowd_polls(30), 11); /* the first spends nothing */
	door_open(&crowd.doors[0]);
	for (int i = 0; i < 30; i++)
		CHECK_EQ(crowd_settle(), i);
	crowd_end();
}

TEST(set_gives_way_though_its_children_only_wait)
{
	crowd_begin();
	crowd_add_all(1000);
	for (int polls = 1; polls <= 7; polls++) {
		CHECK_EQ(crowd_next(), NONE);
		CHECK(crowd.stepper.cx.self_woken);
		CHECK_EQ(crowd_polls(1000), polls * 128);
	}
	CHECK_EQ(crowd_next(), NONE);
	CHECK(!crowd.stepper.cx.self_woken);
	CHECK_EQ(crowd_polls(1000), 1000);
	for (int i = 0; i < 1000; i++) {
		door_open(&crowd.doors[i]);
		CHECK_EQ(crowd_next(), i);
	}
	crowd_end();
}

/* ---- order ---- */

TEST(b85_ordered_set_gives_back_in_the_order_of_putting_in)
{
	crowd_begin();
	crowd.set = (struct weft_set)WEFT_SET_ORDERED_INIT;
	crowd_add_all(4);
	CHECK_EQ(crowd_next(), NONE);
	door_open(&crowd.doors[3]);
	door_open(&crowd.doors[1]);
	CHECK_EQ(crowd_next(), NONE);
	CHECK_EQ(weft_set_count(&crowd.set), 4);
	door_open(&crowd.doors[0]);
	CHECK_EQ(crowd_next(), 0);
	CHECK_EQ(crowd_next(), 1);
	CHECK_EQ(crowd_next(), NONE);
	door_open(&crowd.doors[2]);
	CHECK_EQ(crowd_next(), 2);
	CHECK_EQ(crowd_next(), 3);
	crowd_end();
}

TEST(b85_child_put_in_front_is_given_back_first)
{
	crowd_begin();
	crowd.set = (struct weft_set)WEFT_SET_ORDERED_INIT;
	for (int i = 0; i < 6; i++) {
		crowd.doors[i].open = true;
		crowd_put(i, NULL, i % 2);
	}
	for (int i = 5; i > 0; i -= 2)
		CHECK_EQ(next_result(), i);
	for (int i = 0; i < 6; i += 2)
		CHECK_EQ(next_result(), i);
	CHECK_EQ(next_result(), EMPTY);
	CHECK(stepper_is_clean(&crowd.stepper));
	weft__env_current = NULL;
}

/* ---- memory of the runtime's ---- */

TEST(set_puts_results_where_they_are_wanted)
{
	int results[3] = { NONE, NONE, NONE };

	crowd_begin();
	for (int i = 0; i < 3; i++)
		crowd_put(i, &results[i], false);
	CHECK_EQ(next_result(), NONE);
	door_open(&crowd.doors[1]);
	CHECK_EQ(next_result(), 1);
	CHECK_EQ(results[1], 1);
	CHECK_EQ(results[0], NONE);
	door_open(&crowd.doors[0]);
	door_open(&crowd.doors[2]);
	CHECK_EQ(next_result(), 0);
	CHECK_EQ(next_result(), 2);
	CHECK_EQ(results[2], 2);
	CHECK_EQ(crowd.stepper.env.allocations, 3); /* one for each child */
	CHECK(stepper_is_clean(&crowd.stepper));
	weft__env_current = NULL;
}

TEST(set_without_memory_is_as_it_was)
{
	struct pass__args args;

	crowd_begin();
	pass__init(&args, &crowd.doors[0], 0);
	crowd.stepper.env.fail_after = 0;
	CHECK_EQ(weft_set_put(&crowd.set, &pass__async, &args, NULL), -ENOMEM);
	weft__env_current = NULL;
	CHECK_EQ(weft_set_put(&crowd.set, &pass__async, &args, NULL), -ENXIO);
	crowd_end();
}
