/* SPDX-License-Identifier: MIT */
/* flags: -Werror -Wno-weft -Wweft-blocking-call -Wno-weft-xyz -Werror=weft-errno -Wweft-unused-result
 * All are off but those that are named after it; what there is not may be off. */
#include <errno.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static _Thread_local int depth;

async int main(void)
{
	struct weft_tcp conn;

	depth++;
	sleep(1);
	await weft_tcp_accept((struct weft_tcp_listener){ 0 }, &conn);
	weft_spawn(weft_sleep(1));
	await weft_yield();
	depth--;
	return await weft_yield() + errno;
}
