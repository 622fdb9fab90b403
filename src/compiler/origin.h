/* SPDX-License-Identifier: MIT */
/*
 * compiler/origin.h: where in the user's file a token of the expanded text was written.
 */
#ifndef WEFT_COMPILER_ORIGIN_H
#define WEFT_COMPILER_ORIGIN_H

#include "compiler/source.h"

/* The place of the token, or of the macro that it came out of. `text` is its line, malloc'ed; NULL if the
 * file cannot be read. */
struct origin {
	struct place place;
	char *text;
};

struct origin origin_find(const struct source *source, uint32_t at);

#endif
