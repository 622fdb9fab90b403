/* SPDX-License-Identifier: MIT */
/* const, volatile, _Atomic, alignment, attributes, _Generic, typeof: what a type carries goes along. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KIND(x)                                                                                    \
	_Generic((x), int : "int", const int : "const int", char : "char", short : "short",        \
			unsigned : "unsigned", long : "long", double : "double", float : "float",  \
			int * : "int *", const int * : "const int *", char * : "char *",           \
			const char * : "const char *", volatile int * : "volatile int *",          \
			struct constant : "struct constant", default : "other")
#define ADDRESS_KIND(x) KIND(&(x))

struct constant {
	const int a;
	const char name[8];
	int free;
};
struct volatiles {
	volatile int v;
	const volatile int cv;
};
typedef int aligned_int __attribute__((aligned(64)));
typedef int __attribute__((may_alias)) any_int;
typedef char vector __attribute__((vector_size(32)));

static int id(int x) { return x; }
static int same(int x) { return x; } /* stays plain, for where it is called */
static struct constant make(int a) { return (struct constant){ a, "made", a * 2 }; }
static struct constant same_constant(int a) { return (struct constant){ a, "same", a }; }
static int take(const struct constant c, struct constant d) { return c.a + d.free + c.name[0]; }

static int constants(int n)
{
	const int a = id(n), b = a + id(1);
	int const *const p = &a, *q = &b;
	const struct constant c = make(a), d = { .a = id(7), .name = "local" };
	const char text[] = "constant", *const s = text + id(3);
	const int grid[2][2] = { { id(1), 2 }, { 3, id(4) } };
	const double pi = id(3) + 0.14;
	const bool yes = id(1);
	struct constant copies[] = { make(id(1)), make(2), { 3, "x", 4 } };
	const union {
		int i;
		float f;
	} u = { .i = id(9) };

	id(0);
	return *p + *q + c.a + d.a + d.name[0] + *s + grid[1][1] + (int)(pi * 100) + yes + copies[1].free +
			u.i + take(c, make(id(5))) + make(id(6)).name[1] + copies[2].name[0];
}

static int volatiles(int n)
{
	volatile int v = id(n), array[3] = { id(1), 2, 3 };
	volatile const int cv = id(2);
	volatile struct volatiles s = { .v = id(3), .cv = 4 };
	int *volatile p = (int *)&n;
	volatile bool flag = id(1);

	id(0);
	v = v + id(1);
	v++;
	array[id(1)] += v;
	s.v += id(s.cv);
	*p += id(5);
	flag = !flag;
	return v + array[1] + cv + s.v + n + flag;
}

static int atomics(int n)
{
	_Atomic int a = id(n), array[2] = { 1, 2 };
	_Atomic(long) l = id(2);
	atomic_int counter = 0;
	_Atomic struct {
		short x, y;
	} pair;
	_Atomic(int) *p = &a;

	id(0);
	a += id(3);
	++a;
	l ^= id(1);
	atomic_fetch_add(&counter, id(4));
	atomic_store(&array[id(1)], id(9));
	*p -= id(1);
	(void)pair;
	return a + (int)l + counter + array[1] + atomic_load(p);
}

static int alignments(int n)
{
	_Alignas(64) char a = (char)id(n);
	_Alignas(double) _Alignas(32) char b[3] = { 1 };
	aligned_int c = id(1);
	int d __attribute__((aligned(64))) = id(2), e = 3;
	char __attribute__((aligned(16))) f[5], g;
	vector v = { (char)id(5) };
	struct __attribute__((packed, aligned(2))) {
		char c;
		int i;
	} packed = { 1, id(6) };
	any_int *alias = (any_int *)&b;
	max_align_t most;

	memset(f, 1, sizeof f);
	memset(&most, 0, sizeof most);
	g = (char)id(4);
	id(0);
	return (uintptr_t)&a % 64 + (uintptr_t)b % 32 + (uintptr_t)&c % 64 + (uintptr_t)&d % 64 +
			(uintptr_t)f % 16 + (uintptr_t)&v % 32 + (uintptr_t)&most % _Alignof(max_align_t) + a +
			b[0] + c + d + e + f[4] + g + v[0] + packed.i + (int)sizeof packed +
			(int)_Alignof(__typeof__(packed)) + (*alias & 0xff) + (int)sizeof b;
}

