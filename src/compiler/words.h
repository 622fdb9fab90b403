/* SPDX-License-Identifier: MIT */
/*
 * compiler/words.h: a list of words, as argv is one.
 *
 *     struct words gcc = WORDS;
 *     words_add(&gcc, "gcc");
 *     words_addf(&gcc, "-I%s", path);
 *     execvp(gcc.at[0], gcc.at);
 *
 * Memory:  the list owns copies of its words. Out of memory ends the program: it is a command.
 */
#ifndef WEFT_COMPILER_WORDS_H
#define WEFT_COMPILER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
	char **at; /* NULL-terminated once it holds a word */
	size_t count, capacity;
};

#define WORDS ((struct words){ NULL, 0, 0 })

void words_add(struct words *words, const char *word);
void words_addf(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_add_all(struct words *words, const struct words *more);
void words_finish(struct words *words);

/* Adds the words of a text, by the quoting rules of response files: blanks separate, quotes and
 * backslashes keep. */
void words_split(struct words *words, const char *text);

/* Adds argv, with the words of the file in place of each `@file` that can be read. */
void words_add_arguments(struct words *words, char *const *argv);

bool starts_with(const char *text, const char *prefix);
bool ends_with(const char *text, const char *suffix);

/* What `malloc` and its kin have given, or no return. */
void *must_have(void *memory);

/* printf into memory that is yours. */
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
