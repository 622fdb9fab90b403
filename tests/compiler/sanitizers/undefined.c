/* SPDX-License-Identifier: MIT */
/* What -fsanitize=undefined sees, in plain C (-DPLAIN) and in async C: `found` stands behind each line that
 * it has to name. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pause.h"

static volatile int sink;

static PERHAPS_ASYNC int arithmetic(int n)
{
	int large = INT_MAX, zero = n - n;

	PAUSE();
	large += n; /* found */
	PAUSE();
	sink = large;
	sink = n << (31 + n); /* found */
	if (n < 0)
		sink = n / zero;
	large = INT_MIN;
	PAUSE();
	sink = -large; /* found */
	return 0;
}

static PERHAPS_ASYNC int array_in_the_middle(int n)
{
	int values[4] = { 0 }, others[4] = { 0 };

	PAUSE();
	sink = values[n]; /* found */
	PAUSE();
	sink = others[n]; /* found */
	return 0;
}

static PERHAPS_ASYNC int array_at_the_end(int n)
{
	int values[4] = { 0 };

	PAUSE();
	sink = values[n]; /* found */
	PAUSE();
	return values[0];
}

static PERHAPS_ASYNC int array_of_arrays(int n)
{
	char names[2][4] = { "a", "b" };

	PAUSE();
	sink = names[1][n]; /* found */
	PAUSE();
	return names[0][0];
}

static PERHAPS_ASYNC int wrong_values(int n)
{
	bool yes;
	unsigned char byte = (unsigned char)n;
	double large = 1e30;

	memcpy(&yes, &byte, 1);
	PAUSE();
	sink = yes; /* found */
	PAUSE();
	sink = (int)large;
	return 0;
}

static PERHAPS_ASYNC int pointers(int n)
{
	long words[2] = { n };
	char *bytes = (char *)words;
	int *nowhere = NULL;

	PAUSE();
	if (n == 0)
		sink = *nowhere;
	sink = *(int *)(void *)(bytes + 1);
	return 0;
}

PERHAPS_ASYNC int main(void)
{
	CALL(arithmetic(1));
	CALL(array_in_the_middle(4));
	CALL(array_at_the_end(4));
	CALL(array_of_arrays(4));
	CALL(wrong_values(4));
	CALL(pointers(4));
	return 0;
}
