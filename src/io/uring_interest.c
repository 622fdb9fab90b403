/* SPDX-License-Identifier: MIT */
/*
 * io/uring_interest.c: descriptors and their multishot polls.
 *
 * How         Two tables by number: of descriptors, and of sockets in the ring's own (uring_direct.c).
 *             The states of an interest:
 *
 *                     add           fill           remove            fill
 *                NONE ---> WANTED --------> ARMED --------> UNWANTED ------> CANCELLED
 *                          |  ^             | |               |                |
 *                   remove |  '-- it ended -' |               '-----.    .-----'
 *                          v                  v                  it ended: REMOVED
 *                        NONE <-- remove -- BROKEN: it failed          v
 *                                                                     NONE
 *
 *             The kernel ends a poll when the completion queue is full, or when the thread that armed
 *             it is gone; it is armed again, and arming reports what is ready.
 *             An event that comes out of the queue while nobody takes events is kept in its interest,
 *             where several become one; the next harvest looks for it.
 * Invariants  [I1] completions carry the interest's generation: those of an earlier poll of the same
 *                  descriptor number are dropped.
 *             [I2] an interest is listed while it is WANTED or UNWANTED (and stays so, if it ceases to
 *                  be that, until fill passes by).
 */
#ifdef WEFT_HAVE_URING
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/check.h"
#include "io/uring.h"
#include "os/os.h"

enum { URING_LOOK_BACK = 8 }; /* newest completions among which remove looks for its own */

static unsigned uring_number(int fd)
{
	return (unsigned)fd & ~(unsigned)URING_DIRECT;
}

WEFT_INLINE struct uring_interest *uring_interest(const struct uring_state *state, int fd)
{
	const struct uring_table *table = &state->tables[(fd & URING_DIRECT) != 0];
	unsigned chunk = uring_number(fd) / URING_CHUNK;

	if (fd < 0 || chunk >= table->chunk_count || !table->chunks[chunk])
		return NULL;
	return &table->chunks[chunk][uring_number(fd) % URING_CHUNK];
}

/* Makes room for fd, so that uring_interest finds it. */
static int uring_reserve(struct uring_state *state, int fd)
{
	struct uring_table *table = &state->tables[(fd & URING_DIRECT) != 0];
	unsigned chunk = uring_number(fd) / URING_CHUNK;

	if (chunk >= table->chunk_count) {
		unsigned count = chunk + 1 > 2 * table->chunk_count ? chunk + 1
								    : 2 * table->chunk_count;
		struct uring_interest **chunks =
				realloc(table->chunks, count * sizeof(struct uring_interest *));

		if (!chunks)
			return -ENOMEM;
		table->chunks = chunks;
		while (table->chunk_count < count)
			chunks[table->chunk_count++] = NULL;
	}
	if (!table->chunks[chunk])
		table->chunks[chunk] = calloc(URING_CHUNK, sizeof **table->chunks);
	return table->chunks[chunk] ? 0 : -ENOMEM;
}

void weft__uring_interests_free(struct uring_state *state)
{
	for (int i = 0; i < 2; i++) {
		for (unsigned c = 0; c < state->tables[i].chunk_count; c++)
			free(state->tables[i].chunks[c]);
		free(state->tables[i].chunks);
	}
}

static uint64_t uring_interest_data(int fd, uint16_t generation)
{
	return (uint64_t)generation << 48 | (uint64_t)(uint32_t)fd << 2 | URING_INTEREST;
}

/* Puts fd in the list, unless it is there. What is unwanted goes first: remove looks no further. */
static void uring_list(struct uring_state *state, int fd)
{
	struct uring_interest *interest = uring_interest(state, fd);

	if (interest->listed)
		return;
	interest->listed = true;
	interest->next = interest->state == URING_UNWANTED ? state->first : -1;
	if (state->first < 0)
		state->first = state->last = fd;
	else if (interest->state == URING_UNWANTED)
		state->first = fd;
	else
		state->last = uring_interest(state, state->last)->next = fd;
}

/* The only place where an interest changes its state. */
static void uring_become(struct uring_state *state, int fd, enum uring_interest_state next)
{
	struct uring_interest *interest = uring_interest(state, fd);
	enum uring_interest_state before = interest->state;

	interest->state = (unsigned)next & 0xfu;
	switch (next) {
	case URING_NONE:
		WEFT_ASSERT(before != URING_NONE && before != URING_ARMED);
		interest->generation++; /* [I1] */
		break;
	case URING_WANTED:
		WEFT_ASSERT(before == URING_NONE || before == URING_ARMED);
		uring_list(state, fd); /* [I2] */
		break;
	case URING_ARMED:
		WEFT_ASSERT(before == URING_WANTED);
		break;
	case URING_BROKEN:
		WEFT_ASSERT(before == URING_ARMED);
		break;
	case URING_UNWANTED:
		WEFT_ASSERT(before == URING_ARMED);
		uring_list(state, fd); /* [I2] */
		break;
	case URING_CANCELLED:
		WEFT_ASSERT(before == URING_UNWANTED);
		break;
	}
}

