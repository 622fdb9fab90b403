/* SPDX-License-Identifier: MIT */
/* The line echo servers of examples/ as their clients see them: each runs as a child process, on a port
 * that the system chooses, and the tests are plain sockets. One script for both, since both promise the
 * same. Last, what one must not do (row S3-8). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/io.h>
#include <weft/net.h>

#include "peer.h"
#include "rig.h"
#include "test.h"

/* --- a server in a process of its own --------------------------------------------------------- */

struct server {
	const char *program;
	const char *idle_seconds; /* NULL: clients may be silent */
	rlim_t descriptors_max;   /* 0: as many as this process may have */
	pid_t pid;
	int port;
	FILE *says; /* its standard error */
};

/* In the child. */
static _Noreturn void server_become(const struct server *server, int out, int err)
{
	struct rlimit limit = { server->descriptors_max, server->descriptors_max };
	char path[512];

	snprintf(path, sizeof path, "%s/%s", WEFT_EXAMPLES, server->program);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it goes when a check fails here */
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setenv("WEFT_WORKERS", "2", 1);
	if (server->descriptors_max)
		setrlimit(RLIMIT_NOFILE, &limit);
	execl(path, server->program, "0", server->idle_seconds, (char *)NULL);
	_exit(127);
}

/* Reads a line; what is too long for it is cut off. False at the end. */
static bool read_line(FILE *stream, char *line, int size)
{
	return fgets(line, size, stream) != NULL;
}

