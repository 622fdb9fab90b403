/* SPDX-License-Identifier: MIT */
/*
 * compiler/emit.h: translated text in the forms that others read.
 *
 * Memory: the texts are yours.
 */
#ifndef WEFT_COMPILER_EMIT_H
#define WEFT_COMPILER_EMIT_H

#include <stddef.h>

struct emitted {
	char *text;
	size_t size;
};

/* What a C compiler takes as a .c file: `#line` in place of linemarkers. */
struct emitted emit_source(const char *text, size_t size);

/* What a reader wants to see: the lines that come from `path`, without markers and without those that
 * are blank because of a comment or a directive. NULL: of all files. */
struct emitted emit_reading(const char *text, size_t size, const char *path);

#endif
