/* SPDX-License-Identifier: MIT */
/* channels.c: what it costs to hand something over. Names, output and method: bench/README.md. */
#include "benchmarks.h"
#include "rig.h"

enum { ROUND_TRIPS = 300000, HANDED = 2000000, DELIVERIES = 200000, FOLLOWERS = 1000 };
enum { IDLE_CHANNELS = 300000 };

WEFT_CHANNEL(numbers, size_t);
WEFT_BROADCAST(news, size_t);
WEFT_WATCH(level, size_t);

/* ---- one message there and one back ---- */

/* Each message says where the answer goes: to a oneshot made for it. */
struct letter {
	size_t number;
	struct envelope *answer; /* NULL: none */
};

struct envelope {
	struct weft_oneshot oneshot;
	struct letter place;
};

static void envelope_init(struct envelope *envelope)
{
	weft_oneshot_init(&envelope->oneshot, &envelope->place, sizeof envelope->place);
}

static struct envelope first;

/* Two envelopes, by turns: the last one is received from when the next one is made. */
struct writer {
	struct envelope envelopes[2];
	struct letter letter;
	size_t turn;
};

/* To `where`, with the writer's next envelope, in which it expects the answer. */
static struct weft_oneshot *writer_sends(struct writer *writer, struct envelope *where)
{
	struct envelope *mine = &writer->envelopes[writer->turn++ % 2];

	envelope_init(mine);
	writer->letter.answer = mine;
	writer->letter.number++;
	micro_expect(weft_oneshot_send(&where->oneshot, &writer->letter), 0);
	return &mine->oneshot;
}

WEFT_ASYNC_0(int, answer);

struct answer__frame {
	struct answer__args args;
	struct weft_oneshot_recv__frame recv;
	struct writer writer;
};

enum weft_poll answer__poll(void *frame, struct weft_context *cx)
{
	struct answer__frame *f = frame;

