/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int finish(FILE *file)
{
	defer {
		if (fclose(file))
			return -EIO;
	}
	return await weft_yield();
}
