/* SPDX-License-Identifier: MIT */
/*
 * compiler/source.c: the lexer of preprocessed C.
 *
 * It knows what separates tokens and nothing of their meaning. Every way of writing a character or a
 * string is one token, so that no bracket is found inside of one.
 */
#include "compiler/source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_word_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
	return is_word_start(c) || isdigit((unsigned char)c);
}

/* At `#` at the start of a line. */
static void scan_directive(struct source *source, const char *at, const char *end)
{
	char *after;
	unsigned long line;

	at++;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (at + 4 < end && strncmp(at, "line", 4) == 0)
		at += 4;
	line = strtoul(at, &after, 10);
	if (after == at)
		return; /* a pragma */
	while (after < end && *after == ' ')
		after++;
	source->runs = grow(source->runs, source->run_count, &source->run_capacity,
			sizeof *source->runs);
	struct line_run *run = &source->runs[source->run_count++];

	run->begin = (uint32_t)(end - source->text) + (end < source->text + source->size);
	run->line = (unsigned)line;
	run->system = false;
	run->file = source->run_count > 1 ? run[-1].file : "";
	if (after < end && *after == '"') {
		const char *name = after + 1, *close = name;

		while (close < end && *close != '"')
			close += *close == '\\' ? 2 : 1;
		if (close > end)
			close = end;
		run->file = arena_copy(&source->arena, name, (size_t)(close - name));
		for (after = (char *)close; after < end; after++)
			run->system |= *after == '3';
	}
}

static const char *scan_quoted(const char *at, const char *end)
{
	char quote = *at++;

	while (at < end && *at != quote && *at != '\n')
		at += *at == '\\' && at + 1 < end ? 2 : 1;
	return at < end && *at == quote ? at + 1 : at;
}

static size_t punctuation_size(const char *at, const char *end)
{
	static const char *const longer[] = { "<<=", ">>=", "...", "->", "++", "--", "<<", ">>",
		"<=", ">=", "==", "!=", "&&", "||",
		"*=", "/=", "%=", "+=", "-=", "&=", "^=", "|=", "##" };

	if (at + 1 == end || !strchr("<>.=+-&|#", at[1])) /* nearly always */
		return 1;
	for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
		size_t size = strlen(longer[i]);

		if ((size_t)(end - at) >= size && memcmp(at, longer[i], size) == 0)
			return size;
	}
	return 1;
}

static void add_line(struct source *source, uint32_t begin)
{
	source->lines = grow(source->lines, source->line_count, &source->line_capacity,
			sizeof *source->lines);
	source->lines[source->line_count++] = begin;
}

/* Behind the token that begins there. */
static const char *scan_token(const char *at, const char *end, enum token_kind *kind)
{
	const char *start = at;

	*kind = TOKEN_PUNCTUATION;
	if (*at == '"' || *at == '\'') {
		*kind = TOKEN_STRING;
		return scan_quoted(at, end);
	}
	if (is_word_start(*at)) {
		*kind = TOKEN_WORD;
		while (at < end && is_word(*at))
			at++;
		if (at == end || (*at != '"' && *at != '\'') || at - start > 2 ||
				!strchr("LuU", *start))
			return at;
		*kind = TOKEN_STRING; /* L"", u8"" */
		return scan_quoted(at, end);
	}
	if (!isdigit((unsigned char)*at) &&
			(*at != '.' || at + 1 == end || !isdigit((unsigned char)at[1])))
		return at + punctuation_size(at, end);
	*kind = TOKEN_NUMBER;
	while (at < end &&
			(is_word(*at) || *at == '.' ||
					((*at == '+' || *at == '-') && strchr("eEpP", at[-1])) ||
					(*at == '\'' && at + 1 < end &&
							is_word(at[1])))) /* 1'000 */
		at++;
	return at;
}

/* Behind the comment that begins there, or `at`. */
static const char *skip_comment(const char *at, const char *end)
{
	const char *start = at;

	if (*at != '/' || at + 1 == end)
		return at;
	if (at[1] == '/')
		while (at < end && *at != '\n')
			at++;
	if (start[1] != '*')
		return at;
	for (at += 2; at < end && !(at[-1] == '*' && *at == '/' && at > start + 2);)
		at++;
	return at + (at < end);
}

