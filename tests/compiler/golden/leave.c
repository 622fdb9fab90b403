/* SPDX-License-Identifier: MIT */
/* Two deferred statements and three ways out, one of which awaits; lines; who is not embedded. */
#include <weft.h>
#include <weft/async.h>

void release(int *what);

static async int leave(int *first, int *second)
{
	defer release(first);
	weft_try(await weft_yield());
	{
		defer await weft_yield();
		if (*second)
			return 1;
	}
	return 0;
}

async struct pair {
	int a, b;
} pair(int n) __attribute__((weak));

async struct pair pair(int n)
{
	for (int i = 0; i < n; i++)
		if (*(&n + i) > 3)
			return (struct pair){ i, n };
	do
		n -= await weft_yield();
	while (n > 3);
	for (int i = 0; i < n;
			i += await weft_yield())
		n--;
	if (n > 5)
		goto late;
	n++;
late:
	defer release(&n);
	return await pair(n);
}

int next(void);

/* What each turn of a `do` sets first is not kept over what comes before. */
async int drained(void)
{
	int last;

	await weft_yield();
	do
		last = next();
	while (last > 0);
	return last;
}

async int apart(void)
{
	return (await pair(1)).a;
}

async int twice(int *first)
{
	return await leave(first, first) + await leave(first, 0);
}

static async int (*first)(int *, int *) = leave, (*second)(void);

/* Pragmas, labels and cases around what awaits. */
async int chosen(int n)
{
	switch (n) {
	case 1:
		n++;
	again:
		n -= weft_spawn_detached(apart());
		break;
	case 2:
		n = await second();
#pragma GCC ivdep
		for (int i = 0; i < n; i++)
			next();
	}
	if (n > 9)
		goto again;
	return await first(&n, 0);
}

static void drop(int *what)
{
	release(what);
}

int plainly(void)
{
	__attribute__((cleanup(drop))) int kept = next();

	return weft_run(apart()) + kept;
}
