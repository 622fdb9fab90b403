/* SPDX-License-Identifier: MIT */
/* The contract of io/poller.h, on every poller that is to be had. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "io/sim.h"
#include "pollers.h"

enum { MILLISECOND = 1000000, SECOND = 1000000000 };

static bool is_sim(const struct weft__poller *poller)
{
	return poller->ops == &weft__poller_sim;
}

static int event_create(void)
{
	int fd = weft__event_create();

	CHECK(fd >= 0);
	return fd;
}

/* ---- choosing ---- */

TEST(poller_init_of_an_unknown_name_is_einval)
{
	struct weft__poller poller = { .seed = 0 };

	CHECK_EQ(weft__poller_init(&poller, "select"), -EINVAL);
}

TEST(poller_init_obeys_the_environment_unless_told_otherwise)
{
	struct weft__poller poller = { .seed = 0 };

	setenv("WEFT_POLLER", "sim", 1);
	CHECK_EQ(weft__poller_init(&poller, NULL), 0);
	CHECK(is_sim(&poller));
	poller.ops->finish(&poller);
	CHECK_EQ(weft__poller_init(&poller, "epoll"), 0);
	CHECK(poller.ops == &weft__poller_epoll);
	poller.ops->finish(&poller);
	unsetenv("WEFT_POLLER");
	CHECK_EQ(weft__poller_init(&poller, NULL), 0);
	CHECK(!is_sim(&poller));
	poller.ops->finish(&poller);
}

SOCKET_TEST(poller_finish_twice_is_harmless)
{
	poller->ops->finish(poller);
}

/* ---- waiting and waking ---- */

SOCKET_TEST(poller_wait_for_nothing_returns_at_once)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(watch_pump(poller, 0), 0);
}

KERNEL_TEST(poller_wait_is_not_early)
{
	/* Closing a ring, in an earlier test, interrupts the threads that used it, in the kernel's own
	 * time: up to four waits may be early for that, one for each. */
	int early = 0;

	for (int i = 1; i <= 8; i++) {
		int64_t start = weft__clock_now();

		CHECK_EQ(watch_pump(poller, i * MILLISECOND), 0);
		early += weft__clock_now() - start < i * MILLISECOND;
	}
	CHECK(early <= 4);
}

TEST(poller_wait_is_not_early_sim)
{
	pollers_run("sim", poller_wait_is_not_early);
}

SOCKET_TEST(poller_wake_before_the_wait_is_not_lost)
{
	int64_t start = weft__clock_now();

	poller->ops->wake(poller);
	poller->ops->wake(poller);
	CHECK_EQ(watch_pump(poller, INT64_C(100) * SECOND), 0);
	CHECK(weft__clock_now() - start < INT64_C(50) * SECOND);
}

KERNEL_TEST(poller_wake_comes_again_and_again)
{
	for (int i = 0; i < 5000; i++)
		poller->ops->wake(poller);
	CHECK_EQ(watch_pump(poller, -1), 0);
	for (int i = 0; i < 100; i++) {
		poller->ops->wake(poller);
		CHECK_EQ(watch_pump(poller, -1), 0);
	}
}

static void *wake_once(void *arg)
{
	struct weft__poller *poller = arg;

	poller->ops->wake(poller);
	return NULL;
}

static void wakes_a_sleeper(struct weft__poller *poller)
{
	for (int i = 0; i < 20; i++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, wake_once, poller), 0);
		CHECK_EQ(watch_pump(poller, -1), 0);
		pthread_join(thread, NULL);
	}
}

KERNEL_TEST(poller_wake_from_another_thread_ends_a_wait)
{
	wakes_a_sleeper(poller);
}

TEST(poller_wake_from_another_thread_ends_a_wait_sim)
{
	pollers_run("sim", wakes_a_sleeper);
}

static struct weft__poller *signalled_poller;

static uint32_t signals;

static void wake_in_handler(int number)
{
	(void)number;
	atomic_fetch_add_relaxed(&signals, 1u);
	signalled_poller->ops->wake(signalled_poller);
}

KERNEL_TEST(poller_wake_in_a_signal_handler_ends_a_wait)
{
	struct sigaction action = { .sa_handler = wake_in_handler, .sa_flags = SA_RESTART }, before;
	struct itimerval soon = { { 0, 0 }, { 0, 2000 } };

	signalled_poller = poller;
	atomic_store_relaxed(&signals, 0u);
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	do
		CHECK_EQ(watch_pump(poller, -1), 0);
	while (!atomic_load_relaxed(&signals));
	sigaction(SIGALRM, &before, NULL);
}

/* ---- descriptors ---- */

KERNEL_TEST(poller_add_refuses_what_cannot_be_polled)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int device = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int mounts = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	struct watch watch;

	CHECK_EQ(poller->ops->add(poller, 100000, &watch), -EBADF);
	CHECK_EQ(poller->ops->add(poller, file, &watch), -EPERM);
	CHECK_EQ(poller->ops->add(poller, device, &watch), -EPERM);
	watch_add(poller, &watch, mounts);
	CHECK_EQ(poller->ops->add(poller, mounts, &watch), -EEXIST);
	watch_remove(poller, &watch);
	close(file);
	close(device);
	close(mounts);
}

