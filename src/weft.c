/* SPDX-License-Identifier: MIT */
/* The amalgamation: compile this file alone, with -Iinclude -Isrc, and you have the library.
 * tools/amalgamation.sh --write keeps the list. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "base/check.c"

#include "os/memory.c"
#include "os/os_linux.c"

#include "core/branch.c"
#include "core/env.c"
#include "core/frame.c"
#include "core/loop.c"
#include "core/waker_slot.c"
#include "core/yield.c"

#include "time/sleep.c"
#include "time/timed.c"
#include "time/timeout.c"
#include "time/wheel.c"

#include "io/poller.c"
#include "io/poller_epoll.c"
#include "io/poller_sim.c"
#include "io/poller_uring.c"
#include "io/reactor.c"
#include "io/reader.c"
#include "io/sim_address.c"
#include "io/sim_link.c"
#include "io/sim_sockets.c"
#include "io/sockets.c"
#include "io/uring_interest.c"
#include "io/uring_operation.c"

#include "exec/block_on.c"
#include "exec/blocking.c"
#include "exec/current.c"
#include "exec/drive.c"
#include "exec/fifo.c"
#include "exec/join.c"
#include "exec/join_set.c"
#include "exec/main.c"
#include "exec/monitor.c"
#include "exec/multi.c"
#include "exec/registry.c"
#include "exec/runtime.c"
#include "exec/scope.c"
#include "exec/slab.c"
#include "exec/task.c"
#include "exec/workers.c"

#include "sync/barrier.c"
#include "sync/broadcast.c"
#include "sync/cancel_token.c"
#include "sync/channel.c"
#include "sync/mutex.c"
#include "sync/notify.c"
#include "sync/once.c"
#include "sync/oneshot.c"
#include "sync/permits.c"
#include "sync/rwlock.c"
#include "sync/semaphore.c"
#include "sync/task_tracker.c"
#include "sync/watch.c"

#include "stream/adaptors.c"
#include "stream/buffered.c"
#include "stream/chunks.c"
#include "stream/join_all.c"
#include "stream/merge.c"
#include "stream/set.c"
#include "stream/sources.c"
#include "stream/stream.c"

#include "net/address.c"
#include "net/adopt.c"
#include "net/tcp.c"

#include "signal/shutdown.c"
#include "signal/signals.c"
