/* SPDX-License-Identifier: MIT */
/*
 * micro_threads.c: what threads, pipes and mutexes of the system cost.
 *
 * The benchmarks that have a counterpart for tasks have its name, too.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "micro.h"
#include "peer.h"

enum { STACK_BYTES = 64 * 1024, BATCH = 1000 };

static pthread_t thread_start(void *(*body)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	error = pthread_create(&thread, &attributes, body, argument);
	if (error)
		peer_die("cannot create a thread: %s", strerror(error));
	pthread_attr_destroy(&attributes);
	return thread;
}

static intptr_t thread_join(pthread_t thread)
{
	void *result = NULL;

	pthread_join(thread, &result);
	return (intptr_t)result;
}

static void *return_argument(void *argument)
{
	return argument;
}

static struct micro_sample spawn_join_batch(int workers)
{
	int64_t count = micro_count(BATCH), batches = micro_rounds(10 * BATCH, count);
	pthread_t *threads = malloc((size_t)count * sizeof *threads);
	struct micro_watch watch = micro_watch_start();
	struct micro_sample sample;
	int64_t sum = 0;

	(void)workers;
	for (int64_t batch = 0; batch < batches; batch++) {
		for (intptr_t i = 0; i < count; i++)
			threads[i] = thread_start(return_argument, (void *)i);
		for (int64_t i = 0; i < count; i++)
			sum += thread_join(threads[i]);
	}
	sample = micro_wall_per(&watch, batches * count);
	micro_expect(sum, batches * (count * (count - 1) / 2));
	free(threads);
	return sample;
}

static struct micro_sample spawn_join_one(int workers)
{
	enum { ROUNDS = 5000 };
	struct micro_watch watch = micro_watch_start();
	struct micro_sample sample;
	int64_t sum = 0;

	(void)workers;
	for (intptr_t i = 0; i < ROUNDS; i++)
		sum += thread_join(thread_start(return_argument, (void *)i));
	sample = micro_wall_per(&watch, ROUNDS);
	micro_expect(sum, (int64_t)ROUNDS * (ROUNDS - 1) / 2);
	return sample;
}

static pthread_barrier_t all_there;

/* The thread's argument is how many turns it takes. */
static void *take_turns(void *argument)
{
	intptr_t turns = (intptr_t)argument;

	(void)pthread_barrier_wait(&all_there);
	for (intptr_t i = 1; i < turns; i++)
		sched_yield();
	return argument;
}

static struct micro_sample yields(int64_t threads, int64_t turns)
{
	pthread_t *started = malloc((size_t)threads * sizeof *started);
	struct micro_watch watch;
	struct micro_sample sample;
	int64_t sum = 0;

	if (pthread_barrier_init(&all_there, NULL, (unsigned)threads + 1) != 0)
		peer_die("no barrier for %lld threads", (long long)threads);
	for (int64_t i = 0; i < threads; i++)
		started[i] = thread_start(take_turns, (void *)(intptr_t)(turns / threads));
	watch = micro_watch_start();
	(void)pthread_barrier_wait(&all_there);
	for (int64_t i = 0; i < threads; i++)
		sum += thread_join(started[i]);
	(void)pthread_barrier_destroy(&all_there);
	free(started);
	sample = micro_wall_per(&watch, turns);
	micro_expect(sum, turns);
	return sample;
}

static struct micro_sample yield_2(int workers)
{
	(void)workers;
	return yields(2, 200000);
}

static struct micro_sample yield_1k(int workers)
{
	int64_t threads = micro_count(1000);

	(void)workers;
	return yields(threads, micro_rounds(100000, threads) * threads);
}

static void *pong(void *argument)
{
	const int *pipes = argument;
	int64_t value, sum = 0;

	while (read(pipes[0], &value, sizeof value) == sizeof value && value >= 0) {
		sum += value;
		if (write(pipes[3], &value, sizeof value) != sizeof value)
			peer_die("write: %s", strerror(errno));
	}
	return (void *)(intptr_t)sum;
}

/* A round trip over two pipes. */
static struct micro_sample pipe_ping_pong(int workers)
{
	enum { ROUNDS = 20000 };
	int pipes[4];
	int64_t stop = -1, sum = 0;
	struct micro_watch watch;
	struct micro_sample sample;
	pthread_t thread;

	(void)workers;
	if (pipe(pipes) != 0 || pipe(pipes + 2) != 0)
		peer_die("pipe: %s", strerror(errno));
	thread = thread_start(pong, pipes);
	watch = micro_watch_start();
	for (int64_t i = 0; i < ROUNDS; i++) {
		int64_t value = -1;

		if (write(pipes[1], &i, sizeof i) != sizeof i ||
				read(pipes[2], &value, sizeof value) != sizeof value)
			peer_die("pipe: %s", strerror(errno));
		sum += value;
	}
	sample = micro_wall_per(&watch, ROUNDS);
	if (write(pipes[1], &stop, sizeof stop) != sizeof stop)
		peer_die("pipe: %s", strerror(errno));
	micro_expect(sum, (int64_t)ROUNDS * (ROUNDS - 1) / 2);
	micro_expect(thread_join(thread), sum);
	for (int i = 0; i < 4; i++)
		close(pipes[i]);
	return sample;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int64_t guarded;

static void *add_under_mutex(void *argument)
{
	for (intptr_t i = (intptr_t)argument; i > 0; i--) {
		pthread_mutex_lock(&mutex);
		guarded++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

/* `threads` others beside this one. */
static struct micro_sample mutex_with(int threads, int64_t rounds)
{
	pthread_t others[8];
	struct micro_watch watch = micro_watch_start();
	struct micro_sample sample;

	guarded = 0;
	for (int i = 0; i < threads; i++)
		others[i] = thread_start(add_under_mutex, (void *)(intptr_t)rounds);
	add_under_mutex((void *)(intptr_t)rounds);
	for (int i = 0; i < threads; i++)
		thread_join(others[i]);
	sample = micro_wall_per(&watch, rounds * (threads + 1));
	micro_expect(guarded, rounds * (threads + 1));
	return sample;
}

static struct micro_sample mutex_uncontended(int workers)
{
	(void)workers;
	return mutex_with(0, 10000000);
}

static struct micro_sample mutex_contended(int workers)
{
	(void)workers;
	return mutex_with(1, 2000000);
}

int main(int argc, char **argv)
{
	static const struct micro_benchmark benchmarks[] = {
		{ "spawn_join_batch", spawn_join_batch, false },
		{ "spawn_join_one", spawn_join_one, false },
		{ "yield_2", yield_2, false },
		{ "yield_1k", yield_1k, false },
		{ "pipe_ping_pong", pipe_ping_pong, false },
		{ "mutex_uncontended", mutex_uncontended, false },
		{ "mutex_contended", mutex_contended, false },
	};

	return micro_main(argc, argv, benchmarks, sizeof benchmarks / sizeof *benchmarks);
}
