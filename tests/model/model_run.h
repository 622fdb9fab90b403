/* SPDX-License-Identifier: MIT */
/* model/model_run.h: what the parts of the search share: an execution, its threads, locations. */
#ifndef WEFT_MODEL_MODEL_RUN_H
#define WEFT_MODEL_MODEL_RUN_H

#include "model/model.h"

enum {
	THREADS_MAX = 8,
	SLOTS_MAX = 56,   /* atomic locations; with the clocks a view has 64 entries */
	STORES_MAX = 128, /* to one of them in one execution */
	LOCATIONS_MAX = 256,
	REGIONS_MAX = 128,
	OPTIONS_MAX = 36, /* of one choice: a digit of a schedule */
	CHOICES_MAX = 4096
};

/* The first THREADS_MAX entries are clocks, the others indices into the stores of a slot. */
struct view {
	int16_t at[THREADS_MAX + SLOTS_MAX];
};

enum access { ATOMIC_READ, ATOMIC_WRITE, PLAIN_READ, PLAIN_WRITE, ACCESSES };

struct location {
	const volatile void *address;
	const char *name;
	size_t size;
	struct region *block; /* of model_malloc, or NULL */
	int slot;             /* -1: no atomic access so far */
	int count, oldest;    /* its stores; the first since it was set by ordinary code */
	uintptr_t last;       /* the value of the last store */
	bool forgotten;       /* ordinary code may have changed it since */
	int16_t touched[ACCESSES][THREADS_MAX]; /* the clock of each thread's last access */
};

/* The order matters: AWAIT is a read-modify-write, BLOCKED is on a futex. */
enum op_kind {
	OP_LOCAL,
	OP_ENDED,
	OP_JOIN,
	OP_PAUSE,
	OP_READ, /* and fences */
	OP_WRITE,
	OP_AWAIT,
	OP_FUTEX,
	OP_BLOCKED
};

struct op {
	enum op_kind kind;
	enum model_order order;
	struct location *at; /* NULL: a fence, or no memory at all */
	const struct model_site *site;
};

struct thread {
	struct op op;
	void (*run)(void *);
	void *argument;
	bool started, woken;
	uint32_t awaited, awaited_mask; /* the value that AWAIT waits for, of these bits */
	bool asleep;
	int asleep_count; /* stores at its location when it fell asleep */
	uint64_t reads;   /* slots read since the last pause */
	struct view view;
	struct view acquired; /* joined by an acquire fence */
	struct view released; /* the view at the last release fence */
	struct view fair;     /* what it may no longer read after spinning, known to it alone */
};

struct execution {
	struct thread *current;
	struct thread *last; /* whose op was last: to leave it while it could go on is preemption */
	int thread_count;
	int depth, steps, steps_max, lines, watch_count;
	int preemptions, lapses; /* that are left; preemptions < 0: no bound */
	bool unreduced, telling;
};

extern struct execution execution;
extern struct thread threads[THREADS_MAX];

static inline struct thread *threads_end(void)
{
	return threads + execution.thread_count;
}

static inline int thread_id(const struct thread *thread)
{
	return (int)(thread - threads);
}

/* Of the current thread; it counts its steps. */
static inline int16_t *thread_clock(struct thread *thread)
{
	return &thread->view.at[thread_id(thread)];
}

/* model.c */
int model__choose(int options);
bool model__choice_is_lazy(int depth); /* from now on; returns whether nobody contests it yet */
void model__choice_contest(int depth);
void model__tell(const struct model_site *site, const struct location *at, const char *format, ...)
		__attribute__((format(printf, 3, 4)));
#define TELL(...) (execution.telling ? model__tell(__VA_ARGS__) : (void)0)
_Noreturn void model__fail(enum model_verdict verdict, const char *format, ...)
		__attribute__((format(printf, 2, 3)));
void model__prune(void); /* does not return */

/* model_threads.c: publishes an op and returns when it is this thread's turn to do it */
void model__stacks_make(void);
void model__threads_run(void (*run)(void *)); /* until some thread leaves */
void model__threads_leave(void);              /* does not return */
struct thread *model__op_begin(enum op_kind kind, enum model_order order, struct location *at,
		const struct model_site *site);
void model__op_end(struct thread *self);

/* model_memory.c */
void model__memory_reset(void);
void model__view_join(struct view *restrict into, const struct view *restrict from);
struct location *model__location_find(const volatile void *address);
struct location *model__location_atomic(
		const struct model_site *site, const volatile void *object, size_t size);
uintptr_t model__read_last(struct thread *self, struct location *at, enum model_order order);
uintptr_t model__rmw(struct thread *self, struct location *at, enum model_order order,
		enum model_rmw rmw, uintptr_t operand);
/* Returns whether the thread, which spins, must wait for a store. */
bool model__spin_fairly(struct thread *self);

#endif
