/* SPDX-License-Identifier: MIT */
/* Row S3-15: a permit that is released too early. The atoms of examples/h2o.c, and again with permits
 * that are given back as soon as they are there: then anybody passes the barrier with anybody. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

enum { MOLECULES = 10 };

static struct factory {
	struct weft_semaphore oxygen, hydrogen;
	struct weft_barrier barrier;
	char bonds[3 * MOLECULES + 1];
	int bond_count;
} factory;

static async int holds(struct weft_semaphore *permits, char atom)
{
	weft_try(await weft_semaphore_acquire(permits, 1));
	defer weft_semaphore_release(permits, 1);
	weft_try(await weft_barrier_wait(&factory.barrier));
	factory.bonds[factory.bond_count++] = atom;
	return 0;
}

static async int releases_early(struct weft_semaphore *permits, char atom)
{
	weft_try(await weft_semaphore_acquire(permits, 1));
	weft_semaphore_release(permits, 1);
	weft_try(await weft_barrier_wait(&factory.barrier));
	factory.bonds[factory.bond_count++] = atom;
	return 0;
}

static async int make_water(async int (*atom)(struct weft_semaphore *permits, char atom))
{
	int water = 0;

	weft_semaphore_init(&factory.oxygen, 1);
	weft_semaphore_init(&factory.hydrogen, 2);
	weft_barrier_init(&factory.barrier, 3);
	factory.bond_count = 0;
	weft_scope(atoms)
	{
		for (int i = 0; i < MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, atom(&factory.oxygen, 'O')));
		for (int i = 0; i < 2 * MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, atom(&factory.hydrogen, 'H')));
	}
	for (const char *b = factory.bonds; b < factory.bonds + factory.bond_count; b += 3)
		water += (b[0] == 'O') + (b[1] == 'O') + (b[2] == 'O') == 1;
	return water;
}

async int main(void)
{
	int early, held = await make_water(holds);

	printf("held: %d molecules of water\n", held);
	early = await make_water(releases_early);
	printf("released early: %s\n", early < MOLECULES ? "something else" : "water");
	return 0;
}
