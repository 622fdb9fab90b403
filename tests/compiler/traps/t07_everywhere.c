/* SPDX-License-Identifier: MIT */
/* T7, T13: an await in every place of every kind of expression and declaration, against what the same
 * program prints without them (-DPLAIN). */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef PLAIN
#define async
#define await
#else
#include <weft.h>
#include <weft/async.h>
#endif
static unsigned long crc = 5381;
static void put(long n) { crc = crc * 33 + (unsigned long)n; printf(" %ld", n); }
#ifdef PLAIN
static int id(int x) { return x; }
#else
static async int id(int x) { (void)await weft_yield(); return x; }
#endif
typedef int v4 __attribute__((vector_size(16)));
struct flex { int n; char data[]; };
struct pt { int x, y; };
struct line { struct pt a, b; const char *name; };
union un { struct pt p; long l; char c[16]; };
static async struct pt mkpt(int x, int y) { return (struct pt){ await id(x), await id(y) }; }
static async struct line mkline(struct pt a, struct pt b) { struct line l = { .b = b, .a = a, .name = "ab" }; l.a.x += await id(0); return l; }
static async v4 vec(int n) { v4 v = { n, await id(n + 1), n + 2, n + 3 }; return v * await id(2); }
static async __int128 wide(int n) { return (__int128)await id(n) << 100; }
static async _Complex double cplx(int n) { return await id(n) + 2.0i; }
static async bool truth(int n) { return await id(n); }
static async unsigned char narrow(int n) { return (unsigned char)await id(n); }
static async void nothing(int *p) { *p += await id(1); }
static async int arrays(int a[static 3], int m[][3], const char *const s[restrict], int n)
{
	a[await id(0)] += m[await id(1)][await id(2)];
	for (int i = 0; i < n; i++) a[i] += (int)strlen(s[await id(i)]);
	n = await id(n) * 2; return n + a[0] * 100 + a[1] * 10 + a[2];
}
static async int locals(int n)
{
	enum colour { RED = 3, GREEN } c = GREEN;
	struct local { enum colour c; struct { int deep; } in; } l = { .in.deep = await id(7), .c = RED };
	{ struct local { char other[3]; } l = { "xy" }; put(l.other[await id(1)]); enum { RED = 50 }; put(RED); }
	static int counter = 10; counter += await id(1);
	static const int primes[] = { 2, 3, 5, 7 };
	extern int global_thing; int helper(int);
	int arr[] = { [3] = await id(4), [1] = await id(2) }, (*parr)[4] = &arr, *parts[2] = { arr, &arr[2] };
	char text[] = "hello", big[100] = { [99] = 'z' }, two[][4] = { "abc", "def" };
	union un u = { .p = { await id(1), await id(2) } };
	struct flex *f = malloc(sizeof *f + 10); f->n = await id(3); memcpy(f->data, "xyz", 4);
	v4 v = await vec(n);
	const int k = await id(n) + 1; volatile int vol = k; _Atomic int at = await id(5); at += await id(2);
	register int reg = await id(9);
	put(c); put(l.c + l.in.deep); put(counter); put(primes[await id(2)]); put(helper(await id(global_thing)));
	put((*parr)[3] + *parts[1] + parts[0][1]); put(text[await id(4)]); put(big[await id(99)]); put(two[await id(1)][1]);
	put(u.p.y); put(f->data[await id(1)] + f->n); put(v[0] + v[3]); put(vol + at + reg);
	free(f);
	return (int)sizeof arr + (int)sizeof text + (int)sizeof(struct local) + (int)_Alignof(struct local);
}
#undef bits
int global_thing = 6;
int helper(int n) { return n * 7; }
static async int flow(int n)
{
	int r = 0;
	for (struct { int i; int lim; } s = { 0, n }; s.i < s.lim; s.i += await id(1)) {
		if (await id(s.i) == 3) goto skip;
		switch (await id(s.i) + n) {
		case 0 ... 4: r += 1; break;
		case 5: { int inner = await id(10); r += inner; } /* fall through */
		case 6: r += 100; if (await id(1)) break; r += 1000;
		default: { static int dflt; dflt += await id(1); r += dflt; continue; }
		}
		do { int q = await id(r); if (q % 2) { r++; break; } r += 3; } while (await id(r) < 20 && (await id(1), r % 5));
skip:		r += await id(2);
		while (1) { int w = await id(r); if (w > 10) break; else if (w == 5) { r += 2; continue; } r++; }
	}
	if (await id(r) > 50) { if (await id(n) > 5) r = -r; else r *= 2; } else if (await id(0)) r = 0; else r++;
	return r;
}
static async int exprs(int n)
{
	int a = n, b = await id(n + 1), *p = &a, arr[5] = { 0, 1, 2, 3, 4 }; struct pt pts[3] = { { 1, 2 }, await mkpt(3, 4), { .y = await id(6) } };
	struct line l = await mkline(await mkpt(1, 2), pts[await id(1)]);
	a = b = await id(a) + b++ * 0;
	*p++ += await id(1); p = arr;
	*(p += await id(1)) *= await id(5);
	arr[arr[await id(2)]] = arr[await id(3)]-- - --arr[await id(4)];
	a += (await id(1) ? nothing, await id(2) : await id(3)), b -= await id(1) ? 1 : 2;
	pts[await id(0)].x <<= await id(3); (&pts[1])->y |= await id(8); (await id(1) ? pts : pts + 1)[1].x ^= 1;
	put(a); put(b); for (int i = 0; i < 5; i++) put(arr[i]); put(pts[0].x); put(pts[1].y); put(pts[1].x); put(l.a.x * 1000 + l.b.y); put(l.name[await id(1)]);
	put((long)((await wide(3)) >> 98)); put((long)(__imag__ await cplx(4)) + (long)__real__(await cplx(5))); put(await truth(256) + await narrow(258));
	put((await mkline((struct pt){ await id(1), 2 }, (struct pt){ 3, await id(4) })).b.y + (await mkpt(5, 6)).x);
	put(({ int x = await id(3); int y = ({ await nothing(&x); x * 2; }); if (y > 100) goto out; y + await id(1); }));
	put(!await id(0) && (await id(0) || await id(5)) ? await id(1) ?: 9 : -1); put(await id(0) ?: await id(77));
	put(await id(1) < await id(2) == await id(1)); put(-await id(3) + +await id(4) - ~await id(5)); put(sizeof(await id(3)) + sizeof a);
	put((char)await id(300) + (unsigned char)await id(-1)); put((a = await id(5), b = a + await id(1), b * a));
	put("string"[await id(2)]); put(arr[(await id(1), 2)]); put(await id(await id(await id(3)) + await id(await id(4)))); put(((long)await id(7) << 33) >> 31);
	(void)await id(3); await id(4); (await id(1)) ? put(1) : put(2); await id(0) ? (void)0 : await nothing(&a); put(a);
out:	return a;
}
static async int recurse(int depth, struct line l) { char pad[64]; memset(pad, depth, sizeof pad); if (!depth) return l.a.x + pad[3]; l.a.x += depth; int below = await recurse(depth - 1, l); return below + pad[63] + l.a.x; }
async int main(void)
{
	int a[3] = { 1, 2, 3 }, m[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
	put(await arrays(a, m, (const char *const[]){ "a", "bb", "ccc" }, 3));
	for (int i = 0; i < 4; i++) put(await locals(i));
	for (int i = 0; i < 9; i++) put(await flow(i));
	for (int i = 0; i < 3; i++) put(await exprs(i));
	put(await recurse(20, (struct line){ { 1, 2 }, { 3, 4 }, "x" }));
	printf("\n%lu\n", crc);
	return 0;
}
