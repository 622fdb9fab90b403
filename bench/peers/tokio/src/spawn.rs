// SPDX-License-Identifier: MIT
//! What it costs to spawn tasks, from inside, from other threads, and in sets; and calls that may block.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::{spawn_blocking, yield_now, JoinHandle, JoinSet};

use crate::harness::{count, expect, rounds, Sample, Stopwatch};
use crate::rig::{one_done, run, DONE, REMAINING, SUM};

const REMOTE_TASKS: usize = 200_000;
const BUSY_TASKS: usize = 8;
const BLOCKING_CALLS: usize = 8000;

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
    let mut watch = Stopwatch::start();
    let mut sum = 0;

    for batch in 0..batches {
      sum += spawn_and_join(tasks, &mut handles).await;
      if batch == 0 {
        watch.first_is_over();
      }
    }
    let sample = watch.cold_and_warm_per(batches, tasks);
    expect(sum, batches * (tasks * (tasks - 1) / 2));
    sample
  })
}

pub fn spawn_join_batch(runtime: &Runtime) -> Sample {
  let count = count(1000);
  spawn_join(runtime, rounds(1_000_000, count), count)
}

pub fn spawn_join_100k(runtime: &Runtime) -> Sample {
  spawn_join(runtime, 6, 100_000)
}

pub fn spawn_join_one(runtime: &Runtime) -> Sample {
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

pub fn chained_spawn(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (rounds, links) = (300, 1000);
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

pub fn join_set_1k(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (rounds, tasks) = (300, 1000);
    let mut set = JoinSet::new();
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..rounds {
      for i in 0..tasks {
        set.spawn(async move { i });
      }
      while let Some(got) = set.join_next().await {
        sum += got.unwrap();
      }
    }
    let sample = watch.wall_per(rounds * tasks);
    expect(sum, rounds * (tasks * (tasks - 1) / 2));
    sample
  })
}

// -- from other threads ----------------------------------------------------------

async fn remote_task(value: usize) {
  SUM.fetch_add(value, Ordering::Relaxed);
  one_done();
}

/// Spins until there is nothing left to do.
async fn busy() {
  while REMAINING.load(Ordering::Acquire) > 0 {
    yield_now().await;
  }
}

fn remote_spawn(runtime: &Runtime, threads: usize, busy_tasks: usize) -> Sample {
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

  REMAINING.store(REMOTE_TASKS, Ordering::Relaxed);
  SUM.store(0, Ordering::Relaxed);
  let sample = run(runtime, async move {
    for _ in 0..busy_tasks {
      tokio::spawn(busy());
    }
    barrier.wait(); // the only wait of a runtime that is not busy yet
    let watch = Stopwatch::start();
    DONE.notified().await;
    watch.wall_and_cpu_per(REMOTE_TASKS)
  });
  spawners.into_iter().for_each(|spawner| spawner.join().unwrap());
  expect(SUM.load(Ordering::Relaxed), threads * (each * (each - 1) / 2));
  sample
}

pub fn remote_spawn_1(runtime: &Runtime) -> Sample {
  remote_spawn(runtime, 1, 0)
}

pub fn remote_spawn_4(runtime: &Runtime) -> Sample {
  remote_spawn(runtime, 4, 0)
}

pub fn remote_spawn_16(runtime: &Runtime) -> Sample {
  remote_spawn(runtime, 16, 0)
}

pub fn remote_spawn_64(runtime: &Runtime) -> Sample {
  remote_spawn(runtime, 64, 0)
}

pub fn remote_spawn_busy(runtime: &Runtime) -> Sample {
  remote_spawn(runtime, 1, BUSY_TASKS)
}

// -- calls on the blocking pool --------------------------------------------------

fn spawn_blocking_from(runtime: &Runtime, submitters: usize) -> Sample {
  run(runtime, async move {
    let each = BLOCKING_CALLS / submitters;
    let watch = Stopwatch::start();
    let handles: Vec<_> = (0..submitters)
      .map(|_| {
        tokio::spawn(async move {
          let mut sum = 0;
          for i in 0..each {
            sum += spawn_blocking(move || i + 1).await.unwrap();
          }
          sum
        })
      })
      .collect();
    let mut sum = 0;

    for handle in handles {
      sum += handle.await.unwrap();
    }
    let sample = watch.wall_and_cpu_per(BLOCKING_CALLS);
    expect(sum, submitters * (each * (each + 1) / 2));
    sample
  })
}

pub fn spawn_blocking_1(runtime: &Runtime) -> Sample {
  spawn_blocking_from(runtime, 1)
}

pub fn spawn_blocking_4(runtime: &Runtime) -> Sample {
  spawn_blocking_from(runtime, 4)
}

pub fn spawn_blocking_16(runtime: &Runtime) -> Sample {
  spawn_blocking_from(runtime, 16)
}
