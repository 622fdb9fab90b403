/* SPDX-License-Identifier: MIT */
/*
 * compiler/words.c: lists of words and the little text work of a command line.
 *
 * Quoting is that of gcc's response files (libiberty's expandargv), because build systems write
 * them for gcc: a backslash keeps the next character, also within either kind of quotes.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/words.h"

enum { RESPONSE_FILES_NESTED_MAX = 100 }; /* one that names itself must end */

void *must_have(void *memory)
{
	if (memory)
		return memory;
	fputs("weftcc: out of memory\n", stderr);
	exit(1);
}

bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static char *format_list(const char *format, va_list list)
{
	char *text;

	return must_have(vasprintf(&text, format, list) < 0 ? NULL : text);
}

char *format_text(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	char *text = format_list(format, list);
	va_end(list);
	return text;
}

/* Takes ownership of `word`. */
static void words_take(struct words *words, char *word)
{
	if (words->count + 1 >= words->capacity) {
		words->capacity = 2 * words->capacity + 16;
		words->at = must_have(realloc(words->at, words->capacity * sizeof(*words->at)));
	}
	words->at[words->count++] = word;
	words->at[words->count] = NULL;
}

void words_add(struct words *words, const char *word)
{
	words_take(words, must_have(strdup(word)));
}

void words_addf(struct words *words, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	words_take(words, format_list(format, list));
	va_end(list);
}

void words_add_all(struct words *words, const struct words *more)
{
	for (size_t i = 0; i < more->count; i++)
		words_add(words, more->at[i]);
}

void words_finish(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->at[i]);
	free(words->at);
	*words = WORDS;
}

/* Copies the word that begins at `text` to `word`, without its quoting; returns what follows it. */
static const char *word_unquote(const char *text, char *word)
{
	char quote = 0;

	for (; *text && (quote || !isspace((unsigned char)*text)); text++) {
		if (*text == '\\' && text[1])
			*word++ = *++text;
		else if (quote ? *text == quote : *text == '\'' || *text == '"')
			quote = quote ? 0 : *text;
		else
			*word++ = *text;
	}
	*word = 0;
	return text;
}

void words_split(struct words *words, const char *text)
{
	char *word = must_have(malloc(strlen(text) + 1));

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		text = word_unquote(text, word);
		words_add(words, word);
	}
	free(word);
}

/* The text of a file, now yours, or NULL. */
static char *file_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &capacity, 0, file) < 0) { /* empty, or a directory */
		free(text);
		text = ferror(file) ? NULL : must_have(strdup(""));
	}
	(void)fclose(file);
	return text;
}

static void words_add_expanded(struct words *words, char *const *argv, int depth)
{
	for (; *argv; argv++) {
		char *text = **argv == '@' && depth < RESPONSE_FILES_NESTED_MAX
				? file_text(*argv + 1)
				: NULL;
		struct words nested = WORDS;

		if (!text) {
			words_add(words, *argv);
			continue;
		}
		words_split(&nested, text);
		if (nested.count)
			words_add_expanded(words, nested.at, depth + 1);
		words_finish(&nested);
		free(text);
	}
}

void words_add_arguments(struct words *words, char *const *argv)
{
	words_add_expanded(words, argv, 0);
}
