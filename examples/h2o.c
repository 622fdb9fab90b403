/* SPDX-License-Identifier: MIT */
/* h2o.c: water. Two hydrogen atoms and an oxygen atom meet at a barrier, bond, and let the next ones in.
 * The atoms are tasks on all workers; each gives its permit back in whatever way it ends. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

enum { MOLECULES = 10 };

struct water_factory {
	struct weft_semaphore oxygen, hydrogen;
	struct weft_barrier barrier;
	struct weft_mutex mutex; /* over what follows */
	char bonds[3 * MOLECULES];
	int bond_count;
};

static struct water_factory factory = {
	.oxygen = WEFT_SEMAPHORE_INIT(1),
	.hydrogen = WEFT_SEMAPHORE_INIT(2),
	.barrier = WEFT_BARRIER_INIT(3),
	.mutex = WEFT_MUTEX_INIT,
};

static async int bond(struct water_factory *f, char atom)
{
	weft_assert_held(atom == 'O' ? &f->oxygen : &f->hydrogen); /* checked builds look */
	weft_try(await weft_mutex_lock(&f->mutex));
	f->bonds[f->bond_count++] = atom;
	weft_mutex_unlock(&f->mutex);
	return 0;
}

/* The permit is held until the function is left. So nobody passes the barrier before the three who passed
 * it last have bonded: it takes all permits. */
static async int oxygen(struct water_factory *f)
{
	weft_try(await weft_semaphore_acquire(&f->oxygen, 1));
	defer weft_semaphore_release(&f->oxygen, 1);
	weft_try(await weft_barrier_wait(&f->barrier));
	return await bond(f, 'O');
}

static async int hydrogen(struct water_factory *f)
{
	weft_try(await weft_semaphore_acquire(&f->hydrogen, 1));
	defer weft_semaphore_release(&f->hydrogen, 1);
	weft_try(await weft_barrier_wait(&f->barrier));
	return await bond(f, 'H');
}

async int main(void)
{
	const struct water_factory *f = &factory;
	int water = 0;

	weft_scope (atoms) {
		for (int i = 0; i < 2 * MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, hydrogen(&factory)));
		for (int i = 0; i < MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, oxygen(&factory)));
	}
	for (const char *b = f->bonds; b < f->bonds + f->bond_count; b += 3)
		water += (b[0] == 'O') + (b[1] == 'O') + (b[2] == 'O') == 1;
	printf("%d bonds, %d molecules of water\n", f->bond_count, water);
	return fflush(stdout) != 0;
}
