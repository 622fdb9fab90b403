/* SPDX-License-Identifier: MIT */
/* Row S3-15: a permit that is released too early. The atoms of examples/h2o.c, in a block that has the permit,
 * and with permits that are given back as soon as they are there: then anybody passes the barrier with
 * anybody. The block gives back what it has, and nothing else, wherever it is left. */
#include <errno.h>
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

static async int has_a_block(struct weft_semaphore *permits, char atom)
{
	weft_with_permits(permits, 1)
	{
		weft_try(await weft_barrier_wait(&factory.barrier));
		factory.bonds[factory.bond_count++] = atom;
	}
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
	weft_scope (atoms) {
		for (int i = 0; i < MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, atom(&factory.oxygen, 'O')));
		for (int i = 0; i < 2 * MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, atom(&factory.hydrogen, 'H')));
	}
	for (const char *b = factory.bonds; b < factory.bonds + factory.bond_count; b += 3)
		water += (b[0] == 'O') + (b[1] == 'O') + (b[2] == 'O') == 1;
	return water;
}

static async int leaves(struct weft_semaphore *permits, int way)
{
	for (int i = 0; i < 3; i++)
		weft_with_permits(permits, way)
		{
			weft_with_permits(permits, 1) weft_try(await weft_yield());
			if (way == 1)
				break;
			if (way == 2)
				return i;
			if (way == 3)
				continue;
			goto out;
		}
	return way;
out:
	return -EDOM;
}

static async int waits(struct weft_semaphore *permits, uint32_t count)
{
	weft_with_permits(permits, 1) weft_with_permits(permits, count) return 0;
	return -EPROTO;
}

static async void show_leaving(void)
{
	struct weft_semaphore permits = WEFT_SEMAPHORE_INIT(5);

	for (int way = 1; way <= 4; way++) {
		int result = await leaves(&permits, way);

		printf("left, %d: %d, %u permits\n", way, result,
				weft_semaphore_available(&permits));
	}
	printf("in vain: %d",
			await weft_timeout(WEFT_MILLISECONDS(1), waits(&permits, 5)) == -ETIME);
	printf(", %u permits\n", weft_semaphore_available(&permits));
	weft_semaphore_close(&permits);
	printf("closed: %d\n", await waits(&permits, 1) == -ESHUTDOWN);
}

async int main(void)
{
	int early, held = await make_water(holds);

	printf("held: %d molecules of water\n", held);
	held = await make_water(has_a_block);
	printf("held by a block: %d molecules of water\n", held);
	await show_leaving();
	early = await make_water(releases_early);
	printf("released early: %s\n", early < MOLECULES ? "something else" : "water");
	return 0;
}
