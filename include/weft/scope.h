/* SPDX-License-Identifier: MIT */
/*
 * weft/scope.h: tasks that end before the block that started them is left.
 */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H

#include <weft/task.h>

WEFT_BEGIN_DECLS

/* Private. */
struct weft_scope {
	void *children;
	int error;
};

#define WEFT_SCOPE_INIT { NULL, 0 }

WEFT_END_DECLS

#endif
