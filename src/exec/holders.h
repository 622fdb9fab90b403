/* SPDX-License-Identifier: MIT */
/* exec/holders.h: who holds what, in checked builds: for reports. See holders.c. */
#ifndef WEFT_EXEC_HOLDERS_H
#define WEFT_EXEC_HOLDERS_H

#include "core/held.h"
#include "exec/trace.h"

struct weft__held {
	struct weft__held *next;
	const void *object;
	uint64_t task; /* weft_task_id; 0: a thread's permits */
	const struct weft_strand *strand;   /* NULL: a plain call, so nobody knows */
	struct weft__place place;           /* where it was taken */
	uint32_t count;                     /* of permits */
	enum weft__held_kind kind;
	bool ended; /* the task has: from here on another may have its id */
};

/* From here on it is written down, in checked builds. */
void weft__held_watch(void);

/* Calls visit for each that holds the object, under a lock. */
void weft__held_each(const void *object, void (*visit)(const struct weft__held *held, void *arg),
		void *arg);

/* mutex_watch.c */
void weft__mutex_watch_begin(void);  /* once */
void weft__mutex_watch_begins(void); /* a poll */
void weft__mutex_watch_suspends(struct weft_task *task);

const char *weft__held_name(enum weft__held_kind kind); /* "a mutex" */

#endif
