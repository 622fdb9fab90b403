/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

async int run(int step)
{
	static const void *const steps[] = { &&first, &&second };

	goto *steps[step];
first:
	weft_try(await weft_yield());
second:
	return 0;
}

async int patched(int x)
{
	weft_try(await weft_yield());
	__asm__ goto("" : : : : out);
	x = 2;
out:
	return x;
}

int passes_a_defer(int step)
{
	static const void *const steps[] = { &&inside, &&outside };

	for (int i = 0; i < 2; i++) {
		defer puts("deferred");
		__asm__ __volatile__ goto("" : : : : outside);
		goto *steps[step];
inside:;
	}
outside:
	return 0;
}

/* All labels are where the defer is. */
int stays(int step)
{
	static const void *const steps[] = { &&first, &&second };

	defer puts("deferred");
	goto *steps[step];
first:
	step++;
second:
	return step;
}
