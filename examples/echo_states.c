/* SPDX-License-Identifier: MIT */
/*
 * echo_states.c: a line echo server. Each client is a task; each complete line goes back to its client.
 *
 *     echo_states [port [idle_seconds]]    port 0: the system chooses; idle_seconds 0: clients may be silent
 *
 * echo.c, written by hand in the shape that the compiler emits. A partial last line is not echoed, a line
 * over 64 KiB ends its client only, and Ctrl-C lets the lines that are on their way arrive.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

static int64_t idle_ns = WEFT_NEVER;

WEFT_ASYNC_1(int, serve, struct weft_tcp);

struct serve__frame {
	struct serve__args args;
	struct weft_reader in;
	const char *line;
	struct weft_reader_read_until__frame read;
	union {
		struct weft_timeout__frame timeout;
		struct weft_tcp_write_all__frame write;
	};
};

enum weft_poll serve__poll(void *frame, struct weft_context *cx)
{
	struct serve__frame *f = frame;
	ssize_t n;

	weft_begin(f);
	weft_reader_init(&f->in, weft_tcp_io(f->args.p0));
	for (;;) {
		weft_reader_read_until__init(&f->read.args, &f->in, '\n', &f->line);
		weft_await(f, f->timeout, weft_timeout, idle_ns, &weft_reader_read_until__async,
				&f->read);
		n = f->timeout.args.result;
		if (n <= 0 || f->line[n - 1] != '\n')
			break;
		weft_await(f, f->write, weft_tcp_write_all, f->args.p0, f->line, (size_t)n);
		if ((n = f->write.args.result) < 0)
			break;
	}
	weft_reader_finish(&f->in);
	weft_tcp_close(f->args.p0);
	weft_return(f, n < 0 ? (int)n : 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(serve, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, serve_all, struct weft_tcp_listener);

struct serve_all__frame {
	struct serve_all__args args;
	struct weft_tcp conn;
	union {
		struct weft_tcp_accept__frame accept;
		struct weft_sleep__frame sleep;
	};
};

enum weft_poll serve_all__poll(void *frame, struct weft_context *cx)
{
	struct serve_all__frame *f = frame;
	struct serve__args client;
	int err;

	weft_begin(f);
	for (;;) {
		weft_await(f, f->accept, weft_tcp_accept, f->args.p0, &f->conn);
		err = f->accept.args.result;
		if (err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM) {
			fprintf(stderr, "echo: accepting pauses: %s\n", strerror(-err));
			weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(100));
			continue;
		}
		if (err < 0)
			weft_return(f, err);
		serve__init(&client, f->conn);
		if (weft_task_spawn_detached(NULL, &serve__async, &client) < 0)
			weft_tcp_close(f->conn); /* no task, so conn is still ours */
	}
	weft_end(f);
}
WEFT_ASYNC_DEFINE(serve_all, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, echo, const char *);

struct echo__frame {
	struct echo__args args;
	struct weft_tcp_listener listener;
	struct weft_signals signals;
	struct weft_task *acceptor;
	int signo;
	union {
		struct weft_signals_wait__frame wait;
		struct weft_task_join__frame join;
	};
};

enum weft_poll echo__poll(void *frame, struct weft_context *cx)
{
	struct echo__frame *f = frame;
	static const int ending[] = { SIGINT, SIGTERM };
	struct serve_all__args serving;
	int err;

	weft_begin(f);
	err = weft_tcp_listen(&f->listener, "127.0.0.1", f->args.p0);
	if (err < 0)
		weft_return(f, err);
	err = weft_signals_open(&f->signals, ending, 2);
	if (err < 0)
		weft_return(f, err);
	serve_all__init(&serving, f->listener);
	f->acceptor = weft_task_spawn(NULL, &serve_all__async, &serving);
	if (!f->acceptor)
		weft_return(f, -ENOMEM);
	if (printf("listening %d\n", weft_tcp_listener_port(f->listener)) < 0 || fflush(stdout))
		perror("echo: standard output");
	fprintf(stderr, "talk to it: nc 127.0.0.1 %d    end it: Ctrl-C\n",
			weft_tcp_listener_port(f->listener));
	weft_await(f, f->wait, weft_signals_wait, f->signals, &f->signo);
	weft_task_cancel(f->acceptor);
	weft_await(f, f->join, weft_task_join, f->acceptor, NULL);
	weft_tcp_listener_close(f->listener);
	weft_signals_close(f->signals);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(echo, WEFT_ASYNC_RESULT_INT);

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
	case -EAGAIN:
	case -ENOMEM:
		return "; allow more threads or memory: ulimit -u, ulimit -v";
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

int main(int argc, char **argv)
{
	const char *port = argc > 1 ? argv[1] : "50000";
	struct weft_runtime *runtime;
	struct echo__args args;
	int err, result = 0;

	if (argc > 3 || !is_number(port, 65535) || (argc > 2 && !is_number(argv[2], INT32_MAX))) {
		fprintf(stderr, "usage: echo [port [idle_seconds]], with a port from 0 to 65535\n");
		return 2;
	}
	if (argc > 2 && strtol(argv[2], NULL, 10) > 0)
		idle_ns = WEFT_SECONDS(strtol(argv[2], NULL, 10));
	err = weft_runtime_create(&runtime, NULL);
	if (err == 0) {
		echo__init(&args, port);
		err = weft_runtime_run(runtime, &echo__async, &args, &result);
		weft_runtime_destroy(runtime);
	}
	err = err ? err : result;
	if (err)
		fprintf(stderr, "echo: port %s: %s%s\n", port, strerror(-err), advice(err));
	return err != 0;
}
