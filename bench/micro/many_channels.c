/* SPDX-License-Identifier: MIT */
/* many_channels.c: messages to one of many channels after the other. Names, method: bench/README.md. */
#include "benchmarks.h"
#include "rig.h"

enum { CHANNELS = 1000, MESSAGES = 1000000 };

WEFT_CHANNEL(inbox, size_t);

/* Receives until the channel is closed. */
WEFT_ASYNC_1(int, empty, union inbox *);

struct empty__frame {
	struct empty__args args;
	struct weft_channel_recv__frame recv;
	size_t got, sum;
};

enum weft_poll empty__poll(void *frame, struct weft_context *cx)
{
	struct empty__frame *f = frame;

	weft_begin(f);
	for (f->sum = 0;; f->sum += f->got) {
		weft_await(f, f->recv, weft_channel_recv, &f->args.p0->channel, &f->got);
		if (f->recv.args.result < 0)
			break;
	}
	rig_add(&rig.sum, f->sum);
	rig_one_done();
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(empty, WEFT_ASYNC_RESULT_INT);

static union inbox *inboxes_make(size_t count)
{
	union inbox *inboxes = malloc(count * sizeof *inboxes);
	struct empty__args args;

	rig_expect_all(count);
	for (size_t i = 0; i < count; i++) {
		weft_channel_init(&inboxes[i].channel, sizeof i, 1);
		empty__init(&args, &inboxes[i]);
		rig_spawn(&empty__async, &args);
	}
	return inboxes;
}

WEFT_ASYNC_2(int, fill, size_t, size_t);

struct fill__frame {
	struct fill__args args;
	struct weft_channel_send__frame send;
	struct rig_wait_all__frame wait;
	struct weft_yield__frame yield;
	struct micro_watch watch;
	union inbox *inboxes;
	size_t round, i;
};

enum weft_poll fill__poll(void *frame, struct weft_context *cx)
{
	struct fill__frame *f = frame;
	size_t rounds = f->args.p0, count = f->args.p1;

	weft_begin(f);
	f->inboxes = inboxes_make(count);
	weft_await(f, f->yield, weft_yield); /* they wait */
	f->watch = micro_watch_start();
	for (f->round = 0; f->round < rounds; f->round++)
		for (f->i = 0; f->i < count; f->i++)
			weft_await(f, f->send, weft_channel_send, &f->inboxes[f->i].channel, &f->i);
	for (f->i = 0; f->i < count; f->i++)
		weft_channel_close(&f->inboxes[f->i].channel);
	weft_await(f, f->wait, rig_wait_all);
	rig.sample = micro_wall_per(&f->watch, (int64_t)(rounds * count));
	micro_expect((int64_t)rig.sum, (int64_t)(rounds * (count * (count - 1) / 2)));
	for (f->i = 0; f->i < count; f->i++)
		weft_channel_finish(&f->inboxes[f->i].channel);
	free(f->inboxes);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(fill, WEFT_ASYNC_RESULT_INT);

struct micro_sample channel_of_1k(int workers)
{
	int64_t count = micro_count(CHANNELS);
	struct fill__args args;

	fill__init(&args, (size_t)micro_rounds(MESSAGES, count), (size_t)count);
	return rig_run(workers, &fill__async, &args);
}
