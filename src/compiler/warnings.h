/* SPDX-License-Identifier: MIT */
/*
 * compiler/warnings.h: what gcc may say about translated text.
 */
#ifndef WEFT_COMPILER_WARNINGS_H
#define WEFT_COMPILER_WARNINGS_H

#include "compiler/arguments.h"

/* Whether gcc shall say of values that are not there yet where they are used, which it sees by optimizing
 * the plain reading; and no other warning of the optimizer, then. */
bool warnings_want_values(const struct arguments *arguments);
void warnings_leave_flow(struct words *argv);

/* Adds the flags that leave gcc the warnings of its optimizer which the user wants to have. */
void warnings_add_flow(struct words *argv, const struct arguments *arguments);

#endif
