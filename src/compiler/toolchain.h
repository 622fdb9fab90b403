/* SPDX-License-Identifier: MIT */
/*
 * compiler/toolchain.h: the compiler that weftcc wraps, and where Weft's own files are.
 */
#ifndef WEFT_COMPILER_TOOLCHAIN_H
#define WEFT_COMPILER_TOOLCHAIN_H

#include <stdbool.h>

#include "compiler/words.h"

struct toolchain {
	struct words cc;  /* the words of WEFT_CC, or cc, or gcc */
	char *translator; /* weftcc-translate, or NULL */
	char *target;     /* the triple in the compiler's name, or NULL: this machine's */
	char *include;    /* has weft.h, or NULL */
	char *libraries;  /* has libweft, or NULL */
	bool is_system;   /* the linker and the loader look there anyway */
	bool has_shared;  /* libweft.so is there */
};

/* `cc` is the compiler to wrap, word by word; empty: what WEFT_CC says. */
void toolchain_init(struct toolchain *toolchain, const struct words *cc);
void toolchain_finish(struct toolchain *toolchain);

#endif
