/* SPDX-License-Identifier: MIT */
/*
 * compiler/text.h: growing strings, and an arena for what lives as long as a translation.
 *
 * Memory: running out of it ends the process with a message: a compiler has nothing to save.
 */
#ifndef WEFT_COMPILER_TEXT_H
#define WEFT_COMPILER_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* All zero is empty. `at` is always followed by a NUL once there is something. */
struct text {
	char *at;
	size_t size, capacity;
};

void text_add(struct text *text, const char *bytes, size_t size);
void text_puts(struct text *text, const char *string);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);
void text_free(struct text *text);

/* An arena: everything is freed at once. All zero is empty. */
struct arena {
	struct arena_chunk *chunks;
};

void *arena_zalloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *bytes, size_t size);
__attribute__((format(printf, 2, 3))) char *arena_printf(
		struct arena *arena, const char *format, ...);
void arena_free(struct arena *arena);

/* Room for one more in an array that grows by doubling:
 *     array = grow(array, count, &capacity, sizeof *array) */
void *grow(void *array, size_t count, size_t *capacity, size_t item_size);

#endif
