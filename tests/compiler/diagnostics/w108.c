/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

static async int read_pair(struct weft_tcp conn, char pair[2])
{
	weft_try(await weft_tcp_read(conn, &pair[0], 1));
	weft_try(await weft_tcp_read(conn, &pair[1], 1));
	return 0;
}

async int read_pair_soon(struct weft_tcp conn, char pair[2])
{
	return await weft_select(read_pair(conn, pair), weft_sleep(WEFT_SECONDS(1)));
}
