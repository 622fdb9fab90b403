/* SPDX-License-Identifier: MIT */
/*
 * echo_weft.c: an echo server on Weft, byte for byte.
 *
 *     echo_weft [--poller NAME] [--workers N | --runtimes N] [--http] PORT
 *
 * No workers: the current-thread flavour. Like the raw loops it reads into a buffer that the thread's
 * connections share, and keeps only what a socket did not take at once. Several runtimes of that flavour have
 * a thread each and accept from one listening socket, whoever comes first: with uring-direct each of them has
 * a table of sockets.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include <weft.h>

#include "http.h"
#include "peer.h"

enum { BUFFER_BYTES = 65536 };

static __thread char buffer[HTTP_OUT_BYTES]; /* what goes out; of an echo, what came in */
static bool http;

WEFT_ASYNC_1(int, serve, struct weft_tcp);

struct serve__frame {
	struct serve__args args;
	char *rest;
	union {
		struct weft_tcp_read__frame read;
		struct weft_tcp_write_all__frame write;
	};
};

/* A read moves bytes only in the poll in which it is ready, so it can be pointed at the buffer of
 * whichever thread polls. */
static enum weft_poll read_here(struct serve__frame *f, struct weft_context *cx)
{
	f->read.args.p1 = buffer;
	return weft_tcp_read__poll(&f->read, cx);
}

/* What the socket did not take at once of `size` bytes; NULL if it failed, or if there is no memory. */
static char *keep_rest(ssize_t sent, size_t size, size_t *left)
{
	char *rest;

	if (sent == -EAGAIN)
		sent = 0;
	if (sent < 0)
		return NULL;
	*left = size - (size_t)sent;
	rest = malloc(*left);
	if (rest)
		memcpy(rest, buffer + sent, *left);
	return rest;
}

enum weft_poll serve__poll(void *frame, struct weft_context *cx)
{
	struct serve__frame *f = frame;
	ssize_t sent;
	size_t left;

	weft_begin(f);
	for (;;) {
		weft_tcp_read__init(&f->read.args, f->args.p0, buffer, BUFFER_BYTES);
		f->args.base.at = 1;
		WEFT_FALLTHROUGH;
	case 1:
		if (read_here(f, cx) == WEFT_PENDING)
			return WEFT_PENDING;
		if (f->read.args.result <= 0)
			break;
		sent = weft_tcp_try_write(f->args.p0, buffer, (size_t)f->read.args.result);
		if (sent == f->read.args.result)
			continue;
		f->rest = keep_rest(sent, (size_t)f->read.args.result, &left);
		if (!f->rest)
			break;
		weft_await(f, f->write, weft_tcp_write_all, f->args.p0, f->rest, left);
		free(f->rest);
		if (f->write.args.result < 0)
			break;
	}
	weft_tcp_close(f->args.p0);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(serve, WEFT_ASYNC_RESULT_INT);

/* HTTP-shaped: each connection has a buffer for what has come of a request. */
WEFT_ASYNC_1(int, serve_http, struct weft_tcp);

struct serve_http__frame {
	struct serve_http__args args;
	char *rest;
	size_t bytes;
	union {
		struct weft_tcp_read__frame read;
		struct weft_tcp_write_all__frame write;
	};
	char in[HTTP_IN_BYTES];
};

enum weft_poll serve_http__poll(void *frame, struct weft_context *cx)
{
	struct serve_http__frame *f = frame;
	ssize_t sent;
	long answers;
	size_t left;

	weft_begin(f);
	f->bytes = 0;
	for (;;) {
		weft_await(f, f->read, weft_tcp_read, f->args.p0, f->in + f->bytes,
				HTTP_IN_BYTES - f->bytes);
		if (f->read.args.result <= 0)
			break;
		f->bytes += (size_t)f->read.args.result;
		answers = http_answer_all(f->in, &f->bytes, buffer);
		if (answers < 0)
			break;
		sent = weft_tcp_try_write(f->args.p0, buffer, (size_t)answers);
		if (sent == answers)
			continue;
		f->rest = keep_rest(sent, (size_t)answers, &left);
		if (!f->rest)
			break;
		weft_await(f, f->write, weft_tcp_write_all, f->args.p0, f->rest, left);
		free(f->rest);
		if (f->write.args.result < 0)
			break;
	}
	weft_tcp_close(f->args.p0);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(serve_http, WEFT_ASYNC_RESULT_INT);

static int serve_spawn(struct weft_tcp conn)
{
	struct serve__args echo;
	struct serve_http__args answer;

	serve__init(&echo, conn);
	serve_http__init(&answer, conn);
	return http ? weft_task_spawn_detached(NULL, &serve_http__async, &answer)
		    : weft_task_spawn_detached(NULL, &serve__async, &echo);
}

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

	weft_begin(f);
	for (;;) {
		weft_await(f, f->accept, weft_tcp_accept, f->args.p0, &f->conn);
		if (f->accept.args.result == -ENFILE) { /* another runtime may have places */
			weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(100));
			continue;
		}
		if (f->accept.args.result < 0)
			weft_return(f, f->accept.args.result);
		if (weft_tcp_set_nodelay(f->conn, true) < 0) {
			weft_tcp_close(f->conn);
			continue;
		}
		if (serve_spawn(f->conn) < 0)
			weft_tcp_close(f->conn);
	}
	weft_end(f);
}
WEFT_ASYNC_DEFINE(serve_all, WEFT_ASYNC_RESULT_INT);

