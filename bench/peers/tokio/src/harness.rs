// SPDX-License-Identifier: MIT
//! Options, passes and output of micro_tokio: what bench/micro/micro.c is to C.

use std::process::{exit, Command};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

#[derive(Clone, Copy)]
pub struct Sample {
  value: f64,
  cpu_ns: Option<f64>,
  cold: Option<f64>, // of the first pass, in fresh memory
}

impl Sample {
  pub fn bytes(value: f64) -> Sample {
    Sample { value, cpu_ns: None, cold: None }
  }

  /// The benchmark has printed its lines itself.
  pub fn none() -> Sample {
    Sample::bytes(0.0)
  }
}

pub struct Benchmark {
  name: &'static str,
  run: fn(&Runtime) -> Sample,
  once: bool,
}

impl Benchmark {
  /// One pass to warm up, then the median of several.
  pub const fn repeated(name: &'static str, run: fn(&Runtime) -> Sample) -> Benchmark {
    Benchmark { name, run, once: false }
  }

  /// A single pass in a fresh process.
  pub const fn once(name: &'static str, run: fn(&Runtime) -> Sample) -> Benchmark {
    Benchmark { name, run, once: true }
  }
}

pub struct Stopwatch {
  wall: Instant,
  first: Option<Instant>,
  cpu_ns: i64,
}

/// Fewer operations cannot tell what the first ones cost.
const COLD_MIN: usize = 1000;

impl Stopwatch {
  pub fn start() -> Stopwatch {
    Stopwatch { cpu_ns: process_cpu_ns(), first: None, wall: Instant::now() }
  }

  pub fn wall_per(&self, operations: usize) -> Sample {
    let value = self.wall.elapsed().as_nanos() as f64 / operations as f64;
    Sample { value, cpu_ns: None, cold: None }
  }

  /// To be called when the first of several rounds of the same work has ended.
  pub fn first_is_over(&mut self) {
    self.first = Some(Instant::now());
  }

  /// The first round, and the others, where there are any.
  pub fn cold_and_warm_per(&self, rounds: usize, operations: usize) -> Sample {
    let first = self.first.unwrap();
    if rounds == 1 {
      return self.wall_per(operations);
    }
    let cold = (first - self.wall).as_nanos() as f64 / operations as f64;
    let value = first.elapsed().as_nanos() as f64 / ((rounds - 1) * operations) as f64;
    Sample { value, cpu_ns: None, cold: Some(cold).filter(|_| operations >= COLD_MIN) }
  }

  pub fn wall_and_cpu_per(&self, operations: usize) -> Sample {
    let cpu_ns = (process_cpu_ns() - self.cpu_ns) as f64 / operations as f64;
    Sample { cpu_ns: Some(cpu_ns), ..self.wall_per(operations) }
  }
}

fn process_cpu_ns() -> i64 {
  let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };

  unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
  time.tv_sec * 1_000_000_000 + time.tv_nsec
}

pub fn resident_bytes() -> usize {
  let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
  let line = rollup.lines().find(|line| line.starts_with("Rss:")).unwrap();
  let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
  kib * 1024
}

/// Work that was not done, or done twice, invalidates the measurement.
pub fn expect(got: usize, wanted: usize) {
  assert_eq!(got, wanted, "the tasks did not do their work");
}

struct Options {
  workers: usize,
  passes: usize,
  seconds: f64,
  count: Option<usize>,
  list: bool,
  names: Vec<String>,
}

fn parse_options() -> Option<Options> {
  let mut options = Options {
    workers: 0,
    passes: 5,
    seconds: 3600.0,
    count: None,
    list: false,
    names: Vec::new(),
  };
  let mut arguments = std::env::args().skip(1);

  while let Some(argument) = arguments.next() {
    match argument.as_str() {
      "--workers" => options.workers = arguments.next()?.parse().ok()?,
      "--passes" => options.passes = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
      "--seconds" => options.seconds = arguments.next()?.parse().ok()?,
      "--count" => options.count = Some(arguments.next()?.parse().ok().filter(|n| *n > 0)?),
      "--list" => options.list = true,
      option if option.starts_with('-') => return None,
      name => options.names.push(name.to_string()),
    }
  }
  Some(options)
}

