/* SPDX-License-Identifier: MIT */
/*
 * compiler/messages.c: what $CC says of the translated text, in words of the user's own.
 *
 * Why         Warnings that a flag is about come from the pass that knows best (warnings.c). Others
 *             have no flag, so both passes have them: the one that compiles says again, of f__poll and
 *             f__weft_1s, what the check has said of f and s.
 * How         Line by line. A warning is dropped if the check has its words for the same line; if it has
 *             no flag and the check has them anywhere, since some are about what was moved; or if it is at
 *             a line that is ours alone. Notes go with what they are about. In quotes, names of ours
 *             become what they stand for:
 *
 *                 f__poll            f                 x__2      x, in what is said of the frame
 *                 f__weft_1s         s                 weft_f    frame
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/messages.h"
#include "compiler/source.h"
#include "compiler/text.h"
#include "compiler/words.h"

/* ---- names ---- */

static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t name_len(const char *at)
{
	size_t len = 0;

	while (is_of_name(at[len]))
		len++;
	return len;
}

/* Without the number of a variable whose name others have as well. */
static size_t member_len(const char *name, size_t len)
{
	size_t end = len;

	while (end > 0 && isdigit((unsigned char)name[end - 1]))
		end--;
	return end > 2 && end < len && memcmp(name + end - 2, "__", 2) == 0 ? end - 2 : len;
}

/* A name that we made of one of the user's: f__weft_1s, f__poll. A member of a frame, x__2, is one only
 * where the frame is declared: elsewhere it may be a name of the user's. */
static void add_name(const char *name, size_t len, bool is_member, struct text *out)
{
	const char *own = memmem(name, len, "__weft_", 7), *end = name + len;

	if (is_member)
		len = member_len(name, len);
	if (own && own + 7 < end) {
		own += 7;
		while (own < end && isdigit((unsigned char)*own))
			own++;
		if (end - own == 4 && memcmp(own, "func", 4) == 0)
			text_puts(out, "__func__");
		else if (own < end)
			text_add(out, own, (size_t)(end - own));
		else
			text_puts(out, "<unnamed>");
	} else if (len > 6 && memcmp(end - 6, "__poll", 6) == 0) {
		text_add(out, name, len - 6);
	} else if (len > 7 && memcmp(end - 7, "__async", 7) == 0) {
		text_add(out, name, len - 7);
	} else if ((len == 6 && memcmp(name, "weft_f", 6) == 0) ||
			(len == 10 && memcmp(name, "weft_frame", 10) == 0)) {
		text_puts(out, "frame");
	} else {
		text_add(out, name, len);
	}
}

static const char *const quotes[][2] = { { "\xe2\x80\x98", "\xe2\x80\x99" }, { "'", "'" },
	{ "`", "'" } };

/* The length of the quotation mark there, or 0; `close` is set to the one that ends what it begins. */
static size_t quote_len(const char *at, const char **close)
{
	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
		if (starts_with(at, quotes[i][0])) {
			*close = quotes[i][1];
			return strlen(quotes[i][0]);
		}
	return 0;
}

/* What stands in quotes: an expression, a type, a name. */
static void add_quoted(const char *at, const char *end, bool is_ours, struct text *out)
{
	while (at < end) {
		size_t len = name_len(at);

		if (len) {
			add_name(at, len, is_ours, out);
			at += len;
		} else {
			text_add(out, at++, 1);
		}
	}
}

/* `is_ours`: it is said of a line that is ours alone. */
static void add_line(const char *line, const char *end, bool is_ours, struct text *out)
{
	const char *close, *closed;
	size_t len;

	while (line < end) {
		len = quote_len(line, &close);
		closed = len ? memmem(line + len, (size_t)(end - line) - len, close, strlen(close))
			     : NULL;
		text_add(out, line, len ? len : 1);
		line += len ? len : 1;
		if (!closed)
			continue;
		add_quoted(line, closed, is_ours, out);
		line = closed;
		text_puts(out, close);
		line += strlen(close);
	}
	text_puts(out, "\n");
}

/* ---- lines ---- */

enum line_kind { LINE_OTHER, LINE_CONTEXT, LINE_WARNING, LINE_ERROR, LINE_NOTE };

struct line {
	enum line_kind kind;
	size_t place_len;  /* FILE:LINE */
	const char *words; /* what is said there */
	const char *end;
	bool has_flag;
};

/* FILE:LINE:COLUMN without the column. */
static size_t place_len(const char *line, size_t len)
{
	size_t digits = len;

	while (digits > 0 && isdigit((unsigned char)line[digits - 1]))
		digits--;
	if (digits == len || digits < 2 || line[digits - 1] != ':')
		return 0;
	for (size_t before = digits - 1; before > 0; before--)
		if (line[before - 1] == ':')
			return before < digits - 1 ? digits - 1 : len;
		else if (!isdigit((unsigned char)line[before - 1]))
			break;
	return len;
}

