/* SPDX-License-Identifier: MIT */
/*
 * load.h: the parts of the echo load generator.
 *
 *     options     the command line
 *     payload     what connection c says in message m, and whether an answer is it
 *     histogram   latencies, 1.6 % wide buckets
 *     server      what the kernel knows about the measured process and the machine
 *     client      one thread: its connections, its epoll set, its counters
 *
 * Words:  a request is one message sent and its echo received; a connection has
 *         at most `depth` requests in flight. The window is the stretch of time
 *         that is measured; the leader is the client on the main thread.
 * Errors: whatever makes the measurement worthless (a wrong byte, a closed
 *         connection, silence) ends the program through load_die().
 */
#ifndef WEFT_BENCH_LOAD_H
#define WEFT_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct load_options {
	struct sockaddr_storage target;
	socklen_t target_bytes;
	const char *target_name;
	int connections;  /* active ones, over all clients */
	int idle;         /* one request each at the start, then silence */
	int bytes;        /* per message, with its '\n' */
	int depth;        /* requests in flight per connection */
	int threads;      /* clients */
	int64_t requests; /* stop after so many, or 0: stop after `seconds` */
	double seconds;   /* length of the window */
	double warmup;    /* seconds before the window */
	double patience;  /* seconds of silence that count as failure */
	pid_t server_pid; /* 0: nothing is known about the server */
	int cpus[64];     /* client i is pinned to cpus[i % cpu_count] */
	int cpu_count;
	int hot_share;    /* one in so many connections is hot; 0: there is no difference */
	int hot_per_cold; /* requests */
	bool http;        /* requests and answers in the shape of HTTP, instead of an echo */
	bool hold;        /* say when all are open, and stay until the input ends */
	bool plain;       /* one key=value line instead of a table */
};

/* Fills all options or ends the program with a message. */
void load_options_parse(struct load_options *options, int argc, char **argv);
/* One descriptor per connection and some more; root may exceed the hard limit. */
void load_options_raise_file_limit(const struct load_options *options);

_Noreturn void load_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t load_now_ns(void);

/* -- payload ---------------------------------------------------------------- */

struct payload {
	size_t message_bytes;
	unsigned char *pattern; /* what messages are stretches of, or the one form of all */
	size_t numbers_at; /* where that form has the connection and the message; 0: stretches */
};

/* A place in the endless stream of messages of one connection. */
struct payload_cursor {
	uint64_t messages; /* complete ones before this place */
	size_t offset;     /* into the current one */
	size_t start;      /* of the current one in the pattern; of numbered ones, the connection */
};

void payload_init(struct payload *payload, size_t message_bytes);
/* HTTP-shaped: requests with some headers, and what http.h answers to them. */
void payload_init_requests(struct payload *payload);
void payload_init_answers(struct payload *payload);
void payload_finish(struct payload *payload);
void payload_seek(
		const struct payload *payload, struct payload_cursor *cursor, uint32_t connection);
void payload_skip(const struct payload *payload, struct payload_cursor *cursor, size_t bytes);
/* Writes the next `bytes` bytes of the stream and moves the cursor behind them. */
void payload_fill(const struct payload *payload, struct payload_cursor *cursor, unsigned char *out,
		size_t bytes);
/* Moves the cursor as long as `data` is the stream; returns how far that was. */
size_t payload_match(const struct payload *payload, struct payload_cursor *cursor,
		const unsigned char *data, size_t bytes);

/* -- histogram -------------------------------------------------------------- */

enum {
	HISTOGRAM_SUB_BITS = 6,
	HISTOGRAM_BUCKETS = (65 - HISTOGRAM_SUB_BITS) << HISTOGRAM_SUB_BITS
};

struct histogram {
	uint64_t total;
	int64_t max_ns;
	uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t value_ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value below or at which the given share of all values lies; 0 if empty. */
int64_t histogram_quantile(const struct histogram *histogram, double share);

/* -- server ----------------------------------------------------------------- */

struct server_sample {
	int64_t cpu_ns;    /* of all threads, dead ones too */
	int64_t user_ns;   /* the part in user space; in clock ticks, so only for long windows */
	int64_t rss_bytes; /* resident memory */
};

/* A pid of 0 leaves zeros; a process that cannot be looked at is an error. */
void server_sample_take(pid_t pid, struct server_sample *sample);
void server_memory_take(pid_t pid, struct server_sample *sample);
/* CPU time of everything on this machine, in clock ticks; 0 if unknown. */
int64_t machine_busy_ns(void);

/* -- client ----------------------------------------------------------------- */

struct client; /* load_client.c */

struct client *client_create(const struct load_options *options, int index);
void client_destroy(struct client *client);
/* Opens connections and has each answer one request; idle ones stay silent then. */
void client_open(struct client *client, int count, bool idle);
/* Puts `depth` requests on every active connection; from now on each answered
 * one is replaced. Requests sent in [start, end) are measured. */
void client_start(struct client *client, int64_t start_ns, int64_t end_ns);
/* Serves until the clock says `until_ns`, or nothing is in flight any more. */
void client_drive(struct client *client, int64_t until_ns);
/* Replaces no more answered requests, waits for those in flight, disconnects. */
void client_drain(struct client *client);

struct client_result {
	uint64_t completed;      /* requests that ended inside the window */
	uint64_t verified_bytes; /* all that came back, before and after it too */
	struct histogram latency;
	struct histogram cold; /* of those, the requests of cold connections */
};

const struct client_result *client_result(const struct client *client);

#endif
