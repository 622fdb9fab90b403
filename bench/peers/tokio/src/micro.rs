// SPDX-License-Identifier: MIT
//! What Tokio's tasks and timers cost.
//!
//!     micro_tokio [--workers N] [--passes N] [--list] [NAME...]
//!
//! No workers: the current-thread flavour. Output and meaning of the names are
//! in bench/README.md. Every benchmark verifies what its tasks have done.

mod channels;
mod harness;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, Mutex, Notify, RwLock, Semaphore};
use tokio::task::{yield_now, JoinHandle};
use tokio::time::{sleep, Sleep};

use harness::{count, expect, quantiles, resident_bytes, rounds, Benchmark, Sample, Stopwatch};

const MEMORY_TASKS: usize = 1_000_000;
const TIMERS: usize = 1_000_000;
const REMOTE_TASKS: usize = 400_000;

// Benchmarks run one after the other, so they can share what their tasks touch.
static REMAINING: AtomicUsize = AtomicUsize::new(0);
static SUM: AtomicUsize = AtomicUsize::new(0);
static GO: AtomicBool = AtomicBool::new(false);
static DONE: Notify = Notify::const_new();

/// Runs the future as a task, so that what it spawns is spawned from a worker.
fn run<F>(runtime: &Runtime, future: F) -> F::Output
where
  F: Future + Send + 'static,
  F::Output: Send + 'static,
{
  runtime.block_on(async { tokio::spawn(future).await.unwrap() })
}

// -- spawning ------------------------------------------------------------------

async fn spawn_and_join(tasks: usize, handles: &mut Vec<JoinHandle<usize>>) -> usize {
  let mut sum = 0;

  for i in 0..tasks {
    handles.push(tokio::spawn(async move { i }));
  }
  for handle in handles.drain(..) {
    sum += handle.await.unwrap();
  }
  sum
}

fn spawn_join(runtime: &Runtime, batches: usize, tasks: usize) -> Sample {
  run(runtime, async move {
    let mut handles = Vec::with_capacity(tasks);
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..batches {
      sum += spawn_and_join(tasks, &mut handles).await;
    }
    let sample = watch.wall_per(batches * tasks);
    expect(sum, batches * (tasks * (tasks - 1) / 2));
    sample
  })
}

fn spawn_join_batch(runtime: &Runtime) -> Sample {
  let count = count(1000);
  spawn_join(runtime, rounds(1_000_000, count), count)
}

fn spawn_join_cold(runtime: &Runtime) -> Sample {
  spawn_join(runtime, 1, 100_000)
}

fn spawn_join_one(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let rounds = 500_000;
    let watch = Stopwatch::start();
    let mut sum = 0;

    for i in 0..rounds {
      sum += tokio::spawn(async move { i }).await.unwrap();
    }
    let sample = watch.wall_per(rounds);
    expect(sum, rounds * (rounds - 1) / 2);
    sample
  })
}

fn chain(links: usize, done: oneshot::Sender<usize>, length: usize) {
  if links == 0 {
    done.send(length).unwrap();
  } else {
    tokio::spawn(async move { chain(links - 1, done, length + 1) });
  }
}

fn chained_spawn(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (rounds, links) = (500, 1000);
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..rounds {
      let (done, ended) = oneshot::channel();
      chain(links, done, 0);
      sum += ended.await.unwrap();
    }
    let sample = watch.wall_per(rounds * links);
    expect(sum, rounds * links);
    sample
  })
}

/// The last of the remotely spawned tasks to run says so.
fn remote_task(value: usize) -> impl Future<Output = ()> {
  async move {
    SUM.fetch_add(value, Ordering::Relaxed);
    if REMAINING.fetch_sub(1, Ordering::AcqRel) == 1 {
      DONE.notify_one();
    }
  }
}

fn remote_spawn(runtime: &Runtime, threads: usize) -> Sample {
  let each = REMOTE_TASKS / threads;
  let barrier = Arc::new(Barrier::new(threads + 1));
  let spawners: Vec<_> = (0..threads)
    .map(|_| {
      let (handle, barrier) = (runtime.handle().clone(), barrier.clone());
      std::thread::spawn(move || {
        barrier.wait();
        for i in 0..each {
          handle.spawn(remote_task(i));
        }
      })
    })
    .collect();

  REMAINING.store(each * threads, Ordering::Relaxed);
  SUM.store(0, Ordering::Relaxed);
  barrier.wait();
  let watch = Stopwatch::start();
  runtime.block_on(DONE.notified());
  let sample = watch.wall_and_cpu_per(each * threads);
  spawners.into_iter().for_each(|spawner| spawner.join().unwrap());
  expect(SUM.load(Ordering::Relaxed), threads * (each * (each - 1) / 2));
  sample
}

