// SPDX-License-Identifier: MIT
//! What channels with many messages, locks and notifies cost.

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, Mutex, Notify, RwLock, Semaphore};
use tokio::task::yield_now;

use crate::harness::{expect, Sample, Stopwatch};
use crate::rig::run;

pub fn channel_ping_pong(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let rounds = 300_000;
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

pub fn channel_1_to_1(runtime: &Runtime) -> Sample {
  channel_from(runtime, 1)
}

pub fn channel_4_to_1(runtime: &Runtime) -> Sample {
  channel_from(runtime, 4)
}

const LOCK_ROUNDS: usize = 2_000_000;

pub fn mutex_uncontended(runtime: &Runtime) -> Sample {
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

pub fn mutex_held_over_yield_8(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (tasks, each) = (8, 25_000);
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

pub fn semaphore_uncontended(runtime: &Runtime) -> Sample {
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

pub fn rwlock_uncontended(runtime: &Runtime) -> Sample {
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

pub fn notify_ping_pong(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let rounds = 300_000;
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

pub fn semaphore_held_over_yield_8(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (tasks, each) = (8, 25_000);
    let semaphore = Arc::new(Semaphore::new(2));
    let watch = Stopwatch::start();
    let handles: Vec<_> = (0..tasks)
      .map(|_| {
        let semaphore = semaphore.clone();
        tokio::spawn(async move {
          for _ in 0..each {
            let _permit = semaphore.acquire().await.unwrap();
            yield_now().await;
          }
          each
        })
      })
      .collect();
    let mut sum = 0;

    for handle in handles {
      sum += handle.await.unwrap();
    }
    let sample = watch.wall_per(tasks * each);
    expect(sum, tasks * each);
    expect(semaphore.available_permits(), 2);
    sample
  })
}

// -- notify --------------------------------------------------------------------------

/// A notify that is told before somebody waits.
pub fn notify_ready(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let notify = Notify::new();
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..LOCK_ROUNDS {
      notify.notify_one();
      notify.notified().await;
      sum += 1;
    }
    let sample = watch.wall_per(LOCK_ROUNDS);
    expect(sum, LOCK_ROUNDS);
    sample
  })
}

#[derive(Default)]
struct Crowd {
  wake_up: Notify,
  heard: Notify,
  left: AtomicIsize, // wakes to come, or who has still to say that it waits
  woken: AtomicUsize,
  calls: AtomicUsize,
}

/// Whoever is woken passes it on to the next one, until all wakes have been.
async fn wake_next(crowd: Arc<Crowd>) {
  loop {
    crowd.wake_up.notified().await;
    if crowd.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
      break;
    }
    crowd.woken.fetch_add(1, Ordering::Relaxed);
    crowd.wake_up.notify_one();
  }
  crowd.wake_up.notify_one(); // the others end, too
}

pub fn notify_one_of_100(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let wakes = 300_000;
    let crowd = Arc::new(Crowd::default());
    crowd.left.store(wakes, Ordering::Relaxed);
    let handles: Vec<_> = (0..100).map(|_| tokio::spawn(wake_next(crowd.clone()))).collect();
    let watch = Stopwatch::start();

    crowd.wake_up.notify_one();
    for handle in handles {
      handle.await.unwrap();
    }
    let sample = watch.wall_per(wakes as usize);
    expect(crowd.woken.load(Ordering::Relaxed), wakes as usize);
    sample
  })
}

/// Says that it waits (the last one wakes the caller), and waits for the call: in a loop, because this
/// Tokio's notify_waiters may wake those, too, that come while it wakes.
async fn hear(crowd: Arc<Crowd>, calls: usize) {
  for i in 0..=calls {
    if crowd.left.fetch_sub(1, Ordering::AcqRel) == 1 {
      crowd.heard.notify_one();
    }
    while i < calls {
      let woken = crowd.wake_up.notified();
      if crowd.calls.load(Ordering::Acquire) > i {
        crowd.woken.fetch_add(1, Ordering::Relaxed);
        break;
      }
      woken.await;
    }
  }
}

pub fn notify_all_1k(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (tasks, calls) = (1000, 200);
    let crowd = Arc::new(Crowd::default());
    crowd.left.store(tasks as isize, Ordering::Release);
    let handles: Vec<_> = (0..tasks).map(|_| tokio::spawn(hear(crowd.clone(), calls))).collect();
    crowd.heard.notified().await;
    let watch = Stopwatch::start();

    for i in 0..calls {
      crowd.left.store(tasks as isize, Ordering::Release);
      crowd.calls.store(i + 1, Ordering::Release);
      crowd.wake_up.notify_waiters();
      crowd.heard.notified().await;
    }
    let sample = watch.wall_per(calls * tasks);
    for handle in handles {
      handle.await.unwrap();
    }
    expect(crowd.woken.load(Ordering::Relaxed), calls * tasks);
    sample
  })
}
