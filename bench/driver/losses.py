# SPDX-License-Identifier: MIT
"""Where Weft is not first, by how much, and why.

A contest is one figure of one row, among those that had the same number of
CPUs. The ratio is to the best peer, which is named, and taken inside a round.
The bare epoll loop is no peer: it has no tasks, and is the limit, to which there
are ratios of their own. Causes are kept by hand, in bench/causes.txt.
"""

import os
import re
from statistics import median

TIE = 1.02  # less is nobody's loss
LIMITS = ("epoll", "epoll 2")  # the bare loop, by one worker and by two
AIM = 1.05  # of the limit


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


def peers_of(row, mine):
  """Those of as many CPUs as `mine` has."""
  return [name for name in row if not is_weft(name) and has_two_cpus(name) == has_two_cpus(mine)]


def limit_of(row, mine):
  """The bare loop, if it took part."""
  return next((name for name in peers_of(row, mine) if name in LIMITS), None)


def best_peer(row, mine):
  """Who is ahead of all peers of as many CPUs as `mine` has, or None."""
  peers = {name: [value for value in row[name] if value is not None] for name in peers_of(row, mine)
           if name not in LIMITS}
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


class Contest:
  """What one of Weft's columns has in one row, beside the best peer."""

  def __init__(self, name, row, mine):
    self.name, self.mine, self.values = name, mine, row[mine]
    self.peer = best_peer(row, mine)
    self.peer_values = row.get(self.peer, [])
    self.ratios = ratios_to(row, mine, self.peer) if self.peer else []
    self.limit = limit_of(row, mine)
    self.limit_ratios = ratios_to(row, mine, self.limit) if self.limit else []

  def is_behind(self):
    return bool(self.ratios) and median(self.ratios) > TIE

  def is_told_apart(self):
    """Behind in every round."""
    return min(self.ratios) > 1

  def is_beyond_aim(self):
    """By the median, and in every round above the limit."""
    return bool(self.limit_ratios) and median(self.limit_ratios) > AIM and min(self.limit_ratios) > 1


class Losses:
  """All contests, and those that Weft does not win."""

  def __init__(self, results, shape_name, micro_rows, causes):
    self.causes = causes
    self.all = [Contest(name, row, mine) for name, row in contests(results, shape_name, micro_rows)
                for mine in row if is_weft(mine) and mine != "weft mt1"]  # that is for what workers cost
    self.with_peer = [contest for contest in self.all if contest.ratios]
    behind = [contest for contest in self.with_peer if contest.is_behind()]
    self.lost = [contest for contest in behind if contest.is_told_apart()]
    self.unclear = [contest for contest in behind if not contest.is_told_apart()]

  def cause(self, contest):
    text = f"{contest.name}, {contest.mine}"
    return next((cause for pattern, cause in self.causes if pattern.search(text)), "cause not known")
