/* SPDX-License-Identifier: MIT */
/* What a select draws comes from the runtime's seed: the same seed, the same choices (behaviour 45). */
#include "rig.h"

#include <weft/branch.h>

enum { ROUNDS = 64, SEEDS = 20 };

struct world {
	int winners[ROUNDS];
};

RIG_TASK(ready, struct world, )
{
	struct ready__frame *f = frame;

	(void)cx;
	weft_return(f, 0);
}

/* Three branches that are ready: who wins is who is polled first. */
RIG_TASK(chooses, struct world, struct ready__frame frames[3]; struct weft_branch branches[3];
		struct weft_selection selection; struct weft_yield__frame yield; int i;)
{
	struct chooses__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		for (int i = 0; i < 3; i++) {
			ready__init(&f->frames[i].args, NULL);
			f->branches[i] = weft_branch_make(&ready__async, &f->frames[i]);
		}
		f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
		CHECK_EQ(weft_select_poll(f->branches, 3, cx, &f->selection), WEFT_READY);
		f->args.p0->winners[f->i] = f->selection.winner;
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

static void choose(struct world *world, uint64_t seed)
{
	struct weft_runtime_options options = { .flavour = WEFT_CURRENT_THREAD, .seed = seed };
	struct weft_runtime *runtime = rig_create(&options);

	CHECK_EQ(rig_run(runtime, &chooses__async, world), 0);
	weft_runtime_destroy(runtime);
}

TEST(b45_select_chooses_by_the_seed)
{
	struct world first, again, before;

	memset(&before, 0, sizeof before);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		choose(&first, seed);
		choose(&again, seed);
		CHECK(memcmp(&first, &again, sizeof first) == 0);
		CHECK(memcmp(&first, &before, sizeof first) != 0);
		before = first;
	}
}

TEST(b45_select_chooses_each_as_often)
{
	int won[3] = { 0, 0, 0 };

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world;

		choose(&world, seed);
		for (int i = 0; i < ROUNDS; i++)
			won[world.winners[i]]++;
	}
	for (int i = 0; i < 3; i++) /* 427 each; four standard deviations are 68 */
		CHECK(won[i] > 359 && won[i] < 495);
}
