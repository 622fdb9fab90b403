/* SPDX-License-Identifier: MIT */
/* The amalgamation: compile this file alone, with -Iinclude -Isrc, and you have the library.
 * tools/amalgamation.sh --write keeps the list. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "base/check.c"

#include "os/os_linux.c"

#include "core/frame.c"

#include "time/wheel.c"

#include "io/poller.c"
#include "io/poller_epoll.c"
#include "io/reactor.c"
#include "io/sockets.c"

