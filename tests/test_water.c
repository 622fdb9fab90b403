/* SPDX-License-Identifier: MIT */
/* The H2O problem (rows S3-13, S3-15, S3-16) with the atoms polled by hand, in an order drawn by a seed. Atoms
 * that hold their permits to the end make water in every order; those that give them back at once (in Rust:
 * `let _ = semaphore.acquire().await`) do not. A cancelled one leaves its permit, wherever it was. */
#include <errno.h>

#include <weft/barrier.h>
#include <weft/semaphore.h>

#include "probe.h"
#include "test.h"

enum { MOLECULES = 10, ATOMS = 3 * MOLECULES, SEEDS = 300, STEPS_MAX = 100000 };

enum habit { HOLDS_ITS_PERMIT, RELEASES_AT_ONCE };

static struct weft_semaphore oxygen, hydrogen;
static struct weft_barrier barrier;
static char bonds[ATOMS];
static int bond_count;
static uint32_t seed;

WEFT_ASYNC_2(int, be_atom, char, int); /* async int be_atom(char kind, enum habit) */
struct be_atom__frame {
	struct be_atom__args args;
	union {
		struct weft_semaphore_acquire__frame acquire;
		struct weft_barrier_wait__frame wait;
	};
};

enum weft_poll be_atom__poll(void *frame, struct weft_context *cx)
{
	struct be_atom__frame *f = frame;
	struct weft_semaphore *semaphore = f->args.p0 == 'O' ? &oxygen : &hydrogen;

	weft_begin(f);
	weft_await(f, f->acquire, weft_semaphore_acquire, semaphore, 1);
	if (f->acquire.args.result < 0)
		weft_return(f, f->acquire.args.result);
	if (f->args.p1 == RELEASES_AT_ONCE)
		weft_semaphore_release(semaphore, 1);
	weft_await(f, f->wait, weft_barrier_wait, &barrier);
	if (f->wait.args.result >= 0)
		bonds[bond_count++] = f->args.p0;
	if (f->args.p1 == HOLDS_ITS_PERMIT)
		weft_semaphore_release(semaphore, 1);
	weft_return(f, f->wait.args.result < 0 ? f->wait.args.result : 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(be_atom, WEFT_ASYNC_RESULT_INT);

static struct be_atom__frame atoms[ATOMS];

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 16) % below;
}

/* One poll of an atom that has not ended. */
static void step(bool cancelled)
{
	static struct probe probe;
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct be_atom__frame *atom = &atoms[draw(ATOMS)];

	cx.cancelled = cancelled;
	if (atom->args.base.at != WEFT_AT_DONE)
		(void)!be_atom__poll(atom, &cx);
}

static void prepare(uint32_t with_seed, enum habit habit)
{
	seed = with_seed;
	bond_count = 0;
	weft_semaphore_init(&oxygen, 1);
	weft_semaphore_init(&hydrogen, 2);
	weft_barrier_init(&barrier, 3);
	for (int i = 0; i < ATOMS; i++)
		be_atom__init(&atoms[i].args, i % 3 ? 'H' : 'O', (int)habit);
}

static int molecules(void)
{
	int count = 0;

	for (const char *b = bonds; b < bonds + bond_count; b += 3)
		count += (b[0] == 'O') + (b[1] == 'O') + (b[2] == 'O') == 1;
	return count;
}

static int make_water(uint32_t with_seed, enum habit habit)
{
	prepare(with_seed, habit);
	for (int steps = 0; bond_count < ATOMS; steps++) {
		CHECK(steps < STEPS_MAX);
		step(false);
	}
	return molecules();
}

TEST(s3_13_atoms_that_hold_their_permits_make_water_in_every_order)
{
	for (uint32_t i = 0; i < SEEDS; i++)
		CHECK_EQ(make_water(i, HOLDS_ITS_PERMIT), MOLECULES);
	CHECK_EQ(weft_semaphore_available(&oxygen), 1);
	CHECK_EQ(weft_semaphore_available(&hydrogen), 2);
}

TEST(s3_15_atoms_that_release_their_permits_at_once_do_not)
{
	int wrong = 0;

	for (uint32_t i = 0; i < SEEDS; i++)
		wrong += make_water(i, RELEASES_AT_ONCE) < MOLECULES;
	CHECK(wrong > SEEDS / 2);
}

TEST(s3_16_cancelled_atoms_give_their_permits_back)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		int left = 1;

		prepare(i, HOLDS_ITS_PERMIT);
		for (uint32_t steps = draw(500); steps > 0; steps--)
			step(draw(20) == 0);
		while (left) { /* then all that are left are cancelled */
			step(true);
			left = 0;
			for (int atom = 0; atom < ATOMS; atom++)
				left += atoms[atom].args.base.at != WEFT_AT_DONE;
		}
		CHECK_EQ(weft_semaphore_available(&oxygen), 1);
		CHECK_EQ(weft_semaphore_available(&hydrogen), 2);
		CHECK_EQ(barrier.waiters.word, 0);
	}
}
