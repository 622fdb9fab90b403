/* SPDX-License-Identifier: MIT */
/* stream/borrowed.c: wakers of combinators. */
#include "stream/borrowed.h"

static struct weft_waker nobody_clone(void *data)
{
	(void)data;
	return weft__waker_of_nobody;
}

static void nobody_ignore(void *data)
{
	(void)data;
}

static struct weft_waker nobody_claim(void *data)
{
	struct weft_waker nothing = { NULL, NULL };

	(void)data;
	return nothing;
}

static const struct weft_waker_ops nobody_ops = { nobody_clone, nobody_ignore, nobody_ignore,
	nobody_ignore, nobody_claim, nobody_ignore };

const struct weft_waker weft__waker_of_nobody = { &nobody_ops, NULL };

void weft__waker_misuse(const struct weft_async *async)
{
	weft__fail("a borrowed waker was ended or committed as if it were owned", async->name,
			(int)async->line);
}
