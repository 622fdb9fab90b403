// SPDX-License-Identifier: MIT
//! Tokio's side of bench/switch: what bench/switch/async_*.c are to Weft.
//!
//!     switch_tokio async_brigade|async_mem_brigade|async_creation [the options of those]

use std::process::{exit, Command};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

struct Options {
  tasks: usize,
  iterations: usize,
  warmups: usize,
  command: Option<String>,
  quiet: bool,
}

fn parse_options(mut arguments: std::env::Args, tasks_option: &str) -> Option<Options> {
  let (tasks, iterations) = if tasks_option == "--tasks" { (10000, 100) } else { (500, 10000) };
  let warmups = iterations / if tasks_option == "--tasks" { 10 } else { 100 };
  let mut options = Options { tasks, iterations, warmups, command: None, quiet: false };

  while let Some(argument) = arguments.next() {
    match argument.as_str() {
      "--quiet" => options.quiet = true,
      "--iters" => options.iterations = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
      "--warmups" => options.warmups = arguments.next()?.parse().ok()?,
      "--command" => options.command = Some(arguments.next()?),
      name if name == tasks_option => {
        options.tasks = arguments.next()?.parse().ok().filter(|n| *n > 0)?
      }
      _ => return None,
    }
  }
  Some(options)
}

#[derive(Default)]
struct Stats {
  values: Vec<f64>,
}

impl Stats {
  fn push(&mut self, value: f64) {
    self.values.push(value);
  }

  fn mean(&self) -> f64 {
    self.values.iter().sum::<f64>() / self.values.len() as f64
  }

  fn population_stddev(&self) -> f64 {
    let mean = self.mean();
    let squares: f64 = self.values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / self.values.len() as f64).sqrt()
  }
}

fn duration(seconds: f64) -> String {
  let mut value = seconds * 1e9;
  for unit in ["ns", "us", "ms"] {
    if value < 1500.0 {
      return format!("{value:.3}{unit}");
    }
    value /= 1000.0;
  }
  format!("{value:.3}s")
}

fn print_brigade(options: &Options, stats: &Stats) {
  if options.quiet {
    return;
  }
  println!(
    "{} tasks, {} iterations: mean {} per iteration, stddev {} ({} per task per iter)",
    options.tasks,
    options.iterations,
    duration(stats.mean()),
    duration(stats.population_stddev()),
    duration(stats.mean() / options.tasks as f64)
  );
}

/// The end of the program, with its tasks still there.
fn run_command(options: &Options) -> ! {
  let command = match &options.command {
    Some(command) => command,
    None => exit(0),
  };
  let command = command.replace("{pid}", &std::process::id().to_string());
  let status = Command::new("sh").args(["-c", &command]).status().unwrap();
  exit(!status.success() as i32)
}

async fn brigade(options: Options) {
  let (mut first, mut upstream) = UnixStream::pair().unwrap();
  for _ in 0..options.tasks {
    let (mut downstream, next) = UnixStream::pair().unwrap();
    tokio::spawn(async move {
      let mut byte = [0u8; 1];
      while upstream.read_exact(&mut byte).await.is_ok() {
        byte[0] = byte[0].wrapping_add(1);
        downstream.write_all(&byte).await.unwrap();
      }
    });
    upstream = next;
  }

  let mut stats = Stats::default();
  for i in 0..options.warmups + options.iterations {
    let start = Instant::now();
    let mut byte = [i as u8];
    first.write_all(&byte).await.unwrap();
    upstream.read_exact(&mut byte).await.unwrap();
    assert_eq!(byte[0], (i + options.tasks) as u8, "a task was passed over");
    if i >= options.warmups {
      stats.push(start.elapsed().as_secs_f64());
    }
  }
  print_brigade(&options, &stats);
  run_command(&options)
}

async fn mem_brigade(options: Options) {
  let (first, mut upstream) = mpsc::channel::<usize>(1);
  for _ in 0..options.tasks {
    let (downstream, next) = mpsc::channel::<usize>(1);
    tokio::spawn(async move {
      while let Some(value) = upstream.recv().await {
        downstream.send(value + 1).await.unwrap();
      }
    });
    upstream = next;
  }

  let mut stats = Stats::default();
  for i in 0..options.warmups + options.iterations {
    let start = Instant::now();
    first.send(i).await.unwrap();
    assert_eq!(upstream.recv().await, Some(i + options.tasks), "a task was passed over");
    if i >= options.warmups {
      stats.push(start.elapsed().as_secs_f64());
    }
  }
  print_brigade(&options, &stats);
  run_command(&options)
}

async fn creation(options: Options) {
  let (mut created, mut start, mut last) = (Stats::default(), Stats::default(), Stats::default());
  let mut tasks = Vec::with_capacity(options.tasks);

  for i in 0..options.warmups + options.iterations {
    let before = Instant::now();
    for _ in 0..options.tasks {
      let start = Instant::now();
      tasks.push((start, tokio::spawn(async { Instant::now() })));
    }
    let elapsed = before.elapsed().as_secs_f64();
    let mut last_body = before;
    for (start_time, task) in tasks.drain(..) {
      let body = task.await.unwrap();
      last_body = last_body.max(body);
      if i >= options.warmups {
        start.push(body.duration_since(start_time).as_secs_f64());
      }
    }
    if i >= options.warmups {
      created.push(elapsed);
      last.push(last_body.duration_since(before).as_secs_f64());
    }
  }
  if !options.quiet {
    println!(
      "{} tasks, {} warmups, {} iterations:",
      options.tasks, options.warmups, options.iterations
    );
    print_for_all("create a task", &created, options.tasks);
    println!(
      "creation to body: mean {}, stddev {}",
      duration(start.mean()),
      duration(start.population_stddev())
    );
    print_for_all("creation to last body", &last, options.tasks);
  }
  run_command(&options)
}

fn print_for_all(what: &str, stats: &Stats, tasks: usize) {
  println!(
    "{what}: mean {} per iter, stddev {} ({} per task)",
    duration(stats.mean()),
    duration(stats.population_stddev()),
    duration(stats.mean() / tasks as f64)
  );
}

/// In a task, so that what it spawns is spawned from a worker.
fn run<F: std::future::Future<Output = ()> + Send + 'static>(runtime: Runtime, program: F) {
  runtime.block_on(async { tokio::spawn(program).await.unwrap() })
}

fn raise_descriptor_limit() {
  let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };

  unsafe {
    libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
    limit.rlim_cur = limit.rlim_max;
    libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
  }
}

fn main() {
  let mut arguments = std::env::args();
  let program = arguments.nth(1).unwrap_or_default();
  let tasks_option = if program == "async_creation" { "--tasks" } else { "--threads" };
  let options = parse_options(arguments, tasks_option).unwrap_or_else(|| {
    eprintln!("usage: switch_tokio PROGRAM [{tasks_option} N] [--iters N] [--warmups N]");
    eprintln!("           [--command COMMAND] [--quiet]");
    exit(2);
  });
  let workers = || Builder::new_multi_thread().enable_all().build().unwrap();

  raise_descriptor_limit();
  match program.as_str() {
    "async_brigade" => run(workers(), brigade(options)),
    "async_mem_brigade" => {
      run(Builder::new_current_thread().build().unwrap(), mem_brigade(options))
    }
    "async_creation" => run(workers(), creation(options)),
    _ => {
      eprintln!("switch_tokio: async_brigade, async_mem_brigade or async_creation");
      exit(2);
    }
  }
}