static struct line line_of(const char *at)
{
	static const struct {
		const char *word;
		enum line_kind kind;
	} kinds[] = { { ": warning: ", LINE_WARNING }, { ": error: ", LINE_ERROR },
		{ ": fatal error: ", LINE_ERROR }, { ": note: ", LINE_NOTE } };
	struct line line = { .kind = LINE_OTHER, .end = strchrnul(at, '\n') };
	size_t size = (size_t)(line.end - at);

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !line.kind; i++) {
		const char *word = memmem(at, size, kinds[i].word, strlen(kinds[i].word));

		if (!word || !(line.place_len = place_len(at, (size_t)(word - at))))
			continue;
		line.kind = kinds[i].kind;
		line.words = word + strlen(kinds[i].word);
		line.has_flag = line.end[-1] == ']' &&
				memmem(line.words, (size_t)(line.end - line.words), " [-W", 4);
	}
	if (!line.kind &&
			(starts_with(at, "In ") || starts_with(at, "    inlined from ") ||
					memmem(at, size, ": In function ", 14) ||
					memmem(at, size, ": At top level:", 15)))
		line.kind = LINE_CONTEXT;
	return line;
}

/* Whether the check has said it: of that line, if a place is given. */
static bool is_said(
		const char *before, const char *place, size_t len, const char *words, size_t size)
{
	for (const char *at = before; *at;
			at = *strchrnul(at, '\n') ? strchrnul(at, '\n') + 1 : "") {
		struct line line = line_of(at);

		if (line.words && (size_t)(line.end - line.words) == size &&
				memcmp(line.words, words, size) == 0 &&
				(!place || (line.place_len == len && memcmp(at, place, len) == 0)))
			return true;
	}
	return false;
}

static bool is_ours(const char *at)
{
	return starts_with(at, SOURCE_OWN ":");
}

/* Whether the warning, or a note that stands alone, tells nothing new. */
static bool is_dropped(const struct messages *messages, const char *at, const struct line *line)
{
	struct text words = { NULL, 0, 0 };
	bool dropped;

	if (line->kind == LINE_ERROR)
		return false;
	add_line(line->words, line->end, is_ours(at), &words);
	dropped = (is_ours(at) && line->kind == LINE_WARNING) ||
			is_said(messages->before, line->has_flag ? at : NULL, line->place_len,
					words.at, words.size - 1);
	text_free(&words);
	return dropped;
}

static char *without_color(const char *text)
{
	struct text plain = { NULL, 0, 0 };

	text_puts(&plain, "");
	while (*text) {
		if (starts_with(text, "\033[")) {
			text += strcspn(text, "mK");
			text += *text != '\0';
		} else {
			text_add(&plain, text++, 1);
		}
	}
	return plain.at;
}

/* The place and the kind, as gcc and clang colour them. */
static void add_head(const struct messages *messages, const char *place, size_t len,
		const struct line *line, struct text *out)
{
	static const char *const colors[] = { [LINE_WARNING] = "\033[35;1mwarning:",
		[LINE_ERROR] = "\033[31;1merror:",
		[LINE_NOTE] = "\033[36;1mnote:" };

	text_puts(out, messages->color ? "\033[1m" : "");
	text_add(out, place, len);
	if (messages->color)
		text_printf(out, ":\033[0m %s\033[0m ", colors[line->kind]);
	else
		text_printf(out, ": %s ", strchr(colors[line->kind], 'm') + 1);
}

/* Of a function and of what only calls it, perhaps. */
static bool is_in(const struct text *out, const struct text *line)
{
	return memmem(out->at, out->size, line->at, line->size) != NULL;
}

static char *rewrite(const struct messages *messages)
{
	struct text out = { NULL, 0, 0 }, context = out, shown = out;
	bool in_context = false, dropped = false, has_notes = false;
	const char *about = NULL, *next;
	size_t about_len = 0;

	text_puts(&out, "");
	for (const char *at = messages->said; *at; at = next) {
		struct line line = line_of(at);

		next = *line.end ? line.end + 1 : line.end;
		if (line.kind == LINE_CONTEXT) {
			if (!in_context)
				context.size = 0;
			add_line(at, line.end, false, &context);
			in_context = true;
			continue;
		}
		in_context = false;
		if (line.kind == LINE_WARNING || line.kind == LINE_ERROR ||
				(line.kind == LINE_NOTE && !has_notes)) {
			dropped = is_dropped(messages, at, &line);
			has_notes = line.kind != LINE_NOTE;
			about = at;
			about_len = line.place_len;
		}
		if (line.kind && dropped)
			continue;
		shown.size = 0;
		if (line.kind == LINE_NOTE && is_ours(at)) /* of the same line then */
			add_head(messages, about, about_len, &line, &shown);
		else if (line.kind)
			add_head(messages, at, line.place_len, &line, &shown);
		add_line(line.kind ? line.words : at, line.end, is_ours(at), &shown);
		if (line.kind == LINE_WARNING && (dropped = is_in(&out, &shown)))
			continue;
		text_add(&out, context.at ? context.at : "", context.size);
		context.size = 0;
		text_add(&out, shown.at, shown.size);
	}
	text_free(&shown);
	text_free(&context);
	return out.at;
}

char *messages_in_own_words(const struct messages *messages)
{
	struct messages plain = *messages;
	char *said = without_color(messages->said), *before = without_color(messages->before),
	     *shown;

	plain.said = said;
	plain.before = before;
	shown = rewrite(&plain);
	free(said);
	free(before);
	return shown;
}
