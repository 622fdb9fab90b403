/* SPDX-License-Identifier: MIT */
/* T3: a local struct hides the global one in the frame, too. */
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/async.h>

struct s {
	char c;
};
struct inner {
	char c;
};
enum { LIMIT = 1 };

static async int hides(void)
{
	struct s {
		long a, b;
		struct inner {
			long d;
		} in;
	} v;
	enum { LIMIT = 7 };
	struct {
		short x;
	} unnamed = { 3 };

	memset(&v, 0, sizeof(struct s));
	await weft_yield();
	return (int)(sizeof v + 100 * sizeof(struct s) + 10000 * sizeof(struct inner)) + LIMIT +
			unnamed.x + (int)v.b;
}

async int main(void)
{
	printf("%d %d\n", await hides(), (int)(sizeof(struct s) + sizeof(struct inner)) + LIMIT);
	return 0;
}
