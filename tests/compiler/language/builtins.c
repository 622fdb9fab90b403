/* SPDX-License-Identifier: MIT */
/* Built-ins inside of conditions, loops, other expressions and deferring blocks, checked by hand. */
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
static async WEFT_CANCEL_SAFE int slow(int x, int turns)
{
	for (int i = 0; i < turns; i++)
		weft_try(await weft_yield());
	return x;
}
struct pt {
	int x, y;
};
static async struct pt mk(int x, int y)
{
	return (struct pt){ await id(x), await id(y) };
}
struct obj {
	int n;
	async int (*go)(struct obj *, int);
};
static async int step(struct obj *o, int d)
{
	return o->n += await id(d);
}
static int sum(int n, const int *v)
{
	int s = 0;
	while (n--)
		s = s * 10 + *v++;
	return s;
}
/* builtins in odd places */
static async int odd_places(int n)
{
	int a = 0, b = 0, c = 0, r = 0;
	if (await weft_try_join(a = id(1), b = id(2)) == 0 &&
			await weft_select_biased(c = slow(3, 0), slow(4, 50)) == 0)
		r += a + b + c;
	for (int i = await weft_timeout(WEFT_SECONDS(5), id(0));
			i < await weft_shield(WEFT_SECONDS(5), id(3));
			i += await weft_deadline(WEFT_NEVER, id(1)))
		r += 10;
	switch (await weft_select_biased(
			weft_when(n > 5, a = id(50)), weft_when(n <= 5, b = id(60)))) {
	case 0:
		r += 1000 + a;
		break;
	case 1:
		r += 2000 + b;
		break;
	default:
		r = -1;
	}
	r += (await weft_join(a = id(7), b = id(8)), a * b);
	r += ({
		await weft_join(a = id(n));
		a;
	}) + (n ? await weft_try_join(b = id(-n)) : 5);
	while (await weft_select_biased(a = slow(r, 0), slow(0, 9)) == 0 && r % 7)
		r--;
	return await weft_timeout(WEFT_SECONDS(9), r = id(r)) ? -1 : r;
}
static async int targets(int n)
{
	struct {
		int v[4];
		struct pt p;
		struct {
			unsigned lo : 4, hi : 12;
		} bits;
		union {
			int i;
			short s[2];
		} u;
	} t, *pt = memset(&t, 0, sizeof t);
	int k = 0;
	struct pt pts[2] = { { 0, 0 } };
	await weft_join(t.v[k++] = id(n), pt->v[k++] = id(n + 1), (&t)->p.x = id(5),
			pt->bits.hi = id(0x1234), t.bits.lo = id(0x25), t.u.s[1] = id(77),
			pts[k - 1] = mk(8, 9), *(t.v + 3) = id(6));
	await weft_try_join(t.p = mk(1, 2), pt->v[2] = id(t.v[0]));
	return sum(4, t.v) + t.p.x * 3 + t.p.y + (int)t.bits.hi + (int)t.bits.lo + t.u.s[1] +
			pts[1].x * 100 + pts[1].y + k;
}
static async int futures(int n)
{
	weft_future(step(NULL, 0)) st;
	weft_future(mk(0, 0)) m;
	weft_future(id) i1, i2;
	struct obj o = { n, step }, *po = &o;
	int r = 0, w;
		weft_start(st, step(po, await id(3)));
	weft_start(m, mk(await id(n), 2));
	weft_start(i1, id(n * 2));
	r = await i1 + (await m).x * (await st) + o.n;
	for (int k = 0; k < 3; k++) {
		weft_start(i1, id(k));
		if (k == 1) {
			weft_start(i2, id(40));
			w = await weft_select_biased(i1, slow(1, 9));
		} else
			w = await i1;
		r += w;
		if (k == 1)
			r += await i2;
	}
	return r;
}
static async int tasks(int n)
{
	int out[5] = { 0 }, total = 0;
	struct weft_task *t = weft_spawn(id(n));
	int got = 0, err;
	struct obj o = { 1, step };
	weft_scope (s)
		for (int i = 0; i < 5; i++)
			if (weft_spawn_in(&s, slow(out[i] = i * n, i)))
				break;
	weft_scope (s2) {
		defer total += 100;
		switch (n) {
		case 1:
			weft_try(weft_spawn_in(&s2, o.go(&o, 5)));
			break;
		case 2:
			weft_try(weft_spawn_in(&s2, o.go(&o, 6))); /* fall */
		default:
			total++;
		}
		if (n == 3)
			break;
		total += 1000;
	}
	err = await weft_task_join(t, &got);
	for (int i = 0; i < 5; i++)
		total += out[i];
	return total + got + o.n * 10000 + err;
}
static async int labels(int n)
{
	int r = 0, i = 0;
	if (n > 100) {
in:
		r += 3;
		{
			defer r += 7;
			if (await id(i) > 2)
				goto out;
			i++;
		}
		goto in;
	}
	if (n == 0)
		goto in;
	switch (n) {
		for (; i < 3; i++) {
		case 5:
			r += await id(i);
			{
				defer r *= 2;
				if (i == 1)
					continue;
				r++;
			}
		}
		break;
	case 6:
		i = 1;
		goto mid;
	case 7:
		do {
mid:
			r += await id(10);
		} while (++i < 3);
	}
out:
	return r * 10 + i;
}
typedef async int (*handler)(int);
static async int twice(int x)
{
	return await id(x) * 2;
}
static handler const handlers[2][2] = { { id, twice }, { twice, id } };
static async int apply(handler h, int n)
{
	return n ? await apply(h, n - 1) + await h(n) : await(n ? twice : h)(1);
}
static async handler choose(int n)
{
	return handlers[await id(n) & 1][await id(n >> 1) & 1];
}
static async int table(int n)
{
	int r = 0;
	for (size_t i = 0; i < 4; i++)
		r = r * 7 + await handlers[i / 2][i % 2](n + (int)i) +
				await apply(await choose((int)i), n);
	return r;
}
static async long double mixed(float f, char c, _Bool b, short s, long double ld)
{
	return await id((int)f) + c * b + s + ld / await id(2);
}
/* As many branches as there may be. */
#define EIGHT(b) b, b, b, b, b, b, b, b
#define SEVENTH(b) EIGHT(b), EIGHT(b), EIGHT(b), EIGHT(b), EIGHT(b), EIGHT(b), EIGHT(b)
static async int wide(int n)
{
	int got = 0, sum[8] = { 0 }, i = 0;

	i = await weft_select(SEVENTH(got = slow(1, 99)), EIGHT(got = id(n)));
	await weft_join(SEVENTH(id(n)), id(1), id(2), id(3), id(4), id(5), id(6), id(7),
			sum[7] = id(n));
	return (i >= 56) * 1000 + got + sum[7];
}
async int main(void)
{
	for (int i = 0; i < 9; i += 3)
		printf("%d %d %d\n", await odd_places(i), await targets(i), await futures(i));
	for (int i = 0; i < 4; i++)
		printf("%d ", await tasks(i));
	for (int i = 0; i < 9; i++)
		printf("%d ", await labels(i));
	for (int i = 0; i < 3; i++)
		printf("%d ", await table(i));
	printf("%d ", await wide(7));
	printf("%Lg\n", await mixed(1.5f, 'a', 2, -3, 5));
	return 0;
}
