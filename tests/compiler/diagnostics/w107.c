/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async ssize_t drain(struct weft_tcp conn)
{
	char buffer[70000];

	return await weft_tcp_read(conn, buffer, sizeof buffer);
}
