/* SPDX-License-Identifier: MIT */
/*
 * weft/stream_leaves.h: streams that wait for something themselves: messages, ticks, lines; and for
 * time to pass between the items of another.
 *
 *     WEFT_STREAM_OF(receiver, struct message) messages;
 *     WEFT_STREAM_OF(timeout, struct message) soon;
 *
 *     weft_stream_receiver_init(&messages, &inbox);
 *     weft_stream_timeout_init(&soon, &messages, WEFT_SECONDS(30));
 *     while ((n = await weft_stream_next(&soon, &message)) > 0)
 *             handle(&message);
 *
 * Memory:  the channel, interval, reader or token is yours, and stays until the stream has ended.
 * Threads: who asks receives, ticks, reads: see there.
 * Errors:  those of the leaf that is awaited; -ENXIO where there are no timers.
 */
#ifndef WEFT_STREAM_LEAVES_H
#define WEFT_STREAM_LEAVES_H

#include <weft/broadcast.h>
#include <weft/cancel_token.h>
#include <weft/channel.h>
#include <weft/io.h>
#include <weft/stream_adaptors.h>
#include <weft/time.h>
#include <weft/watch.h>

WEFT_BEGIN_DECLS

struct weft_stream_receiver_kind;

/* Messages, until who sends closes: WEFT_STREAM_OF(receiver, T). */
struct weft_stream_receiver {
	struct weft_stream stream; /* private from here on */
	const struct weft_stream_receiver_kind *kind;
	union {
		struct weft_channel *channel;
		struct weft_broadcast_receiver *broadcast;
		struct weft_watch_receiver *watch;
	} from;
	union {
		struct weft_channel_recv__frame channel;
		struct weft_broadcast_recv__frame broadcast;
		struct weft_watch_changed__frame watch;
	} leaf;
	bool waiting;
};

/* Those of a channel. Several streams may receive from it: each message goes to one. */
#define weft_stream_receiver_init(s, channel)                                                      \
	weft_stream_receiver_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                      \
			(WEFT_ITEM_CHECK((s)->item, (channel)->receivers.item),                    \
					(struct weft_channel *)(void *)(channel)))
void weft_stream_receiver_init_raw(struct weft_stream_receiver *receiver, size_t item_bytes,
		struct weft_channel *channel);

/* Those of a broadcast that is subscribed to. -EOVERFLOW: some were missed. */
#define weft_stream_broadcast_init(s, receiver)                                                    \
	weft_stream_broadcast_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                     \
			(WEFT_ITEM_CHECK((s)->item, (receiver)->from.item),                        \
					(struct weft_broadcast_receiver *)(void *)(receiver)))
void weft_stream_broadcast_init_raw(struct weft_stream_receiver *receiver, size_t item_bytes,
		struct weft_broadcast_receiver *from);

/* The values of a watch that is subscribed to, from the first that it has not seen. */
#define weft_stream_watch_init(s, receiver)                                                        \
	weft_stream_watch_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                         \
			(WEFT_ITEM_CHECK((s)->item, (receiver)->from.item),                        \
					(struct weft_watch_receiver *)(void *)(receiver)))
void weft_stream_watch_init_raw(struct weft_stream_receiver *receiver, size_t item_bytes,
		struct weft_watch_receiver *from);

/* Ticks, without an end: WEFT_STREAM_OF(ticks, int64_t). An item is the time at which it was due. */
struct weft_stream_ticks {
	struct weft_stream stream; /* private from here on */
	struct weft_interval *interval;
	struct weft_interval_tick__frame tick;
	bool waiting;
};

#define weft_stream_ticks_init(s, interval)                                                        \
	weft_stream_ticks_init_raw((WEFT_ITEM_CHECK((s)->item, (int64_t *)0), &(s)->self), interval)
void weft_stream_ticks_init_raw(struct weft_stream_ticks *ticks, struct weft_interval *interval);

struct weft_line {
	const char *bytes; /* in the reader, until the next line is asked for; not terminated */
	size_t count;      /* without the "\n" or "\r\n" at its end */
};

/* The lines of a reader, until its end: WEFT_STREAM_OF(lines, struct weft_line). The last one may be
 * without an end. -EMSGSIZE: it is longer than the reader's limit. */
struct weft_stream_lines {
	struct weft_stream stream; /* private from here on */
	struct weft_reader *reader;
	struct weft_reader_read_until__frame read;
	bool waiting;
};

#define weft_stream_lines_init(s, reader)                                                          \
	weft_stream_lines_init_raw(                                                                \
			(WEFT_ITEM_CHECK((s)->item, (struct weft_line *)0), &(s)->self), reader)
void weft_stream_lines_init_raw(struct weft_stream_lines *lines, struct weft_reader *reader);

/* A source's items, at least period_ns from one to the next: WEFT_STREAM_OF(throttle, T). The source is
 * asked no sooner than that. */
struct weft_stream_throttle {
	struct weft_stream stream; /* private from here on */
	struct weft_sleep_until__frame sleep;
	int64_t period_ns, next_ns;
	bool waiting, paused;
};

#define weft_stream_throttle_init(s, from, period_ns)                                              \
	weft_stream_throttle_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from), period_ns)
void weft_stream_throttle_init_raw(
		struct weft_stream_throttle *throttle, struct weft_stream *from, int64_t period_ns);

/* A source's items; -ETIME in place of one that does not come within timeout_ns from when it was first
 * asked for. It is still to come, and can be waited for again: WEFT_STREAM_OF(timeout, T). */
struct weft_stream_timeout {
	struct weft_stream stream; /* private from here on */
	struct weft_sleep_until__frame sleep;
	int64_t timeout_ns;
	bool waiting, asked;
};

#define weft_stream_timeout_init(s, from, timeout_ns)                                              \
	weft_stream_timeout_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from), timeout_ns)
void weft_stream_timeout_init_raw(
		struct weft_stream_timeout *timeout, struct weft_stream *from, int64_t timeout_ns);

/* Arrays of a source's items, as those of chunks: full ones, or what has come timeout_ns after the first
 * of them: WEFT_STREAM_OF(chunks_timeout, struct weft_chunk). */
struct weft_stream_chunks_timeout {
	struct weft_stream_timeout timeout; /* private from here on */
	struct weft_stream_chunks chunks;
};

#define weft_stream_chunks_timeout_init(s, from, buffer, capacity, timeout_ns)                     \
	weft_stream_chunks_timeout_init_raw(WEFT_STREAM_CHUNKS_(s),                                \
			(WEFT_ITEM_CHECK(buffer, (from)->item), &(from)->stream), buffer,          \
			capacity, timeout_ns)
void weft_stream_chunks_timeout_init_raw(struct weft_stream_chunks_timeout *chunks,
		struct weft_stream *from, void *buffer, size_t capacity, int64_t timeout_ns);

/* A source's items until the token is cancelled, and none after that: WEFT_STREAM_OF(take_until, T). */
struct weft_stream_take_until {
	struct weft_stream stream; /* private from here on */
	struct weft_cancel_token_wait__frame wait;
	struct weft_cancel_token *token;
	bool waiting;
};

#define weft_stream_take_until_init(s, from, token)                                                \
	weft_stream_take_until_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from), token)
void weft_stream_take_until_init_raw(struct weft_stream_take_until *take, struct weft_stream *from,
		struct weft_cancel_token *token);

WEFT_END_DECLS

#endif
