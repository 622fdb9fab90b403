/* SPDX-License-Identifier: MIT */
/* The examples that talk to others, as these see them: each runs as a child process, on a port that the
 * system chooses, and the test is its peer, on plain sockets. (echo has tests of its own: test_echo.c.) */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "peer.h"
#include "rig.h"
#include "test.h"

struct program {
	pid_t pid;
	FILE *out, *err;
};

static _Noreturn void program_become(const char *name, const char *const *args, int out, int err)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", WEFT_EXAMPLES, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it goes when a check fails here */
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setenv("WEFT_WORKERS", "2", 1);
	execl(path, name, args[0], args[1], args[2], (char *)NULL);
	_exit(127);
}

static struct program program_start(const char *name, const char *const args[3])
{
	struct program program;
	int out[2], err[2];

	CHECK(pipe2(out, O_CLOEXEC) == 0);
	CHECK(pipe2(err, O_CLOEXEC) == 0);
	fflush(NULL);
	program.pid = fork();
	CHECK(program.pid >= 0);
	if (program.pid == 0)
		program_become(name, args, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	program.out = fdopen(out[0], "r");
	program.err = fdopen(err[0], "r");
	CHECK(program.out && program.err);
	return program;
}

/* Waits for its end. It has said `out`, and something with `err` in it. */
static void program_end(struct program *program, int expected, const char *out, const char *err)
{
	char said[200] = "", complained[2000] = "";
	int status;

	said[fread(said, 1, sizeof said - 1, program->out)] = 0;
	complained[fread(complained, 1, sizeof complained - 1, program->err)] = 0;
	CHECK(waitpid(program->pid, &status, 0) == program->pid);
	fclose(program->out);
	fclose(program->err);
	if (strstr(complained, "not implemented"))
		SKIP("this poller is not to be had here");
	if (strcmp(said, out) != 0 || !strstr(complained, err))
		test_fail(__FILE__, __LINE__, "it says \"%s\", and \"%s\"", said, complained);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == expected);
}

static int server_start(struct program *server, const char *name)
{
	static const char *const args[3] = { "0" };
	char line[100] = "";
	int port;

	*server = program_start(name, args);
	if (!fgets(line, sizeof line, server->out))
		program_end(server, 0, "", "");
	CHECK_EQ(sscanf(line, "listening %d", &port), 1);
	return port;
}

static void server_end(struct program *server)
{
	CHECK(kill(server->pid, SIGKILL) == 0);
	CHECK(waitpid(server->pid, NULL, 0) == server->pid);
	fclose(server->out);
	fclose(server->err);
}

static void says(int fd, const char *text)
{
	peer_send(fd, text, strlen(text));
}

static void hears(int fd, const char *text)
{
	peer_expect(fd, text, strlen(text));
}

/* --- server, and with threads: row S4-24 ------------------------------------------------------ */

static void what_is_said_first_comes_back(const char *name)
{
	struct program server;
	int port = server_start(&server, name), fds[8];

	for (int i = 0; i < 8; i++)
		fds[i] = peer_connect(port);
	for (int i = 7; i >= 0; i--) {
		says(fds[i], "hello");
		hears(fds[i], "hello");
		peer_expect_end(fds[i]);
		close(fds[i]);
	}
	server_end(&server);
}

TEST(server_gives_back_what_is_said_first)
{
	what_is_said_first_comes_back("server");
}

TEST(server_threads_gives_back_what_is_said_first)
{
	what_is_said_first_comes_back("server_threads");
}

/* --- mini_redis: row S0-10 -------------------------------------------------------------------- */

