/* SPDX-License-Identifier: MIT */
/*
 * exec/spin.c: a worker stays awake for a moment while the blocking pool works for it.
 *
 * A worker that spins has not announced that it sleeps: who brings something wakes nobody. Before it does
 * sleep it announces that, and looks once more, as if it had not spun (exec/multi.c, exec/inbox.h).
 */
#include "exec/spin.h"
#include "exec/runtime.h"

/* Relaxed throughout: hints, for whoever takes it looks again. */
static bool something_came(const struct weft__worker *worker)
{
	const struct weft_runtime *runtime = worker->runtime;

	if (atomic_load_relaxed(&runtime->inbox.head) > INBOX_SLEEPING ||
			atomic_load_relaxed(&worker->pinned.head) > INBOX_SLEEPING)
		return true;
	for (unsigned i = 0; i < runtime->nominal; i++)
		if (atomic_load_relaxed(&runtime->workers[i]->inject.incoming))
			return true;
	return false;
}

/* Events and timers do not wait for a job's answer. */
static bool something_due(struct weft__worker *worker, int64_t timer_ns)
{
	return weft__clock_now() >= timer_ns ||
			(atomic_load_relaxed(&worker->reactor.sources) && /* relaxed: a hint */
					weft__reactor_poll(&worker->reactor, 0) > 0);
}

static unsigned others_awake(const struct weft__worker *worker)
{
	const struct weft_runtime *runtime = worker->runtime;
	unsigned awake = 0;

	for (unsigned i = 0; i < runtime->nominal; i++) /* relaxed: hints */
		awake += runtime->workers[i] != worker &&
				!atomic_load_relaxed(&runtime->workers[i]->parked);
	return awake;
}

bool weft__spin_for_job(struct weft__worker *worker)
{
	struct weft_runtime *runtime = worker->runtime;
	int64_t timer_ns;
	bool came, due = false;

	if (!weft__pool_is_working(runtime->pool, 0) || runtime->options.clock_paused ||
			!weft__pool_is_working(runtime->pool, others_awake(worker)) ||
			!weft__spin_begin(&runtime->spin, weft__clock_now()))
		return false;
	timer_ns = weft__wheel_next(&worker->wheel);
	while (!(came = something_came(worker)) && !(due = something_due(worker, timer_ns)) &&
			weft__spin_on(&runtime->spin))
		;
	weft__spin_end(&runtime->spin, came || due);
	return came || due;
}
