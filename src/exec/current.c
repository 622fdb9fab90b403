/* SPDX-License-Identifier: MIT */
/*
 * exec/current.c: the current-thread flavour: one worker, run by whoever drives it (drive.c).
 *
 * Why         Programs with one busy thread, programs with a loop of their own, and tests. Everything
 *             that the home thread does with its tasks is plain memory access.
 * How         A growing ring of ready tasks; an inbox for what other threads ask (a stack, taken whole).
 *
 *                 wake on the home thread --> fifo --> poll
 *                 wake elsewhere --> request in task->state, inbox --> home: ct_receive --> fifo
 *
 *             One turn: up to TURN polls, then the inbox, the reactor and the timers. The reactor is
 *             looked at without waiting while tasks are ready, else with the next deadline.
 * Invariants  [I1] a task is in the fifo exactly while its local has QUEUED and not RUNNING (ct_push).
 *             [I2] a task that others have asked something of is freed only after the inbox gave it
 *                  back (core/task_ct.h).
 *             [I3] `next` belongs to who set WOKEN, also on the home thread: others may ask meanwhile.
 * Cost        spawn, poll, end, join on the home thread: no atomic read-modify-write, no system call.
 * Not here    who drives: drive.c. The short ways of the home thread: home.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "core/task_ct.h"
#include "exec/home.h"
#include "exec/join.h"
#include "exec/runtime.h"
#include "exec/scope.h"
#include "exec/turn.h"
#include "os/os.h"

enum { PAUSED_LOOK_NS = 1000000 }; /* real time between two looks whether jobs still run */

static inline bool is_home(const struct weft_task *task)
{
	return weft__is_home(weft__worker_current, task);
}

/* ---- the queue and the inbox ---- */

static void ct_inbox_push(struct weft_runtime *runtime, struct weft_task *task)
{
	struct weft__guest *guest = weft__visit_begin(runtime);

	if (weft__inbox_push(&runtime->inbox, task))
		weft__reactor_wake(&runtime->workers[0]->reactor);
	weft__visit_end(guest);
}

void weft__ct_push_slow(struct weft__worker *worker, struct weft_task *task)
{
	if (weft__fifo_push(&worker->fifo, task))
		return;
	/* the inbox needs no memory */
	task->local &= ~(uint32_t)CT_QUEUED; /* [I1] */
	if (ct_request(task, CT_ASK_WAKE) == CT_PUSH)
		ct_inbox_push(worker->runtime, task);
}

/* ---- the end of a task ---- */

/* A task that is DONE, and has no handle any more. */
static inline void ct_reap(struct weft__worker *worker, struct weft_task *task)
{
	if (WEFT_LIKELY(weft__ct_is_over(task))) { /* [I2] */
		weft__task_unpublish(task);
		weft__heap_free(&worker->heap, task);
	} else {
		task->local |= CT_DETACHED; /* the inbox will bring it back */
	}
}

static void ct_tell_joiner(struct weft_task *task)
{
	if (task->local & CT_JOINED_HERE) {
		struct weft_waker *waiter = (struct weft_waker *)task->joiner;

		task->local &= ~(uint32_t)CT_JOINED_HERE;
		task->joiner = JOIN_OPEN;
		weft_waker_commit(weft_waker_claim(waiter));
	} else if (task->local & CT_JOINED_AWAY) {
		(void)weft__end_word(task);
	}
}

static void ct_end_detached(struct weft__worker *worker, struct weft_task *task)
{
	struct weft_scope *scope;

	ct_done(task);
	/* relaxed: set by prepare; who has detached it since may be told of it or not */
	weft__task_ended(worker, task, !weft__word_scope(atomic_load_relaxed(&task->joiner)));
	weft__count(&worker->counters.ended, 1);
	/* it may get a handle now, in a join set; whoever has that may end it at once [I2] */
	task->local &= ~(uint32_t)CT_DETACHED;
	scope = weft__scope_of_ending(task);
	if (!scope || !weft__scope_leave(scope, task))
		ct_reap(worker, task);
}

static inline void ct_end(struct weft__worker *worker, struct weft_task *task)
{
	uint32_t whose = task->local & (CT_DETACHED | CT_JOINED_HERE | CT_JOINED_AWAY);

	if (whose & CT_DETACHED) {
		ct_end_detached(worker, task);
		return;
	}
	ct_done(task);
	weft__task_ended(worker, task, false);
	weft__count(&worker->counters.ended, 1);
	if (whose)
		ct_tell_joiner(task);
}

