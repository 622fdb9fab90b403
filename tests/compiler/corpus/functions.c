/* SPDX-License-Identifier: MIT */
/* Functions: recursive, mutually recursive, with a hundred arguments, without any, with big frames; tables of
 * them; cleanup attributes; statics; asm; what is unusual but allowed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tree {
	struct tree *left, *right;
	int value;
};
struct big {
	char bytes[3000];
};

static int id(int x) { return x; }
static int even(unsigned n);
static int odd(unsigned n) { return n ? even(n - 1) : 0; }
static int even(unsigned n) { return n ? odd(n - 1) : 1; }
static long factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
static int ackermann(int m, int n)
{
	return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
static int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static int a(int), b(int), c(int);
static int a(int n) { return n > 0 ? b(n - 1) + 1 : 1; }
static int b(int n) { return n > 0 ? c(n - 1) * 2 : 2; }
static int c(int n) { return n > 0 ? a(n - 1) + b(n - 2) : 3; }
int later(int n);
extern int declared_twice(int n);
extern int declared_twice(int);
static void nothing(void) {}
static void returns(void) { return; }
static void returns_void(void) { return nothing(); }
static int no_return_value(int x) { if (x) return 1; }
static inline int inlined(int x) { return id(x) + 1; }
static inline __attribute__((always_inline)) int always(int x) { return id(x) + 2; }
static __attribute__((noinline, cold)) int noinline_cold(int x) { return id(x) + 3; }
static __attribute__((pure)) int pure(const int *p) { return *p; }
static __attribute__((const)) int constant(int x) { return x * 2; }
static __attribute__((malloc, returns_nonnull, alloc_size(1))) void *allocate(size_t size) { return calloc(1, size); }
static __attribute__((nonnull(1))) int nonnull(const char *s) { return s[0]; }
__attribute__((visibility("hidden"))) int hidden(int x) { return x + 4; }
__attribute__((section(".text.elsewhere"))) int elsewhere(int x) { return id(x) + 5; }
__attribute__((weak)) __attribute__((noinline))
int weak(int x) { return id(x) + 6; }
const char *name(void) { return __func__; }
static int (parenthesised)(int x) { return id(x); }
static int unnamed(int, int x);
static int unnamed(int unused, int x) { (void)unused; return x; }
int static long unsigned specifiers(int long x) { return (unsigned long)x; }
static int *pointer(int *p) { return p + id(1); }

#define TEN(x) x##0, x##1, x##2, x##3, x##4, x##5, x##6, x##7, x##8, x##9
#define INT_TEN(x)                                                                                 \
	int x##0, int x##1, int x##2, int x##3, int x##4, int x##5, int x##6, int x##7, int x##8, int x##9
static long hundred(INT_TEN(a), INT_TEN(b), INT_TEN(c), INT_TEN(d), INT_TEN(e), INT_TEN(f), INT_TEN(g), INT_TEN(h),
		INT_TEN(i), INT_TEN(j))
{
	int all[] = { TEN(a), TEN(b), TEN(c), TEN(d), TEN(e), TEN(f), TEN(g), TEN(h), TEN(i), TEN(j) };
	long sum = id(a1) + id(j9);

	for (int n = 0; n < 100; n++)
		sum = sum * 3 % 1000007 + all[n];
	return sum;
}

static int sum(int count, ...)
{
	va_list list;
	int total = 0;

	va_start(list, count);
	for (int i = 0; i < count; i++)
		total += va_arg(list, int);
	va_end(list);
	return total;
}

static struct tree *insert(struct tree *tree, int value)
{
	if (!tree) {
		tree = allocate(sizeof *tree);
		tree->value = value;
		return tree;
	}
	struct tree **side = value < tree->value ? &tree->left : &tree->right;
	*side = insert(*side, value);
	return tree;
}

static int walk(struct tree *tree, int depth)
{
	if (!tree)
		return depth;
	int left = walk(tree->left, depth + 1), right = walk(tree->right, depth + 1);
	printf("%d ", tree->value);
	free(tree);
	return left > right ? left : right;
}

static struct big fill(char c)
{
	struct big big, *p = &big;

	memset(p->bytes, id(c), sizeof big);
	big.bytes[id(0)]++;
	return big;
}

static int big_frames(int n)
{
	char one[20000], two[30000];
	struct big big = fill('x'), other;

	memset(one, id(1), sizeof one);
	memset(two, id(2), sizeof two);
	other = big;
	{
		char inner[5000];
		memset(inner, id(3), sizeof inner);
		n += inner[4999];
	}
	{
		char inner[6000];
		memset(inner, id(4), sizeof inner);
		n += inner[5999];
	}
	return one[19999] + two[29999] + other.bytes[2999] + other.bytes[0] + n;
}

/* Those whose address is taken stay plain, and are called. */
static int add(int x, int y) { return x + y; }
static int subtract(int x, int y) { return x - y; }
static const struct operation {
	const char *name;
	int (*run)(int, int);
} operations[] = { { "add", add }, { "subtract", subtract } };

