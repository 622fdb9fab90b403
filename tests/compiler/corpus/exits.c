/* SPDX-License-Identifier: MIT */
/* main: falls off its end, which is return 0; arguments; the shape of old programs. */
#include <stdio.h>

char *program;
int count(), words;

static int id(int x) { return x; }

main(int argc, char *argv[])
{
	register i;
	auto j = 3;

	program = argv[0];
	for (i = 0; i < id(3); ++i)
		words += j;
	printf("%d %d %d %d\n", argc, argv[argc] == 0, words, program != 0);
	if (id(words) != 9)
		return 1;
}
