# SPDX-License-Identifier: MIT
"""Finds what got worse between two results.json of bench/run.

Counts and bytes are compared as they are. Times depend on the machine and the
hour, so they are divided by those of a reference of the same round: the bare
epoll loop for echo servers, Tokio's current-thread flavour for the rest. Worse
is what grew by more than the tolerance and lies, in every round, above every
round of the old run.
"""

import argparse
import json
import os
import sys
from statistics import median

ECHO_REFERENCE, MICRO_REFERENCE = "epoll", "tokio ct"


def parse_arguments():
  parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__.splitlines()[0])
  parser.add_argument("old", help="results.json, or the directory that it is in")
  parser.add_argument("new")
  parser.add_argument("--peers", default="weft", help="only those whose names begin with this")
  parser.add_argument("--times", type=float, default=10, help="tolerance in percent: 10")
  parser.add_argument("--counts", type=float, default=3, help="of counts and bytes: 3")
  return parser.parse_args()


class Figures:
  """{(what, peer): (values of the rounds, whether it is a time)}."""

  def __init__(self, path, prefix):
    if os.path.isdir(path):
      path = os.path.join(path, "results.json")
    with open(path, encoding="utf-8") as file:
      self.results = json.load(file)
    self.prefix = prefix
    self.figures = {}
    self.without_reference = False
    self.add_echo("echo", ECHO_REFERENCE, ("server_cpu_ns", "p99_us"))
    self.add_echo("echo_two", ECHO_REFERENCE + " 2", ("server_cpu_ns", "p99_us"))
    self.add_echo("uneven", ECHO_REFERENCE, ("server_cpu_ns", "cold_p99_us"))
    self.add_micro()
    self.add_counts()

  def add(self, what, peer, values, is_time):
    known = [value for value in values if value is not None]
    if known and peer.startswith(self.prefix):
      self.figures[what, peer] = (known, is_time)

  def add_time(self, what, row, reference):
    """row: {peer: values by round}. Divides by the reference's, round by round."""
    for peer, values in row.items():
      if reference in row and peer != reference:
        values = [value / other for value, other in zip(values, row[reference]) if value and other]
      else:
        self.without_reference |= peer.startswith(self.prefix)
      self.add(what, peer, values, True)

  def add_echo(self, part, reference, keys):
    for shape, row in self.results.get(part, {}).items():
      for key in keys:
        self.add_time(f"{part} {shape} {key}", column(row, key), reference)

  def add_micro(self):
    for runs in self.results.get("micro", {}).values():
      for line in dict.fromkeys(key for values in runs.values() for value in values if value
                                for key in value):
        row = column(runs, line)
        if line.endswith("_bytes"):
          for peer, values in row.items():
            self.add(line, peer, values, False)
        else:
          self.add_time(line, row, MICRO_REFERENCE)

  def add_counts(self):
    for peer, values in self.results.get("memory", {}).items():
      self.add("bytes per idle connection", peer, values, False)
    for shape, row in self.results.get("instructions", {}).items():
      for peer, values in row.items():
        self.add(f"instructions {shape}", peer, values, False)
    for shape, row in self.results.get("system_calls", {}).items():
      for peer, values in column(row, "total").items():
        self.add(f"system calls {shape}", peer, values, False)


def column(row, key):
  return {peer: [value and value.get(key) for value in values] for peer, values in row.items()}


def is_above(above, below, tolerance):
  return (median(above) > median(below) * (1 + tolerance / 100) and min(above) > max(below))


def judge(old, new, arguments):
  """Lists of (what, peer, old median, new median): worse, better, same."""
  worse, better, same = [], [], []
  for key in old:
    if key not in new:
      continue
    (before, is_time), (after, _) = old[key], new[key]
    tolerance = arguments.times if is_time else arguments.counts
    row = (*key, median(before), median(after))
    if is_above(after, before, tolerance):
      worse.append(row)
    elif is_above(before, after, tolerance):
      better.append(row)
    else:
      same.append(row)
  return worse, better, same


def show(caption, rows):
  for what, peer, before, after in rows:
    change = f"{(after / before - 1) * 100:+.0f} %" if before else "from 0"
    print(f"{caption}: {what}, {peer}: {before:.4g} -> {after:.4g} ({change})")


def main():
  arguments = parse_arguments()
  try:
    old, new = (Figures(path, arguments.peers) for path in (arguments.old, arguments.new))
  except (OSError, ValueError) as error:
    sys.exit(f"compare: {error}")
  worse, better, same = judge(old.figures, new.figures, arguments)
  gone = [key for key in old.figures if key not in new.figures]
  show("worse", worse)
  show("better", better)
  for what, peer in gone:
    print(f"gone: {what}, {peer}")
  if old.without_reference or new.without_reference:
    print("some times have no reference in their run: they are compared as they are")
  print(f"{len(worse)} worse, {len(better)} better, {len(same)} as before, {len(gone)} gone, "
        f"{len(new.figures.keys() - old.figures.keys())} new")
  sys.exit(1 if worse or not worse + better + same else 0)


main()
