/* SPDX-License-Identifier: MIT */
/* T13: an initialiser may name its own variable, and those before it in the declaration. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int lists(void)
{
	struct list {
		struct list *next, *prev;
	} l = { &l, &l };
	int i = 3, *p = &i, j = *p + i;
	void *self = &self;
	int kept = 0;

	await weft_yield();
	for (int n = 0; n < 3; n++) {
		int counter;

		if (n == 0)
			counter = 0;
		counter++;
		await weft_yield();
		kept = counter;
	}
	return (l.next == &l) + (l.prev == &l) + j + (self == (void *)&self) + *p + kept * 100;
} static async int begins_where_another_ends(void) { /* for what goes line by line: T16 */
	return await weft_yield();
} async int main(void)
{
	weft_try(await begins_where_another_ends());
	printf("%d\n", await lists());
	return 0;
}
