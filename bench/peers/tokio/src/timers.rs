// SPDX-License-Identifier: MIT
//! What timers cost, and what a task that waits takes.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::time::{sleep, Sleep};

use crate::harness::{count, expect, resident_bytes, rounds, Sample, Stopwatch};
use crate::rig::{run, scatter, REMAINING, SUM};

const TIMERS: usize = 1_000_000;
const MEMORY_TASKS: usize = 1_000_000;

/// Starts every timer; none may fire.
struct StartAll<'a>(&'a mut [Option<Sleep>]);

impl Future for StartAll<'_> {
  type Output = usize;

  fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
    let mut started = 0;

    for timer in self.0.iter_mut().flatten() {
      // The slice is neither moved nor resized while a timer is in it.
      let timer = unsafe { Pin::new_unchecked(timer) };
      started += timer.poll(context).is_pending() as usize;
    }
    Poll::Ready(started)
  }
}

pub fn timer_create_cancel(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let count = count(TIMERS);
    let rounds = rounds(2 * TIMERS, count);
    let mut timers: Vec<Option<Sleep>> = (0..count).map(|_| None).collect();
    let mut watch = Stopwatch::start();
    let mut started = 0;

    for round in 0..rounds {
      for (i, timer) in timers.iter_mut().enumerate() {
        *timer = Some(sleep(Duration::from_millis(60_000 + scatter(i, 3_600_000) as u64)));
      }
      started += StartAll(&mut timers).await;
      for i in 0..count {
        timers[i * 611_953 % count] = None; // a prime, so every index comes once
      }
      if round == 0 {
        watch.first_is_over();
      }
    }
    let sample = watch.cold_and_warm_per(rounds, count);
    expect(started, rounds * count);
    expect(timers.iter().flatten().count(), 0);
    sample
  })
}

async fn sleep_shortly(seed: usize, count: usize, milliseconds: usize) -> usize {
  for i in 0..count {
    let duration = Duration::from_millis(1 + scatter(seed + i, milliseconds) as u64);
    let before = if i == 0 { Some(Instant::now()) } else { None };

    sleep(duration).await;
    if let Some(before) = before {
      assert!(before.elapsed() >= duration, "a timer fired early");
    }
  }
  count
}

fn sleepers(runtime: &Runtime, tasks: usize, each: usize, milliseconds: usize) -> Sample {
  run(runtime, async move {
    let watch = Stopwatch::start();
    let handles: Vec<_> =
      (0..tasks).map(|i| tokio::spawn(sleep_shortly(i * each, each, milliseconds))).collect();
    let mut sum = 0;

    for handle in handles {
      sum += handle.await.unwrap();
    }
    let sample = watch.wall_and_cpu_per(tasks * each);
    expect(sum, tasks * each);
    sample
  })
}

pub fn timer_create_fire(runtime: &Runtime) -> Sample {
  sleepers(runtime, 50_000, 10, 10)
}

pub fn sleepers_1m(runtime: &Runtime) -> Sample {
  sleepers(runtime, 1_000_000, 1, 500)
}

// -- memory --------------------------------------------------------------------

/// Spawns tasks that count themselves and then wait; returns their memory.
fn memory_per_task<W, F>(runtime: &Runtime, wait: W) -> Sample
where
  W: FnOnce() -> F + Copy + Send + 'static,
  F: Future<Output = ()> + Send + 'static,
{
  run(runtime, async move {
    tokio::spawn(async {}).await.unwrap();
    let before = resident_bytes();

    REMAINING.store(MEMORY_TASKS, Ordering::Relaxed);
    for _ in 0..MEMORY_TASKS {
      tokio::spawn(async move {
        REMAINING.fetch_sub(1, Ordering::AcqRel);
        wait().await; // made here, or the task would hold it twice
        SUM.fetch_add(1, Ordering::Relaxed);
      });
    }
    while REMAINING.load(Ordering::Acquire) > 0 {
      sleep(Duration::from_millis(5)).await;
    }
    Sample::bytes((resident_bytes() - before) as f64 / MEMORY_TASKS as f64)
  })
}

pub fn memory_sleeping_bytes(runtime: &Runtime) -> Sample {
  let sample = memory_per_task(runtime, || sleep(Duration::from_secs(3600)));

  expect(SUM.load(Ordering::Relaxed), 0);
  sample
}

pub fn memory_waiting_bytes(runtime: &Runtime) -> Sample {
  static WAKE_UP: Notify = Notify::const_new();
  let sample = memory_per_task(runtime, || WAKE_UP.notified());

  WAKE_UP.notify_waiters();
  run(runtime, async {
    while SUM.load(Ordering::Acquire) < MEMORY_TASKS {
      sleep(Duration::from_millis(5)).await;
    }
  });
  sample
}
