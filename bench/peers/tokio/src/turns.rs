// SPDX-License-Identifier: MIT
//! What a turn costs, a message there and back, and awaits inside awaits.

use std::sync::atomic::Ordering;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::harness::{count, expect, rounds, Sample, Stopwatch};
use crate::rig::{one_done, run, DONE, GO, REMAINING, SUM};

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

pub fn yield_2(runtime: &Runtime) -> Sample {
  yields(runtime, 2, 1_000_000)
}

pub fn yield_1k(runtime: &Runtime) -> Sample {
  let count = count(1000);
  yields(runtime, count, rounds(2_000_000, count) * count)
}

pub fn yield_100k(runtime: &Runtime) -> Sample {
  yields(runtime, 100_000, 2_000_000)
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
  one_done();
}

pub fn ping_pong(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (rounds, pings) = (100, 1000);
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

// -- nested awaits -----------------------------------------------------------------

const READY: usize = 500_000;
const YIELDS: usize = 300_000;

async fn nested_0(yields: bool, i: usize) -> usize {
  if yields {
    yield_now().await;
  }
  i
}

macro_rules! nested {
  ($name:ident, $below:ident) => {
    async fn $name(yields: bool, i: usize) -> usize {
      $below(yields, i).await + 1
    }
  };
}

nested!(nested_1, nested_0);
nested!(nested_2, nested_1);
nested!(nested_3, nested_2);
nested!(nested_4, nested_3);
nested!(nested_5, nested_4);
nested!(nested_6, nested_5);
nested!(nested_7, nested_6);
nested!(nested_8, nested_7);
nested!(nested_9, nested_8);
nested!(nested_10, nested_9);
nested!(nested_11, nested_10);
nested!(nested_12, nested_11);
nested!(nested_13, nested_12);
nested!(nested_14, nested_13);
nested!(nested_15, nested_14);
nested!(nested_16, nested_15);
nested!(nested_17, nested_16);
nested!(nested_18, nested_17);
nested!(nested_19, nested_18);
nested!(nested_20, nested_19);

macro_rules! nested_row {
  ($name:ident, $nested:ident, $yields:expr, $count:expr, $depth:expr) => {
    pub fn $name(runtime: &Runtime) -> Sample {
      run(runtime, async {
        let watch = Stopwatch::start();
        let mut sum = 0;

        for i in 0..$count {
          sum += $nested($yields, i).await;
        }
        let sample = watch.wall_per($count);
        expect(sum, $count * ($count - 1) / 2 + $count * $depth);
        sample
      })
    }
  };
}

nested_row!(nested_ready_1, nested_1, false, READY, 1);
nested_row!(nested_ready_5, nested_5, false, READY, 5);
nested_row!(nested_ready_20, nested_20, false, READY, 20);
nested_row!(nested_yield_1, nested_1, true, YIELDS, 1);
nested_row!(nested_yield_5, nested_5, true, YIELDS, 5);
nested_row!(nested_yield_20, nested_20, true, YIELDS, 20);
