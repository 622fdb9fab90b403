/* SPDX-License-Identifier: MIT */
/*
 * core/env.h: the services that a context carries, seen from below.
 *
 * core knows none of them; it hands the pointer down from the executor to the leaves. A leaf whose
 * service is missing gives -ENXIO.
 */
#ifndef WEFT_CORE_ENV_H
#define WEFT_CORE_ENV_H

#include <weft/poll.h>

struct weft_wheel;
struct weft__reactor;
struct weft__executor;

struct weft_env {
	/* Memory for frames of their own and for buffers; align is a power of two up to 64. release may be
	 * called on any thread. */
	void *(*allocate)(const struct weft_env *env, size_t bytes, size_t align);
	void (*release)(const struct weft_env *env, void *memory, size_t bytes, size_t align);
	int64_t (*now)(const struct weft_env *env); /* monotonic nanoseconds, or virtual time */
	uint32_t (*draw)(const struct weft_env *env); /* 32 random bits, by the runtime's seed */
	struct weft_wheel *wheel;
	struct weft__reactor *reactor;
	struct weft__reactor *(*place)(const struct weft_env *env); /* where a new socket goes */
	struct weft__executor *executor; /* whose tasks this context polls */
};

/* The services of whoever polls on this thread, for plain functions called from tasks. NULL: nobody.
 * Executors set it. */
extern __thread const struct weft_env *weft__env_current
		__attribute__((tls_model("initial-exec")));

#endif
