/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

static async void nothing(void)
{
	(void)await weft_yield();
}

async int main(void)
{
	async int (*sleep)(int64_t ns) = weft_sleep;

	await nothing();
	return (int)(sizeof(await weft_sleep(1)) + sizeof(await sleep(1)) + sizeof(await nothing()));
}
