/* SPDX-License-Identifier: MIT */
/* Tasks that wait for each other, and other misuse, for tests/real/test_dump.c. In async C: the
 * reports name these functions and lines. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

static struct weft_mutex first, second;
static struct weft_rwlock table;
static struct weft_semaphore permits;
static struct weft_channel queue;
static struct weft_notify cleaned;

/* The lines that a report must name. */
extern int deadlock_lines[2];
int deadlock_lines[2];
#define NEXT_LINE(i) (deadlock_lines[i] = __LINE__ + 1)

/* ---- two that are waited for in the wrong order (row S2-68) ---- */

static async int needs_cleanup(void)
{
	return await weft_notify_wait(&cleaned);
}

static async int cleans_too_late(void)
{
	struct weft_task *task = weft_spawn(needs_cleanup());
	int result;

	if (!task)
		return -ENOMEM;
	if (await weft_task_join(task, &result) < 0)
		weft_task_detach(task); /* cancelled, as it will be */
	weft_notify_one(&cleaned);
	return 0;
}

/* ---- several locks, in two orders ---- */

static async int locks_both(
		struct weft_mutex *one, struct weft_mutex *other, struct weft_barrier *both)
{
	weft_try(await weft_mutex_lock(one));
	defer weft_mutex_unlock(one);
	weft_try(await weft_barrier_wait(both));
	weft_try(await weft_mutex_lock(other));
	weft_mutex_unlock(other);
	return 0;
}

static async int two_orders(void)
{
	struct weft_barrier both = WEFT_BARRIER_INIT(2);

	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, locks_both(&first, &second, &both)));
		weft_try(weft_spawn_in(&tasks, locks_both(&second, &first, &both)));
	}
	return 0;
}

/* ---- a queue that nobody drains but who fills it ---- */

static async int fills_its_own(void)
{
	int item = 1;

	weft_try(await weft_channel_send(&queue, &item));
	NEXT_LINE(0);
	weft_try(await weft_channel_recv(&queue, &item));
	for (;;) {
		NEXT_LINE(1);
		weft_try(await weft_channel_send(&queue, &item));
	}
}

/* ---- through a lock, a branch, a scope and a join ---- */

static async int wants_the_lock(void)
{
	weft_try(await weft_mutex_lock(&first));
	weft_mutex_unlock(&first);
	return 0;
}

static async int waits_for_its_child(void)
{
	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, wants_the_lock()));
	}
	return 0;
}

static async int joins_with_the_lock(void)
{
	struct weft_task *task;
	int result, err = 0;

	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	task = weft_spawn(waits_for_its_child());
	if (!task)
		return -ENOMEM;
	await weft_join(err = weft_task_join(task, &result));
	if (err < 0) {
		weft_task_cancel(task);
		weft_task_detach(task);
	}
	return err;
}

/* ---- through futures that a leaf polls ---- */

static async int waits_for_nobody(void)
{
	return await weft_notify_wait(&cleaned);
}

static async int joins_a_set(void)
{
	struct weft_set set = WEFT_SET_INIT;

	defer await weft_set_close(&set);
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	weft_try(weft_set_push(&set, waits_for_nobody())); /* one of all suffices */
	weft_try(weft_set_push(&set, wants_the_lock()));
	return await weft_set_join(&set);
}

static async int takes_from_a_set(void)
{
	struct weft_set set = WEFT_SET_INIT;

	defer await weft_set_close(&set);
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	weft_try(weft_set_push(&set, wants_the_lock()));
	return await weft_set_next(&set, NULL);
}

/* The lock was taken by one child, and the other waits for it: nobody polls the first any more. */
static async int locks_for_ever(void)
{
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	return await weft_mutex_lock(&second);
}

static async int children_wait_for_each_other(void)
{
	struct weft_set set = WEFT_SET_INIT;

	defer await weft_set_close(&set);
	weft_try(await weft_mutex_lock(&second));
	defer weft_mutex_unlock(&second);
	weft_try(weft_set_push(&set, locks_for_ever()));
	weft_try(weft_set_push(&set, wants_the_lock()));
	return await weft_set_next(&set, NULL);
}

