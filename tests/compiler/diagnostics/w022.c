/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int open_or_not(FILE *file)
{
	if (!file)
		goto out;
	defer fclose(file);
	weft_try(await weft_yield());
out:
	return 0;
}
