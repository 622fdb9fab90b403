/* SPDX-License-Identifier: MIT */
/* core/env.c: which services this thread's tasks have; who is told what they hold. */
#include "core/env.h"
#include "core/held.h"

__thread const struct weft_env *weft__env_current;

const struct weft__held_ops *weft__held_ops;

__thread struct weft_task *weft__task_polled;