static async int shares_its_own(void)
{
	struct weft_mutex_lock__frame lock;
	struct weft_shared shared;

	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	weft_mutex_lock__init(&lock.args, &first);
	weft_shared_init(&shared, &weft_mutex_lock__async, &lock);
	return await weft_shared_wait(&shared, NULL);
}

static async int item_wants_the_lock(void *arg, const int *in, int *out)
{
	(void)arg, (void)in, (void)out;
	weft_try(await wants_the_lock());
	return 0;
}

static async int asks_a_stream(void)
{
	static const int numbers[] = { 1, 2 };
	WEFT_STREAM_OF(iter, int) source;
	WEFT_STREAM_OF(buffered, int) results;
	int x;

	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	weft_stream_iter_init(&source, numbers, 2);
	weft_stream_buffer_unordered_init(&results, &source, 8, item_wants_the_lock, NULL);
	defer await weft_stream_close(&results);
	return await weft_stream_next(&results, &x);
}

static async int feeds_its_own(void)
{
	WEFT_SINK_OF(sender, int) sink;
	int item = 1;

	weft_sink_sender_init_raw(&sink.self, sizeof item, &queue);
	defer(void) await weft_sink_close(&sink);
	weft_try(await weft_channel_send(&queue, &item));
	weft_try(await weft_channel_recv(&queue, &item));
	for (;;)
		weft_try(await weft_sink_send(&sink, &item));
}

/* A lock of its own: nobody can give it back any more. */
static struct weft_mutex left;

static async int ends_with_the_lock(void)
{
	return await weft_mutex_lock(&left);
}

static async int waits_for_who_has_ended(void)
{
	struct weft_task *task = weft_spawn(ends_with_the_lock());
	int result;

	if (!task)
		return -ENOMEM;
	weft_try(await weft_shield(WEFT_NEVER, weft_task_join(task, &result)));
	return await weft_mutex_lock(&left);
}

/* Time ends this one by itself. */
static async int waits_for_itself_for_an_hour(void)
{
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	return await weft_timeout(WEFT_SECONDS(3600), weft_mutex_lock(&first));
}

/* ---- misuse ---- */

static async int locks_again(struct weft_mutex *mutex)
{
	NEXT_LINE(1);
	weft_try(await weft_mutex_lock(mutex));
	weft_mutex_unlock(mutex);
	return 0;
}

static async int locks_twice(void)
{
	NEXT_LINE(0);
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	return await locks_again(&first);
}

static async int writes_what_it_reads(void)
{
	NEXT_LINE(0);
	weft_try(await weft_rwlock_read(&table));
	defer weft_rwlock_unlock_read(&table);
	NEXT_LINE(1);
	weft_try(await weft_rwlock_write(&table));
	weft_rwlock_unlock_write(&table);
	return 0;
}

static async int wants_to_write(void)
{
	weft_try(await weft_rwlock_write(&table));
	weft_rwlock_unlock_write(&table);
	return 0;
}

/* A writer has come in between, and waits for the first read lock. */
static async int reads_twice(void)
{
	NEXT_LINE(0);
	weft_try(await weft_rwlock_read(&table));
	defer weft_rwlock_unlock_read(&table);
	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, wants_to_write()));
		while (weft_rwlock_try_read(&table) == 0) {
			weft_rwlock_unlock_read(&table);
			weft_try(await weft_yield());
		}
		NEXT_LINE(1);
		weft_try(await weft_rwlock_read(&table));
		weft_rwlock_unlock_read(&table);
	}
	return 0;
}

static async int unlocks_what_others_read(void)
{
	NEXT_LINE(1);
	weft_try(await weft_yield());
	weft_rwlock_unlock_read(&table);
	return 0;
}

static async int has_its_read_lock_unlocked(void)
{
	NEXT_LINE(0);
	weft_try(await weft_rwlock_read(&table));
	defer weft_rwlock_unlock_read(&table);
	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, unlocks_what_others_read()));
	}
	return 0;
}

static async int unlocks_the_others(void)
{
	NEXT_LINE(1);
	weft_try(await weft_yield());
	weft_mutex_unlock(&first);
	return 0;
}

