/* SPDX-License-Identifier: MIT */
/*
 * echo.c: a line echo server. Each client is a task; each complete line goes back to its client.
 *
 *     echo [port [idle_seconds]]        port 0: the system chooses; idle_seconds 0: clients may be silent
 *
 * A partial last line is not echoed, a line over 64 KiB ends its client only, and Ctrl-C lets the lines
 * that are on their way arrive. echo_threads.c is the same with threads.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

static async int serve(struct weft_tcp conn, int64_t idle_ns)
{
	struct weft_reader in;
	const char *line;
	ssize_t n;

	weft_reader_init(&in, weft_tcp_io(conn));
	defer weft_tcp_close(conn);
	defer weft_reader_finish(&in);

	while ((n = await weft_timeout(idle_ns, weft_reader_read_until(&in, '\n', &line))) > 0 &&
			line[n - 1] == '\n')
		if ((n = await weft_tcp_write_all(conn, line, (size_t)n)) < 0)
			break;
	return n < 0 ? (int)n : 0;
}

/* What passes when something is closed. */
static bool passes(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM;
}

static async int serve_all(struct weft_tcp_listener listener, int64_t idle_ns)
{
	struct weft_tcp conn;
	int err;

	for (;;) {
		err = await weft_tcp_accept(listener, &conn);
		if (!err && (err = weft_spawn_detached(serve(conn, idle_ns))))
			weft_tcp_close(conn); /* no task, so conn is still ours */
		if (passes(err)) {
			fprintf(stderr, "echo: accepting pauses: %s\n", strerror(-err));
			err = await weft_sleep(WEFT_MILLISECONDS(100));
		}
		weft_try(err);
	}
}

/* Serves until a signal asks it to end. */
static async int echo(const char *port, int64_t idle_ns)
{
	static const int ending[] = { SIGINT, SIGTERM };
	struct weft_tcp_listener listener;
	struct weft_signals signals;
	int err, signo;

	weft_try(weft_tcp_listen(&listener, "127.0.0.1", port));
	defer weft_tcp_listener_close(listener);
	weft_try(weft_signals_open(&signals, ending, 2));
	defer weft_signals_close(signals);

	printf("listening %d\n", weft_tcp_listener_port(listener));
	if (fflush(stdout))
		perror("echo: standard output");
	fprintf(stderr, "talk to it: nc 127.0.0.1 %d    end it: Ctrl-C\n",
			weft_tcp_listener_port(listener));
	weft_try(await weft_select(err = serve_all(listener, idle_ns),
			err = weft_signals_wait(signals, &signo)));
	return err;
}

/* What to do about it. */
static const char *advice(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "; give another port, or 0 for any";
	case -EACCES:
		return "; give a port from 1024 on";
	case -EMFILE:
		return "; allow more descriptors: ulimit -n";
	case -ENOTSUP:
		return "; nobody outside can reach a simulated network: WEFT_POLLER=epoll";
	default:
		return "";
	}
}

static bool is_number(const char *text, long max)
{
	char *end;
	long number = strtol(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && number <= max;
}

async int main(int argc, char **argv)
{
	const char *port = argc > 1 ? argv[1] : "50000";
	const char *idle_seconds = argc > 2 ? argv[2] : "0";
	int64_t idle_ns = WEFT_SECONDS(strtol(idle_seconds, NULL, 10));
	int err;

	if (argc > 3 || !is_number(port, 65535) || !is_number(idle_seconds, INT32_MAX)) {
		fprintf(stderr, "usage: echo [port [idle_seconds]], with a port from 0 to 65535\n");
		return 2;
	}
	err = await echo(port, idle_ns ? idle_ns : WEFT_NEVER);
	if (err)
		fprintf(stderr, "echo: port %s: %s%s\n", port, strerror(-err), advice(err));
	return err != 0;
}
