/* SPDX-License-Identifier: MIT */
/*
 * compiler/diagnose.c: messages at a place in the user's file, in the form that editors know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/origin.h"
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
	struct origin origin = origin_find(tree->source, at);
	struct place place = origin.place;
	char *line = origin.text;
	bool color = tree->options->color;
	struct text text = { NULL, 0, 0 };
	char message[1024];

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
	struct origin origin = origin_find(tree->source, at);
	struct place place = origin.place;
	char *line = origin.text;
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
