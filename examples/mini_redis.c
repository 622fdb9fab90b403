/* SPDX-License-Identifier: MIT */
/*
 * mini_redis.c: a server for many clients, each a task: PING, SET and GET of Redis.
 *
 *     mini_redis [port]                          6379, if it is not given; 0: the system chooses
 *     redis-benchmark -t ping,set,get -p 6379    talks to it
 *
 * What the clients share is under an ordinary mutex, which nobody holds across an await.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weft.h>
#include <weft/async.h>

enum { WORDS_MAX = 3, WORD_MAX = 256, ENTRY_COUNT = 4096 };

struct command {
	char words[WORDS_MAX][WORD_MAX];
};

/* ---- what is kept ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char key[WORD_MAX], value[WORD_MAX];
} entries[ENTRY_COUNT];

/* The key's entry, or the empty one where it belongs; a full table loses what was there. */
static size_t find(const char *key)
{
	size_t first = 0, i = 0;

	for (const char *c = key; *c; c++)
		first = first * 31 + (unsigned char)*c;
	for (; i < ENTRY_COUNT; i++) {
		const char *other = entries[(first + i) % ENTRY_COUNT].key;

		if (!*other || strcmp(other, key) == 0)
			break;
	}
	return (first + i) % ENTRY_COUNT;
}

static void set(const char *key, const char *value)
{
	pthread_mutex_lock(&lock);
	size_t i = find(key);
	memcpy(entries[i].key, key, WORD_MAX);
	memcpy(entries[i].value, value, WORD_MAX);
	pthread_mutex_unlock(&lock);
}

static bool get(const char *key, char *value)
{
	pthread_mutex_lock(&lock);
	size_t i = find(key);
	bool found = entries[i].key[0] != 0;
	memcpy(value, entries[i].value, WORD_MAX);
	pthread_mutex_unlock(&lock);
	return found;
}

/* ---- the protocol ---- */

static async int read_number(struct weft_reader *in, char mark)
{
	const char *line;
	ssize_t n = await weft_reader_read_until(in, '\n', &line);

	weft_try(n);
	if (n == 0)
		return -EPIPE; /* the client has left */
	return line[0] == mark && line[n - 1] == '\n' ? (int)strtol(line + 1, NULL, 10) : -EPROTO;
}

/* A word, and the end of its line. */
static async int read_word(struct weft_reader *in, char *word)
{
	int length = await read_number(in, '$');

	weft_try(length);
	if (length > WORD_MAX - 2)
		return -EMSGSIZE;
	memset(word, 0, WORD_MAX);
	for (int done = 0; done < length + 2;) {
		ssize_t n = await weft_reader_read(in, word + done, (size_t)(length + 2 - done));

		weft_try(n);
		if (n == 0)
			return -EPIPE;
		done += (int)n;
	}
	memset(word + length, 0, 2);
	return 0;
}

static int answer(const struct command *command, char *reply, size_t size)
{
	char value[WORD_MAX];

	if (strcasecmp(command->words[0], "PING") == 0)
		return snprintf(reply, size, "+PONG\r\n");
	if (strcasecmp(command->words[0], "SET") == 0) {
		set(command->words[1], command->words[2]);
		return snprintf(reply, size, "+OK\r\n");
	}
	if (strcasecmp(command->words[0], "GET") != 0)
		return snprintf(reply, size, "-ERR unknown command\r\n");
	if (!get(command->words[1], value))
		return snprintf(reply, size, "$-1\r\n");
	return snprintf(reply, size, "$%zu\r\n%s\r\n", strlen(value), value);
}

static async int process(struct weft_tcp socket)
{
	char reply[WORD_MAX + 16];
	struct command command;
	struct weft_reader in;

	weft_reader_init(&in, weft_tcp_io(socket));
	defer weft_tcp_close(socket);
	defer weft_reader_finish(&in);

	for (;;) {
		int count = await read_number(&in, '*');

		weft_try(count);
		if (count > WORDS_MAX)
			return -EMSGSIZE;
		memset(&command, 0, sizeof command);
		for (int i = 0; i < count; i++)
			weft_try(await read_word(&in, command.words[i]));
		weft_try(await weft_tcp_write_all(
				socket, reply, (size_t)answer(&command, reply, sizeof reply)));
	}
}

async int main(int argc, char **argv)
{
	struct weft_tcp_listener listener;
	struct weft_tcp socket;

	weft_try(weft_tcp_listen(&listener, "127.0.0.1", argc > 1 ? argv[1] : "6379"));
	printf("listening %d\n", weft_tcp_listener_port(listener));
	fflush(stdout);
	for (;;) {
		weft_try(await weft_tcp_accept(listener, &socket));
		if (weft_spawn_detached(process(socket)) < 0)
			weft_tcp_close(socket);
	}
}
