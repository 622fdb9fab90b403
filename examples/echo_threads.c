/* SPDX-License-Identifier: MIT */
/*
 * echo_threads.c: the server of echo.c without Weft: a thread for each client.
 *
 *     echo_threads [port [idle_seconds]]        as echo.c
 *
 * Its clients cost a thread each: stack, creation, and a switch by the kernel for every line. And a thread
 * cannot be asked to end, so the server keeps a list of its sockets and ends those.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 65536 };

/* Who is being served, and how they are told to end. */
struct client {
	struct client *next, **link;
	int fd;
};

static struct client *clients;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct timeval idle;
static int listener;

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0)
			return -1;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static void echo_lines(int fd, char *buffer)
{
	size_t size = 0, whole;
	ssize_t n;

	while ((n = recv(fd, buffer + size, LINE_MAX_BYTES - size, 0)) > 0) {
		size += (size_t)n;
		for (whole = size; whole > 0 && buffer[whole - 1] != '\n';)
			whole--;
		if (write_all(fd, buffer, whole) < 0)
			break;
		size -= whole;
		memmove(buffer, buffer + whole, size);
	}
}

static void *serve(void *arg)
{
	struct client *client = arg;
	char *buffer = malloc(LINE_MAX_BYTES);

	if (buffer)
		echo_lines(client->fd, buffer);
	free(buffer);
	fprintf(stderr, "Connection ended\n");
	pthread_mutex_lock(&lock);
	*client->link = client->next;
	if (client->next)
		client->next->link = client->link;
	close(client->fd);
	pthread_cond_signal(&left);
	pthread_mutex_unlock(&lock);
	free(client);
	return NULL;
}

/* A thread for it, or -1. */
static int serve_in_thread(int fd)
{
	struct client *client = malloc(sizeof *client);
	pthread_t thread;
	int err;

	if (!client)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
	pthread_mutex_lock(&lock);
	*client = (struct client){ clients, &clients, fd };
	err = pthread_create(&thread, NULL, serve, client);
	if (!err) {
		if (clients)
			clients->link = &client->next;
		clients = client;
	}
	pthread_mutex_unlock(&lock);
	if (err) {
		free(client);
		return -1;
	}
	pthread_detach(thread);
	fprintf(stderr, "Accepted connection\n");
	return 0;
}

static void *serve_all(void *unused)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0 && errno == EINVAL) /* it is to end */
			return unused;
		if (fd >= 0 && serve_in_thread(fd) == 0)
			continue;
		if (fd >= 0)
			close(fd);
		perror("echo_threads: accepting pauses");
		usleep(100000);
	}
}

static int listen_on(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	socklen_t length = sizeof address;
	int on = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
			listen(listener, SOMAXCONN) < 0 ||
			getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		return -1;
	printf("listening %d\n", ntohs(address.sin_port));
	if (fflush(stdout))
		perror("echo_threads: standard output");
	fprintf(stderr, "talk to it: nc 127.0.0.1 %d    end it: Ctrl-C\n", ntohs(address.sin_port));
	return 0;
}

/* Serves until a signal asks it to end, and lets the lines that are on their way arrive. */
static int echo(const char *port)
{
	struct timespec until;
	pthread_t acceptor;
	sigset_t ending;
	int signo;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ending, NULL);
	if (listen_on(port) < 0 || pthread_create(&acceptor, NULL, serve_all, NULL))
		return -1;
	sigwait(&ending, &signo);
	shutdown(listener, SHUT_RD);
	pthread_join(acceptor, NULL);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	pthread_mutex_lock(&lock);
	for (struct client *client = clients; client; client = client->next)
		shutdown(client->fd, SHUT_RD);
	while (clients && pthread_cond_timedwait(&left, &lock, &until) == 0)
		;
	pthread_mutex_unlock(&lock);
	return 0;
}

/* What to do about it. */
static const char *advice(int err)
{
	switch (err) {
	case EADDRINUSE:
		return "; give another port, or 0 for any";
	case EACCES:
		return "; give a port from 1024 on";
	case EMFILE:
		return "; allow more descriptors: ulimit -n";
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
	const char *idle_seconds = argc > 2 ? argv[2] : "0";

	if (argc > 3 || !is_number(port, 65535) || !is_number(idle_seconds, INT32_MAX)) {
		fprintf(stderr, "usage: echo_threads [port [idle_seconds]], with a port from 0 to 65535\n");
		return 2;
	}
	idle.tv_sec = strtol(idle_seconds, NULL, 10);
	if (echo(port) < 0) {
		fprintf(stderr, "echo_threads: port %s: %s%s\n", port, strerror(errno),
				advice(errno));
		return 1;
	}
	return 0;
}
