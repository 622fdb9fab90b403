/* SPDX-License-Identifier: MIT */
/* Pointers to async functions, declared in every way, that live across an await; pragmas before loops. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int leaf(int x)
{
	await weft_yield();
	return x + 1;
}
static async int *nowhere(int x)
{
	(void)await leaf(x);
	return NULL;
}
static async int call(async int (*f)(int), int x)
{
	return await f(x);
}
static async int (*global)(int) = leaf;

static async int pointers(void)
{
	async int (*simple)(int) = leaf;
	async int (*const constant)(int) = leaf;
	int async (*late)(int) = leaf;
	async __attribute__((unused)) int (*attributed)(int) = leaf;
	async int *(*result)(int) = nowhere;
	async int (**indirect)(int) = &global;
	async int (*array[])(int) = { leaf, leaf };
	async int (*one)(int) = leaf, (*two)(int), (*more[2])(int) = { leaf, leaf };
	async int (*with)(async int (*)(int), int) = call;
	async int (*given)(async int (*)(int), int) = call, (*then)(int) = leaf;
	async __attribute__((unused)) int (*behind)(int) __attribute__((unused)) = leaf, (*next)(int) = leaf;
	struct {
		async int (*first)(int), (*second)(int);
	} both = { leaf, leaf };

	two = one;
	await weft_yield();
	printf("%d %d %d %d\n", await simple(1), await constant(2), await late(3), await attributed(4));
	printf("%d %d %d\n", await result(5) == NULL, await (*indirect)(6), await array[1](7));
	printf("%d %d %d\n", await one(8), await two(9), await more[1](10));
	printf("%d %d %d\n", await given(leaf, 20), await then(30), await next(40));
	return await with(leaf, await both.second(11));
}

/* A type that is declared in front of the function, and words that belong to it. */
__attribute__((noinline)) static async struct made {
	int value;
} make(int value) __attribute__((cold));

static async struct made make(int value)
{
	return (struct made){ await leaf(value) };
}

static async struct also_made {
	int value;
} make_also(int value)
{
	return (struct also_made){ await leaf(value) };
}

/* Their frames are laid out where these are known, not before the function that awaits them. */
int outside(int n);
static async int counted(int (*numbers)[2], int n);
static async int passes(void);
static async int asked(int (*whom)(), struct made *with);

static async int counts(int n)
{
	int numbers[2] = { n, n + 1 };

	return await counted(&numbers, n) + await passes() + await asked(outside, NULL);
}

enum { COUNT = 2 };
typedef struct made *later;

static async int passed(__attribute__((unused)) later nothing)
{
	return await leaf(-1);
}

/* Its type is that of both declarations together. */
static async int asked(int (*whom)(int), __attribute__((unused)) later with)
{
	return await leaf(-1) + whom(0);
}

static async int passes(void)
{
	return await passed(NULL);
}

static async int counted(int (*numbers)[COUNT], int n)
{
	_Alignas(COUNT * 8) char bytes[COUNT] = { 1, (char)n };

	weft_try(await leaf(n));
	return (*numbers)[1] + bytes[0] + bytes[1];
}

static async int pragmas(void)
{
	int total = 0, numbers[8] = { 0 };

#if !defined(__clang__)
#pragma GCC ivdep
#endif
	for (int i = 0; i < 3; i++)
		total += await leaf(i);
#pragma GCC diagnostic push
	while (total < 20)
#pragma GCC unroll 4
		for (int i = 0; i < 2; i++)
			total += await leaf(i);
#pragma GCC diagnostic pop
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		numbers[i] += i;
	return total + numbers[7];
}

/* Nothing awaits here, and yet something is translated in the middle of the declaration. */
static async int types_once(int n)
{
	struct pair { int a, b; } one = { 1, 2 }, *two = ({ if (n < 0) return -1; &one; }), three[2] = { one };
	enum { LOW = 3, HIGH } low = LOW, high = ({ if (n > 9) return 10; HIGH; });

	three[1] = *two;
	return three[0].a + three[1].b + (int)low + (int)high + n;
}

static int types_once_plainly(int n)
{
	defer printf("bye\n");
	struct pair { int a, b; } one = { 1, n }, two = { ({ if (n < 0) return -1; n; }), weft_run(leaf(4)) };

	one = two;
	return one.a + one.b;
}

/* Functions are declared beside variables. */
static async int beside_functions(int n)
{
	int outside(int), k = n, (*p)(int) = outside, never_called(void), *q = &k;

	defer printf("left %d\n", k);
	await weft_yield();
	int (outside)(int), twice = outside(n);
	return p(k) + *q + twice;
}

static int beside_functions_plainly(int n)
{
	int a = 1, outside(int), b = 2, never_called(void);

	defer a++;
	return a + b + outside(n);
}

int outside(int n), not_a_function = 3;
async int pick(int n), pick_again(int n);

int outside(int n)
{
	return n * 10;
}

async int pick(int n)
{
	return n + not_a_function;
}

async int pick_again(int n)
{
	await weft_yield();
	return await pick(n) + 1;
}

async int main(void)
{
	printf("pointers %d\n", await pointers());
	printf("made %d %d\n", (await make(1)).value, (await make_also(2)).value);
	printf("counts %d\n", await counts(3));
	printf("pragmas %d\n", await pragmas());
	printf("once %d %d %d\n", await types_once(-5), await types_once(1), await types_once(10));
	printf("plainly %d\n", await weft_blocking(types_once_plainly(2)));
	printf("beside %d\n", await beside_functions(2));
	printf("beside %d %d\n", beside_functions_plainly(4), await pick_again(5));
	return 0;
}