static void server_start(struct server *server)
{
	int out[2], err[2];
	char line[100];
	FILE *announced;

	CHECK(pipe2(out, O_CLOEXEC) == 0);
	CHECK(pipe2(err, O_CLOEXEC) == 0);
	fcntl(err[1], F_SETPIPE_SZ, 1 << 20); /* it may say much before anybody listens */
	fflush(NULL);
	server->pid = fork();
	CHECK(server->pid >= 0);
	if (server->pid == 0)
		server_become(server, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	server->says = fdopen(err[0], "r");
	announced = fdopen(out[0], "r");
	CHECK(server->says && announced);
	if (!read_line(announced, line, sizeof line)) {
		if (read_line(server->says, line, sizeof line) && strstr(line, "not implemented"))
			SKIP("this poller is not to be had here");
		test_fail(__FILE__, __LINE__, "%s: %s", server->program, line);
	}
	CHECK_EQ(sscanf(line, "listening %d", &server->port), 1);
	fclose(announced);
}

/* Asks it to end (0: somebody has), and sees that it does so well. */
static void server_end(struct server *server, int signo)
{
	int status = -1;
	char line[200];

	if (signo)
		CHECK(kill(server->pid, signo) == 0);
	CHECK(waitpid(server->pid, &status, 0) == server->pid);
	while (read_line(server->says, line, sizeof line))
		CHECK(!strstr(line, "alive") && !strstr(line, "ERROR") && !strstr(line, "WARNING"));
	fclose(server->says);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A test of both servers. */
#define SERVER_TEST(name)                                                                          \
	static void name(struct server *server);                                                   \
	TEST(echo_##name)                                                                          \
	{                                                                                          \
		run_server(WEFT_ECHO, name);                                                       \
	}                                                                                          \
	TEST(echo_threads_##name)                                                                  \
	{                                                                                          \
		run_server("echo_threads", name);                                                  \
	}                                                                                          \
	static void name(struct server *server)

static void run_server(const char *program, void (*body)(struct server *server))
{
	struct server server = { .program = program };

	server_start(&server);
	body(&server);
	server_end(&server, SIGTERM);
}

/* --- the script: rows S3-1, S3-2, S3-6, S3-7 -------------------------------------------------- */

static int client_open(const struct server *server)
{
	int fd = peer_connect(server->port), on = 1;

	CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
	return fd;
}

static void client_says(int fd, const char *text)
{
	peer_send(fd, text, strlen(text));
}

static void client_hears(int fd, const char *text)
{
	peer_expect(fd, text, strlen(text));
}

/* Sends it and hears it. */
static void client_talks(int fd, const char *text)
{
	client_says(fd, text);
	client_hears(fd, text);
}

/* Says no more, and hears no more. */
static void client_leaves(int fd)
{
	CHECK(shutdown(fd, SHUT_WR) == 0);
	peer_expect_end(fd);
	close(fd);
}

SERVER_TEST(gives_each_line_back)
{
	int fd = client_open(server);

	client_says(fd, "a\nb\n");
	client_hears(fd, "a\nb\n");
	client_talks(fd, "\n");
	client_talks(fd, "one more\n\n\nand three\n");
	peer_send(fd, "no\0text\n", 8);
	peer_expect(fd, "no\0text\n", 8);
	client_leaves(fd);
}

SERVER_TEST(waits_for_the_rest_of_a_line)
{
	int fd = client_open(server), other = client_open(server);

	client_says(fd, "in two");
	client_talks(other, "meanwhile\n"); /* so it has been read, like as not */
	client_says(fd, " packets\nand the");
	client_hears(fd, "in two packets\n");
	client_talks(other, "meanwhile\n");
	client_says(fd, " next\n");
	client_hears(fd, "and the next\n");
	client_leaves(fd);
	client_leaves(other);
}

SERVER_TEST(takes_a_line_byte_by_byte)
{
	const char *text = "slow\nbut\nsteady\n";
	int fd = client_open(server), other = client_open(server);

	for (const char *at = text; *at; at++) {
		peer_send(fd, at, 1);
		client_talks(other, "quick\n");
	}
	client_hears(fd, text);
	client_leaves(fd);
	client_leaves(other);
}

SERVER_TEST(does_not_echo_a_partial_last_line)
{
	int fd = client_open(server);

	client_says(fd, "whole\npart");
	CHECK(shutdown(fd, SHUT_WR) == 0);
	client_hears(fd, "whole\n");
	peer_expect_end(fd);
	close(fd);
}

SERVER_TEST(bears_clients_that_say_nothing)
{
	int silent = client_open(server), fd;

	for (int i = 0; i < 20; i++)
		close(client_open(server));
	fd = client_open(server);
	client_talks(fd, "I am here\n");
	client_leaves(fd);
	client_leaves(silent);
}

SERVER_TEST(takes_many_lines_at_once)
{
	enum { LINES = 5000 };
	static char text[LINES * 5 + 1], back[sizeof text];
	int fd = client_open(server);
	size_t size = 0;

	for (int i = 0; i < LINES; i++)
		size += (size_t)snprintf(text + size, sizeof text - size, "%04d\n", i % 10000);
	client_says(fd, text);
	CHECK_EQ(recv(fd, back, size, MSG_WAITALL), size);
	CHECK(memcmp(text, back, size) == 0);
	client_leaves(fd);
}

SERVER_TEST(takes_long_lines)
{
	static char line[60000], back[sizeof line];
	int fd = client_open(server);

	memset(line, 'l', sizeof line - 1);
	line[sizeof line - 1] = '\n';
	for (size_t size = sizeof line; size > 1; size /= 3) {
		peer_send(fd, line + sizeof line - size, size);
		CHECK_EQ(recv(fd, back, size, MSG_WAITALL), size);
		CHECK(memcmp(line + sizeof line - size, back, size) == 0);
	}
	client_leaves(fd);
}

SERVER_TEST(serves_others_while_clients_are_reset)
{
	int fd = client_open(server);

	for (int i = 0; i < 50; i++) {
		int rude = client_open(server);

		if (i % 3 == 1)
			client_says(rude, "half a li");
		if (i % 3 == 2)
			client_talks(rude, "a line\n");
		if (i % 2)
			client_says(rude, "never heard\n");
		peer_reset(rude);
		client_talks(fd, "and I go on\n");
	}
	client_leaves(fd);
}

/* Row S3-9: all there at once, each talking in its turn and all at the same time. */
static void serves_a_crowd(const char *program, int count)
{
	struct server server = { .program = program };
	int *fds = malloc((size_t)count * sizeof *fds);
	char text[32];

	CHECK(fds != NULL);
	peer_need_descriptors((unsigned)count + 100);
	server_start(&server);
	for (int i = 0; i < count; i++)
		fds[i] = client_open(&server);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < count; i++) {
			snprintf(text, sizeof text, "client %d\n", i);
			client_says(fds[i], text);
		}
		for (int i = count - 1; i >= 0; i--) {
			snprintf(text, sizeof text, "client %d\n", i);
			client_hears(fds[i], text);
		}
	}
	for (int i = 0; i < count; i++)
		client_leaves(fds[i]);
	free(fds);
	server_end(&server, SIGTERM);
}

TEST(echo_serves_a_crowd)
{
	serves_a_crowd(WEFT_ECHO, 2000);
}

TEST(echo_threads_serves_a_crowd)
{
	serves_a_crowd("echo_threads", 200);
}

/* --- the end, and clients that are too much ----------------------------------------------------- */

/* Whether the other side has closed, by an end or a reset; without waiting. */
static bool client_is_left(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* Waits for the other side to close. */
static void client_is_shown_out(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	CHECK(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}

static void ends_gracefully(const char *program, int signo)
{
	struct server server = { .program = program };
	int silent, talking;

	server_start(&server);
	silent = client_open(&server);
	talking = client_open(&server);
	client_talks(talking, "before the end\n");
	client_says(talking, "half a li");
	server_end(&server, signo);
	client_is_shown_out(silent);
	client_is_shown_out(talking);
}

TEST(echo_ends_gracefully)
{
	ends_gracefully(WEFT_ECHO, SIGINT);
	ends_gracefully(WEFT_ECHO, SIGTERM);
}

TEST(echo_threads_ends_gracefully)
{
	ends_gracefully("echo_threads", SIGINT);
	ends_gracefully("echo_threads", SIGTERM);
}

SERVER_TEST(ends_gracefully_without_clients)
{
	CHECK(server->port > 0);
}

/* The longest line is 64 KiB with its end. More is an error, for this client alone. */
SERVER_TEST(shows_out_whose_line_is_too_long)
{
	static char line[WEFT_READER_LIMIT + 1], back[sizeof line];
	int fd = client_open(server), other = client_open(server);

	client_talks(fd, "short\n");
	memset(line, 'x', sizeof line);
	line[WEFT_READER_LIMIT - 1] = '\n';
	peer_send(fd, line, WEFT_READER_LIMIT);
	CHECK_EQ(recv(fd, back, WEFT_READER_LIMIT, MSG_WAITALL), WEFT_READER_LIMIT);
	CHECK(memcmp(line, back, WEFT_READER_LIMIT) == 0);
	memset(line, 'x', sizeof line);
	peer_send(fd, line, sizeof line);
	client_is_shown_out(fd);
	client_talks(other, "short\n");
	client_leaves(other);
}

/* Row S4-5: who says nothing for the time that was asked for has to go, and who talks may stay. */
static void shows_out_the_silent(const char *program)
{
	struct server server = { .program = program, .idle_seconds = "1" };
	int silent, halting, talking;

	server_start(&server);
	silent = client_open(&server);
	halting = client_open(&server);
	talking = client_open(&server);
	client_says(halting, "half a li");
	while (!client_is_left(silent))
		client_talks(talking, "still here\n");
	client_is_shown_out(halting);
	client_talks(talking, "still here\n");
	client_leaves(talking);
	close(silent);
	server_end(&server, SIGTERM);
}

TEST(echo_shows_out_the_silent_when_asked_to)
{
	shows_out_the_silent(WEFT_ECHO);
}

TEST(echo_threads_shows_out_the_silent_when_asked_to)
{
	shows_out_the_silent("echo_threads");
}

/* Processor time so far, in hundredths of a second. */
static long server_time(const struct server *server)
{
	unsigned long user, system;
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)server->pid);
	file = fopen(path, "r");
	CHECK(file != NULL);
	CHECK_EQ(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				 &user, &system),
			2);
	fclose(file);
	return (long)((user + system) * 100 / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* Out of descriptors, it says so, and neither spins nor dies. For as long as the first clients are silent,
 * the others wait; when those have timed out, these are served. */
static void pauses_when_it_is_out_of_descriptors(const char *program)
{
	enum { DESCRIPTORS = 32, COUNT = 40, IDLE_TIME_MAX = 40 };
	struct server server = {
		.program = program, .idle_seconds = "1", .descriptors_max = DESCRIPTORS
	};
	char text[32], said[100];
	int fds[COUNT], pauses = 0;
	long before;

	if (test_on_valgrind())
		SKIP("valgrind keeps limits to itself, and the server inherits none");
	server_start(&server);
	for (int i = 0; i < COUNT; i++) {
		fds[i] = client_open(&server);
		snprintf(text, sizeof text, "client %d\n", i);
		client_says(fds[i], text);
	}
	while (!pauses && read_line(server.says, said, sizeof said))
		pauses = strstr(said, "accepting pauses") != NULL;
	CHECK_EQ(pauses, 1);
	before = server_time(&server);
	client_hears(fds[0], "client 0\n");
	client_is_shown_out(fds[0]); /* a second later */
	CHECK(server_time(&server) - before < IDLE_TIME_MAX);
	for (int i = 1; i < COUNT; i++) {
		snprintf(text, sizeof text, "client %d\n", i);
		client_hears(fds[i], text);
		client_is_shown_out(fds[i]);
	}
	fds[0] = client_open(&server);
	client_talks(fds[0], "business as usual\n");
	client_leaves(fds[0]);
	CHECK(kill(server.pid, SIGTERM) == 0);
	while (read_line(server.says, said, sizeof said))
		pauses += strstr(said, "accepting pauses") != NULL;
	CHECK(pauses < 1000);
	server_end(&server, 0);
}

TEST(echo_pauses_when_it_is_out_of_descriptors)
{
	pauses_when_it_is_out_of_descriptors(WEFT_ECHO);
}

TEST(echo_threads_pauses_when_it_is_out_of_descriptors)
{
	pauses_when_it_is_out_of_descriptors("echo_threads");
}

/* --- what it says when it cannot -------------------------------------------------------------- */

struct attempt {
	const char *poller; /* NULL: that of the test */
	const char *args[4];
	const char *says;
	int status;
};

static _Noreturn void attempt_become(const char *program, const struct attempt *attempt, int err)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", WEFT_EXAMPLES, program);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(err, STDERR_FILENO);
	if (attempt->poller)
		setenv("WEFT_POLLER", attempt->poller, 1);
	execl(path, "echo", attempt->args[0], attempt->args[1], attempt->args[2], (char *)NULL);
	_exit(127);
}

/* It ends by itself, with a line that says what to do. */
static void attempt_make(const char *program, const struct attempt *attempt)
{
	char said[1000] = "", line[200];
	int err[2], status;
	FILE *says;
	pid_t pid;

	CHECK(pipe2(err, O_CLOEXEC) == 0);
	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		attempt_become(program, attempt, err[1]);
	close(err[1]);
	says = fdopen(err[0], "r");
	CHECK(says != NULL);
	while (read_line(says, line, sizeof line))
		snprintf(said + strlen(said), sizeof said - strlen(said), "%s", line);
	fclose(says);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (strstr(said, "not implemented"))
		SKIP("this poller is not to be had here");
	if (!strstr(said, attempt->says))
		test_fail(__FILE__, __LINE__, "it says \"%s\", not \"%s\"", said, attempt->says);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == attempt->status);
}

static void says_what_is_wrong_and_what_to_do(const char *program)
{
	char port[PORT_TEXT];
	int taken, fd = peer_listen(1, &taken);
	const struct attempt attempts[] = {
		{ .args = { "http" }, .says = "[port [idle_seconds]]", .status = 2 },
		{ .args = { "65536" }, .says = "from 0 to 65535", .status = 2 },
		{ .args = { "0", "soon" }, .says = "idle_seconds", .status = 2 },
		{ .args = { "0", "1", "2" }, .says = "usage", .status = 2 },
		{ .args = { port }, .says = "in use; give another port", .status = 1 },
		{ "sim", { "0" }, "simulated network: WEFT_POLLER=epoll", 1 },
		{ "nonsense", { "0" }, "WEFT_POLLER=nonsense is none of epoll, uring, sim and,", 1 },
	};

	snprintf(port, sizeof port, "%d", taken);
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		if (!attempts[i].poller || strcmp(program, WEFT_ECHO) == 0)
			attempt_make(program, &attempts[i]);
	close(fd);
}

TEST(echo_says_what_is_wrong_and_what_to_do)
{
	says_what_is_wrong_and_what_to_do(WEFT_ECHO);
}

TEST(echo_threads_says_what_is_wrong_and_what_to_do)
{
	says_what_is_wrong_and_what_to_do("echo_threads");
}

/* --- what a server must not do: row S3-8 ------------------------------------------------------ */

WEFT_ASYNC_1(int, serve, struct weft_tcp);
struct serve__frame {
	struct serve__args args;
	struct weft_reader in;
	const char *line;
	union {
		struct weft_reader_read_until__frame read;
		struct weft_tcp_write_all__frame write;
	};
};

enum weft_poll serve__poll(void *frame, struct weft_context *cx)
{
	struct serve__frame *f = frame;

	weft_begin(f);
	weft_reader_init(&f->in, weft_tcp_io(f->args.p0));
	for (;;) {
		weft_await(f, f->read, weft_reader_read_until, &f->in, '\n', &f->line);
		if (f->read.args.result <= 0)
			break;
		weft_await(f, f->write, weft_tcp_write_all, f->args.p0, f->line,
				(size_t)f->read.args.result);
		if (f->write.args.result < 0)
			break;
	}
	weft_reader_finish(&f->in);
	CHECK_EQ(weft_tcp_close(f->args.p0), 0);
	weft_return(f, 0);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(serve, WEFT_ASYNC_RESULT_INT);

struct world {
	uint32_t port; /* atomic; 0 until it is known */
	bool spawns;
};

/* Serves two clients: each in a task of its own, or, the mistake, each before the next is accepted. */
RIG_TASK(
		serves_two, struct world, struct weft_tcp_listener listener; struct weft_tcp conn;
		int i, result; struct weft_task * tasks[2]; union {
			struct weft_tcp_accept__frame accept;
			struct serve__frame serve;
			struct weft_task_join__frame join;
		};)
{
	struct serves_two__frame *f = frame;
	struct serve__args args;

	weft_begin(f);
	CHECK_EQ(weft_tcp_listen(&f->listener, "127.0.0.1", "0"), 0);
	atomic_store_release(&f->args.p0->port, (uint32_t)weft_tcp_listener_port(f->listener));
	weft__futex_wake(&f->args.p0->port, 1);
	for (f->i = 0; f->i < 2; f->i++) {
		weft_await(f, f->accept, weft_tcp_accept, f->listener, &f->conn);
		CHECK_EQ(f->accept.args.result, 0);
		if (f->args.p0->spawns) {
			serve__init(&args, f->conn);
			f->tasks[f->i] = weft_task_spawn(NULL, &serve__async, &args);
			CHECK(f->tasks[f->i] != NULL);
		} else {
			weft_await(f, f->serve, serve, f->conn);
		}
	}
	for (f->i = 0; f->args.p0->spawns && f->i < 2; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], &f->result);
	CHECK_EQ(weft_tcp_listener_close(f->listener), 0);
	weft_return(f, 0);
	weft_end(f);
}

static int two_clients_come(struct world *world, int fds[2])
{
	rig_wait(&world->port, 1);
	for (int i = 0; i < 2; i++)
		fds[i] = peer_connect((int)rig_get(&world->port));
	client_says(fds[1], "and me?\n");
	for (int i = 0; i < 200; i++)
		client_talks(fds[0], "me first\n");
	return fds[1];
}

RIG_TEST_MULTI(echo_that_awaits_its_client_serves_nobody_else)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0, false };
	struct weft_task *server = rig_spawn(runtime, &serves_two__async, &world);
	int fds[2], second = two_clients_come(&world, fds);
	char byte;

	CHECK(recv(second, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	client_leaves(fds[0]);
	client_hears(second, "and me?\n");
	client_leaves(second);
	CHECK_EQ(rig_join(server), 0);
	weft_runtime_destroy(runtime);
}

RIG_TEST_MULTI(echo_that_spawns_serves_both)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0, true };
	struct weft_task *server = rig_spawn(runtime, &serves_two__async, &world);
	int fds[2], second = two_clients_come(&world, fds);

	client_hears(second, "and me?\n");
	client_talks(fds[0], "still me\n");
	client_leaves(second);
	client_leaves(fds[0]);
	CHECK_EQ(rig_join(server), 0);
	weft_runtime_destroy(runtime);
}
