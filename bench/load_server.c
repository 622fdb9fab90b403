/* SPDX-License-Identifier: MIT */
/*
 * load_server.c: CPU time and memory of the measured process, seen from outside,
 * and how busy the whole machine is.
 *
 * How       CPU time comes from the process' CPU clock: nanoseconds, all threads,
 *           dead ones included. Only its split into user and system comes from
 *           /proc/PID/stat, which counts in clock ticks of usually 10 ms.
 *           Memory is smaps_rollup's Rss, which is exact; statm, the fallback,
 *           may lag behind by some hundred KiB.
 * Not here  the kernel's own memory for sockets: no process owns it visibly.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

static FILE *proc_open(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

static int64_t cpu_clock_read(pid_t pid)
{
	clockid_t clock;
	struct timespec time;
	int error = clock_getcpuclockid(pid, &clock);

	if (error || clock_gettime(clock, &time) != 0)
		load_die("cannot read the CPU clock of process %d: %s", (int)pid,
				strerror(error ? error : errno));
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t user_time_read(pid_t pid)
{
	char line[1024];
	const char *fields = NULL;
	unsigned long ticks = 0;
	FILE *file = proc_open(pid, "stat");

	if (file && fgets(line, sizeof line, file))
		fields = strrchr(line, ')'); /* the name before it may contain anything */
	if (file)
		fclose(file);
	if (!fields ||
			sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu",
					&ticks) != 1)
		load_die("cannot read /proc/%d/stat", (int)pid);
	return (int64_t)ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

/* Without idle and iowait, the fourth and fifth figure. What a hypervisor stole
 * counts as busy: it was not there to be used. */
int64_t machine_busy_ns(void)
{
	long long ticks[8] = { 0 }, busy = 0;
	FILE *file = fopen("/proc/stat", "re");

	if (!file)
		return 0;
	if (fscanf(file, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &ticks[0], &ticks[1],
			    &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) == 8)
		busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
	fclose(file);
	return busy * (1000000000 / sysconf(_SC_CLK_TCK));
}

static int64_t rss_from_rollup(pid_t pid)
{
	char line[256];
	long long kib = -1;
	FILE *file = proc_open(pid, "smaps_rollup");

	while (file && kib < 0 && fgets(line, sizeof line, file))
		sscanf(line, "Rss: %lld kB", &kib);
	if (file)
		fclose(file);
	return kib < 0 ? -1 : kib * 1024;
}

static int64_t rss_from_statm(pid_t pid)
{
	long long pages = -1;
	FILE *file = proc_open(pid, "statm");

	if (file && fscanf(file, "%*d %lld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}

void server_memory_take(pid_t pid, struct server_sample *sample)
{
	if (pid == 0)
		return;
	sample->rss_bytes = rss_from_rollup(pid);
	if (sample->rss_bytes < 0)
		sample->rss_bytes = rss_from_statm(pid);
	if (sample->rss_bytes < 0)
		load_die("cannot read the memory of process %d", (int)pid);
}

void server_sample_take(pid_t pid, struct server_sample *sample)
{
	*sample = (struct server_sample){ 0 };
	if (pid == 0)
		return;
	sample->cpu_ns = cpu_clock_read(pid);
	sample->user_ns = user_time_read(pid);
}
