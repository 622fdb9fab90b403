/* SPDX-License-Identifier: MIT */
/*
 * compiler/emit.h: what an async function becomes at file scope.
 */
#ifndef WEFT_COMPILER_EMIT_H
#define WEFT_COMPILER_EMIT_H

#include "compiler/lower.h"

enum { EMIT_FRAME_ALIGN_MAX = 64 }; /* that of the blocks that hold frames */

/* struct f__args, f__init, and the declarations of f__poll and f__async: once in a file. */
void emit_prefix(struct tree *tree, struct function *function, struct text *out);
/* The frame, the state machine and the descriptor. */
void emit_definition(struct tree *tree, struct function *function, struct text *out);

#endif
