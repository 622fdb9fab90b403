// SPDX-License-Identifier: MIT
//! What it costs to hand something over: the part of micro_tokio about channels.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc, oneshot, watch, Notify};

use crate::harness::{count, expect, resident_bytes, rounds, Sample, Stopwatch};
use crate::rig::{one_done, run, DONE, REMAINING, SUM};

const ROUND_TRIPS: usize = 300_000;
const CHANNELS: usize = 1000;
const MESSAGES: usize = 1_000_000;
const FOLLOWERS: usize = 1000;
const DELIVERIES: usize = 200_000;
const HANDED: usize = 2_000_000;
const IDLE_CHANNELS: usize = 300_000;

/// Each message says where the answer goes: to a oneshot made for it.
struct Letter {
  number: usize,
  answer: Option<oneshot::Sender<Letter>>,
}

async fn write(to: oneshot::Sender<Letter>, number: usize) -> Letter {
  let (answer, answered) = oneshot::channel();

  to.send(Letter { number, answer: Some(answer) }).ok().unwrap();
  answered.await.unwrap()
}

pub fn oneshot_ping_pong(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (first, begins) = oneshot::channel::<Letter>();
    let other = tokio::spawn(async move {
      let mut letter = begins.await.unwrap();
      while let Some(answer) = letter.answer {
        letter = write(answer, letter.number + 1).await;
      }
    });
    let watch = Stopwatch::start();
    let mut letter = Letter { number: 0, answer: Some(first) };

    for _ in 0..ROUND_TRIPS {
      letter = write(letter.answer.unwrap(), letter.number + 1).await;
    }
    let sample = watch.wall_per(ROUND_TRIPS);
    expect(letter.number, 2 * ROUND_TRIPS);
    letter.answer.unwrap().send(Letter { number: 0, answer: None }).ok().unwrap();
    other.await.unwrap();
    sample
  })
}

/// A message to one of many channels after the other, each of which has a task that receives.
pub fn channel_of_1k(runtime: &Runtime) -> Sample {
  let count = count(CHANNELS);
  let rounds = rounds(MESSAGES, count);

  run(runtime, async move {
    let mut senders = Vec::with_capacity(count);

    SUM.store(0, Ordering::Relaxed);
    REMAINING.store(count, Ordering::Release);
    for _ in 0..count {
      let (sender, mut receiver) = mpsc::channel::<usize>(1);
      senders.push(sender);
      tokio::spawn(async move {
        let mut sum = 0;
        while let Some(got) = receiver.recv().await {
          sum += got;
        }
        SUM.fetch_add(sum, Ordering::Relaxed);
        one_done();
      });
    }
    tokio::task::yield_now().await; // they wait
    let watch = Stopwatch::start();
    for _ in 0..rounds {
      for (i, sender) in senders.iter().enumerate() {
        sender.send(i).await.unwrap();
      }
    }
    drop(senders);
    DONE.notified().await;
    let sample = watch.wall_per(rounds * count);
    expect(SUM.load(Ordering::Relaxed), rounds * (count * (count - 1) / 2));
    sample
  })
}

/// A oneshot that is sent before it is received from.
pub fn oneshot_ready(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let watch = Stopwatch::start();
    let mut sum = 0;

    for i in 0..HANDED {
      let (sender, receiver) = oneshot::channel();
      sender.send(i).unwrap();
      sum += receiver.await.unwrap();
    }
    let sample = watch.wall_per(HANDED);
    expect(sum, HANDED * (HANDED - 1) / 2);
    sample
  })
}

/// Followers that have not received this round's message.
struct Round {
  waiting: AtomicUsize,
  arrived: Notify,
}

impl Round {
  fn new() -> Arc<Round> {
    Arc::new(Round { waiting: AtomicUsize::new(0), arrived: Notify::new() })
  }

  fn one_arrived(&self, got: usize, wanted: usize) {
    expect(got, wanted);
    if self.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
      self.arrived.notify_one();
    }
  }
}

fn broadcast_to(runtime: &Runtime, followers: usize) -> Sample {
  run(runtime, async move {
    let (sender, _) = broadcast::channel(16);
    let (round, rounds) = (Round::new(), DELIVERIES / followers);

    for _ in 0..followers {
      let (mut receiver, round) = (sender.subscribe(), round.clone());
      tokio::spawn(async move {
        for i in 0..rounds {
          round.one_arrived(receiver.recv().await.unwrap(), i);
        }
      });
    }
    tokio::task::yield_now().await;
    let watch = Stopwatch::start();
    for i in 0..rounds {
      round.waiting.store(followers, Ordering::Release);
      expect(sender.send(i).unwrap(), followers);
      round.arrived.notified().await;
    }
    watch.wall_per(DELIVERIES)
  })
}

pub fn broadcast_1(runtime: &Runtime) -> Sample {
  broadcast_to(runtime, 1)
}

pub fn broadcast_1k(runtime: &Runtime) -> Sample {
  broadcast_to(runtime, FOLLOWERS)
}

fn watch_by(runtime: &Runtime, followers: usize) -> Sample {
  run(runtime, async move {
    let (sender, receiver) = watch::channel(0);
    let (round, rounds) = (Round::new(), DELIVERIES / followers);

    for _ in 0..followers {
      let (mut receiver, round) = (receiver.clone(), round.clone());
      tokio::spawn(async move {
        for i in 0..rounds {
          receiver.changed().await.unwrap();
          let got = *receiver.borrow();
          round.one_arrived(got, i);
        }
      });
    }
    tokio::task::yield_now().await;
    let watch = Stopwatch::start();
    for i in 0..rounds {
      round.waiting.store(followers, Ordering::Release);
      sender.send(i).unwrap();
      round.arrived.notified().await;
    }
    watch.wall_per(DELIVERIES)
  })
}

pub fn watch_1(runtime: &Runtime) -> Sample {
  watch_by(runtime, 1)
}

pub fn watch_1k(runtime: &Runtime) -> Sample {
  watch_by(runtime, FOLLOWERS)
}

/// Channels with room for one message, all there at once; each carries one.
pub fn channel_create_100k(_: &Runtime) -> Sample {
  let (rounds, count) = (6, 100_000);
  let mut watch = Stopwatch::start();
  let mut sum = 0;

  for round in 0..rounds {
    let mut channels = Vec::with_capacity(count);
    for i in 0..count {
      let (sender, mut receiver) = mpsc::channel(1);
      sender.try_send(i).unwrap();
      sum += receiver.try_recv().unwrap();
      channels.push((sender, receiver));
    }
    drop(channels);
    if round == 0 {
      watch.first_is_over();
    }
  }
  let sample = watch.cold_and_warm_per(rounds, count);
  expect(sum, rounds * (count * (count - 1) / 2));
  sample
}

/// Bounded channels for one message, which each has carried once.
pub fn memory_idle_channel_bytes(_: &Runtime) -> Sample {
  let before = resident_bytes();
  let mut channels = Vec::with_capacity(IDLE_CHANNELS);
  let mut sum = 0;

  for i in 0..IDLE_CHANNELS {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(i).unwrap();
    sum += receiver.try_recv().unwrap();
    channels.push((sender, receiver));
  }
  let grown = resident_bytes() - before;
  expect(sum, IDLE_CHANNELS * (IDLE_CHANNELS - 1) / 2);
  Sample::bytes(grown as f64 / IDLE_CHANNELS as f64)
}
