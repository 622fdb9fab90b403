/* SPDX-License-Identifier: MIT */
/* flags: -fsanitize=address
 * T9: in a build for the address sanitizer a step over the end of a local in a frame is seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

/* The sanitizer calls this on its way out: the report itself has addresses in it. */
const char *__asan_default_options(void)
{
	return "log_path=/dev/null:exitcode=7:detect_leaks=0";
}

static async int over(int n)
{
	char text[8], next[8] = "next";

	memset(text, 0, sizeof text);
	await weft_yield();
	text[n] = 1;
	await weft_yield();
	return text[0] + next[0];
}

async int main(void)
{
	printf("%d\n", await over(7));
	(void)fflush(stdout);
	printf("%d\n", await over(8));
	return 0;
}
