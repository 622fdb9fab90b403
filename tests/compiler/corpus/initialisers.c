/* SPDX-License-Identifier: MIT */
/* Initialisers of every shape, of locals that are kept across awaits. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>

struct in {
	int x, y;
};
struct out {
	struct in in[3];
	const char *name;
	char text[6];
	union {
		int i;
		double d;
	} u;
	struct {
		int anonymous;
		struct in deep;
	};
	unsigned flag : 1, rest : 7;
	int (*call)(int);
};

static int id(int x) { return x; }
static int plain(int x) { return x + 1; }
static struct in in(int x) { return (struct in){ x, -x }; }

static int show(const struct out *o)
{
	printf("%d %d %d %d %d %d %s %.6s %d %d %d %d %u %u %d\n", o->in[0].x, o->in[0].y, o->in[1].x, o->in[1].y,
			o->in[2].x, o->in[2].y, o->name ? o->name : "-", o->text, o->u.i, o->anonymous,
			o->deep.x, o->deep.y, o->flag, o->rest, o->call ? o->call(1) : -1);
	return id(1);
}

static void structs(int n)
{
	struct out zero = { 0 }, empty = {}, nested = { { { 1, id(2) }, { id(3) } }, "name", "text", { 4 } };
	struct out flat = { 1, 2, id(3), 4, 5, id(6), "flat", { 'f', (char)id('l') }, 7, id(8), 9, 10, 1, id(11), plain };
	struct out designated = { .text = "abcdef", .in[1] = in(n), .in[2].y = id(5), .deep.y = id(6),
		.u.d = 0, .flag = (unsigned)id(1), .call = plain };
	struct out mixed = { .in = { [1].x = id(7), 8, [0] = { id(9) } }, .anonymous = id(10), { 1, id(2) }, 1 };
	struct out copy = designated, list[] = { zero, [2] = nested, { .name = "three" }, designated };
	struct in pair = in(id(3)), *to = &pair, rows[][2] = { { in(1), { id(2), 3 } }, { [1] = in(4) } };

	copy.in[0] = *to;
	show(&zero);
	show(&empty);
	show(&nested);
	show(&flat);
	show(&designated);
	show(&mixed);
	show(&copy);
	for (unsigned i = 0; i < sizeof list / sizeof *list; i++)
		show(&list[i]);
	printf("%d %d %d\n", rows[0][1].x, rows[1][1].y, rows[1][0].x);
}

static int arrays(int n)
{
	int a[] = { 1, id(2), 3 }, b[5] = { [1] = id(4), [4] = 5 }, c[] = { [3 ... 5] = 6, id(7) };
	int d[2][3] = { 1, 2, 3, id(4) }, e[][2] = { { 1 }, { id(2), 3 }, { 4 } }, f[3] = {}, g[4] = { 0 };
	int h[] = { [2] = id(1), [0] = 9, [1] = 8 }, i[] = { [0 ... 3] = 1, [1] = 2 }, j[1000] = { id(n) };
	struct in k[] = { { .y = id(1) }, in(2), [3] = { id(3), 4 } };
	int *l[] = { a, b + 1, &c[id(2)], NULL }, (*m)[3] = d + id(1);
	int r = 0;

	id(0);
	for (unsigned x = 0; x < sizeof c / sizeof *c; x++)
		r = r * 3 + c[x];
	r += a[1] + b[1] + b[4] + b[2] + d[1][0] + d[1][2] + e[1][1] + e[2][0] + f[2] + g[3] + h[0] + h[2] +
			i[0] + i[1] + i[3] + j[0] + j[999] + k[0].y + k[1].y + k[3].y + k[2].x + *l[1] + *l[2] +
			(*m)[0] + (int)(sizeof e + sizeof i + sizeof k);
	return r;
}

static int strings(int n)
{
	char a[] = "abc", b[10] = "def", c[3] = "ghi", d[] = { "braces" }, e[2][4] = { "one", { "two" } };
	char f[] = "con" "cat", g[] = { 'x', (char)id('y'), 0 }, h[4] = "", i[] = "esc\"\\\n\0end";
	wchar_t w[] = L"wide", v[8] = L"w";
	const char *p = "pointer", *q[] = { "a", "b", [3] = "d" };
	unsigned char u[] = "unsigned";
	char big[2000] = "big", *s = &b[id(1)];

	id(n);
	a[0]++;
	return a[0] + b[9] + c[2] + d[5] + e[1][2] + f[5] + g[1] + h[3] + i[7] + (int)sizeof i + (int)w[3] +
			(int)v[7] + p[3] + *q[3] + u[7] + big[1] + big[1999] + *s + (int)strlen(f) + (int)sizeof w;
}

static int scalars(int n)
{
	int a = { id(1) }, b = { 2 }, c = { id(3), }, *p = { &a };
	double d = { id(4) };
	char e = { 'e' };
	_Bool f = { id(256) };
	struct in g = { id(5), }, h = (struct in){ id(6), 7 }, i = id(n) ? g : h;
	float _Complex z = { 0 };

	id(0);
	return a + b + c + *p + (int)d + e + f + g.x + g.y + h.x + i.x + (int)__real__ z;
}

static int in_loop(int n)
{
	int r = 0;

	for (int i = 0; i < n; i++) {
		struct in fresh = { .x = id(i) };
		char text[4] = { 'a' };
		int zero[3] = { 0 }, ones[3] = { 1, 1 };

		r += fresh.y + text[1] + zero[i % 3] + ones[id(i) % 3] * 7;
		ones[1] = 5;
		fresh.y = text[1] = (char)(zero[i % 3] = 50);
		r += fresh.x + id(fresh.y);
	}
	return r;
}

int main(void)
{
	structs(3);
	printf("%d\n", arrays(4));
	printf("%d\n", strings(5));
	printf("%d\n", scalars(6));
	printf("%d\n", in_loop(7));
	return 0;
}
