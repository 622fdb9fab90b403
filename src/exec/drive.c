/* SPDX-License-Identifier: MIT */
/*
 * exec/drive.c: who drives a current-thread runtime.
 *
 * How         weft_runtime_run, turn and shutdown drive, one thread at a time. The others in run
 *             stand in a line and sleep until their root has ended or the driver leaves (behaviour
 *             8): then the first of them is called, and looks again whether anybody drives.
 *
 *                 nobody drives --begin--> driven --end--> nobody drives, the next in line is called
 *                                begin: in line, asleep --called--> begin
 *
 *             While it drives, the thread is the home of the runtime's tasks (home.h) and the owner of
 *             its sources (io/reactor.h). The lock hands both over.
 * Not here    what is driven: current.c.
 */
#include <errno.h>

#include "core/task_ct.h"
#include "exec/join.h"
#include "exec/runtime.h"
#include "exec/turn.h"
#include "os/os.h"

enum { SHUTDOWN_LOOK_NS = 10000000 };

struct weft__driver_waiter { /* a thread in run that does not drive */
	struct weft__driver_waiter *next;
	struct weft__parker parker;
};

static bool drive_begin(struct weft_runtime *runtime, struct weft__driver_waiter *waiter)
{
	bool mine;

	weft__lock_acquire(&runtime->drive_lock);
	mine = !runtime->driven;
	runtime->driven = true;
	if (!mine && waiter) {
		waiter->next = runtime->driver_waiters;
		runtime->driver_waiters = waiter;
	}
	weft__lock_release(&runtime->drive_lock);
	if (mine) {
		runtime->driver_before = weft__worker_current;
		weft__worker_enter(runtime->workers[0]);
	}
	return mine;
}

/* Under the lock: the next in line looks again, and finds that nobody drives. */
static void drive_call_next(struct weft_runtime *runtime)
{
	struct weft__driver_waiter *waiter = runtime->driver_waiters;

	if (!waiter)
		return;
	runtime->driver_waiters = waiter->next;
	weft__parker_unpark(&waiter->parker);
}

/* Leaves the line, in which one may be no more: having been called, one passes it on. */
static void drive_unwait(struct weft_runtime *runtime, struct weft__driver_waiter *waiter)
{
	weft__lock_acquire(&runtime->drive_lock);
	for (struct weft__driver_waiter **link = &runtime->driver_waiters; *link;
			link = &(*link)->next)
		if (*link == waiter) {
			*link = waiter->next;
			break;
		}
	if (!runtime->driven)
		drive_call_next(runtime);
	weft__lock_release(&runtime->drive_lock);
}

static void drive_end(struct weft_runtime *runtime)
{
	weft__worker_leave();
	if (runtime->driver_before) /* a task of another runtime, which shuts this one down */
		weft__worker_enter(runtime->driver_before);
	if (!weft__inbox_sleep(&runtime->inbox)) /* something came meanwhile: the descriptor must say so */
		weft__reactor_wake(&runtime->workers[0]->reactor);
	weft__lock_acquire(&runtime->drive_lock);
	runtime->driven = false;
	drive_call_next(runtime);
	weft__lock_release(&runtime->drive_lock);
}

/* One turn of a loop that goes on until `root` (if any) has ended. */
static void drive_once(struct weft__worker *worker, const struct weft_task *root, int64_t limit_ns)
{
	(void)weft__ct_polls(worker, WEFT__TURN, root);
	if (root && (root->local & CT_DONE))
		return;
	weft__ct_look(worker, limit_ns);
}

static void drive_root(struct weft__worker *worker, const struct weft_task *root)
{
	weft__ct_obey_inbox(worker);
	while (!(root->local & CT_DONE))
		drive_once(worker, root, WEFT_NEVER);
}

void weft__ct_run(struct weft_runtime *runtime, struct weft_task *root)
{
	struct weft__driver_waiter waiter = { NULL, { 0, 0 } };
	struct weft_waker waker = weft__parker_waker(&waiter.parker), slot = { NULL, NULL };
	bool joined = false;

	for (;;) {
		if (drive_begin(runtime, &waiter)) {
			drive_root(runtime->workers[0], root);
			drive_end(runtime);
			break;
		}
		joined = true;
		if (runtime->executor.flavour->join(root, &slot, &waker) == WEFT_READY)
			break;
		weft__parker_wait(&waiter.parker, INT64_MAX);
		drive_unwait(runtime, &waiter);
	}
	drive_unwait(runtime, &waiter);
	if (joined)
		(void)weft__unjoin_word(root, &slot); /* a request may still be in the inbox */
	weft__parker_settle(&waiter.parker);
}

int weft__ct_turn(struct weft_runtime *runtime)
{
	struct weft__worker *worker = runtime->workers[0];
	unsigned polls;

	if (!drive_begin(runtime, NULL))
		return -EBUSY;
	weft__ct_look(worker, 0);
	polls = weft__ct_polls(worker, worker->fifo.tail - worker->fifo.head, NULL);
	drive_end(runtime);
	return (int)polls;
}

int64_t weft__ct_timeout(struct weft_runtime *runtime)
{
	struct weft__worker *worker = runtime->workers[0];
	int64_t wait;

	if (worker->fifo.head != worker->fifo.tail)
		return 0;
	wait = weft__ct_timer_wait(worker);
	return wait < 0 ? WEFT_NEVER : wait;
}

void weft__ct_shutdown(struct weft_runtime *runtime, int64_t deadline_ns)
{
	struct weft__worker *worker = runtime->workers[0];
	struct weft__driver_waiter waiter = { NULL, { 0, 0 } };
	int64_t now;

	while (!drive_begin(runtime, &waiter)) {
		/* the driver sees `cancelling` and wakes the tasks itself */
		weft__reactor_wake(&worker->reactor);
		weft__parker_wait(&waiter.parker, deadline_ns);
		drive_unwait(runtime, &waiter);
		if (weft__clock_now() >= deadline_ns)
			return;
	}
	runtime->executor.flavour->wake_all(runtime);
	while (weft__alive(runtime) && (now = weft__clock_now()) < deadline_ns) {
		int64_t look = now + SHUTDOWN_LOOK_NS; /* nobody tells of a task that was discarded */

		drive_once(worker, NULL, look < deadline_ns ? look : deadline_ns);
	}
	weft__ct_obey_inbox(worker);
	drive_end(runtime);
	weft__parker_settle(&waiter.parker);
}

int weft__ct_init(struct weft_runtime *runtime)
{
	struct weft__worker *worker = runtime->workers[0];

	runtime->inbox.head = INBOX_SLEEPING; /* nobody drives yet */
	worker->own = weft__fence_heavy_works() ? &worker->reactor : NULL;
	return 0;
}
