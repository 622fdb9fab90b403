/* SPDX-License-Identifier: MIT */
/*
 * compiler/emit.c: turns preprocessed text into a source file, or into something to read.
 *
 * Why:  `# 7 "x.c" 2` is how a preprocessor tells its compiler where a line comes from. In a file
 *       that is compiled again from the beginning it is an extension that -Wpedantic points at, for
 *       each of thousands; `#line 7 "x.c"` is C.
 * Not here: the flags of linemarkers. `#line` cannot say that a line is from a system header, so what
 *       compiles the file turns warnings off; the user has had them from the pass over the original.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/emit.h"
#include "compiler/words.h"

struct line {
	const char *text, *end; /* the newline is not in it */
};

struct marker {
	size_t number;
	const char *file; /* with its quotes */
	size_t file_len;
};

static bool line_next(const char **text, const char *end, struct line *line)
{
	if (*text == end)
		return false;
	const char *newline = memchr(*text, '\n', (size_t)(end - *text));

	line->text = *text;
	line->end = newline ? newline : end;
	*text = newline ? newline + 1 : end;
	return true;
}

/* Reads `# 7 "x.c" 2` and `#line 7 "x.c"`. */
static bool marker_read(struct line line, struct marker *marker)
{
	const char *text = line.text;

	if (text == line.end || *text != '#')
		return false;
	text += line.end - text > 5 && memcmp(text, "#line ", 6) == 0 ? 6 : 1;
	while (text < line.end && *text == ' ')
		text++;
	if (text == line.end || *text < '0' || *text > '9')
		return false;
	for (marker->number = 0; text < line.end && *text >= '0' && *text <= '9'; text++)
		marker->number = 10 * marker->number + (size_t)(*text - '0');
	while (text < line.end && *text == ' ')
		text++;
	if (text == line.end || *text != '"')
		return false;
	marker->file = text;
	for (text++; text < line.end && *text != '"'; text++)
		text += *text == '\\' && text + 1 < line.end;
	marker->file_len = (size_t)(text - marker->file) + 1;
	return text < line.end;
}

static FILE *emitted_open(struct emitted *emitted)
{
	return must_have(open_memstream(&emitted->text, &emitted->size));
}

static void line_write(FILE *out, struct line line)
{
	fwrite(line.text, 1, (size_t)(line.end - line.text), out);
	fputc('\n', out);
}

struct emitted emit_source(const char *text, size_t size)
{
	const char *end = text + size;
	struct emitted emitted;
	struct line line;
	struct marker marker;
	FILE *out = emitted_open(&emitted);

	while (line_next(&text, end, &line)) {
		if (!marker_read(line, &marker))
			line_write(out, line);
		else if (marker.file[marker.file_len - 2] !=
				'/') /* the directory, for debug information */
			fprintf(out, "#line %zu %.*s\n", marker.number ? marker.number : 1,
					(int)marker.file_len, marker.file);
	}
	(void)fclose(out);
	return emitted;
}

static bool is_blank(struct line line)
{
	while (line.text < line.end && (*line.text == ' ' || *line.text == '\t'))
		line.text++;
	return line.text == line.end;
}

struct emitted emit_reading(const char *text, size_t size, const char *path)
{
	const char *end = text + size;
	struct emitted emitted;
	struct line line;
	struct marker marker;
	bool shows = true, was_blank = true;
	FILE *out = emitted_open(&emitted);

	while (line_next(&text, end, &line)) {
		if (marker_read(line, &marker)) {
			shows = !path ||
					(marker.file_len == strlen(path) + 2 &&
							memcmp(marker.file + 1, path,
									strlen(path)) == 0);
			continue;
		}
		if (!shows || (is_blank(line) && was_blank))
			continue;
		was_blank = is_blank(line);
		line_write(out, line);
	}
	(void)fclose(out);
	return emitted;
}
