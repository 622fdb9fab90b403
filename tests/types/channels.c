/* SPDX-License-Identifier: MIT */
/* Messages of channels, broadcasts and watches have one type: refused.sh. */
#include <weft/broadcast.h>
#include <weft/channel.h>
#include <weft/watch.h>

WEFT_CHANNEL(numbers, int);
WEFT_BROADCAST(ticks, long);
WEFT_WATCH(level, double);

static int ints[4];
static long longs[4];
static double zero;

#if CASE == 1
union ticks ticks = WEFT_BROADCAST_INIT(ticks, ints);
#else
union ticks ticks = WEFT_BROADCAST_INIT(ticks, longs);
#endif
#if CASE == 2
union level level = WEFT_WATCH_INIT(level, longs);
#else
union level level = WEFT_WATCH_INIT(level, &zero);
#endif
union numbers numbers = WEFT_CHANNEL_INIT(numbers, 3);

int send_all(union ticks_receiver *receiver);
int send_all(union ticks_receiver *receiver)
{
	int err;

#if CASE == 0
	(void)ints;
	err = weft_channel_try_send(&numbers, ints) | weft_broadcast_send(&ticks, longs) |
			weft_watch_send(&level, &zero) | weft_broadcast_try_recv(receiver, longs);
#elif CASE == 3
	err = weft_channel_try_send(&numbers, longs);
#elif CASE == 4
	err = weft_channel_try_recv(&numbers, &zero);
#elif CASE == 5
	err = weft_broadcast_send(&ticks, ints);
#elif CASE == 6
	err = weft_broadcast_try_recv(receiver, ints);
#elif CASE == 7
	err = weft_watch_send(&level, longs);
#else
	err = 0;
#endif
	return err;
}
