/* SPDX-License-Identifier: MIT */
/* Signals as something to wait for: polled by hand with raise(), then as tasks under fire from a thread. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <weft/signal.h>

#include "peer.h"
#include "rig.h"
#include "stage.h"
#include "test.h"

static const int user[] = { SIGUSR1, SIGUSR2 };

static struct weft_signals signals_open(const int *signos, int count)
{
	struct weft_signals signals;

	CHECK_EQ(weft_signals_open(&signals, signos, count), 0);
	return signals;
}

/* What a wait gives, which must not have to wait: the signal, or a negative errno. */
static int wait_now(struct stage *stage, struct weft_signals signals)
{
	struct weft_signals_wait__frame wait;
	int signo = 0;

	weft_signals_wait__init(&wait.args, signals, &signo);
	CHECK_EQ(stage_poll(stage, &weft_signals_wait__async, &wait), WEFT_READY);
	return wait.args.result < 0 ? wait.args.result : signo;
}

/* Nothing is pending. */
static void check_quiet(struct stage *stage, struct weft_signals signals)
{
	struct weft_signals_wait__frame wait;
	int signo;

	weft_signals_wait__init(&wait.args, signals, &signo);
	CHECK_EQ(stage_poll(stage, &weft_signals_wait__async, &wait), WEFT_PENDING);
	CHECK_EQ(stage_cancel(stage, &weft_signals_wait__async, &wait), WEFT_READY);
	CHECK_EQ(wait.args.result, -ECANCELED);
}

TEST(signal_before_the_wait_is_kept)
{
	struct weft_signals signals;
	struct stage stage;

	stage_init(&stage);
	signals = signals_open(user, 2);
	check_quiet(&stage, signals);
	raise(SIGUSR1);
	weft__reactor_poll(&stage.reactor, 0);
	CHECK_EQ(wait_now(&stage, signals), SIGUSR1);
	check_quiet(&stage, signals);
	CHECK_EQ(weft_signals_close(signals), 0);
	stage_finish(&stage);
}

TEST(signal_wakes_who_waits)
{
	struct weft_signals_wait__frame wait;
	struct weft_signals signals;
	struct stage stage;
	int signo = 0;

	stage_init(&stage);
	signals = signals_open(user, 2);
	for (int i = 0; i < 3; i++) {
		unsigned wakes = probe_wakes(&stage.probe);

		weft_signals_wait__init(&wait.args, signals, &signo);
		CHECK_EQ(stage_poll(&stage, &weft_signals_wait__async, &wait), WEFT_PENDING);
		raise(user[i % 2]);
		stage_wait(&stage, wakes);
		stage_await(&stage, &weft_signals_wait__async, &wait);
		CHECK_EQ(wait.args.result, 0);
		CHECK_EQ(signo, user[i % 2]);
	}
	CHECK_EQ(weft_signals_close(signals), 0);
	stage_finish(&stage);
}

TEST(signals_of_one_kind_count_as_one)
{
	struct weft_signals signals;
	struct stage stage;

	stage_init(&stage);
	signals = signals_open(user, 2);
	check_quiet(&stage, signals);
	for (int i = 0; i < 3; i++)
		raise(SIGUSR2);
	raise(SIGUSR1);
	while (!weft__reactor_poll(&stage.reactor, -1))
		continue;
	CHECK_EQ(wait_now(&stage, signals), SIGUSR1);
	CHECK_EQ(wait_now(&stage, signals), SIGUSR2);
	check_quiet(&stage, signals);
	CHECK_EQ(weft_signals_close(signals), 0);
	stage_finish(&stage);
}

TEST(signals_come_in_the_order_of_their_numbers)
{
	int signos[] = { SIGHUP, SIGRTMIN + 9, SIGUSR1, SIGRTMIN, SIGURG };
	struct weft_signals signals;
	struct stage stage;

	stage_init(&stage);
	signals = signals_open(signos, 5);
	for (int i = 4; i >= 0; i--)
		raise(signos[i]);
	CHECK_EQ(wait_now(&stage, signals), SIGHUP);
	CHECK_EQ(wait_now(&stage, signals), SIGUSR1);
	CHECK_EQ(wait_now(&stage, signals), SIGURG);
	CHECK_EQ(wait_now(&stage, signals), SIGRTMIN);
	CHECK_EQ(wait_now(&stage, signals), SIGRTMIN + 9);
	check_quiet(&stage, signals);
	CHECK_EQ(weft_signals_close(signals), 0);
	stage_finish(&stage);
}

TEST(signals_go_up_to_the_last)
{
	const int last[] = { SIGRTMAX };
	struct weft_signals signals;
	struct stage stage;
	int err;

	stage_init(&stage);
	err = weft_signals_open(&signals, last, 1);
	if (err == -EINVAL) {
		stage_finish(&stage);
		SKIP("valgrind keeps it for itself");
	}
	CHECK_EQ(err, 0);
	raise(SIGRTMAX);
	CHECK_EQ(wait_now(&stage, signals), SIGRTMAX);
	CHECK_EQ(weft_signals_close(signals), 0);
	stage_finish(&stage);
}

