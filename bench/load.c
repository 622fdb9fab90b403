/* SPDX-License-Identifier: MIT */
/*
 * load.c: a load generator for echo servers.
 *
 *     load --connections 64 --bytes 64 --depth 16 --seconds 2 --server-pid 4711 50000
 *
 * Messages are lines, so raw and line echo servers can both serve them; every
 * byte that comes back is verified. This file has the order of events and the
 * report; load.h says what the other parts are.
 *
 * How   1 connect the active connections, one request each
 *       2 connect the idle ones likewise; the server's memory before and after
 *         gives the bytes per idle connection
 *       3 put `depth` requests on every active connection, wait for the warm-up
 *       4 read the server's CPU clock at both ends of the window
 *       5 wait for what is in flight, disconnect
 *       The clients meet at a barrier after 1 and 2. The leader, on the main
 *       thread, does all readings.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

struct run {
	const struct load_options *options;
	struct client **clients;
	pthread_barrier_t opened, started, done;
	int64_t start_ns, end_ns;
	struct server_sample base, idle, before, after; /* the leader's readings */
	int64_t generator_cpu_ns;                       /* these three: during the window */
	int64_t machine_cpu_ns;
	int64_t window_ns;
};

struct report {
	struct client_result total;
	double seconds;
	double server_cpu_ns, server_user_ns; /* per request */
	double server_cores, generator_cores, other_cores;
	double idle_bytes; /* per idle connection */
	int64_t rss_bytes;
};

void load_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

static int64_t clock_read(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t load_now_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* -- running ---------------------------------------------------------------- */

static void pin_client(const struct load_options *options, int index)
{
	cpu_set_t set;

	if (options->cpu_count == 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)options->cpus[index % options->cpu_count], &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		load_die("cannot run on CPU %d: %s", options->cpus[index % options->cpu_count],
				strerror(errno));
}

static int active_of(const struct load_options *options, int index)
{
	return options->connections / options->threads +
			(index < options->connections % options->threads);
}

static void hold(int connections)
{
	printf("holding %d\n", connections);
	fflush(stdout);
	while (getchar() != EOF)
		continue;
}

static void leader_open_idle(struct run *run, struct client *client)
{
	const struct load_options *options = run->options;

	server_memory_take(options->server_pid, &run->base);
	client_open(client, options->idle, true);
	server_memory_take(options->server_pid, &run->idle);
	if (options->hold)
		hold(options->connections + options->idle);
	run->start_ns = load_now_ns() + (int64_t)(options->warmup * 1e9);
	run->end_ns = options->requests ? INT64_MAX
					: run->start_ns + (int64_t)(options->seconds * 1e9);
}

static void leader_measure(struct run *run, struct client *client)
{
	int64_t generator_ns, machine_ns, start_ns;

	client_drive(client, run->start_ns);
	server_sample_take(run->options->server_pid, &run->before);
	generator_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID);
	machine_ns = machine_busy_ns();
	start_ns = load_now_ns();
	client_drive(client, run->end_ns);
	if (run->options->requests)
		pthread_barrier_wait(&run->done);
	server_sample_take(run->options->server_pid, &run->after);
	server_memory_take(run->options->server_pid, &run->after);
	run->generator_cpu_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID) - generator_ns;
	run->machine_cpu_ns = machine_busy_ns() - machine_ns;
	run->window_ns = load_now_ns() - start_ns;
}

/* What every thread does; the leader is client 0. */
static void run_client(struct run *run, int index)
{
	const struct load_options *options = run->options;
	struct client *client;

	pin_client(options, index);
	client = run->clients[index] = client_create(options, index);
	client_open(client, active_of(options, index), false);
	pthread_barrier_wait(&run->opened);
	if (index == 0)
		leader_open_idle(run, client);
	pthread_barrier_wait(&run->started);
	client_start(client, run->start_ns, run->end_ns);
	if (index == 0) {
		leader_measure(run, client);
	} else {
		client_drive(client, run->end_ns);
		if (options->requests)
			pthread_barrier_wait(&run->done);
	}
	client_drain(client);
}

struct client_thread {
	pthread_t thread;
	struct run *run;
	int index;
};

static void *client_thread_main(void *argument)
{
	struct client_thread *self = argument;

	run_client(self->run, self->index);
	return NULL;
}

static void run_all(struct run *run)
{
	unsigned threads = (unsigned)run->options->threads;
	struct client_thread *others = calloc(threads, sizeof *others);

	run->clients = calloc(threads, sizeof(struct client *));
	if (!others || !run->clients)
		load_die("out of memory");
	pthread_barrier_init(&run->opened, NULL, threads);
	pthread_barrier_init(&run->started, NULL, threads);
	pthread_barrier_init(&run->done, NULL, threads);
	for (unsigned i = 1; i < threads; i++) {
		others[i].run = run;
		others[i].index = (int)i;
		if (pthread_create(&others[i].thread, NULL, client_thread_main, &others[i]) != 0)
			load_die("cannot create thread %u", i);
	}
	run_client(run, 0);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(others[i].thread, NULL);
	free(others);
}

/* -- reporting -------------------------------------------------------------- */