/* A poll of a task that is cancelled, or whose runtime is, or has hooks. */
__attribute__((noinline)) static enum weft_poll ct_poll_unusual(
		struct weft__worker *worker, struct weft_task *task, struct weft_context *cx)
{
	/* relaxed: whoever sets it lets weft__ct_look wake every task again */
	uint32_t cancelling = atomic_load_relaxed(&worker->runtime->cancelling);

	return weft__worker_poll(worker, task, (uint8_t)(ct_start(task) | cancelling), cx);
}

static inline enum weft_poll ct_poll(struct weft__worker *worker, struct weft_task *task,
		uint32_t usual, struct weft_context *cx)
{
	enum weft_poll poll;

	if (WEFT_UNLIKELY(!ct_start_usual(task, usual)))
		return ct_poll_unusual(worker, task, cx);
	weft__context_fill(cx, task);
	poll = weft__task_poll(task, cx);
	if (poll == WEFT_PENDING)
		weft__context_settle(cx, task, worker);
	return poll;
}

unsigned weft__ct_polls(struct weft__worker *worker, unsigned limit, const struct weft_task *root)
{
	/* relaxed, and once for all: see ct_poll_unusual */
	bool unusual = worker->hooked || atomic_load_relaxed(&worker->runtime->cancelling);
	uint32_t usual = unusual ? UINT32_MAX : CT_QUEUED;
	struct weft_context cx;
	unsigned left = limit;

	weft__context_prepare(&cx, worker, &weft__flavour_ct.waker);
	while (left > 0 && worker->fifo.head != worker->fifo.tail) {
		struct weft_task *task = weft__fifo_take(&worker->fifo);

		left--;
		if (ct_poll(worker, task, usual, &cx) == WEFT_PENDING) {
			if (ct_suspend(task, cx.self_woken) == CT_PUSH)
				weft__ct_push(worker, task);
			continue;
		}
		ct_end(worker, task);
		if (task == root)
			break;
	}
	weft__count(&worker->counters.polls, limit - left);
	return limit - left;
}

/* ---- what others have asked ---- */

static void ct_obey(struct weft__worker *worker, struct weft_task *task)
{
	uint32_t asked = ct_receive(task);

	weft__count(&worker->counters.remote_wakes, 1);
	if (asked & CT_ASK_UNREF)
		atomic_fetch_sub_acq_rel(&task->refs, 1u); /* pairs with ct_reap's load */
	if (asked & CT_ASK_CANCEL)
		task->local |= CT_CANCELLED;
	if (asked & CT_ASK_JOIN)
		task->local |= CT_JOINED_AWAY;
	if (asked & CT_ASK_DETACH)
		task->local |= CT_DETACHED;
	if (!(task->local & CT_DONE)) {
		if (asked & (CT_ASK_WAKE | CT_ASK_CANCEL) && ct_wake(task) == CT_PUSH)
			weft__ct_push(worker, task);
	} else if (task->local & CT_DETACHED) {
		ct_reap(worker, task);
	} else if (asked & CT_ASK_JOIN) {
		(void)weft__end_word(task);
	}
}

void weft__ct_obey_inbox(struct weft__worker *worker)
{
	struct weft_task *task = weft__inbox_take(&worker->runtime->inbox);

	while (task) {
		struct weft_task *next = task->next;

		ct_obey(worker, task);
		task = next;
	}
}

/* ---- the flavour's table ---- */

static void ct_ask(struct weft_task *task, uint32_t asked)
{
	if (ct_request(task, asked) == CT_PUSH)
		ct_inbox_push(weft__runtime_of(task), task);
}

static void ct_waker_wake_by_ref(void *data)
{
	struct weft_task *task = data;

	if (!is_home(task))
		ct_ask(task, CT_ASK_WAKE);
	else if (ct_wake(task) == CT_PUSH)
		weft__ct_push(weft__worker_current, task);
}

static struct weft_waker ct_waker_clone(void *data)
{
	struct weft_task *task = data;
	struct weft_waker waker = { &task->executor->flavour->waker, task };

