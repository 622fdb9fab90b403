/* SPDX-License-Identifier: MIT */
/*
 * compiler/source.h: preprocessed text, its tokens, and where each byte came from.
 *
 * Positions are offsets into the text. A linemarker (`# 12 "file.c" 3`) says where the lines after it are
 * from; tokens leave linemarkers, pragmas, comments and blanks out.
 */
#ifndef WEFT_COMPILER_SOURCE_H
#define WEFT_COMPILER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler/text.h"

enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_PUNCTUATION };

struct token {
	uint32_t begin, end;
	enum token_kind kind;
};

struct place {
	const char *file; /* quoted and escaped as in the linemarker, without the quotes */
	unsigned line, column;
	bool system; /* in a system header */
};

struct source {
	const char *text;
	uint32_t size;
	struct token *tokens;
	size_t token_count, token_capacity;
	struct line_run { /* lines that follow a linemarker */
		uint32_t begin;
		unsigned line;
		const char *file;
		bool system;
	} * runs;
	size_t run_count, run_capacity;
	uint32_t *lines; /* where each begins */
	size_t line_count, line_capacity;
	struct arena arena;
};

/* `text` is borrowed until source_free. */
void source_scan(struct source *source, const char *text, size_t size);
void source_free(struct source *source);

struct place source_place(const struct source *source, uint32_t offset);

/* The first token at or after the offset: an index, token_count if there is none. */
size_t source_token(const struct source *source, uint32_t offset);

/* Asked of every token for many words: in line, the length of a constant costs nothing. */
static inline bool source_token_is(const struct source *source, size_t index, const char *string)
{
	if (index >= source->token_count)
		return false;

	const struct token *token = &source->tokens[index];
	size_t size = token->end - token->begin;

	return strlen(string) == size && memcmp(source->text + token->begin, string, size) == 0;
}

bool source_is_at(const struct source *source, uint32_t offset, const char *string);

/* From a token that opens a bracket to the one that closes it; token_count if it is never closed. */
size_t source_match(const struct source *source, size_t open);

/* Where a declaration begins with the attributes in front of it, which libclang leaves out. */
uint32_t source_with_attributes(const struct source *source, uint32_t begin);

/* Whether the token is a word whose parentheses declare nothing: those of an attribute, a typeof. */
bool source_is_attribute(const struct source *source, size_t token);

/* The system-header flag, newline and all: a linemarker that says that the next byte is at `place`. */
void source_mark(struct text *out, struct place place);

/* The file of generated functions that no line of the user's stands for, in linemarkers. */
#define SOURCE_OWN "<weftcc>"

void source_mark_own(struct text *out);

#endif