static void report_fill(struct report *report, const struct run *run)
{
	const struct load_options *options = run->options;
	double requests;

	for (int i = 0; i < options->threads; i++) {
		const struct client_result *result = client_result(run->clients[i]);

		report->total.completed += result->completed;
		report->total.verified_bytes += result->verified_bytes;
		histogram_merge(&report->total.latency, &result->latency);
		histogram_merge(&report->total.cold, &result->cold);
	}
	requests = report->total.completed ? (double)report->total.completed : 1;
	report->seconds = (double)run->window_ns / 1e9;
	report->server_cpu_ns = (double)(run->after.cpu_ns - run->before.cpu_ns) / requests;
	report->server_user_ns = (double)(run->after.user_ns - run->before.user_ns) / requests;
	report->server_cores = report->server_cpu_ns * requests / (double)run->window_ns;
	report->generator_cores = (double)run->generator_cpu_ns / (double)run->window_ns;
	report->other_cores = (double)run->machine_cpu_ns / (double)run->window_ns -
			report->server_cores - report->generator_cores;
	if (report->other_cores < 0)
		report->other_cores = 0;
	report->rss_bytes = run->after.rss_bytes;
	if (options->idle)
		report->idle_bytes =
				(double)(run->idle.rss_bytes - run->base.rss_bytes) / options->idle;
}

static double quantile_us(const struct report *report, double share)
{
	return (double)histogram_quantile(&report->total.latency, share) / 1e3;
}

static double cold_us(const struct report *report, double share)
{
	return (double)histogram_quantile(&report->total.cold, share) / 1e3;
}

static void report_print_plain(const struct report *report, const struct load_options *options)
{
	printf("connections=%d bytes=%d depth=%d threads=%d idle=%d hot_share=%d",
			options->connections, options->bytes, options->depth, options->threads,
			options->idle, options->hot_share);
	printf(" seconds=%.6f requests=%llu requests_per_second=%.1f", report->seconds,
			(unsigned long long)report->total.completed,
			(double)report->total.completed / report->seconds);
	printf(" p50_us=%.2f p90_us=%.2f p99_us=%.2f p999_us=%.2f max_us=%.2f",
			quantile_us(report, 0.5), quantile_us(report, 0.9),
			quantile_us(report, 0.99), quantile_us(report, 0.999),
			quantile_us(report, 1));
	if (options->hot_share)
		printf(" cold=%llu cold_p50_us=%.2f cold_p99_us=%.2f cold_p999_us=%.2f cold_max_us=%.2f",
				(unsigned long long)report->total.cold.total, cold_us(report, 0.5),
				cold_us(report, 0.99), cold_us(report, 0.999), cold_us(report, 1));
	if (options->server_pid)
		printf(" server_cpu_ns=%.1f server_user_ns=%.1f server_cores=%.3f rss_bytes=%lld"
		       " idle_bytes=%.1f",
				report->server_cpu_ns, report->server_user_ns, report->server_cores,
				(long long)report->rss_bytes, report->idle_bytes);
	printf(" generator_cores=%.3f other_cores=%.3f verified_bytes=%llu\n",
			report->generator_cores, report->other_cores,
			(unsigned long long)report->total.verified_bytes);
}

static void report_print_server(const struct report *report, const struct load_options *options)
{
	printf("server CPU   %.0f ns per request, %.0f of it in user space; %.2f cores\n",
			report->server_cpu_ns, report->server_user_ns, report->server_cores);
	printf("memory       %lld KiB resident", (long long)report->rss_bytes / 1024);
	if (options->idle)
		printf("; %.0f bytes per idle connection", report->idle_bytes);
	printf("\n");
}

static void report_print_table(const struct report *report, const struct load_options *options)
{
	printf("connections  %d active%s, %d idle; %d bytes, depth %d\n", options->connections,
			options->hot_share ? ", few of them hot" : "", options->idle,
			options->bytes, options->depth);
	printf("requests     %llu in %.2f s, %.0f per second; %llu bytes verified\n",
			(unsigned long long)report->total.completed, report->seconds,
			(double)report->total.completed / report->seconds,
			(unsigned long long)report->total.verified_bytes);
	printf("latency      p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f us\n",
			quantile_us(report, 0.5), quantile_us(report, 0.9),
			quantile_us(report, 0.99), quantile_us(report, 0.999),
			quantile_us(report, 1));
	if (options->hot_share)
		printf("cold ones    p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f us, of %llu requests\n",
				cold_us(report, 0.5), cold_us(report, 0.99), cold_us(report, 0.999),
				cold_us(report, 1), (unsigned long long)report->total.cold.total);
	if (options->server_pid)
		report_print_server(report, options);
	printf("generator    %.2f cores; %.2f cores busy with anything else\n",
			report->generator_cores, report->other_cores);
}

int main(int argc, char **argv)
{
	struct load_options options;
	struct run run = { .options = &options };
	struct report *report = calloc(1, sizeof *report);

	load_options_parse(&options, argc, argv);
	load_options_raise_file_limit(&options);
	run_all(&run);
	if (!report)
		load_die("out of memory");
	report_fill(report, &run);
	(options.plain ? report_print_plain : report_print_table)(report, &options);
	for (int i = 0; i < options.threads; i++)
		client_destroy(run.clients[i]);
	free(run.clients);
	free(report);
	return 0;
}
