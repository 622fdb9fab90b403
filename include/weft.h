/* SPDX-License-Identifier: MIT */
/*
 * weft.h: everything. Each header can be included alone.
 */
#ifndef WEFT_H
#define WEFT_H

#include <weft/poll.h>
#include <weft/frame.h>
#include <weft/branch.h>
#include <weft/combine.h>
#include <weft/local.h>
#include <weft/task.h>
#include <weft/scope.h>
#include <weft/join_set.h>
#include <weft/time.h>
#include <weft/runtime.h>
#include <weft/main.h>
#include <weft/io.h>
#include <weft/net.h>
#include <weft/signal.h>
#include <weft/waker_slot.h>
#include <weft/visitor.h>
#include <weft/waiter.h>
#include <weft/semaphore.h>
#include <weft/mutex.h>
#include <weft/rwlock.h>
#include <weft/once.h>
#include <weft/barrier.h>
#include <weft/notify.h>
#include <weft/oneshot.h>
#include <weft/timed.h>
#include <weft/cancel_token.h>
#include <weft/task_tracker.h>
#include <weft/stream.h>
#include <weft/stream_adaptors.h>
#include <weft/stream_merge.h>
#include <weft/block_on.h>
#include <weft/channel.h>
#include <weft/shutdown.h>
#include <weft/set.h>
#include <weft/stream_futures.h>
#include <weft/broadcast.h>
#include <weft/watch.h>
#include <weft/join_all.h>
#include <weft/stream_leaves.h>
#include <weft/shared.h>
#include <weft/sink.h>
#include <weft/generator.h>

#endif
