# SPDX-License-Identifier: MIT
"""Measures Weft beside its peers and writes bench/report.md.

What is no whole run, of all parts and peers in three rounds, writes below
build/bench instead, so that it does not take the place of one that is. Peers
take turns run by run, in an order that rotates every round, because the machine
gets slower and faster over minutes; ratios are taken inside a round.
"""

import argparse
import json
import os
import re
import resource
import sys
import time

import growth
import losses
import machine
import measure
import report
from peers import ECHO_PEERS, MICRO_PEERS, TWO_WORKER_PEERS, Builder, Peer

PARTS = ("echo", "memory", "counts", "micro", "uneven", "growth")
# (connections, bytes per message or "http", requests in flight per connection). Not every combination:
# each value of each axis beside the first shape, and one where much is in flight.
SHAPES = [(64, 64, 1), (1, 64, 1), (1000, 64, 1), (10000, 64, 1), (64, 1024, 1), (64, 16384, 1),
          (64, 64, 16), (64, 16384, 16),
          (64, "http", 1), (1, "http", 1), (1000, "http", 1), (64, "http", 16)]
TWO_WORKER_SHAPES = [(64, 64, 1), (1000, 64, 1), (64, 64, 16), (64, "http", 1)]
COUNT_SHAPES = [(64, 64, 1), (1000, 64, 1), (64, 16384, 1), (64, 64, 16), (64, "http", 1)]
# A small benchmark needs both CPUs if other threads feed its runtime.
UNPINNED = re.compile("remote|spawn_blocking")
IDLE_CONNECTIONS = 10000
SECONDS = 0.5  # of an echo measurement


def parse_arguments(argv=None):
  parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.splitlines()[0])
  parser.add_argument("--quick", action="store_true", help="one round, short: a smoke test")
  parser.add_argument("--rounds", type=int, help="3, or 1 with --quick; twice as many of what has connections")
  parser.add_argument("--seconds", type=float, help="per echo measurement: 0.5, or 0.4")
  parser.add_argument("--only", default=",".join(PARTS), help="some of " + ",".join(PARTS))
  parser.add_argument("--peers", default="", help="only these, such as epoll,weft-epoll")
  parser.add_argument("--rows", default="", help="only the small benchmarks that match this pattern")
  parser.add_argument("--again", action="store_true",
                      help="measure nothing; the report of the last run of this kind anew, with today's causes")
  parser.add_argument("--build-dir", default="build")
  arguments = parser.parse_args(argv)
  arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
  arguments.seconds = arguments.seconds or (0.4 if arguments.quick else SECONDS)
  # Twice as many rounds of half the time tell more from noise than long ones.
  arguments.echo_rounds = arguments.rounds if arguments.quick else 2 * arguments.rounds
  arguments.only = arguments.only.split(",")
  unknown = set(arguments.only) - set(PARTS)
  if unknown:
    parser.error("unknown part: " + ", ".join(sorted(unknown)))
  arguments.peers = [name.strip() for name in arguments.peers.split(",") if name.strip()]
  partial = arguments.quick or arguments.peers or arguments.rows or set(PARTS) - set(arguments.only)
  arguments.whole = not partial and arguments.rounds >= 3 and arguments.seconds >= SECONDS
  return arguments