	atomic_fetch_add_relaxed(&task->refs, 1u); /* relaxed: made from one that is alive */
	return waker;
}

/* The last owned waker may be what the task's memory waits for. */
static void ct_unref(struct weft_task *task)
{
	enum { OVER = CT_DONE | CT_DETACHED };

	/* pairs with ct_waker_drop */
	if (atomic_fetch_sub_acq_rel(&task->refs, 1u) == 2 && (task->local & OVER) == OVER)
		ct_reap(weft__worker_current, task);
}

/* Elsewhere the last one is left to the home: the reference goes with the request. */
static void ct_waker_drop(void *data)
{
	struct weft_task *task = data;
	uint32_t refs = atomic_load_relaxed(&task->refs); /* relaxed: the exchange decides */

	if (is_home(task)) {
		ct_unref(task);
		return;
	}
	while (refs != 2)
		if (atomic_cas_acq_rel(&task->refs, &refs, refs - 1)) /* pairs with ct_unref */
			return;
	ct_ask(task, CT_ASK_UNREF);
}

static void ct_waker_wake(void *data)
{
	ct_waker_wake_by_ref(data);
	ct_waker_drop(data);
}

/* What a claim leaves to its commit: on the home thread only what takes memory, since a task that this
 * thread puts into its own queue runs after everything that holds a lock now. */
static const struct weft_waker_ops ct_claimed_home_ops, ct_claimed_away_ops;

static struct weft_waker ct_waker_claim(void *data)
{
	struct weft_task *task = data;
	struct weft__worker *worker = weft__worker_current;
	struct weft_waker claimed = { NULL, NULL };

	if (WEFT_LIKELY(weft__is_home(worker, task))) {
		if (ct_wake(task) == CT_NOTHING)
			return claimed;
		if (WEFT_LIKELY(!weft__fifo_is_full(&worker->fifo))) {
			weft__fifo_put(&worker->fifo, task);
			return claimed;
		}
		claimed.ops = &ct_claimed_home_ops;
		claimed.data = task;
	} else if (ct_request(task, CT_ASK_WAKE) == CT_PUSH) {
		claimed.ops = &ct_claimed_away_ops;
		claimed.data = task;
	}
	return claimed;
}

/* The home asks, too, as others do: so `next` is the caller's, until it commits. [I3] */
static bool ct_hold(struct weft_task *task)
{
	if (is_home(task) && task->local & (CT_QUEUED | CT_RUNNING | CT_DONE))
		return false;
	return ct_request(task, CT_ASK_WAKE) == CT_PUSH;
}

static void ct_commit_home(void *data)
{
	weft__ct_push(weft__worker_current, data);
}

static void ct_commit_away(void *data)
{
	struct weft_task *task = data;

	ct_inbox_push(weft__runtime_of(task), task);
}

static void ct_task_commit(struct weft_task *task)
{
	ct_inbox_push(weft__runtime_of(task), task);
}

static const struct weft_waker_ops ct_claimed_home_ops = { .commit = ct_commit_home };
static const struct weft_waker_ops ct_claimed_away_ops = { .commit = ct_commit_away };

static void ct_launch(struct weft_task *task, bool detached)
{
	const struct weft_async *async = weft__task_launching(task);

	if (is_home(task)) {
		weft__ct_enqueue(weft__worker_current, task, async, detached);
		return;
	}
	task->joiner = JOIN_OPEN;
	ct_init(task, detached);
	/* asked first: a walker that sees it may let it end before it is in the inbox [I2] */
	(void)ct_request(task, CT_ASK_WAKE);
	weft__task_publish(task, async);
	ct_inbox_push(weft__runtime_of(task), task);
}

static void ct_prepare(struct weft_task *task, uintptr_t joiner)
{
	const struct weft_async *async = weft__task_launching(task);

	task->joiner = joiner;
	ct_init(task, true);
	if (is_home(task))
		task->local |= CT_QUEUED;
	else /* asked first, as above */
		(void)ct_request(task, CT_ASK_WAKE);
	weft__task_publish(task, async);
}

/* On the thread that prepared it. */
static void ct_push_anywhere(struct weft_task *task)
{
	if (is_home(task))
		weft__ct_push(weft__worker_current, task);
	else
		ct_inbox_push(weft__runtime_of(task), task);
}

