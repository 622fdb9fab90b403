// SPDX-License-Identifier: MIT
//! What the small benchmarks share. Each has a process of its own, so its tasks may share what is here.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::runtime::Runtime;
use tokio::sync::Notify;

pub static REMAINING: AtomicUsize = AtomicUsize::new(0);
pub static SUM: AtomicUsize = AtomicUsize::new(0);
pub static GO: AtomicBool = AtomicBool::new(false);
pub static DONE: Notify = Notify::const_new();

/// Runs the future as a task, so that what it spawns is spawned from a worker.
pub fn run<F>(runtime: &Runtime, future: F) -> F::Output
where
  F: Future + Send + 'static,
  F::Output: Send + 'static,
{
  runtime.block_on(async { tokio::spawn(future).await.unwrap() })
}

/// The last of those that REMAIN says so.
pub fn one_done() {
  if REMAINING.fetch_sub(1, Ordering::AcqRel) == 1 {
    DONE.notify_one();
  }
}

/// A number below `bound` that looks random but is the same in every run.
pub fn scatter(i: usize, bound: usize) -> usize {
  let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
  ((mixed >> 32) as usize) % bound
}
