/* SPDX-License-Identifier: MIT */
/*
 * compiler/origin.c: where in the user's file a token of the expanded text was written.
 *
 * Why      A preprocessor says which line its text comes from, but no columns. Macros move those, and
 *          a call of a macro over several lines comes out as one.
 * How      The tokens of the expanded line are laid beside those of the lines that it was made from:
 *
 *              written     weft_try ( await f ( 1 ) ) ; x = MAX ( 2 , g ( ) ) ;
 *              expanded    do { long weft_error_ = ( await f ( 1 ) ) ; if ... ; x = ( { ...
 *
 *          The longest common subsequence gives most tokens their place. What was said more than once
 *          (MAX's arguments) is looked for by its neighbours; what is of the macro itself has the place
 *          of the macro's name.
 * Cost     tokens times tokens, of some lines, for each message.
 */
#include "compiler/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tree.h"

enum { LINES_MAX = 50, CELLS_MAX = 4 << 20 };

#define NOWHERE SIZE_MAX

/* The two texts, by their tokens. */
struct alignment {
	const struct source *expanded;
	size_t first, count; /* tokens of the expanded line */
	struct source written;
	size_t *to;  /* for each of these: the token that it was, or NOWHERE */
	bool *taken; /* for each that was written: whether it is one of these */
};

/* ---- the lines ---- */

static bool is_on_line(const struct source *source, size_t token, const struct place *place)
{
	struct place other = source_place(source, source->tokens[token].begin);

	return other.line == place->line && strcmp(other.file, place->file) == 0;
}

/* From the line to the one that the text goes on with, or NULL. */
static char *read_lines(const char *path, unsigned line, unsigned count)
{
	FILE *file = fopen(path, "r");
	struct text text = { NULL, 0, 0 };
	char *read = NULL;
	size_t capacity = 0;
	ssize_t size;

	if (!file)
		return NULL;
	for (unsigned i = 1; i < line + count && (size = getline(&read, &capacity, file)) >= 0; i++)
		if (i >= line)
			text_add(&text, read, (size_t)size);
	free(read);
	fclose(file);
	return text.at;
}

static unsigned lines_to_next(const struct alignment *a, const struct place *place)
{
	size_t next = a->first + a->count;
	struct place after;

	if (next >= a->expanded->token_count)
		return LINES_MAX;
	after = source_place(a->expanded, a->expanded->tokens[next].begin);
	if (strcmp(after.file, place->file) != 0 || after.line <= place->line)
		return LINES_MAX;
	/* where the text goes on there may be the end of a call that is over several lines */
	return after.line - place->line < LINES_MAX ? after.line - place->line + 1 : LINES_MAX;
}

/* ---- the tokens ---- */

static bool is_same(const struct alignment *a, size_t expanded, size_t written)
{
	static const char *const words[][2] = { { "_Await", "await" }, { "_Async", "async" },
		{ "_Defer", "defer" } };
	const struct token *one = &a->expanded->tokens[a->first + expanded];
	const struct token *other = &a->written.tokens[written];

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (source_token_is(a->expanded, a->first + expanded, words[i][0]) &&
				source_token_is(&a->written, written, words[i][1]))
			return true;
	size_t size = one->end - one->begin;
	const char *text = a->expanded->text + one->begin;

	size -= is_builtin_name(text, size) && size == other->end - other->begin + 1;
	return size == other->end - other->begin &&
			memcmp(text, a->written.text + other->begin, size) == 0;
}

static void find_common(struct alignment *a)
{
	size_t rows = a->count, columns = a->written.token_count, i, j;
	uint16_t *best = calloc((rows + 1) * (columns + 1), sizeof *best);

#define BEST(i, j) best[(i) * (columns + 1) + (j)] /* from there to the end */
	for (i = rows; best && i-- > 0;)
		for (j = columns; j-- > 0;)
			BEST(i, j) = is_same(a, i, j) ? (uint16_t)(BEST(i + 1, j + 1) + 1)
					: BEST(i + 1, j) > BEST(i, j + 1) ? BEST(i + 1, j)
									  : BEST(i, j + 1);
	for (i = j = 0; best && i < rows && j < columns;)
		if (is_same(a, i, j) && BEST(i, j) == BEST(i + 1, j + 1) + 1) {
			a->to[i++] = j;
			a->taken[j++] = true;
		} else if (BEST(i, j) == BEST(i + 1, j)) {
			i++;
		} else {
			j++;
		}
#undef BEST
	free(best);
}

