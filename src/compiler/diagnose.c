/* SPDX-License-Identifier: MIT */
/*
 * compiler/diagnose.c: messages at a place in the user's file, in the form that editors know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tree.h"

/* The line of the user's own file, without its end; NULL if it cannot be read. */
static char *read_line(const char *path, unsigned line)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t capacity = 0;
	ssize_t size = -1;

	if (!file)
		return NULL;
	for (unsigned i = 0; i < line; i++)
		if ((size = getline(&text, &capacity, file)) < 0)
			break;
	fclose(file);
	if (size < 0) {
		free(text);
		return NULL;
	}
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

/* The short word that the user wrote for what the text has. */
static const char *as_written(const char *word)
{
	static const char *const words[][2] = { { "_Await", "await" }, { "_Async", "async" },
		{ "_Defer", "defer" } };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i][0]) == 0)
			return words[i][1];
	return word;
}

static bool is_word_at(const char *line, const char *at, const char *word)
{
	size_t size = strlen(word);
	const char *other = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	return strncmp(at, word, size) == 0 && !(at > line && strchr(other, at[-1])) &&
			!(at[size] && strchr(other, at[size]));
}

/* Macros move the columns: the caret goes to the same word, counted from the start of the line. */
static unsigned column_of(
		const struct tree *tree, uint32_t at, const struct place *place, const char *line)
{
	const struct source *source = tree->source;
	size_t token = source_token(source, at);
	unsigned nth = 0, seen = 0;
	char expanded[128], word[128];

	/* what is no word has its column beside the word that follows */
	if (token + 1 < source->token_count && source->tokens[token].begin == at &&
			source->tokens[token].kind == TOKEN_PUNCTUATION &&
			source->tokens[token + 1].kind == TOKEN_WORD) {
		uint32_t word_at = source->tokens[token + 1].begin;
		struct place there = source_place(source, word_at);
		unsigned column = column_of(tree, word_at, &there, line);

		if (there.line != place->line || column <= word_at - at)
			return place->column;
		return column - (word_at - at);
	}
	if (token >= source->token_count || source->tokens[token].begin != at ||
			source->tokens[token].end - at >= sizeof word)
		return place->column;
	snprintf(expanded, sizeof expanded, "%.*s", (int)(source->tokens[token].end - at),
			source->text + at);
	snprintf(word, sizeof word, "%s", as_written(expanded));
	for (size_t i = token; i-- > 0 &&
			source_place(source, source->tokens[i].begin).line == place->line;)
		nth += source_token_is(source, i, expanded);
	for (const char *p = line; *p; p++)
		if (is_word_at(line, p, word) && seen++ == nth)
			return (unsigned)(p - line) + 1;
	return place->column;
}

struct severity {
	const char *name, *colour;
};

static const struct severity error = { "error", "\033[31;1m" },
			     warning = { "warning", "\033[35;1m" };

static void say(struct tree *tree, uint32_t at, const struct severity *severity, const char *code,
		const char *format, va_list args)
{
	struct place place = source_place(tree->source, at);
	char *line = read_line(place.file, place.line);
	bool color = tree->options->color;
	struct text text = { NULL, 0, 0 };
	char message[1024];

	if (line)
		place.column = column_of(tree, at, &place, line);
	vsnprintf(message, sizeof message, format, args);
	text_printf(&text, "%s%s:%u:%u:%s %s%s:%s %s", color ? "\033[1m" : "", place.file,
			place.line, place.column, color ? "\033[0m" : "",
			color ? severity->colour : "", severity->name, color ? "\033[0m" : "",
			message);
	text_printf(&text, code ? " [%s]\n" : "\n", code);
	if (line) {
		text_printf(&text, "%5u | %s\n      | ", place.line, line);
		for (unsigned i = 1; i < place.column && line[i - 1]; i++)
			text_puts(&text, line[i - 1] == '\t' ? "\t" : " ");
		text_puts(&text, "^\n");
	}
	fputs(text.at, stderr);
	text_free(&text);
	free(line);
}

void diagnose_error(struct tree *tree, uint32_t at, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(tree, at, &error, code, format, args);
	va_end(args);
	tree->error_count++;
}

void diagnose_warning(struct tree *tree, uint32_t at, const char *code, const char *format, ...)
{
	va_list args;

	if (tree->options->no_warnings)
		return;
	va_start(args, format);
	say(tree, at, tree->options->werror ? &error : &warning, code, format, args);
	va_end(args);
	if (tree->options->werror)
		tree->error_count++;
	else
		tree->warning_count++;
}
