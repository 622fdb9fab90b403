/* SPDX-License-Identifier: MIT */
/* Every place where the name of a local may stand, above all those where only its type counts, and types
 * that have no name or are declared late. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int id(int x)
{
	return x;
}
static int same(int x) { return x; } /* stays plain, for where it is called */

static int late(int x);

static int calls_late(void)
{
	return late(id(1));
}

struct part {
	short s;
};

struct whole {
	int x;
	struct part in[3];
	char t[4];
	unsigned bits : 3;
};

static struct {
	enum { UP = 3, DOWN } dir;
	struct {
		int v;
	} *in, at[2][2];
} place = { DOWN, NULL, { { { 1 } } } };

typedef struct {
	struct {
		int v;
	} deep;
} *pointer;

/* Between a caller and what it embeds. */
static struct late {
	int a;
} a_late = { 4 };

static struct late *find_late(void)
{
	return &a_late;
}

static int late(int x)
{
	__typeof__(a_late) v = { x };
	__auto_type w = *find_late();

	v.a += id(w.a);
	return v.a + (id(2) ? *find_late() : v).a + (x ? v : w).a + id(x);
}

static int choices(void)
{
	int x = 3, *p = &x;
	long y = id(4);
	int r = _Generic((__typeof__(x))0, int : 1, default : 2);

	*p += id(1);
	r += _Generic(y, __typeof__(x) : 10, __typeof__(y) : 20, default : 30);
	r += _Generic(&x, __typeof__(x) * : same(100), __typeof__((y)) * : same(200), default : 300);
	r += _Generic((char)x, __typeof__(x) : 1000, __typeof__((char)x) : 2000, default : 3000);
	r += __builtin_choose_expr(__builtin_types_compatible_p(__typeof__(x), int), x, (void)0);
	r += __builtin_choose_expr(sizeof x == 1, (void)0, x + 1);
	return r + x + (int)y;
}

static int sizes(void)
{
	struct whole v = { id(1), { { 1 }, { 2 } }, "abc", 2 }, *p = &v;
	int i = 2, w[sizeof(v.in) / sizeof(v.in[0])] = { [sizeof(i) - 2] = id(7) };

	_Static_assert(sizeof(v) == sizeof(struct whole), "sizeof");
	_Static_assert(_Generic((i), int : 1, default : 0), "_Generic");
	switch (id(5)) {
	case sizeof(i):
		i = 0;
		break;
	case _Alignof(__typeof__(i)) + 1 ... sizeof(i) * 2:
		i += id(1);
	}
	return (int)(offsetof(__typeof__(v), t) + __builtin_offsetof(struct whole, in[i].s)) + w[2] +
			(int)sizeof(id(i)) + (int)sizeof(int[sizeof(id(i))]) +
			(int)sizeof(p->in[id(0)].s) + (int)sizeof p->t +
			(int)sizeof(struct { char c[sizeof(i)]; }) +
			(int)sizeof(struct whole){ .x = id(1) }.t;
}

static int declared(int x)
{
	int y __attribute__((aligned(sizeof(x) * 4), unused)) = id(2), *py = &y;
	_Alignas(__typeof__(y)) char c = (char)id(1);
	_Alignas(sizeof(y)) char d = 1;
	char *pd = &d;
	int (*f)(__typeof__(x), int a[sizeof x]) = NULL;
	__typeof__(int (*)(int x)) g = NULL;
	__typeof__(struct { int x; }) k = { id(x) };
	typedef __typeof__(y) number;
	typedef struct {
		number a[sizeof(y)];
		__typeof__(y) *p;
	} numbers;
	typedef int lengths[sizeof(x)];
	numbers n = { { id(3) }, &y };
	lengths l = { 9 };
	int fwd(__typeof__(x) x);
	struct local {
		int x;
	} of = { 1 };
	enum { SEVEN = 7 };
	int take(struct local *, numbers (*)[SEVEN], char (*)[sizeof of], number);
	int (*taken)(struct local *, numbers (*)[SEVEN], char (*)[sizeof of], number) = NULL;
	struct outer {
		struct {
			char at[sizeof of];
			struct within {
				int n[sizeof of];
			} within;
		};
		char end;
		int wide;
	} __attribute__((packed, aligned(1))) outer = { { { 1 }, { { 2 } } }, 2, 3 };
	struct within within = { { 5 } };
	number (*element)(void), later;

	later = id(2);
	of.x += id(3);
	*n.p += id(1);
	later += (int)sizeof(outer) + outer.end + within.n[0] + !taken;
	element = NULL;
	return later + of.x + !element + *py + c + *pd + !f + !g + k.x + n.a[0] + (int)sizeof(numbers) / (int)sizeof(void *) + l[0];
}

