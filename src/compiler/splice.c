/* SPDX-License-Identifier: MIT */
/*
 * compiler/splice.c: generated text between the lines of the user's own file.
 *
 * Why         Expanded text holds the system's headers, so it belongs to one machine. A file that keeps
 *             its #includes can be put into a release and compiled elsewhere, without weftcc.
 * How         By whole lines: those with something to translate are taken from the expanded text, the
 *             others from the file. Expanded lines are expanded once more when the result is compiled,
 *             which changes nothing unless a macro's text names a macro that was not expanded in it.
 */
#include "compiler/splice.h"

#include <string.h>

/* Lines of the user's file, and the same lines in the expanded text. */
struct lines {
	unsigned first, last;
	uint32_t begin, end;
};

static bool is_of_the_user(const struct tree *tree, uint32_t offset)
{
	return strcmp(source_place(tree->source, offset).file, tree->options->path) == 0;
}

static struct lines lines_of(const struct source *source, uint32_t begin, uint32_t end)
{
	struct place first = source_place(source, begin), last = source_place(source, end - 1);
	const char *newline = memchr(source->text + end, '\n', source->size - end);

	return (struct lines){ first.line, last.line, begin - (first.column - 1),
		newline ? (uint32_t)(newline + 1 - source->text) : source->size };
}

/* The beginning of a line of the original, whose end if there is no such line. */
static const char *original_line(const char *original, unsigned line)
{
	while (--line > 0 && *original) {
		original += strcspn(original, "\n");
		original += *original == '\n';
	}
	return original;
}

static void emit_lines(struct tree *tree, const struct replacements *list, struct lines lines,
		size_t first, struct text *out)
{
	uint32_t at = lines.begin;

	for (size_t i = first; i < list->count && list->at[i].begin < lines.end; i++) {
		if (list->at[i].begin < at) {
			tree->is_inconsistent |= list->at[i].end > at;
			continue;
		}
		text_add(out, tree->source->text + at, list->at[i].begin - at);
		at = list->at[i].end;
		replacement_emit(tree, &list->at[i], out);
	}
	if (at < lines.end)
		text_add(out, tree->source->text + at, lines.end - at);
}

static bool can_splice(const struct tree *tree, const struct replacements *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct replacement *replacement = &list->at[i];
		bool is_declaration = replacement->function && replacement->function->is_async &&
				!replacement->is_definition;

		if (!is_declaration && !is_of_the_user(tree, replacement->begin))
			return false;
	}
	return true;
}

bool splice(struct tree *tree, const struct replacements *list, struct text *out)
{
	const char *original = tree->options->original;
	bool declared = false;
	unsigned next = 1;
	uint32_t done = 0;
	size_t out_begin;

	if (!can_splice(tree, list))
		return false;
	source_mark(out, (struct place){ tree->options->path, 1, 1, false });
	applied_add(&tree->applied, (struct piece){ 0, 0, 0, out->size });
	for (size_t i = 0; i < list->count; i++) {
		struct lines lines;
		const char *from, *to;

		if (list->at[i].begin < done || !is_of_the_user(tree, list->at[i].begin))
			continue;
		lines = lines_of(tree->source, list->at[i].begin, list->at[i].end);
		for (size_t n = i + 1; n < list->count && list->at[n].begin < lines.end; n++)
			if (list->at[n].end > lines.end) {
				struct lines more = lines_of(
						tree->source, list->at[n].begin, list->at[n].end);

				lines.last = more.last;
				lines.end = more.end;
			}
		from = original_line(original, next);
		to = original_line(original, lines.first);
		if (to > from)
			text_add(out, from, (size_t)(to - from));
		out_begin = out->size;
		/* what headers declare is needed from here on */
		for (struct function *f = tree->functions; f && !declared; f = f->next)
			if (f->is_async && f->declaration_count &&
					!is_of_the_user(tree, f->declarations[0].begin))
				replacement_declare(tree, f, out);
		declared = true;
		source_mark(out, (struct place){ tree->options->path, lines.first, 1, false });
		emit_lines(tree, list, lines, i, out);
		next = lines.last + 1;
		done = lines.end;
		source_mark(out, (struct place){ tree->options->path, next, 1, false });
		applied_add(&tree->applied,
				(struct piece){ (size_t)(to - original),
						(size_t)(original_line(original, next) - original),
						out_begin, out->size });
	}
	text_puts(out, original_line(original, next));
	tree->is_inconsistent |= !applied_check(&tree->applied, original, strlen(original), out);
	return true;
}
