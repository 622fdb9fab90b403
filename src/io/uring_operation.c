/* SPDX-License-Identifier: MIT */
/*
 * io/uring_operation.c: operations as requests of a ring.
 *
 * How         submit lists an operation, fill turns it into a request, whose completion ends it. One
 *             that is cancelled while it is still listed never becomes a request. The kernel cancels
 *             the requests of a thread that exits: such an operation has done nothing, and since
 *             nobody asked for that, it is listed again.
 */
#ifdef WEFT_HAVE_URING
#include <errno.h>

#include "io/uring.h"

enum { URING_SIZE_MAX = 0x7ffff000 }; /* what read(2) takes at most */

static void uring_put(struct uring_operations *list, struct weft__operation *operation)
{
	operation->next = NULL;
	if (list->first)
		list->last->next = operation;
	else
		list->first = operation;
	list->last = operation;
}

static struct weft__operation *uring_take(struct uring_operations *list)
{
	struct weft__operation *operation = list->first;

	if (operation)
		list->first = operation->next;
	return operation;
}

static uint64_t uring_operation_data(const struct weft__operation *operation)
{
	return (uint64_t)(uintptr_t)operation | URING_OPERATION;
}

static void uring_begin(struct uring_state *state, struct weft__operation *operation,
		struct io_uring_sqe *request)
{
	size_t size = operation->size < URING_SIZE_MAX ? operation->size : URING_SIZE_MAX;
	uint64_t offset = (uint64_t)operation->offset;

	operation->queued = false;
	if (operation->opcode == OPERATION_READ)
		io_uring_prep_read(
				request, operation->fd, operation->buffer, (unsigned)size, offset);
	else if (operation->opcode == OPERATION_WRITE)
		io_uring_prep_write(
				request, operation->fd, operation->buffer, (unsigned)size, offset);
	else
		io_uring_prep_fsync(request, operation->fd, 0);
	uring_publish(state, request, uring_operation_data(operation));
}

void weft__uring_fill_operations(struct uring_state *state)
{
	struct io_uring_sqe *request;

	while (state->wanted.first) {
		if (state->wanted.first->cancelled) {
			state->wanted.first->result = -ECANCELED;
			uring_put(&state->ended, uring_take(&state->wanted));
		} else if ((request = uring_request(state))) {
			uring_begin(state, uring_take(&state->wanted), request);
		} else {
			break;
		}
	}
}

static int uring_end(
		struct weft__operation *operation, int64_t result, struct weft__poller_event *event)
{
	operation->result = result;
	event->token = operation;
	event->bits = POLLER_COMPLETE;
	return 1;
}

int weft__uring_operation_event(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event)
{
	uint64_t address = completion->user_data & ~(uint64_t)URING_TAGS;
	struct weft__operation *operation = (struct weft__operation *)(uintptr_t)address;

	if ((completion->res == -ECANCELED || completion->res == -EINTR) && !operation->cancelled) {
		operation->queued = true;
		uring_put(&state->wanted, operation);
		return 0;
	}
	return uring_end(operation, completion->res, event);
}

void weft__uring_put_ended(struct uring_state *state, struct weft__operation *operation)
{
	uring_put(&state->ended, operation);
}

int weft__uring_ended_event(struct uring_state *state, struct weft__poller_event *event)
{
	struct weft__operation *operation = uring_take(&state->ended);

	return operation ? uring_end(operation, operation->result, event) : 0;
}

int weft__uring_submit(struct weft__poller *poller, struct weft__operation *operation)
{
	struct uring_state *state = poller->state;

	weft__lock_acquire(&state->lock);
	operation->cancelled = false;
	operation->queued = true;
	uring_put(&state->wanted, operation);
	weft__uring_unlock(state);
	return 0;
}

int weft__uring_cancel(struct weft__poller *poller, struct weft__operation *operation)
{
	struct uring_state *state = poller->state;
	struct io_uring_sqe *request;

	weft__lock_acquire(&state->lock);
	operation->cancelled = true;
	while (!operation->queued && !(request = uring_request(state))) {
		unsigned submit = uring_unsubmitted(state);
		int handed_over;

		weft__lock_release(&state->lock);
		handed_over = weft__uring_enter(state, submit, 0, 0);
		if (handed_over < 0)
			return handed_over;
		weft__lock_acquire(&state->lock);
	}
	if (!operation->queued) {
		io_uring_prep_cancel64(request, uring_operation_data(operation), 0);
		request->flags |= IOSQE_CQE_SKIP_SUCCESS;
		uring_publish(state, request, URING_IGNORED);
	}
	weft__uring_unlock(state);
	return 0;
}
#endif /* WEFT_HAVE_URING */
