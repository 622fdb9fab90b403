/* SPDX-License-Identifier: MIT */
/* Futures of any result, of functions through pointers, and as branches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

struct place {
	const char *name;
	double height;
	int numbers[20];
};

enum colour { RED, GREEN, BLUE };

static async WEFT_CANCEL_SAFE int wait_for(const char *who, int turns)
{
	for (int i = 0; i < turns; i++)
		if (await weft_yield() < 0) {
			printf("%s is cancelled at %d\n", who, i);
			return -ECANCELED;
		}
	return turns;
}

static async struct place find(const char *name, double height)
{
	struct place place = { name, height, { 0 } };

	(void)await wait_for(name, 2);
	place.numbers[19] = 19;
	return place;
}

static async WEFT_CANCEL_SAFE const char *word(int n)
{
	static const char *const words[] = { "zero", "one", "two" };

	return await wait_for("word", 1) < 0 ? "none" : words[n];
}

static async void tell(const char *what)
{
	(void)await wait_for(what, 1);
	printf("told %s\n", what);
}

static async enum colour next(enum colour colour)
{
	(void)await weft_yield();
	return (enum colour)((colour + 1) % 3);
}

static async double half(float of, char unused)
{
	(void)unused;
	(void)await weft_yield();
	return (double)of / 2;
}

static async long sum_to(int n)
{
	weft_future(sum_to) below; /* recursive */

	if (n == 0)
		return await weft_yield();
	weft_start(below, sum_to(n - 1));
	return await below + n;
}

struct store {
	async struct place (*get)(const char *name, double height);
	async int (*wait)(const char *who, int turns);
};

static const struct store store = { find, wait_for };

static async int results(void)
{
	weft_future(find("", 0)) where;
	weft_future(word(0)) said, unused;
	weft_future(tell) telling;
	weft_future(tell("")) telling_too;
	weft_future(next) colour;
	weft_future(half(0, 'x')) halved;
	const char *text;
	int wide;

	weft_start(where, find("hill", 1.5));
	weft_start(said, word(2));
	weft_start(telling, tell("one"));
	weft_start(telling_too, tell("two"));
	weft_start(colour, next(GREEN));
	weft_start(halved, half(3, 'x'));
	printf("%s %g %d\n", (await where).name, 0.5, (await colour) == BLUE);
	await telling_too;
	await telling;
	text = await said;
	wide = text ? (int)(await halved * 100) : 0; /* the temporary is a double */
	printf("%s %d\n", text, wide);
	weft_start(where, find("hill", 2.5));
	weft_start(unused, word(1));
	printf("%d %ld\n", (await where).numbers[19], await sum_to(100));
	return 0;
}

/* What the name of a function tells: every number, and pointers to char and void. */
#define GIVES(type, name)                                                                          \
	static async type name(int n)                                                              \
	{                                                                                          \
		(void)await weft_yield();                                                          \
		return (type)n;                                                                    \
	}
GIVES(bool, whether)
GIVES(char, letter)
GIVES(signed char, small)
GIVES(unsigned char, byte)
GIVES(short, brief)
GIVES(unsigned short, unit)
GIVES(unsigned, count)
GIVES(unsigned long, size)
GIVES(long long, wide)
GIVES(unsigned long long, hash)
GIVES(float, ratio)
GIVES(long double, exact)

static async void *memory(void *at)
{
	(void)await weft_yield();
	return at;
}

static async const void *constant(const void *at)
{
	(void)await weft_yield();
	return at;
}

static async char *text(char *from)
{
	(void)await weft_yield();
	return from + 1;
}

#define SUM(name)                                                                                  \
	do {                                                                                       \
		weft_future(name) future;                                                          \
		weft_start(future, name(7));                                                       \
		sum += (int)await future;                                                          \
	} while (0)

