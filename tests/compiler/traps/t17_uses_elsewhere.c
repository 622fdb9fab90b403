/* SPDX-License-Identifier: MIT */
/* T17: async functions are named in plain functions, tables, sizeof, typedefs, and by what runs them. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

struct operations {
	async int (*read)(int);
	async void (*close)(void);
};
typedef async int reader(int);
async int declared(int), also_declared(int);

static async int my_read(int x)
{
	await weft_yield();
	return x + 1;
}
static async void my_close(void)
{
	await weft_yield();
	puts("closed");
}

static const struct operations table = { .read = my_read, .close = &my_close };
static reader *const readers[] = { my_read, declared, also_declared };

static reader *pick(int which)
{
	return which ? my_read : declared;
}

static int plain(void)
{
	reader *r = pick(1);

	return r == table.read && sizeof table == 2 * sizeof(void *) && readers[0] == my_read;
}

static int blocks(int x)
{
	return weft_run(my_read(x));
}

static void deferring(void)
{
	defer puts("plain defer");
	puts("before");
}

async int main(void)
{
	reader *r = readers[2];

	printf("%d %d %d %d\n", plain(), await table.read(1), await readers[1](2), await r(3));
	printf("%d %d\n", await pick(0)(4), await (plain() ? declared : my_read)(5));
	await table.close();
	deferring();
	(void)blocks;
	return 0;
}

async int declared(int x)
{
	await weft_yield();
	return x * 10;
}
async int also_declared(int x)
{
	return x * 100;
}
