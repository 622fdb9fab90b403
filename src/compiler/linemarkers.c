/* SPDX-License-Identifier: MIT */
/*
 * compiler/linemarkers.c: preprocessed text, made fit for the translator, for a file, or for a reader.
 *
 * Why:  `# 7 "x.c" 2` is how a preprocessor tells its compiler where a line comes from. In a file
 *       that is compiled again from the beginning it is an extension that -Wpedantic points at, for
 *       each of thousands; `#line 7 "x.c"` is C.
 * Join: inside a macro of a system header gcc begins a new line with a marker for every piece that is
 *       from the header, and for every argument. The text between is in the middle of a statement, where
 *       whoever reads it has no use for a directive; and Weft's own headers are system headers as soon as
 *       they are installed.
 * Not here: the flags of linemarkers. `#line` cannot say that a line is from a system header, so what
 *       compiles the file turns warnings off; the user has had them from the pass over the original.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/linemarkers.h"
#include "compiler/source.h"
#include "compiler/words.h"

struct line {
	const char *text, *end; /* the newline is not in it */
};

struct marker {
	size_t number;
	const char *file; /* with its quotes */
	size_t file_len;
	bool changes_file; /* flag 1 or 2: a header begins, or the file around it goes on */
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
	marker->changes_file = line.end - text > 2 && (text[2] == '1' || text[2] == '2');
	return text < line.end;
}

static bool marker_names(const struct marker *marker, const char *file)
{
	return marker->file_len == strlen(file) + 2 &&
			memcmp(marker->file + 1, file, strlen(file)) == 0;
}

static bool is_same_file(const struct marker *one, const struct marker *other)
{
	return one->file && one->file_len == other->file_len &&
			memcmp(one->file, other->file, one->file_len) == 0;
}

/* Where the text is that is copied, and whether its last line can be continued. */
struct joining {
	struct marker at; /* the next line is at.number in at.file */
	bool is_open;     /* the last line is text, at.number - 1 */
	char *end;        /* of what is copied */
};

/* Whether the marker says nothing but that its piece of the line comes from a macro. */
static bool marker_drop(struct joining *joining, const struct marker *marker, bool continues)
{
	if (!is_same_file(&joining->at, marker))
		return false;
	if (!joining->is_open || !continues || marker->number + 1 != joining->at.number)
		return false;
	joining->end[-1] = ' '; /* was the newline */
	joining->at.number--;
	return true;
}

size_t linemarkers_join(char *text, size_t size)
{
	const char *rest = text, *end = text + size;
	struct joining joining = { .end = text };
	struct line line;
	struct marker marker;

	while (line_next(&rest, end, &line)) {
		if (marker_read(line, &marker)) {
			if (!marker.changes_file &&
					marker_drop(&joining, &marker, rest < end && *rest != '#'))
				continue;
			joining.at = marker;
			joining.at.file = joining.end +
					(marker.file - line.text); /* where it will be */
			joining.is_open = false;
		} else {
			joining.at.number++;
			joining.is_open = line.text == line.end || *line.text != '#';
		}
		size_t len = (size_t)(rest - line.text);
		memmove(joining.end, line.text, len);
		joining.end += len;
	}
	*joining.end = 0;
	return (size_t)(joining.end - text);
}

static FILE *marked_open(struct marked *marked)
{
	return must_have(open_memstream(&marked->text, &marked->size));
}

static void line_write(FILE *out, struct line line)
{
	fwrite(line.text, 1, (size_t)(line.end - line.text), out);
	fputc('\n', out);
}

struct marked linemarkers_to_source(const char *text, size_t size)
{
	const char *end = text + size;
	struct marked marked;
	struct line line;
	struct marker marker;
	FILE *out = marked_open(&marked);

	while (line_next(&text, end, &line)) {
		if (!marker_read(line, &marker))
			line_write(out, line);
		else if (marker.file[marker.file_len - 2] !=
				'/') /* the directory, for debug information */
			fprintf(out, "#line %zu %.*s\n", marker.number ? marker.number : 1,
					(int)marker.file_len, marker.file);
	}
	(void)fclose(out);
	return marked;
}

static bool is_blank(struct line line)
{
	while (line.text < line.end && (*line.text == ' ' || *line.text == '\t'))
		line.text++;
	return line.text == line.end;
}

struct marked linemarkers_to_reading(const char *text, size_t size, const char *path)
{
	const char *end = text + size;
	struct marked marked;
	struct line line;
	struct marker marker;
	bool shows = true, was_blank = true;
	FILE *out = marked_open(&marked);

	while (line_next(&text, end, &line)) {
		if (marker_read(line, &marker)) {
			shows = !path || marker_names(&marker, path) ||
					(shows && marker_names(&marker, SOURCE_OWN));
			continue;
		}
		if (!shows || (is_blank(line) && was_blank))
			continue;
		was_blank = is_blank(line);
		line_write(out, line);
	}
	(void)fclose(out);
	return marked;
}
