/* SPDX-License-Identifier: MIT */
/*
 * compiler/applied.c: the proof that what was not meant to change has not changed.
 *
 * Why      A translator that works by edits goes wrong silently when two of them overlap, or when a
 *          place is off by one: a piece of the user's program is lost or said twice, and it may still
 *          compile.
 * How      Whoever copies and replaces notes what it replaced and where the replacement is. Here both
 *          texts are walked by these notes alone, and what is between them has to be equal.
 */
#include "compiler/applied.h"

#include <stdlib.h>
#include <string.h>

void applied_add(struct applied *applied, struct piece piece)
{
	applied->at = grow(applied->at, applied->count, &applied->capacity, sizeof *applied->at);
	applied->at[applied->count++] = piece;
}

void applied_free(struct applied *applied)
{
	free(applied->at);
	*applied = (struct applied){ NULL, 0, 0 };
}

bool applied_check(const struct applied *applied, const char *source, size_t size,
		const struct text *out)
{
	const struct piece end = { size, size, out->size, out->size };
	size_t at = 0, out_at = 0;

	for (size_t i = 0; i <= applied->count; i++) {
		const struct piece *piece = i < applied->count ? &applied->at[i] : &end;

		if (piece->begin < at || piece->end < piece->begin || piece->end > size ||
				piece->out_begin < out_at || piece->out_end < piece->out_begin ||
				piece->out_end > out->size ||
				piece->begin - at != piece->out_begin - out_at)
			return false;
		if (piece->begin > at &&
				memcmp(source + at, out->at + out_at, piece->begin - at) != 0)
			return false;
		at = piece->end;
		out_at = piece->out_end;
	}
	return true;
}
