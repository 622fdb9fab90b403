/* SPDX-License-Identifier: MIT */
/* ignored.c: what may be cancelled may not have happened. */
/* weftcc: the result of `weft_tcp_accept` is ignored, and it may not have happened */
#include <weft.h>
#include <weft/async.h>

async int main(void)
{
	struct weft_tcp_listener listener;
	struct weft_tcp conn;

	weft_try(weft_tcp_listen(&listener, "127.0.0.1", "0"));
	await weft_tcp_accept(listener, &conn);
	return weft_tcp_close(conn);
}
