/* SPDX-License-Identifier: MIT */
/* A loop: what is live across the await is in the frame, the rest stays in registers. */
#include <weft.h>
#include <weft/async.h>

async int get(int x);

async long sum(const char *text, int count)
{
	long total = 0;
	int doubled = count * 2; /* not live where the function returns */

	if (!text) {
		(void)await get(0);
		return -1;
	}
	count = doubled;
	for (int i = 0; i < count; i++) {
		int value = await get(i);
		unsigned hash = 5381;

		for (const char *p = text; *p; p++)
			hash = hash * 33 + (unsigned char)*p;
		if (value < 0)
			return value;
		total += hash + (unsigned)value;
	}
	return total;
}
