/* SPDX-License-Identifier: MIT */
/* Without the short names, which may be names of the program. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

#undef async
#undef await
#undef defer

struct await {
	int async;
};

static _Async int defer(struct await await)
{
	_Defer printf(" deferred %d\n", await.async);
	weft_try(_Await weft_yield());
	return await.async + 1;
}

_Async int main(void)
{
	struct await await = { 1 };
	int async = _Await defer(await);

	printf("= %d\n", async);
	return 0;
}
