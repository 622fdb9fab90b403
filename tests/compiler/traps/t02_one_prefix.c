/* SPDX-License-Identifier: MIT */
/* T2: caller and callee see one type at the head of the frame, so that -O2 may not reorder. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

struct pair {
	long a, b;
};

async struct pair later(struct pair p, int *seen);

static async long early(struct pair p)
{
	int seen = 1;
	struct pair q = await later(p, &seen);

	return q.a * 100 + q.b * 10 + seen;
}

async struct pair later(struct pair p, int *seen)
{
	*seen = 2;
	p.a++;
	await weft_yield();
	*seen += (int)p.b;
	return p;
}

async int main(void)
{
	printf("%ld\n", await early((struct pair){ 1, 5 }));
	return 0;
}
