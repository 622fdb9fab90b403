// SPDX-License-Identifier: MIT
//! What many futures in one task cost: the futures crate's join_all and FuturesUnordered, Tokio's select!.

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, Notify};
use tokio::task::yield_now;

use crate::harness::{expect, Sample, Stopwatch};
use crate::rig::run;

const STAGGERED: usize = 100_000;
const PUSHES: usize = 1_000_000;
const SELECTS: usize = 300_000;

/// Children that receive from a oneshot each; another task sends to one a turn.
fn join_staggered(runtime: &Runtime, count: usize) -> Sample {
  run(runtime, async move {
    let rounds = STAGGERED / count;
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..rounds {
      let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| oneshot::channel()).unzip();
      let sending = tokio::spawn(async move {
        for sender in senders {
          sender.send(1).unwrap();
          yield_now().await;
        }
      });
      sum += join_all(receivers).await.into_iter().map(|got| got.unwrap()).sum::<usize>();
      sending.await.unwrap();
    }
    let sample = watch.wall_and_cpu_per(rounds * count);
    expect(sum, rounds * count);
    sample
  })
}

pub fn join_all_100(runtime: &Runtime) -> Sample {
  join_staggered(runtime, 100)
}

pub fn join_all_100k(runtime: &Runtime) -> Sample {
  join_staggered(runtime, 100_000)
}

async fn value(i: usize) -> usize {
  i
}

/// Pushes one and takes one, with so many in the set all the time.
fn push_next(runtime: &Runtime, count: usize) -> Sample {
  run(runtime, async move {
    let mut set: FuturesUnordered<_> = (1..count).map(|_| value(0)).collect();
    let watch = Stopwatch::start();
    let mut sum = 0;

    for _ in 0..PUSHES {
      set.push(value(1));
      sum += set.next().await.unwrap();
    }
    let sample = watch.wall_and_cpu_per(PUSHES);
    expect(sum, PUSHES - (count - 1));
    sample
  })
}

pub fn set_push_next(runtime: &Runtime) -> Sample {
  push_next(runtime, 1)
}

pub fn set_push_next_10k(runtime: &Runtime) -> Sample {
  push_next(runtime, 10_000)
}

/// Over four, of which one is ready, in turns.
pub fn select_4(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let notifies = [Notify::new(), Notify::new(), Notify::new(), Notify::new()];
    let watch = Stopwatch::start();
    let mut won = 0;

    for i in 0..SELECTS {
      notifies[i % 4].notify_one();
      let winner = tokio::select! {
        _ = notifies[0].notified() => 0,
        _ = notifies[1].notified() => 1,
        _ = notifies[2].notified() => 2,
        _ = notifies[3].notified() => 3,
      };
      won += (winner == i % 4) as usize;
    }
    let sample = watch.wall_and_cpu_per(SELECTS);
    expect(won, SELECTS);
    sample
  })
}
