// SPDX-License-Identifier: MIT
//! What Tokio's tasks, timers, channels, locks and sets cost.
//!
//!     micro_tokio [--workers N] [--passes N] [--seconds S] [--list] [NAME...]
//!
//! No workers: the current-thread flavour. Output and meaning of the names are
//! in bench/README.md. Every benchmark verifies what its tasks have done.

mod channels;
mod harness;
mod rig;
mod selects;
mod sets;
mod spawn;
mod sync;
mod tails;
mod timers;
mod turns;

use harness::Benchmark;

fn main() {
  harness::main(&[
    Benchmark::repeated("spawn_join_batch", spawn::spawn_join_batch),
    Benchmark::repeated("spawn_join_one", spawn::spawn_join_one),
    Benchmark::once("spawn_join_100k", spawn::spawn_join_100k),
    Benchmark::repeated("chained_spawn", spawn::chained_spawn),
    Benchmark::repeated("join_set_1k", spawn::join_set_1k),
    Benchmark::repeated("remote_spawn_1", spawn::remote_spawn_1),
    Benchmark::repeated("remote_spawn_4", spawn::remote_spawn_4),
    Benchmark::repeated("remote_spawn_16", spawn::remote_spawn_16),
    Benchmark::repeated("remote_spawn_64", spawn::remote_spawn_64),
    Benchmark::repeated("remote_spawn_busy", spawn::remote_spawn_busy),
    Benchmark::repeated("spawn_blocking_1", spawn::spawn_blocking_1),
    Benchmark::repeated("spawn_blocking_4", spawn::spawn_blocking_4),
    Benchmark::repeated("spawn_blocking_16", spawn::spawn_blocking_16),
    Benchmark::repeated("yield_2", turns::yield_2),
    Benchmark::repeated("yield_1k", turns::yield_1k),
    Benchmark::repeated("yield_100k", turns::yield_100k),
    Benchmark::repeated("ping_pong", turns::ping_pong),
    Benchmark::repeated("nested_ready_1", turns::nested_ready_1),
    Benchmark::repeated("nested_ready_5", turns::nested_ready_5),
    Benchmark::repeated("nested_ready_20", turns::nested_ready_20),
    Benchmark::repeated("nested_yield_1", turns::nested_yield_1),
    Benchmark::repeated("nested_yield_5", turns::nested_yield_5),
    Benchmark::repeated("nested_yield_20", turns::nested_yield_20),
    Benchmark::repeated("channel_ping_pong", sync::channel_ping_pong),
    Benchmark::repeated("channel_1_to_1", sync::channel_1_to_1),
    Benchmark::repeated("channel_4_to_1", sync::channel_4_to_1),
    Benchmark::repeated("mutex_uncontended", sync::mutex_uncontended),
    Benchmark::repeated("mutex_held_over_yield_8", sync::mutex_held_over_yield_8),
    Benchmark::repeated("semaphore_uncontended", sync::semaphore_uncontended),
    Benchmark::repeated("semaphore_held_over_yield_8", sync::semaphore_held_over_yield_8),
    Benchmark::repeated("rwlock_uncontended", sync::rwlock_uncontended),
    Benchmark::repeated("notify_ready", sync::notify_ready),
    Benchmark::repeated("notify_ping_pong", sync::notify_ping_pong),
    Benchmark::repeated("notify_one_of_100", sync::notify_one_of_100),
    Benchmark::repeated("notify_all_1k", sync::notify_all_1k),
    Benchmark::repeated("channel_of_1k", channels::channel_of_1k),
    Benchmark::repeated("oneshot_ready", channels::oneshot_ready),
    Benchmark::repeated("oneshot_ping_pong", channels::oneshot_ping_pong),
    Benchmark::repeated("broadcast_1", channels::broadcast_1),
    Benchmark::repeated("broadcast_1k", channels::broadcast_1k),
    Benchmark::repeated("watch_1", channels::watch_1),
    Benchmark::repeated("watch_1k", channels::watch_1k),
    Benchmark::once("channel_create_100k", channels::channel_create_100k),
    Benchmark::once("memory_idle_channel_bytes", channels::memory_idle_channel_bytes),
    Benchmark::repeated("join_all_100", sets::join_all_100),
    Benchmark::repeated("join_all_100k", sets::join_all_100k),
    Benchmark::repeated("set_push_next", sets::set_push_next),
    Benchmark::repeated("set_push_next_10k", sets::set_push_next_10k),
    Benchmark::repeated("select_4", sets::select_4),
    Benchmark::repeated("select_4_first", selects::select_4_first),
    Benchmark::repeated("select_4_last", selects::select_4_last),
    Benchmark::repeated("select_4_pending", selects::select_4_pending),
    Benchmark::repeated("timeout_ready", selects::timeout_ready),
    Benchmark::repeated("timeout_pending", selects::timeout_pending),
    Benchmark::once("timer_create_cancel", timers::timer_create_cancel),
    Benchmark::repeated("timer_create_fire", timers::timer_create_fire),
    Benchmark::once("sleepers_1m", timers::sleepers_1m),
    Benchmark::once("memory_sleeping_bytes", timers::memory_sleeping_bytes),
    Benchmark::once("memory_waiting_bytes", timers::memory_waiting_bytes),
    Benchmark::once("timer_late", tails::timer_late),
    Benchmark::once("busy_10ms", tails::busy_10ms),
    Benchmark::once("stuck", tails::stuck),
  ]);
}
