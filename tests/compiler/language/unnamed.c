/* SPDX-License-Identifier: MIT */
/* Values whose struct has no name, and is not known to one function alone, kept over an await. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static struct {
	struct {
		int x, y;
	} in[2];
} all = { { { 1, 2 }, { 3, 4 } } };

static struct tagged {
	int t;
} tagged[2] = { { 5 }, { 6 } };

static int at(int n)
{
	return n;
}

static async int id(int n)
{
	weft_try(await weft_yield());
	return n;
}

async int main(void)
{
	int sum = all.in[at(1)].x + await id(1);
	__typeof__(all.in[0]) copy = all.in[await id(1)];
	int chosen = (await id(1) ? all.in[at(0)] : all.in[at(1)]).y;
	int last = ({ all.in[await id(1)]; }).y;
	int named = (await id(0) ? tagged[0] : tagged[at(1)]).t;
	int after = (all.in[0].x++, await id(2), all.in[1]).y;

	printf("%d %d %d %d %d %d\n", sum, copy.x, chosen, last, named, after);
	return 0;
}
