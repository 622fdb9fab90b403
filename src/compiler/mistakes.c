/* SPDX-License-Identifier: MIT */
/*
 * compiler/mistakes.c: reads the flags of mistakes.h.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/mistakes.h"
#include "compiler/words.h"

static const struct {
	const char *code, *name;
	bool is_error; /* if no flag says anything */
} mistakes[MISTAKE_COUNT] = {
	[MISTAKE_BLOCKING_CALL] = { "W101", "weft-blocking-call", false },
	[MISTAKE_LOCKED_AWAIT] = { "W102", "weft-locked-await", true },
	[MISTAKE_ERRNO] = { "W103", "weft-errno", false },
	[MISTAKE_THREAD_LOCAL] = { "W104", "weft-thread-local", false },
	[MISTAKE_DANGLING_LOCAL] = { "W105", "weft-dangling-local", false },
	[MISTAKE_LOST_TASK] = { "W106", "weft-lost-task", false },
	[MISTAKE_LARGE_FRAME] = { "W107", "weft-large-frame", false },
	[MISTAKE_CANCEL_SAFE] = { "W108", "weft-cancel-safe", false },
	[MISTAKE_UNUSED_RESULT] = { "W109", "weft-unused-result", true },
	[MISTAKE_LATE_INCLUDE] = { "W110", "weft-late-include", false },
	[MISTAKE_UNCLOSED] = { "W111", "weft-unclosed", false },
};

static const char group[] = "weft";

/* What a flag begins with, and what it does. Longer ones first. */
static const struct form {
	const char *prefix;
	bool is_off;
	enum severity severity; /* SEVERITY_NONE: as it was */
} forms[] = {
	{ "-Wno-error=", false, SEVERITY_WARNING },
	{ "-Werror=", false, SEVERITY_ERROR },
	{ "-Wno-", true, SEVERITY_NONE },
	{ "-W", false, SEVERITY_NONE },
};

/* The name that follows is set to the rest of the word. NULL: no flag of weftcc. */
static const struct form *form_of(const char *word, const char **name)
{
	size_t size = strlen(group);

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		*name = word + strlen(forms[i].prefix);
		if (starts_with(word, forms[i].prefix) && starts_with(*name, group) &&
				((*name)[size] == '-' || !(*name)[size]))
			return &forms[i];
	}
	return NULL;
}

bool mistake_flag_is(const char *word)
{
	const char *name;

	return starts_with(word, "-W") && form_of(word, &name);
}

bool mistake_flags_read(struct mistake_flags *flags, const char *word)
{
	const char *name;
	const struct form *form;
	bool is_known = false;

	if (strcmp(word, "-w") == 0)
		flags->has_no_warnings = true;
	else if (strcmp(word, "-Werror") == 0 || strcmp(word, "-Wno-error") == 0)
		flags->has_werror = strcmp(word, "-Werror") == 0;
	else if ((form = form_of(word, &name))) {
		for (size_t i = 0; i < MISTAKE_COUNT; i++) {
			if (strcmp(name, group) != 0 && strcmp(name, mistakes[i].name) != 0)
				continue;
			flags->of[i].is_off = form->is_off;
			if (form->severity)
				flags->of[i].severity = form->severity;
			is_known = true;
		}
		return is_known || form->is_off;
	}
	return true;
}

enum severity mistake_severity(const struct mistake_flags *flags, enum mistake mistake)
{
	enum severity severity = flags->of[mistake].severity;

	if (flags->of[mistake].is_off)
		return SEVERITY_NONE;
	if (mistakes[mistake].is_error && !severity)
		return SEVERITY_ERROR;
	if (flags->has_no_warnings)
		return SEVERITY_NONE;
	if (!severity)
		severity = flags->has_werror ? SEVERITY_ERROR : SEVERITY_WARNING;
	return severity;
}

const char *mistake_code(enum mistake mistake)
{
	return mistakes[mistake].code;
}

char *mistake_flag(const struct mistake_flags *flags, enum mistake mistake)
{
	bool is_raised = mistake_severity(flags, mistake) == SEVERITY_ERROR &&
			!mistakes[mistake].is_error;

	return format_text("-W%s%s", is_raised ? "error=" : "", mistakes[mistake].name);
}

bool mistake_is_allowed_by(enum mistake mistake, const char *line)
{
	static const char prefix[] = "-Wno-";
	const char *name = mistakes[mistake].name;
	size_t size = strlen(name);

	for (; (line = strstr(line, prefix)); line++) {
		const char *at = line + strlen(prefix);

		if (strncmp(at, name, size) == 0 &&
				!strchr("-_abcdefghijklmnopqrstuvwxyz", at[size]))
			return true;
	}
	return false;
}
