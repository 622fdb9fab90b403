// SPDX-License-Identifier: MIT
//! How late what is due comes: with nothing else to do, beside a task that computes, and while one
//! worker is stuck.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::harness::{expect, quantiles, Sample};
use crate::rig::{run, scatter};

/// How late it was, in ns.
async fn sleep_measured(duration: Duration) -> u64 {
  let due = Instant::now() + duration;

  sleep(duration).await;
  Instant::now().checked_duration_since(due).expect("a timer fired early").as_nanos() as u64
}

pub fn timer_late(runtime: &Runtime) -> Sample {
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
pub fn busy_10ms(runtime: &Runtime) -> Sample {
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

// -- one worker is stuck -----------------------------------------------------------

const STUCK_ROUNDS: usize = 5;
const STUCK_EACH: usize = 4;
const STUCK: Duration = Duration::from_millis(200);

/// How often something came, and how late it was at worst.
#[derive(Default)]
struct Delays {
  seen: AtomicUsize,
  worst_ns: AtomicU64,
}

impl Delays {
  fn note(&self, due: Instant) {
    let late_ns = Instant::now().saturating_duration_since(due).as_nanos() as u64;
    self.seen.fetch_add(1, Ordering::Relaxed);
    self.worst_ns.fetch_max(late_ns, Ordering::Relaxed);
  }

  fn print(&self, name: &str) {
    assert!(self.seen.load(Ordering::Relaxed) >= STUCK_ROUNDS * STUCK_EACH);
    println!("{name} {}", self.worst_ns.load(Ordering::Relaxed));
  }
}

#[derive(Default)]
struct Stuck {
  over: AtomicBool,
  socket: Delays,
  timer: Delays,
  wake: Delays,
}

/// Sleeps a millisecond, again and again.
async fn stuck_sleeper(stuck: Arc<Stuck>) {
  while !stuck.over.load(Ordering::Relaxed) {
    let due = Instant::now() + Duration::from_millis(1);
    sleep(Duration::from_millis(1)).await;
    stuck.timer.note(due);
  }
}

/// Reads when each message was sent.
async fn stuck_reader(mut stream: TcpStream, begin: Instant, stuck: Arc<Stuck>) {
  while let Ok(sent_ns) = stream.read_u64_le().await {
    stuck.socket.note(begin + Duration::from_nanos(sent_ns));
  }
}

/// In a plain thread: a message to each connection every millisecond.
fn stuck_send(mut streams: Vec<std::net::TcpStream>, begin: Instant, stuck: Arc<Stuck>) {
  while !stuck.over.load(Ordering::Relaxed) {
    for stream in streams.iter_mut() {
      stream.write_all(&(begin.elapsed().as_nanos() as u64).to_le_bytes()).unwrap();
    }
    std::thread::sleep(Duration::from_millis(1));
  }
}

/// Queues some tasks, and sleeps in its poll.
fn stuck_stay(stuck: &Arc<Stuck>) {
  for _ in 0..STUCK_EACH {
    let (due, stuck) = (Instant::now(), stuck.clone());
    tokio::spawn(async move { stuck.wake.note(due) });
  }
  std::thread::sleep(STUCK);
}

pub fn stuck(runtime: &Runtime) -> Sample {
  run(runtime, async {
    let stuck = Arc::new(Stuck::default());
    let begin = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut streams, mut tasks) = (Vec::new(), Vec::new());

    for _ in 0..STUCK_EACH {
      streams.push(std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap());
      let (stream, _) = listener.accept().await.unwrap();
      tasks.push(tokio::spawn(stuck_reader(stream, begin, stuck.clone())));
      tasks.push(tokio::spawn(stuck_sleeper(stuck.clone())));
    }
    let sender = {
      let stuck = stuck.clone();
      std::thread::spawn(move || stuck_send(streams, begin, stuck))
    };
    for _ in 0..STUCK_ROUNDS {
      sleep(Duration::from_millis(20)).await;
      stuck_stay(&stuck);
    }
    stuck.over.store(true, Ordering::Relaxed);
    expect(tasks.len(), 2 * STUCK_EACH);
    for task in tasks {
      task.await.unwrap();
    }
    sender.join().unwrap();
    stuck.socket.print("stuck_socket");
    stuck.timer.print("stuck_timer");
    stuck.wake.print("stuck_wake");
    Sample::none()
  })
}
