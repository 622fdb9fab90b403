/* SPDX-License-Identifier: MIT */
/*
 * weft/local.h: values that belong to a task, or to a part of what it does, and that nobody passes on.
 *
 *     WEFT_LOCAL_DECLARE(const char *, request_id)             // in a header, or the one file
 *     WEFT_LOCAL_DEFINE(request_id);                           // in one file
 *
 *     async int serve(struct weft_tcp conn, const char *id)
 *     {
 *             struct weft_local mine = request_id_bind(&id);
 *
 *             return await weft_with(&mine, answer(conn));     // in answer, and in all that it calls:
 *     }
 *     void log_line(const char *text)
 *     {
 *             const char *const *id = request_id_get();        // NULL: there is none
 *
 * The value is there while the branch is being polled, also while it unwinds because it is cancelled; in
 * its own branches, too. It is not inherited by tasks that are spawned there, and not seen by functions
 * that run on the blocking pool: hand it to them as an argument. An inner binding hides an outer one.
 *
 * The name is checked when it is compiled, and so is the type. What is not used costs nothing; to get a
 * value is a walk over the bindings around, of which there are few.
 *
 * Memory:  the binding and the value are yours; they stay where they are until the branch has ended.
 * Threads: a value is found by the thread that polls, wherever the task is polled.
 *
 * Tokio's task_local is the model.
 */
#ifndef WEFT_LOCAL_H
#define WEFT_LOCAL_H

#include <sys/types.h>

#include <weft/branch.h>

WEFT_BEGIN_DECLS

struct weft_local_key {
	const char *name;
};

struct weft_local {
	const struct weft_local_key *key;
	const void *value;
	struct weft_local *outer; /* private */
};

/* The value that is bound here, or NULL; use NAME_get. */
const void *weft_local_find(const struct weft_local_key *key);

/* For a local of that type: struct weft_local NAME_bind(const type *value), the value borrowed;
 * const type *NAME_get(void), NULL where none is bound. */
#define WEFT_LOCAL_DECLARE(type, name)                                                             \
	extern const struct weft_local_key name##_key;                                             \
	static inline WEFT_MAYBE_UNUSED struct weft_local name##_bind(type const *value)           \
	{                                                                                          \
		struct weft_local local = { &name##_key, value, NULL };                            \
		return local;                                                                      \
	}                                                                                          \
	static inline WEFT_MAYBE_UNUSED type const *name##_get(void)                               \
	{                                                                                          \
		return (type const *)weft_local_find(&name##_key);                                 \
	}

#define WEFT_LOCAL_DEFINE(name) const struct weft_local_key name##_key = { #name }

/* async ssize_t weft_with(struct weft_local *, async, child): polls the child, a frame of that type
 * that has been initialised, with the value bound; its result, where that can be read as a signed
 * number, else 0. */
WEFT_ASYNC_3(ssize_t, weft_with, struct weft_local *, const struct weft_async *, void *);

struct weft_with__frame {
	struct weft_with__args args;
	struct weft_branch branch; /* private */
};

WEFT_END_DECLS

#endif
