# SPDX-License-Identifier: MIT
"""What one operation costs while there are more and more of its kind.

A line ends where ten times more would take more than its time or more than half
of the machine's memory, at the limit of open files, or where the peer gives up.
The time of all lines is bounded; what one leaves over is the others'.
"""

import os
import resource
import signal
import subprocess
import tempfile
import time

import measure

COUNT_MAX = 10_000_000
# row: (title, what grows, what is measured, the benchmark in micro_*, up to)
ROWS = {
  "spawn_join": ("Spawning tasks and joining them", "tasks at once", "ns per task", "spawn_join_batch",
                 COUNT_MAX),
  "yield": ("A turn among tasks that yield", "tasks", "ns per turn", "yield_1k", COUNT_MAX),
  "timer": ("Creating and cancelling a timer", "timers at once", "ns per timer", "timer_create_cancel",
            1_000_000),
  "channel": ("A message to one of many channels", "channels", "ns per message", "channel_of_1k", 100_000),
}
CONNECTIONS = ("Serving a request, 64 bytes", "connections", "ns of the server's CPU per request")
CONNECTIONS_MAX = 1_000_000
CONNECTION_BYTES = 12_000  # in the kernel, with both its ends
SPARE_DESCRIPTORS = 100  # of a process, for other things than connections
SECONDS, QUICK_SECONDS = 420, 160  # for all lines
SMALL_COUNT = 100_000  # up to here a point takes about the same time
THREADS_MAX = 10_000  # more would take the machine's process ids from everybody


def memory_bytes():
  return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def run_once(command, benchmark, count, passes, cpu, patience):
  """(value, seconds, peak resident bytes)"""
  full = command + ["--passes", str(passes), "--count", str(count), benchmark]
  started = time.monotonic()
  with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaint:
    process = subprocess.Popen(full, stdout=out, stderr=complaint, text=True,
                               preexec_fn=limits(cpu))
    status, usage = wait(process, max(1, patience))
    out.seek(0)
    complaint.seek(0)
    values = dict(line.split() for line in out.read().splitlines())
    if status != 0 or benchmark not in values:
      raise measure.MeasureError(measure.last_line(complaint.read()))
  return float(values[benchmark]), time.monotonic() - started, usage.ru_maxrss * 1024


def limits(cpu):
  """On one CPU, and with at most half of the memory, so that a wrong guess hurts nobody."""
  pin = measure.pin_to(cpu)

  def prepare():
    os.setsid()  # so that it can be killed with its children
    if pin:
      pin()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes() // 2, hard))
  return prepare


def wait(process, patience):
  """The exit status and what it used, with its children. Kills it when the patience ends."""
  deadline = time.monotonic() + patience
  while time.monotonic() < deadline:
    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if pid:
      process.returncode = status
      return status, usage
    time.sleep(0.02)
  os.killpg(process.pid, signal.SIGKILL)
  os.wait4(process.pid, 0)
  process.returncode = -1
  raise measure.MeasureError(f"it did not end within {patience:.0f} s")


class Clock:
  """Deals out the time of all lines."""

  def __init__(self, seconds, lines):
    self.end = time.monotonic() + seconds
    self.lines = lines

  def next_line(self):
    """Seconds for one more line: twice its share, since most take less than theirs."""
    left = max(0, self.end - time.monotonic())
    self.lines = max(1, self.lines - 1)
    return min(left, 2 * left / (self.lines + 1))


def connections_limit():
  """(how many connections one server can have, what is the limit)"""
  _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
  by_memory = memory_bytes() // 2 // CONNECTION_BYTES
  return min((CONNECTIONS_MAX, "the last point"),
             (hard - SPARE_DESCRIPTORS, f"a process may open {hard:,} files"),
             (by_memory, "more would need over half of the memory"))


def line(command, benchmark, cpu, seconds, count_max):
  """[(count, value), ...], and why it ends before count_max, or None."""
  points, count, ends = [], 1, time.monotonic() + seconds
  while count <= count_max:
    try:
      value, took, peak_bytes = run_once(command, benchmark, count, 1, cpu, ends - time.monotonic())
    except measure.MeasureError as error:
      return points, f"ends before {count:,}: {error}"
    points.append((count, value))
    # What is there once, whatever the count, does not grow: so only a line that is long tells.
    next_bytes = peak_bytes * 10 if peak_bytes > 200e6 else 0
    next_seconds = took * (10 if count >= SMALL_COUNT else 1)
    count *= 10
    if count <= count_max and next_bytes > memory_bytes() / 2:
      return points, f"ends at {count // 10:,}: ten times more would need over half of the memory"
    if count <= count_max and time.monotonic() + next_seconds > ends:
      return points, f"ends at {count // 10:,}: there was no time for ten times more"
  return points, None


def echo_line(programs, command, seconds, measured_seconds):
  """The same for connections; measured_seconds are those of one point, without connecting."""
  points, count, ends = [], 1, time.monotonic() + seconds
  count_max, limit = connections_limit()
  while count <= count_max:
    started = time.monotonic()
    window = max(measured_seconds, count / 10_000)  # so that many are asked at least once
    try:
      result = measure.echo(programs, command, (count, 64, 1), window, window / 4)
    except (measure.MeasureError, OSError) as error:
      return points, f"ends before {count:,}: {error}"
    points.append((count, result["server_cpu_ns"]))
    now = time.monotonic()
    next_seconds = (now - started) * (10 if count >= 10_000 else 1)
    count *= 10
    if count <= count_max and now + next_seconds > ends:
      return points, f"ends at {count // 10:,}: there was no time for ten times more"
  return points, None if count_max == CONNECTIONS_MAX else f"ends at {count // 10:,}: {limit}"
