/* SPDX-License-Identifier: MIT */
/*
 * compiler/warnings.h: what gcc may say about translated text.
 */
#ifndef WEFT_COMPILER_WARNINGS_H
#define WEFT_COMPILER_WARNINGS_H

#include "compiler/arguments.h"

/* Adds the flags that leave gcc the warnings of its optimizer which the user wants to have. */
void warnings_add_flow(struct words *argv, const struct arguments *arguments);

#endif