KERNEL_TEST(poller_descriptors_are_closed_on_exec)
{
	int fd = poller->ops->fd(poller);

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

KERNEL_TEST(poller_fd_is_readable_when_there_is_an_event)
{
	struct pollfd pollfd = { .fd = poller->ops->fd(poller), .events = POLLIN };
	int event = event_create();
	struct watch watch;

	watch_settle(poller);
	CHECK_EQ(poll(&pollfd, 1, 0), 0);
	watch_add(poller, &watch, event); /* is writable */
	CHECK_EQ(poll(&pollfd, 1, 1000), 1);
	watch_expect(poller, &watch, POLLER_WRITE);
	CHECK_EQ(poll(&pollfd, 1, 0), 0);
	weft__event_signal(event);
	CHECK_EQ(poll(&pollfd, 1, 1000), 1);
	watch_expect(poller, &watch, POLLER_READ);
	poller->ops->wake(poller);
	CHECK_EQ(poll(&pollfd, 1, 1000), 1);
	watch_remove(poller, &watch);
	close(event);
}

KERNEL_TEST(poller_reports_each_edge_of_an_eventfd)
{
	int event = event_create();
	struct watch watch;

	watch_add(poller, &watch, event);
	watch_expect(poller, &watch, POLLER_WRITE);
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(watch_pump(poller, 0), 0);
		weft__event_signal(event);
		watch_expect(poller, &watch, POLLER_READ);
		if (i % 2) /* unread bytes are no reason to say nothing */
			weft__event_drain(event);
		watch_settle(poller);
	}
	watch_remove(poller, &watch);
	close(event);
}

/* Thousands of edges while nobody waits: a ring's completion queue overflows, and polls end. */
KERNEL_TEST(poller_survives_more_edges_than_it_has_room_for)
{
	enum { COUNT = 30 };
	struct watch watches[COUNT];

	for (int i = 0; i < COUNT; i++)
		watch_add(poller, &watches[i], event_create());
	watch_settle(poller);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 6000; i++)
			weft__event_signal(watches[i % COUNT].fd);
		if (round == 1) /* looks are enough, nobody needs to sleep */
			watch_settle(poller);
		for (int i = 0; i < COUNT; i++)
			watch_expect(poller, &watches[i], POLLER_READ);
		watch_settle(poller);
		for (int i = 0; i < COUNT; i++) {
			weft__event_drain(watches[i].fd);
			watches[i].bits = 0;
		}
		for (int i = 0; i < COUNT; i++) {
			weft__event_signal(watches[i].fd);
			if (round == 1)
				watch_settle(poller);
			CHECK(round != 1 || watches[i].bits & POLLER_READ);
			watch_expect(poller, &watches[i], POLLER_READ);
		}
	}
	for (int i = 0; i < COUNT; i++) {
		watch_remove(poller, &watches[i]);
		close(watches[i].fd);
	}
}

/* The same while bytes are sent and received: calls that a ring makes find their results behind thousands of
 * events, which are set aside and come all the same. */
DIRECT_TEST(poller_keeps_events_during_calls)
KERNEL_TEST(poller_keeps_events_during_calls)
{
	enum { COUNT = 30 };
	struct watch watches[COUNT], removed;
	char byte;
	int ends[2];

	socket_pair(poller, ends);
	for (int i = 0; i < COUNT; i++)
		watch_add(poller, &watches[i], event_create());
	watch_add(poller, &removed, event_create());
	watch_settle(poller);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++)
			watches[i].bits = 0;
		for (int i = 0; i < 6000; i++)
			weft__event_signal(watches[i % COUNT].fd);
		poller->ops->wake(poller);
		weft__event_signal(removed.fd);
		for (int i = 0; i < 10; i++) {
			socket_send(poller, ends[0], i % 2 ? "x" : "y");
			CHECK_EQ(poller->ops->sockets->receive(poller, ends[1], &byte, 1), 1);
			CHECK_EQ(byte, i % 2 ? 'x' : 'y');
		}
		if (round == 1)
			watch_remove(poller, &removed);
		for (int i = 0; i < COUNT; i++)
			watch_expect(poller, &watches[i], POLLER_READ);
		watch_settle(poller);
	}
	for (int i = 0; i < COUNT; i++) {
		watch_remove(poller, &watches[i]);
		close(watches[i].fd);
	}
	close(removed.fd);
	socket_close(poller, ends[0]);
	socket_close(poller, ends[1]);
}

/* Events that a call has set aside, since its own did not fit any more, are none that a loop around the
 * poller would see by itself. */
DIRECT_TEST(poller_descriptor_tells_of_events_during_calls)
KERNEL_TEST(poller_descriptor_tells_of_events_during_calls)
{
	enum { FULL = 4096 };
	struct pollfd loop = { .fd = poller->ops->fd(poller), .events = POLLIN };
	struct watch watch;
	int ends[2];

	CHECK(loop.fd >= 0);
	socket_pair(poller, ends);
	watch_add(poller, &watch, event_create());
	for (int count = FULL - 1; count <= FULL + 1; count++) {
		watch_settle(poller);
		watch.bits = 0;
		for (int i = 0; i < count; i++)
			weft__event_signal(watch.fd);
		socket_send(poller, ends[0], "x");
		while (!(watch.bits & POLLER_READ)) {
			CHECK_EQ(poll(&loop, 1, 0), 1);
			watch_pump(poller, 0);
		}
	}
	watch_remove(poller, &watch);
	close(watch.fd);
	socket_close(poller, ends[0]);
	socket_close(poller, ends[1]);
}

KERNEL_TEST(poller_takes_many_descriptors_in_small_batches)
{
	enum { COUNT = 700 };
	static struct watch watches[COUNT];
	int count = 0;

	for (int i = 0; i < COUNT; i++)
		watch_add(poller, &watches[i], event_create());
	while (count < COUNT)
		count += watch_pump_some(poller, SECOND, 7);
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(watches[i].bits, POLLER_WRITE);
	for (int i = 0; i < COUNT; i++)
		weft__event_signal(watches[i].fd);
	for (int i = 0; i < COUNT; i++)
		watch_expect(poller, &watches[i], POLLER_READ);
	for (int i = 0; i < COUNT; i++) {
		watch_remove(poller, &watches[i]);
		close(watches[i].fd);
	}
	watch_settle(poller);
}

