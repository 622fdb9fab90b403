/* SPDX-License-Identifier: MIT */
/*
 * compiler/toolchain.h: the compiler that weftcc wraps, and where Weft's own files are.
 */
#ifndef WEFT_COMPILER_TOOLCHAIN_H
#define WEFT_COMPILER_TOOLCHAIN_H

#include <stdbool.h>

#include "compiler/words.h"

struct toolchain {
	struct words cc;    /* of WEFT_CC, what is run: cc, or gcc, if it is not set */
	struct words flags; /* what follows there: they come before all arguments */
	char *translator;   /* weftcc-translate, or NULL */
	char *include;      /* has weft.h, or NULL */
	char *libraries;    /* has libweft, or NULL */
	bool is_system;     /* the linker and the loader look there anyway */
	bool has_shared;    /* libweft.so is there */
};

/* `cc` is the compiler to wrap, word by word; empty: what WEFT_CC says, which is then there. */
void toolchain_init(struct toolchain *toolchain, struct words *cc);
void toolchain_finish(struct toolchain *toolchain);

/* The machine that the compiler is for if no flag says another, as a triple that is yours; NULL: this one.
 * Runs it, unless its name is answer enough. */
char *toolchain_target(const struct toolchain *toolchain);

#endif