static int tables(int x)
{
	int (*local[])(int, int) = { add, &subtract }, (**p)(int, int) = local;
	int r = operations[id(1)].run(id(x), 1) + (*local[id(0)])(id(2), 3) + p[1](id(4), 1) + (***p)(1, id(1));
	const struct operation *o = &operations[id(0)];

	for (int i = 0; i < 2; i++)
		r += o[i].run(o[i].name[0], id(i));
	return r;
}

static void release(char **p)
{
	printf("release %s\n", *p);
	free(*p);
}
static void leave(const int *p) { printf("leave %d\n", *p); }

static int cleanups(int n)
{
	__attribute__((cleanup(release))) char *s = strdup("outer");
	int first __attribute__((cleanup(leave))) = 1;

	id(n);
	for (int i = 0; i < 3; i++) {
		int in __attribute__((__cleanup__(leave))) = id(10 + i), also __attribute__((cleanup(leave))) = 20 + i;

		if (i == 0)
			continue;
		id(in + also);
		if (i == n)
			break;
		if (i == 2)
			goto out;
		if (n == 7)
			return id(first) + s[0];
	}
	printf("not out\n");
out:
	{
		__attribute__((cleanup(leave))) int last = id(30);
		last++;
	}
	return id(99);
}

static int statics(int n)
{
	static int calls;
	static int table[3] = { 1, 2, 3 }, *p = table;
	static const char *const names[] = { "zero", "one" };

	calls += id(n);
	*p++ += calls;
	{
		static int calls = 100;

		calls += id(1);
		n += calls;
	}
	return calls + table[0] + table[1] + names[id(1)][0] + n;
}

static int assembly(int x)
{
	int r = id(x), s;

	__asm__ volatile("" : "+r"(r) : : "memory");
	__asm__("" : "=r"(s) : "0"(id(5)));
	asm volatile("" ::: "memory");
	return r + s;
}

static int names(int x)
{
	const char *s = __func__, *t = __FUNCTION__;
	int switch_ = id(x), weft = 1, weft_f_ = 2, frame = 3, cx = 4, at = 5, base = 6, args = id(7), p0 = 8, self = 9;

	printf("%s %s %zu %s\n", __func__, t, sizeof __func__, s + id(1));
	return switch_ + weft + weft_f_ + frame + cx + at + base + args + p0 + self;
}

/* The last one's frame has a member of a type that the first one cannot know. */
static int second(int n), third(int n), fourth(int n);
static int first(int n) { return second(n) + 1; }
struct after_first {
	int at[4];
};
static int second(int n) { return third(n) + 1; }
static int third(int n) { return fourth(n) + 1; }
static int fourth(int n)
{
	struct after_first known = { { n, n + 1, n + 2, n + 3 } };

	returns();
	return known.at[n & 3];
}

int main(void)
{
	struct tree *tree = NULL;

	printf("%d %d %ld %d %d\n", even(10), odd(11), factorial(12), ackermann(2, 3), fibonacci(12));
	printf("%d %d\n", a(9), later(3));
	printf("%d\n", first(2));
	nothing(), returns(), returns_void();
	no_return_value(0);
	printf("%d %d %d %d\n", inlined(1), always(2), noinline_cold(3), no_return_value(1));
	printf("%d %d %d %d %d\n", pure(&(int){ 4 }), constant(5), nonnull("n"), hidden(6), elsewhere(7));
	printf("%d\n", weak(8));
	printf("%s %d %d %lu %d\n", name(), parenthesised(1), unnamed(1, 2), specifiers(4),
			*pointer((int[]){ 1, 2 }));
	printf("%ld\n", hundred(TEN(1), TEN(2), TEN(3), TEN(4), TEN(5), TEN(6), TEN(7), TEN(8), TEN(9), TEN(10)));
	printf("%d\n", sum(3, id(1), 2, id(3)));
	for (int i = 0; i < 20; i++)
		tree = insert(tree, i * 7 % 20);
	printf("\n%d\n", walk(tree, 0));
	printf("%d\n", big_frames(0));
	printf("%d\n", tables(9));
	for (int i = 1; i < 8; i += 3)
		printf("cleanups %d\n", cleanups(i));
	printf("%d\n", statics(1) + statics(2));
	printf("%d\n", assembly(3));
	printf("%d\n", names(1));
	exit(id(0) + later(id(4)));
}

int later(int n) { return n ? later(n - 1) + id(1) : 0; }
int declared_twice(int n) { return later(n); }
