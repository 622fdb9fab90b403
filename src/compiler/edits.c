/* SPDX-License-Identifier: MIT */
/*
 * compiler/edits.c: bytes of the source and what stands for them.
 */
#include <stdlib.h>
#include <string.h>

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

/* Whether it is a variable's name, or in one. */
static bool is_of_names(const struct edits *names, const struct edit *edit)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->at[i].begin == edit->begin && names->at[i].end == edit->end)
			return true;
	return false;
}

void lower_render_outside(struct lower *lower, uint32_t begin, uint32_t end, struct text *out)
{
	const struct function *function = lower->function;
	struct edits edits = { NULL, 0, 0 };
	size_t name_count;

	for (size_t i = 0; i < function->name_count; i++) {
		const struct node *name = function->names[i];

		if (name->variable && name->begin >= begin && name->begin < end)
			edits_add(&edits, name->begin, name->begin + (uint32_t)strlen(name->name),
					type_object(lower->tree, function, name->begin,
							name->variable->type));
	}
	name_count = edits.count;
	for (size_t i = 0; name_count && i < lower->edits.count; i++) {
		const struct edit *edit = &lower->edits.at[i];

		if (edit->begin >= begin && edit->begin < end &&
				!is_of_names(&(struct edits){ edits.at, name_count, 0 }, edit))
			edits_add(&edits, edit->begin, edit->end, edit->text);
	}
	edits_sort(&edits);
	edits_render(name_count ? &edits : &lower->edits, lower->source, begin, end, out);
	free(edits.at);
}
