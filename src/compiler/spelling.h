/* SPDX-License-Identifier: MIT */
/*
 * compiler/spelling.h: one spelling for each name and each bracket.
 */
#ifndef WEFT_COMPILER_SPELLING_H
#define WEFT_COMPILER_SPELLING_H

#include <stddef.h>

/* Writes universal character names (`\u00e4`) outside of strings and comments as UTF-8, digraphs as the
 * brackets that they are, with a blank, in place; returns the new size. As before, a NUL is behind it.
 * gcc's preprocessor makes such names of all letters beyond ASCII, and libclang tells us the others: a
 * name must look the same wherever it is compared. */
size_t spelling_decode(char *text, size_t size);

#endif