static int generic(int n)
{
	char c = (char)id(n);
	short s = (short)id(1);
	const int k = id(2);
	int array[2] = { id(3) };
	const char *text = "t";
	float f = (float)id(4);
	volatile int v = id(5);

	id(0);
	printf("%s %s %s %s %s\n", KIND(c), KIND(s), KIND(k), KIND(array), KIND(text));
	printf("%s %s %s %s %s\n", KIND(f), KIND(v), ADDRESS_KIND(k), ADDRESS_KIND(v), KIND(same_constant(1)));
	printf("%s %s %s %s\n", KIND(c + s), KIND(f * same(2)), KIND(&array[same(1)]), KIND(text + same(0)));
	return _Generic(c, char : same(7), default : same(8)) + _Generic(same(1), int : 10, default : 20) +
			__builtin_choose_expr(sizeof(int) == 4, same(100), same(200)) +
			__builtin_types_compatible_p(__typeof__(k), int) +
			__builtin_constant_p(id(3)) * 0;
}

static int deduced(int n)
{
	__typeof__(n) a = id(n), b = id(1), *p = &a;
	__typeof__(id(3)) c = id(2);
	__typeof__(make(1)) d = make(4);
	__typeof__(int[3]) e = { id(1), 2, 3 };
	__typeof__(&e[0]) f = e + id(1);
	__auto_type g = make(id(5));
	__auto_type h = "text" + id(1);
	const __auto_type i = id(6);
	__typeof__(struct constant) *j = &d;
	__typeof__(const char *) k = h;
	__typeof__(e) l = { 7, 8, id(9) };
	__typeof__(int (*)(int)) m = (int (*)(int))0;
	typedef __typeof__(a) typed;
	typedef __typeof__(l) row;
	typed o = id(10);
	row r = { id(11) };
	struct holder {
		__typeof__(b) member;
		char bytes[sizeof(d)];
	} holder = { .member = id(12) };

	id(0);
	return a + b + *p + c + d.a + e[2] + *f + g.free + *h + i + j->free + *k + l[2] + !m + o + r[0] + r[2] +
			holder.member + (int)sizeof holder.bytes;
}

static int attributes(int unused, int n)
{
	int a __attribute__((unused)), b __attribute__((__unused__)) = id(n);
	int __attribute__((unused)) c = id(1);
	__attribute__((unused)) int d = id(2);
	static __attribute__((unused)) int e = 3;

	(void)unused;
	switch (id(n)) {
	case 1:
		b++;
		__attribute__((fallthrough));
	default:
		b += 10;
	}
	return b + c + d + e;
}

#ifdef __SIZEOF_INT128__
typedef unsigned __int128 widest;
#else
typedef unsigned long long widest;
#endif
#ifdef __SIZEOF_FLOAT128__
typedef __float128 precise;
#else
typedef long double precise;
#endif

static widest wide(widest w) { return w * w; }
static precise narrow(const precise p) { return p / 2; }
static int of_open(int (*open)[], int at) { return (*open)[at]; }
static char of_constant(char *const *const p, int *const q) { return (*p)[*q]; }
static int of_functions(int (*const f)(int), int g(int), __typeof__(int *) p, __typeof__(int (*)(int)) h)
{
	return f(1) + g(2) + *p + h(4);
}

static int signatures(int n)
{
	typedef struct {
		int at;
	} local;
	typedef const local constant;
	enum local_enum { LOCAL = 3 } e = LOCAL;
	union local_union {
		int i;
		char c[4];
	} u = { id(1) }, v = { 2 };
	local one = { id(n) }, two = { 2 };
	constant fixed = { id(3) };
	int list[] = { id(4), 5, 6 };
	char text[] = "text", *words[] = { text };

	one = id(1) ? two : one;
	u = id(0) ? u : v;
	e = id(1) ? e : LOCAL;
	return (int)(wide((widest)id(3)) + (widest)id(1)) + (int)(narrow(id(8)) + id(1)) +
			of_open(&list, id(1)) + of_constant(words, &(int){ id(2) }) +
			of_functions(same, same, list, same) + (id(0) ? one : fixed).at +
			(id(1) ? &u : &v)->i + (int)e + (*(id(1) ? &list : NULL))[id(2)];
}

int main(void)
{
	printf("%d\n", constants(1));
	printf("%d\n", volatiles(2));
	printf("%d\n", atomics(3));
	printf("%d\n", alignments(4));
	printf("%d\n", generic(5));
	printf("%d\n", deduced(6));
	printf("%d\n", attributes(0, 1));
	printf("%d\n", signatures(9));
	return 0;
}
