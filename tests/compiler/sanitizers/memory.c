/* SPDX-License-Identifier: MIT */
/* Values that were never given, in plain C (-DPLAIN) and in async C: `found` stands behind each line that a
 * sanitizer has to name. */
#include <stdio.h>

#include "pause.h"

struct pair {
	int first, second;
};

static int looked_at;

static void look(int value)
{
	if (value) /* found */
		looked_at++;
}

static PERHAPS_ASYNC int never_given(int n)
{
	int value;

	if (n > 0)
		value = n;
	PAUSE();
	if (value) /* found */
		looked_at++;
	return 0;
}

static PERHAPS_ASYNC int in_each_turn(int n)
{
	for (int i = 0; i < n; i++) {
		int value;

		if (i == 0)
			value = 1;
		PAUSE();
		if (value) /* found */
			looked_at++;
	}
	return 0;
}

static PERHAPS_ASYNC int in_an_array(int n)
{
	char bytes[8];

	for (int i = 0; i < n; i++)
		bytes[i] = 'x';
	PAUSE();
	if (bytes[n] == 'x') /* found */
		looked_at++;
	return 0;
}

static PERHAPS_ASYNC int in_a_struct(int n)
{
	struct pair pair, whole = { .first = n };

	pair.first = n;
	PAUSE();
	if (pair.first + whole.second)
		looked_at++;
	if (pair.second) /* found */
		looked_at++;
	return 0;
}

static PERHAPS_ASYNC int by_address(int n)
{
	int value, *pointer = &value;

	if (n > 0)
		*pointer = n;
	PAUSE();
	look(*pointer);
	return 0;
}

static PERHAPS_ASYNC int after_another_scope(int n)
{
	{
		int before = n;

		PAUSE();
		looked_at += before;
	}
	{
		int after;

		if (n > 0)
			after = n;
		PAUSE();
		if (after) /* found */
			looked_at++;
	}
	return 0;
}

static PERHAPS_ASYNC int given(int n)
{
	int value, many[4] = { n };
	static int kept;

	PAUSE();
	value = n;
	PAUSE();
	if (value + many[3] + kept)
		looked_at++;
	return 0;
}

PERHAPS_ASYNC int main(void)
{
	for (int n = 1; n >= 0; n--) {
		CALL(never_given(n));
		CALL(by_address(n));
		CALL(after_another_scope(n));
	}
	CALL(in_each_turn(2));
	CALL(in_an_array(3));
	CALL(in_a_struct(3));
	CALL(given(0));
	return 0;
}
