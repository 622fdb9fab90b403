/* SPDX-License-Identifier: MIT */
/*
 * load_options.c: the command line of the load generator.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "load.h"

static const char usage[] =
		"usage: load [options] [HOST:]PORT\n"
		"  --connections N   active connections (1)\n"
		"  --bytes N         message size with its newline (64)\n"
		"  --depth N         requests in flight per connection (1)\n"
		"  --seconds S       length of the measured window (2)\n"
		"  --warmup S        time before it (0.5)\n"
		"  --requests N      instead of a window: exactly N requests, no warm-up\n"
		"  --idle N          more connections that answer once and then stay silent (0)\n"
		"  --skew            a tenth of the connections carries nine tenths of the load;\n"
		"                    the others have one request in flight at most\n"
		"  --firehose        one connection carries nearly all of it: 100 requests to one\n"
		"                    of the others\n"
		"  --http            requests with some headers, answers with a body of 1 KiB\n"
		"  --hold            say `holding N` when all are open, and go on when the input ends\n"
		"  --threads N       client threads (1)\n"
		"  --cpu LIST        pin client threads to these CPUs, such as 1 or 1,2,3\n"
		"  --server-pid PID  report the CPU time and memory of this process\n"
		"  --patience S      silence that counts as failure (10)\n"
		"  --plain           one line of key=value pairs\n";

enum option_key {
	KEY_CONNECTIONS = 1,
	KEY_BYTES,
	KEY_DEPTH,
	KEY_SECONDS,
	KEY_WARMUP,
	KEY_REQUESTS,
	KEY_IDLE,
	KEY_SKEW,
	KEY_FIREHOSE,
	KEY_HTTP,
	KEY_HOLD,
	KEY_THREADS,
	KEY_CPU,
	KEY_SERVER_PID,
	KEY_PATIENCE,
	KEY_PLAIN,
	KEY_HELP,
};

static const struct option option_table[] = {
	{ "connections", required_argument, NULL, KEY_CONNECTIONS },
	{ "bytes", required_argument, NULL, KEY_BYTES },
	{ "depth", required_argument, NULL, KEY_DEPTH },
	{ "seconds", required_argument, NULL, KEY_SECONDS },
	{ "warmup", required_argument, NULL, KEY_WARMUP },
	{ "requests", required_argument, NULL, KEY_REQUESTS },
	{ "idle", required_argument, NULL, KEY_IDLE },
	{ "skew", no_argument, NULL, KEY_SKEW },
	{ "firehose", no_argument, NULL, KEY_FIREHOSE },
	{ "http", no_argument, NULL, KEY_HTTP },
	{ "hold", no_argument, NULL, KEY_HOLD },
	{ "threads", required_argument, NULL, KEY_THREADS },
	{ "cpu", required_argument, NULL, KEY_CPU },
	{ "server-pid", required_argument, NULL, KEY_SERVER_PID },
	{ "patience", required_argument, NULL, KEY_PATIENCE },
	{ "plain", no_argument, NULL, KEY_PLAIN },
	{ "help", no_argument, NULL, KEY_HELP },
	{ 0 },
};

static int64_t parse_count(const char *text, int64_t min, int64_t max)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		load_die("'%s' is not a number from %lld to %lld", text, (long long)min,
				(long long)max);
	return value;
}

static double parse_seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value <= 86400))
		load_die("'%s' is not a time in seconds", text);
	return value;
}

static void parse_cpus(struct load_options *options, char *list)
{
	char *item;

	while ((item = strsep(&list, ","))) {
		if (options->cpu_count == (int)(sizeof options->cpus / sizeof *options->cpus))
			load_die("too many CPUs");
		options->cpus[options->cpu_count++] = (int)parse_count(item, 0, CPU_SETSIZE - 1);
	}
}

static void parse_target(struct load_options *options, char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	const char *host = colon ? text : "127.0.0.1";
	int error;

	options->target_name = text;
	parse_count(port, 1, 65535);
	if (colon)
		*colon = '\0';
	error = getaddrinfo(host, port, &hints, &found);
	if (error)
		load_die("%s: %s", host, gai_strerror(error));
	memcpy(&options->target, found->ai_addr, found->ai_addrlen);
	options->target_bytes = found->ai_addrlen;
	freeaddrinfo(found);
	if (colon)
		*colon = ':';
}

static void parse_option(struct load_options *options, int key)
{
	switch (key) {
	case KEY_CONNECTIONS:
		options->connections = (int)parse_count(optarg, 0, 1000000);
		break;
	case KEY_BYTES:
		options->bytes = (int)parse_count(optarg, 1, 1 << 24);
		break;
	case KEY_DEPTH:
		options->depth = (int)parse_count(optarg, 1, 65536);
		break;
	case KEY_SECONDS:
		options->seconds = parse_seconds(optarg);
		break;
	case KEY_WARMUP:
		options->warmup = parse_seconds(optarg);
		break;
	case KEY_REQUESTS:
		options->requests = parse_count(optarg, 1, INT64_MAX);
		break;
	case KEY_IDLE:
		options->idle = (int)parse_count(optarg, 0, 1000000);
		break;
	case KEY_SKEW:
		options->hot_share = 10;
		options->hot_per_cold = 9;
		break;
	case KEY_FIREHOSE:
		options->hot_share = INT_MAX;
		options->hot_per_cold = 100;
		break;
	case KEY_HTTP:
		options->http = true;
		break;
	case KEY_HOLD:
		options->hold = true;
		break;
	case KEY_THREADS:
		options->threads = (int)parse_count(optarg, 1, 1024);
		break;
	case KEY_CPU:
		parse_cpus(options, optarg);
		break;
	case KEY_SERVER_PID:
		options->server_pid = (pid_t)parse_count(optarg, 1, INT32_MAX);
		break;
	case KEY_PATIENCE:
		options->patience = parse_seconds(optarg);
		break;
	case KEY_PLAIN:
		options->plain = true;
		break;
	default:
		fputs(usage, key == KEY_HELP ? stdout : stderr);
		exit(key == KEY_HELP ? 0 : 2);
	}
}

void load_options_parse(struct load_options *options, int argc, char **argv)
{
	int key;

	*options = (struct load_options){
		.connections = 1,
		.bytes = 64,
		.depth = 1,
		.threads = 1,
		.seconds = 2,
		.warmup = 0.5,
		.patience = 10,
	};
	while ((key = getopt_long(argc, argv, "", option_table, NULL)) != -1)
		parse_option(options, key);
	if (optind != argc - 1) {
		fputs(usage, stderr);
		exit(2);
	}
	parse_target(options, argv[optind]);
	if (options->threads > options->connections && options->connections > 0)
		load_die("more threads than connections");
	if (options->connections + options->idle == 0)
		load_die("no connections, neither active nor idle");
	if (options->requests)
		options->warmup = 0;
}

void load_options_raise_file_limit(const struct load_options *options)
{
	rlim_t needed = (rlim_t)options->connections + (rlim_t)options->idle +
			(rlim_t)options->threads + 16;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		load_die("getrlimit: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < needed)
		limit.rlim_cur = limit.rlim_max = needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		load_die("%lld open files are needed, more than the hard limit (ulimit -Hn)",
				(long long)needed);
}