KERNEL_TEST(poller_remove_before_the_first_wait)
{
	int event = event_create();
	struct watch watch;

	for (int i = 0; i < 600; i++) {
		watch_add(poller, &watch, event);
		watch_remove(poller, &watch);
		if (poller->ops == &weft__poller_epoll) /* lets go when it is closed */
			close(event);
		if (poller->ops == &weft__poller_epoll)
			event = event_create();
	}
	watch_add(poller, &watch, event);
	watch_expect(poller, &watch, POLLER_WRITE);
	watch_remove(poller, &watch);
	close(event);
}

/* After remove and close, the number belongs to somebody else, who hears nothing of the past. */
KERNEL_TEST(poller_reuse_of_a_number_brings_no_old_events)
{
	struct watch old, young;
	int event = event_create();
	int other;

	for (int i = 0; i < 300; i++) {
		watch_add(poller, &old, event);
		if (i % 3)
			watch_expect(poller, &old, POLLER_WRITE);
		weft__event_signal(event); /* this event stays in the queue */
		watch_remove(poller, &old);
		old.removed = true; /* any later event fails the test */
		close(event);
		other = event_create();
		CHECK_EQ(other, event);
		watch_add(poller, &young, event);
		watch_expect(poller, &young, POLLER_WRITE);
		watch_settle(poller);
		CHECK_EQ(young.bits, 0);
		watch_remove(poller, &young);
		close(event);
		event = event_create();
	}
	close(event);
}

/* A ring's requests belong to the thread that handed them over, and end with it. */
static void *add_and_pump(void *arg)
{
	struct watch *watch = arg;
	struct weft__poller *poller = signalled_poller;

	watch_start(poller, watch);
	watch_settle(poller);
	return NULL;
}

KERNEL_TEST(poller_keeps_the_interests_of_a_thread_that_has_exited)
{
	enum { COUNT = 20 };
	struct watch watches[COUNT];

	signalled_poller = poller;
	for (int i = 0; i < COUNT; i++) {
		pthread_t thread;

		watches[i] = (struct watch){ .fd = event_create() };
		CHECK_EQ(pthread_create(&thread, NULL, add_and_pump, &watches[i]), 0);
		pthread_join(thread, NULL);
		watches[i].bits = 0;
	}
	for (int i = 0; i < COUNT; i++) {
		weft__event_signal(watches[i].fd);
		watch_expect(poller, &watches[i], POLLER_READ);
	}
	for (int i = 0; i < COUNT; i++) {
		watch_remove(poller, &watches[i]);
		close(watches[i].fd);
	}
}

static void *remove_elsewhere(void *arg)
{
	struct watch *watch = arg;

	CHECK(signalled_poller->ops->remove(signalled_poller, watch->fd, watch) >= 0);
	return NULL;
}

/* While the owner sleeps, another thread adds, removes, and the owner hears of it. */
static void *disturb_sleeper(void *arg)
{
	struct weft__poller *poller = signalled_poller;
	struct watch *watch = arg;

	watch_start(poller, watch);
	return NULL;
}

KERNEL_TEST(poller_owner_asleep_hears_of_what_others_add)
{
	signalled_poller = poller;
	for (int i = 0; i < 50; i++) {
		struct watch watch = { .fd = event_create() };
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, disturb_sleeper, &watch), 0);
		while (!(watch.bits & POLLER_WRITE))
			watch_pump(poller, -1);
		pthread_join(thread, NULL);
		CHECK_EQ(pthread_create(&thread, NULL, remove_elsewhere, &watch), 0);
		pthread_join(thread, NULL);
		watch_settle(poller);
		close(watch.fd);
	}
}

struct stuck {
	struct weft__poller *poller;
	struct watch watch;
	int cpu;
	uint32_t armed, over;
};

/* The nth CPU of those that we may use; -1: there is none. */
static int cpu_find(const cpu_set_t *usable, int nth)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, usable) && nth-- == 0)
			return cpu;
	return -1;
}

static void cpu_stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(0, sizeof set, &set);
}

/* A worker in a loop without system calls, whose poller others must drive. */
static void *be_stuck(void *arg)
{
	struct stuck *stuck = arg;

	if (stuck->cpu >= 0)
		cpu_stay_on(stuck->cpu);
	watch_start(stuck->poller, &stuck->watch);
	watch_settle(stuck->poller);
	atomic_store_release(&stuck->armed, 1u);
	while (!atomic_load_acquire(&stuck->over))
		atomic_pause();
	return NULL;
}

KERNEL_TEST(poller_of_a_stuck_thread_can_be_driven_by_another)
{
	struct stuck stuck = { .poller = poller, .watch.fd = event_create() };
	int pumps_min = INT_MAX;
	cpu_set_t before;
	pthread_t thread;

	sched_getaffinity(0, sizeof before, &before);
	stuck.cpu = cpu_find(&before, 1);
	CHECK_EQ(pthread_create(&thread, NULL, be_stuck, &stuck), 0);
	cpu_stay_on(cpu_find(&before, 0));
	while (!atomic_load_acquire(&stuck.armed))
		atomic_pause();
	for (int i = 0; i < 20; i++) {
		int pumps = 0;

		stuck.watch.bits = 0;
		weft__event_signal(stuck.watch.fd);
		while (!(stuck.watch.bits & POLLER_READ)) {
			watch_pump(poller, 0);
			pumps++;
		}
		pumps_min = pumps < pumps_min ? pumps : pumps_min;
	}
	atomic_store_release(&stuck.over, 1u);
	pthread_join(thread, NULL);
	sched_setaffinity(0, sizeof before, &before);
	/* while it runs, that is at once, not with the clock's next tick */
	CHECK(pumps_min <= 10 || stuck.cpu < 0);
	watch_remove(poller, &stuck.watch);
	close(stuck.watch.fd);
}

/* ---- sockets ---- */