static async int has_its_lock_unlocked(void)
{
	NEXT_LINE(0);
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, unlocks_the_others()));
	}
	return 0;
}

static async int unlocks_twice(void)
{
	NEXT_LINE(0);
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	NEXT_LINE(1);
	weft_try(await weft_yield());
	weft_mutex_unlock(&first);
	return 0;
}

/* Row S3-15: released before what it protects. */
static async int needs_its_permit(void)
{
	NEXT_LINE(1);
	weft_try(await weft_yield());
	weft_assert_held(&permits);
	return 0;
}

static async int releases_early(void)
{
	NEXT_LINE(0);
	weft_try(await weft_semaphore_acquire(&permits, 1));
	weft_semaphore_release(&permits, 1);
	return await needs_its_permit();
}

static async int never_acquires(void)
{
	return await needs_its_permit();
}

static async int releases_again(void)
{
	weft_try(await weft_semaphore_acquire(&permits, 2));
	defer weft_semaphore_release(&permits, 2);
	weft_try(await weft_yield());
	weft_semaphore_release(&permits, 1);
	return await weft_yield();
}

/* The permit of the first is released by the second, whose own was. */
static async int has_its_permit_released(struct weft_barrier *both)
{
	weft_try(await weft_semaphore_acquire(&permits, 1));
	defer weft_semaphore_release(&permits, 1);
	weft_try(await weft_barrier_wait(both));
	return await weft_barrier_wait(both);
}

static async int releases_the_others(struct weft_barrier *both)
{
	weft_try(await weft_semaphore_acquire(&permits, 1));
	weft_try(await weft_barrier_wait(both));
	weft_semaphore_release(&permits, 1);
	weft_semaphore_release(&permits, 1);
	return await weft_barrier_wait(both);
}

static async int permits_of_two(void)
{
	struct weft_barrier both = WEFT_BARRIER_INIT(2);

	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, has_its_permit_released(&both)));
		weft_try(weft_spawn_in(&tasks, releases_the_others(&both)));
	}
	return 0;
}

/* The same mistake in a block that has its permit, which says so at its end. */
static async int releases_in_its_block(void)
{
	weft_with_permits(&permits, 1)
	{
		weft_try(await weft_yield());
		weft_semaphore_release(&permits, 1);
		weft_try(await weft_yield());
	}
	return 0;
}

static pthread_mutex_t of_the_system = PTHREAD_MUTEX_INITIALIZER;

static void locks_behind_a_call(void)
{
	pthread_mutex_lock(&of_the_system);
}

static async int sleeps_with_a_lock(void)
{
	NEXT_LINE(0);
	weft_try(await weft_yield());
	locks_behind_a_call();
	NEXT_LINE(1);
	weft_try(await weft_yield());
	pthread_mutex_unlock(&of_the_system);
	return 0;
}

/* ---- no misuse ---- */

static async int holds_for_a_while(void)
{
	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	weft_try(await weft_yield());
	return await weft_yield();
}

extern char deadlock_holder[200];
char deadlock_holder[200];

static void hear_holder(const struct weft_lock_timeout *timeout)
{
	snprintf(deadlock_holder, sizeof deadlock_holder, "%s",
			timeout->taken_at ? timeout->taken_at : "");
}

static async int gives_up_on_itself(void)
{
	static const struct weft_lock_policy policy = { 1, hear_holder };
	int err;

	weft_try(await weft_mutex_lock(&first));
	defer weft_mutex_unlock(&first);
	weft_lock_policy_set(&policy);
	deadlock_holder[0] = '\0';
	err = await weft_mutex_lock_timed(&first, WEFT_LOCK_TIMEOUT, WEFT_HERE);
	weft_lock_policy_set(NULL);
	return err == -ETIME ? 0 : -EPROTO;
}

static async int has_got_a_permit(void)
{
	weft_assert_held(&permits);
	weft_try(await weft_yield());
	weft_semaphore_release(&permits, 1);
	return 0;
}

static async int signals(void)
{
	weft_try(await weft_yield());
	weft_semaphore_release(&permits, 1);
	return 0;
}

