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
 *       HTTP-shaped messages are all alike but for a path, which numbers the
 *       connection and the message; it is written into the form when needed.
 */
#include <stdlib.h>
#include <string.h>

#include "http.h"
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

static const char request_form[] =
		"GET " HTTP_PATH " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load/1\r\n"
		"Accept: text/html,application/json;q=0.9,*/*;q=0.8\r\n"
		"Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\n"
		"Cookie: session=0123456789abcdef\r\nConnection: keep-alive\r\n\r\n";

static void form_take(struct payload *payload, const char *form, size_t bytes)
{
	payload->message_bytes = bytes;
	payload->pattern = malloc(bytes);
	if (!payload->pattern)
		load_die("out of memory");
	memcpy(payload->pattern, form, bytes);
}

void payload_init_requests(struct payload *payload)
{
	form_take(payload, request_form, sizeof request_form - 1);
	payload->numbers_at = strlen("GET /");
}

void payload_init_answers(struct payload *payload)
{
	static char answer[HTTP_ANSWER_BYTES];

	http_answer_write(answer, HTTP_PATH, strlen(HTTP_PATH));
	form_take(payload, answer, sizeof answer);
	payload->numbers_at = sizeof HTTP_HEAD - 1 + strlen("/");
}

void payload_finish(struct payload *payload)
{
	free(payload->pattern);
	payload->pattern = NULL;
}

void payload_seek(const struct payload *payload, struct payload_cursor *cursor, uint32_t connection)
{
	*cursor = (struct payload_cursor){
		.start = payload->numbers_at ? connection
					     : (size_t)((uint64_t)connection * CONNECTION_STRIDE %
							       PATTERN_PERIOD),
	};
}

static void digits_write(unsigned char *end, uint64_t number, int digits)
{
	for (; digits > 0; digits--, number /= 10)
		*--end = (unsigned char)('0' + number % 10);
}

/* The current message. */
static const unsigned char *message_text(
		const struct payload *payload, const struct payload_cursor *cursor)
{
	unsigned char *numbers = payload->pattern + payload->numbers_at;

	if (!payload->numbers_at)
		return payload->pattern + cursor->start;
	digits_write(numbers + HTTP_CONNECTION_DIGITS, cursor->start, HTTP_CONNECTION_DIGITS);
	digits_write(numbers + HTTP_NUMBERS_BYTES, cursor->messages, HTTP_MESSAGE_DIGITS);
	return payload->pattern;
}

static void cursor_next_message(const struct payload *payload, struct payload_cursor *cursor)
{
	cursor->messages++;
	cursor->offset = 0;
	if (payload->numbers_at)
		return;
	cursor->start += MESSAGE_STRIDE;
	if (cursor->start >= PATTERN_PERIOD)
		cursor->start -= PATTERN_PERIOD;
}

void payload_skip(const struct payload *payload, struct payload_cursor *cursor, size_t bytes)
{
	cursor->offset += bytes;
	while (cursor->offset >= payload->message_bytes) {
		size_t beyond = cursor->offset - payload->message_bytes;

		cursor_next_message(payload, cursor);
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

		memcpy(out, message_text(payload, cursor) + cursor->offset, text);
		cursor->offset += text;
		out += text;
		bytes -= text;
		if (bytes > 0) {
			*out++ = '\n';
			bytes--;
			cursor_next_message(payload, cursor);
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
		const unsigned char *expected = message_text(payload, cursor) + cursor->offset;

		if (memcmp(data + done, expected, text) != 0)
			return done + common_prefix(data + done, expected, text);
		cursor->offset += text;
		done += text;
		if (done < bytes) {
			if (data[done] != '\n')
				return done;
			done++;
			cursor_next_message(payload, cursor);
		}
	}
	return done;
}