/* How many tokens before and after are the same as well. */
static size_t common_around(const struct alignment *a, size_t expanded, size_t written)
{
	size_t back = 0, on = 0;

	while (back < expanded && back < written &&
			is_same(a, expanded - back - 1, written - back - 1))
		back++;
	while (expanded + on < a->count && written + on < a->written.token_count &&
			is_same(a, expanded + on, written + on))
		on++;
	return back + on;
}

static size_t find_by_neighbours(const struct alignment *a, size_t expanded)
{
	size_t found = NOWHERE, most = 0;

	for (size_t j = 0; j < a->written.token_count; j++)
		if (is_same(a, expanded, j) && common_around(a, expanded, j) > most) {
			most = common_around(a, expanded, j);
			found = j;
		}
	return found;
}

/* Behind what was written before it. */
static size_t find_next(const struct alignment *a, size_t expanded)
{
	while (expanded-- > 0)
		if (a->to[expanded] != NOWHERE)
			return a->to[expanded] + 1;
	return 0;
}

/* A word that has gone, next to where the token would stand: behind it comes what it was given, if
 * anything. */
static size_t find_macro(const struct alignment *a, size_t expanded)
{
	size_t near = find_next(a, expanded);

	for (size_t j = near; j < a->written.token_count && j <= near + 1; j++)
		if (a->written.tokens[j].kind == TOKEN_WORD && !a->taken[j])
			return j;
	for (size_t j = near < a->written.token_count ? near : a->written.token_count; j-- > 0;)
		if (a->written.tokens[j].kind == TOKEN_WORD && !a->taken[j])
			return j;
	return NOWHERE;
}

static size_t find_written(struct alignment *a, size_t expanded)
{
	size_t found;

	a->to = malloc((a->count + 1) * sizeof *a->to);
	a->taken = calloc(a->written.token_count + 1, sizeof *a->taken);
	for (size_t i = 0; a->to && i < a->count; i++)
		a->to[i] = NOWHERE;
	if (!a->to || !a->taken || a->count * a->written.token_count > CELLS_MAX)
		return NOWHERE;
	find_common(a);
	found = a->to[expanded];
	if (found == NOWHERE &&
			a->expanded->tokens[a->first + expanded].kind == TOKEN_PUNCTUATION) {
		found = find_next(a, expanded);
		return found < a->written.token_count ? found : NOWHERE;
	}
	if (found == NOWHERE)
		found = find_by_neighbours(a, expanded);
	return found == NOWHERE ? find_macro(a, expanded) : found;
}

/* The last line counts up to the end of the call that began before it, if one did. */
static void cut_last_line(struct source *written, unsigned count)
{
	int depth = 0;

	for (size_t j = 0; j < written->token_count; j++) {
		struct place place = source_place(written, written->tokens[j].begin);

		if (place.line >= count && count > 1 && depth <= 0) {
			written->token_count = j;
			return;
		}
		depth += source_token_is(written, j, "(") - source_token_is(written, j, ")");
	}
}

static void align(struct alignment *a, size_t token, unsigned count, struct origin *origin)
{
	size_t written;
	struct place there;

	source_scan(&a->written, origin->text, strlen(origin->text));
	cut_last_line(&a->written, count);
	written = find_written(a, token - a->first);
	if (written != NOWHERE) {
		there = source_place(&a->written, a->written.tokens[written].begin);
		origin->place.column = there.column;
		memmove(origin->text,
				origin->text + a->written.tokens[written].begin -
						(there.column - 1),
				strlen(origin->text) - a->written.tokens[written].begin +
						(there.column - 1) + 1);
		origin->place.line += there.line - 1;
	}
	source_free(&a->written);
	free(a->to);
	free(a->taken);
}

struct origin origin_find(const struct source *source, uint32_t at)
{
	struct origin origin = { source_place(source, at), NULL };
	size_t token = source_token(source, at);
	struct alignment a = { .expanded = source, .first = token };
	unsigned count = 1;

	if (token < source->token_count) {
		while (a.first > 0 && is_on_line(source, a.first - 1, &origin.place))
			a.first--;
		a.count = token - a.first + 1;
		while (a.first + a.count < source->token_count &&
				is_on_line(source, a.first + a.count, &origin.place))
			a.count++;
	}
	if (token < source->token_count)
		count = lines_to_next(&a, &origin.place);
	origin.text = read_lines(origin.place.file, origin.place.line, count);
	if (origin.text && token < source->token_count && source->tokens[token].begin == at)
		align(&a, token, count, &origin);
	if (origin.text)
		origin.text[strcspn(origin.text, "\r\n")] = '\0';
	return origin;
}
