/* SPDX-License-Identifier: MIT */
/* T11, T13, T22: cleanups at all exits, also those of a `for`, and declarations that move into the frame,
 * against what the same program prints without awaits (-DPLAIN). */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stddef.h>
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
struct node { struct node *self; int v; };
static int plus1(int x) { return x + 1; }
static int plus2(int x) { return x + 2; }
static void bye(int *p) { put(*p + 1000); }
static void byep(char **p) { put((*p)[0]); free(*p); }
#define CLEAN(f) __attribute__((cleanup(f)))
#define SWAP(a, b) do { __typeof__(a) tmp_ = (a); (a) = (b); (b) = tmp_; } while (0)
#define MAX(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
static async int decls(int n)
{
	__label__ lab; struct node me = { &me, await id(n) }, *chain[2] = { &me, me.self };
	void *p = &p; int *q = malloc(sizeof *q * (size_t)await id(3)); q[2] = await id(8);
	int (*const fns[])(int) = { plus1, [2] = plus2, [1] = await id(1) ? plus2 : plus1 };
	int (*(*pf)[3])(int) = (void *)&fns; int (*one)(int) = plus1, two = await id(2), *three = &two;
	char s3[3] = "abc", s5[5] = { "ab" }, *sp = s3, (*ap)[3] = &s3; const char cs[] = { 'a', 'b', await id('c'), 0 };
	struct { const int a; struct { int b[2]; } in; struct node *l; } const x = { await id(4), { { 1, await id(5) } }, .l = chain[0] };
	typedef struct { int t; } T; T ts[2] = { { await id(6) }, { 7 } }; typedef int row[3]; row rows[2] = { { 1 }, { 2, await id(3) } }; const row *pr = rows;
	long double ld[2] = { 1.5L, await id(2) }; _Complex float cf = await id(3); struct { } empty; (void)empty; int zero[0]; (void)zero;
	_Static_assert(sizeof ts == 8, "x"); bool b1 = await id(4), b2 = !await id(4); unsigned long long bits = 1ULL << await id(40);
	__auto_type at = await id(9) * 2.5; __typeof__(at) at2 = at; const __typeof__(x) *px = &x; int again = 0;
	static int (*sfn)(int) = plus2; enum e { A = 5, B } en = await id(1) ? B : A; _Alignas(64) char al[3] = { 1, 2, 3 };
	int mat[2][2][2] = { { { 1, await id(2) }, { 3 } }, { [1] = { [1] = await id(9) } } }; size_t off = offsetof(struct node, v) + (size_t)await id(1);
	put(me.self == &me && chain[1] == &me); put(p == &p); put(q[2]); put((*pf)[1](await id(10)) + fns[2](1) + one(two) + *three); free(q);
	put(sp[2] + (*ap)[0] + s5[1] + s5[4] + cs[2]); put(x.a + x.in.b[1] + x.l->v); put(ts[0].t + ts[1].t + rows[1][1] + pr[await id(1)][0]); put((long)(ld[0] * ld[1]) + (long)__real__ cf);
	put(b1 + b2); put((long)(bits >> 38)); put((long)(at2 * 10)); put(px->in.b[await id(0)]); put(sfn(await id(1))); put(en); put(((unsigned long)al) % 64 + al[await id(2)]); put(mat[0][0][1] * 100 + mat[1][1][1]); put((long)off);
lab:	if (again++ < await id(2)) goto lab;
	SWAP(two, again); SWAP(ts[0], ts[await id(1)]); put(two * 100 + ts[0].t); put(MAX(await id(3), await id(again) + 1)); put(MAX(MAX(await id(1), 2), await id(1)));
	__asm__ volatile("" : "+r"(two), "=m"(again) : "r"(n), "m"(al[0]) : "memory"); put(two);
	return again;
}
static async int cleanups(int n)
{
	CLEAN(bye) int a = await id(n); CLEAN(byep) char *m = strdup("q");
	for (CLEAN(bye) int i = 0; i < 3; i++) { CLEAN(bye) int j = i * 10; if (await id(i) == n) continue; if (i + n == 4) break; m[0] = (char)('a' + i); { CLEAN(bye) int k = await id(j + 5); if (n == 7 && i == 1) return k; if (n == 8) goto out; } a++; }
	switch (await id(n)) { case 1: { CLEAN(bye) int insw = 1; (void)await id(2); break; } case 2: a = await id(2); break; default: { CLEAN(bye) int insw = await id(9); if (n == 3) goto out; } }
	if (n & 1) { CLEAN(bye) int z = 50; a += await id(z); } else { CLEAN(bye) int z = 60; return z + await id(1); }
out:	put(m[0]); return a;
}
struct acc { long total; int (*add)(struct acc *, int); };
static int add(struct acc *a, int n) { a->total += n; return (int)a->total; }
static async struct acc make(int n) { struct acc a = { await id(n), add }; return a; }
static async int chain(int n)
{
	struct acc a = await make(n), *pa = &a, arr[2] = { await make(1), await make(2) };
	int r = a.add(&a, await id(3)) + (await make(5)).add(pa, await id(1)) + pa->add(pa, pa->add(pa, await id(1)));
	arr[await id(1)].total += arr[0].add(&arr[1], await id(4)) * await id(2);
	for (pa = arr; pa < arr + await id(2); pa++) r += (int)pa->total;
	return r + (int)(await id(1) ? a : arr[0]).total + (int)(*(await id(0) ? &a : &arr[1])).total;
}
static async void voids(int n, int *out) { if (n > 3) return (void)(*out += await id(n)); if (!n) { *out = -1; return; } await voids(n - 1, out); *out += n; }
static async int deep(int n)
{
	int r = 0;
	for (int i = 0; i < n; i++) for (int j = i; j < await id(n); j++) { int k = j; while (k --> 0) { if (await id(k) == 2) goto next; switch (k) { case 1: for (int q = 0; ; q++) { if (q == await id(2)) break; if (q == 1 && i) goto next; r += q; } break; case 3: { r += 1000; continue; } default: do r++; while (await id(0)); } r += k; }
next:	r *= 1; }
	return r;
}
static async int vm(const char *code)
{
	int stack[16], sp = 0, pc = 0;
	for (;;) switch (code[await id(pc++)]) {
		case '0' ... '9': stack[sp++] = code[pc - 1] - '0'; continue;
		case '+': { int b = stack[--sp], a = stack[--sp]; stack[sp++] = await id(a) + await id(b); break; }
		case '*': sp--; stack[sp - 1] *= await id(stack[sp]); break;
		case 'd': stack[sp] = stack[sp - 1]; sp++; break;
		case 's': SWAP(stack[sp - 1], stack[sp - 2]); break;
		case 'j': if (stack[sp - 1]-- > await id(0)) pc -= 3; else sp--; break;
		case 'e': goto done; default: return -1;
	}
done:	return stack[await id(0)] * 100 + sp;
}
async int main(void)
{
	int o = 0;
	for (int i = 0; i < 3; i++) put(await decls(i));
	for (int i = 0; i < 9; i++) put(await cleanups(i));
	for (int i = 0; i < 3; i++) put(await chain(i));
	for (int i = 0; i < 6; i++) { await voids(i, &o); put(o); }
	for (int i = 0; i < 6; i++) put(await deep(i));
	put(await vm("34+2*d+e")); put(await vm("5d*9s?")); put(await vm("79+35*s+e"));
	printf("\n%lu\n", crc);
	return 0;
}
