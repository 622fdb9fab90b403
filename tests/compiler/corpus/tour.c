/* SPDX-License-Identifier: MIT */
/* A bit of everything. */
#include <stdio.h>
#include <string.h>
int g;
int id(int x) { return x; }
int bump(void) { return ++g; }
void say(const char *s) { printf("%s\n", s); }
struct s { int a; long b; char c[5]; };
struct s mk(int a) { struct s r = { a, a * 2, "abc" }; return r; }
int duff(char *to, const char *from, int count)
{
	int n = (count + 7) / 8;
	switch (id(count % 8)) {
	case 0: do { *to++ = *from++; id(1);
	case 7:      *to++ = *from++;
	case 6:      *to++ = *from++; id(2);
	case 5:      *to++ = *from++;
	case 4:      *to++ = *from++;
	case 3:      *to++ = *from++; id(3);
	case 2:      *to++ = *from++;
	case 1:      *to++ = *from++;
		} while (id(--n) > 0);
	}
	return n;
}
int loops(void)
{
	int total = 0;
	for (int i = id(0), j = id(10); id(i) < id(j); i += id(1), j -= 0) {
		if (i == id(3)) continue;
		if (i == 7) break;
		total += i * 10;
		int k = 3;
		do { total++; if (k == 2) continue; total += id(k); } while (id(--k));
	}
	return total;
}
int gotos(int n)
{
	int i = 0, r = 0;
again:
	if (i < id(n)) {
		int t = id(i) + 1;
		r += t;
		i++;
		if (r > 100) goto out;
		goto again;
	}
out:
	return r;
}
int shadow(int x)
{
	int r = x;
	{ int x = id(r + 1); r += x; { int x = id(r); r += x; } r += x; }
	return r + x;
}
int logic(int a, int b)
{
	int r = 0;
	r |= (id(a) && id(b)) << 0;
	r |= (id(a) || bump()) << 1;
	r |= (id(a) ? id(b) : bump()) << 2;
	r += (bump(), id(r)) ;
	r += id(a) ?: id(7);
	r += ({ int z = id(b); z * 2 + bump(); });
	return r;
}
int order(void)
{
	int x = 1, a[3] = { 1, 2, 3 };
	x = x++ + id(5);
	a[id(1)] = id(2) + a[id(0)];
	a[0] += id(a[1]) + bump();
	return x * 1000 + a[0] * 100 + a[1] * 10 + a[2];
}
int locals(int n)
{
	struct point { int x, y; } p = { id(n), 2 }, *q = &p;
	enum color { RED = 5, GREEN } c = id(GREEN);
	typedef struct point pt;
	pt r = { .y = id(4) };
	const int k = id(3);
	static int calls = 10;
	char s[] = "hello", b[sizeof s];
	int m[2][3] = { { 1, 2 }, { id(3) } };
	memcpy(b, s, sizeof b);
	id(0);
	q->x += c; calls++;
	return p.x + p.y + r.y + k + calls + b[1] + m[1][0] + m[0][1] + m[1][2] + (int)sizeof b;
}
int cl(int v)
{
	int *q = (int[]){ v, v + 1 };
	struct s *w = &(struct s){ id(v), 3, "xy" };
	id(0);
	return q[0] + q[1] + w->a + w->c[1];
}
long fact(int n) { return n < 2 ? 1 : n * fact(n - 1); }
int even(unsigned n); int odd(unsigned n) { return n == 0 ? 0 : even(n - 1); }
int even(unsigned n) { return n == 0 ? 1 : odd(n - 1); }
struct bits { unsigned a : 3, b : 5; } bits(int x) { struct bits b = { id(x), id(x + 1) }; b.a += id(1); return b; }
int nested_switch(int a, int b)
{
	int r = 0;
	switch (id(a)) {
	case 1:
		switch (id(b)) { case 1: r = 11; break; case 2: r = 12; default: r += id(100); }
		break;
	case 2: for (;;) { if (id(b)) { r = 2; break; } break; }
	default: r += 1000;
	}
	return r;
}
int main(int argc, char **argv)
{
	char to[30] = { 0 };
	duff(to, "the quick brown fox jumps", 20);
	say(to);
	printf("%d %d %d\n", loops(), gotos(30), shadow(3));
	for (int i = 0; i < 4; i++) printf("logic %d\n", logic(i & 1, i >> 1));
	printf("order %d\n", order());
	printf("locals %d %d\n", locals(3), locals(4));
	printf("cl %d fact %ld even %d\n", cl(20), fact(10), even(101));
	printf("bits %u %u\n", bits(3).a, bits(3).b);
	printf("struct %ld %s %c\n", mk(4).b, mk(5).c, mk(6).c[id(1)]);
	for (int i = 0; i < 9; i++) printf("ns %d\n", nested_switch(i / 3, i % 3));
	printf("%s %d\n", __func__, argc);
	return id(3);
}
