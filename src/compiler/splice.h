/* SPDX-License-Identifier: MIT */
/*
 * compiler/splice.h: what replaces what in a file, and how to keep the rest as the user wrote it.
 */
#ifndef WEFT_COMPILER_SPLICE_H
#define WEFT_COMPILER_SPLICE_H

#include "compiler/lower.h"

struct replacement {
	uint32_t begin, end;
	struct function *function; /* NULL: text */
	bool is_definition;
	const char *text;
};

/* In the order of the text; one may be inside of another, which then stands for both. */
struct replacements {
	struct replacement *at;
	size_t count, capacity;
};

/* translate.c */
struct replacements replacements_find(struct tree *tree, const struct edits *async_objects);
void replacement_emit(struct tree *tree, const struct replacement *replacement, struct text *out);
/* What the prototype of an async function becomes, if that has not been emitted yet. */
void replacement_declare(struct tree *tree, struct function *function, struct text *out);

/* Writes the user's own file, with its #includes and macros, and what is translated in the place of the
 * lines that have something to translate. False, nothing written: something to translate is in another
 * file, so that only the expanded text will do. */
bool splice(struct tree *tree, const struct replacements *list, struct text *out);

#endif
