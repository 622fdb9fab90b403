/* SPDX-License-Identifier: MIT */
/*
 * compiler/asyncify.h: a test mode that makes a plain C program asynchronous.
 */
#ifndef WEFT_COMPILER_ASYNCIFY_H
#define WEFT_COMPILER_ASYNCIFY_H

#include "compiler/text.h"
#include "compiler/translate.h"

/* Writes the preprocessed program to `out`, with _Async before every function of its own and _Await before
 * every direct call of one. 0, -EINVAL or -ELIBACC, said. */
int asyncify(const char *text, size_t size, const struct translate_options *options,
		struct text *out);

#endif
