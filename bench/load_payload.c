/* SPDX-License-Identifier: MIT */
/*
 * load_payload.c: messages whose every byte says where it belongs.
 *
 * Why   An echo server that mixes up connections, drops or repeats a message,
 *       or shifts a stream by a byte must be caught, and the check may not cost
 *       more than the echo.
 * How   One table of random bytes without '\n'. Message m of connection c is the
 *       stretch that starts at (c * CONNECTION_STRIDE + m * MESSAGE_STRIDE)
 *       modulo the table's prime length, with '\n' as its last byte; so filling
 *       is memcpy and matching is memcmp. The table is longer than its period by
 *       one message, so that no stretch wraps.
 */
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { PATTERN_PERIOD = 65521, MESSAGE_STRIDE = 7919, CONNECTION_STRIDE = 40503 };

static unsigned char pattern_byte(uint64_t *state)
{
	unsigned char byte;

	do {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		byte = (unsigned char)(*state >> 56);
	} while (byte == '\n');
	return byte;
}

void payload_init(struct payload *payload, size_t message_bytes)
{
	size_t total = PATTERN_PERIOD + message_bytes;
	uint64_t state = 1;

	payload->message_bytes = message_bytes;
	payload->pattern = malloc(total);
	if (!payload->pattern)
		load_die("out of memory");
	for (size_t i = 0; i < total; i++)
		payload->pattern[i] = pattern_byte(&state);
}

void payload_finish(struct payload *payload)
{
	free(payload->pattern);
	payload->pattern = NULL;
}

void payload_seek(struct payload_cursor *cursor, uint32_t connection)
{
	*cursor = (struct payload_cursor){
		.start = (size_t)((uint64_t)connection * CONNECTION_STRIDE % PATTERN_PERIOD),
	};
}

static void cursor_next_message(struct payload_cursor *cursor)
{
	cursor->messages++;
	cursor->offset = 0;
	cursor->start += MESSAGE_STRIDE;
	if (cursor->start >= PATTERN_PERIOD)
		cursor->start -= PATTERN_PERIOD;
}

void payload_skip(const struct payload *payload, struct payload_cursor *cursor, size_t bytes)
{
	cursor->offset += bytes;
	while (cursor->offset >= payload->message_bytes) {
		size_t beyond = cursor->offset - payload->message_bytes;

		cursor_next_message(cursor);
		cursor->offset = beyond;
	}
}

/* How much of the current message lies before its '\n', at most `bytes`. */
static size_t text_left(
		const struct payload *payload, const struct payload_cursor *cursor, size_t bytes)
{
	size_t left = payload->message_bytes - 1 - cursor->offset;

	return left < bytes ? left : bytes;
}

void payload_fill(const struct payload *payload, struct payload_cursor *cursor, unsigned char *out,
		size_t bytes)
{
	while (bytes > 0) {
		size_t text = text_left(payload, cursor, bytes);

		memcpy(out, payload->pattern + cursor->start + cursor->offset, text);
		cursor->offset += text;
		out += text;
		bytes -= text;
		if (bytes > 0) {
			*out++ = '\n';
			bytes--;
			cursor_next_message(cursor);
		}
	}
}

static size_t common_prefix(const unsigned char *a, const unsigned char *b, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && a[i] == b[i])
		i++;
	return i;
}

size_t payload_match(const struct payload *payload, struct payload_cursor *cursor,
		const unsigned char *data, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t text = text_left(payload, cursor, bytes - done);
		const unsigned char *expected = payload->pattern + cursor->start + cursor->offset;

		if (memcmp(data + done, expected, text) != 0)
			return done + common_prefix(data + done, expected, text);
		cursor->offset += text;
		done += text;
		if (done < bytes) {
			if (data[done] != '\n')
				return done;
			done++;
			cursor_next_message(cursor);
		}
	}
	return done;
}