fn remote_spawn_1(runtime: &Runtime) -> Sample {
  remote_spawn(runtime, 1)
}

fn remote_spawn_8(runtime: &Runtime) -> Sample {
  remote_spawn(runtime, 8)
}

// -- switching -----------------------------------------------------------------

/// `tasks` tasks take turns, `turns` altogether. All are there before the first
/// turn counts; a turn ends with a yield or with the task.
fn yields(runtime: &Runtime, tasks: usize, turns: usize) -> Sample {
  run(runtime, async move {
    let each = turns / tasks;
    GO.store(false, Ordering::Relaxed);
    let handles: Vec<_> = (0..tasks)
      .map(|_| {
        tokio::spawn(async move {
          while !GO.load(Ordering::Relaxed) {
            yield_now().await;
          }
          for _ in 1..each {
            yield_now().await;
          }
          each
        })
      })
      .collect();
    let watch = Stopwatch::start();
    let mut sum = 0;

    GO.store(true, Ordering::Relaxed);
    for handle in handles {
      sum += handle.await.unwrap();
    }
    let sample = watch.wall_per(turns);
    expect(sum, turns);
    sample
  })
}

fn yield_2(runtime: &Runtime) -> Sample {
  yields(runtime, 2, 2_000_000)
}

fn yield_1k(runtime: &Runtime) -> Sample {
  let count = count(1000);
  yields(runtime, count, rounds(4_000_000, count) * count)
}

fn yield_100k(runtime: &Runtime) -> Sample {
  yields(runtime, 100_000, 5_000_000)
}

async fn ping() {
  let (ping, pinged) = oneshot::channel();
  let (pong, ponged) = oneshot::channel();

  tokio::spawn(async move {
    let value: usize = pinged.await.unwrap();
    pong.send(value + 1).unwrap();
  });
  ping.send(1).unwrap();
  SUM.fetch_add(ponged.await.unwrap(), Ordering::Relaxed);
  if REMAINING.fetch_sub(1, Ordering::AcqRel) == 1 {
    DONE.notify_one();
  }
}

fn ping_pong(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (rounds, pings) = (200, 1000);
    let watch = Stopwatch::start();

    SUM.store(0, Ordering::Relaxed);
    for _ in 0..rounds {
      REMAINING.store(pings, Ordering::Relaxed);
      for _ in 0..pings {
        tokio::spawn(ping());
      }
      DONE.notified().await;
    }
    let sample = watch.wall_per(rounds * pings);
    expect(SUM.load(Ordering::Relaxed), 2 * rounds * pings);
    sample
  })
}

// -- channels and locks ----------------------------------------------------------

fn channel_ping_pong(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let rounds = 500_000;
    let (out, mut outs) = mpsc::channel::<usize>(1);
    let (back, mut backs) = mpsc::channel::<usize>(1);

    let answer = tokio::spawn(async move {
      while let Some(value) = outs.recv().await {
        back.send(value + 1).await.unwrap();
      }
    });
    let watch = Stopwatch::start();
    let mut sum = 0;

    for i in 0..rounds {
      out.send(i).await.unwrap();
      sum += backs.recv().await.unwrap();
    }
    let sample = watch.wall_per(rounds);
    drop(out);
    answer.await.unwrap();
    expect(sum, rounds * (rounds + 1) / 2);
    sample
  })
}

fn channel_from(runtime: &Runtime, senders: usize) -> Sample {
  run(runtime, async move {
    let messages = 2_000_000;
    let each = messages / senders;
    let (sender, mut receiver) = mpsc::channel::<usize>(100);
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..senders {
      let sender = sender.clone();
      tokio::spawn(async move {
        for i in 0..each {
          sender.send(i).await.unwrap();
        }
      });
    }
    for _ in 0..messages {
      sum += receiver.recv().await.unwrap();
    }
    let sample = watch.wall_per(messages);
    expect(sum, senders * (each * (each - 1) / 2));
    sample
  })
}

