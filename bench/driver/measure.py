# SPDX-License-Identifier: MIT
"""Runs one program once and returns what it did, as numbers."""

import os
import re
import select
import signal
import subprocess
import tempfile
import time

SERVER_CPU, LOAD_CPU = 0, 1


class MeasureError(Exception):
  pass


def pin_to(cpu):
  """For preexec_fn; None leaves the process where it wants to be."""
  if cpu is None or cpu >= os.cpu_count():
    return None
  return lambda: os.sched_setaffinity(0, {cpu})


class Server:
  """An echo server on a free port, from `with` to the end of its block."""

  def __init__(self, command, patience=20, cpu=SERVER_CPU, descriptors=None):
    """descriptors: the limit of open files, else the caller's."""
    if descriptors:
      command = ["prlimit", f"--nofile={descriptors}:{descriptors}"] + command
    self.process = subprocess.Popen(command + ["0"], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, preexec_fn=pin_to(cpu))
    self.patience = patience
    self.port = None

  def __enter__(self):
    ready, _, _ = select.select([self.process.stdout], [], [], self.patience)
    words = self.process.stdout.readline().split() if ready else []
    if len(words) != 2 or words[0] != "listening":
      self.process.kill()
      _, complaint = self.process.communicate()
      raise MeasureError("the server did not start: " + last_line(complaint))
    self.port = words[1]
    return self

  def __exit__(self, kind, error, trace):
    self.process.send_signal(signal.SIGTERM)
    try:
      _, complaint = self.process.communicate(timeout=self.patience)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.communicate()
      complaint = "it ignored SIGTERM"
      self.process.returncode = -1
    if self.process.returncode != 0:
      died = f"the server ended with status {self.process.returncode}: {last_line(complaint)}"
      raise MeasureError(f"{died}; {error}" if error else died)


def last_line(text):
  """What a program complained about, without valgrind's own lines."""
  lines = [line for line in text.strip().splitlines() if not line.startswith("==")]
  return lines[-1][:200] if lines else "no message"


def run_load(programs, port, arguments, pid=None, timeout=120):
  """The load generator's figures by name."""
  command = [os.path.join(programs, "load"), "--plain", *arguments]
  if LOAD_CPU < os.cpu_count():
    command += ["--cpu", str(LOAD_CPU)]
  if pid:
    command += ["--server-pid", str(pid)]
  try:
    done = subprocess.run(command + [port], capture_output=True, text=True, timeout=timeout,
                          check=False)
  except subprocess.TimeoutExpired as error:
    raise MeasureError(f"the generator did not end within {timeout} s") from error
  if done.returncode != 0:
    raise MeasureError(last_line(done.stderr))
  pairs = (word.split("=", 1) for word in done.stdout.split())
  return {key: float(value) for key, value in pairs}


def shape_arguments(shape):
  """A shape is (connections, bytes or "http", depth)."""
  connections, size, depth = shape
  what = ["--http"] if size == "http" else ["--bytes", str(size)]
  return ["--connections", str(connections), "--depth", str(depth)] + what


def serving(command, shape):
  return command + (["--http"] if shape[1] == "http" else [])


def echo(programs, command, shape, seconds, warmup, cpu=SERVER_CPU):
  with Server(serving(command, shape), cpu=cpu) as server:
    arguments = shape_arguments(shape) + ["--seconds", str(seconds), "--warmup", str(warmup)]
    return timed_load(programs, server, arguments)


# What is kept of the load generator's figures; of uneven load also the quantiles of the cold ones.
KEPT = re.compile("requests_per_second|server_cpu_ns|other_cores|(cold_)?(p50|p99|p999)_us")


def timed_load(programs, server, arguments):
  result = run_load(programs, server.port, arguments, server.process.pid)
  if not result["requests"]:
    raise MeasureError("no request ended inside the window")
  return {key: value for key, value in result.items() if KEPT.fullmatch(key)}


def uneven(programs, command, how, cpu, seconds):
  """100 connections of which few are hot; how: --skew or --firehose."""
  with Server(command, cpu=cpu) as server:
    arguments = ["--connections", "100", "--depth", "16" if how == "--skew" else "1024", how,
                 "--seconds", str(seconds), "--warmup", str(seconds / 4)]
    return timed_load(programs, server, arguments)


def idle_memory(programs, command, idle):
  """Bytes of resident memory per idle connection, beside 64 active ones."""
  with Server(command) as server:
    arguments = shape_arguments((64, 64, 1)) + ["--idle", str(idle), "--seconds", "0.2"]
    return run_load(programs, server.port, arguments, server.process.pid)["idle_bytes"]


# Counts are differences of two runs, so that starting and connecting cancel out.
COUNT_LENGTHS = (1000, 6000)


def per_request(count_of):
  short, long = (count_of(length) for length in COUNT_LENGTHS)
  span = COUNT_LENGTHS[1] - COUNT_LENGTHS[0]
  return {key: (long[key] - short.get(key, 0)) / span for key in long}


def serve_requests(programs, command, shape, requests):
  arguments = shape_arguments(shape) + ["--requests", str(requests), "--patience", "60"]
  with Server(serving(command, shape), patience=60) as server:
    run_load(programs, server.port, arguments, timeout=300)


def instructions(programs, command, shape):
  """User-space instructions per request."""
  def count(requests):
    with tempfile.TemporaryDirectory() as directory:
      out = os.path.join(directory, "callgrind")
      valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out]
      serve_requests(programs, valgrind + command, shape, requests)
      with open(out, encoding="utf-8", errors="replace") as file:
        found = re.search(r"^(?:totals|summary): (\d+)", file.read(), re.MULTILINE)
    if not found:
      raise MeasureError("callgrind counted nothing")
    return {"instructions": int(found.group(1))}
  return per_request(count)["instructions"]


def read_strace_summary(path):
  """Calls by name. The tracer writes a moment after the server has ended."""
  for _ in range(100):
    with open(path, encoding="utf-8") as file:
      rows = [line.split() for line in file]
    calls = {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit()}
    if "total" in calls:
      return calls
    time.sleep(0.05)
  raise MeasureError("strace counted nothing")


def system_calls(programs, command, shape):
  """System calls per request, by name and in "total"."""
  def count(requests):
    with tempfile.NamedTemporaryFile() as out:
      # With -D the server is our child and the tracer its grandchild.
      strace = ["strace", "-D", "-f", "-c", "-o", out.name]
      serve_requests(programs, strace + command, shape, requests)
      return read_strace_summary(out.name)
  return per_request(count)


def micro_names(command):
  done = subprocess.run(command + ["--list"], capture_output=True, text=True, timeout=10,
                        check=False)
  if done.returncode != 0:
    raise MeasureError(last_line(done.stderr))
  return done.stdout.split()


def micro(command, name, passes, seconds, cpu):
  """The benchmark's values by name: its own, and perhaps NAME_cpu or NAME_cold."""
  arguments = ["--passes", str(passes), "--seconds", str(seconds), name]
  try:
    done = subprocess.run(command + arguments, capture_output=True, text=True, timeout=60,
                          check=False, preexec_fn=pin_to(cpu))
  except subprocess.TimeoutExpired as error:
    raise MeasureError("it did not end within a minute") from error
  if done.returncode != 0:
    raise MeasureError(last_line(done.stderr))
  return {key: float(value) for key, value in (line.split() for line in done.stdout.splitlines())}
