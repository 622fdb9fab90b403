/* SPDX-License-Identifier: MIT */
/*
 * echo_uv.c: an echo server on libuv.
 *
 *     echo_uv [--http] PORT
 *
 * How   As its maintainers advise for speed: one read buffer for the loop,
 *       uv_try_write first, and uv_write only for what the socket does not take.
 *       Reading stops until that is written. With --http each connection has a
 *       buffer for what has come of a request.
 */
#include <signal.h>
#include <stdbool.h>
#include <uv.h>

#include "http.h"
#include "peer.h"

enum { BUFFER_BYTES = 64 * 1024 };

struct connection {
	uv_tcp_t stream;
	size_t bytes; /* of `in` */
	char in[];    /* HTTP_IN_BYTES, or none */
};

struct rest {
	uv_write_t request;
	char bytes[];
};

static char buffer[BUFFER_BYTES], answers[HTTP_OUT_BYTES];
static bool http;

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct connection *connection = (struct connection *)handle;

	(void)suggested;
	*out = http ? uv_buf_init(connection->in + connection->bytes,
				      (unsigned)(HTTP_IN_BYTES - connection->bytes))
		    : uv_buf_init(buffer, sizeof buffer);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void stream_close(uv_stream_t *stream)
{
	if (!uv_is_closing((uv_handle_t *)stream))
		uv_close((uv_handle_t *)stream, on_closed);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *in);

static void on_written(uv_write_t *request, int status)
{
	uv_stream_t *stream = request->handle;

	free(request); /* the first member of its struct rest */
	if (status < 0)
		stream_close(stream);
	else
		uv_read_start(stream, on_alloc, on_read);
}

static void write_rest(uv_stream_t *stream, const char *bytes, size_t count)
{
	struct rest *rest = malloc(sizeof *rest + count);
	uv_buf_t out;

	if (!rest)
		peer_die("out of memory");
	memcpy(rest->bytes, bytes, count);
	out = uv_buf_init(rest->bytes, (unsigned)count);
	uv_read_stop(stream);
	if (uv_write(&rest->request, stream, &out, 1, on_written) != 0) {
		free(rest);
		stream_close(stream);
	}
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *in)
{
	struct connection *connection = (struct connection *)stream;
	char *bytes = in->base;
	uv_buf_t out;
	int sent;

	if (got > 0 && http) {
		bytes = answers;
		connection->bytes += (size_t)got;
		got = http_answer_all(connection->in, &connection->bytes, answers);
	}
	if (got == 0)
		return; /* nothing there after all */
	if (got < 0) {
		stream_close(stream);
		return;
	}
	out = uv_buf_init(bytes, (unsigned)got);
	sent = uv_try_write(stream, &out, 1);
	if (sent == UV_EAGAIN)
		sent = 0;
	if (sent < 0)
		stream_close(stream);
	else if (sent < got)
		write_rest(stream, bytes + sent, (size_t)(got - sent));
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct connection *connection;
	uv_tcp_t *stream;

	if (status < 0)
		return;
	connection = calloc(1, sizeof *connection + (http ? HTTP_IN_BYTES : 0));
	if (!connection)
		peer_die("out of memory");
	stream = &connection->stream;
	uv_tcp_init(listener->loop, stream);
	if (uv_accept(listener, (uv_stream_t *)stream) != 0) {
		stream_close((uv_stream_t *)stream);
		return;
	}
	uv_tcp_nodelay(stream, 1);
	uv_read_start((uv_stream_t *)stream, on_alloc, on_read);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	uv_stop(handle->loop);
}

static void watch_signals(uv_loop_t *loop, uv_signal_t handles[2])
{
	static const int numbers[2] = { SIGTERM, SIGINT };

	for (int i = 0; i < 2; i++) {
		uv_signal_init(loop, &handles[i]);
		uv_signal_start(&handles[i], on_signal, numbers[i]);
	}
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	uv_signal_t signals[2];
	uv_tcp_t listener;
	struct sockaddr_in address;
	int address_bytes = sizeof address;

	http = argc == 3 && strcmp(argv[1], "--http") == 0;
	if (argc != 2 + http)
		peer_die("usage: echo_uv [--http] PORT");
	address = peer_address(peer_number(argv[argc - 1], 65535));
	peer_raise_file_limit();
	uv_tcp_init(loop, &listener);
	if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) != 0 ||
			uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection) != 0 ||
			uv_tcp_getsockname(&listener, (struct sockaddr *)&address,
					&address_bytes) != 0)
		peer_die("cannot listen on port %s", argv[argc - 1]);
	watch_signals(loop, signals);
	peer_announce(&address);
	uv_run(loop, UV_RUN_DEFAULT);
	return 0;
}
