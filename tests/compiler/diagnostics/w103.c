/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int read_error(struct weft_tcp conn, char *buffer)
{
	if (await weft_tcp_read(conn, buffer, 1) < 0)
		return -errno;
	close(3);
	if (errno)
		return -errno;
	return 0;
}
