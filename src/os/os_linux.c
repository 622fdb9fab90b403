/* SPDX-License-Identifier: MIT */
/* os/os_linux.c: the calls of os.h on Linux. Contract in the header; nothing here decides anything. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/owned_lock.h"
#include "os/os.h"

int64_t weft__clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	struct timespec deadline = { (time_t)(deadline_ns / 1000000000),
		(long)(deadline_ns % 1000000000) };

	/* FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time */
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
			    deadline_ns == INT64_MAX ? NULL : &deadline, NULL,
			    FUTEX_BITSET_MATCH_ANY) < 0 &&
			errno == ETIMEDOUT)
		return -ETIMEDOUT;
	return 0;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOLDS_SIGNALS_BACK
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(HOLDS_SIGNALS_BACK)

/* The thread sanitizer runs a signal's handler in the next call that it knows, and it does not know this
 * one: so a wait of a thread that takes signals is cut into slices, and asks for the time between them. */
int weft__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	int64_t slice_ns = weft__clock_now() + 20000000;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (deadline_ns <= slice_ns || sigismember(&blocked, SIGTERM))
		return futex_wait(word, expected, deadline_ns);
	(void)futex_wait(word, expected, slice_ns);
	return 0;
}

#else

int weft__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	return futex_wait(word, expected, deadline_ns);
}

#endif

void weft__futex_wake(uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

/* The CPUs that a cgroup v2 quota amounts to, rounded up; UINT_MAX without one. */
static unsigned quota_cpus(void)
{
	long quota, period;
	unsigned cpus = UINT_MAX;
	FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");

	if (!file)
		return cpus;
	if (fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0)
		cpus = (unsigned)((quota + period - 1) / period);
	fclose(file);
	return cpus;
}

unsigned weft__cpu_count(void)
{
	cpu_set_t set;
	unsigned cpus = 1, quota = quota_cpus();

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		cpus = (unsigned)CPU_COUNT(&set);
	if (cpus > quota)
		cpus = quota;
	return cpus ? cpus : 1;
}

static void pages_populate(void *pages, size_t bytes)
{
	/* Hints: an old kernel that refuses them only makes the first touch slower. */
	(void)madvise(pages, bytes, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
	(void)madvise(pages, bytes, MADV_POPULATE_WRITE);
#endif
}

void *weft__pages_map(size_t bytes, size_t align, bool populate)
{
	size_t span = bytes + align;
	char *raw = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *pages;

	if (raw == MAP_FAILED)
		return NULL;
	pages = (char *)(((uintptr_t)raw + align - 1) & ~(uintptr_t)(align - 1));
	if (pages != raw)
		munmap(raw, (size_t)(pages - raw));
	if (pages + bytes != raw + span)
		munmap(pages + bytes, (size_t)(raw + span - pages) - bytes);
	if (populate)
		pages_populate(pages, bytes);
	return pages;
}

void weft__pages_unmap(void *pages, size_t bytes)
{
	munmap(pages, bytes);
}

int weft__thread_start(struct weft__thread *thread, size_t stack_bytes, const char *name,
		void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attr;
	sigset_t blocked, before;
	int err;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	if (stack_bytes && pthread_attr_setstacksize(&attr, stack_bytes) != 0) {
		pthread_attr_destroy(&attr);
		return -EINVAL;
	}
	/* Synchronous signals stay: they are the thread's own faults. */
	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGTRAP);
	sigdelset(&blocked, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	err = -pthread_create(&thread->id, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (!err && name) {
		char cut[16];

		snprintf(cut, sizeof cut, "%s", name);
		pthread_setname_np(thread->id, cut);
	}
	return err;
}

void weft__thread_join(struct weft__thread *thread)
{
	pthread_join(thread->id, NULL);
}

void weft__thread_detach(struct weft__thread *thread)
{
	pthread_detach(thread->id);
}

void weft__mutex_init(struct weft__mutex *mutex)
{
	pthread_mutex_init(&mutex->mutex, NULL);
}

void weft__mutex_finish(struct weft__mutex *mutex)
{
	pthread_mutex_destroy(&mutex->mutex);
}

void weft__mutex_lock(struct weft__mutex *mutex)
{
	pthread_mutex_lock(&mutex->mutex);
}

void weft__mutex_unlock(struct weft__mutex *mutex)
{
	pthread_mutex_unlock(&mutex->mutex);
}

int weft__event_create(void)
{
	return weft__fd_made(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void weft__event_signal(int fd)
{
	uint64_t one = 1;

	/* fails only if the count is at its maximum, when the descriptor is readable anyway */
	(void)!write(fd, &one, sizeof one);
}

void weft__event_drain(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof count);
}

void weft__fd_close(int fd)
{
	close(fd);
}

int weft__fd_made_low(int fd)
{
	int other = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int err = other < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err ? err : other;
}

uint64_t weft__random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
		seed = (uint64_t)weft__clock_now() ^ (uint64_t)(uintptr_t)&seed;
	return seed;
}

static uint32_t fork_count;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void fork_child(void)
{
	fork_count++;
}

static void fork_watch(void)
{
	pthread_atfork(NULL, NULL, fork_child);
}

uint32_t weft__fork_count(void)
{
	pthread_once(&fork_once, fork_watch);
	return fork_count;
}

void weft__print_line(const char *line)
{
	char text[512];
	int length = snprintf(text, sizeof text, "%s\n", line);

	if (length > (int)sizeof text - 1)
		length = (int)sizeof text - 1;
	(void)!write(STDERR_FILENO, text, (size_t)length);
}

static void lock_pause(int round)
{
	if (round < WEFT__LOCK_SPINS)
		atomic_pause();
	else
		sched_yield();
}

void weft__lock_contended(struct weft__lock *lock)
{
	for (int round = 0;; round++) {
		/* relaxed: only a guess; lock_try acquires */
		if (atomic_load_relaxed(&lock->held) == 0 && weft__lock_try(lock))
			return;
		lock_pause(round);
	}
}

uint32_t weft__lock_bit_contended(uint32_t *word, uint32_t bit)
{
	for (int round = 0;; round++) {
		uint32_t old = atomic_load_relaxed(word); /* relaxed: only a guess */

		if (!(old & bit)) {
			old = atomic_fetch_or_acquire(word, bit); /* pairs with lock_bit_release */
			if (!(old & bit))
				return old;
		}
		lock_pause(round);
	}
}

bool weft__fence_heavy_works(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void weft__fence_heavy(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

void weft__thread_yield(void)
{
	sched_yield();
}

static void fail_print(const char *what, const char *file, int line)
{
	char text[400];

	snprintf(text, sizeof text, "weft: %s (%s:%d)", what, file, line);
	weft__print_line(text);
	abort();
}

__attribute__((constructor)) static void fail_hook_install(void)
{
	weft__fail_hook = fail_print;
}
