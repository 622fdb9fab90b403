/* SPDX-License-Identifier: MIT */
/*
 * echo_epoll.c: the limit. An echo server as a bare edge-triggered epoll loop.
 *
 *     echo_epoll [--workers N] [--http] PORT
 *
 * How   One table from descriptor to unsent bytes is all the state: eight bytes
 *       per connection. What arrives lands in a buffer that all connections of a
 *       worker share and is sent from there at once. Only what the socket does
 *       not take is copied; until it is gone the connection reads no more, so a
 *       client that does not listen costs one buffer at most.
 *       With --http each connection has a buffer for what has come of a request.
 *       A short read means that the socket is empty: the next edge will tell.
 *       With several workers the first one accepts and deals the connections
 *       out in turn; a connection stays with its worker.
 * Cost  Two system calls per request and a share of one epoll_wait.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "http.h"
#include "peer.h"

enum { BUFFER_BYTES = 64 * 1024, EVENTS_PER_WAIT = 512, WORKERS_MAX = 64 };

struct unsent {
	size_t offset;
	size_t end;
	char bytes[];
};

/* What has come of a request. */
struct part {
	size_t bytes;
	char in[HTTP_IN_BYTES];
};

struct worker {
	pthread_t thread;
	int epoll;
	char *buffer; /* what goes out; of an echo, what came in */
};

static struct worker workers[WORKERS_MAX];
static int worker_count = 1;
static int listener, signals;
static struct unsent **unsent_of; /* by descriptor, NULL: nothing unsent */
static struct part **part_of;     /* by descriptor; NULL: this is an echo server */

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		peer_die("epoll_ctl: %s", strerror(errno));
}

static void connection_close(int fd)
{
	free(unsent_of[fd]);
	unsent_of[fd] = NULL;
	if (part_of)
		free(part_of[fd]);
	close(fd);
}

static void unsent_keep(int fd, const char *bytes, size_t count)
{
	struct unsent *unsent = malloc(sizeof *unsent + count);

	if (!unsent)
		peer_die("out of memory");
	unsent->offset = 0;
	unsent->end = count;
	memcpy(unsent->bytes, bytes, count);
	unsent_of[fd] = unsent;
}

static ssize_t send_some(int fd, const char *bytes, size_t count)
{
	ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

	return sent < 0 && errno == EAGAIN ? 0 : sent;
}

/* True when everything kept has been sent; false also after an error. */
static bool unsent_flush(int fd)
{
	struct unsent *unsent = unsent_of[fd];
	ssize_t sent = send_some(fd, unsent->bytes + unsent->offset, unsent->end - unsent->offset);

	if (sent < 0) {
		connection_close(fd);
		return false;
	}
	unsent->offset += (size_t)sent;
	if (unsent->offset < unsent->end)
		return false;
	free(unsent);
	unsent_of[fd] = NULL;
	return true;
}

/* Receives, and has in the buffer what is to be sent. Like recv: 0 at the end, or if this is not HTTP;
 * *full: there may be more to receive. */
static ssize_t receive_and_answer(int fd, char *buffer, bool *full)
{
	struct part *part = part_of ? part_of[fd] : NULL;
	char *in = part ? part->in + part->bytes : buffer;
	size_t room = part ? HTTP_IN_BYTES - part->bytes : BUFFER_BYTES;
	ssize_t got = recv(fd, in, room, 0);

	*full = got == (ssize_t)room;
	if (got <= 0 || !part)
		return got;
	part->bytes += (size_t)got;
	got = http_answer_all(part->in, &part->bytes, buffer);
	if (got == 0)
		errno = EAGAIN; /* a part of a request */
	return got > 0 ? got : got == 0 ? -1 : 0;
}

/* Echoes until the socket is empty or does not take more. A hang-up must be
 * read to its end, because no further edge announces it. */
static void connection_echo(int fd, char *buffer, bool hang_up)
{
	for (;;) {
		bool full;
		ssize_t got = receive_and_answer(fd, buffer, &full), sent;

		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			connection_close(fd);
			return;
		}
		sent = send_some(fd, buffer, (size_t)got);
		if (sent < 0) {
			connection_close(fd);
			return;
		}
		if (sent < got) {
			unsent_keep(fd, buffer + sent, (size_t)(got - sent));
			return;
		}
		if (!full && !hang_up)
			return;
	}
}

static void connection_serve(struct worker *worker, int fd, uint32_t events)
{
	if (unsent_of[fd]) {
		if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) && unsent_flush(fd))
			connection_echo(fd, worker->buffer, true);
	} else if (events & ~(uint32_t)EPOLLOUT) {
		connection_echo(fd, worker->buffer, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
	}
}

static void accept_all(void)
{
	static int turn;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		peer_no_delay(fd);
		if (part_of && !(part_of[fd] = calloc(1, sizeof(struct part))))
			peer_die("out of memory");
		watch(workers[turn].epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
		turn = turn + 1 < worker_count ? turn + 1 : 0;
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		peer_die("accept4: %s", strerror(errno));
}

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct epoll_event events[EVENTS_PER_WAIT];

	for (;;) {
		int count = epoll_wait(worker->epoll, events, EVENTS_PER_WAIT, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				accept_all();
			else if (events[i].data.fd == signals)
				exit(0);
			else
				connection_serve(worker, events[i].data.fd, events[i].events);
		}
	}
}

static void signals_to_descriptor(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
}

/* Untouched entries cost no memory, so the table has room for every descriptor. */
static void *table_create(void)
{
	struct rlimit limit;
	void *table;

	getrlimit(RLIMIT_NOFILE, &limit);
	table = mmap(NULL, limit.rlim_cur * sizeof(void *), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		peer_die("mmap: %s", strerror(errno));
	return table;
}

int main(int argc, char **argv)
{
	bool http = false;
	int next = 1;

	for (; next + 1 < argc; next++) {
		if (strcmp(argv[next], "--http") == 0)
			http = true;
		else if (strcmp(argv[next], "--workers") == 0)
			worker_count = peer_number(argv[++next], WORKERS_MAX);
		else
			break;
	}
	if (next + 1 != argc || worker_count == 0)
		peer_die("usage: echo_epoll [--workers N] [--http] PORT");
	signals_to_descriptor();
	listener = peer_listen(peer_number(argv[next], 65535), SOCK_NONBLOCK);
	unsent_of = table_create();
	part_of = http ? table_create() : NULL;
	for (int i = 0; i < worker_count; i++) {
		workers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
		workers[i].buffer = malloc(http ? HTTP_OUT_BYTES : BUFFER_BYTES);
		if (workers[i].epoll < 0 || !workers[i].buffer)
			peer_die("cannot set up worker %d", i);
	}
	watch(workers[0].epoll, listener, EPOLLIN);
	watch(workers[0].epoll, signals, EPOLLIN);
	for (int i = 1; i < worker_count; i++)
		if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
			peer_die("cannot create worker %d", i);
	worker_main(&workers[0]);
	return 0;
}
