/* SPDX-License-Identifier: MIT */
/* channels.h: the part of micro_weft that is about channels. Names: README.md. */
#ifndef WEFT_BENCH_CHANNELS_H
#define WEFT_BENCH_CHANNELS_H

#include "micro.h"

struct micro_sample oneshot_ping_pong(int workers);
struct micro_sample broadcast_1k(int workers);
struct micro_sample watch_1k(int workers);
struct micro_sample memory_idle_channel_bytes(int workers);

#endif
