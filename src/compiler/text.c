/* SPDX-License-Identifier: MIT */
/*
 * compiler/text.c: growing strings, and an arena.
 */
#include "compiler/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/words.h"

void *grow(void *array, size_t count, size_t *capacity, size_t item_size)
{
	if (count < *capacity)
		return array;
	*capacity = *capacity ? 2 * *capacity : 16;
	return must_have(realloc(array, *capacity * item_size));
}

static void text_reserve(struct text *text, size_t size)
{
	if (text->size + size + 1 > text->capacity) {
		text->capacity = 2 * (text->size + size) + 64;
		text->at = must_have(realloc(text->at, text->capacity));
	}
}

void text_add(struct text *text, const char *bytes, size_t size)
{
	text_reserve(text, size);
	memcpy(text->at + text->size, bytes, size);
	text->size += size;
	text->at[text->size] = '\0';
}

void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args, again;
	int size;

	va_start(args, format);
	va_copy(again, args);
	size = vsnprintf(text->at ? text->at + text->size : NULL, text->capacity - text->size,
			format, args);
	must_have(size < 0 ? NULL : text);
	if (text->size + (size_t)size >= text->capacity) {
		text_reserve(text, (size_t)size);
		vsnprintf(text->at + text->size, (size_t)size + 1, format, again);
	}
	text->size += (size_t)size;
	va_end(again);
	va_end(args);
}

void text_free(struct text *text)
{
	free(text->at);
	*text = (struct text){ NULL, 0, 0 };
}

/* ---- the arena ---- */

enum { CHUNK_BYTES = 64 * 1024 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	max_align_t bytes[];
};

void *arena_zalloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	void *memory;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!chunk || chunk->used + size > chunk->size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;

		chunk = must_have(calloc(1, sizeof *chunk + room));
		chunk->size = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	memory = (char *)chunk->bytes + chunk->used;
	chunk->used += size;
	return memory;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t size)
{
	char *copy = arena_zalloc(arena, size + 1);

	memcpy(copy, bytes, size);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char *string, *copy;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&string, format, args);
	va_end(args);
	copy = arena_copy(arena, must_have(size < 0 ? NULL : string), (size_t)size);
	free(string);
	return copy;
}

void arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
}
