/* SPDX-License-Identifier: MIT */
/*
 * sanitizers/pause.h: one text as plain C and as async C.
 */
#ifdef PLAIN
#define PERHAPS_ASYNC
#define PAUSE() ((void)0)
#define CALL(call) ((void)(call))
#else
#include <weft.h>
#include <weft/async.h>
#define PERHAPS_ASYNC async
#define PAUSE() ((void)await weft_yield())
#define CALL(call) ((void)await call)
#endif
