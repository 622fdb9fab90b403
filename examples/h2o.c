/* SPDX-License-Identifier: MIT */
/* h2o.c: water. Two hydrogen atoms and an oxygen atom meet at a barrier, bond, and let the next ones in.
 * The atoms are tasks on all workers; each gives its permit back in whatever way it ends. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <weft.h>
#include <weft/waker_slot.h>
#include <weft/async.h>

/* ---- who waits: what a semaphore and a barrier have in common, as a leaf ---- */

struct waiter {
	struct waiter *next;
	struct weft_waker_slot slot;
	bool goes_on;
};

struct queue {
	pthread_mutex_t lock;
	struct waiter *first;
};

/* All four with the lock. */
static void queue_append(struct queue *queue, struct waiter *waiter)
{
	struct waiter **at = &queue->first;

	while (*at)
		at = &(*at)->next;
	*at = waiter;
}

static void queue_remove(struct queue *queue, const struct waiter *waiter)
{
	struct waiter **at = &queue->first;

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
}

/* To be committed without the lock. */
static struct weft_waker queue_take(struct queue *queue)
{
	struct waiter *waiter = queue->first;

	queue->first = waiter->next;
	waiter->goes_on = true;
	return weft_waker_slot_take(&waiter->slot);
}

static bool queue_is_done(struct queue *queue, struct waiter *waiter, struct weft_context *cx)
{
	weft_waker_slot_register(&waiter->slot, cx);
	if (!waiter->goes_on && !weft_context_cancelled(cx))
		return false;
	if (!weft_waker_slot_clear(&waiter->slot, cx))
		return false;
	if (!waiter->goes_on)
		queue_remove(queue, waiter);
	return true;
}

/* async int queue_wait(queue, waiter): until somebody takes the waiter from the queue. */
WEFT_ASYNC_2(int, queue_wait, struct queue *, struct waiter *);

struct queue_wait__frame {
	struct queue_wait__args args;
};

enum weft_poll queue_wait__poll(void *frame, struct weft_context *cx)
{
	struct queue_wait__frame *f = frame;
	bool is_done;

	pthread_mutex_lock(&f->args.p0->lock);
	is_done = queue_is_done(f->args.p0, f->args.p1, cx);
	pthread_mutex_unlock(&f->args.p0->lock);
	if (!is_done)
		return WEFT_PENDING;
	weft_return(f, f->args.p1->goes_on ? 0 : -ECANCELED);
}
WEFT_ASYNC_DEFINE_LEAF(queue_wait, WEFT_ASYNC_RESULT_INT);

/* ---- a semaphore, a barrier ---- */

struct semaphore {
	struct queue queue;
	int permits;
};

static async int semaphore_acquire(struct semaphore *semaphore)
{
	struct waiter me = { 0 };

	pthread_mutex_lock(&semaphore->queue.lock);
	bool is_free = semaphore->permits > 0;
	if (is_free)
		semaphore->permits--;
	else
		queue_append(&semaphore->queue, &me);
	pthread_mutex_unlock(&semaphore->queue.lock);
	return is_free ? 0 : await queue_wait(&semaphore->queue, &me);
}

static void semaphore_release(struct semaphore *semaphore)
{
	struct weft_waker next = { NULL, NULL };

	pthread_mutex_lock(&semaphore->queue.lock);
	if (semaphore->queue.first)
		next = queue_take(&semaphore->queue);
	else
		semaphore->permits++;
	pthread_mutex_unlock(&semaphore->queue.lock);
	weft_waker_commit(next);
}

/* For three. */
struct barrier {
	struct queue queue;
};

static async int barrier_wait(struct barrier *barrier)
{
	struct weft_waker others[2];
	struct waiter me = { 0 };

	pthread_mutex_lock(&barrier->queue.lock);
	bool is_last = barrier->queue.first && barrier->queue.first->next;
	for (int i = 0; is_last && i < 2; i++)
		others[i] = queue_take(&barrier->queue);
	if (!is_last)
		queue_append(&barrier->queue, &me);
	pthread_mutex_unlock(&barrier->queue.lock);
	if (!is_last)
		return await queue_wait(&barrier->queue, &me);
	weft_waker_commit(others[0]);
	weft_waker_commit(others[1]);
	return 0;
}

/* ---- water ---- */

enum { MOLECULES = 10 };

struct water_factory {
	struct semaphore oxygen, hydrogen;
	struct barrier barrier;
	pthread_mutex_t lock;
	char bonds[3 * MOLECULES];
	int bond_count;
};

static void bond(struct water_factory *f, char atom)
{
	pthread_mutex_lock(&f->lock);
	f->bonds[f->bond_count++] = atom;
	pthread_mutex_unlock(&f->lock);
}

static async int oxygen(struct water_factory *f)
{
	weft_try(await semaphore_acquire(&f->oxygen));
	defer semaphore_release(&f->oxygen);
	weft_try(await barrier_wait(&f->barrier));
	bond(f, 'O');
	return 0;
}

static async int hydrogen(struct water_factory *f)
{
	weft_try(await semaphore_acquire(&f->hydrogen));
	defer semaphore_release(&f->hydrogen);
	weft_try(await barrier_wait(&f->barrier));
	bond(f, 'H');
	return 0;
}

async int main(void)
{
	struct water_factory f = { .oxygen = { { PTHREAD_MUTEX_INITIALIZER, NULL }, 1 },
		.hydrogen = { { PTHREAD_MUTEX_INITIALIZER, NULL }, 2 },
		.barrier = { { PTHREAD_MUTEX_INITIALIZER, NULL } },
		.lock = PTHREAD_MUTEX_INITIALIZER };
	int water = 0;

	weft_scope (atoms) {
		for (int i = 0; i < 2 * MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, hydrogen(&f)));
		for (int i = 0; i < MOLECULES; i++)
			weft_try(weft_spawn_in(&atoms, oxygen(&f)));
	}
	for (const char *b = f.bonds; b < f.bonds + f.bond_count; b += 3)
		water += (b[0] == 'O') + (b[1] == 'O') + (b[2] == 'O') == 1;
	printf("%d bonds, %d molecules of water\n", f.bond_count, water);
	return fflush(stdout) != 0;
}
