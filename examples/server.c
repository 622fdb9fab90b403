/* SPDX-License-Identifier: MIT */
/*
 * server.c: the smallest server: what a client says first comes back. Beside server_threads.c, which
 * it resembles line by line.
 *
 *     server [port]                              8080, if it is not given; 0: the system chooses
 */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static async int serve(struct weft_tcp socket)
{
	char buf[1024];
	ssize_t n;

	defer weft_tcp_close(socket);
	n = await weft_tcp_read(socket, buf, sizeof buf);
	weft_try(n);
	weft_try(await weft_tcp_write_all(socket, buf, (size_t)n));
	return 0;
}

async int main(int argc, char **argv)
{
	struct weft_tcp_listener listener;
	struct weft_tcp socket;

	weft_try(weft_tcp_listen(&listener, "127.0.0.1", argc > 1 ? argv[1] : "8080"));
	printf("listening %d\n", weft_tcp_listener_port(listener));
	fflush(stdout);
	for (;;) {
		weft_try(await weft_tcp_accept(listener, &socket));
		if (weft_spawn_detached(serve(socket)) < 0)
			weft_tcp_close(socket);
	}
}