static async int permits_move(void)
{
	weft_scope (tasks) {
		for (int i = 0; i < 4; i++) {
			weft_try(await weft_semaphore_acquire(&permits, 1));
			weft_try(weft_spawn_in(&tasks, has_got_a_permit()));
		}
	}
	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, signals()));
	}
	weft_try(await weft_semaphore_acquire(&permits, 3));
	weft_assert_held(&permits);
	weft_semaphore_release(&permits, 1);
	weft_semaphore_release(&permits, 2);
	weft_semaphore_add(&permits, 1);
	return 0;
}

static async int takes_and_gives(void)
{
	weft_try(await weft_semaphore_acquire(&permits, 1));
	weft_semaphore_release(&permits, 1);
	return 0;
}

static async int others_take_and_give(void)
{
	weft_scope (tasks) {
		for (int i = 0; i < 4; i++)
			weft_try(weft_spawn_in(&tasks, takes_and_gives()));
	}
	return 0;
}

/* So large that its memory goes with it: the next of its kind has the same address, and id. */
static async int takes_or_signals(bool takes)
{
	char room[20000];

	memset(room, takes, sizeof room);
	weft_try(await weft_yield());
	if (memchr(room, 1, sizeof room))
		weft_try(await weft_semaphore_acquire(&permits, 1));
	weft_semaphore_release(&permits, 1);
	return 0;
}

/* Nobody who signals is who has given the permit back before. */
static async int large_ones_take_turns(void)
{
	for (int i = 0; i < 8; i++) {
		struct weft_task *task = weft_spawn(takes_or_signals(i % 2 == 0));
		int result = 0;

		if (!task)
			return -ENOMEM;
		weft_try(await weft_shield(WEFT_NEVER, weft_task_join(task, &result)));
		weft_try(result);
	}
	return 0;
}

static async int blocks_have_permits(void)
{
	for (int i = 0; i < 5; i++) {
		weft_with_permits(&permits, 1)
		{
			if (i == 0)
				continue;
			if (i == 1)
				break;
			weft_with_permits(&permits, 1) weft_try(await weft_yield());
			weft_assert_held(&permits);
			if (i == 2)
				goto out;
		}
	}
	return -EPROTO;
out:
	return weft_semaphore_available(&permits) == 2 ? 0 : -EPROTO;
}

static async int branches_take_turns(void)
{
	int one = 0, other = 0;

	weft_try(await gives_up_on_itself());
	weft_try(await blocks_have_permits());
	weft_try(await permits_move());
	await weft_join(one = holds_for_a_while(), other = holds_for_a_while());
	weft_try(one);
	weft_try(other);
	locks_behind_a_call();
	pthread_mutex_unlock(&of_the_system);
	if (weft_mutex_try_lock(&first) == 0)
		weft_mutex_unlock(&first);
	weft_try(await weft_rwlock_write(&table));
	weft_rwlock_downgrade(&table);
	weft_rwlock_unlock_read(&table);
	return 0;
}

/* ---- while others look ---- */

static async int waits_with_others(struct weft_shared *shared)
{
	return await weft_shared_wait(shared, NULL);
}

static async int notifies_in_time(void)
{
	for (int i = 0; i < 5; i++)
		weft_try(await weft_yield());
	weft_notify_one(&cleaned);
	return 0;
}

/* Whoever looks at a shared future keeps it from being polled meanwhile, and lets it go on. */
static async int share_for_long(void)
{
	struct weft_notify_wait__frame wait;
	struct weft_shared shared;

	for (int i = 0; i < 200; i++) {
		weft_notify_wait__init(&wait.args, &cleaned);
		weft_shared_init(&shared, &weft_notify_wait__async, &wait);
		weft_scope (tasks) {
			for (int j = 0; j < 3; j++)
				weft_try(weft_spawn_in(&tasks, waits_with_others(&shared)));
			weft_try(weft_spawn_in(&tasks, notifies_in_time()));
		}
	}
	return 0;
}

void deadlocks_reset(void);

