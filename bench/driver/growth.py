# SPDX-License-Identifier: MIT
"""What one operation costs while there are more and more of its kind.

A line ends where ten times more would take more than the patience or more than
half of the machine's memory, or where the peer gives up.
"""

import os
import resource
import signal
import subprocess
import tempfile
import time

import measure

# row: (title, what grows, what is measured, the benchmark in micro_*)
ROWS = {
  "spawn_join": ("Spawning tasks and joining them", "tasks at once", "ns per task", "spawn_join_batch"),
  "yield": ("A turn among tasks that yield", "tasks", "ns per turn", "yield_1k"),
  "timer": ("Creating and cancelling a timer", "timers at once", "ns per timer", "timer_create_cancel"),
}
CONNECTIONS = ("Serving a request, 64 bytes", "connections", "ns of the server's CPU per request")
COUNT_MAX = 10_000_000
CONNECTIONS_MAX = 10_000
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
    status, usage = wait(process, 3 * patience)
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


def line(command, benchmark, cpu, patience, count_max):
  """[(count, value), ...], and why it ends before count_max, or None."""
  points, count = [], 1
  while count <= count_max:
    try:
      value, seconds, peak_bytes = run_once(command, benchmark, count, 1, cpu, patience)
    except measure.MeasureError as error:
      return points, f"ends before {count:,}: {error}"
    points.append((count, value))
    # What is there once, whatever the count, does not grow: so only a line that is long tells.
    next_bytes = peak_bytes * 10 if peak_bytes > 200e6 else 0
    if count * 10 <= count_max and next_bytes > memory_bytes() / 2:
      return points, f"ends at {count:,}: ten times more would need over half of the memory"
    if count * 10 <= count_max and seconds > patience / 2 and count >= 100_000:
      return points, f"ends at {count:,}, which took {seconds:.0f} s"
    count *= 10
  return points, None


def echo_line(programs, command, seconds):
  points, count = [], 1
  while count <= CONNECTIONS_MAX:
    try:
      result = measure.echo(programs, command, (count, 64, 1), seconds, seconds / 4)
    except (measure.MeasureError, OSError) as error:
      return points, f"ends before {count:,}: {error}"
    points.append((count, result["server_cpu_ns"]))
    count *= 10
  return points, None
