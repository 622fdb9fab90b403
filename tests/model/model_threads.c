/* SPDX-License-Identifier: MIT */
/*
 * model/model_threads.c: coroutines, whose op is next, and waiting. The picture is in model.c.
 *
 * Stacks      A coroutine outlives executions. It sits in stack_main, and to start a thread jumps
 *             to that place; so a thread that is abandoned in the middle needs no unwinding.
 *             makecontext makes each stack once, _setjmp and _longjmp switch (no system call).
 * Spinning    A thread that pauses waits until another one changes a location that it has read
 *             since its last pause, and then must see that change. Where it had read a stale value,
 *             it must see a newer one instead of waiting. That is all of fairness that is needed,
 *             and makes a spin finite; what it rules out, longer spins repeat.
 * Order       [O1] threads with local code go first and without a choice: nobody sees them.
 */
#undef _FORTIFY_SOURCE /* its longjmp takes a jump between stacks for a mistake */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "model/model_run.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif

enum { STACK_BYTES = 1 << 18, HOME = -1 };

struct execution execution;
struct thread threads[THREADS_MAX];

static uint32_t tokens[THREADS_MAX];

/* The op that was taken at a choice, while nothing contests it. */
static struct watch {
	const struct thread *thread;
	struct op op;
	int depth;
} watches[CHOICES_MAX];

static jmp_buf home;
static struct {
	jmp_buf start, context;
	_Alignas(64) char bytes[STACK_BYTES];
} stacks[THREADS_MAX];

/* --- stacks ----------------------------------------------------------------------------------- */

/* stack_leave is called before a jump to the stack `to`, stack_arrive after it. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <dlfcn.h>
#include <sanitizer/asan_interface.h>

static void *fakes[THREADS_MAX + 1];
static const void *home_bottom;
static size_t home_size;

static void stack_leave(int from, int to)
{
	if (to != HOME && !threads[to].started)
		__asan_unpoison_memory_region(stacks[to].bytes, STACK_BYTES);
	__sanitizer_start_switch_fiber(&fakes[from + 1],
			to == HOME ? home_bottom : stacks[to].bytes,
			to == HOME ? home_size : STACK_BYTES);
}

static void stack_arrive(int at)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(fakes[at + 1], &bottom, &size);
	if (!home_bottom) { /* the first jump comes from there */
		home_bottom = bottom;
		home_size = size;
	}
}

/* By libc's own function. The sanitizer's sweeps all fake stacks, as it does before each call of a
 * _Noreturn function, so there is none on this way. */
static void place_jump(jmp_buf place)
{
	static void (*jump)(jmp_buf, int);

	if (!jump)
		*(void **)&jump = dlsym(dlopen("libc.so.6", RTLD_LAZY), "_longjmp");
	jump(place, 1);
}
#else
static void stack_leave(int from, int to)
{
	(void)from;
	(void)to;
}

static void stack_arrive(int at)
{
	(void)at;
}

static void place_jump(jmp_buf place)
{
	_longjmp(place, 1);
}
#endif

void model__threads_leave(void)
{
	stack_leave(model_self(), HOME);
	place_jump(home);
}

static void stack_jump(int from, struct thread *to)
{
	const int id = thread_id(to);

	stack_leave(from, id);
	execution.current = to;
	if (!to->started) {
		to->started = true;
		place_jump(stacks[id].start);
	}
	place_jump(stacks[id].context);
}

static void stack_switch(struct thread *to)
{
	const int from = model_self();

	if (to == execution.current)
		return;
	if (_setjmp(stacks[from].context) == 0)
		stack_jump(from, to);
	stack_arrive(from);
}

static void thread_end(void);

static void stack_main(void)
{
	stack_arrive(model_self());
	if (_setjmp(stacks[model_self()].start) == 0)
		model__threads_leave();
	stack_arrive(model_self());
	execution.current->run(execution.current->argument);
	thread_end();
}

/* Leaves a coroutine in stack_main, to be started any number of times. */
static void stack_make(int index)
{
	static ucontext_t context;

	execution.current = &threads[index];
	getcontext(&context);
	context.uc_stack.ss_sp = stacks[index].bytes;
	context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&context, stack_main, 0);
	if (_setjmp(home) == 0) {
		stack_leave(HOME, index);
		setcontext(&context);
	}
	stack_arrive(HOME);
	execution.current = NULL;
}

void model__stacks_make(void)
{
	static int made;

	for (; made < THREADS_MAX; made++)
		stack_make(made);
}

/* --- threads ---------------------------------------------------------------------------------- */

static struct thread *thread_new(void (*run)(void *), void *argument)
{
	struct thread *thread = &threads[execution.thread_count];

	if (execution.thread_count == THREADS_MAX)
		model__fail(MODEL_MISUSE, "too many threads");
	execution.thread_count++;
	*thread = (struct thread){ .run = run, .argument = argument };
	return thread;
}

int model_thread(void (*run)(void *), void *argument)
{
	struct thread *thread = thread_new(run, argument);

	thread->view = execution.current->view;
	*thread_clock(thread) = 1;
	++*thread_clock(execution.current);
	return thread_id(thread);
}