fn channel_1_to_1(runtime: &Runtime) -> Sample {
  channel_from(runtime, 1)
}

fn channel_4_to_1(runtime: &Runtime) -> Sample {
  channel_from(runtime, 4)
}

const LOCK_ROUNDS: usize = 5_000_000;

fn mutex_uncontended(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let mutex = Mutex::new(0);
    let watch = Stopwatch::start();

    for _ in 0..LOCK_ROUNDS {
      *mutex.lock().await += 1;
    }
    let sample = watch.wall_per(LOCK_ROUNDS);
    expect(mutex.into_inner(), LOCK_ROUNDS);
    sample
  })
}

fn mutex_held_over_yield_8(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (tasks, each) = (8, 50_000);
    let mutex = Arc::new(Mutex::new(0));
    let watch = Stopwatch::start();
    let handles: Vec<_> = (0..tasks)
      .map(|_| {
        let mutex = mutex.clone();
        tokio::spawn(async move {
          for _ in 0..each {
            let mut sum = mutex.lock().await;
            let before = *sum;
            yield_now().await;
            *sum = before + 1;
          }
        })
      })
      .collect();

    for handle in handles {
      handle.await.unwrap();
    }
    let sample = watch.wall_per(tasks * each);
    expect(*mutex.lock().await, tasks * each);
    sample
  })
}

fn semaphore_uncontended(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let semaphore = Semaphore::new(10);
    let watch = Stopwatch::start();

    for _ in 0..LOCK_ROUNDS {
      drop(semaphore.acquire().await.unwrap());
    }
    let sample = watch.wall_per(LOCK_ROUNDS);
    expect(semaphore.available_permits(), 10);
    sample
  })
}

fn rwlock_uncontended(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let rwlock = RwLock::new(1);
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..LOCK_ROUNDS {
      sum += *rwlock.read().await;
    }
    let sample = watch.wall_per(LOCK_ROUNDS);
    expect(sum, LOCK_ROUNDS);
    sample
  })
}

fn notify_ping_pong(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let rounds = 500_000;
    let (out, back) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let partner = tokio::spawn({
      let (out, back) = (out.clone(), back.clone());
      async move {
        for _ in 0..rounds {
          out.notified().await;
          back.notify_one();
        }
      }
    });
    let watch = Stopwatch::start();

    for _ in 0..rounds {
      out.notify_one();
      back.notified().await;
    }
    let sample = watch.wall_per(rounds);
    partner.await.unwrap();
    sample
  })
}

// -- timers --------------------------------------------------------------------

/// A number below `bound` that looks random but is the same in every run.
fn scatter(i: usize, bound: usize) -> usize {
  let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
  ((mixed >> 32) as usize) % bound
}

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

fn timer_create_cancel(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let count = count(TIMERS);
    let rounds = rounds(TIMERS, count);
    let mut timers: Vec<Option<Sleep>> = (0..count).map(|_| None).collect();
    let watch = Stopwatch::start();
    let mut started = 0;

    for _ in 0..rounds {
      for (i, timer) in timers.iter_mut().enumerate() {
        *timer = Some(sleep(Duration::from_millis(60_000 + scatter(i, 3_600_000) as u64)));
      }
      started += StartAll(&mut timers).await;
      for i in 0..count {
        timers[i * 611_953 % count] = None; // a prime, so every index comes once
      }
    }
    let sample = watch.wall_per(rounds * count);
    expect(started, rounds * count);
    expect(timers.iter().flatten().count(), 0);
    sample
  })
}

async fn sleep_shortly(seed: usize, count: usize) -> usize {
  for i in 0..count {
    let duration = Duration::from_millis(1 + scatter(seed + i, 10) as u64);
    let before = if i == 0 { Some(Instant::now()) } else { None };

    sleep(duration).await;
    if let Some(before) = before {
      assert!(before.elapsed() >= duration, "a timer fired early");
    }
  }
  count
}

fn timer_create_fire(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (tasks, each) = (50_000, 10);
    let watch = Stopwatch::start();
    let handles: Vec<_> = (0..tasks).map(|i| tokio::spawn(sleep_shortly(i * each, each))).collect();
    let mut sum = 0;

    for handle in handles {
      sum += handle.await.unwrap();
    }
    let sample = watch.wall_and_cpu_per(tasks * each);
    expect(sum, tasks * each);
    sample
  })
}

