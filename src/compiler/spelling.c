/* SPDX-License-Identifier: MIT */
/*
 * compiler/spelling.c: universal character names as letters, digraphs as brackets.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "compiler/spelling.h"

/* The hexadecimal number of so many digits; false: it is none. */
static bool number_read(const char *at, const char *end, size_t digits, uint32_t *number)
{
	static const char digit[] = "0123456789abcdef";

	if ((size_t)(end - at) < digits)
		return false;
	*number = 0;
	for (size_t i = 0; i < digits; i++) {
		int c = tolower((unsigned char)at[i]);
		const char *place = c ? strchr(digit, c) : NULL;

		if (!place)
			return false;
		*number = *number << 4 | (uint32_t)(place - digit);
	}
	return true;
}

/* In two to four bytes, which is less than the name has. */
static char *letter_write(char *to, uint32_t letter)
{
	if (letter < 0x800) {
		*to++ = (char)(0xc0 | letter >> 6);
	} else {
		if (letter < 0x10000) {
			*to++ = (char)(0xe0 | letter >> 12);
		} else {
			*to++ = (char)(0xf0 | letter >> 18);
			*to++ = (char)(0x80 | (letter >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (letter >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (letter & 0x3f));
	return to;
}

/* Behind the string, character or comment that begins there, or `at`. */
static const char *literal_skip(const char *at, const char *end)
{
	const char *close;
	char quote = *at;

	if (quote == '"' || quote == '\'') {
		for (at++; at < end && *at != quote && *at != '\n'; at++)
			at += *at == '\\' && at + 1 < end;
		return at < end ? at + 1 : end;
	}
	if (*at != '/' || at + 1 == end || (at[1] != '*' && at[1] != '/'))
		return at;
	close = at[1] == '*' ? memmem(at + 2, (size_t)(end - at - 2), "*/", 2)
			     : memchr(at, '\n', (size_t)(end - at));
	if (!close)
		return end;
	return close + (at[1] == '*' ? 2 : 1);
}

/* Behind the name that begins there, whose letter is written to *to, or `at`. */
static const char *name_decode(const char *at, const char *end, char **to)
{
	size_t digits = at[1] == 'u' ? 4 : 8;
	uint32_t letter;

	if ((at[1] != 'u' && at[1] != 'U') || !number_read(at + 2, end, digits, &letter) ||
			letter < 0x80 || letter >= 0x110000)
		return at;
	*to = letter_write(*to, letter);
	return at + 2 + digits;
}

/* The bracket that the digraph stands for, or 0. */
static char bracket_of(const char *at)
{
	switch (at[0]) {
	case '<':
		return at[1] == '%' ? '{' : at[1] == ':' ? '[' : 0;
	case '%':
		return at[1] == '>' ? '}' : 0;
	case ':':
		return at[1] == '>' ? ']' : 0;
	default:
		return 0;
	}
}

/* Behind what is spelled in another way from here on, or `at`. */
static const char *decode(const char *at, const char *end, char **to)
{
	char bracket = at + 1 < end ? bracket_of(at) : 0;

	if (bracket) {
		*(*to)++ = bracket;
		*(*to)++ = ' ';
		return at + 2;
	}
	return *at == '\\' && at + 1 < end ? name_decode(at, end, to) : at;
}

/* Where one of `second` follows `first`, or NULL. */
static const char *find_pair(const char *text, const char *end, char first, const char *second)
{
	do
		text = memchr(text, first, (size_t)(end - text));
	while (text && !strchr(second, *++text));
	return text;
}

size_t spelling_decode(char *text, size_t size)
{
	const char *at = text, *end = text + size;
	char *to = text;

	if (!find_pair(text, end, '\\', "uU") && !find_pair(text, end, '<', "%:"))
		return size; /* nearly always */
	while (at < end) {
		const char *after = literal_skip(at, end);

		if (after == at) {
			after = decode(at, end, &to);
			if (after > at) {
				at = after;
				continue;
			}
			after++;
		}
		memmove(to, at, (size_t)(after - at));
		to += after - at;
		at = after;
	}
	*to = '\0'; /* as there is one behind the text */
	return (size_t)(to - text);
}