fn median(mut values: Vec<f64>) -> f64 {
  values.sort_by(|a, b| a.partial_cmp(b).unwrap());
  (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

/// How many at once: what --count says, else `otherwise`.
pub fn count(otherwise: usize) -> usize {
  parse_options().unwrap().count.unwrap_or(otherwise)
}

/// How often `count` makes `total` operations, and at least once.
pub fn rounds(total: usize, count: usize) -> usize {
  (total / count).max(1)
}

/// Prints NAME_p50, _p90, _p999 and _max, and returns p99.
pub fn quantiles(name: &str, mut values: Vec<u64>) -> Sample {
  values.sort_unstable();
  let count = values.len();
  println!("{name}_p50 {}", values[count / 2]);
  println!("{name}_p90 {}", values[count * 9 / 10]);
  println!("{name}_p999 {}", values[count * 999 / 1000]);
  println!("{name}_max {}", values[count - 1]);
  Sample::bytes(values[count * 99 / 100] as f64)
}

fn runtime_create(workers: usize) -> Runtime {
  let runtime = if workers == 0 {
    Builder::new_current_thread().enable_all().build()
  } else {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build()
  };
  runtime.unwrap()
}

fn print_value(name: &str, suffix: &str, value: f64) {
  if value > 0.0 {
    println!("{name}{suffix} {value:.2}");
  }
}

fn measure(benchmark: &Benchmark, options: &Options) -> ! {
  let runtime = runtime_create(options.workers);
  let end = Instant::now() + Duration::from_secs_f64(options.seconds);
  let passes = if benchmark.once { 1 } else { options.passes };
  let mut first = if benchmark.once { None } else { Some((benchmark.run)(&runtime)) };
  let mut samples = Vec::new();

  while samples.is_empty() || (samples.len() < passes && Instant::now() < end) {
    samples.push((benchmark.run)(&runtime));
  }
  print_value(benchmark.name, "", median(samples.iter().map(|s| s.value).collect()));
  let cpu: Vec<f64> = samples.iter().filter_map(|s| s.cpu_ns).collect();
  if !cpu.is_empty() {
    print_value(benchmark.name, "_cpu", median(cpu));
  }
  if let Some(cold) = first.get_or_insert(samples[0]).cold {
    print_value(benchmark.name, "_cold", cold);
  }
  exit(0) // a million tasks need not be dismantled
}

/// Each benchmark gets a process of its own, so that none inherits a heap.
fn measure_in_child(benchmark: &Benchmark, options: &Options) -> bool {
  let status = Command::new(std::env::current_exe().unwrap())
    .args(["--workers", &options.workers.to_string()])
    .args(["--passes", &options.passes.to_string()])
    .args(["--seconds", &options.seconds.to_string()])
    .args(options.count.iter().flat_map(|count| ["--count".to_string(), count.to_string()]))
    .arg(benchmark.name)
    .status();

  status.unwrap().success()
}

pub fn main(benchmarks: &[Benchmark]) {
  let options = parse_options().unwrap_or_else(|| {
    eprintln!("usage: micro_tokio [--workers N] [--passes N] [--seconds S] [--count N] [--list] [NAME...]");
    exit(2);
  });
  let wanted =
    |b: &&Benchmark| options.names.is_empty() || options.names.iter().any(|name| name == b.name);
  let chosen: Vec<&Benchmark> = benchmarks.iter().filter(wanted).collect();

  if chosen.is_empty() || chosen.len() < options.names.len() {
    eprintln!("micro_tokio: no such benchmark");
    exit(2);
  }
  if options.list {
    chosen.iter().for_each(|benchmark| println!("{}", benchmark.name));
    return;
  }
  if chosen.len() == 1 {
    measure(chosen[0], &options);
  }
  let failed = chosen.iter().filter(|benchmark| !measure_in_child(benchmark, &options)).count();
  exit((failed > 0) as i32);
}
