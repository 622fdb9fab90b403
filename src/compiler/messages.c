/* SPDX-License-Identifier: MIT */
/*
 * compiler/messages.c: what $CC says of the translated text, in words of the user's own.
 *
 * Why         Warnings that a flag is about come from the pass that knows best (warnings.c). Others
 *             have no flag, so both passes have them: the one that compiles says again, of f__poll and
 *             weft_f->x, what the check has said of f and x.
 * How         Line by line. A warning is dropped if the check has its words for the same line; if it has
 *             no flag and the check has them anywhere, since some are about what was moved; or if it is at
 *             a line that is ours alone. Notes go with what they are about. In quotes, names of ours
 *             become what they stand for:
 *
 *                 f__poll            f                 weft_f->x, weft_f->x__2    x
 *                 f__weft_s1         s                 weft_f->args.p0            the first parameter
 *                 weft_f             frame             weft_f->weft_t1            temporary
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/messages.h"
#include "compiler/source.h"
#include "compiler/text.h"
#include "compiler/words.h"

struct renaming {
	const struct messages *messages;
	struct text function; /* that the messages are in, by its own name */
};

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

/* The parameter with the number that stands at `digits`, as struct f__names has it; NULL: nobody knows. */
static const char *parameter_name(const struct renaming *renaming, const char *digits, size_t *len)
{
	unsigned number = 0;

	char *head = format_text(
			"struct %s__names {\n", renaming->function.at ? renaming->function.at : "");
	const char *at = strstr(renaming->messages->translated, head), *end, *name;

	at = at ? at + strlen(head) : NULL;
	free(head);
	for (; isdigit((unsigned char)*digits); digits++)
		number = number * 10 + (unsigned)(*digits - '0');
	for (; at && *at && *at != '}'; at = end + 1) {
		end = strchr(at, '\n');
		if (!end)
			break;
		for (name = end - 1; name > at && is_of_name(name[-1]); name--)
			;
		*len = (size_t)(end - 1 - name);
		if (starts_with(name, "weft_base") || starts_with(name, "weft_result"))
			continue;
		if (number-- == 0)
			return name;
	}
	return NULL;
}

/* A member of a frame: `x`, `x__2`, `args.p0`, `weft_t1`. Returns what is behind it. */
static const char *add_member(const struct renaming *renaming, const char *at, struct text *out)
{
	size_t len = name_len(at), known;
	const char *name;

	if (starts_with(at, "args.p") && (name = parameter_name(renaming, at + 6, &known))) {
		text_add(out, name, known);
		return at + 5 + name_len(at + 5);
	}
	if (starts_with(at, "args.result")) {
		text_puts(out, "result");
		return at + strlen("args.result");
	}
	if (starts_with(at, "weft_")) {
		text_puts(out, "temporary");
		return at + len;
	}
	for (known = len; known > 0 && isdigit((unsigned char)at[known - 1]); known--)
		;
	if (known < 3 || known == len || at[known - 1] != '_' || at[known - 2] != '_')
		known = len + 2;
	text_add(out, at, known - 2);
	return at + len;
}

/* A name that we made of one of the user's: f__weft_s1, f__weft_2ONE, f__poll. */
static void add_name(const char *name, size_t len, struct text *out)
{
	const char *lifted = memmem(name, len, "__weft_", 7);
	const char *own = lifted ? lifted + 7 : NULL, *end = name + len;

	if (own && end - own == 4 && memcmp(own, "func", 4) == 0) {
		text_puts(out, "__func__");
	} else if (own && own < end) {
		bool is_enumerator = isdigit((unsigned char)*own) != 0;

		while (own < end && isdigit((unsigned char)*own))
			own++;
		while (!is_enumerator && end > own && isdigit((unsigned char)end[-1]))
			end--;
		if (own == end)
			text_puts(out, "<unnamed>");
		text_add(out, own, (size_t)(end - own));
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
static void add_quoted(
		const struct renaming *renaming, const char *at, const char *end, struct text *out)
{
	while (at < end) {
		size_t len = name_len(at);

		if (starts_with(at, "weft_f->")) {
			at = add_member(renaming, at + strlen("weft_f->"), out);
		} else if (len) {
			add_name(at, len, out);
			at += len;
		} else {
			text_add(out, at++, 1);
		}
	}
}

static void add_line(const struct renaming *renaming, const char *line, const char *end,
		struct text *out)
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
		add_quoted(renaming, line, closed, out);
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

/* The function in `FILE: In function 'f__poll':`, or that others are inlined into. */
static void note_function(struct renaming *renaming, const char *at, const char *end)
{
	const char *poll = memmem(at, (size_t)(end - at), "__poll", 6), *name = poll;

	while (name && name > at && is_of_name(name[-1]))
		name--;
	renaming->function.size = 0;
	if (name)
		text_add(&renaming->function, name, (size_t)(poll - name));
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
static bool is_dropped(const struct renaming *renaming, const char *at, const struct line *line)
{
	struct text words = { NULL, 0, 0 };
	bool dropped;

	if (line->kind == LINE_ERROR)
		return false;
	add_line(renaming, line->words, line->end, &words);
	dropped = (is_ours(at) && line->kind == LINE_WARNING) ||
			is_said(renaming->messages->before, line->has_flag ? at : NULL,
					line->place_len, words.at, words.size - 1);
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
	struct renaming renaming = { messages, { NULL, 0, 0 } };
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
			note_function(&renaming, at, line.end);
			add_line(&renaming, at, line.end, &context);
			in_context = true;
			continue;
		}
		in_context = false;
		if (line.kind == LINE_WARNING || line.kind == LINE_ERROR ||
				(line.kind == LINE_NOTE && !has_notes)) {
			dropped = is_dropped(&renaming, at, &line);
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
		add_line(&renaming, line.kind ? line.words : at, line.end, &shown);
		if (line.kind == LINE_WARNING && (dropped = is_in(&out, &shown)))
			continue;
		text_add(&out, context.at ? context.at : "", context.size);
		context.size = 0;
		text_add(&out, shown.at, shown.size);
	}
	text_free(&shown);
	text_free(&context);
	text_free(&renaming.function);
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
