/* SPDX-License-Identifier: MIT */
/* An await in an operand that is not evaluated stands for its type: of a library function, through a pointer,
 * of any result; and beside one that is awaited. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

#define MAX(a, b)                                                                                  \
	__extension__({                                                                            \
		__typeof__(a) a_ = (a);                                                            \
		__typeof__(b) b_ = (b);                                                            \
		a_ > b_ ? a_ : b_;                                                                 \
	})

struct pair {
	char name;
	long at[3];
};

struct picker {
	async struct pair (*pick)(int from);
};

typedef async struct pair picks(int from);

static int calls;

static async char letter(char c)
{
	calls++;
	weft_try(await weft_yield());
	return c;
}

async void nothing(void)
{
	calls++;
	(void)await weft_yield();
}

static async struct pair pick(int from)
{
	calls++;
	(void)await weft_yield();
	return (struct pair){ 'p', { from } };
}

async char *text(void)
{
	calls++;
	(void)await weft_yield();
	return NULL;
}

picks *picks_of(int kind)
{
	return kind ? pick : NULL;
}

int plain(void)
{
	return 1;
}

/* Declarations, casts, alignment, lengths of arrays: all that names a type. */
static async int types(struct picker picker)
{
	struct mine {
		char name[sizeof(await pick(1))];
	};
	weft_future(weft_sleep) nap;
	__typeof__(await picker.pick(await letter('x'))) first = { 'a', { 1, 2, 3 } };
	__typeof__((await pick(1)).at[0]) second = 4;
	__typeof__(await nap) third = 5;
	__typeof__(await weft_timeout(1, letter('y'))) fourth = 6;
	__typeof__(await weft_blocking(plain())) fifth = 7;
	char bytes[sizeof(await pick(1))], more[sizeof await pick(1).name];
	_Alignas(__typeof__(await pick(1))) char aligned = 8;
	void *nowhere = (__typeof__(await nothing()) *)&aligned;
	int (*measure)(__typeof__(await text()) what) = NULL;
	int (*compare)(__typeof__(await picker.pick(1)) what) = NULL, at = 9;
	__typeof__(await picks_of(0)(1)) sixth = { 'b', { 0 } };
	char apart __attribute__((aligned(sizeof(first.at[0])))) = 1;

	_Static_assert(sizeof(await picker.pick(1)) == sizeof(struct pair), "");
	_Static_assert(sizeof(struct mine) == sizeof(struct pair), "");
	weft_try(await weft_yield());
	printf("%c%ld %ld %d %d %d %d %d\n", first.name, first.at[2], second, third, fourth, fifth,
			sizeof bytes == sizeof first, (int)sizeof more);
	return *(char *)nowhere + !measure + !compare + at + apart + sixth.name - 'b' - 11;
}

static int plus(int a, int b)
{
	return a + b;
}

static async int operands(void)
{
	int sum = (int)sizeof(await letter('x')) + (int)sizeof -await letter('x') +
			(int)sizeof(*await text()) + (int)_Alignof(char[sizeof(await text())]);

	sum += _Generic(await pick(1), struct pair: 10, default: 0);
	sum += _Generic(plus(1, (int)await letter('x')), int: 10000, default: 0);
	sum += _Generic(sum, __typeof__(await weft_sleep(1)): 100, default: 0);
	sum += __builtin_constant_p(await weft_sleep(1)) + __builtin_choose_expr(
			sizeof(await letter('x')) == 1, 1000, (void)0);
	sum += (int)sizeof(__extension__({ char c = await letter(await letter('x')); c; }));
	return sum;
}

async int main(void)
{
	int sizes = (int)sizeof(await letter('x')) + await letter('y') +
			(int)sizeof(await weft_sleep(1)) - (int)sizeof(int);

	printf("%d after %d call\n", sizes - 'y', calls);
	printf("%c after %d calls\n", MAX(await letter('a'), await letter('b')), calls);
	printf("%d\n", await types((struct picker){ pick }));
	printf("%d after %d calls\n", plus(await operands(), 0), calls);
	return fflush(stdout) != 0;
}
