/* SPDX-License-Identifier: MIT */
/* Async functions of all results, in tables, through pointers, from plain code. */
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

struct io {
	async ssize_t (*read)(struct io *io, void *buf, size_t n);
	async void (*close)(struct io *io);
	int state;
};
typedef async int handler(int x);
typedef async int (*handler_pointer)(int x);
async int ext(int a, const char *s);
async double mean(const double *v, int n);
async struct pair {
	long a, b;
} both(int);
extern struct io *make_io(void);

async int ext(int a, const char *s)
{
	weft_try(await weft_yield());
	return a + (int)strlen(s);
}
async double mean(const double *v, int n)
{
	double s = 0;
	for (int i = 0; i < n; i++) {
		s += v[i];
		await weft_yield();
	}
	return s / n;
}
async struct pair both(int x)
{
	struct pair p = { x, await ext(x, "abc") };
	return p;
}
static async ssize_t my_read(struct io *io, void *buf, size_t n)
{
	memset(buf, 'x', n);
	await weft_yield();
	io->state++;
	return n;
}
static async void my_close(struct io *io)
{
	io->state = -1;
	await weft_yield();
}
static struct io one = { .read = my_read, .close = my_close };
struct io *make_io(void)
{
	return &one;
}

static async int add1(int x)
{
	await weft_yield();
	return x + 1;
}
static async int dbl(int x)
{
	return x * 2;
}
static handler *table[] = { add1, dbl, NULL };
static async int apply(handler *h, handler_pointer g, int x)
{
	return await h(x) * 100 + await(*g)(x) + await(x & 1 ? h : g)(x);
}
static int plain(int x)
{
	return weft_run(dbl(x)) + 1;
}
static async int fan(struct io *io)
{
	char buf[8];
	ssize_t n;
	int a, b, c;
	await weft_join(n = io->read(io, buf, sizeof buf), a = table[0](5), b = ext(3, "four"));
	int e = await weft_try_join(a = add1(3), c = ext(-9, "x"));
	printf("%zd %.3s %d %d c %d e %d\n", n, buf, a, b, c, e);
	for (handler **h = table; *h; h++)
		printf("%d ", await(*h)(21));
	struct weft_task *t = weft_spawn(io->read(io, buf, 3));
	ssize_t r;
	weft_try(await weft_task_join(t, &r));
	await io->close(io);
	printf("spawned %zd state %d\n", r, io->state);
	return 0;
}
static async int index_of(int x)
{
	await weft_yield();
	return x;
}
static async handler_pointer pick(int x)
{
	await weft_yield();
	return table[x];
}
static int half(int x)
{
	return x / 2;
}
static int twice(int x)
{
	return x * 2;
}
static int (*const plain_table[])(int) = { half, twice };
struct large {
	double at[20];
};
static struct large product(double x, int y, int z)
{
	return (struct large){ { [19] = x * y + z } };
}
/* What is awaited to know the callee, and for its arguments. */
static async void awaited_callees(void)
{
	int c = 0;
	struct weft_task *t;
	printf("%d ", await table[await index_of(1)](await index_of(40)));
	printf("%d ", await(await pick(0))(await index_of(30) + await table[await index_of(1)](4)));
	t = weft_spawn(table[await index_of(1)](await index_of(6)));
	printf("%d %d ", await weft_task_join(t, &c), c);
	printf("%d ", await weft_blocking(plain_table[await index_of(1)](await index_of(9))));
	printf("%g\n", (await weft_blocking(product(await index_of(2), await index_of(3), await index_of(4)))).at[19]);
}
async int main(void)
{
	double v[] = { 1, 2, 6 };
	struct pair p = await both(4);
	printf("%d %.1f %ld %ld %d\n", await ext(1, "hi"), await mean(v, 3), p.a, p.b,
			await apply(add1, dbl, 3));
	printf("sizeof %zu %d\n", sizeof(struct io), table[0] == add1);
	printf("plain %d\n", await weft_blocking(plain(20)));
	await awaited_callees();
	return await fan(make_io());
}