SOCKET_TEST(poller_reports_what_was_ready_before_add)
{
	struct watch watch;
	char byte;
	int ends[2];

	socket_pair(poller, ends);
	socket_send(poller, ends[0], "x");
	while (poller->ops->sockets->receive(poller, ends[1], &byte, 1) == -EAGAIN)
		watch_pump(poller, 0);
	socket_send(poller, ends[0], "y");
	watch_settle(poller);
	watch_add(poller, &watch, ends[1]);
	watch_expect(poller, &watch, POLLER_READ | POLLER_WRITE);
	watch_settle(poller);
	CHECK_EQ(watch.bits & (POLLER_READ | POLLER_HANGUP), 0);
	watch_remove(poller, &watch);
	socket_close(poller, ends[0]);
	socket_close(poller, ends[1]);
}

SOCKET_TEST(poller_reports_every_arrival)
{
	struct watch watch;
	int ends[2];

	socket_pair(poller, ends);
	watch_add(poller, &watch, ends[1]);
	watch_expect(poller, &watch, POLLER_WRITE);
	watch_settle(poller);
	CHECK_EQ(watch.bits, 0);
	for (int i = 0; i < 20; i++) {
		char byte;

		socket_send(poller, ends[0], "x");
		watch_expect(poller, &watch, POLLER_READ);
		watch_settle(poller);
		CHECK_EQ(watch.bits, 0);
		CHECK_EQ(poller->ops->sockets->receive(poller, ends[1], &byte, 1), 1);
		CHECK_EQ(poller->ops->sockets->receive(poller, ends[1], &byte, 1), -EAGAIN);
	}
	watch_remove(poller, &watch);
	socket_close(poller, ends[0]);
	socket_close(poller, ends[1]);
}

SOCKET_TEST(poller_reports_room_after_a_full_buffer)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	static char buffer[65536];
	struct watch watch;
	ssize_t sent = 0, count;
	int ends[2];

	socket_pair(poller, ends);
	watch_add(poller, &watch, ends[0]);
	watch_expect(poller, &watch, POLLER_WRITE);
	for (int round = 0; round < 3; round++) {
		do {
			watch_settle(poller);
			for (count = 0; count >= 0; sent += count > 0 ? count : 0)
				count = sockets->send(poller, ends[0], buffer, sizeof buffer);
			CHECK_EQ(count, -EAGAIN);
			watch_settle(poller);
		} while (watch.bits & POLLER_WRITE && (watch.bits = 0, true));
		while (sent > 0) {
			count = sockets->receive(poller, ends[1], buffer, sizeof buffer);
			CHECK(count > 0 || count == -EAGAIN);
			sent -= count > 0 ? count : 0;
			watch_pump(poller, 0);
		}
		watch_expect(poller, &watch, POLLER_WRITE);
	}
	watch_remove(poller, &watch);
	socket_close(poller, ends[0]);
	socket_close(poller, ends[1]);
}

SOCKET_TEST(poller_reports_the_end_after_the_data)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct watch watch;
	char buffer[8];
	ssize_t count, received = 0;
	int ends[2];

	socket_pair(poller, ends);
	watch_add(poller, &watch, ends[1]);
	socket_send(poller, ends[0], "x");
	CHECK_EQ(sockets->shutdown(poller, ends[0], SHUT_WR), 0);
	CHECK_EQ(sockets->send(poller, ends[0], "y", 1), -EPIPE);
	watch_expect(poller, &watch, POLLER_READ | POLLER_HANGUP);
	while ((count = sockets->receive(poller, ends[1], buffer, sizeof buffer)) != 0)
		received += count > 0 ? count : 0;
	CHECK_EQ(received, 1);
	CHECK_EQ(sockets->receive(poller, ends[1], buffer, sizeof buffer), 0);
	socket_send(poller, ends[1], "z"); /* the other direction is open */
	do {
		watch_pump(poller, 0);
		count = sockets->receive(poller, ends[0], buffer, sizeof buffer);
	} while (count == -EAGAIN);
	CHECK_EQ(count, 1);
	watch_remove(poller, &watch);
	socket_close(poller, ends[0]);
	socket_close(poller, ends[1]);
}

SOCKET_TEST(poller_reports_a_reset)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct linger linger = { 1, 0 };
	struct watch watch;
	char buffer[8];
	int ends[2];

	for (int how = 0; how < 2; how++) {
		socket_pair(poller, ends);
		watch_add(poller, &watch, ends[1]);
		watch_expect(poller, &watch, POLLER_WRITE);
		if (how == 0) {
			CHECK_EQ(sockets->set_option(poller, ends[0], SOL_SOCKET, SO_LINGER,
						 &linger, sizeof linger),
					0);
		} else {
			socket_send(poller, ends[1], "x"); /* stays unread */
			watch_settle(poller);
		}
		socket_close(poller, ends[0]);
		watch_expect(poller, &watch, POLLER_READ | POLLER_WRITE | POLLER_HANGUP);
		watch_settle(poller);
		CHECK_EQ(sockets->receive(poller, ends[1], buffer, sizeof buffer), -ECONNRESET);
		CHECK_EQ(sockets->receive(poller, ends[1], buffer, sizeof buffer), 0);
		CHECK_EQ(sockets->send(poller, ends[1], "x", 1), -EPIPE);
		watch_remove(poller, &watch);
		socket_close(poller, ends[1]);
	}
}

SOCKET_TEST(poller_writing_to_a_closed_peer_ends_in_epipe)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct watch watch;
	ssize_t count = 0;
	char byte;
	int ends[2];

	socket_pair(poller, ends);
	watch_add(poller, &watch, ends[0]);
	socket_close(poller, ends[1]);
	watch_expect(poller, &watch, POLLER_READ | POLLER_HANGUP);
	CHECK_EQ(sockets->receive(poller, ends[0], &byte, 1), 0);
	socket_send(poller, ends[0], "x"); /* is answered by a reset */
	for (int i = 0; i < 1000 && count >= 0; i++) {
		watch_settle(poller);
		count = sockets->send(poller, ends[0], "x", 1);
	}
	CHECK_EQ(count, -EPIPE);
	CHECK_EQ(sockets->receive(poller, ends[0], &byte, 1), 0);
	watch_remove(poller, &watch);
	socket_close(poller, ends[0]);
}

