/* SPDX-License-Identifier: MIT */
/*
 * io/poller.h: the seam between Weft and the kernel's event interface.
 *
 * A poller knows descriptors and tokens, never tasks. It has two halves:
 *   interest    which descriptors are ready: edge-triggered, until removed; to be written to perhaps only
 *               once somebody has asked for that (add_write)
 *   operations  one system call each, carried out by the kernel (or a simulator) in its own time:
 *               submit, cancel, complete. Pollers without a ring have none (submit is NULL).
 * A backend is one file that fills in struct weft__poller_ops, and one line in poller.c.
 *
 * All functions return 0 (or a count) or a negative errno; out-parameters are never NULL.
 * Threads: any thread may call anything at any time (a stuck worker's poller is driven by others), except
 * that only the owner waits with a timeout other than 0. A backend that shares memory with the kernel has
 * a lock of its own, which it does not hold while it waits. wake is also safe in a signal handler.
 */
#ifndef WEFT_IO_POLLER_H
#define WEFT_IO_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weft__poller_bits {
	POLLER_READ = 1 << 0,
	POLLER_WRITE = 1 << 1,
	POLLER_HANGUP = 1 << 2,  /* the peer has closed, or an error is pending: try, do not wait */
	POLLER_REMOVED = 1 << 3, /* the last event of this token: the kernel has let go */
	POLLER_COMPLETE = 1 << 4 /* token is a struct weft__operation, result is in it */
};

struct weft__poller_event {
	void *token;
	unsigned bits;
};

/* An operation of the kernel's. It and its buffer live in the object that it works for until `complete`
 * is called, which happens once for each submit that succeeded, by weft__reactor_poll, with no lock
 * held. complete may end the operation, or submit it again. */
struct weft__operation {
	int opcode; /* enum weft__opcode */
	int fd;
	void *buffer;
	size_t size;
	int64_t offset; /* -1: the file's own position */
	int64_t result; /* when complete: a count or a negative errno */
	void (*complete)(struct weft__operation *operation);
	struct weft__operation *next; /* private from here on: the poller's */
	bool queued, cancelled;
};

enum weft__opcode { OPERATION_READ, OPERATION_WRITE, OPERATION_FSYNC };

struct weft__poller {
	const struct weft__poller_ops *ops;
	void *state;   /* the backend's */
	uint64_t seed; /* of the simulator's choices; set before init */
};

struct weft__socket_ops;

struct weft__poller_ops {
	const char *name;
	int (*init)(struct weft__poller *poller);
	void (*finish)(struct weft__poller *poller);
	/* Interest in a descriptor; events carry the token. What is ready already is reported too. */
	int (*add)(struct weft__poller *poller, int fd, void *token);
	/* From here on POLLER_WRITE is reported, too, and at once if there is room already. May be called
	 * twice. NULL: add does it. Without it, events have the bit or not. */
	int (*add_write)(struct weft__poller *poller, int fd, void *token);
	/* 0: the kernel holds nothing any more (another thread may still have an event of the token in
	 * its hands). 1: a last event follows, with POLLER_REMOVED; until then fd and token must live. */
	int (*remove)(struct weft__poller *poller, int fd, void *token);
	/* Starts the operation, at the latest with the next wait. -ECANCELED is a result only after
	 * cancel, which asks: the operation may also end as if nothing had happened. */
	int (*submit)(struct weft__poller *poller, struct weft__operation *operation);
	int (*cancel)(struct weft__poller *poller, struct weft__operation *operation);
	/* Takes up to `capacity` events; if there are none, waits for one, for wake, or until the time
	 * has passed (0: not at all; < 0: no limit), and returns how many it took. Whoever waits takes
	 * the wake, too. A signal ends the wait early, and so may the kernel. */
	int (*wait)(struct weft__poller *poller, int64_t timeout_ns,
			struct weft__poller_event *events, int capacity);
	void (*wake)(struct weft__poller *poller);
	/* A descriptor that is readable when wait(0) would find something, or -ENOTSUP. */
	int (*fd)(struct weft__poller *poller);
	/* The sockets whose descriptors this poller understands: the kernel's, a ring's, simulated. */
	const struct weft__socket_ops *sockets;
	bool one_thread; /* for runtimes whose tasks stay on one thread */
};

extern const struct weft__poller_ops weft__poller_epoll, weft__poller_uring,
		weft__poller_uring_direct, weft__poller_sim;

/* Makes the poller called `name`, or with NULL the one that WEFT_POLLER names, or else the first that
 * the kernel grants. -EINVAL: unknown name. -ENOSYS: this kernel or build does not have it. */
int weft__poller_init(struct weft__poller *poller, const char *name);

#endif
