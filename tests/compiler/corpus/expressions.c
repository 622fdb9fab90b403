/* SPDX-License-Identifier: MIT */
/* Operators with awaits among their operands, wherever C says in which order things happen. */
#include <stdarg.h>
#include <stdio.h>

struct s {
	int a, *p;
	struct {
		int deep[3];
	} in;
	unsigned bits : 5;
};

static int said;
static struct s global = { .in.deep = { 7, 8, 9 } };

static int id(int x) { return x; }
static int same(int x) { return x; } /* stays plain, for where it is called */
static int say(int x)
{
	said = said * 10 + x;
	return x;
}
static int *address(int *p) { return p; }
static struct s *get(struct s *s) { return s; }
static struct s make(int a) { return (struct s){ a, NULL, { { a, a + 1, a + 2 } }, 3 }; }
static const char *text(int i) { return i ? "true" : "false"; }
static int sum(int count, ...)
{
	va_list list;
	int r = 0;

	va_start(list, count);
	while (count--)
		r += va_arg(list, int);
	va_end(list);
	return r;
}

static int logic(int a, int b, int c)
{
	int r = 0;

	said = 0;
	r = r * 2 + (say(a) && say(b));
	r = r * 2 + (say(a) || say(b));
	r = r * 2 + (say(a) && say(b) || say(c));
	r = r * 2 + ((say(a) || say(b)) && say(c));
	r = r * 2 + !(say(a) && (say(b) || !say(c)));
	r = r * 2 + (a && say(b) && c);
	r = r * 2 + (a || say(b) || c);
	r += say(a) ? say(2) : say(3);
	r += a ? say(4) : 5;
	r += a ? b ? say(6) : say(7) : c ? say(8) : say(9);
	r += (a ? say(1), say(2) : (say(3), say(4)));
	r += say(a) ?: say(5);
	r += a ?: say(6);
	r += say(b) ?: c ?: say(7);
	(void)(say(a) && say(b));
	a && say(1);
	a || say(2);
	a ? (void)say(3) : (void)say(4);
	if (say(a) && say(b) || say(c))
		r += 1000;
	if (!say(a))
		r += 2000;
	return r;
}

static int arithmetic(int x)
{
	int r = id(x) + id(x) * id(2) - (id(9) / id(2) % id(3) << id(2) >> id(1));

	r ^= ~id(x) & (id(12) | id(3));
	r += -id(x) + +id(2) + !id(0) + (id(x) > id(2)) + (id(x) == id(x)) * 2;
	r += (int)sizeof(int) * id(2) + (char)id(300) + (int)(double)id(3) + (unsigned char)-id(1);
	r += *&x + *address(&x) + (*address(&r) > 0);
	r += "string"[id(2)] + id(1)["ab"] + (id(2))[(int[]){ 1, 2, 3 }];
	return r;
}

static int members(void)
{
	struct s s = make(4), *p = get(&s), **pp = &p;
	int r = get(&s)->a + (*get(p)).in.deep[id(1)] + make(5).in.deep[id(2)] + (**pp).a;

	s.p = &s.a;
	r += *get(p)->p + get(p)->in.deep[get(p)->in.deep[0] - 4] + global.in.deep[id(2)];
	get(p)->a = id(50);
	get(p)->in.deep[id(0)] += id(3);
	get(p)->bits = (unsigned)id(33);
	p->bits += (unsigned)id(4);
	++get(p)->a;
	get(p)->a--;
	(*pp)->in.deep[1] <<= id(2);
	*address(&s.in.deep[2]) *= id(-1);
	r += s.a + s.in.deep[0] + s.in.deep[1] + s.in.deep[2] + (int)s.bits;
	return r;
}

static int assignments(int x)
{
	int a, b, c = id(1), array[4] = { 0 };
	long wide;
	char narrow;

	a = b = c = id(x);
	a += b -= c *= id(2);
	array[id(1)] = array[id(2)] = id(5);
	wide = narrow = (char)id(300);
	a = (b = id(2), c = id(3), b + c);
	b = id(4) + (c = 6);
	x = x + id(x);
	x += x + id(1);
	x -= id(x) - x;
	x = id(x) ? x : -x;
	x |= id(8) | (x & id(4));
	array[0] = id(array[1]) + array[2];
	array[3] += array[0] + id(array[0]);
	{
		int *p = array;

		*p++ = id(9);
		*++p = id(11);
		p[id(1)] += 1;
		*(p - id(1)) = *p;
	}
	return a + b * 2 + c * 3 + (int)wide + array[0] + array[1] * 2 + array[2] * 3 + array[3] * 5 + x * 7;
}

/* The right side first, the left side's address after it. */
static int right_first(void)
{
	int array[3] = { 1, 2, 3 }, *p = array;

	*p = id(5);
	p[0] += id(2);
	return array[0];
}

static int side_effects(void)
{
	int i = 0, r;

	said = 0;
	r = (say(1), say(2), say(3));
	r = sum(3, say(4), 5, 6) + r;
	r += (i++, say(i)) + 1;
	i = (say(6), i) + 1;
	r = say(7) + (say(8), r);
	say(9), r++;
	return said + r + i;
}

static int calls(int x)
{
	int r = id(id(id(x) + 1) + id(2));

	r += sum(id(3), id(1), id(2) + id(3), id(id(4)));
	r += sum(4, 1, id(2), text(id(1))[id(0)], make(id(5)).a);
	printf("%d %s %s %d %c\n", id(1), text(id(0)), id(x) ? "yes" : text(0), sum(1, id(2)), id('c'));
	r += printf("%s\n", text(id(x)));
	(same)(x);
	((same))((id(x)));
	(void)id(x);
	return r;
}

static void nothing(int x)
{
	(void)id(x);
}

/* Commas without parentheses: whatever is stored is the last of them. */
static int last(int x)
{
	return id(x), 2;
}

static int commas(int x)
{
	int a = id(x) ? id(3), 4 : (id(5), 6), b = x ? 7, 8 : id(2);
	char c = id(x) ? nothing(1), ',' : '"';

	a += ({ int d = id(3); d, d + 1; }) + ({ id(1), 5; }) + last(x);
	return nothing(a), a + b * 100 + c;
}

/* What has been chosen is needed after the next call. */
static int chosen_before(int a, int b)
{
	int both = (id(a) && id(b)) + id(10), one = (id(a) || id(b)) + id(20);
	int either = (id(a) ? id(b) : id(5)) * id(100), first = (id(a) ?: id(b)) - id(30);
	int last = ({ int x = id(a); id(x + b); }) + id(1000);

	return both + one + either + first + last;
}

int main(void)
{
	for (int i = 0; i < 4; i++)
		printf("chosen %d\n", chosen_before(i & 1, i >> 1));
	for (int i = 0; i < 8; i++) {
		int r = logic(i & 1, i >> 1 & 1, i >> 2);

		printf("logic %d: %d %d\n", i, r, said);
	}
	printf("%d\n", arithmetic(5));
	printf("%d\n", members());
	printf("%d\n", assignments(3));
	printf("%d\n", right_first());
	printf("%d\n", side_effects());
	printf("%d\n", calls(3));
	printf("%d %d\n", commas(1), commas(0));
	return 0;
}
