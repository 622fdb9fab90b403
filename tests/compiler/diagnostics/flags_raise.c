/* SPDX-License-Identifier: MIT */
/* flags: -Werror -Wno-error=weft-blocking-call -Wno-error=weft-unused-result -Wno-weft-errno --frame-limit=64
 * What is named is not what -Werror says, nor what it is by itself. */
#include <errno.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	struct weft_tcp conn;
	int few[8], more[12];

	few[0] = more[0] = 1;
	sleep(1);
	await weft_tcp_accept((struct weft_tcp_listener){ 0 }, &conn);
	weft_spawn(weft_sleep(1));
	await weft_yield();
	return few[0] + more[0] + errno;
}
