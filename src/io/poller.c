/* SPDX-License-Identifier: MIT */
/* io/poller.c: chooses a poller: by name, by WEFT_POLLER, or the first that the kernel grants. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/poller.h"

/* In the order of probing, which ends before the simulated one. Epoll first: on small messages over
 * loopback both cost the same CPU per request (docs/pollers.md), and epoll needs less memory per idle
 * descriptor. */
static const struct weft__poller_ops *const pollers[] = {
	&weft__poller_epoll,
#ifdef WEFT_HAVE_URING
	&weft__poller_uring,
#endif
	&weft__poller_sim,
#ifdef WEFT_HAVE_URING
	&weft__poller_uring_direct,
#endif
};

enum { POLLER_COUNT = sizeof pollers / sizeof pollers[0] };

static int poller_init_named(struct weft__poller *poller, const char *name)
{
	for (int i = 0; i < POLLER_COUNT; i++)
		if (strcmp(pollers[i]->name, name) == 0) {
			poller->ops = pollers[i];
			return poller->ops->init(poller);
		}
	return strcmp(name, "uring") == 0 || strcmp(name, "uring-direct") == 0 ? -ENOSYS : -EINVAL;
}

int weft__poller_init(struct weft__poller *poller, const char *name)
{
	int err = -ENOSYS;

	if (!name)
		name = getenv("WEFT_POLLER");
	if (name && *name)
		return poller_init_named(poller, name);
	/* the simulated one is never chosen by itself */
	for (int i = 0; err && i < POLLER_COUNT && pollers[i] != &weft__poller_sim; i++) {
		poller->ops = pollers[i];
		err = poller->ops->init(poller);
	}
	return err;
}
