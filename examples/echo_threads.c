/* SPDX-License-Identifier: MIT */
/*
 * echo_threads.c: the server of echo.c without Weft: a thread for each client.
 *
 *     echo_threads [port]                        port 0: the system chooses
 *
 * Half as long. Its clients cost a thread each: stack, creation, and a switch by the kernel for every line;
 * and none of them can be told to stop, nor be given a deadline, from outside.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* The descriptor comes by value: whoever accepted it is long elsewhere. */
static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t capacity = 0;
	ssize_t n;

	while (in && (n = getline(&line, &capacity, in)) > 0 && line[n - 1] == '\n')
		if (write_all(fd, line, (size_t)n) < 0)
			break;
	free(line);
	if (in)
		fclose(in);
	else
		close(fd);
	fprintf(stderr, "Connection ended\n");
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	socklen_t length = sizeof address;
	pthread_t thread;

	address.sin_port = htons(argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 50000);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
			listen(listener, SOMAXCONN) < 0 ||
			getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
		perror("echo_threads");
		return 1;
	}
	printf("listening %d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd)) {
			perror("echo_threads: accepting pauses");
			if (fd >= 0)
				close(fd);
			sleep(1);
			continue;
		}
		fprintf(stderr, "Accepted connection\n");
		pthread_detach(thread);
	}
}