class Bench:
  """All measurements of one run. A list of values has an entry per round, and
  None where the measurement failed."""

  def __init__(self, arguments):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    self.arguments = arguments
    self.builder = Builder(root, os.path.abspath(os.path.join(root, arguments.build_dir)))
    self.programs = self.builder.programs
    self.results = {"run": {key: getattr(arguments, key) for key in ("rounds", "echo_rounds", "seconds", "quick")},
                    "skipped": {}, "failed": {}, "echo": {}, "echo_two": {}, "memory": {}, "instructions": {},
                    "system_calls": {}, "micro": {}, "uneven": {}, "growth": {}, "growth_ends": {}}

  def directory(self):
    """Where the report goes."""
    return os.path.join(self.builder.root, "bench") if self.arguments.whole else self.programs

  def say(self, text):
    print("bench: " + text, file=sys.stderr, flush=True)

  def without_paths(self, text):
    """For the report, which is everybody's."""
    return str(text).replace(self.builder.build_dir + "/", "").replace(self.builder.root + "/", "")

  def choose(self, peers):
    """Those that are wanted and can be built."""
    chosen = []
    for peer in peers:
      if self.arguments.peers and peer.name not in self.arguments.peers:
        continue
      reason = self.builder.reason_against(peer)
      if reason:
        self.say(f"without {peer.name}: {reason}")
        self.results["skipped"][peer.name] = self.without_paths(reason)
      else:
        chosen.append(peer)
    return chosen

  def attempt(self, what, peer, values, function, *parameters):
    """Appends one value. Who has failed at something is not asked again."""
    key = f"{what}, {peer.name}"
    value = None
    if key not in self.results["failed"]:
      self.say(key)
      try:
        value = function(*parameters)
      except (measure.MeasureError, OSError) as error:
        self.say(f"failed: {error}")
        self.results["failed"][key] = self.without_paths(error)
    values.append(value)

  def rounds(self, peers, count=None):
    """Yields (round, the peers in that round's order)."""
    for number in range(count or self.arguments.rounds):
      yield number, self.turned(peers, number)

  def measure_echo(self, peers):
    self.measure_shapes("echo", SHAPES, peers)
    self.measure_shapes("echo_two", TWO_WORKER_SHAPES, self.choose(TWO_WORKER_PEERS))

  def measure_shapes(self, part, shapes, peers):
    for _, ordered in self.rounds(peers, self.arguments.echo_rounds):
      for shape in shapes:
        self.warm_kernel(ordered, shape)
        for peer in ordered:
          values = self.results[part].setdefault(shape, {}).setdefault(peer.name, [])
          self.attempt("echo " + report.shape_name(shape), peer, values, measure.echo,
                       self.programs, self.builder.command(peer), shape,
                       self.arguments.seconds, self.arguments.seconds / 4,
                       measure.SERVER_CPU if peer.pinned else None)

  def warm_kernel(self, peers, shape):
    """Not recorded: whoever comes first would pay for the kernel's fresh memory."""
    try:
      if peers:
        measure.echo(self.programs, self.builder.command(peers[-1]), shape, 0.1, 0.1)
    except (measure.MeasureError, OSError):
      pass  # it will be told when this peer's turn comes

  def measure_memory(self, peers):
    for _, ordered in self.rounds(peers):
      for peer in ordered:
        values = self.results["memory"].setdefault(peer.name, [])
        self.attempt("memory", peer, values, measure.idle_memory, self.programs,
                     self.builder.command(peer), IDLE_CONNECTIONS)

  def measure_counts(self, peers):
    for shape in COUNT_SHAPES:
      for peer in peers:
        if peer.name == "threads" and shape[0] > 64:
          continue  # a thousand threads under valgrind say nothing
        for what, function in (("instructions", measure.instructions),
                               ("system_calls", measure.system_calls)):
          if what == "instructions" and peer.target == "go":
            continue  # Go's runtime does not run under callgrind
          values = self.results[what].setdefault(shape, {}).setdefault(peer.name, [])
          self.attempt(f"{what} {report.shape_name(shape)}", peer, values, function,
                       self.programs, self.builder.command(peer), shape)

  def micro_names(self, peers):
    """All names in the order of the peer that has most, and who has which."""
    offers = {}
    for peer in peers:
      self.attempt("list", peer, [], lambda command, peer=peer: offers.update(
        {peer.key: measure.micro_names(command)}), self.builder.command(peer))
    longest_first = sorted(offers.values(), key=len, reverse=True)
    return list(dict.fromkeys(name for names in longest_first for name in names)), offers

  def measure_micro(self, peers):
    names, offers = self.micro_names(peers)
    names = [name for name in names if re.search(self.arguments.rows, name)]
    passes, seconds = (1, 0.05) if self.arguments.quick else (9, 0.25)
    for number, ordered in self.rounds(peers):
      for name in names:
        for peer in ordered:
          if name not in offers.get(peer.key, ()) or (number > 0 and name.startswith("memory")):
            continue  # bytes are the same in each round
          cpu = 0 if peer.pinned and not UNPINNED.match(name) else None
          values = self.results["micro"].setdefault(name, {}).setdefault(peer.name, [])
          self.attempt(name, peer, values, measure.micro, self.builder.command(peer), name,
                       passes, seconds, cpu)

  def measure_uneven(self, peers):
    for _, ordered in self.rounds(peers, self.arguments.echo_rounds):
      for how in ("--skew", "--firehose"):
        for peer in ordered:
          values = self.results["uneven"].setdefault(how, {}).setdefault(peer.name, [])
          self.attempt("echo " + how, peer, values, measure.uneven, self.programs,
                       self.builder.command(peer), how, 0 if peer.pinned else None,
                       self.arguments.seconds)

  def measure_growth(self):
    """Whole lines take turns, not their points; once, since there are many."""
    quick = self.arguments.quick
    micro_peers = self.choose([peer for peer in MICRO_PEERS if peer.name not in ("threads", "weft mt1") and
                               peer.program != "micro_async_weft"])
    echo_peers = self.choose(ECHO_PEERS)
    offers = {peer.key: self.offers_of(peer) for peer in micro_peers}
    lines = [(row, peer) for row, captions in growth.ROWS.items() for peer in micro_peers
             if captions[3] in offers[peer.key]]
    clock = growth.Clock(growth.QUICK_SECONDS if quick else growth.SECONDS, len(lines) + len(echo_peers))
    for row, peer in lines:
      _, _, _, benchmark, count_max = growth.ROWS[row]
      if peer.program == "micro_threads":
        count_max = growth.THREADS_MAX
      self.add_line(row, peer, growth.line(self.builder.command(peer), benchmark,
                                           0 if peer.pinned else None, clock.next_line(), count_max))
    for peer in echo_peers:
      self.add_line("connections", peer, growth.echo_line(
        self.programs, self.builder.command(peer), clock.next_line(), self.arguments.seconds))

  def turned(self, peers, number):
    turn = number % len(peers) if peers else 0
    return peers[turn:] + peers[:turn]

  def offers_of(self, peer):
    try:
      return measure.micro_names(self.builder.command(peer))
    except (measure.MeasureError, OSError):
      return []

  def add_line(self, row, peer, line):
    self.say(f"growth of {row}, {peer.name}")
    points, end = line
    values = self.results["growth"].setdefault(row, {}).setdefault(peer.name, {})
    for count, value in points:
      values.setdefault(count, []).append(value)
    if end:
      self.results["growth_ends"][f"{row}, {peer.name}"] = end

  def run(self):
    load_before = machine.load_average()
    try:
      self.measure_all(self.arguments.only)
    except KeyboardInterrupt:
      self.say("interrupted; the report has what there is")
      self.arguments.whole = False
    self.results["machine"] = machine.describe(self.builder, load_before)

  def measure_all(self, only):
    if set(only) - {"micro"}:
      reason = self.builder.reason_against(Peer("load", "load", "bench_load"))
      if reason:
        sys.exit("bench: no load generator: " + reason)
    parts = {
      "echo": lambda: self.measure_echo(self.choose(ECHO_PEERS)),
      "memory": lambda: self.measure_memory(self.choose(ECHO_PEERS)),
      "counts": lambda: self.measure_counts(self.choose(ECHO_PEERS)),
      "micro": lambda: self.measure_micro(self.choose(MICRO_PEERS)),
      "uneven": lambda: self.measure_uneven(self.choose(ECHO_PEERS + TWO_WORKER_PEERS)),
      "growth": self.measure_growth,
    }
    for part, measure_part in parts.items():
      if part in only:
        started = time.monotonic()
        try:
          measure_part()
        except Exception as error:  # whatever it is, it does not cost what the others have measured
          self.say(f"{part} ends early: {error!r}")
          self.results["failed"][part] = "ended early: " + self.without_paths(repr(error))
        self.say(f"{part} took {time.monotonic() - started:.0f} s")


def write(path, text):
  with open(path, "w", encoding="utf-8") as file:
    file.write(text)


def write_report(directory, root, results):
  """report.md, and in report/ its pictures and all values."""
  causes = losses.read_causes(os.path.join(root, "bench", "causes.txt"))
  os.makedirs(os.path.join(directory, "report"), exist_ok=True)
  write(os.path.join(directory, "report.md"), report.render(results, causes))
  for name, svg in report.pictures(results):
    write(os.path.join(directory, "report", name), svg)
  write(os.path.join(directory, "report", "results.json"), report.to_json(results))
  print(f"bench: {os.path.relpath(os.path.join(directory, 'report.md'))}")


def main():
  bench = Bench(parse_arguments())
  if bench.arguments.again:
    with open(os.path.join(bench.directory(), "report", "results.json"), encoding="utf-8") as file:
      bench.results = report.with_counts_as_keys(json.load(file))
  else:
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard_limit < IDLE_CONNECTIONS + 1000:
      bench.say(f"ulimit -Hn is {hard_limit}: what needs {IDLE_CONNECTIONS} connections will fail")
    bench.run()
  write_report(bench.directory(), bench.builder.root, bench.results)


if __name__ == "__main__":
  main()