void source_scan(struct source *source, const char *text, size_t size)
{
	const char *at = text, *end = text + size;
	bool line_start = true;

	memset(source, 0, sizeof *source);
	source->text = text;
	source->size = (uint32_t)size;
	add_line(source, 0);
	for (const char *p = text; (p = memchr(p, '\n', (size_t)(end - p)));)
		add_line(source, (uint32_t)(++p - text));
	while (at < end) {
		const char *start = at;
		enum token_kind kind;

		if (isspace((unsigned char)*at)) {
			line_start |= *at++ == '\n';
			continue;
		}
		if (*at == '#' && line_start) {
			while (at < end && *at != '\n')
				at++;
			scan_directive(source, start, at);
			continue;
		}
		line_start = false;
		at = skip_comment(at, end);
		if (at != start)
			continue;
		at = scan_token(at, end, &kind);
		source->tokens = grow(source->tokens, source->token_count, &source->token_capacity,
				sizeof *source->tokens);
		source->tokens[source->token_count++] = (struct token){ (uint32_t)(start - text),
			(uint32_t)(at - text), kind };
	}
}

void source_free(struct source *source)
{
	free(source->tokens);
	free(source->runs);
	free(source->lines);
	arena_free(&source->arena);
}

static size_t line_of(const struct source *source, uint32_t offset)
{
	size_t low = 1, high = source->line_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (source->lines[middle] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

struct place source_place(const struct source *source, uint32_t offset)
{
	struct place place = { "", 1, 1, false };
	size_t low = 0, high = source->run_count;
	uint32_t from = 0;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (source->runs[middle].begin <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0) {
		const struct line_run *run = &source->runs[low - 1];

		place = (struct place){ run->file, run->line, 1, run->system };
		from = run->begin;
	}
	if (offset > source->size)
		offset = source->size;
	if (offset >= from) {
		size_t line = line_of(source, offset);

		place.line += (unsigned)(line - line_of(source, from));
		place.column = offset - source->lines[line] + 1;
	}
	return place;
}

size_t source_token(const struct source *source, uint32_t offset)
{
	size_t low = 0, high = source->token_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (source->tokens[middle].begin < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool source_is_at(const struct source *source, uint32_t offset, const char *string)
{
	size_t size = strlen(string);

	return source->size - offset >= size && memcmp(source->text + offset, string, size) == 0;
}

bool source_is_attribute(const struct source *source, size_t token)
{
	static const char *const words[] = { "__attribute__", "__attribute", "_Alignas", "__asm__",
		"__asm", "asm", "typeof", "__typeof__", "__typeof", "_Static_assert" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (source_token_is(source, token, words[i]))
			return true;
	return false;
}

size_t source_match(const struct source *source, size_t open)
{
	int depth = 0;

	for (size_t i = open; i < source->token_count; i++) {
		char c = source->text[source->tokens[i].begin];

		if (source->tokens[i].kind != TOKEN_PUNCTUATION)
			continue;
		depth += c == '(' || c == '[' || c == '{';
		depth -= c == ')' || c == ']' || c == '}';
		if (depth == 0)
			return i;
	}
	return source->token_count;
}

void source_mark(struct text *out, struct place place)
{
	text_printf(out, "%s# %u \"%s\"%s\n",
			out->size && out->at[out->size - 1] != '\n' ? "\n" : "", place.line,
			place.file, place.system ? " 3" : "");
}

void source_mark_own(struct text *out)
{
	source_mark(out, (struct place){ .file = SOURCE_OWN, .line = 1 });
}

uint32_t source_with_attributes(const struct source *source, uint32_t begin)
{
	size_t first = source_token(source, begin);

	for (size_t i = first; i-- > 0 && first - i < 64;)
		if ((source_token_is(source, i, "__attribute__") &&
				    source_match(source, i + 1) + 1 == first) ||
				(source_token_is(source, i, "[") &&
						source_token_is(source, i + 1, "[") &&
						source_match(source, i) + 1 == first))
			first = i;
		else if (source_token_is(source, i, ";") || source_token_is(source, i, "}"))
			break;
	return first < source->token_count ? source->tokens[first].begin : begin;
}
