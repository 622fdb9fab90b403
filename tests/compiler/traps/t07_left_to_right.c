/* SPDX-License-Identifier: MIT */
/* T7: operands and arguments are evaluated from left to right; what only reads, after the last await. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static int say(const char *text)
{
	printf("%s ", text);
	return 1;
}
static async int tell(const char *text)
{
	await weft_yield();
	return say(text);
}
static async int later(const char *text, int a, int b, int c)
{
	await tell(text);
	return a + b + c;
}

static async int value(const int *p)
{
	await weft_yield();
	return *p;
}

async int main(void)
{
	int n = 1, *p = &n, at[2] = { 5, 7 };

	printf("= %d\n", say("one") + await tell("two") * say("three") + await tell("four") + say("five"));
	printf("= %d\n", await later("four", say("one"), await tell("two"), say("three")));
	printf("= %d\n", n++ * 10 + await tell("awaited") + (say("last"), *p));
	printf("= %d\n", (say("a"), await tell("b")) + (await tell("c"), say("d")));
	printf("= %d\n", at[await tell("0")]-- * 100 + await value(at + 1));
	printf("= %d\n", at[await tell("0")]++ * 100 + await value(at + 1));
	return 0;
}