TEST(signal_reaches_every_set_that_wants_it)
{
	static const int other[] = { SIGHUP };
	struct weft_signals_wait__frame waits[2];
	struct weft_signals sets[3];
	int signos[2] = { 0, 0 };
	struct stage stage;

	stage_init(&stage);
	sets[0] = signals_open(user, 2);
	sets[1] = signals_open(user, 1);
	sets[2] = signals_open(other, 1);
	for (int i = 0; i < 2; i++) {
		weft_signals_wait__init(&waits[i].args, sets[i], &signos[i]);
		CHECK_EQ(stage_poll(&stage, &weft_signals_wait__async, &waits[i]), WEFT_PENDING);
	}
	raise(SIGUSR1);
	stage_wait(&stage, 0);
	stage_wait(&stage, 1);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(stage_poll(&stage, &weft_signals_wait__async, &waits[i]), WEFT_READY);
		CHECK_EQ(waits[i].args.result, 0);
		CHECK_EQ(signos[i], SIGUSR1);
		check_quiet(&stage, sets[i]);
	}
	check_quiet(&stage, sets[2]);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(weft_signals_close(sets[i]), 0);
	stage_finish(&stage);
}

/* Cancelled before the signal, between it and the wake-up, and after that. */
TEST(signal_is_not_lost_by_a_cancelled_wait)
{
	struct weft_signals signals;
	struct stage stage;

	stage_init(&stage);
	signals = signals_open(user, 2);
	for (int moment = 0; moment < 3; moment++) {
		struct weft_signals_wait__frame wait;
		int signo = 0;

		weft_signals_wait__init(&wait.args, signals, &signo);
		CHECK_EQ(stage_poll(&stage, &weft_signals_wait__async, &wait), WEFT_PENDING);
		if (moment > 0)
			raise(SIGUSR1);
		if (moment > 1)
			stage_wait(&stage, probe_wakes(&stage.probe));
		CHECK_EQ(stage_cancel(&stage, &weft_signals_wait__async, &wait), WEFT_READY);
		if (moment == 0)
			raise(SIGUSR1);
		if (wait.args.result < 0) {
			CHECK_EQ(wait.args.result, -ECANCELED);
			weft_signals_wait__init(&wait.args, signals, &signo);
			stage_await(&stage, &weft_signals_wait__async, &wait);
		}
		CHECK_EQ(wait.args.result, 0);
		CHECK_EQ(signo, SIGUSR1);
		check_quiet(&stage, signals);
	}
	CHECK_EQ(weft_signals_close(signals), 0);
	stage_finish(&stage);
}

TEST(signals_close_wakes_who_waits)
{
	struct weft_signals_wait__frame wait;
	struct weft_signals signals, next;
	struct stage stage;
	int signo;

	stage_init(&stage);
	signals = signals_open(user, 2);
	weft_signals_wait__init(&wait.args, signals, &signo);
	CHECK_EQ(stage_poll(&stage, &weft_signals_wait__async, &wait), WEFT_PENDING);
	CHECK_EQ(wait_now(&stage, signals), -EBUSY);
	CHECK_EQ(weft_signals_close(signals), 0);
	CHECK_EQ(probe_wakes(&stage.probe), 1);
	next = signals_open(user, 2); /* in the same slot */
	raise(SIGUSR1);
	CHECK_EQ(stage_poll(&stage, &weft_signals_wait__async, &wait), WEFT_READY);
	CHECK_EQ(wait.args.result, -EBADF);
	CHECK_EQ(wait_now(&stage, signals), -EBADF);
	CHECK_EQ(weft_signals_close(signals), -EBADF);
	CHECK_EQ(wait_now(&stage, next), SIGUSR1);
	CHECK_EQ(weft_signals_close(next), 0);
	stage_finish(&stage);
}

TEST(signal_after_the_last_close_is_ignored)
{
	struct weft_signals signals;
	struct stage stage;

	stage_init(&stage);
	signals = signals_open(user, 2);
	CHECK_EQ(weft_signals_close(signals), 0);
	raise(SIGUSR1); /* would end this program */
	signals = signals_open(user, 2);
	check_quiet(&stage, signals); /* nothing of the past */
	CHECK_EQ(weft_signals_close(signals), 0);
	stage_finish(&stage);
}