static void uring_arm(struct uring_state *state, int fd, struct io_uring_sqe *request)
{
	/* edge-triggered, as long as nobody asks for IORING_POLL_ADD_LEVEL */
	io_uring_prep_poll_multishot(request, (int)uring_number(fd), POLLIN | POLLOUT | POLLRDHUP);
	if (fd & URING_DIRECT)
		request->flags |= IOSQE_FIXED_FILE;
	uring_publish(state, request,
			uring_interest_data(fd, uring_interest(state, fd)->generation));
	uring_become(state, fd, URING_ARMED);
}

static void uring_disarm(struct uring_state *state, int fd, struct io_uring_sqe *request)
{
	/* not POLL_REMOVE, which refuses while an event is on its way */
	io_uring_prep_cancel64(
			request, uring_interest_data(fd, uring_interest(state, fd)->generation), 0);
	request->flags |= IOSQE_CQE_SKIP_SUCCESS;
	uring_publish(state, request, URING_IGNORED);
	uring_become(state, fd, URING_CANCELLED);
}

void weft__uring_fill_interests(struct uring_state *state, bool unwanted_only)
{
	struct io_uring_sqe *request;

	while (state->first >= 0 && (request = uring_request(state))) {
		int fd = state->first;
		struct uring_interest *interest = uring_interest(state, fd);

		WEFT_ASSERT(interest->listed);
		if (unwanted_only && interest->state == URING_WANTED)
			return;
		interest->listed = false;
		state->first = interest->next;
		if (interest->state == URING_WANTED)
			uring_arm(state, fd, request);
		else if (interest->state == URING_UNWANTED)
			uring_disarm(state, fd, request);
	}
}

/* ---- completions ---- */

static unsigned uring_bits(int32_t events)
{
	unsigned bits = 0;

	if (events & (POLLIN | POLLPRI))
		bits |= POLLER_READ;
	if (events & POLLOUT)
		bits |= POLLER_WRITE;
	if (events & (POLLHUP | POLLERR))
		bits |= POLLER_READ | POLLER_WRITE | POLLER_HANGUP;
	if (events & POLLRDHUP)
		bits |= POLLER_READ | POLLER_HANGUP;
	return bits;
}

/* After a poll's last completion. Returns what that adds to its event. */
static unsigned uring_interest_ended(struct uring_state *state, int fd, int32_t result)
{
	struct uring_interest *interest = uring_interest(state, fd);

	if (interest->state == URING_UNWANTED || interest->state == URING_CANCELLED) {
		uring_become(state, fd, URING_NONE);
		return POLLER_REMOVED;
	}
	if (result >= 0 || result == -ECANCELED) {
		uring_become(state, fd, URING_WANTED);
		return 0;
	}
	uring_become(state, fd, URING_BROKEN); /* who tries will see why */
	return POLLER_READ | POLLER_WRITE | POLLER_HANGUP;
}

/* A completion that is not the usual one. The event has its token. */
__attribute__((noinline)) static int uring_unusual_event(struct uring_state *state,
		const struct io_uring_cqe *completion, struct weft__poller_event *event,
		bool *woken)
{
	int fd = uring_interest_fd(completion->user_data);

	event->bits = completion->res > 0 ? uring_bits(completion->res) : 0;
	if (!(completion->flags & IORING_CQE_F_MORE))
		event->bits |= uring_interest_ended(state, fd, completion->res);
	if (!event->token) {
		*woken |= (event->bits & POLLER_READ) != 0; /* it is always writable */
		return 0;
	}
	return event->bits != 0;
}

int weft__uring_interest_event(struct uring_state *state, const struct io_uring_cqe *completion,
		struct weft__poller_event *event, bool *woken)
{
	struct uring_interest *interest =
			uring_interest(state, uring_interest_fd(completion->user_data));

	if (!interest || interest->generation != completion->user_data >> 48)
		return 0; /* [I1] */
	event->token = interest->token;
	if (WEFT_LIKELY(completion->res == POLLIN && completion->flags & IORING_CQE_F_MORE &&
			    event->token)) {
		event->bits = POLLER_READ;
		return 1;
	}
	return uring_unusual_event(state, completion, event, woken);
}

void weft__uring_keep(struct uring_state *state, int fd, unsigned bits)
{
	struct uring_interest *interest = uring_interest(state, fd);
	unsigned *first = &state->kept_first[(fd & URING_DIRECT) != 0];

	if (uring_number(fd) < *first)
		*first = uring_number(fd);
	state->kept_count += !interest->kept;
	interest->kept = (interest->kept | bits) & 0xfu;
}

