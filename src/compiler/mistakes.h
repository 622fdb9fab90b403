/* SPDX-License-Identifier: MIT */
/*
 * compiler/mistakes.h: the mistakes that are valid C, and the flags that choose what is said of them.
 *
 *     struct mistake_flags flags = { 0 };
 *     if (!mistake_flags_read(&flags, "-Wno-weft-blocking-call")) ... no flag of weftcc
 *     if (mistake_severity(&flags, MISTAKE_BLOCKING_CALL) == SEVERITY_WARNING) ...
 *
 * The flags are gcc's, with `weft-` before the name: -Wweft-NAME, -Wno-weft-NAME, -Werror=weft-NAME,
 * -Wno-error=weft-NAME, and `weft` alone for all of them. As in gcc the last one that names a mistake
 * counts, whatever -Werror says, and -w silences what would be a warning.
 */
#ifndef WEFT_COMPILER_MISTAKES_H
#define WEFT_COMPILER_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>

enum mistake {
	MISTAKE_BLOCKING_CALL,
	MISTAKE_LOCKED_AWAIT,
	MISTAKE_ERRNO,
	MISTAKE_THREAD_LOCAL,
	MISTAKE_DANGLING_LOCAL,
	MISTAKE_LOST_TASK,
	MISTAKE_LARGE_FRAME,
	MISTAKE_CANCEL_SAFE,
	MISTAKE_UNUSED_RESULT,
	MISTAKE_LATE_INCLUDE,
	MISTAKE_UNCLOSED,
	MISTAKE_COUNT
};

enum severity { SEVERITY_NONE, SEVERITY_WARNING, SEVERITY_ERROR };

/* All zero: the defaults. */
struct mistake_flags {
	bool has_werror, has_no_warnings; /* -Werror, -w */
	struct {
		bool is_off;
		enum severity severity; /* that a flag has given it, or SEVERITY_NONE */
	} of[MISTAKE_COUNT];
};

/* Whether the word is one of the flags above, be its name known or not. */
bool mistake_flag_is(const char *word);

/* Heeds one of the flags above, or -Werror, -Wno-error, -w. False: it names what there is not; those
 * with `no-` are let pass, for the sake of later and earlier versions. */
bool mistake_flags_read(struct mistake_flags *flags, const char *word);

enum severity mistake_severity(const struct mistake_flags *flags, enum mistake mistake);

/* "W101" */
const char *mistake_code(enum mistake mistake);
/* "-Wweft-blocking-call", or "-Werror=..." if a flag has made it an error; yours. */
char *mistake_flag(const struct mistake_flags *flags, enum mistake mistake);

/* Whether a line of the source has the flag that switches the mistake off: in a comment, one hopes. */
bool mistake_is_allowed_by(enum mistake mistake, const char *line);

#endif
