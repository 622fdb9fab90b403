/* SPDX-License-Identifier: MIT */
/* Where ISO TS 25755 lets a defer stand: behind a label, behind a case, as the body of an if or a loop. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static async void tell(const char *what, int n)
{
	(void)await weft_yield();
	printf(" %s %d", what, n);
}

static async int labelled(int n)
{
	if (n == 0)
		goto here;
	if (n == 1)
		goto and_here;
	printf(" %d", n);
here:
and_here:
	defer await tell("left", n);
	defer printf(" at");
	weft_try(await weft_yield());
	return n;
}

static async int cased(int n)
{
	int rounds = 0;

	for (int i = 0; i < 3; i++)
		switch (n) {
			int in_switch;
		case 0:
			printf(" zero");
			break;
		case 1:
		default:
			defer await tell("defaulted", in_switch);
			in_switch = i;
			if (i == 1)
				continue;
			weft_try(await weft_yield());
			rounds++;
		}
	return rounds;
}

static async int bodies(int n)
{
	if (n)
		defer printf(" if");
	else
		defer await tell("else", n);
	printf(" then");
	while (n-- > 0)
		defer await tell("while", n);
	for (int i = 0; i < 2; i++)
		defer printf(" for %d", i);
	printf(" end");
	return await weft_yield();
}

static int plain(int n)
{
	if (n < 0)
		goto again;
again:
	defer printf(" plain %d", n);
	if (n)
		defer printf(" odd");
	return 2 * n;
}

async int main(void)
{
	for (int i = 0; i < 3; i++) {
		printf(" = %d\n", await labelled(i));
		printf(" = %d\n", await cased(i));
		printf(" = %d\n", await bodies(i));
		printf(" = %d\n", plain(i));
	}
	return 0;
}
