/* SPDX-License-Identifier: MIT */
/*
 * steady.c: `steady NAME COUNT` does one thing COUNT times, on one worker, and prints how often memory
 * was asked for. The difference between two runs of different length, divided by the difference in
 * length, is the price of one. `steady sizes` prints what needs no counting. Used by steady.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

/* ---- what asks for memory is counted; glibc's own names reach the real functions ---- */

static size_t allocations;

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);

void *malloc(size_t bytes)
{
	__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
	return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
	__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
	return __libc_realloc(memory, bytes);
}

/* ---- what is measured ---- */

static async WEFT_CANCEL_SAFE long value(long i)
{
	return i;
}

static async long value_later(long i)
{
	await weft_yield();
	return i;
}

static async int spawn_join(long count)
{
	long got, sum = 0;

	for (long i = 0; i < count; i++) {
		struct weft_task *task = weft_spawn(value(i));

		if (!task || await weft_task_join(task, &got))
			return -1;
		sum += got;
	}
	return sum == count * (count - 1) / 2 ? 0 : -1;
}

static async int spawn_join_batch(long count)
{
	struct weft_task *tasks[100];
	long got;

	for (long i = 0; i < count; i += 100) {
		for (int j = 0; j < 100; j++)
			tasks[j] = weft_spawn(value(j));
		for (int j = 0; j < 100; j++)
			if (!tasks[j] || await weft_task_join(tasks[j], &got) || got != j)
				return -1;
	}
	return 0;
}

static async int yield(long count)
{
	for (long i = 0; i < count; i++)
		if (await weft_yield())
			return -1;
	return 0;
}

static async int await_ready(long count)
{
	long sum = 0;

	for (long i = 0; i < count; i++)
		sum += await value(i);
	return sum == count * (count - 1) / 2 ? 0 : -1;
}

static async int await_later(long count)
{
	long sum = 0;

	for (long i = 0; i < count; i++)
		sum += await value_later(i);
	return sum == count * (count - 1) / 2 ? 0 : -1;
}

static async int join_two(long count)
{
	long a, b;

	for (long i = 0; i < count; i++) {
		await weft_join(a = value_later(i), b = value_later(i));
		if (a != i || b != i)
			return -1;
	}
	return 0;
}

static async int select_four(long count)
{
	struct weft_notify never[3] = { WEFT_NOTIFY_INIT, WEFT_NOTIFY_INIT, WEFT_NOTIFY_INIT };
	long got;

	for (long i = 0; i < count; i++)
		if (await weft_select_biased(weft_notify_wait(&never[0]),
				    weft_notify_wait(&never[1]), got = value(i),
				    weft_notify_wait(&never[2])) != 2 ||
				got != i)
			return -1;
	return 0;
}

static async int timeout(long count)
{
	for (long i = 0; i < count; i++)
		if (await weft_timeout(WEFT_SECONDS(60), weft_yield()))
			return -1;
	return 0;
}

static async int mutex(long count)
{
	struct weft_mutex lock = WEFT_MUTEX_INIT;

	for (long i = 0; i < count; i++) {
		if (await weft_mutex_lock(&lock))
			return -1;
		weft_mutex_unlock(&lock);
	}
	return 0;
}

static async int semaphore(long count)
{
	struct weft_semaphore permits = WEFT_SEMAPHORE_INIT(3);

	for (long i = 0; i < count; i++) {
		if (await weft_semaphore_acquire(&permits, 2))
			return -1;
		weft_semaphore_release(&permits, 2);
	}
	return 0;
}

static async int answers(struct weft_notify *asked, struct weft_notify *answered, long count)
{
	for (long i = 0; i < count; i++) {
		if (await weft_notify_wait(asked))
			return -1;
		weft_notify_one(answered);
	}
	return 0;
}

