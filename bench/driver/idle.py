# SPDX-License-Identifier: MIT
"""Opens idle connections, as many as the machine allows, and says what each takes.

A process may not have more descriptors than its limit, so there are several
servers, each with a generator of its own, whose connections come from several
loopback addresses. Each connection is served once, with its bytes compared, and
is then silent. All are there at the same time when memory is measured.

weft-direct is one process whose limit is far below its number of connections:
they lie in the tables of io_uring rings, one for each runtime.
"""

import argparse
import os
import resource
import select
import subprocess
import sys
import time

import measure
from machine import search_file
from peers import ECHO_PEERS, Builder, Peer

SPARE_DESCRIPTORS = 100  # of a process, for other things than connections
KERNEL_BYTES = 12_000  # that a connection may take there, with both its ends
CONNECTIONS_MAX = 1_000_000
DIRECT, DIRECT_DESCRIPTORS, DIRECT_CONNECTIONS = "weft-direct", 1024, 10_000
PATIENCE = 600


def parse_arguments():
  parser = argparse.ArgumentParser(prog="bench/idle", description=__doc__.splitlines()[0])
  parser.add_argument("--connections", type=int, help="how many; else as many as fit in half of the "
                      f"memory, at most {CONNECTIONS_MAX:,}")
  parser.add_argument("--per-process", type=int, help="else what the limit of open files allows")
  parser.add_argument("--peers", default="epoll,tokio-shared,weft-epoll,weft-uring,weft-direct")
  parser.add_argument("--built", metavar="DIRECTORY",
                      help="build nothing, use the programs there, and only those")
  arguments = parser.parse_args()
  if not arguments.connections:
    available = int(search_file("/proc/meminfo", r"^MemAvailable:\s+(\d+)", "0")) * 1024
    arguments.connections = min(CONNECTIONS_MAX, available // 2 // KERNEL_BYTES)
  if not arguments.per_process:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    arguments.per_process = hard - SPARE_DESCRIPTORS
  arguments.peers = arguments.peers.split(",")
  return arguments


def shares(total, most):
  """total in equal parts, none above most."""
  count = -(-total // most)
  return [total // count + (i < total % count) for i in range(count)]


def resident_bytes(pid):
  return int(search_file(f"/proc/{pid}/smaps_rollup", r"^Rss:\s+(\d+)", "0")) * 1024


def slab_bytes():
  return int(search_file("/proc/meminfo", r"^Slab:\s+(\d+)", "0")) * 1024


def sockets():
  """Ends of TCP connections of this machine."""
  return int(search_file("/proc/net/sockstat", r"^TCP: inuse (\d+)", "0"))


class Progress:
  """A bar on the terminal; else a line for every tenth."""

  def __init__(self, what, total):
    self.what, self.total, self.told = what, total, -1
    self.before = sockets()

  def show(self):
    done = min(self.total, max(0, (sockets() - self.before) // 2))
    if sys.stderr.isatty():
      filled = 40 * done // self.total
      print(f"\r{self.what:14} [{'#' * filled}{' ' * (40 - filled)}] {done:,} of {self.total:,} ",
            end="", file=sys.stderr, flush=True)
    elif 10 * done // self.total > self.told:
      self.told = 10 * done // self.total
      print(f"{self.what}: {done:,} of {self.total:,}", file=sys.stderr, flush=True)

  def end(self):
    if sys.stderr.isatty():
      print("\r" + " " * 90 + "\r", end="", file=sys.stderr, flush=True)


class Holder:
  """A server, and a generator that opens connections to it and holds them."""

  def __init__(self, programs, command, connections, descriptors=None):
    self.connections = connections
    self.server = measure.Server(command, cpu=None, descriptors=descriptors)
    self.server.__enter__()
    self.before = resident_bytes(self.server.process.pid)
    self.load = subprocess.Popen(
      [os.path.join(programs, "load"), "--hold", "--connections", "1", "--idle",
       str(connections - 1), "--requests", "1", "--patience", str(PATIENCE), self.server.port],
      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

  def is_open(self, wait):
    ready, _, _ = select.select([self.load.stdout], [], [], wait)
    if not ready:
      return False
    said = self.load.stdout.readline()
    if said.split() != ["holding", str(self.connections)]:
      raise measure.MeasureError(measure.last_line(self.load.stderr.read()))
    return True

  def descriptors(self):
    return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

  def growth_bytes(self):
    return resident_bytes(self.server.process.pid) - self.before

  def close(self):
    """The generator asks once more, and disconnects."""
    _, complaint = self.load.communicate()
    self.server.__exit__(None, None, None)
    if self.load.returncode != 0:
      raise measure.MeasureError(measure.last_line(complaint))

  def kill(self):
    for process in (self.load, self.server.process):
      if process.poll() is None:
        process.kill()
        process.communicate()


def wait_for_all(holders, progress):
  waiting, started = list(holders), time.monotonic()
  while waiting:
    if time.monotonic() - started > PATIENCE:
      raise measure.MeasureError(f"not all are open after {PATIENCE} s")
    progress.show()
    if waiting[0].is_open(0.1):
      waiting.pop(0)
  progress.show()


def hold(programs, command, name, parts):
  """(user bytes and kernel bytes per connection, seconds) when all parts are open."""
  progress, started, slab = Progress(name, sum(parts)), time.monotonic(), slab_bytes()
  holders = []
  try:
    for part in parts:
      holders.append(Holder(programs, command, part))
    wait_for_all(holders, progress)
    seconds = time.monotonic() - started
    user = sum(holder.growth_bytes() for holder in holders) / sum(parts)
    kernel = (slab_bytes() - slab) / sum(parts)
    for holder in holders:
      holder.close()
    return user, kernel, seconds
  finally:
    progress.end()
    for holder in holders:
      holder.kill()


def hold_beyond(programs, connections):
  """What one process holds that has fewer descriptors than connections."""
  runtimes = -(-connections // (DIRECT_DESCRIPTORS - 1)) + 1
  command = [os.path.join(programs, "echo_weft"), "--poller", "uring-direct",
             "--runtimes", str(runtimes)]
  progress, holder = Progress(DIRECT, connections), None
  try:
    holder = Holder(programs, command, connections, DIRECT_DESCRIPTORS)
    wait_for_all([holder], progress)
    user, descriptors = holder.growth_bytes() / connections, holder.descriptors()
    holder.close()
    return (f"{DIRECT:14} {user:>12,.0f}  {connections:,} connections in one process that may have "
            f"{DIRECT_DESCRIPTORS:,} descriptors\n{'':14} {'':>12}  and has {descriptors}; "
            f"{runtimes} runtimes, each with a ring")
  finally:
    progress.end()
    if holder:
      holder.kill()


def main():
  arguments = parse_arguments()
  root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
  builder = Builder(root, os.path.join(root, "build"))
  parts = shares(arguments.connections, arguments.per_process)
  failed = False
  if arguments.built:
    builder.programs = arguments.built
  else:
    reason = builder.reason_against(Peer("load", "load", "bench_load"))
    if reason:
      sys.exit("idle: no load generator: " + reason)
  print(f"{arguments.connections:,} connections, each served once and then idle, all at the same time; "
        f"{len(parts)} server(s)\nwith up to {max(parts):,} each, and as many generators\n")
  print(f"{'':14} {'user bytes':>12} {'opened in':>10}", flush=True)
  kernel_bytes = 0
  for peer in ECHO_PEERS:
    if peer.name not in arguments.peers:
      continue
    reason = None if arguments.built else builder.reason_against(peer)
    if reason:
      print(f"{peer.name:14} skipped: {reason}")
      continue
    try:
      user, kernel, seconds = hold(builder.programs, builder.command(peer), peer.name, parts)
      print(f"{peer.name:14} {user:>12,.0f} {seconds:>8.1f} s", flush=True)
      kernel_bytes = max(kernel_bytes, kernel)
    except (measure.MeasureError, OSError) as error:
      print(f"{peer.name:14} failed: {error}", flush=True)
      failed = True
  if DIRECT in arguments.peers:
    try:
      print(hold_beyond(builder.programs, min(DIRECT_CONNECTIONS, max(parts))), flush=True)
    except (measure.MeasureError, OSError) as error:
      print(f"{DIRECT:14} failed: {error}", flush=True)
  # It keeps the slabs of connections that are gone, so only the first of them shows what they take.
  print("\nUser bytes: the servers' growth in resident memory, for each connection. The kernel's slabs grew by\n"
        f"{kernel_bytes:,.0f} bytes for both its ends, or more, if they had room left.")
  sys.exit(failed)


main()
