/* SPDX-License-Identifier: MIT */
/* What an await that is not evaluated has to be: an await all the same, of which the type is known. */
#include <weft.h>
#include <weft/async.h>

static int plain(void)
{
	return 1;
}

async int main(void)
{
	async int (*sleep)(int64_t ns) = weft_sleep;
	__typeof__(await plain()) number = plain();
	__typeof__(await number) other = 1;
	__attribute__((aligned(sizeof(await sleep(1))))) int kept = 2;

	return number + other + kept + (int)sizeof(await plain()) + (int)sizeof(await (number)) +
			(int)sizeof(int[await weft_yield()]) +
			__builtin_choose_expr(1, await weft_yield(), 0);
}
