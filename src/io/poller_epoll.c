/* SPDX-License-Identifier: MIT */
/*
 * io/poller_epoll.c: interest by an edge-triggered epoll set; no operations.
 *
 * How         A descriptor is added once, to be read, and once more when somebody has found it full:
 *             one epoll_ctl for its life, or two (closing removes it). A socket of the machine's own, or
 *             a pipe, tells its writer of every byte that is read, full or not: whoever writes would be
 *             woken for each, on another CPU if the two ends are in two sets.
 *             wake writes an eventfd in the same set; its token is the poller itself. epoll_wait may be
 *             called by several threads, and hands each edge to one of them, so nothing here needs a
 *             lock.
 * Cost        wait: one system call. add, add_write: one. remove: none, closing does it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/atomic.h"
#include "base/check.h"
#include "io/poller.h"
#include "io/sockets.h"
#include "os/os.h"

struct epoll_state {
	int epoll_fd;
	int event_fd;
};

enum { EPOLL_BATCH = 256 };

static void epoll_finish(struct weft__poller *poller)
{
	struct epoll_state *state = poller->state;

	if (!state)
		return;
	if (state->event_fd >= 0)
		weft__fd_close(state->event_fd);
	if (state->epoll_fd >= 0)
		weft__fd_close(state->epoll_fd);
	free(state);
	poller->state = NULL;
}

static int epoll_control(
		struct epoll_state *state, int change, int fd, uint32_t events, void *token)
{
	struct epoll_event event = { .events = events | EPOLLIN | EPOLLET, .data.ptr = token };

	return epoll_ctl(state->epoll_fd, change, fd, &event) < 0 ? -errno : 0;
}

static int epoll_init(struct weft__poller *poller)
{
	struct epoll_state *state = malloc(sizeof *state);
	int err;

	poller->state = state;
	if (!state)
		return -ENOMEM;
	state->event_fd = -1;
	state->epoll_fd = weft__fd_made(epoll_create1(EPOLL_CLOEXEC));
	err = state->epoll_fd < 0 ? state->epoll_fd : 0;
	if (!err) {
		state->event_fd = weft__event_create();
		err = state->event_fd < 0 ? state->event_fd : 0;
	}
	if (!err)
		err = epoll_control(state, EPOLL_CTL_ADD, state->event_fd, 0, NULL);
	if (err)
		epoll_finish(poller);
	return err;
}

static int epoll_add(struct weft__poller *poller, int fd, void *token)
{
	return epoll_control(poller->state, EPOLL_CTL_ADD, fd, EPOLLRDHUP, token);
}

static int epoll_add_write(struct weft__poller *poller, int fd, void *token)
{
	return epoll_control(poller->state, EPOLL_CTL_MOD, fd, EPOLLRDHUP | EPOLLOUT, token);
}

/* Nothing to do: closing the descriptor takes it out of the set. */
static int epoll_remove(struct weft__poller *poller, int fd, void *token)
{
	(void)poller;
	(void)fd;
	(void)token;
	return 0;
}

WEFT_INLINE unsigned epoll_bits(uint32_t events)
{
	unsigned bits;

	if (WEFT_LIKELY(events == EPOLLIN))
		return POLLER_READ;
	bits = (events & (EPOLLIN | EPOLLPRI) ? POLLER_READ : 0u) |
			(events & EPOLLOUT ? POLLER_WRITE : 0u);

	if (WEFT_UNLIKELY(events & (EPOLLHUP | EPOLLERR)))
		bits |= POLLER_READ | POLLER_WRITE | POLLER_HANGUP;
	if (WEFT_UNLIKELY(events & EPOLLRDHUP))
		bits |= POLLER_READ | POLLER_HANGUP;
	return bits;
}

static uint32_t epoll_is_coarse; /* atomic: there is no epoll_pwait2 here */

/* epoll_pwait2 takes nanoseconds; kernels before 5.11 get milliseconds, rounded up. */
static int epoll_wait_ns(int epoll_fd, struct epoll_event *events, int capacity, int64_t timeout_ns)
{
	struct timespec timeout;
	int count;

	if (timeout_ns <= 0)
		return epoll_wait(epoll_fd, events, capacity, timeout_ns < 0 ? -1 : 0);
	timeout.tv_sec = (time_t)(timeout_ns / 1000000000);
	timeout.tv_nsec = (long)(timeout_ns % 1000000000);
	if (!atomic_load_relaxed(&epoll_is_coarse)) { /* who does not know it yet finds out */
		count = epoll_pwait2(epoll_fd, events, capacity, &timeout, NULL);
		if (count >= 0 || errno != ENOSYS)
			return count;
		atomic_store_relaxed(&epoll_is_coarse, 1u); /* it is all that is said */
	}
	return epoll_wait(epoll_fd, events, capacity,
			timeout_ns > INT64_C(1000000) * INT32_MAX
					? INT32_MAX
					: (int)((timeout_ns + 999999) / 1000000));
}

static int epoll_wait_events(struct weft__poller *poller, int64_t timeout_ns,
		struct weft__poller_event *out, int capacity)
{
	struct epoll_state *state = poller->state;
	struct epoll_event events[EPOLL_BATCH];
	struct weft__poller_event *next = out;
	int count;

	if (capacity > EPOLL_BATCH)
		capacity = EPOLL_BATCH;
	count = epoll_wait_ns(state->epoll_fd, events, capacity, timeout_ns);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		if (!events[i].data.ptr) {
			weft__event_drain(state->event_fd);
			continue;
		}
		next->token = events[i].data.ptr;
		next++->bits = epoll_bits(events[i].events);
	}
	return (int)(next - out);
}

static void epoll_wake(struct weft__poller *poller)
{
	weft__event_signal(((struct epoll_state *)poller->state)->event_fd);
}

static int epoll_fd(struct weft__poller *poller)
{
	return ((struct epoll_state *)poller->state)->epoll_fd;
}

const struct weft__poller_ops weft__poller_epoll = {
	.name = "epoll",
	.init = epoll_init,
	.finish = epoll_finish,
	.add = epoll_add,
	.add_write = epoll_add_write,
	.remove = epoll_remove,
	.wait = epoll_wait_events,
	.wake = epoll_wake,
	.fd = epoll_fd,
	.sockets = &weft__sockets_kernel,
};
