/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int open_or_not(FILE *file)
{
	if (!file)
		goto out;
	defer fclose(file);
	weft_try(await weft_yield());
out:
	return 0;
}

async int by_case(int how, FILE *file)
{
	switch (how) {
	case 0:
		weft_try(await weft_yield());
		defer fclose(file);
		/* fall through */
	case 1:
		puts("reached by two ways");
		break;
	default: {
		defer puts("has a block of its own");
		switch (how) {
		case 2:
			return 1;
		}
	}
	}
	return 0;
}

async int back_or_over(int n)
{
again:;
	defer puts("deferred");
	if (n-- > 0)
		goto again;
	if (n < -5)
		goto out;
	weft_future(weft_yield) later;
	weft_start(later, weft_yield());
	weft_try(await later);
out:
	return 0;
}
