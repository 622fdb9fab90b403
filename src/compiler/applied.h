/* SPDX-License-Identifier: MIT */
/*
 * compiler/applied.h: the proof that what was not meant to change has not changed.
 *
 *     applied_add(&applied, edit_begin, edit_end, out_begin, out.size);    // at each replacement
 *     ...
 *     if (!applied_check(&applied, source, source_size, &out))
 *             the translator is broken: nothing is emitted
 */
#ifndef WEFT_COMPILER_APPLIED_H
#define WEFT_COMPILER_APPLIED_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/text.h"

struct applied {
	struct piece {
		size_t begin, end;         /* of the source: replaced by */
		size_t out_begin, out_end; /* of the output */
	} * at;
	size_t count, capacity;
};

void applied_add(struct applied *applied, struct piece piece);
void applied_free(struct applied *applied);

/* Whether the output without what was inserted is the source without what was replaced, byte for byte. */
bool applied_check(const struct applied *applied, const char *source, size_t size,
		const struct text *out);

#endif