SOCKET_TEST(poller_reports_how_a_connect_ends)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct sockaddr_in address, name;
	socklen_t length = sizeof name;
	int listener = socket_listen(poller, 4, &address);
	struct watch watch;
	int fd = socket_connect(poller, &address);

	watch_add(poller, &watch, fd);
	watch_expect(poller, &watch, POLLER_WRITE);
	CHECK_EQ(sockets->error(poller, fd), 0);
	CHECK_EQ(sockets->peer(poller, fd, (struct sockaddr *)&name, &length), 0);
	CHECK_EQ(name.sin_port, address.sin_port);
	watch_remove(poller, &watch);
	socket_close(poller, fd);
	socket_close(poller, listener);

	fd = sockets->open(poller, AF_INET);
	if (sockets->connect(poller, fd, (struct sockaddr *)&address, sizeof address) == 0)
		SKIP("somebody else listens there now");
	watch_add(poller, &watch, fd);
	watch_expect(poller, &watch, POLLER_WRITE | POLLER_HANGUP);
	if (is_sim(poller))
		CHECK_EQ(sockets->error(poller, fd), -ECONNREFUSED);
	watch_remove(poller, &watch);
	socket_close(poller, fd);
}

SOCKET_TEST(poller_reports_connections_to_accept)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct sockaddr_in address, peer, local;
	int listener = socket_listen(poller, 8, &address);
	int clients[5], servers[5];
	struct watch watch;

	CHECK_EQ(sockets->accept(poller, listener, NULL, NULL), -EAGAIN);
	watch_add(poller, &watch, listener);
	for (int i = 0; i < 5; i++)
		clients[i] = socket_connect(poller, &address);
	for (int i = 0; i < 5; i++) {
		socklen_t length = sizeof peer;

		do { /* an edge for each, but several may come as one */
			servers[i] = sockets->accept(
					poller, listener, (struct sockaddr *)&peer, &length);
			if (servers[i] == -EAGAIN)
				watch_expect(poller, &watch, POLLER_READ);
		} while (servers[i] == -EAGAIN);
		CHECK(servers[i] >= 0);
		length = sizeof local;
		CHECK_EQ(sockets->local(poller, servers[i], (struct sockaddr *)&local, &length), 0);
		CHECK_EQ(local.sin_port, address.sin_port);
		CHECK(peer.sin_port != local.sin_port);
	}
	CHECK_EQ(sockets->accept(poller, listener, NULL, NULL), -EAGAIN);
	watch_remove(poller, &watch);
	for (int i = 0; i < 5; i++) {
		socket_close(poller, clients[i]);
		socket_close(poller, servers[i]);
	}
	socket_close(poller, listener);
}

SOCKET_TEST(poller_remove_is_the_end_of_events)
{
	struct watch watch;
	int ends[2];

	for (int i = 0; i < 100; i++) {
		socket_pair(poller, ends);
		watch_add(poller, &watch, ends[1]);
		if (i % 2)
			watch_settle(poller);
		socket_send(poller, ends[0], "x"); /* its event is under way */
		if (i % 3 == 0)
			watch_pump(poller, 0);
		watch_remove(poller, &watch);
		watch.removed = true; /* any later event fails the test */
		socket_close(poller, ends[1]);
		socket_close(poller, ends[0]);
		watch_settle(poller);
	}
}

/* A close is seen by the peer although the poller watched the descriptor. */
SOCKET_TEST(poller_close_reaches_the_peer)
{
	struct watch watch, peer;
	char byte;
	int ends[2];

	socket_pair(poller, ends);
	watch_add(poller, &watch, ends[0]);
	watch_add(poller, &peer, ends[1]);
	watch_settle(poller);
	watch_remove(poller, &watch);
	socket_close(poller, ends[0]);
	watch_expect(poller, &peer, POLLER_READ | POLLER_HANGUP);
	CHECK_EQ(poller->ops->sockets->receive(poller, ends[1], &byte, 1), 0);
	watch_remove(poller, &peer);
	socket_close(poller, ends[1]);
}

/* ---- a program that acts only on events ---- */

enum { PAIRS = 12, PAIR_BYTES = 3000 };

struct side {
	struct watch watch;
	unsigned ready;
	size_t sent, received;
	bool over;
};

static unsigned char side_byte(int side, size_t position)
{
	return (unsigned char)(position * 31 + position / 251 + (unsigned)side);
}

static void side_write(struct weft__poller *poller, struct side *side, int index)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;

	while (side->ready & POLLER_WRITE && side->sent < PAIR_BYTES) {
		unsigned char bytes[100];
		size_t size = PAIR_BYTES - side->sent;
		struct iovec iov[2] = { { bytes, 30 }, { bytes + 30, 70 } };
		ssize_t count;

		size = size < sizeof bytes ? size : sizeof bytes;
		for (size_t i = 0; i < size; i++)
			bytes[i] = side_byte(index, side->sent + i);
		if (size == sizeof bytes)
			count = sockets->sendv(poller, side->watch.fd, iov, 2);
		else
			count = sockets->send(poller, side->watch.fd, bytes, size);
		CHECK(count > 0 || count == -EAGAIN);
		if (count < (ssize_t)size)
			side->ready &= ~(unsigned)POLLER_WRITE;
		side->sent += count > 0 ? (size_t)count : 0;
		if (side->sent == PAIR_BYTES)
			CHECK_EQ(sockets->shutdown(poller, side->watch.fd, SHUT_WR), 0);
	}
}

