/* SPDX-License-Identifier: MIT */
/*
 * echo_threads.c: an echo server with one thread and blocking calls per connection.
 *
 *     echo_threads [--http] PORT
 *
 * Stacks are as small as the buffer allows; with the default size of 8 MiB the
 * resident memory would be the same, only the address space larger.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "http.h"
#include "peer.h"

enum { BUFFER_BYTES = 16 * 1024, STACK_BYTES = 64 * 1024 };

static bool http;

static bool send_all(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		bytes += sent;
		count -= (size_t)sent;
	}
	return true;
}

static void echo(int fd)
{
	char buffer[BUFFER_BYTES];
	ssize_t got;

	while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0)
		if (!send_all(fd, buffer, (size_t)got))
			break;
}

static void serve_http(int fd)
{
	char in[HTTP_IN_BYTES], *out = malloc(HTTP_OUT_BYTES);
	size_t bytes = 0;
	ssize_t got;

	while (out && (got = recv(fd, in + bytes, sizeof in - bytes, 0)) > 0) {
		bytes += (size_t)got;
		got = http_answer_all(in, &bytes, out);
		if (got < 0 || !send_all(fd, out, (size_t)got))
			break;
	}
	free(out);
}

static void *connection_main(void *argument)
{
	int fd = (int)(intptr_t)argument;

	peer_no_delay(fd);
	(http ? serve_http : echo)(fd);
	close(fd);
	return NULL;
}

/* _exit, because the other threads are in the middle of their calls. */
static void finish(int signal)
{
	(void)signal;
	_exit(0);
}

static void start_thread(const pthread_attr_t *attributes, int fd)
{
	pthread_t thread;
	int error = pthread_create(&thread, attributes, connection_main, (void *)(intptr_t)fd);

	if (error) {
		fprintf(stderr, "echo_threads: cannot create a thread: %s\n", strerror(error));
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = finish };
	pthread_attr_t attributes;
	int listener;

	http = argc == 3 && strcmp(argv[1], "--http") == 0;
	if (argc != 2 + http)
		peer_die("usage: echo_threads [--http] PORT");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	listener = peer_listen(peer_number(argv[argc - 1], 65535), 0);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			start_thread(&attributes, fd);
		else if (errno != ECONNABORTED && errno != EINTR)
			peer_die("accept4: %s", strerror(errno));
	}
}
