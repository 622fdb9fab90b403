# SPDX-License-Identifier: MIT
"""What a thread costs and what a task costs: creation, switch, memory.

The programs are bench/switch/*.c and, for Tokio, peers/tokio/src/switch.rs. They
take turns, round by round, once on one CPU and once on all; each verifies that
all its tasks have done their work.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from statistics import median

import measure
from peers import Builder, Peer

UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# Resident memory, and the kernel's stacks of all threads on the machine, which nobody else changes much.
MEMORY_COMMAND = "grep ^VmRSS: /proc/{pid}/status; grep ^KernelStack: /proc/meminfo"
MEANINGLESS = 1000  # times as much: then the smaller one is no more than noise
FEW, MANY = 500, 5000  # tasks between which memory grows
FIRST_SHARE = 0.2  # of the iterations: the first round finds out how fast the machine is
LEAST_SHARE = 0.02  # with fewer, a round says nothing

THREADS, TOKIO, WEFT = "threads", "Tokio", "Weft"
BRIGADES = {THREADS: "thread_brigade", TOKIO: "async_brigade", WEFT: "async_brigade"}
CREATIONS = {THREADS: "thread_creation", TOKIO: "async_creation", WEFT: "async_creation"}


def parse_arguments():
  parser = argparse.ArgumentParser(prog="bench/demo", description=__doc__.splitlines()[0])
  parser.add_argument("--rounds", type=int, default=3)
  parser.add_argument("--seconds", type=float, default=40, help="that measuring may take")
  parser.add_argument("--quick", action="store_true", help="one short round: a test")
  parser.add_argument("--built", metavar="DIRECTORY",
                      help="build nothing, use the programs there, and only those")
  arguments = parser.parse_args()
  if arguments.quick:
    arguments.rounds = 1
  return arguments


class Demo:
  """Figures by (what, who, "pinned" or "free"), a list with one entry per round."""

  def __init__(self, arguments):
    self.quick = arguments.quick
    self.rounds = arguments.rounds
    self.share = FIRST_SHARE  # of the iterations that a quiet machine has time for
    self.deadline = time.monotonic() + arguments.seconds
    self.figures = {}
    self.skipped = {}
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if arguments.built:
      self.programs = arguments.built
      self.present = [who for who in (THREADS, TOKIO, WEFT) if self.is_built(who)]
      if not {THREADS, WEFT} <= set(self.present):
        sys.exit(f"demo: the programs are not in {arguments.built}")
      return
    builder = Builder(root, os.path.join(root, "build"))
    self.programs = builder.programs
    reason = builder.reason_against(Peer(WEFT, "async_brigade", "bench_switch"))
    if not reason and not self.is_built(WEFT):
      reason = "there is no weftcc: libclang-14-dev, or newer, is missing"
    if reason:
      sys.exit("demo: " + reason)
    self.present = [THREADS, TOKIO, WEFT]
    reason = builder.reason_against(Peer(TOKIO, "switch_tokio", "tokio"))
    if reason:
      self.skipped[TOKIO] = reason
      self.present.remove(TOKIO)

  def is_built(self, who):
    name = "switch_tokio" if who == TOKIO else BRIGADES[who]
    return os.path.exists(os.path.join(self.programs, name))

  def command(self, who, program):
    if who == TOKIO:
      return [os.path.join(self.programs, "switch_tokio"), program]
    return [os.path.join(self.programs, program)]

  def run(self, who, program, pinning, *arguments):
    """What the program says."""
    done = subprocess.run(self.command(who, program) + [str(word) for word in arguments],
                          capture_output=True, text=True, timeout=60, check=False,
                          preexec_fn=measure.pin_to(0 if pinning == "pinned" else None))
    if done.returncode != 0:
      sys.exit(f"demo: {who}, {program}: {measure.last_line(done.stderr)}")
    return done.stdout

  def note(self, what, who, pinning, value):
    self.figures.setdefault((what, who, pinning), []).append(value)

  def median(self, what, who, pinning):
    values = self.figures.get((what, who, pinning))
    return median(values) if values else None

  # -- what is measured --

  def measure_creation(self, who, pinning):
    iterations = self.iterations(2, 10 if who == THREADS else 200)
    said = self.run(who, CREATIONS[who], pinning, "--tasks", 1000, "--iters", iterations,
                    "--warmups", max(1, iterations // 5))
    self.note("create", who, pinning, find_duration(said, r"create a task: .*\((\S+) per task\)"))
    self.note("start", who, pinning, find_duration(said, r"creation to body: mean (\S+),"))
    self.note("last", who, pinning, find_duration(said, r"creation to last body: mean (\S+) per"))

  def measure_brigade(self, what, who, program, pinning):
    iterations = self.iterations(5, {"hop": 200, "io": 500, "memory_hop": 2000}[what])
    said = self.run(who, program, pinning, "--iters", iterations, "--warmups", min(20, iterations))
    self.note(what, who, pinning, find_duration(said, r"\((\S+) per task per iter\)"))

  def measure_memory(self, who):
    few, many = (self.memory_of(who, tasks) for tasks in (FEW, MANY))
    for what, before, after in zip(("bytes", "kernel_bytes"), few, many):
      self.note(what, who, "free", max(0, after - before) / (MANY - FEW))

  def memory_of(self, who, tasks):
    said = self.run(who, BRIGADES[who], "free", "--threads", tasks, "--iters", 2, "--warmups", 1,
                    "--quiet", "--command", MEMORY_COMMAND)
    return [int(kib) * 1024 for kib in re.findall(r":\s+(\d+) kB", said)]

  def iterations(self, least, most):
    return least if self.quick else max(least, int(most * self.share))

  def measure(self):
    """Ends in time: a busy machine has fewer iterations, and at last fewer rounds."""
    if not self.quick:
      for who in self.present:
        self.measure_memory(who)
    for number in range(self.rounds):
      started = time.monotonic()
      self.measure_round(number)
      ended = time.monotonic()
      left = (self.deadline - ended) / max(1, self.rounds - number - 1)
      self.share = min(1, self.share * left / (ended - started))
      if self.share < LEAST_SHARE:
        self.rounds = number + 1
        return

  def measure_round(self, number):
    turn = number % len(self.present)
    for pinning in ("pinned", "free"):
      self.measure_brigade("io", THREADS, "one_thread_brigade", pinning)
      for who in self.present[turn:] + self.present[:turn]:
        self.measure_creation(who, pinning)
        self.measure_brigade("hop", who, BRIGADES[who], pinning)
        if who != THREADS:
          self.measure_brigade("memory_hop", who, "async_mem_brigade", pinning)

  # -- the table --

  def switch(self, who, pinning):
    """A hop without its I/O: what the change from one task to the next costs."""
    hop, io = self.median("hop", who, pinning), self.median("io", THREADS, pinning)
    return hop - io if hop else None

  def rows(self):
    for pinning, where in (("pinned", "one CPU"), ("free", "all CPUs")):
      yield f"create one, {where}", lambda who: self.median("create", who, pinning), time_text
      yield f"until its body runs, {where} *", lambda who: self.median("start", who, pinning), time_text
      yield f"until all have run, {where} *", lambda who: self.median("last", who, pinning), time_text
      yield (f"switch to another, {where}",
             lambda who: self.switch(who, pinning) if who == THREADS
             else self.median("memory_hop", who, pinning), time_text)
      yield (f"switch caused by I/O, {where}", lambda who: self.switch(who, pinning), time_text)
      yield ("    and with the I/O itself", lambda who: self.median("hop", who, pinning), time_text)
    yield "memory of a small one", lambda who: self.median("bytes", who, "free"), bytes_text
    yield "    and in the kernel", lambda who: self.median("kernel_bytes", who, "free"), bytes_text

  def table(self):
    head = [""] + self.present + [f"{WEFT} is better than {who} by" for who in self.present
                                  if who != WEFT]
    lines = [head]
    for caption, value, show in self.rows():
      values = {who: value(who) for who in self.present}
      lines.append([caption] + ["-" if values[who] is None else show(values[who])
                                for who in self.present] +
                   [factor_text(values[who], values.get(WEFT)) for who in self.present if who != WEFT])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join([line[0].ljust(widths[0])] + [
      text.rjust(width) for text, width in zip(line[1:], widths[1:])]).rstrip() for line in lines)


def find_duration(said, pattern):
  """In nanoseconds."""
  text = re.search(pattern, said).group(1)
  value, unit = re.fullmatch(r"([\d.]+)(ns|us|ms|s)", text).groups()
  return float(value) * UNITS[unit]


def time_text(value):
  if abs(value) < 1000:
    return f"{value:.0f} ns"
  if abs(value) < 1e6:
    return f"{value / 1e3:.1f} us"
  return f"{value / 1e6:.1f} ms"


def bytes_text(value):
  return f"{value:,.0f} bytes"


def factor_text(theirs, ours):
  if not theirs or not ours or theirs <= 0 or ours <= 0 or theirs / ours > MEANINGLESS:
    return "-"
  return f"{theirs / ours:.{0 if theirs >= 10 * ours else 1}f} x"


def main():
  demo = Demo(parse_arguments())
  started = time.monotonic()
  demo.measure()
  print(f"{os.cpu_count()} CPUs, medians of {demo.rounds} round(s), chains of 500; measured in "
        f"{time.monotonic() - started:.0f} s\n")
  print(demo.table())
  print("""
* A thousand are created before the creator waits for any: the mean of all from their creation, and
from the first creation to the last body. To create them slowly makes the first of the two shorter.
A switch is a hop along the chain without its I/O, which one thread alone does in
one_thread_brigade; or, not caused by I/O, a hop through memory. A thread has the first only.
The kernel's share is its stack: sockets are the same for all. bench/README.md says more.""")
  for who, reason in demo.skipped.items():
    print(f"Without {who}: {reason}")


main()
