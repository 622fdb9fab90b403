/* SPDX-License-Identifier: MIT */
/*
 * compiler/translate.h: from preprocessed text with async functions to C without.
 */
#ifndef WEFT_COMPILER_TRANSLATE_H
#define WEFT_COMPILER_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/mistakes.h"
#include "compiler/words.h"

struct translate_options {
	const char *path;         /* of the user's file, for messages */
	const char *const *flags; /* for the parse: -std=, -m32, -f...; NULL-terminated */
	bool asyncify;       /* the test mode: every function async, every direct call awaited */
	bool suspend_always; /* of asyncify: every await suspends once */
	bool interposable;   /* -fPIC without hidden visibility: extern callees are not embedded */
	bool sanitize_address;     /* red zones between what is kept in a frame */
	bool sanitize_memory;      /* locals in a frame have no value where they are declared */
	const char *original;      /* the user's file: keep its bytes and its #includes; or NULL */
	bool count_lines;          /* for gcov: what is not the user's is not counted */
	const char *only_function; /* weft expand: nothing but what becomes of it; else NULL */
	unsigned frame_limit;      /* W-code for a larger frame; 0: 64 KiB */
	struct words path_maps;    /* old=new, as -ffile-prefix-map has it */
	struct mistake_flags mistakes;
	bool color;
};

struct translation {
	char *text; /* malloc'ed; NULL after an error */
	size_t size;
	bool is_spliced;                     /* into the original, as was asked for */
	unsigned error_count, warning_count; /* said on stderr */
};

/* Whether the text has a word of the language at all: if not, there is nothing to do. */
bool translate_is_needed(const char *text, size_t size);

/* Translates the output of `$CC -E -C`. Messages go to stderr. 0; -EINVAL: errors in the source;
 * -ENOMEM; -ELIBACC: libclang failed; -EPROTO: a defect of the translator, found by its own check. */
int translate(const char *text, size_t size, const struct translate_options *options,
		struct translation *result);

#endif