/* Eight tasks hold it across a yield. */
static async int hold_over_yield(struct weft_mutex *lock, long count)
{
	for (long i = 0; i < count; i++) {
		if (await weft_mutex_lock(lock))
			return -1;
		await weft_yield();
		weft_mutex_unlock(lock);
	}
	return 0;
}

static async int mutex_held(long count)
{
	struct weft_mutex lock = WEFT_MUTEX_INIT;

	weft_scope (scope)
		for (int i = 0; i < 8; i++)
			if (weft_spawn_in(&scope, hold_over_yield(&lock, count / 8)))
				return -1;
	return 0;
}

static async int ping_pong(long count)
{
	struct weft_notify asked = WEFT_NOTIFY_INIT, answered = WEFT_NOTIFY_INIT;
	int result = 0;

	weft_scope (partners) {
		weft_spawn_in(&partners, answers(&asked, &answered, count));
		for (long i = 0; i < count && !result; i++) {
			weft_notify_one(&asked);
			result = await weft_notify_wait(&answered);
		}
	}
	return result;
}

static async int oneshot(long count)
{
	struct weft_oneshot box;
	long place, got;

	for (long i = 0; i < count; i++) {
		weft_oneshot_init(&box, &place, sizeof place);
		if (weft_oneshot_send(&box, &i) || await weft_oneshot_recv(&box, &got) || got != i)
			return -1;
	}
	return 0;
}

static async int rwlock(long count)
{
	struct weft_rwlock lock = WEFT_RWLOCK_INIT;

	for (long i = 0; i < count; i++) {
		if (await weft_rwlock_read(&lock))
			return -1;
		weft_rwlock_unlock_read(&lock);
	}
	return 0;
}

WEFT_CHANNEL(longs, long);

static async int channel_ready(long count)
{
	union longs channel = WEFT_CHANNEL_INIT(channel, 1);
	long got;
	int err = 0;

	for (long i = 0; i < count && !err; i++) {
		err = await weft_channel_send(&channel, &i);
		if (!err)
			err = await weft_channel_recv(&channel, &got) || got != i;
	}
	weft_channel_finish(&channel.channel);
	return err;
}

static async int sends(union longs *channel, long count)
{
	for (long i = 0; i < count; i++)
		weft_try(await weft_channel_send(channel, &i));
	weft_channel_close(&channel->channel);
	return 0;
}

static async int channel(long count)
{
	union longs channel = WEFT_CHANNEL_INIT(channel, 100);
	long got, sum = 0;
	int err = 0;

	weft_scope (senders) {
		err = weft_spawn_in(&senders, sends(&channel, count));
		while (!err && await weft_channel_recv(&channel, &got) == 0)
			sum += got;
	}
	weft_channel_finish(&channel.channel);
	return err || sum != count * (count - 1) / 2 ? -1 : 0;
}

static async int set(long count)
{
	struct weft_set set = WEFT_SET_INIT;
	long got, sum = 0;

	defer await weft_set_close(&set);
	for (long i = 0; i < 100; i++)
		weft_try(weft_set_push(&set, value_later(i)));
	for (long i = 100; i < count; i++) {
		weft_try(await weft_set_next(&set, &got));
		sum += got;
		weft_try(weft_set_push(&set, value_later(i)));
	}
	while (await weft_set_next(&set, &got) == 0)
		sum += got;
	return sum == count * (count - 1) / 2 ? 0 : -1;
}

WEFT_STREAM_MAKE(count_down, long, long)
{
	*out = --*arg;
	return *arg >= 0;
}

WEFT_STREAM_FN(halve, void, long, long)
{
	*out = *in / 2;
	return 1;
}

static async int stream(long count)
{
	WEFT_STREAM_OF(unfold, long) numbers;
	WEFT_STREAM_FROM(map, long, long) halves;
	long left = count, got, sum = 0;

	defer await weft_stream_close(&halves);
	weft_stream_unfold_init(&numbers, count_down, &left);
	weft_stream_map_init(&halves, &numbers, halve, NULL);
	while (await weft_stream_next(&halves, &got) > 0)
		sum += got;
	return sum > 0 ? 0 : -1;
}

