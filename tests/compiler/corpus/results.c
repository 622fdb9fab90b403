/* SPDX-License-Identifier: MIT */
/* Results and arguments of every type. */
#include <complex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct empty {
};
struct one {
	char c;
};
struct pair {
	int a;
	double b;
};
struct big {
	int many[50];
	struct pair pair;
};
struct bits {
	unsigned a : 3, : 2, b : 7;
	signed c : 4;
	bool d : 1;
	unsigned long long e : 40;
};
union either {
	int i;
	float f;
	struct {
		short low, high;
	};
};
struct flexible {
	int count;
	int at[];
};
enum color { RED = -2, GREEN, BLUE = 40 };
enum __attribute__((packed)) small { TINY = 3 };
typedef int vector __attribute__((vector_size(16)));
typedef int aligned_int __attribute__((aligned(32)));
struct __attribute__((packed)) packed {
	char c;
	int i;
};
struct aligned {
	_Alignas(64) char c;
};
typedef struct pair (*maker)(int);
typedef int row[3];

static bool a_bool(int x) { return x; }
static char a_char(int x) { return (char)x; }
static signed char a_signed_char(int x) { return (signed char)x; }
static unsigned char an_unsigned_char(int x) { return (unsigned char)x; }
static short a_short(int x) { return (short)x; }
static unsigned short an_unsigned_short(int x) { return (unsigned short)x; }
static unsigned an_unsigned(int x) { return (unsigned)x; }
static long a_long(long x) { return x * 3; }
static unsigned long long a_long_long(unsigned long long x) { return x << 33; }
static __int128 an_int128(long x) { return (__int128)x << 70; }
static float a_float(float x) { return x / 3; }
static double a_double(double x) { return x / 3; }
static long double a_long_double(long double x) { return x / 3; }
static double complex a_complex(double x) { return x + 2 * I; }
static float _Complex a_float_complex(float x) { return x - 1.0if; }
static enum color a_color(int x) { return x ? BLUE : RED; }
static enum small a_small(void) { return TINY; }
static struct empty an_empty(void) { return (struct empty){}; }
static struct one a_one(char c) { return (struct one){ c }; }
static struct pair a_pair(int a) { return (struct pair){ a, a / 2.0 }; }
static struct big a_big(int a)
{
	struct big big = { { a, a + 1, [49] = a * 2 }, a_pair(a) };

	return big;
}
static struct bits a_bits(int x)
{
	struct bits bits = { .a = x, .b = x * 3, .c = -x, .d = x, .e = 1ull << 39 };

	bits.a += a_short(1);
	bits.b = a_short(bits.b) + 1;
	bits.c--;
	bits.e |= a_long_long(1) >> 33;
	return bits;
}
static union either an_either(int x) { return (union either){ .low = (short)x, .high = 1 }; }
static vector a_vector(int x) { return (vector){ x, x + 1, x + 2, x + 3 }; }
static aligned_int an_aligned_int(aligned_int x) { return x; }
static struct packed a_packed(int x) { return (struct packed){ 'p', x }; }
static struct aligned an_aligned(char c) { return (struct aligned){ c }; }
static const char *a_string(int x) { return x ? "yes" : "no"; }
static const char *const *a_table(void)
{
	static const char *const table[] = { "zero", "one" };

	return table;
}
static maker a_maker(void);
static int (*an_array(int x))[3]
{
	static int array[3];

	array[x] = x;
	return &array;
}
static row *a_row(int x) { return an_array(x); }
static struct pair plain(int x) { return (struct pair){ x, 9 }; }
static maker a_maker(void) { return plain; }
static int (*a_pointer(int which))(const char *) { return which ? puts : atoi; }
static void nothing(int *x) { ++*x; }
static void *a_void_pointer(int *x) { return x; }
static const int a_const(const int x) { return x; }
static volatile struct pair a_volatile(struct pair x) { return x; }
static struct { int x; } *unused_anonymous;