/* The home queues it at once, as a claim does, or, where that took memory, holds it. */
static bool ct_cancel(struct weft_task *task)
{
	struct weft__worker *worker = weft__worker_current;

	if (!weft__is_home(worker, task))
		return ct_request(task, CT_ASK_CANCEL) == CT_PUSH;
	task->local |= CT_CANCELLED;
	if (WEFT_UNLIKELY(weft__fifo_is_full(&worker->fifo)) && !(task->local & CT_RUNNING))
		return ct_hold(task);
	if (ct_wake(task) == CT_PUSH)
		weft__fifo_put(&worker->fifo, task);
	return false;
}

static void ct_detach(struct weft_task *task)
{
	if (!is_home(task))
		ct_ask(task, CT_ASK_DETACH);
	else if (task->local & CT_DONE)
		ct_reap(weft__worker_current, task);
	else
		task->local |= CT_DETACHED;
}

static enum weft_poll ct_join(
		struct weft_task *task, struct weft_waker *slot, const struct weft_waker *waker)
{
	if (!is_home(task)) {
		enum weft_poll poll = weft__join_word(task, slot, waker);

		if (poll == WEFT_PENDING)
			ct_ask(task, CT_ASK_JOIN);
		return poll;
	}
	if (task->local & CT_DONE)
		return WEFT_READY;
	*slot = *waker;
	task->joiner = (uintptr_t)slot;
	task->local |= CT_JOINED_HERE;
	return WEFT_PENDING;
}

static bool ct_unjoin(struct weft_task *task, struct weft_waker *slot)
{
	if (!is_home(task))
		return weft__unjoin_word(task, slot);
	if (task->local & CT_DONE)
		return false;
	task->local &= ~(uint32_t)CT_JOINED_HERE;
	task->joiner = JOIN_OPEN;
	return true;
}

static bool ct_collect(struct weft_task *task, void *result)
{
	uintptr_t word;

	if (is_home(task)) {
		if (!(task->local & CT_DONE))
			return false;
		weft__task_result_copy(task, result);
		ct_reap(weft__worker_current, task);
		return true;
	}
	word = atomic_load_acquire(&task->joiner); /* pairs with weft__end_word */
	/* without a waiter in the word, `ended` will do; with one, the home may be about to read it */
	if (word != JOIN_DONE && !(word == JOIN_OPEN && weft_task_is_done(task)))
		return false;
	if (WEFT_UNLIKELY(weft__task_is_abandoned(task)))
		return false;
	weft__task_result_copy(task, result);
	ct_ask(task, CT_ASK_DETACH);
	return true;
}

static void ct_wake_visit(struct weft_task *task, void *arg)
{
	/* acquire pairs with the start */
	if (atomic_load_acquire(&task->async) && !(task->local & CT_DONE) &&
			ct_wake(task) == CT_PUSH)
		weft__ct_push(arg, task);
}

static void ct_wake_all(struct weft_runtime *runtime)
{
	struct weft__worker *worker = runtime->workers[0];

	weft__ct_obey_inbox(worker); /* tasks that were started elsewhere and not seen yet */
	weft__heap_walk(&worker->heap, ct_wake_visit, worker);
	for (int i = 0; i < WEFT__GUESTS; i++)
		weft__heap_walk(&runtime->guests[i].heap, ct_wake_visit, worker);
}

const struct weft__flavour weft__flavour_ct = {
	.waker = {
		.clone = ct_waker_clone,
		.wake = ct_waker_wake,
		.wake_by_ref = ct_waker_wake_by_ref,
		.drop = ct_waker_drop,
		.claim = ct_waker_claim,
		.commit = ct_commit_home, /* not reached: claim returns a table of its own */
	},
	.launch = ct_launch,
	.prepare = ct_prepare,
	.push = ct_push_anywhere,
	.commit = ct_task_commit,
	.hold = ct_hold,
	.cancel = ct_cancel,
	.detach = ct_detach,
	.join = ct_join,
	.unjoin = ct_unjoin,
	.collect = ct_collect,
	.wake_all = ct_wake_all,
};

/* ---- turns ---- */

/* No timer, no look at the clock. */
int64_t weft__ct_timer_wait(struct weft__worker *worker)
{
	int64_t next = weft__wheel_next(&worker->wheel), now;

	if (next == WEFT_NEVER)
		return -1;
	now = worker->env.now(&worker->env);
	return next > now ? next - now : 0;
}

