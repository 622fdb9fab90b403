/* SPDX-License-Identifier: MIT */
/*
 * compiler/linemarkers.h: what is done to preprocessed text for the sake of its linemarkers.
 *
 * Memory: the texts are yours.
 */
#ifndef WEFT_COMPILER_LINEMARKERS_H
#define WEFT_COMPILER_LINEMARKERS_H

#include <stddef.h>

struct marked {
	char *text;
	size_t size;
};

/* Undoes, in place, what gcc does to a line with a macro of a system header: it breaks the line and says
 * that the piece is from that header, in the middle of a statement. Returns the new size. */
size_t linemarkers_join(char *text, size_t size);

/* What a C compiler takes as a .c file: `#line` in place of linemarkers. */
struct marked linemarkers_to_source(const char *text, size_t size);

/* What a reader wants to see: the lines that come from `path`, without markers and without those that
 * are blank because of a comment or a directive. NULL: of all files. */
struct marked linemarkers_to_reading(const char *text, size_t size, const char *path);

#endif
