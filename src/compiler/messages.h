/* SPDX-License-Identifier: MIT */
/*
 * compiler/messages.h: what $CC says of the translated text, in words of the user's own.
 *
 *     struct messages messages = { .said = err, .before = check_err };
 *     char *shown = messages_in_own_words(&messages);                    // yours
 */
#ifndef WEFT_COMPILER_MESSAGES_H
#define WEFT_COMPILER_MESSAGES_H

#include <stdbool.h>

struct messages {
	const char *said;   /* by the pass that compiles */
	const char *before; /* by the check, of the original */
	bool color;         /* to be shown in colour */
};

/* Without what was said before, and without what is about nothing that the user wrote. What is left names
 * functions, parameters, variables and types as the original does. */
char *messages_in_own_words(const struct messages *messages);

#endif
