/* SPDX-License-Identifier: MIT */
/*
 * sync/channel_queue.h: the messages of a channel, in blocks; channel.c tells the rest.
 *
 * How         A chain of blocks, each twice as large as the one before, up to 4 KiB:
 *
 *                 head --> [read ... written] --> [ ... written] --> [    ] --> [    ]
 *                                                  ^ write
 *
 *             Those behind write are empty, so their order does not matter: a new one comes first among
 *             them, and nobody needs to know the last. A block is freed when it has been read to its end.
 *             When nothing is left, only a small one stays. Blocks are allocated, and freed, without the
 *             lock.
 * Invariants  [I1], [I2] and [I3] of channel.c.
 */
#ifndef WEFT_SYNC_CHANNEL_QUEUE_H
#define WEFT_SYNC_CHANNEL_QUEUE_H

#include <weft/channel.h>

#include "base/memory.h"
#include "sync/waiters.h"

/* With what malloc adds, a power of two. */
#ifdef WEFT_TEST_SMALL
enum { BLOCK_BYTES_LEAST = 20, BLOCK_BYTES_MOST = 80 };
#else
enum { BLOCK_BYTES_LEAST = 56, BLOCK_BYTES_MOST = 4088 };
#endif

struct weft_channel_block {
	struct weft_channel_block *next;
	uint16_t slots, read, written;
	uint16_t is_small; /* it may stay when it is empty */
	unsigned char items[];
};

_Static_assert(BLOCK_BYTES_MOST <= UINT16_MAX, "slots can be counted");

/* What is left to do when the lock is free. */
struct channel_after {
	struct weft_channel_block *drained;
};

static inline size_t channel_block_bytes(uint32_t slots, uint32_t item_bytes)
{
	return offsetof(struct weft_channel_block, items) + (size_t)slots * item_bytes;
}

static inline unsigned char *channel_block_item(
		struct weft_channel_block *block, uint32_t index, uint32_t item_bytes)
{
	return block->items + (size_t)index * item_bytes;
}

/* How many places the next block has. */
static inline uint32_t channel_next_slots(const struct weft_channel *channel)
{
	size_t front = channel_block_bytes(0, 0), bytes = BLOCK_BYTES_LEAST, slots;
	const struct weft_channel_block *newest = channel->write;

	if (newest && newest->next)
		newest = newest->next;
	if (newest)
		bytes = 2 * channel_block_bytes(newest->slots, channel->item_bytes);
	if (bytes > BLOCK_BYTES_MOST)
		bytes = BLOCK_BYTES_MOST;
	slots = (bytes - front) / channel->item_bytes;
	if (slots > channel->capacity)
		slots = channel->capacity;
	return slots ? (uint32_t)slots : 1;
}

/* Without the lock. */
static inline struct weft_channel_block *channel_block_create(uint32_t slots, uint32_t item_bytes)
{
	struct weft_channel_block *block =
			weft__memory->allocate(channel_block_bytes(slots, item_bytes));

	if (!block)
		return NULL;
	block->next = NULL;
	block->slots = (uint16_t)slots;
	block->read = block->written = 0;
	block->is_small = channel_block_bytes(slots, item_bytes) <= BLOCK_BYTES_LEAST;
	return block;
}

static inline void channel_blocks_destroy(struct weft_channel_block *block, uint32_t item_bytes)
{
	while (block) {
		struct weft_channel_block *next = block->next;

		weft__memory->release(block, channel_block_bytes(block->slots, item_bytes));
		block = next;
	}
}

static inline void channel_insert(struct weft_channel *channel, struct weft_channel_block *block)
{
	struct weft_channel_block *write = channel->write;

	if (write) {
		block->next = write->next;
		write->next = block;
	} else {
		channel->head = channel->write = block;
	}
	channel->room += block->slots;
}

/* Whether what is counted is what lies there. */
static inline bool channel_check(const struct weft_channel *channel)
{
	const struct weft_channel_block *block = channel->head;
	bool is_free = false; /* from write on */
	uint32_t queued = 0, room = 0;

	for (; block; block = block->next) {
		is_free |= block == channel->write;
		queued += (uint32_t)block->written - block->read;
		room += is_free ? (uint32_t)block->slots - block->written : 0;
	}
	return queued == channel->queued && room == channel->room && is_free == !!channel->head &&
			channel->queued + channel->reserved <= channel->capacity; /* [I1] */
}

static inline uint32_t channel_backed(const struct weft_channel *channel)
{
	return channel->reserved - channel->senders.word;
}

/* Nothing is queued, and no permit has memory behind it: keeps a small block at most. */
static inline void channel_trim(struct weft_channel *channel, struct channel_after *after)
{
	struct weft_channel_block *head = channel->head, **end = &after->drained;

	if (!head)
		return;
	if (WEFT_LIKELY(head->is_small && !head->next)) {
		head->read = head->written = 0;
		channel->room = head->slots;
		return;
	}
	while (*end) /* what this call has read */
		end = &(*end)->next;
	*end = head;
	channel->head = channel->write = NULL;
	channel->room = 0;
}

/* The head has been read to where it is written. */
static inline void channel_advance(struct weft_channel *channel, struct channel_after *after)
{
	struct weft_channel_block *head = channel->head;

	if (channel->queued == 0 && channel_backed(channel) == 0) {
		channel_trim(channel, after);
		return;
	}
	if (head->written < head->slots)
		return;
	if (head == channel->write)
		channel->write = head->next; /* [I2] there is one: something is reserved */
	channel->head = head->next;
	head->next = after->drained;
	after->drained = head;
}

/* There is room. */
static inline void channel_write(struct weft_channel *channel, const void *item)
{
	struct weft_channel_block *block = channel->write;

	WEFT_ASSERT(channel->room > 0); /* [I2] */
	if (block->written == block->slots)
		block = channel->write = block->next;
	weft__message_copy(channel_block_item(block, block->written++, channel->item_bytes), item,
			channel->item_bytes);
	channel->room--;
	channel->queued++;
}

/* With a permit that has memory behind it. */
static inline void channel_put(struct weft_channel *channel, const void *item)
{
	WEFT_ASSERT(channel_backed(channel) > 0);
	channel->reserved--;
	channel_write(channel, item);
}

static inline void channel_take(
		struct weft_channel *channel, void *item, struct channel_after *after)
{
	struct weft_channel_block *block = channel->head;

	weft__message_copy(item, channel_block_item(block, block->read++, channel->item_bytes),
			channel->item_bytes);
	channel->queued--;
	WEFT_ASSERT(channel->receivers.list.word <= channel->queued); /* [I3] */
	if (block->read == block->written)
		channel_advance(channel, after);
}

#endif