static int flexible(int n)
{
	struct flexible *f = malloc(sizeof *f + (size_t)a_short(n) * sizeof(int));
	int sum = 0;

	f->count = a_short(n);
	for (int i = 0; i < f->count; i++)
		f->at[i] = a_short(i) * 2;
	for (int i = 0; i < f->count; i++)
		sum += f->at[a_short(i)];
	free(f);
	return sum;
}

static int decayed(int array[static 3], row *r, const char text[], int (*call)(const char *),
		int function(const char *), struct big big, const struct pair pair, register int x)
{
	array[0] += a_short(1);
	(*r)[1] = array[0];
	x += array[2] + text[1] + big.many[49];
	x += call(text + a_short(2)) + function(text + 2);
	x += (int)sizeof array + (int)sizeof *r;
	return x + pair.a;
}

static int self(struct one one[], int n) { return n ? one[n - 1].c + self(one, n - 1) : 0; }

typedef int (*functions[2])(const char *);
static int table(functions f, int (*unnamed())(const char *), int old()) { return f[a_short(1)]("31") + unnamed()("4") + old("5"); }
static int (*give(void))(const char *) { return atoi; }

int main(void)
{
	int count = a_short(0);
	struct big big = a_big(7);
	struct bits bits = a_bits(5);
	vector v = a_vector(3) * a_vector(1);
	int array[3] = { 5, 6, 7 };
	row r;

	(void)an_empty();
	an_empty();
	(void)unused_anonymous;
	printf("%d %d %d %d\n", a_bool(256), a_char(-3), a_signed_char(-200), an_unsigned_char(-1));
	printf("%d %d %u\n", a_short(70000), an_unsigned_short(-1), an_unsigned(-5));
	printf("%ld %llx %lx\n", a_long(-4), a_long_long(5), (long)(an_int128(-3) >> 64));
	printf("%.9g %.17g %.20Lg\n", a_float(1), a_double(1), a_long_double(1));
	printf("%g %g\n", creal(a_complex(4) * a_complex(1)), cimag(a_complex(4)));
	printf("%g %g\n", (double)crealf(a_float_complex(4)), (double)cimagf(a_float_complex(4)));
	printf("%d %d %d\n", a_color(0), a_color(1), a_small());
	printf("%c %g\n", a_one('x').c, a_pair(3).b);
	printf("%d %d %d %g\n", big.many[1], big.many[2], big.many[49], big.pair.b);
	printf("%d %d\n", a_big(8).many[a_short(1)], a_big(a_short(9)).pair.a);
	printf("%u %u %d %d %llx\n", bits.a, bits.b, bits.c, bits.d, (unsigned long long)bits.e);
	printf("%u %d\n", a_bits(2).b, a_bits(3).c);
	printf("%d %d\n", an_either(6).i, an_either(6).low);
	printf("%d %d %d\n", v[0], v[3], a_vector(6)[2]);
	printf("%d %d %c\n", an_aligned_int(4), a_packed(77).i, an_aligned('q').c);
	printf("%s %s %s\n", a_string(1), a_string(0), a_table()[a_short(1)]);
	printf("%d %d\n", (*an_array(2))[2], (*a_row(1))[1]);
	printf("%g %d\n", a_maker()(4).b, a_pointer(0)("123"));
	nothing(&count);
	nothing(a_void_pointer(&count));
	printf("%d %d %g\n", count, a_const(3), a_volatile(a_pair(8)).b);
	printf("%d\n", flexible(5));
	printf("%d %d %d\n", decayed(array, &r, "xy12", atoi, a_pointer(0), big, a_pair(4), 1), array[0],
			r[1]);
	printf("%d\n", self((struct one[]){ { 1 }, { 2 }, { a_char(3) } }, 3));
	printf("%zu %zu %zu\n", sizeof a_big(1), sizeof(a_bits(1)), _Alignof(struct aligned));
	printf("%d\n", table((functions){ NULL, atoi }, give, atoi));
	return a_color(1);
}
