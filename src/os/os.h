/* SPDX-License-Identifier: MIT */
/*
 * os/os.h: what the layers above ask of the operating system. Thin.
 *
 * All functions return 0 (or a count, or a descriptor) or a negative errno; out-parameters are never
 * NULL; every descriptor is close-on-exec and non-blocking.
 */
#ifndef WEFT_OS_OS_H
#define WEFT_OS_OS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t weft__clock_now(void);

/* Sleeps while *word == expected, until woken or the deadline (INT64_MAX: none) has passed. Returns 0
 * (woken, or the word differs; may be spurious) or -ETIMEDOUT. */
int weft__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns);
void weft__futex_wake(uint32_t *word, int count);

/* Whether weft__fence_heavy works (base/owned_lock.h): the kernel knows membarrier, and has been told. */
bool weft__fence_heavy_works(void);

/* CPUs this process may use: affinity, cut by the cgroup's quota. At least 1. */
unsigned weft__cpu_count(void);

/* Fresh zero pages, aligned to `align` (a power of two). populate: touched at once, huge if possible.
 * NULL: no memory. */
void *weft__pages_map(size_t bytes, size_t align, bool populate);
void weft__pages_unmap(void *pages, size_t bytes);

/* A thread that blocks every asynchronous signal and SIGPIPE. stack_bytes 0: the default. */
struct weft__thread {
	pthread_t id;
};

int weft__thread_start(struct weft__thread *thread, size_t stack_bytes, const char *name,
		void *(*run)(void *arg), void *arg);

/* Exactly one of them ends a started thread's handle. */
void weft__thread_join(struct weft__thread *thread);
void weft__thread_detach(struct weft__thread *thread);

/* For sections that may wait; what is short uses base/lock.h. All zero: not initialised. */
struct weft__mutex {
	pthread_mutex_t mutex;
};

void weft__mutex_init(struct weft__mutex *mutex);
void weft__mutex_finish(struct weft__mutex *mutex);
void weft__mutex_lock(struct weft__mutex *mutex);
void weft__mutex_unlock(struct weft__mutex *mutex);

/* A descriptor that counts: signal makes it readable, drain makes it quiet. Both may be called from a
 * signal handler. */
int weft__event_create(void);
void weft__event_signal(int fd);
void weft__event_drain(int fd);

void weft__fd_close(int fd);

/* For what a system call that makes a descriptor gave: -errno, or the descriptor; if that is 0, 1 or 2,
 * another in its place. A program without standard streams must not print into a socket of ours. */
int weft__fd_made_low(int fd);
static inline int weft__fd_made(int fd)
{
	return fd > 2 ? fd : weft__fd_made_low(fd);
}

/* A seed that differs from run to run. */
uint64_t weft__random_seed(void);

/* How many forks lie between this process and the one that called it first: what was made under another
 * number belongs to the parent. The first call arranges for it. */
uint32_t weft__fork_count(void);

/* A line to stderr. */
void weft__print_line(const char *line);

/* Called after a pthread mutex was locked, and before it is unlocked, in builds that tell
 * (os/mutex_hook.c); NULL: nobody listens. Atomic. */
typedef void (*weft_mutex_watch_fn)(const void *mutex, bool locked);
extern weft_mutex_watch_fn weft__mutex_watch;

#endif
