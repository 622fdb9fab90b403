/* SPDX-License-Identifier: MIT */
/* core/env.c: which services this thread's tasks have. */
#include "core/env.h"

__thread const struct weft_env *weft__env_current;