/// How late it was, in ns.
async fn sleep_measured(duration: Duration) -> u64 {
  let due = Instant::now() + duration;

  sleep(duration).await;
  Instant::now().checked_duration_since(due).expect("a timer fired early").as_nanos() as u64
}

fn timer_late(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (sleepers, sleeps) = (1000, 20);
    let handles: Vec<_> = (0..sleepers)
      .map(|i| {
        tokio::spawn(async move {
          let mut late = Vec::with_capacity(sleeps);
          for j in 0..sleeps {
            let duration = Duration::from_millis(1 + scatter(i * sleeps + j, 10) as u64);
            late.push(sleep_measured(duration).await);
          }
          late
        })
      })
      .collect();
    let mut late = Vec::new();

    for handle in handles {
      late.extend(handle.await.unwrap());
    }
    expect(late.len(), sleepers * sleeps);
    quantiles("timer_late", late)
  })
}

/// One task computes for 10 ms, sleeps for 10 ms; others sleep for 1 ms again and again.
fn busy_10ms(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (tickers, rounds) = (8, 50);
    let over = Arc::new(AtomicBool::new(false));
    let handles: Vec<_> = (0..tickers)
      .map(|_| {
        let over = over.clone();
        tokio::spawn(async move {
          let mut late = Vec::new();
          while !over.load(Ordering::Relaxed) {
            late.push(sleep_measured(Duration::from_millis(1)).await);
          }
          late
        })
      })
      .collect();
    let compute = tokio::spawn(async move {
      for _ in 0..rounds {
        let until = Instant::now() + Duration::from_millis(10);
        while Instant::now() < until {}
        sleep(Duration::from_millis(10)).await;
      }
      over.store(true, Ordering::Relaxed);
    });
    let mut late = Vec::new();

    compute.await.unwrap();
    for handle in handles {
      late.extend(handle.await.unwrap());
    }
    assert!(late.len() >= tickers * rounds);
    quantiles("busy_10ms", late)
  })
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

fn memory_sleeping_bytes(runtime: &Runtime) -> Sample {
  let sample = memory_per_task(runtime, || sleep(Duration::from_secs(3600)));

  expect(SUM.load(Ordering::Relaxed), 0);
  sample
}

fn memory_waiting_bytes(runtime: &Runtime) -> Sample {
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

fn main() {
  harness::main(&[
    Benchmark::repeated("spawn_join_batch", spawn_join_batch),
    Benchmark::repeated("spawn_join_one", spawn_join_one),
    Benchmark::once("spawn_join_cold", spawn_join_cold),
    Benchmark::repeated("chained_spawn", chained_spawn),
    Benchmark::repeated("remote_spawn_1", remote_spawn_1),
    Benchmark::repeated("remote_spawn_8", remote_spawn_8),
    Benchmark::repeated("yield_2", yield_2),
    Benchmark::repeated("yield_1k", yield_1k),
    Benchmark::repeated("yield_100k", yield_100k),
    Benchmark::repeated("ping_pong", ping_pong),
    Benchmark::repeated("channel_ping_pong", channel_ping_pong),
    Benchmark::repeated("channel_1_to_1", channel_1_to_1),
    Benchmark::repeated("channel_4_to_1", channel_4_to_1),
    Benchmark::repeated("mutex_uncontended", mutex_uncontended),
    Benchmark::repeated("mutex_held_over_yield_8", mutex_held_over_yield_8),
    Benchmark::repeated("semaphore_uncontended", semaphore_uncontended),
    Benchmark::repeated("rwlock_uncontended", rwlock_uncontended),
    Benchmark::repeated("notify_ping_pong", notify_ping_pong),
    Benchmark::repeated("oneshot_ping_pong", channels::oneshot_ping_pong),
    Benchmark::repeated("broadcast_1k", channels::broadcast_1k),
    Benchmark::repeated("watch_1k", channels::watch_1k),
    Benchmark::repeated("timer_create_cancel", timer_create_cancel),
    Benchmark::repeated("timer_create_fire", timer_create_fire),
    Benchmark::once("timer_late", timer_late),
    Benchmark::once("busy_10ms", busy_10ms),
    Benchmark::once("memory_sleeping_bytes", memory_sleeping_bytes),
    Benchmark::once("memory_waiting_bytes", memory_waiting_bytes),
    Benchmark::once("memory_idle_channel_bytes", channels::memory_idle_channel_bytes),
  ]);
}