	weft_begin(f);
	f->writer.turn = 0;
	weft_await(f, f->recv, weft_oneshot_recv, &first.oneshot, &f->writer.letter);
	while (f->writer.letter.answer)
		weft_await(f, f->recv, weft_oneshot_recv,
				writer_sends(&f->writer, f->writer.letter.answer),
				&f->writer.letter);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(answer, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_0(int, ask);

struct ask__frame {
	struct ask__args args;
	struct weft_oneshot_recv__frame recv;
	struct weft_task_join__frame join;
	struct weft_task *other;
	struct micro_watch watch;
	struct writer writer;
	struct letter last;
	int i;
};

enum weft_poll ask__poll(void *frame, struct weft_context *cx)
{
	struct ask__frame *f = frame;
	struct answer__args args;

	weft_begin(f);
	envelope_init(&first);
	answer__init(&args);
	f->other = weft_task_spawn(NULL, &answer__async, &args);
	f->writer.turn = f->writer.letter.number = 0;
	f->writer.letter.answer = &first;
	f->watch = micro_watch_start();
	for (f->i = 0; f->i < ROUND_TRIPS; f->i++)
		weft_await(f, f->recv, weft_oneshot_recv,
				writer_sends(&f->writer, f->writer.letter.answer),
				&f->writer.letter);
	rig.sample = micro_wall_per(&f->watch, ROUND_TRIPS);
	micro_expect((int64_t)f->writer.letter.number, 2 * ROUND_TRIPS);
	f->last = (struct letter){ 0, NULL };
	micro_expect(weft_oneshot_send(&f->writer.letter.answer->oneshot, &f->last), 0);
	weft_await(f, f->join, weft_task_join, f->other, NULL);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(ask, WEFT_ASYNC_RESULT_INT);

struct micro_sample oneshot_ping_pong(int workers)
{
	struct ask__args args;

	ask__init(&args);
	return rig_run(workers, &ask__async, &args);
}

/* ---- a oneshot that is sent before it is received from ---- */

WEFT_ASYNC_0(int, hand);

struct hand__frame {
	struct hand__args args;
	struct weft_oneshot oneshot;
	struct weft_oneshot_recv__frame recv;
	struct micro_watch watch;
	size_t i, place, got, sum;
};

enum weft_poll hand__poll(void *frame, struct weft_context *cx)
{
	struct hand__frame *f = frame;

	weft_begin(f);
	f->sum = 0;
	f->watch = micro_watch_start();
	for (f->i = 0; f->i < HANDED; f->i++) {
		weft_oneshot_init(&f->oneshot, &f->place, sizeof f->place);
		micro_expect(weft_oneshot_send(&f->oneshot, &f->i), 0);
		weft_await(f, f->recv, weft_oneshot_recv, &f->oneshot, &f->got);
		f->sum += f->got;
	}
	rig.sample = micro_wall_per(&f->watch, HANDED);
	micro_expect((int64_t)f->sum, (int64_t)HANDED * (HANDED - 1) / 2);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(hand, WEFT_ASYNC_RESULT_INT);

struct micro_sample oneshot_ready(int workers)
{
	struct hand__args args;

	hand__init(&args);
	return rig_run(workers, &hand__async, &args);
}

/* ---- to one receiver, or a thousand ---- */

static size_t ring[16], place;
static size_t followers, rounds;
static union news news;
static union level level;
static size_t waiting;             /* atomic: who has not received this round's message */
static struct weft_notify arrived; /* all have */

static void one_arrived(size_t got, size_t wanted)
{
	micro_expect((int64_t)got, (int64_t)wanted);
	if (__atomic_sub_fetch(&waiting, 1, __ATOMIC_ACQ_REL) == 0)
		weft_notify_one(&arrived);
}

WEFT_ASYNC_0(int, hear);

struct hear__frame {
	struct hear__args args;
	union news_receiver receiver;
	struct weft_broadcast_recv__frame recv;
	size_t i, got;
};

enum weft_poll hear__poll(void *frame, struct weft_context *cx)
{
	struct hear__frame *f = frame;

	weft_begin(f);
	weft_broadcast_subscribe(&news, &f->receiver);
	for (f->i = 0; f->i < rounds; f->i++) {
		weft_await(f, f->recv, weft_broadcast_recv, &f->receiver.receiver, &f->got);
		one_arrived(f->got, f->i);
	}
	weft_broadcast_unsubscribe(&f->receiver.receiver);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(hear, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_0(int, look);

struct look__frame {
	struct look__args args;
	union level_receiver receiver;
	struct weft_watch_changed__frame changed;
	size_t i, got;
};

enum weft_poll look__poll(void *frame, struct weft_context *cx)
{
	struct look__frame *f = frame;

	weft_begin(f);
	weft_watch_subscribe(&level, &f->receiver);
	for (f->i = 0; f->i < rounds; f->i++) {
		weft_await(f, f->changed, weft_watch_changed, &f->receiver.receiver, &f->got);
		one_arrived(f->got, f->i);
	}
	weft_watch_unsubscribe(&f->receiver.receiver);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(look, WEFT_ASYNC_RESULT_INT);

/* A message each round, when all have received the one before. */
WEFT_ASYNC_1(int, tell, bool);

struct tell__frame {
	struct tell__args args;
	struct weft_notify_wait__frame wait;
	struct weft_yield__frame yield;
	struct micro_watch watch;
	size_t i;
};

static void followers_start(bool is_watch)
{
	struct hear__args hear;
	struct look__args look;

	hear__init(&hear);
	look__init(&look);
	for (size_t i = 0; i < followers; i++)
		micro_expect(is_watch ? weft_task_spawn_detached(NULL, &look__async, &look)
				      : weft_task_spawn_detached(NULL, &hear__async, &hear),
				0);
}

static uint32_t followers_count(void)
{
	return weft_watch_receivers(&level.watch) + weft_broadcast_receivers(&news.broadcast);
}

enum weft_poll tell__poll(void *frame, struct weft_context *cx)
{
	struct tell__frame *f = frame;

	weft_begin(f);
	followers_start(f->args.p0);
	while (followers_count() < followers)
		weft_await(f, f->yield, weft_yield);
	f->watch = micro_watch_start();
	for (f->i = 0; f->i < rounds; f->i++) {
		__atomic_store_n(&waiting, followers, __ATOMIC_RELEASE);
		micro_expect(f->args.p0 ? weft_watch_send(&level, &f->i)
					: weft_broadcast_send(&news, &f->i),
				0);
		weft_await(f, f->wait, weft_notify_wait, &arrived);
	}
	rig.sample = micro_wall_per(&f->watch, DELIVERIES);
	while (followers_count() > 0)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(tell, WEFT_ASYNC_RESULT_INT);

static struct micro_sample to_all(int workers, bool is_watch, size_t receivers)
{
	struct tell__args args;

	followers = receivers;
	rounds = DELIVERIES / receivers;
	weft_broadcast_init(&news.broadcast, ring, sizeof *ring, 16);
	weft_watch_init(&level.watch, &place, sizeof place);
	weft_notify_init(&arrived);
	tell__init(&args, is_watch);
	return rig_run(workers, &tell__async, &args);
}

struct micro_sample broadcast_1(int workers)
{
	return to_all(workers, false, 1);
}

struct micro_sample broadcast_1k(int workers)
{
	return to_all(workers, false, FOLLOWERS);
}

struct micro_sample watch_1(int workers)
{
	return to_all(workers, true, 1);
}

struct micro_sample watch_1k(int workers)
{
	return to_all(workers, true, FOLLOWERS);
}

/* ---- to make channels ---- */

enum { MADE = 100000, MADE_ROUNDS = 6 };

static size_t channels_make(union numbers *channels)
{
	size_t got, all = 0;

	for (size_t i = 0; i < MADE; i++) {
		weft_channel_init(&channels[i].channel, sizeof i, 1);
		micro_expect(weft_channel_try_send(&channels[i], &i), 0);
		micro_expect(weft_channel_try_recv(&channels[i], &got), 0);
		all += got;
	}
	for (size_t i = 0; i < MADE; i++)
		weft_channel_finish(&channels[i].channel);
	return all;
}

/* All are there at once; each carries a message. */
struct micro_sample channel_create_100k(int workers)
{
	struct micro_watch watch = micro_watch_start(), cold_end = watch;
	size_t all = 0;
	struct micro_sample sample;

	(void)workers;
	for (int i = 0; i < MADE_ROUNDS; i++) {
		union numbers *channels = malloc(MADE * sizeof *channels);

		all += channels_make(channels);
		free(channels);
		if (i == 0)
			cold_end = micro_watch_start();
	}
	sample = micro_cold_and_warm(&watch, &cold_end, MADE_ROUNDS, MADE);
	micro_expect((int64_t)all, (int64_t)MADE_ROUNDS * MADE * (MADE - 1) / 2);
	return sample;
}

/* ---- memory ---- */

/* Bounded channels for one message, which each has carried once. */
struct micro_sample memory_idle_channel_bytes(int workers)
{
	int64_t before = micro_resident_bytes();
	union numbers *channels = malloc(IDLE_CHANNELS * sizeof *channels);
	size_t got = 0, all = 0;
	int64_t grown;

	(void)workers;
	for (size_t i = 0; i < IDLE_CHANNELS; i++) {
		weft_channel_init(&channels[i].channel, sizeof i, 1);
		micro_expect(weft_channel_try_send(&channels[i], &i), 0);
		micro_expect(weft_channel_try_recv(&channels[i], &got), 0);
		all += got;
	}
	grown = micro_resident_bytes() - before;
	micro_expect((int64_t)all, (int64_t)IDLE_CHANNELS * (IDLE_CHANNELS - 1) / 2);
	for (size_t i = 0; i < IDLE_CHANNELS; i++)
		weft_channel_finish(&channels[i].channel);
	free(channels);
	return (struct micro_sample){ .value = (double)grown / IDLE_CHANNELS };
}
