/* SPDX-License-Identifier: MIT */
/*
 * heartbeat.c: a client that says ping for as long as the answer is pong.
 *
 *     heartbeat port
 *
 * Each wait can fail, and weft_try leaves the function when it does: the error is the program's.
 */
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

static async int heartbeat(struct weft_tcp client, int *beats)
{
	struct weft_reader in;
	const char *reply;

	weft_reader_init(&in, weft_tcp_io(client));
	defer weft_reader_finish(&in);

	for (;;) {
		weft_try(await weft_tcp_write_all(client, "ping\n", 5));
		ssize_t n = await weft_reader_read_until(&in, '\n', &reply);
		weft_try(n);
		if (n != 5 || memcmp(reply, "pong\n", 5) != 0)
			return 0;
		++*beats;
	}
}

async int main(int argc, char **argv)
{
	struct weft_tcp client;
	int beats = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: heartbeat port\n");
		return 2;
	}
	weft_try(await weft_tcp_connect(&client, "127.0.0.1", argv[1]));
	defer weft_tcp_close(client);
	weft_try(await heartbeat(client, &beats));
	printf("%d beats\n", beats);
	return fflush(stdout) != 0;
}
