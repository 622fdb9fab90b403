/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int serve_one(struct weft_tcp_listener listener)
{
	struct weft_tcp conn;

	await weft_tcp_accept(listener, &conn);
	return weft_tcp_close(conn);
}
