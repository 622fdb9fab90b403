/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

static async int measure(void)
{
	return await weft_yield();
}

async int main(void)
{
	struct weft_set set = WEFT_SET_INIT;
	long length = 0;

	defer await weft_set_close(&set);
	weft_try(weft_set_push(&set, length = measure()));
	return await weft_set_next(&set, NULL);
}