static void side_read(struct weft__poller *poller, struct side *side, int index)
{
	while (side->ready & POLLER_READ && !side->over) {
		unsigned char bytes[64];
		struct iovec iov[2] = { { bytes, 1 }, { bytes + 1, 63 } };
		ssize_t count = poller->ops->sockets->receivev(poller, side->watch.fd, iov, 2);

		CHECK(count >= 0 || count == -EAGAIN);
		for (ssize_t i = 0; i < count; i++)
			CHECK_EQ(bytes[i], side_byte(!index, side->received + (size_t)i));
		side->received += count > 0 ? (size_t)count : 0;
		if (count == 0)
			side->over = true;
		else if (count < (ssize_t)sizeof bytes && !(side->ready & POLLER_HANGUP))
			side->ready &= ~(unsigned)POLLER_READ; /* drained */
		else if (count == -EAGAIN)
			side->ready &= ~(unsigned)POLLER_READ;
	}
}

/* If an edge were lost, somebody would wait for ever. */
SOCKET_TEST(poller_loses_no_edge)
{
	static struct side sides[PAIRS][2];
	int open = 2 * PAIRS;

	for (int i = 0; i < PAIRS; i++) {
		int ends[2];

		socket_pair(poller, ends);
		for (int k = 0; k < 2; k++) {
			sides[i][k] = (struct side){ .ready = 0 };
			watch_add(poller, &sides[i][k].watch, ends[k]);
		}
	}
	while (open > 0) {
		int count = watch_pump_some(poller, is_sim(poller) ? 0 : INT64_C(10) * SECOND, 5);

		CHECK(count > 0);
		for (int i = 0; i < 2 * PAIRS; i++) {
			struct side *side = &sides[i / 2][i % 2];
			bool before = side->over && side->sent == PAIR_BYTES;

			side->ready |= side->watch.bits;
			side->watch.bits = 0;
			side_read(poller, side, i % 2);
			side_write(poller, side, i % 2);
			if (!before && side->over && side->sent == PAIR_BYTES)
				open--;
		}
	}
	for (int i = 0; i < 2 * PAIRS; i++) {
		struct side *side = &sides[i / 2][i % 2];

		CHECK_EQ(side->received, PAIR_BYTES);
		watch_settle(poller);
		watch_remove(poller, &side->watch);
		socket_close(poller, side->watch.fd);
	}
}

/* ---- operations ---- */

struct job {
	struct weft__operation operation; /* first: an event's token */
	char buffer[64];
	unsigned completions;
};

static int job_pump(struct weft__poller *poller, int64_t timeout_ns)
{
	struct weft__poller_event events[8];
	int count = poller->ops->wait(poller, timeout_ns, events, 8);

	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		struct job *job = events[i].token;

		CHECK_EQ(events[i].bits, POLLER_COMPLETE);
		CHECK_EQ(job->completions, 0);
		job->completions++;
	}
	return count;
}

static void job_start(struct weft__poller *poller, struct job *job, int opcode, int fd)
{
	job->operation = (struct weft__operation){ .opcode = opcode,
		.fd = fd,
		.buffer = job->buffer,
		.size = sizeof job->buffer,
		.offset = -1 };
	job->completions = 0;
	CHECK_EQ(poller->ops->submit(poller, &job->operation), 0);
}

static int64_t job_end(struct weft__poller *poller, struct job *job)
{
	int64_t deadline = weft__clock_now() + INT64_C(10) * SECOND;

	while (!job->completions && weft__clock_now() < deadline)
		job_pump(poller, 100 * MILLISECOND);
	CHECK_EQ(job->completions, 1);
	return job->operation.result;
}

static void pipe_create(int ends[2])
{
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
}

