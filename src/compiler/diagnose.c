/* SPDX-License-Identifier: MIT */
/*
 * compiler/diagnose.c: messages at a place in the user's file, in the form that editors know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tree.h"
#include "compiler/words.h"

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

/* The word that the user wrote for what the text has; `weft_join` stands for weft_join_. */
static const char *as_written(char *word)
{
	size_t size = strlen(word);

	static const char *const words[][2] = { { "_Await", "await" }, { "_Async", "async" },
		{ "_Defer", "defer" } };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i][0]) == 0)
			return words[i][1];
	if (strncmp(word, "weft_", 5) == 0 && word[size - 1] == '_')
		word[size - 1] = '\0';
	return word;
}

static bool is_word_at(const char *line, const char *at, const char *word)
{
	size_t size = strlen(word);
	const char *other = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	return strncmp(at, word, size) == 0 && !(at > line && strchr(other, at[-1])) &&
			!(at[size] && strchr(other, at[size]));
}

/* Where the line first says something else than the text: at the name of a macro. */
static unsigned column_of_macro(const struct tree *tree, size_t token, const char *line)
{
	const struct source *source = tree->source;
	unsigned number = source_place(source, source->tokens[token].begin).line;
	const char *at = line;
	char text[128];

	while (token > 0 && source_place(source, source->tokens[token - 1].begin).line == number)
		token--;
	for (; token < source->token_count; token++) {
		const struct token *next = &source->tokens[token];

		at += strspn(at, " \t");
		snprintf(text, sizeof text, "%.*s", (int)(next->end - next->begin),
				source->text + next->begin);
		const char *word = as_written(text);
		if (next->kind == TOKEN_WORD ? !is_word_at(line, at, word)
					     : strncmp(at, word, strlen(word)) != 0)
			break;
		at += strlen(word);
	}
	return (unsigned)(at - line) + 1;
}

/* Macros move the columns: the caret goes to the same word, counted from the start of the line, or to the
 * macro. */
static unsigned column_of(
		const struct tree *tree, uint32_t at, const struct place *place, const char *line)
{
	const struct source *source = tree->source;
	size_t token = source_token(source, at);
	unsigned nth = 0, seen = 0;
	char expanded[128];

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
			source->tokens[token].end - at >= sizeof expanded)
		return place->column;
	snprintf(expanded, sizeof expanded, "%.*s", (int)(source->tokens[token].end - at),
			source->text + at);
	for (size_t i = token; i-- > 0 &&
			source_place(source, source->tokens[i].begin).line == place->line;)
		nth += source_token_is(source, i, expanded);
	const char *word = as_written(expanded);
	for (const char *p = line; *p; p++)
		if (is_word_at(line, p, word) && seen++ == nth)
			return (unsigned)(p - line) + 1;
	return column_of_macro(tree, token, line);
}

static const struct {
	const char *name, *colour;
} severities[] = {
	[SEVERITY_WARNING] = { "warning", "\033[35;1m" },
	[SEVERITY_ERROR] = { "error", "\033[31;1m" },
};

/* `tag` is what stands in brackets at the end, or NULL. */
static void say(struct tree *tree, uint32_t at, enum severity severity, const char *tag,
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
			color ? severities[severity].colour : "", severities[severity].name,
			color ? "\033[0m" : "", message);
	text_printf(&text, tag ? " [%s]\n" : "\n", tag);
	if (line) {
		text_printf(&text, "%5u | %s\n      | ", place.line, line);
		for (unsigned i = 1; i < place.column && line[i - 1]; i++)
			text_puts(&text, line[i - 1] == '\t' ? "\t" : " ");
		text_puts(&text, "^\n");
	}
	fputs(text.at, stderr);
	text_free(&text);
	free(line);
	if (severity == SEVERITY_ERROR)
		tree->error_count++;
	else
		tree->warning_count++;
}

void diagnose_error(struct tree *tree, uint32_t at, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(tree, at, SEVERITY_ERROR, code, format, args);
	va_end(args);
}

/* Whether a comment allows it: on its line, or alone on the line before. */
static bool is_allowed(const struct tree *tree, uint32_t at, enum mistake mistake)
{
	struct place place = source_place(tree->source, at);
	char *line = read_line(place.file, place.line);
	char *before = place.line > 1 ? read_line(place.file, place.line - 1) : NULL;
	const char *start = before ? before + strspn(before, " \t") : "";
	bool is_comment = strncmp(start, "/*", 2) == 0 || strncmp(start, "//", 2) == 0;
	bool allows = (line && mistake_is_allowed_by(mistake, line)) ||
			(is_comment && mistake_is_allowed_by(mistake, before));

	free(line);
	free(before);
	return allows;
}

void diagnose_mistake(struct tree *tree, uint32_t at, enum mistake mistake, const char *format, ...)
{
	const struct mistake_flags *flags = &tree->options->mistakes;
	enum severity severity = mistake_severity(flags, mistake);
	va_list args;

	if (severity == SEVERITY_NONE || is_allowed(tree, at, mistake))
		return;
	char *flag = mistake_flag(flags, mistake);
	char *tag = format_text("%s, %s", mistake_code(mistake), flag);
	va_start(args, format);
	say(tree, at, severity, tag, format, args);
	va_end(args);
	free(tag);
	free(flag);
}