TEST(signals_open_says_why_it_cannot)
{
	static const int bad[][2] = { { SIGUSR1, SIGKILL }, { SIGSTOP, SIGUSR1 }, { SIGUSR1, 0 },
		{ -1, SIGUSR1 }, { 65, SIGUSR1 }, { SIGUSR1, 1000 } };
	struct weft_signals signals, nobody = { NULL, 0, 0 };
	struct stage stage;

	CHECK_EQ(weft_signals_open(&signals, user, 2), -ENXIO); /* nobody polls here */
	stage_init(&stage);
	for (int i = 0; i < 2 * WEFT_SIGNAL_SETS_MAX; i++) /* and no slot is used up */
		CHECK_EQ(weft_signals_open(&signals, bad[i % 6], 2), -EINVAL);
	CHECK_EQ(wait_now(&stage, nobody), -EBADF);
	CHECK_EQ(weft_signals_close(nobody), -EBADF);
	stage_finish(&stage);
}

TEST(signals_open_more_sets_than_there_are_gives_emfile)
{
	struct weft_signals sets[WEFT_SIGNAL_SETS_MAX], more;
	struct stage stage;

	peer_need_descriptors(WEFT_SIGNAL_SETS_MAX + 50);
	stage_init(&stage);
	for (int i = 0; i < WEFT_SIGNAL_SETS_MAX; i++)
		sets[i] = signals_open(user, 2);
	CHECK_EQ(weft_signals_open(&more, user, 2), -EMFILE);
	raise(SIGUSR2);
	for (int i = 0; i < WEFT_SIGNAL_SETS_MAX; i++)
		CHECK_EQ(wait_now(&stage, sets[i]), SIGUSR2);
	CHECK_EQ(weft_signals_close(sets[7]), 0);
	sets[7] = signals_open(user, 2);
	CHECK_EQ(weft_signals_open(&more, user, 2), -EMFILE);
	for (int i = 0; i < WEFT_SIGNAL_SETS_MAX; i++)
		CHECK_EQ(weft_signals_close(sets[i]), 0);
	stage_finish(&stage);
}

/* --- with threads ------------------------------------------------------------------------------ */

enum { SHOTS = 5000, SETS = 100 };

struct world {
	uint32_t heard, open;
	uint32_t done;
};

/* Each signal as soon as the one before has been heard. */
static void *shoot_in_turn(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->open, 1);
	for (uint32_t i = 0; i < SHOTS; i++) {
		rig_spin(&world->heard, i);
		raise(SIGUSR1);
	}
	return NULL;
}

RIG_TASK(hears, struct world, struct weft_signals signals; int i, signo;
		struct weft_signals_wait__frame wait;)
{
	struct hears__frame *f = frame;

	weft_begin(f);
	f->signals = signals_open(user, 2);
	rig_add(&f->args.p0->open);
	for (f->i = 0; f->i < SHOTS; f->i++) {
		weft_await(f, f->wait, weft_signals_wait, f->signals, &f->signo);
		CHECK_EQ(f->wait.args.result, 0);
		CHECK_EQ(f->signo, SIGUSR1);
		rig_add(&f->args.p0->heard);
	}
	CHECK_EQ(weft_signals_close(f->signals), 0);
	weft_return(f, 0);
	weft_end(f);
}

/* A signal that came while the waiter was making up its mind to wait was lost, and so is this test if one
 * is: nobody would go on. */
RIG_TEST(signal_is_heard_whenever_it_comes)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .heard = 0 };
	pthread_t thread = rig_thread(shoot_in_turn, &world);

	CHECK_EQ(rig_run(runtime, &hears__async, &world), 0);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
}

static void *shoot_all_the_time(void *arg)
{
	struct world *world = arg;

	while (!rig_get(&world->done))
		raise(SIGUSR2);
	return NULL;
}

RIG_TASK(opens_and_closes, struct world, struct weft_signals signals; int i, signo;
		struct weft_signals_wait__frame wait;)
{
	struct opens_and_closes__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < SETS; f->i++) {
		f->signals = signals_open(user, 2);
		if (f->i % 3) {
			weft_await(f, f->wait, weft_signals_wait, f->signals, &f->signo);
			CHECK_EQ(f->wait.args.result, 0);
			CHECK_EQ(f->signo, SIGUSR2);
		}
		CHECK_EQ(weft_signals_close(f->signals), 0);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(
		opens_and_closes_twice, struct world, struct weft_task *other; int result; union {
			struct opens_and_closes__frame own;
			struct weft_task_join__frame join;
		};)
{
	struct opens_and_closes_twice__frame *f = frame;

	weft_begin(f);
	f->other = rig_spawn(NULL, &opens_and_closes__async, f->args.p0);
	weft_await(f, f->own, opens_and_closes, f->args.p0);
	weft_await(f, f->join, weft_task_join, f->other, &f->result);
	CHECK_EQ(f->result, 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(signals_open_and_close_under_fire)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .heard = 0 };
	pthread_t thread;

	signal(SIGUSR2, SIG_IGN); /* until the first set is open */
	thread = rig_thread(shoot_all_the_time, &world);
	CHECK_EQ(rig_run(runtime, &opens_and_closes_twice__async, &world), 0);
	rig_add(&world.done);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
}