static async int by_name(void)
{
	weft_future(memory) place;
	weft_future(constant) same;
	weft_future(text) rest;
	weft_future(word) said;
	char letters[] = "abc";
	int sum = 0;

	SUM(whether);
	SUM(letter);
	SUM(small);
	SUM(byte);
	SUM(brief);
	SUM(unit);
	SUM(count);
	SUM(size);
	SUM(wide);
	SUM(hash);
	SUM(ratio);
	SUM(exact);
	weft_start(place, memory(letters));
	weft_start(same, constant(letters));
	weft_start(rest, text(letters));
	weft_start(said, word(2));
	printf("%d %d %s ", sum, await place == await same, await rest);
	printf("%s\n", await said);
	return 0;
}

static async int through_pointers(const struct store *of)
{
	weft_future(of->get("", 0)) where;
	weft_future(of->wait("", 0)) first, second;
	struct place place;
	int a, b;

	weft_start(where, of->get("valley", -1));
	weft_start(first, of->wait("first", 2));
	weft_start(second, wait_for("second", 3)); /* any function of the type */
	place = await where;
	await weft_join(a = second, b = first);
	printf("%s %g %d %d\n", place.name, place.height, a, b);
	weft_start(first, of->wait("left behind", 5));
	return 0;
}

static async int branches(void)
{
	weft_future(wait_for) a, b, c;
	weft_future(word(0)) said;
	weft_future(weft_sleep) nap;
	const char *text = NULL;
	int x = 0, y = 0, err;

	weft_start(a, wait_for("a", 1));
	weft_start(b, wait_for("b", 9));
	weft_start(c, wait_for("c", 2));
	err = await weft_select_biased(x = a, y = b, weft_when(x > 0, c));
	printf("won %d: %d %d\n", err, x, y);
	weft_start(a, wait_for("a", 3)); /* who has lost is as free as who has won */
	weft_start(b, wait_for("b", 4));
	x = await c; /* took no part */
	err = await weft_try_join(y = a, b);
	printf("%d, then %d %d\n", x, err, y);

	weft_start(nap, weft_sleep(WEFT_SECONDS(1000)));
	printf("%d\n", await weft_timeout(WEFT_MILLISECONDS(1), nap) == -ETIME);
	weft_start(nap, weft_sleep(WEFT_SECONDS(1000)));
	weft_cancel(nap);
	printf("%d\n", await weft_timeout(WEFT_SECONDS(1000), nap) == -ECANCELED);
	weft_start(a, wait_for("a", 3));
	weft_cancel(a);
	printf("%d", await weft_shield(WEFT_SECONDS(1000), x = a));
	printf(" %d\n", x == -ECANCELED);
	weft_start(said, word(1));
	printf("%d", await weft_deadline(WEFT_NEVER, text = said));
	printf(" %s\n", text);
	weft_start(nap, weft_sleep(WEFT_SECONDS(1000)));
	weft_cancel(nap);
	await weft_join(x = nap);
	printf("%d\n", x == -ECANCELED);
	return 0;
}

/* Every way out of the block ends what was started in it, the last one first. */
static async int leave(int how)
{
	weft_future(wait_for) outer;

	weft_start(outer, wait_for("outer", 5));
	defer puts("deferred after outer");
	for (int i = 0; i < 2; i++) {
		weft_future(wait_for) inner;
		weft_future(word(0)) late;

		weft_start(inner, wait_for("inner", 5));
		weft_start(late, word(i));
		printf("way %d\n", how);
		defer puts("deferred after inner");
		switch (how) {
		case 0:
			return 1;
		case 1:
			break;
		case 2:
			continue;
		case 3:
			goto out;
		case 4:
			await late;
			await inner;
			weft_start(late, word(2));
			weft_start(inner, wait_for("inner again", 3));
			return 3;
		}
		break;
	}
out:
	puts("out");
	return 2;
}

async int main(void)
{
	await results();
	await by_name();
	await through_pointers(&store);
	await branches();
	for (int how = 0; how < 5; how++)
		printf("= %d\n", await leave(how));
	return 0;
}
