/* SPDX-License-Identifier: MIT */
/* plain_caller.c: a plain function has nowhere to wait. From plain code into async code leads weft_run. */
/* weftcc: await in `main`, which is not async */
#include <weft.h>
#include <weft/async.h>

int main(void)
{
	return await weft_sleep(WEFT_SECONDS(1));
}