static void pipe_close(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

TEST(operations_are_a_ring_s_only)
{
	CHECK(!weft__poller_epoll.submit);
	CHECK(!weft__poller_sim.submit);
}

static void operations_move_bytes(struct weft__poller *poller)
{
	FILE *file = tmpfile();
	int fd = file ? fileno(file) : -1;
	struct job job = { .completions = 0 };

	CHECK(fd >= 0);
	memset(job.buffer, 'w', sizeof job.buffer);
	job_start(poller, &job, OPERATION_WRITE, fd);
	CHECK_EQ(job_end(poller, &job), sizeof job.buffer);
	job_start(poller, &job, OPERATION_FSYNC, fd);
	CHECK_EQ(job_end(poller, &job), 0);
	job_start(poller, &job, OPERATION_READ, fd); /* at the file's own position: the end */
	CHECK_EQ(job_end(poller, &job), 0);
	memset(job.buffer, 0, sizeof job.buffer);
	job.operation = (struct weft__operation){ .opcode = OPERATION_READ,
		.fd = fd,
		.buffer = job.buffer,
		.size = sizeof job.buffer,
		.offset = 60 };
	job.completions = 0;
	CHECK_EQ(poller->ops->submit(poller, &job.operation), 0);
	CHECK_EQ(job_end(poller, &job), 4);
	CHECK(memcmp(job.buffer, "wwww", 5) == 0);
	fclose(file);
	job_start(poller, &job, OPERATION_READ, 100000);
	CHECK_EQ(job_end(poller, &job), -EBADF);
}

TEST(operations_move_bytes_uring)
{
	pollers_run("uring", operations_move_bytes);
}

static void operation_cancelled_ends_once(struct weft__poller *poller)
{
	struct job job = { .completions = 0 };
	int ends[2];

	for (int i = 0; i < 30; i++) {
		pipe_create(ends);
		memset(job.buffer, 'x', sizeof job.buffer);
		job_start(poller, &job, OPERATION_READ, ends[0]);
		if (i % 3) /* else it has not even been handed over */
			CHECK_EQ(job_pump(poller, 0), 0);
		CHECK_EQ(poller->ops->cancel(poller, &job.operation), 0);
		if (i % 2)
			CHECK_EQ(poller->ops->cancel(poller, &job.operation), 0);
		CHECK_EQ(job_end(poller, &job), -ECANCELED);
		CHECK_EQ(write(ends[1], "late", 4), 4);
		job_pump(poller, 0);
		CHECK_EQ(job.completions, 1);
		CHECK_EQ(job.buffer[0], 'x'); /* nobody writes there any more */
		CHECK_EQ(read(ends[0], job.buffer, 4), 4);
		pipe_close(ends);
	}
}

TEST(operation_cancelled_ends_once_uring)
{
	pollers_run("uring", operation_cancelled_ends_once);
}

static void operation_cancelled_too_late_ends_well(struct weft__poller *poller)
{
	struct job job = { .completions = 0 };
	int ends[2];

	pipe_create(ends);
	job_start(poller, &job, OPERATION_READ, ends[0]);
	job_pump(poller, 0);
	CHECK_EQ(write(ends[1], "data", 4), 4);
	CHECK_EQ(poller->ops->cancel(poller, &job.operation), 0);
	CHECK_EQ(job_end(poller, &job), 4);
	job_pump(poller, 0);
	CHECK_EQ(job.completions, 1);
	pipe_close(ends);
}

TEST(operation_cancelled_too_late_ends_well_uring)
{
	pollers_run("uring", operation_cancelled_too_late_ends_well);
}

static void operations_may_be_many(struct weft__poller *poller)
{
	enum { COUNT = 600 };
	static struct job jobs[COUNT];
	int ends[2];

	pipe_create(ends);
	for (int i = 0; i < COUNT; i++)
		job_start(poller, &jobs[i], OPERATION_READ, ends[0]);
	for (int i = 0; i < COUNT; i += 2)
		CHECK_EQ(poller->ops->cancel(poller, &jobs[i].operation), 0);
	for (int i = 0; i < COUNT; i += 2)
		CHECK_EQ(job_end(poller, &jobs[i]), -ECANCELED);
	close(ends[1]);
	for (int i = 1; i < COUNT; i += 2)
		CHECK_EQ(job_end(poller, &jobs[i]), 0);
	close(ends[0]);
}

TEST(operations_may_be_many_uring)
{
	pollers_run("uring", operations_may_be_many);
}

static void *submit_and_exit(void *arg)
{
	job_start(signalled_poller, arg, OPERATION_READ, ((struct job *)arg)->operation.fd);
	job_pump(signalled_poller, 0);
	return NULL;
}

/* The kernel cancels what a thread has started when it exits; nobody asked for that. */
static void operation_outlives_its_thread(struct weft__poller *poller)
{
	struct job job = { .completions = 0 };
	pthread_t thread;
	int ends[2];

	signalled_poller = poller;
	pipe_create(ends);
	job.operation.fd = ends[0];
	CHECK_EQ(pthread_create(&thread, NULL, submit_and_exit, &job), 0);
	pthread_join(thread, NULL);
	job_pump(poller, 0);
	CHECK_EQ(write(ends[1], "data", 4), 4);
	CHECK_EQ(job_end(poller, &job), 4);
	CHECK(memcmp(job.buffer, "data", 4) == 0);
	pipe_close(ends);
}

TEST(operation_outlives_its_thread_uring)
{
	pollers_run("uring", operation_outlives_its_thread);
}

static void *submit_only(void *arg)
{
	job_start(signalled_poller, arg, OPERATION_FSYNC, ((struct job *)arg)->operation.fd);
	return NULL;
}

static void operation_of_another_thread_wakes_the_owner(struct weft__poller *poller)
{
	struct job job = { .completions = 0 };
	pthread_t thread;

	signalled_poller = poller;
	job.operation.fd = 100000;
	CHECK_EQ(pthread_create(&thread, NULL, submit_only, &job), 0);
	while (!job.completions)
		job_pump(poller, -1);
	pthread_join(thread, NULL);
	CHECK_EQ(job.operation.result, -EBADF);
}

TEST(operation_of_another_thread_wakes_the_owner_uring)
{
	pollers_run("uring", operation_of_another_thread_wakes_the_owner);
}

/* ---- the simulated network ---- */

/* What a run of a few connections looks like from outside. */
static uint64_t sim_trace(uint64_t seed)
{
	struct weft__poller poller = { .seed = seed };
	struct watch watches[6];
	uint64_t trace = 1;

	CHECK_EQ(weft__poller_init(&poller, "sim"), 0);
	for (int i = 0; i < 3; i++) {
		int ends[2];

		socket_pair(&poller, ends);
		watch_add(&poller, &watches[2 * i], ends[0]);
		watch_add(&poller, &watches[2 * i + 1], ends[1]);
	}
	for (int round = 0; round < 60; round++) {
		struct weft__poller_event events[4];
		int count = poller.ops->wait(&poller, 0, events, 4);

		for (int i = 0; i < count; i++) {
			struct watch *watch = events[i].token;
			char bytes[40] = { 0 };
			const struct weft__socket_ops *sockets = poller.ops->sockets;

			trace = trace * 31 + (uint64_t)(watch - watches) * 16 + events[i].bits;
			trace = trace * 31 + (uint64_t)sockets->send(&poller, watch->fd, bytes, 9);
			trace = trace * 31 +
					(uint64_t)sockets->receive(
							&poller, watch->fd, bytes, sizeof bytes);
		}
	}
	poller.ops->finish(&poller);
	return trace;
}

TEST(sim_does_the_same_with_the_same_seed)
{
	unsigned same = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		CHECK_EQ(sim_trace(seed), sim_trace(seed));
		same += sim_trace(seed) == sim_trace(seed + 1);
	}
	CHECK(same < 3);
}

TEST(sim_seed_comes_from_the_environment_and_is_told)
{
	struct weft__poller poller = { .seed = 0 };
	char *given = getenv("WEFT_SEED");

	if (given)
		SKIP("WEFT_SEED is in use");
	setenv("WEFT_SEED", "77", 1);
	CHECK_EQ(weft__poller_init(&poller, "sim"), 0);
	unsetenv("WEFT_SEED");
	CHECK_EQ(poller.seed, 77);
	poller.ops->finish(&poller);
	poller.seed = 5;
	CHECK_EQ(weft__poller_init(&poller, "sim"), 0);
	CHECK_EQ(poller.seed, 5);
	poller.ops->finish(&poller);
	poller.seed = 0;
	CHECK_EQ(weft__poller_init(&poller, "sim"), 0);
	CHECK(poller.seed != 0);
	poller.ops->finish(&poller);
}

