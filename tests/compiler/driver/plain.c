/* SPDX-License-Identifier: MIT */
/* Nothing of Weft: its object is gcc's. */
#include <stdio.h>
#include <stdlib.h>

#define TWICE(x) (2 * (x))

static int counter;

#ifndef APART
__attribute__((weak)) int other(int x);
#endif

int main(int argc, char **argv)
{
	counter = TWICE(argc);
	printf("%s %d %s:%d\n", argv[0], counter, __FILE__, __LINE__);
	return other ? other(counter) : EXIT_SUCCESS;
}
