/* SPDX-License-Identifier: MIT */
/*
 * compiler/held.h: stderr, held back for a while.
 *
 *     held_begin(scratch, "x.c");
 *     ...                          // what is written to stderr is in `scratch`
 *     held_end();
 */
#ifndef WEFT_COMPILER_HELD_H
#define WEFT_COMPILER_HELD_H

/* If something in here crashes, what is held is shown, and that it happened over `path` (borrowed). */
void held_begin(int scratch, const char *path);
void held_end(void);

#endif