/* Says a byte and hears it again. */
static async int tcp_asks(const char *port, long count)
{
	struct weft_tcp conn;
	char byte = 'x';

	weft_try(await weft_tcp_connect(&conn, "127.0.0.1", port));
	defer weft_tcp_close(conn);
	weft_try(weft_tcp_set_nodelay(conn, true));
	for (long i = 0; i < count; i++)
		if (await weft_tcp_write_all(conn, &byte, 1) != 1 ||
				await weft_tcp_read(conn, &byte, 1) != 1)
			return -1;
	return 0;
}

/* With both ends in this runtime. */
static async int tcp(long count)
{
	struct weft_tcp_listener listener;
	struct weft_tcp conn;
	char port[8], byte;

	weft_try(weft_tcp_listen(&listener, "127.0.0.1", "0"));
	defer weft_tcp_listener_close(listener);
	snprintf(port, sizeof port, "%d", weft_tcp_listener_port(listener));
	weft_scope (asking) {
		weft_try(weft_spawn_in(&asking, tcp_asks(port, count)));
		weft_try(await weft_tcp_accept(listener, &conn));
		defer weft_tcp_close(conn);
		for (long i = 0; i < count; i++)
			if (await weft_tcp_read(conn, &byte, 1) != 1 ||
					await weft_tcp_write_all(conn, &byte, 1) != 1)
				return -1;
	}
	return 0;
}

/* ---- by name ---- */

static const struct {
	const char *name;
	async int (*run)(long count);
} programs[] = {
	{ "spawn_join", spawn_join },
	{ "spawn_join_batch", spawn_join_batch },
	{ "yield", yield },
	{ "await_ready", await_ready },
	{ "await_later", await_later },
	{ "join_two", join_two },
	{ "select_four", select_four },
	{ "timeout", timeout },
	{ "mutex", mutex },
	{ "mutex_held", mutex_held },
	{ "semaphore", semaphore },
	{ "ping_pong", ping_pong },
	{ "oneshot", oneshot },
	{ "rwlock", rwlock },
	{ "channel_ready", channel_ready },
	{ "channel", channel },
	{ "set", set },
	{ "stream", stream },
	{ "tcp", tcp },
};

static async int run(const char *name, long count)
{
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		if (strcmp(programs[i].name, name) == 0)
			return await programs[i].run(count);
	fprintf(stderr, "steady: there is no %s\n", name);
	return -1;
}

static void print_sizes(void)
{
	printf("size frame %zu\n", sizeof(struct weft_frame));
	printf("size mutex %zu\n", sizeof(struct weft_mutex));
	printf("size once %zu\n", sizeof(struct weft_once));
	printf("size semaphore %zu\n", sizeof(struct weft_semaphore));
	printf("size notify %zu\n", sizeof(struct weft_notify));
	printf("size barrier %zu\n", sizeof(struct weft_barrier));
	printf("size oneshot %zu\n", sizeof(struct weft_oneshot));
	printf("size sleep %zu\n", sizeof(struct weft_sleep__frame));
	printf("size channel %zu\n", sizeof(struct weft_channel));
	printf("size rwlock %zu\n", sizeof(struct weft_rwlock));
	printf("size set %zu\n", sizeof(struct weft_set));
	printf("size set_child %zu\n", sizeof(struct weft_set_child));
}

static long number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	return *text && !*end ? value : -1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
			puts(programs[i].name);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "sizes") == 0) {
		print_sizes();
		return 0;
	}
	if (argc != 3 || number(argv[2]) < 0)
		return 2;
	if (weft_run(run(argv[1], number(argv[2]))))
		return EXIT_FAILURE;
	printf("%zu\n", allocations);
	return 0;
}