int model_self(void)
{
	return thread_id(execution.current);
}

void model__threads_run(void (*run)(void *))
{
	memset(tokens, 0, sizeof tokens);
	execution.last = thread_new(run, NULL);
	*thread_clock(execution.last) = 1;
	if (_setjmp(home) == 0)
		stack_jump(HOME, execution.last);
	stack_arrive(HOME);
	execution.current = NULL;
}

/* --- whose op is next ------------------------------------------------------------------------- */

static bool others_ended(const struct thread *self)
{
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread != self && thread->op.kind != OP_ENDED)
			return false;
	return true;
}

static bool thread_can_go_on(const struct thread *thread)
{
	switch (thread->op.kind) {
	case OP_ENDED:
	case OP_PAUSE:
		return false;
	case OP_AWAIT:
		return (thread->op.at->last & thread->awaited_mask) == thread->awaited;
	case OP_BLOCKED:
		return execution.lapses > 0;
	case OP_JOIN:
		return others_ended(thread);
	default:
		return true;
	}
}

static bool thread_sleeps(const struct thread *thread)
{
	return thread->asleep && (!thread->op.at || thread->op.at->count <= thread->asleep_count);
}

static void thread_sleep(struct thread *thread)
{
	thread->asleep = true;
	thread->asleep_count = thread->op.at ? thread->op.at->count : 0;
}

/* Whether two ops depend on each other, apart from stores to one location. */
static bool ops_depend(const struct op *a, const struct op *b)
{
	if (a->order == MODEL_SEQ_CST && b->order == MODEL_SEQ_CST)
		return a->at == b->at || !a->at || !b->at;
	if (a->kind == OP_BLOCKED && b->kind == OP_BLOCKED)
		return true; /* they share the lapses */
	return a->at == b->at && (a->kind >= OP_FUTEX || b->kind >= OP_FUTEX);
}

static bool op_waits(enum op_kind kind)
{
	return kind == OP_PAUSE || kind == OP_AWAIT || kind == OP_BLOCKED;
}

/* Whether it could have mattered that `later`, of another thread, came before `done`. */
static bool op_contests(const struct op *later, const struct op *done)
{
	if (later->at == done->at && (later->kind == OP_WRITE || later->kind == OP_AWAIT))
		return true;
	return ops_depend(done, later);
}

static void sleepers_wake(const struct op *done)
{
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread != execution.current && thread->asleep && ops_depend(done, &thread->op))
			thread->asleep = false;
}

static _Noreturn void threads_are_stuck(void)
{
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread->op.kind != OP_ENDED)
			TELL(thread->op.site, thread->op.at, " <- here T%d waits for ever",
					thread_id(thread));
	model__fail(MODEL_DEADLOCK, "no thread can go on");
}

/* Collects the threads that may go next, the last one first, and returns how many. */
static int threads_collect(int *options)
{
	const bool stays = thread_can_go_on(execution.last);
	bool stuck = !stays;
	int count = 0;

	if (stays && !thread_sleeps(execution.last))
		options[count++] = thread_id(execution.last);
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread != execution.last && thread_can_go_on(thread)) {
			stuck = false;
			if (!thread_sleeps(thread) && !(stays && execution.preemptions == 0))
				options[count++] = thread_id(thread);
		}
	if (stuck)
		threads_are_stuck();
	return count;
}

/* Whether doing its op now stands for doing it later. If preemptions are counted, only for the
 * thread that needs none to go on, and not while another waits: to let that go on could cost one. */
static bool is_reducible(const struct thread *self)
{
	if (execution.unreduced || execution.preemptions < 0)
		return !execution.unreduced;
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread != self && op_waits(thread->op.kind))
			return false;
	return self == execution.last;
}

/* Takes back what is_reducible said, because the current thread is going to wait. */
static void reduce_no_more(void)
{
	if (execution.preemptions < 0)
		return;
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		thread->asleep = false;
	while (execution.watch_count > 0)
		model__choice_contest(watches[--execution.watch_count].depth);
}

/* Watches for ops that contest the one that is picked at the last choice. */
static void watch_add(const struct thread *picked)
{
	const int depth = execution.depth - 1;

	if (!model__choice_is_lazy(depth))
		return;
	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread != picked && op_contests(&thread->op, &picked->op)) {
			model__choice_contest(depth);
			return;
		}
	watches[execution.watch_count++] = (struct watch){ picked, picked->op, depth };
}

static void watches_check(const struct thread *self)
{
	const struct op *op = &self->op;
	const bool is_local = op->order != MODEL_SEQ_CST && op->kind != OP_BLOCKED; /* to op->at */

	for (const struct watch *watch = watches; watch < watches + execution.watch_count;
			watch++) {
		if (is_local && watch->op.at != op->at)
			continue;
		if (watch->thread != self && op_contests(op, &watch->op))
			model__choice_contest(watch->depth);
	}
}

