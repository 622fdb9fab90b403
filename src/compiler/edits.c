/* SPDX-License-Identifier: MIT */
/*
 * compiler/edits.c: bytes of the source and what stands for them.
 */
#include <stdlib.h>

#include "compiler/lower.h"

void edits_add(struct edits *edits, uint32_t begin, uint32_t end, const char *text)
{
	edits->at = grow(edits->at, edits->count, &edits->capacity, sizeof *edits->at);
	edits->at[edits->count++] = (struct edit){ begin, end, text };
}

static int compare_edits(const void *a, const void *b)
{
	const struct edit *left = a, *right = b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return left->end > right->end ? -1 : left->end < right->end; /* the outer one first */
}

void edits_sort(struct edits *edits)
{
	if (edits->count)
		qsort(edits->at, edits->count, sizeof *edits->at, compare_edits);
}

bool edits_nest(const struct edits *edits)
{
	uint32_t *ends = NULL; /* of those around */
	size_t depth = 0, capacity = 0;
	bool nest = true;

	for (size_t i = 0; i < edits->count && nest; i++) {
		const struct edit *edit = &edits->at[i];

		while (depth > 0 && ends[depth - 1] <= edit->begin)
			depth--;
		nest = depth == 0 || edit->end <= ends[depth - 1];
		ends = grow(ends, depth, &capacity, sizeof *ends);
		ends[depth++] = edit->end;
	}
	free(ends);
	return nest;
}

/* What is inside of an edit belongs to it; an edit that does not fit into the range does not count. */
void edits_render(const struct edits *edits, const struct source *source, uint32_t begin,
		uint32_t end, struct text *out)
{
	size_t low = 0, high = edits->count;
	uint32_t at = begin;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (edits->at[middle].begin < begin)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < edits->count && edits->at[low].begin < end; low++) {
		const struct edit *edit = &edits->at[low];

		if (edit->begin < at || edit->end > end)
			continue;
		text_add(out, source->text + at, edit->begin - at);
		text_puts(out, edit->text);
		at = edit->end;
	}
	if (end > at)
		text_add(out, source->text + at, end - at);
}
