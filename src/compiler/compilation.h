/* SPDX-License-Identifier: MIT */
/*
 * compiler/compilation.h: the pass of $CC over the translated text, which may begin before there is any.
 *
 *     struct compilation early = compilation_begin(&plan, source, "x.o", expanded);
 *     ...
 *     status = compilation_end(&early, &compiled);       // or compilation_drop(&early)
 */
#ifndef WEFT_COMPILER_COMPILATION_H
#define WEFT_COMPILER_COMPILATION_H

#include "compiler/passes.h"

/* All zero: not begun. */
struct compilation {
	pid_t process;
	int feed, messages;
	const char *line; /* the first of the expanded text, which stays */
	size_t fed;       /* bytes of it that $CC has */
};

/* What is to be compiled. */
struct compiled {
	const struct plan *plan;
	const struct argument *source;
	const char *output;
	const char *text; /* translated */
	size_t size;
	const char *checked; /* what the check has said */
};

/* Starts $CC, if its output is a file that is lost anyway should there be no text for it. `expanded` is
 * what is being translated. */
struct compilation compilation_begin(const struct plan *plan, const struct argument *source,
		const char *output, const char *expanded);

/* There is no text; the output is removed. */
void compilation_drop(struct compilation *compilation);

/* Its status, after its messages in the user's words. What was not begun is so now. */
int compilation_end(struct compilation *compilation, const struct compiled *compiled);

/* Shows what $CC has written to the scratch file. */
void compilation_say(int messages, const char *checked, bool color);

#endif