static struct thread *thread_pick(void)
{
	int options[THREADS_MAX] = { 0 }, count, taken;
	struct thread *picked;

	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread->op.kind == OP_LOCAL)
			return thread; /* [O1] */
	count = threads_collect(options);
	if (count == 0)
		model__prune();
	taken = model__choose(count);
	picked = &threads[options[taken]];
	for (int i = 0; i < taken; i++)
		if (is_reducible(&threads[options[i]]))
			thread_sleep(&threads[options[i]]);
	if (count > 1 && is_reducible(picked))
		watch_add(picked);
	if (execution.preemptions > 0 && picked != execution.last &&
			thread_can_go_on(execution.last))
		execution.preemptions--;
	return execution.last = picked;
}

static void step_count(void)
{
	if (++execution.steps > execution.steps_max)
		model__fail(MODEL_ENDLESS, "more than %d steps", execution.steps_max);
}

struct thread *model__op_begin(enum op_kind kind, enum model_order order, struct location *at,
		const struct model_site *site)
{
	struct thread *self = execution.current;

	if (!self) {
		fprintf(stderr, "%s:%d: outside model_explore\n", site->file, site->line);
		abort();
	}
	step_count();
	self->op = (struct op){ kind, order, at, site };
	watches_check(self);
	if (op_waits(kind))
		reduce_no_more();
	stack_switch(thread_pick());
	sleepers_wake(&self->op);
	self->op.kind = OP_LOCAL;
	return self;
}

void model__op_end(struct thread *self)
{
	self->asleep = false;
	++*thread_clock(self);
}

static void thread_end(void)
{
	execution.current->op.kind = OP_ENDED;
	stack_jump(model_self(), thread_pick());
}

void model_join_all(void)
{
	const struct model_site *site = MODEL_SITE("join_all");
	struct thread *self = model__op_begin(OP_JOIN, MODEL_RELAXED, NULL, site);

	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread != self)
			model__view_join(&self->view, &thread->view);
	model__op_end(self);
}

/* --- waiting ---------------------------------------------------------------------------------- */

void model_pause(const struct model_site *site)
{
	struct thread *self = execution.current;
	const bool waits = model__spin_fairly(self);

	TELL(site, NULL, waits ? " until another thread stores" : "");
	if (waits)
		model__op_begin(OP_PAUSE, MODEL_RELAXED, NULL, site);
	else
		step_count();
	reduce_no_more();
	self->reads = 0;
}

uint32_t *model_token(int thread)
{
	return &tokens[thread];
}

/* Returns what it was. */
static uint32_t await(const struct model_site *site, uint32_t *object, uint32_t mask, uint32_t from,
		enum model_rmw rmw, uint32_t operand)
{
	struct location *at = model__location_atomic(site, object, sizeof *object);
	struct thread *self = execution.current;
	uint32_t was;

	self->awaited_mask = mask;
	self->awaited = from;
	model__op_begin(OP_AWAIT, MODEL_ACQUIRE, at, site);
	was = (uint32_t)model__rmw(self, at, MODEL_ACQUIRE, rmw, operand);
	model__op_end(self);
	return was;
}

void model_await(const struct model_site *site, uint32_t *object, uint32_t from, uint32_t to)
{
	(void)await(site, object, UINT32_MAX, from, MODEL_EXCHANGE, to);
}

uint32_t model_await_bit(const struct model_site *site, uint32_t *object, uint32_t bit)
{
	return await(site, object, bit, 0, MODEL_OR, bit);
}

int model_wait(const struct model_site *site, uint32_t *object, uint32_t expect, bool timed)
{
	struct location *at = model__location_atomic(site, object, sizeof *object);
	struct thread *self = model__op_begin(OP_FUTEX, MODEL_RELAXED, at, site);
	const bool waits = model__read_last(self, at, MODEL_RELAXED) == expect;

	model__op_end(self);
	if (!waits)
		return -EAGAIN;
	self->woken = false;
	model__op_begin(OP_BLOCKED, MODEL_RELAXED, at, site);
	execution.lapses -= !self->woken;
	TELL(site, at, self->woken ? " is woken" : " lapses");
	model__op_end(self);
	return self->woken || !timed ? 0 : -ETIMEDOUT;
}

/* Collects those who wait at `at`. */
static int waiters_collect(const struct location *at, struct thread **waiters)
{
	int count = 0;

	for (struct thread *thread = threads; thread < threads_end(); thread++)
		if (thread->op.kind == OP_BLOCKED && thread->op.at == at)
			waiters[count++] = thread;
	return count;
}

int model_wake(const struct model_site *site, uint32_t *object, int count)
{
	struct location *at = model__location_find(object); /* no access: it may be freed already */
	struct thread *self = model__op_begin(OP_FUTEX, MODEL_RELAXED, at, site);
	struct thread *waiters[THREADS_MAX];
	int waiting, woken = 0;

	while (woken < count && (waiting = waiters_collect(at, waiters)) > 0) {
		struct thread *chosen =
				waiters[waiting > count - woken ? model__choose(waiting) : 0];

		chosen->woken = true;
		chosen->op.kind = OP_LOCAL;
		woken++;
	}
	TELL(site, at, " wakes %d", woken);
	model__op_end(self);
	return woken;
}
