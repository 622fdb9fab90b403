/* SPDX-License-Identifier: MIT */
/* Awaits where the language is thorny, checked by hand: lvalues of branches, literals, ways out, tables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <weft.h>
#include <weft/async.h>
static async int id(int x)
{
	(void)await weft_yield();
	return x;
}
static async double dd(double x)
{
	(void)await weft_yield();
	return x;
}
struct big {
	int a[30];
	const int k;
};
struct bits {
	unsigned a : 3;
	int b : 6;
};
static async struct big mk(int n)
{
	(void)await weft_yield();
	struct big b = { { n, n + 1 }, n * 2 };
	return b;
}
static async struct bits mkb(int n)
{
	(void)await weft_yield();
	return (struct bits){ .a = (unsigned)n & 7, .b = n };
}
static void note(const char *s)
{
	printf("[%s]", s);
}

static async int branches(void)
{
	struct bits bs = { 0, 0 }, *pb = &bs;
	int arr[4] = { 0 }, i = 0, *p = arr;
	char c = 0;
	double d = 0;
	float f = 0;
	_Bool flag = 0;
	unsigned char uc;
	long long ll;
	struct {
		int x;
		struct {
			short y[2];
		} in;
	} s = { 0 };
	await weft_join(bs.a = id(9), bs.b = id(-5), arr[i++] = id(1), arr[i++] = id(2),
			*p++ = id(11), c = id('z'), d = id(3));
	printf("%u %d %d %d %d %c %g %d\n", bs.a, bs.b, arr[0], arr[1], i, c, d, (int)(p - arr));
	await weft_join(pb->a = id(12), pb[0].b = id(7));
	printf("%u %d\n", bs.a, bs.b);
	await weft_join(f = dd(1.5), flag = id(256), uc = id(257), ll = id(-1),
			s.in.y[1] = id(70000), (i) = id(3));
	printf("%g %d %d %lld %d %d\n", (double)f, flag, uc, ll, s.in.y[1], i);
	int e = await weft_try_join(arr[await id(2)] = id(77), i = id(5));
	printf("%d %d %d\n", e, arr[2], i);
	return 0;
}
static async int bigs(void)
{
	int x = (await mk(3)).a[1] + (await mk(4)).k * (await id(2));
	struct bits b = await mkb(5);
	x += (int)(await mkb(6)).a + b.b;
	int y = await id(1) ? (await mk(8)).k : (await mk(9)).k;
	struct big z = *&(struct big){ { await id(5) }, await id(6) };
	const struct big *pz = &(const struct big){ { await id(7), await id(8) }, await id(9) };
	int(*m)[3] = (int[][3]){ { 1, await id(2) }, { [2] = await id(4) } };
	printf("%d %d %d %d %d %d %d %d\n", x, y, z.a[0], z.k, pz->a[1], pz->k, m[0][1], m[1][2]);
	return x;
}
static async int defers(int n)
{
	int depth = 0;
	defer printf(" outer%d", depth);
	for (int i = 0; i < 3; i++) {
		defer
		{
			printf(" loop%d", i);
			depth += await id(1);
		}
		switch (await id(i)) {
		case 0: {
			defer note("case0");
			if (n == 0)
				return await id(10);
			if (n == 1)
				break;
			if (n == 2)
				continue;
			if (n == 3)
				goto out;
			break;
		}
		default:
			if (n == 4) {
				defer note("d4");
				{
					defer note("inner");
					if (i == 2)
						return depth;
				}
				break;
			}
		}
		while (1) {
			defer note("w");
			if (await id(i) == i)
				break;
		}
		do {
			defer note("do");
			if (i == 1)
				continue;
		} while (await id(0));
	}
out:
	note("out");
	return depth;
}
static async int nested_tasks(int n)
{
	int total = 0, each[3] = { 0 };
	weft_scope (s) {
		for (int i = 0; i < 3; i++) {
			if (i == n)
				break;
			weft_try(weft_spawn_in(&s, id(each[i] = i + 1)));
		}
		weft_scope (inner) {
			defer note("si");
			if (n == 2)
				return -1;
			weft_try(weft_spawn_in(&inner, id(5)));
		}
		if (n == 1)
			goto out;
		total = 5;
	}
	for (int i = 0; i < 4; i++) {
		weft_scope (s)
			weft_try(weft_spawn_in(&s, id(i)));
		if (i == 1)
			continue;
		if (i == n)
			break;
		total += 10;
	}
out:
	return total + each[0] + each[1] + each[2];
}
static async int fact(int n)
{
	return n < 2 ? 1 : n * await fact(n - 1);
}
static async int odd(int n);
static async int even(int n)
{
	return n == 0 ? 1 : await odd(n - 1);
}
static async int odd(int n)
{
	return n == 0 ? 0 : await even(n - 1);
}
static async int ack(int m, int n)
{
	return !m ? n + 1 : !n ? await ack(m - 1, 1) : await ack(m - 1, await ack(m, n - 1));
}
struct ops {
	async int (*f)(int);
	async double (*g)(double);
	async struct big (*h)(int);
};
static const struct ops table[] = { { id, dd, mk }, { fact, .h = mk, .g = dd } };
typedef async int fun(int);
static fun *choose(int n)
{
	return n ? id : fact;
}
static async fun *achoose(int n)
{
	(void)await weft_yield();
	return n ? id : fact;
}
static async int pointers(void)
{
	fun *f = choose(0), *const *pf = &f;
	int x = await f(5) + await(*pf)(4) + await(**pf)(3) + await choose(1)(9);
	x += await table[1].f(await table[0].f(3)) + (int)await table[0].g(2.9) +
			(await table[1].h(3)).k;
	f = await achoose(1);
	x += await f(100);
	x += await(await achoose(0))(3);
	return x;
}
static async int timed(void)
{
	int a = -7, e;
	e = await weft_timeout(WEFT_SECONDS(100), a = id(5));
	printf("%d %d;", e, a);
	e = await weft_timeout(WEFT_MILLISECONDS(1), a = weft_sleep(WEFT_SECONDS(100)));
	printf("%d %d;", e == -ETIME, a == -ECANCELED);
	e = await weft_deadline(weft_clock() + WEFT_MILLISECONDS(1), weft_sleep(WEFT_SECONDS(100)));
	printf("%d;", e == -ETIME);
	e = await weft_shield(WEFT_SECONDS(3), id(8)) + await weft_timeout(WEFT_SECONDS(9), id(9));
	printf("%d\n", e);
	return 0;
}
static int plus(int x)
{
	return x + 1;
}
static double half(double x)
{
	return x / 2;
}
static void set(int *x)
{
	*x = 9;
}
static async int blocking(void)
{
	int a = 0, b = 0, c = 0, (*pointer)(int) = plus;
	double h = 0;
	await weft_join(a = weft_blocking(plus(1)), weft_blocking(set(&b)), h = weft_blocking(half(3)),
			c = weft_blocking(pointer(7)));
	printf("%d %d %g %d;", a, b, h, c);
	printf("%d %d;", await weft_select(a = weft_blocking(plus(4))), a);
	printf("%d;", await weft_timeout(WEFT_SECONDS(100), weft_blocking(plus(40))));
	printf("%d %d;", await weft_timeout(WEFT_SECONDS(100), a = weft_blocking(plus(50))), a);
	printf("%d %d;", await weft_timeout(WEFT_SECONDS(100), weft_blocking(half(60))),
			await weft_timeout(WEFT_SECONDS(100), weft_blocking(set(&a))));
	printf("%d\n", a);
	return 0;
}
static async int sees(int *seen)
{
	*seen = weft_cancelled();
	int err = await weft_sleep(WEFT_SECONDS(100));
	*seen += weft_cancelled() * 2;
	return err;
}
static async void tell(int n)
{
	printf("task %d;", await id(n));
}
static async int tasks(fun *f, fun *const *pf)
{
	int a = 0, b = 0;
	struct weft_task *one = weft_spawn_local(id(4)), *two = weft_spawn((*f)(5)),
			 *three = weft_spawn((*pf)(6));
	weft_try(await weft_task_join(one, &a) + await weft_task_join(two, &b));
	printf("%d %d;", a, b);
	weft_try(await weft_task_join(three, &a));
	await weft_join(a = (*f)(7), b = pf[0](8), (**pf)(9));
	printf("%d %d;", a, b);
	int err = await weft_timeout(WEFT_MILLISECONDS(1), sees(&a));
	printf("%d %d;", err == -ETIME, a);
	weft_try(await weft_task_join(weft_spawn(tell(3)), NULL));
	for (int i = 0; i < 2; i++) {
		i ? note("plain") : await tell(4);
		i ? await tell(5) : note("other");
	}
	return 0;
}
static void leaves(int n)
{
	defer note("plainly");
	if (n == 1)
		return;
	note("went on");
}
static int runs(void)
{
	leaves(1);
	leaves(2);
	weft_run(tell(1));
	return weft_run(id(2));
}
static async int greets(const char *name, int outcome)
{
	(void)await weft_yield();
	printf("%s;", name ? name : "nobody");
	return outcome;
}
/* A preprocessor breaks the line where one macro of a system header is inside another. */
static async int macros(void)
{
	int err = 0;

	if (err != EAGAIN) { weft_try(await greets(NULL, 0)); err++; }
	weft_try(await greets("one", await id(err == EAGAIN ? EAGAIN : -EAGAIN)));
	return 0;
}
async int main(void)
{
	fun *const f = id;
	await branches();
	await blocking();
	await tasks(f, &f);
	printf("%d\n", await weft_blocking(runs()));
	printf("%d\n", await bigs());
	for (int i = 0; i < 6; i++)
		printf(" = %d\n", await defers(i));
	for (int i = 0; i < 4; i++)
		printf(" = %d\n", await nested_tasks(i));
	printf("%d %d %d %d\n", await fact(6), await even(10), await ack(2, 3), await pointers());
	await timed();
	printf("%d\n", await macros() == -EAGAIN);
	return 0;
}