SIM_TEST(sim_wait_leaves_nothing_under_way)
{
	const struct sim_network *network = poller->state;
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	char buffer[4096];
	ssize_t sent = 0, received = 0, count;
	int ends[2];

	socket_pair(poller, ends); /* nobody watches them */
	for (int i = 0; i < 50; i++) {
		count = sockets->send(poller, ends[0], "abcdef", 1 + (size_t)i % 6);
		sent += count > 0 ? count : 0;
		do {
			CHECK_EQ(watch_pump(poller, 0), 0);
			CHECK_EQ(network->flying.count, 0);
			count = sockets->receive(poller, ends[1], buffer, sizeof buffer);
			received += count > 0 ? count : 0;
		} while (count > 0);
		CHECK_EQ(received, sent);
	}
}

SIM_TEST(sim_accept_fails_when_told_to)
{
	struct sockaddr_in address;
	int listener = socket_listen(poller, 8, &address);

	for (int i = 0; i < 4; i++)
		socket_connect(poller, &address);
	watch_settle(poller);
	weft__sim_fault(poller, SIM_FAULT_ACCEPT, 3);
	for (int i = 1; i <= 5; i++) {
		int fd = poller->ops->sockets->accept(poller, listener, NULL, NULL);

		CHECK(i == 3 ? fd == -EMFILE : fd >= SIM_FD_FIRST);
	}
}

SIM_TEST(sim_connection_is_reset_when_told_to)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	char buffer[64];
	int ends[2];
	ssize_t count;

	socket_pair(poller, ends);
	weft__sim_fault(poller, SIM_FAULT_RESET, 1);
	socket_send(poller, ends[0], "x");
	watch_settle(poller);
	do
		count = sockets->receive(poller, ends[1], buffer, sizeof buffer);
	while (count > 0);
	CHECK_EQ(count, -ECONNRESET);
	CHECK_EQ(sockets->send(poller, ends[0], "x", 1), -ECONNRESET);
	CHECK_EQ(sockets->send(poller, ends[0], "x", 1), -EPIPE);
}

SIM_TEST(sim_backlog_keeps_others_waiting_outside)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct sockaddr_in address;
	int listener = socket_listen(poller, 2, &address);
	struct watch watches[5];
	unsigned connected = 0, refused = 0;

	for (int i = 0; i < 5; i++)
		watch_add(poller, &watches[i], socket_connect(poller, &address));
	watch_settle(poller);
	for (int i = 0; i < 5; i++)
		connected += (watches[i].bits & POLLER_WRITE) != 0;
	CHECK_EQ(connected, 2);
	CHECK(sockets->accept(poller, listener, NULL, NULL) >= 0);
	watch_settle(poller);
	for (int i = 0; i < 5; i++)
		connected += (watches[i].bits & POLLER_WRITE) != 0;
	CHECK_EQ(connected, 2 + 3);
	socket_close(poller, listener);
	watch_settle(poller);
	for (int i = 0; i < 5; i++)
		refused += sockets->error(poller, watches[i].fd) == -ECONNREFUSED;
	CHECK_EQ(refused, 2);
}

SIM_TEST(sim_numbers_are_reused_like_the_kernel_s)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	int first = sockets->open(poller, AF_INET), second = sockets->open(poller, AF_INET6);

	CHECK(first > 1 << 20);
	CHECK_EQ(second, first + 1);
	socket_close(poller, first);
	CHECK_EQ(sockets->send(poller, first, "x", 1), -EBADF);
	CHECK_EQ(sockets->open(poller, AF_UNIX), first);
	CHECK_EQ(poller->ops->add(poller, 0, NULL), -EPERM);
	CHECK_EQ(poller->ops->add(poller, first + 100, NULL), -EBADF);
}

SIM_TEST(sim_listener_of_both_families_maps_addresses)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 }, name;
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = sockets->open(poller, AF_INET6), client, server;
	socklen_t length = sizeof name;

	CHECK_EQ(sockets->bind(poller, listener, (struct sockaddr *)&any, sizeof any), 0);
	CHECK_EQ(sockets->listen(poller, listener, 4), 0);
	CHECK_EQ(sockets->local(poller, listener, (struct sockaddr *)&name, &length), 0);
	address.sin_port = name.sin6_port;
	client = sockets->open(poller, AF_INET);
	CHECK_EQ(sockets->bind(poller, client, (struct sockaddr *)&address, sizeof address),
			-EADDRINUSE);
	CHECK_EQ(sockets->connect(poller, client, (struct sockaddr *)&address, sizeof address),
			-EINPROGRESS);
	server = socket_accept(poller, listener);
	length = sizeof name;
	CHECK_EQ(sockets->peer(poller, server, (struct sockaddr *)&name, &length), 0);
	CHECK_EQ(name.sin6_family, AF_INET6);
	CHECK(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr));
	CHECK_EQ(name.sin6_addr.s6_addr[12], 127);
}

SIM_TEST(sim_addresses_are_not_shared)
{
	const struct weft__socket_ops *sockets = poller->ops->sockets;
	struct sockaddr_in address;
	int listener = socket_listen(poller, 2, &address);
	int other = sockets->open(poller, AF_INET);

	CHECK_EQ(sockets->bind(poller, other, (struct sockaddr *)&address, sizeof address),
			-EADDRINUSE);
	socket_close(poller, listener);
	CHECK_EQ(sockets->bind(poller, other, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_EQ(sockets->connect(poller, other, (struct sockaddr *)&address, 3), -EINVAL);
}
