/* SPDX-License-Identifier: MIT */
/*
 * compiler/machine.h: the machine that libclang takes a text to be for.
 *
 *     machine_flags(&parse, flags);
 *
 * `flags` are those of the compiler that say something of the machine and the language. What is added
 * makes libclang see types of the sizes that they have there, and tells functions that are _Async from
 * others by their calling convention (type_is_async_function).
 */
#ifndef WEFT_COMPILER_MACHINE_H
#define WEFT_COMPILER_MACHINE_H

#include "compiler/words.h"

void machine_flags(struct words *parse, const char *const *flags);

/* How messages of libclang call the calling convention of _Async. Returns where in `text`, or NULL. */
const char *machine_names_async(const char *text);

#endif
