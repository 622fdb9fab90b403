/* SPDX-License-Identifier: MIT */
/* What gcc warns of without a flag, both in the text and in what becomes of it; what only its optimizer sees,
 * of a variable that moves; and a function that nobody defines. */
#include <stdlib.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

async int missing(int n);

static async int twice(int number, int (*named)(struct hidden *unknown))
{
	int kept[2] = { 1, 2, 3 };
	char text[3] = "abcdef", moved[4];
	struct s2 {
		int in[2];
	} several[2] = { 0 };
	struct {
		int in[3];
	} one = { 0 }, unnamed[2] = { 0 };

	weft_try(await missing(number));
	kept[number] = named(NULL);
	memset(moved, text[0], 4);
	weft_try(await missing(kept[0]));
	free(moved);
	{
		int several[3] = { number };

		weft_try(await missing(number));
		kept[0] = several[7];
	}
	free((char *)__func__);
	return kept[1] + kept[5] + several[6].in[0] + (&one)[kept[5]].in[5] + unnamed[6].in[0];
}

async int main(void)
{
	int more[1] = { 1, 2 };
	const char *constant = "";
	char *moved = constant;

	return await twice(more[0], NULL) + *moved;
}
