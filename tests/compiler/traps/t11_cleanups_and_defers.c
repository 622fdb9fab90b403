/* SPDX-License-Identifier: MIT */
/* T11: cleanup attributes and defers run once, when their block is left, last first; not at suspensions. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static void drop(const char **name)
{
	printf("drop %s\n", *name);
}

static int say(const char *text)
{
	printf("%s\n", text);
	return 7;
}

static async int mixed(int how)
{
	__attribute__((cleanup(drop))) const char *a = "a";
	defer say("defer 1");
	await weft_yield();
	__attribute__((cleanup(drop))) const char *b = "b", *c = "c";
	for (int i = 0; i < 2; i++) {
		defer printf("loop %d\n", i);
		if (how == 1)
			break;
		await weft_yield();
		if (how == 2)
			continue;
		if (how == 3)
			return say("value");
	}
	if (how == 4) {
		defer say("inner");
	}
	defer {
		await weft_yield();
		say("defer 2");
	}
	say("end");
	return 0;
}

/* Nothing awaits, so nothing leaves it: its cleanups have their turn all the same. */
static int plainly(void)
{
	__attribute__((cleanup(drop))) const char *a = "a";
	defer say("plain 1");
	__attribute__((cleanup(drop))) const char *b = "b";

	return say("plainly");
}

async int main(void)
{
	printf("= %d\n", plainly());
	for (int how = 0; how < 5; how++)
		printf("= %d\n", await mixed(how));
	return 0;
}