static void fire_timers(struct weft__worker *worker)
{
	int64_t now;

	/* relaxed: a hint; no timer, no look at the clock */
	if (atomic_load_relaxed(&worker->wheel.next_ns) == WEFT_NEVER)
		return;
	now = worker->env.now(&worker->env);
	if (weft__wheel_is_due(&worker->wheel, now))
		weft__count(&worker->counters.timers_fired,
				weft__wheel_expire(&worker->wheel, now));
}

/* Whether every task has been told how far the runtime is being cancelled. */
static bool all_are_told(const struct weft_runtime *runtime)
{
	/* relaxed: the wake that follows the store brings us here again */
	return atomic_load_relaxed(&runtime->cancelling) == runtime->cancelled_all;
}

/* How long to wait under a paused clock. Virtual time moves when nothing else can: no task is ready, no
 * job runs, no byte is under way. */
static int64_t paused_wait(struct weft__worker *worker)
{
	struct weft_runtime *runtime = worker->runtime;
	struct weft_metrics metrics;
	int64_t next = weft__wheel_next(&worker->wheel), now;

	/* it may have taken the wake that says so */
	if (weft__reactor_poll(&worker->reactor, 0) > 0 || !all_are_told(runtime))
		return 0;
	weft__pool_metrics(runtime->pool, &metrics);
	/* after these two: the poll may have taken the wake of what has come, and a job that has ended
	 * has pushed its task before */
	if (!weft__inbox_sleep(&runtime->inbox))
		return 0;
	if (next == WEFT_NEVER)
		return -1;
	now = atomic_load_relaxed(&runtime->virtual_now_ns); /* relaxed: advance wakes us afterwards */
	if (next > now && metrics.blocking_threads > metrics.blocking_idle)
		return PAUSED_LOOK_NS; /* a thread that becomes idle tells nobody */
	if (next > now) /* relaxed: only tasks of this thread read it */
		(void)atomic_cas_relaxed(&runtime->virtual_now_ns, &now, next);
	return 0;
}

/* Waits for events, timers and the inbox, but not beyond limit_ns of the real clock. */
static void ct_park(struct weft__worker *worker, int64_t limit_ns)
{
	struct weft_runtime *runtime = worker->runtime;
	const struct weft_hooks *hooks = &runtime->options.hooks;
	bool told = true;
	int64_t wait;

	weft__fifo_shrink(&worker->fifo);
	if (WEFT_UNLIKELY(weft__pool_is_used(runtime->pool))) {
		(void)weft__spin_for_job(worker);
		told = all_are_told(runtime); /* as above */
	}
	if (WEFT_UNLIKELY(runtime->hooked) && hooks->thread_park)
		hooks->thread_park(hooks->data);
	if (worker->fifo.head != worker->fifo.tail || !told ||
			!weft__inbox_sleep(&runtime->inbox)) {
		wait = 0;
	} else if (runtime->options.clock_paused) {
		wait = paused_wait(worker);
	} else {
		wait = weft__ct_timer_wait(worker);
	}
	if (limit_ns != WEFT_NEVER) {
		int64_t left = limit_ns - weft__clock_now();

		if (left < 0)
			left = 0;
		if (wait < 0 || wait > left)
			wait = left;
	}
	if (wait != 0)
		weft__count(&worker->counters.parks, 1);
	weft__reactor_poll(&worker->reactor, wait);
	if (WEFT_UNLIKELY(runtime->hooked) && hooks->thread_unpark)
		hooks->thread_unpark(hooks->data);
}

void weft__ct_look(struct weft__worker *worker, int64_t limit_ns)
{
	struct weft_runtime *runtime = worker->runtime;

	if (limit_ns && worker->fifo.head == worker->fifo.tail)
		ct_park(worker, limit_ns);
	else if (atomic_load_relaxed(&worker->reactor.sources) || !limit_ns) /* relaxed: a hint */
		weft__reactor_poll(&worker->reactor, 0);
	fire_timers(worker);
	weft__ct_obey_inbox(worker);
	if (WEFT_UNLIKELY(!all_are_told(runtime))) {
		runtime->cancelled_all = atomic_load_relaxed(&runtime->cancelling);
		ct_wake_all(runtime);
	}
}
