/* SPDX-License-Identifier: MIT */
/* T3: a local struct hides the global one in the frame, too. */
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/async.h>

struct s {
	char c;
};
enum { LIMIT = 1 };

static async int hides(void)
{
	struct s {
		long a, b;
	} v;
	enum { LIMIT = 7 };
	struct {
		short x;
	} unnamed = { 3 };

	memset(&v, 0, sizeof(struct s));
	await weft_yield();
	return (int)(sizeof v + 100 * sizeof(struct s)) + LIMIT + unnamed.x + (int)v.b;
}

async int main(void)
{
	printf("%d %d\n", await hides(), (int)sizeof(struct s) + LIMIT);
	return 0;
}