TEST(mini_redis_knows_three_commands)
{
	struct program server;
	int fd = peer_connect(server_start(&server, "mini_redis"));

	says(fd, "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
	hears(fd, "+PONG\r\n$-1\r\n");
	says(fd, "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$4\r\na\r\n");
	says(fd, "b\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nQUIT\r\n");
	hears(fd, "+OK\r\n$4\r\na\r\nb\r\n-ERR unknown command\r\n");
	says(fd, "what?\r\n");
	peer_expect_end(fd);
	close(fd);
	server_end(&server);
}

/* All are connected at a time; each finds what it has left. */
TEST(mini_redis_serves_a_thousand_clients)
{
	enum { CLIENTS = 1000 };
	static int fds[CLIENTS];
	struct rlimit limit;
	struct program server;
	char text[100];
	int port;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_max < CLIENTS + 50)
		SKIP("1,050 descriptors are not to be had here");
	port = server_start(&server, "mini_redis");
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = peer_connect(port);
		snprintf(text, sizeof text, "*3\r\n$3\r\nSET\r\n$4\r\n%04d\r\n$4\r\n%04d\r\n", i,
				9999 - i);
		says(fds[i], text);
	}
	for (int i = CLIENTS - 1; i >= 0; i--) {
		hears(fds[i], "+OK\r\n");
		snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$4\r\n%04d\r\n", i);
		says(fds[i], text);
	}
	for (int i = 0; i < CLIENTS; i++) {
		snprintf(text, sizeof text, "$4\r\n%04d\r\n", 9999 - i);
		hears(fds[i], text);
		close(fds[i]);
	}
	server_end(&server);
}

/* --- heartbeat: row S0-8 ---------------------------------------------------------------------- */

/* A client of the example, whose peer we are. */
static int client_start(
		struct program *client, const char *name, const char *const args[3], int listener)
{
	int fd;

	*client = program_start(name, args);
	fd = accept(listener, NULL, NULL);
	CHECK(fd >= 0);
	return fd;
}

TEST(heartbeat_ends_at_another_answer)
{
	char text[PORT_TEXT];
	const char *args[3] = { text };
	int port, listener = peer_listen(1, &port), fd;
	struct program client;

	snprintf(text, sizeof text, "%d", port);
	fd = client_start(&client, "heartbeat", args, listener);
	for (int i = 0; i < 3; i++) {
		hears(fd, "ping\n");
		says(fd, "pong\n");
	}
	hears(fd, "ping\n");
	says(fd, "bong\n");
	peer_expect_end(fd);
	program_end(&client, 0, "3 beats\n", "");
	close(fd);
	close(listener);
}

TEST(heartbeat_tells_its_error)
{
	char text[PORT_TEXT];
	const char *args[3] = { text };
	int port, listener = peer_listen(1, &port), fd;
	struct program client;

	snprintf(text, sizeof text, "%d", port);
	fd = client_start(&client, "heartbeat", args, listener);
	hears(fd, "ping\n");
	says(fd, "pong\n");
	hears(fd, "ping\n");
	peer_reset(fd);
	program_end(&client, 1, "", "reset");
	close(listener);
}

/* --- fetch_data: row S1-3 --------------------------------------------------------------------- */

static void page_is(const char *answer, int status, const char *out, const char *err)
{
	char text[PORT_TEXT];
	const char *args[3] = { "127.0.0.1", text, "/words" };
	int port, listener = peer_listen(1, &port), fd;
	struct program client;

	snprintf(text, sizeof text, "%d", port);
	fd = client_start(&client, "fetch_data", args, listener);
	hears(fd, "GET /words HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
	for (const char *at = answer; *at; at++)
		peer_send(fd, at, 1);
	close(fd);
	program_end(&client, status, out, err);
	close(listener);
}

TEST(fetch_data_counts_words)
{
	page_is("HTTP/1.0 200 OK\r\nServer: test\r\n\r\nthree little\n  words\n", 0, "3 words\n",
			"");
	page_is("HTTP/1.0 200 OK\r\n\r\n", 0, "0 words\n", "");
}

TEST(fetch_data_tells_its_error)
{
	page_is("HTTP/1.0 404 Not Found\r\n\r\n", 1, "", "Protocol error");
	page_is("HTTP/1.0 2", 1, "", "Protocol error");
}
