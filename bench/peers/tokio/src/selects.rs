// SPDX-License-Identifier: MIT
//! Several futures in one task: where the ready one of a select is, and timeouts. The plain row is in sets.rs.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::harness::{expect, Sample, Stopwatch};
use crate::rig::run;

const SELECTS: usize = 300_000;

type Four = [Notify; 4];

fn four() -> Four {
  [Notify::new(), Notify::new(), Notify::new(), Notify::new()]
}

async fn any(notify: &Four) -> usize {
  tokio::select! {
    _ = notify[0].notified() => 0,
    _ = notify[1].notified() => 1,
    _ = notify[2].notified() => 2,
    _ = notify[3].notified() => 3,
  }
}

async fn first(notify: &Four) -> usize {
  tokio::select! {
    biased;
    _ = notify[0].notified() => 0,
    _ = notify[1].notified() => 1,
    _ = notify[2].notified() => 2,
    _ = notify[3].notified() => 3,
  }
}

fn select_biased(runtime: &Runtime, ready: usize) -> Sample {
  run(runtime, async move {
    let notify = four();
    let watch = Stopwatch::start();
    let mut won = 0;

    for _ in 0..SELECTS {
      notify[ready].notify_one();
      won += (first(&notify).await == ready) as usize;
    }
    let sample = watch.wall_and_cpu_per(SELECTS);
    expect(won, SELECTS);
    sample
  })
}

pub fn select_4_first(runtime: &Runtime) -> Sample {
  select_biased(runtime, 0)
}

pub fn select_4_last(runtime: &Runtime) -> Sample {
  select_biased(runtime, 3)
}

/// None is ready; a partner, which is asked just before, notifies one of them.
pub fn select_4_pending(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let (asked, notify) = (Arc::new(Notify::new()), Arc::new(four()));
    let partner = tokio::spawn({
      let (asked, notify) = (asked.clone(), notify.clone());
      async move {
        for i in 0..SELECTS {
          asked.notified().await;
          notify[i % 4].notify_one();
        }
      }
    });
    let watch = Stopwatch::start();
    let mut won = 0;

    for i in 0..SELECTS {
      asked.notify_one();
      won += (any(&notify).await == i % 4) as usize;
    }
    let sample = watch.wall_and_cpu_per(SELECTS);
    partner.await.unwrap();
    expect(won, SELECTS);
    sample
  })
}

pub fn timeout_ready(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let notify = Notify::new();
    let watch = Stopwatch::start();
    let mut ready = 0;

    for _ in 0..SELECTS {
      notify.notify_one();
      ready += timeout(Duration::from_secs(60), notify.notified()).await.is_ok() as usize;
    }
    let sample = watch.wall_and_cpu_per(SELECTS);
    expect(ready, SELECTS);
    sample
  })
}

pub fn timeout_pending(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let watch = Stopwatch::start();
    let mut ready = 0;

    for _ in 0..SELECTS {
      ready += timeout(Duration::from_secs(60), yield_now()).await.is_ok() as usize;
    }
    let sample = watch.wall_and_cpu_per(SELECTS);
    expect(ready, SELECTS);
    sample
  })
}
