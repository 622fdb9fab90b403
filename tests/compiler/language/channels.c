/* SPDX-License-Identifier: MIT */
/* Typed channels in async C (rows S2-43, S2-44; behaviours 48, 50, 53, 57, 59, 60): send, receive, permits,
 * broadcast, watch, in a select and in a timeout. */
#include <errno.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

struct order {
	int number;
	char what[12];
};

WEFT_CHANNEL(orders, struct order);
WEFT_CHANNEL(numbers, long);

static union orders orders = WEFT_CHANNEL_INIT(orders, 2);
static union numbers numbers = WEFT_CHANNEL_INIT(numbers, WEFT_UNBOUNDED);

static async int customer(int from, int until)
{
	struct order order = { from, "tea" };

	defer weft_channel_sender_unref(&orders.channel);
	for (; order.number < until; order.number++)
		weft_try(await weft_channel_send(&orders, &order));
	return 0;
}

static async int kitchen(void)
{
	struct order order;
	int err, sum = 0;

	while ((err = await weft_channel_recv(&orders, &order)) == 0)
		sum += order.number;
	printf("%s: %d, %s\n", order.what, sum, err == -EPIPE ? "over" : "failed");
	return 0;
}

static async int many(void)
{
	long got[4];
	ssize_t count;

	for (long i = 0; i < 6; i++)
		weft_try(weft_channel_try_send(&numbers, &i));
	count = await weft_channel_recv_many(&numbers, got, 4);
	if (count != 4)
		return -EINVAL;
	printf("%ld %ld %ld %ld, %u left\n", got[0], got[1], got[2], got[3],
			weft_channel_len(&numbers.channel));
	return 0;
}

/* Two are left, and then nothing comes: nothing is lost by a receive that was cancelled. */
static async int in_select(void)
{
	long got = -1;
	int err = 0, branch;

	do {
		branch = await weft_select_biased(
				err = weft_channel_recv(&numbers, &got), weft_yield());
		printf("branch %d: %ld\n", branch, branch ? -1 : got);
	} while (branch == 0);
	printf("timeout: %s\n",
			await weft_timeout(1, weft_channel_recv(&numbers, &got)) == -ETIME ? "ETIME"
											   : "?");
	weft_try(weft_channel_try_send(&numbers, &(long){ 7 }));
	weft_try(await weft_channel_recv(&numbers, &got));
	printf("then %ld\n", got);
	return err == -ECANCELED ? 0 : err;
}

static int asked;

static async long *next_number(void)
{
	static long number = 8;

	asked++;
	(void)await weft_yield();
	return &number;
}

/* The type is checked without evaluating anything twice. */
static async int awaited_argument(void)
{
	long got = 0;

	weft_try(await weft_channel_send(&numbers, await next_number()));
	weft_try(await weft_channel_recv(&numbers, &got));
	printf("asked %d time for %ld\n", asked, got);
	return 0;
}

static async int with_permit(void)
{
	long seven = 7, got = 0;

	weft_try(await weft_channel_reserve(&numbers.channel, 1));
	weft_channel_close(&numbers.channel);
	printf("closed: %s\n", await weft_channel_send(&numbers, &seven) == -EPIPE ? "EPIPE" : "?");
	weft_channel_send_reserved(&numbers, &seven);
	weft_try(await weft_channel_recv(&numbers, &got));
	printf("got %ld, then %s\n", got,
			await weft_channel_recv(&numbers, &got) == -EPIPE ? "EPIPE" : "?");
	return 0;
}

WEFT_BROADCAST(news, int);
WEFT_WATCH(level, double);

static int ring[2];
static union news news = WEFT_BROADCAST_INIT(news, ring);
static double sea = 1.5;
static union level level = WEFT_WATCH_INIT(level, &sea);

static async int listener(const char *name)
{
	union news_receiver receiver;
	int heard = 0, missed = 0, item, err;

	weft_broadcast_subscribe(&news, &receiver);
	defer weft_broadcast_unsubscribe(&receiver.receiver);
	while ((err = await weft_broadcast_recv(&receiver, &item)) != -EPIPE)
		if (err == -EOVERFLOW)
			missed += (int)receiver.receiver.missed;
		else
			heard += err == 0;
	printf("%s heard %d and missed %d\n", name, heard, missed);
	return 0;
}

static async int gauge(void)
{
	union level_receiver receiver;
	double now = 0;

	weft_watch_subscribe(&level, &receiver);
	defer weft_watch_unsubscribe(&receiver.receiver);
	while (await weft_watch_changed(&receiver, &now) == 0)
		printf("level %g\n", now);
	return 0;
}

WEFT_WATCH_TEST(is_above, double, double)
{
	return *in > *arg;
}

static async int alarm_at(double limit)
{
	union level_receiver receiver;
	double now = 0;

	weft_watch_subscribe(&level, &receiver);
	defer weft_watch_unsubscribe(&receiver.receiver);
	weft_try(await weft_watch_wait_for(&receiver, &now, is_above, &limit));
	printf("above %g: %g\n", limit, now);
	weft_watch_mark_changed(&receiver.receiver);
	printf("again: %d\n", await weft_watch_changed(&receiver, &now));
	return await weft_watch_wait_for(&receiver, &now, is_above, &(double){ 99 }) == -EPIPE
			? 0
			: -EINVAL;
}

static async int all_hear(void)
{
	weft_scope (all) {
		weft_try(weft_spawn_in(&all, listener("one")));
		while (!weft_broadcast_receivers(&news.broadcast))
			weft_try(await weft_yield());
		for (int i = 0; i < 5; i++)
			weft_try(weft_broadcast_send(&news, &i));
		weft_broadcast_close(&news.broadcast);
	}
	weft_scope (all) {
		weft_try(weft_spawn_in(&all, gauge()));
		while (!weft_watch_receivers(&level.watch))
			weft_try(await weft_yield());
		for (double d = 2; d < 4; d++)
			weft_try(weft_watch_send(&level, &d));
		weft_try(weft_spawn_in(&all, alarm_at(2.5)));
		while (weft_watch_receivers(&level.watch) < 2)
			weft_try(await weft_yield());
		weft_watch_close(&level.watch);
	}
	return 0;
}

async int main(void)
{
	weft_scope (all) {
		for (int i = 0; i < 4; i++) {
			weft_try(weft_channel_sender_ref(&orders.channel));
			weft_try(weft_spawn_in(&all, customer(10 * i, 10 * i + 10)));
		}
		weft_try(await kitchen());
	}
	weft_try(await many());
	weft_try(await in_select());
	weft_try(await awaited_argument());
	weft_try(await with_permit());
	weft_try(await all_hear());
	weft_channel_finish(&orders.channel);
	weft_channel_finish(&numbers.channel);
	return fflush(stdout) != 0;
}
