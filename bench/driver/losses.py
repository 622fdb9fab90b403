# SPDX-License-Identifier: MIT
"""Where Weft is not first, by how much, and why.

A contest is one figure of one row, among those that had the same number of
CPUs. The ratio is to the best peer, which is named, and taken inside a round.
Causes are kept by hand, in bench/causes.txt.
"""

import os
import re
from statistics import median

TIE = 1.02  # less is nobody's loss


def read_causes(path):
  """[(pattern, cause), ...] of lines `pattern | cause`."""
  if not os.path.exists(path):
    return []
  with open(path, encoding="utf-8") as file:
    lines = [line.strip() for line in file]
  pairs = [line.split(" | ", 1) for line in lines if line and not line.startswith("#")]
  return [(re.compile(pattern.strip()), cause.strip()) for pattern, cause in pairs]


def is_weft(name):
  return name.startswith("weft")


def has_two_cpus(name):
  """Of the small benchmarks: who may use both. Echo servers that do end in " 2" as well."""
  return name.endswith("2") or name == "threads"


def best_peer(row, mine):
  """Who is ahead of all peers of as many CPUs as `mine` has, or None."""
  peers = {name: [value for value in values if value is not None] for name, values in row.items()
           if not is_weft(name) and has_two_cpus(name) == has_two_cpus(mine)}
  return min((name for name in peers if peers[name]), key=lambda name: median(peers[name]), default=None)


def ratios_to(row, mine, peer):
  """Round by round."""
  return [value / other for value, other in zip(row[mine], row[peer])
          if value is not None and other]


def column(row, key):
  return {name: [result and result.get(key) for result in results] for name, results in row.items()}


def served(what, shape_name, rows, keys):
  """The figures of echo servers: {shape: {peer: [results by round]}}."""
  for shape, row in rows.items():
    for key, label in keys.items():
      yield f"{what} {shape_name(shape)}, {label}", column(row, key)


def contests(results, shape_name, micro_rows):
  """(row, {peer: values by round}); less is better in all of them."""
  keys = {"server_cpu_ns": "CPU ns", "p99_us": "p99 us"}
  yield from served("echo", shape_name, results["echo"], keys)
  yield from served("echo, two workers,", shape_name, results["echo_two"], keys)
  cold = {"server_cpu_ns": "CPU ns", "cold_p99_us": "p99 us of the cold"}
  yield from served("echo", lambda how: how, results["uneven"], cold)
  if results["memory"]:
    yield "bytes per idle connection", results["memory"]
  for shape, row in results["instructions"].items():
    yield f"instructions per request, {shape_name(shape)}", row
  for shape, row in results["system_calls"].items():
    yield f"system calls per request, {shape_name(shape)}", column(row, "total")
  yield from micro_rows(results["micro"]).items()


class Losses:
  """All contests, and those that Weft does not win."""

  def __init__(self, results, shape_name, micro_rows, causes):
    self.causes = causes
    self.count = 0
    self.lost = []
    for name, row in contests(results, shape_name, micro_rows):
      for mine in row:
        # One worker on one CPU is there to see what having workers costs.
        if is_weft(mine) and mine != "weft mt1":
          self.judge(name, row, mine)

  def judge(self, name, row, mine):
    peer = best_peer(row, mine)
    ratios = ratios_to(row, mine, peer) if peer else []
    if not ratios:
      return
    self.count += 1
    if median(ratios) > TIE:
      self.lost.append((name, mine, row[mine], peer, row[peer], ratios))

  def cause(self, name, mine):
    text = f"{name}, {mine}"
    return next((cause for pattern, cause in self.causes if pattern.search(text)), "cause not known")