static int members(void)
{
	struct whole v = { 1 };
	char c = (char)id('a');
	__typeof__(id(v.x)) of_call = 2;
	enum { ONE = sizeof(c), THREE = ONE + sizeof(int[sizeof(c)]) - 2, SAME = ONE == sizeof(v.t[0]) };
	struct {
		__typeof__(v.in) in;
		__typeof__(v.t[0]) t;
		int bits : sizeof(v.x);
		int wide __attribute__((aligned(__alignof__(c) * 16)));
		__typeof__(of_call) last;
		_Static_assert(sizeof(v.t) == 4, "member");
	} w = { { { (short)id(5) } }, 'c', -1, 6, id(of_call) };
	static char fixed[sizeof(v.x)] = { sizeof(v.x) };

	id(0);
	return w.in[0].s + w.t + w.bits + w.wide + w.last + v.x + fixed[0] + ONE + THREE * 10 + SAME * 100 +
			(int)sizeof w + c;
}

static int hidden(void)
{
	int x = 1, i = id(2);
	struct i {
		int i;
	} s = { i };
	union {
		int i;
	} u = { .i = i };

	{
		int (*x)(void) = NULL;

		i += id(!x);
	}
	{
		typedef char x;
		x y = (x)id(3);

		i += id(y) + (int)sizeof(x);
	}
	{
		enum { x = 9 };
		char q[sizeof(x)] = { x };

		i += id(q[0]) + (int)sizeof(x);
	}
i:
	s.i += id(i);
	if (s.i < 40)
		goto i;
	for (__typeof__(x) i = 0; i < 3; i++)
		u.i += id(i);
	return x + i + s.i + u.i + ({ __label__ out; int y = x; if (y > 2) goto out; y = id(1); out: y; });
}

static int operands(void)
{
	int x = 3, y = id(4), z = 1;

	__asm__("" : "+r"(x), "=r"(z) : "1"(z), "m"(y) : "memory");
	__asm__("# %[named]" : [named] "+m"(x));
	__asm__ volatile("" : : "i"(sizeof(x)), "X"(y));
	y += id(x);
	return x + y + z;
}

static int without_name(void)
{
	__typeof__(place.at[0]) v = { { id(4) }, { 5 } };
	__auto_type w = place.at[0][0];
	__typeof__(*place.in) u = { 7 };
	__typeof__(((pointer)0)->deep) d = { id(8) };
	__typeof__(*(pointer)0) e = { { 9 } };
	__typeof__(place.dir) up = UP;

	e.deep = d;
	up += id(1);
	return v[1].v + w.v + u.v + e.deep.v + (int)up + (id(1) ? d : e.deep).v +
			(id(0), place.at[0][0]).v;
}

static int atomics(void)
{
	_Atomic int a = id(1), *p = &a;
	int plain = 2, other = id(6);

	a += id(2);
	atomic_fetch_add(&a, id(3));
	(*p)++;
	atomic_store(p, atomic_load(p) + id(1));
	if (atomic_compare_exchange_strong(&a, &(int){ id(8) }, id(20)))
		a |= id(1);
	other += __atomic_fetch_add(&plain, id(1), __ATOMIC_SEQ_CST);
	__atomic_store_n(&plain, other + id(1), __ATOMIC_RELAXED);
	return atomic_exchange(&a, id(5)) + a + id(other) + plain;
}

/* What a second `x` might be called is a name as well. */
static int numbered(void)
{
	int x = id(1), x__2 = id(2), x__3 = id(3), args__2 = id(7);
	{
		int x = id(4), args = id(8);
		{
			int x = id(5);
			x__2 += id(x) + args;
		}
		x__3 += id(x) + args__2;
	}
	return x + 10 * x__2 + 100 * x__3;
}

int main(void)
{
	printf("%d %d %d %d\n", calls_late(), choices(), sizes(), declared(id(6)));
	printf("%d %d %d %d %d %d\n", numbered(), members(), hidden(), operands(), without_name(), atomics());
	return 0;
}
