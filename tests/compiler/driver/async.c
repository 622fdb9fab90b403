/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

#ifdef PART
#include "part.h"
#endif
#ifndef GREETED
#define GREETED "world"
#endif

static async int greet(const char *name)
{
	weft_try(await weft_sleep(WEFT_MILLISECONDS(1)));
	printf("hello, %s\n", name);
	return 0;
}

async int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : GREETED;

	defer puts("bye");
#ifdef PART
	name = await part_name(plain_part());
#endif
	weft_try(await greet(name));
	return 0;
}