/* A runtime that accepts from a listening socket of the process's: the others' root, and part of the first. */
WEFT_ASYNC_1(int, share, int);

struct share__frame {
	struct share__args args;
	struct serve_all__frame serving;
};

enum weft_poll share__poll(void *frame, struct weft_context *cx)
{
	struct share__frame *f = frame;
	struct weft_tcp_listener listener;
	int fd, err;

	weft_begin(f);
	fd = fcntl(f->args.p0, F_DUPFD_CLOEXEC, 0);
	err = weft_tcp_listener_adopt(&listener, fd);
	if (err)
		weft_return(f, err);
	weft_await(f, f->serving, serve_all, listener);
	weft_return(f, f->serving.args.result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(share, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_2(int, echo, const char *, int);

struct echo__frame {
	struct echo__args args;
	struct weft_tcp_listener listener;
	struct weft_signals signals;
	int signo;
	struct weft_signals_wait__frame wait;
};

enum weft_poll echo__poll(void *frame, struct weft_context *cx)
{
	struct echo__frame *f = frame;
	static const int ending[] = { SIGINT, SIGTERM };
	struct serve_all__args serving;
	struct share__args shared;
	int err;

	weft_begin(f);
	err = weft_signals_open(&f->signals, ending, 2);
	if (err)
		weft_return(f, err);
	if (f->args.p1 >= 0) {
		share__init(&shared, f->args.p1);
		err = weft_task_spawn_detached(NULL, &share__async, &shared);
	} else {
		err = weft_tcp_listen(&f->listener, "127.0.0.1", f->args.p0);
		if (err)
			weft_return(f, err);
		serve_all__init(&serving, f->listener);
		err = weft_task_spawn_detached(NULL, &serve_all__async, &serving);
		printf("listening %d\n", weft_tcp_listener_port(f->listener));
		fflush(stdout);
	}
	if (err)
		weft_return(f, err);
	weft_await(f, f->wait, weft_signals_wait, f->signals, &f->signo);
	weft_signals_close(f->signals);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(echo, WEFT_ASYNC_RESULT_INT);

/* ---- several runtimes ---- */

struct sharing {
	struct weft_runtime_options options;
	int fd; /* of the listening socket; -1: one runtime, which has its own */
	int runtimes;
};

static struct weft_runtime *runtime_make(const struct weft_runtime_options *options)
{
	struct weft_runtime *runtime;
	int err = weft_runtime_create(&runtime, options);

	if (err)
		peer_die("no runtime: %s", strerror(-err));
	return runtime;
}

/* Until the process ends. */
static void *share_thread(void *arg)
{
	const struct sharing *sharing = arg;
	struct share__args args;
	int result = 0;

	share__init(&args, sharing->fd);
	if (weft_runtime_run(runtime_make(&sharing->options), &share__async, &args, &result) ||
			result)
		peer_die("a further runtime: %s", strerror(-result));
	return NULL;
}

static void share_start(struct sharing *sharing, const char *port)
{
	pthread_t thread;

	sharing->fd = peer_listen(peer_number(port, 65535), SOCK_NONBLOCK);
	for (int i = 1; i < sharing->runtimes; i++)
		if (pthread_create(&thread, NULL, share_thread, sharing))
			peer_die("no thread");
}

/* Returns the port. */
static const char *parse_options(int argc, char **argv, struct sharing *sharing)
{
	struct weft_runtime_options *options = &sharing->options;
	int next = 1;

	for (; next + 1 < argc; next++) {
		if (strcmp(argv[next], "--http") == 0) {
			http = true;
		} else if (strcmp(argv[next], "--poller") == 0) {
			options->poller = argv[++next];
		} else if (strcmp(argv[next], "--workers") == 0) {
			options->workers = (unsigned)peer_number(argv[++next], 64);
			options->flavour =
					options->workers ? WEFT_MULTI_THREAD : WEFT_CURRENT_THREAD;
		} else if (strcmp(argv[next], "--runtimes") == 0) {
			sharing->runtimes = peer_number(argv[++next], 200);
		} else {
			peer_die("unknown option %s", argv[next]);
		}
	}
	if (next + 1 != argc)
		peer_die("usage: echo_weft [--poller NAME] [--workers N | --runtimes N] [--http] PORT");
	return argv[next];
}

int main(int argc, char **argv)
{
	struct sharing sharing = {
		.options.flavour = WEFT_CURRENT_THREAD, .fd = -1, .runtimes = 1
	};
	const char *port = parse_options(argc, argv, &sharing);
	struct weft_runtime *runtime;
	struct echo__args args;
	int err, result = 0;

	peer_raise_file_limit();
	if (sharing.runtimes > 1)
		share_start(&sharing, port);
	runtime = runtime_make(&sharing.options);
	echo__init(&args, port, sharing.fd);
	err = weft_runtime_run(runtime, &echo__async, &args, &result);
	if (sharing.runtimes == 1) /* the others run on */
		weft_runtime_destroy(runtime);
	if (err || result)
		peer_die("echo: %s", strerror(err ? -err : -result));
	return 0;
}
