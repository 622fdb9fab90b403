/* SPDX-License-Identifier: MIT */
/*
 * server_threads.c: the server of server.c with a thread for each client.
 *
 *     server_threads [port]                      8080, if it is not given; 0: the system chooses
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *serve(void *arg)
{
	int socket = (int)(intptr_t)arg;
	char buf[1024];
	ssize_t n, sent = 0;

	n = recv(socket, buf, sizeof buf, 0);
	for (ssize_t done = 0; done < n && sent >= 0; done += sent)
		sent = send(socket, buf + done, (size_t)(n - done), MSG_NOSIGNAL);
	close(socket);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, socket;
	socklen_t length = sizeof address;
	pthread_t thread;

	address.sin_port = htons(argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 8080);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
			listen(listener, SOMAXCONN) < 0 ||
			getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
		perror("server_threads");
		return 1;
	}
	printf("listening %d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		if ((socket = accept(listener, NULL, NULL)) < 0)
			return 1;
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)socket))
			close(socket);
		else
			pthread_detach(thread);
	}
}