void deadlocks_reset(void) /* before each of them, and after the last */
{
	deadlock_lines[0] = deadlock_lines[1] = 0;
	weft_mutex_init(&first);
	weft_mutex_init(&second);
	weft_mutex_init(&left);
	weft_rwlock_init(&table);
	weft_semaphore_init(&permits, 2);
	weft_notify_init(&cleaned);
	weft_channel_finish(&queue);
	weft_channel_init(&queue, sizeof(int), 3);
}

/* For plain C: the descriptors. */
extern async int (*const deadlock_cleanup)(void);
extern async int (*const deadlock_two_orders)(void);
extern async int (*const deadlock_queue)(void);
extern async int (*const deadlock_complex)(void);
extern async int (*const deadlock_set_join)(void);
extern async int (*const deadlock_set)(void);
extern async int (*const deadlock_children)(void);
extern async int (*const deadlock_shared)(void);
extern async int (*const deadlock_stream)(void);
extern async int (*const deadlock_sink)(void);
extern async int (*const deadlock_ended)(void);
extern async int (*const deadlock_timed)(void);
extern async int (*const misuse_locks_twice)(void);
extern async int (*const misuse_writes_what_it_reads)(void);
extern async int (*const misuse_reads_twice)(void);
extern async int (*const misuse_unlocks_the_readers)(void);
extern async int (*const misuse_unlocks_the_others)(void);
extern async int (*const misuse_sleeps_with_a_lock)(void);
extern async int (*const misuse_unlocks_twice)(void);
extern async int (*const misuse_releases_early)(void);
extern async int (*const misuse_never_acquires)(void);
extern async int (*const misuse_releases_again)(void);
extern async int (*const misuse_permits_of_two)(void);
extern async int (*const misuse_releases_in_its_block)(void);
extern async int (*const no_misuse)(void);
extern async int (*const others_before)(void);
extern async int (*const large_before)(void);
extern async int (*const shares)(void);
async int (*const deadlock_cleanup)(
		void) = cleans_too_late; /* two tasks, and nobody who is known to wake the second */
async int (*const deadlock_two_orders)(
		void) = two_orders; /* two tasks with two mutexes; a third awaits them */
async int (*const deadlock_queue)(void) =
		fills_its_own; /* one task that fills a channel from which only it receives */
async int (*const deadlock_complex)(
		void) = joins_with_the_lock; /* three tasks: a mutex, a scope, a join in a branch */
async int (*const deadlock_set_join)(void) = joins_a_set;
async int (*const deadlock_set)(void) = takes_from_a_set;
async int (*const deadlock_children)(void) = children_wait_for_each_other;
async int (*const deadlock_shared)(void) = shares_its_own;
async int (*const deadlock_stream)(void) = asks_a_stream;
async int (*const deadlock_sink)(void) = feeds_its_own;
async int (*const deadlock_timed)(
		void) = waits_for_itself_for_an_hour; /* none: there is a timeout */
async int (*const misuse_locks_twice)(void) = locks_twice;
async int (*const misuse_writes_what_it_reads)(void) = writes_what_it_reads;
async int (*const deadlock_ended)(void) = waits_for_who_has_ended;
async int (*const misuse_reads_twice)(void) = reads_twice;
async int (*const misuse_unlocks_the_readers)(void) = has_its_read_lock_unlocked;
async int (*const misuse_unlocks_the_others)(void) = has_its_lock_unlocked;
async int (*const misuse_sleeps_with_a_lock)(void) = sleeps_with_a_lock;
async int (*const misuse_unlocks_twice)(void) = unlocks_twice;
async int (*const misuse_releases_early)(void) = releases_early;
async int (*const misuse_never_acquires)(void) = never_acquires;
async int (*const misuse_releases_again)(void) = releases_again;
async int (*const misuse_permits_of_two)(void) = permits_of_two;
async int (*const misuse_releases_in_its_block)(void) = releases_in_its_block;
async int (*const shares)(void) = share_for_long;
async int (*const no_misuse)(void) = branches_take_turns;
async int (*const others_before)(void) = others_take_and_give;
async int (*const large_before)(void) = large_ones_take_turns;