static void uring_forget_kept(struct uring_state *state, struct uring_interest *interest)
{
	state->kept_count -= interest->kept != 0;
	interest->kept = 0;
}

/* The next one of a table, or NULL. */
static struct uring_interest *uring_kept_next(struct uring_state *state, int which)
{
	unsigned count = state->tables[which].chunk_count * (unsigned)URING_CHUNK;
	struct uring_interest *interest;

	for (; state->kept_first[which] < count; state->kept_first[which]++) {
		interest = uring_interest(
				state, (int)state->kept_first[which] | (which ? URING_DIRECT : 0));
		if (interest && interest->kept)
			return interest;
	}
	return NULL;
}

int weft__uring_kept_event(struct uring_state *state, struct weft__poller_event *event)
{
	struct uring_interest *interest;

	if (!state->kept_count)
		return 0;
	interest = uring_kept_next(state, 0);
	if (!interest)
		interest = uring_kept_next(state, 1);
	event->token = interest->token;
	event->bits = interest->kept;
	uring_forget_kept(state, interest);
	return 1;
}

/* ---- adding and removing ---- */

/* Like epoll: -EPERM for what is always ready, which a ring would report again and again. */
static int uring_is_pollable(int fd)
{
	struct epoll_event event = { .events = 0 };
	struct stat status;
	int probe, err;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode) || !(status.st_mode & S_IFMT))
		return 0;
	probe = epoll_create1(EPOLL_CLOEXEC);
	if (probe < 0)
		return -errno;
	err = epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
	weft__fd_close(probe);
	return err;
}

int weft__uring_add(struct weft__poller *poller, int fd, void *token)
{
	struct uring_state *state = poller->state;
	int err = fd & URING_DIRECT ? 0 : uring_is_pollable(fd);

	if (err)
		return err;
	weft__lock_acquire(&state->lock);
	err = uring_reserve(state, fd);
	if (!err && uring_interest(state, fd)->state != URING_NONE)
		err = -EEXIST;
	if (err) {
		weft__lock_release(&state->lock);
		return err;
	}
	uring_interest(state, fd)->token = token;
	uring_become(state, fd, URING_WANTED);
	weft__uring_unlock(state);
	return 0;
}

/* A cancel that succeeded at once has put the poll's last completion among the newest. Takes it out of
 * the queue, if it is there. */
static bool uring_took_last(struct uring_state *state, uint64_t data)
{
	const struct io_uring_cq *cq = &state->ring.cq;
	unsigned tail = atomic_load_acquire(cq->ktail); /* pairs with the kernel's */
	unsigned count = tail - *cq->khead;

	for (unsigned i = 1; i <= count && i <= URING_LOOK_BACK; i++) {
		struct io_uring_cqe *completion =
				&cq->cqes[(tail - i) & (state->params.cq_entries - 1)];

		if (completion->user_data == data && !(completion->flags & IORING_CQE_F_MORE)) {
			completion->user_data = URING_IGNORED;
			return true;
		}
	}
	return false;
}

/* Called with the lock held, releases it. */
static int uring_remove_armed(struct uring_state *state, int fd)
{
	struct uring_interest *interest = uring_interest(state, fd);
	uint16_t generation = interest->generation;
	uint64_t data = uring_interest_data(fd, generation);
	int handed_over, more = 1;

	uring_become(state, fd, URING_UNWANTED);
	do {
		unsigned submit;

		weft__uring_fill_interests(state, true);
		submit = uring_unsubmitted(state);
		weft__lock_release(&state->lock);
		handed_over = weft__uring_enter(state, submit, 0, 0);
		weft__lock_acquire(&state->lock);
	} while (handed_over > 0 && interest->generation == generation &&
			interest->state == URING_UNWANTED);
	/* If another generation is there, somebody else has harvested the end. */
	if (interest->generation == generation && uring_took_last(state, data)) {
		uring_forget_kept(state, interest);
		uring_become(state, fd, URING_NONE);
		more = 0;
	}
	weft__uring_unlock(state);
	return more;
}

int weft__uring_remove(struct weft__poller *poller, int fd, void *token)
{
	struct uring_state *state = poller->state;
	struct uring_interest *interest;

	weft__lock_acquire(&state->lock);
	interest = uring_interest(state, fd);
	WEFT_ASSERT(interest && interest->token == token);
	if (interest->state == URING_ARMED)
		return uring_remove_armed(state, fd);
	uring_forget_kept(state, interest);
	uring_become(state, fd, URING_NONE);
	weft__lock_release(&state->lock);
	return 0;
}
#endif /* WEFT_HAVE_URING */
