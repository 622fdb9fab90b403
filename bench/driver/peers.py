# SPDX-License-Identifier: MIT
"""Who takes part, and how to build it.

A peer that cannot be built is skipped, with its reason in the report. An echo
peer takes a port, says "listening PORT" and ends at SIGTERM; a micro peer prints
"name value" lines. Both are specified in bench/README.md.
"""

import glob
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field


@dataclass
class Peer:
  name: str
  program: str  # in the directory of programs
  target: str  # what builds it: a CMake target, "tokio" or "go"
  arguments: list = field(default_factory=list)
  pinned: bool = True  # on one CPU, except for what needs several

  @property
  def key(self):
    """One name may have several programs."""
    return f"{self.name}, {self.program}"


ECHO_PEERS = [
  Peer("epoll", "echo_epoll", "bench_echo_epoll"),
  Peer("libuv", "echo_uv", "bench_echo_uv"),
  Peer("tokio", "echo_tokio", "tokio"),
  Peer("tokio-shared", "echo_tokio", "tokio", ["--buffer", "thread"]),
  Peer("go", "echo_go", "go"),
  Peer("asio", "echo_asio", "bench_echo_asio"),
  Peer("threads", "echo_threads", "bench_echo_threads"),
  Peer("weft-epoll", "echo_weft", "bench_echo_weft", ["--poller", "epoll"]),
  Peer("weft-uring", "echo_weft", "bench_echo_weft", ["--poller", "uring"]),
]

# Two workers, on both CPUs, which they share with the generator.
TWO_WORKER_PEERS = [
  Peer("epoll 2", "echo_epoll", "bench_echo_epoll", ["--workers", "2"], pinned=False),
  Peer("tokio 2", "echo_tokio", "tokio", ["--workers", "2"], pinned=False),
  Peer("go 2", "echo_go", "go", pinned=False),
  Peer("weft-epoll 2", "echo_weft", "bench_echo_weft", ["--poller", "epoll", "--workers", "2"],
       pinned=False),
  Peer("weft-uring 2", "echo_weft", "bench_echo_weft", ["--poller", "uring", "--workers", "2"],
       pinned=False),
]

MICRO_PEERS = [
  Peer("threads", "micro_threads", "bench_micro_threads", pinned=False),
  Peer("threads, 1 core", "micro_threads", "bench_micro_threads"),
  Peer("tokio ct", "micro_tokio", "tokio", ["--workers", "0"]),
  Peer("tokio mt2", "micro_tokio", "tokio", ["--workers", "2"], pinned=False),
  Peer("go 1", "micro_go", "go", ["--workers", "1"]),
  Peer("go 2", "micro_go", "go", ["--workers", "2"], pinned=False),
  Peer("asio", "micro_asio", "bench_micro_asio"),
  Peer("libuv", "micro_uv", "bench_micro_uv"),
]
for program in ("micro_weft", "micro_async_weft"):
  MICRO_PEERS += [
    Peer("weft ct", program, "bench_" + program, ["--workers", "0"]),
    Peer("weft mt1", program, "bench_" + program, ["--workers", "1"]),
    Peer("weft mt2", program, "bench_" + program, ["--workers", "2"], pinned=False),
  ]


ASIO = "/usr/include/boost/asio/awaitable.hpp"
GO = "/usr/bin/go"
LIBCLANG = "/usr/lib/llvm-*/include/clang-c/Index.h"


class BuildError(Exception):
  pass


def run_quietly(command, **options):
  """Runs a command; its complaint becomes a BuildError of one line."""
  done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                        check=False, **options)
  if done.returncode == 0:
    return
  lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
  telling = [line for line in lines if "error" in line.lower()] or lines or ["no output"]
  raise BuildError(f"{command[0]}: {telling[0][:200]}")


class Builder:
  """Builds each target once and remembers how that went."""

  def __init__(self, root, build_dir):
    self.root = root
    self.build_dir = build_dir
    self.programs = os.path.join(build_dir, "bench")
    self.outcomes = {}
    self.configured = False

  def reason_against(self, peer):
    """Why the peer cannot take part, or None."""
    if peer.target not in self.outcomes:
      print(f"bench: building {peer.target}", file=sys.stderr, flush=True)
      try:
        self.build(peer)
        self.outcomes[peer.target] = None
      except (BuildError, OSError) as error:
        self.outcomes[peer.target] = str(error)
    return self.outcomes[peer.target]

  def build(self, peer):
    if peer.target == "tokio":
      self.build_tokio()
      return
    if peer.target == "go":
      self.build_go()
      return
    if peer.program == "micro_async_weft" and not glob.glob(LIBCLANG):
      raise BuildError("libclang-14-dev, or newer, is not installed, so there is no weftcc")
    if peer.program.endswith("_asio") and not (os.path.exists(ASIO) and shutil.which("g++")):
      raise BuildError("g++ and libboost-dev are not both installed")
    if peer.program.endswith("_uv") and not self.has_libuv():
      raise BuildError("libuv1-dev is not installed")
    self.build_with_cmake(peer.target)

  def has_libuv(self):
    return shutil.which("pkg-config") and subprocess.run(
      ["pkg-config", "--exists", "libuv"], check=False).returncode == 0

  def build_with_cmake(self, target):
    if not self.configured:
      ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
      fresh = not os.path.exists(os.path.join(self.build_dir, "CMakeCache.txt"))
      run_quietly(["cmake", "-S", self.root, "-B", self.build_dir] + (ninja if fresh else []))
      self.configured = True
    run_quietly(["cmake", "--build", self.build_dir, "--target", target])

  def build_tokio(self):
    """With Debian's own compiler, from Debian's crates: the same for everybody."""
    crate = os.path.join(self.root, "bench", "peers", "tokio")
    for tool in ("/usr/bin/cargo", "/usr/bin/rustc"):
      if not os.path.exists(tool):
        raise BuildError(f"{tool} is not installed")
    if not os.path.isdir("/usr/share/cargo/registry"):
      raise BuildError("librust-tokio-dev is not installed")
    out = os.path.join(self.programs, "tokio")
    environment = dict(os.environ, CARGO_TARGET_DIR=out, RUSTC="/usr/bin/rustc",
                       CARGO_HOME=os.path.join(self.programs, "cargo-home"))
    run_quietly(["/usr/bin/cargo", "build", "--release", "--offline"], cwd=crate, env=environment)
    for program in ("echo_tokio", "micro_tokio", "switch_tokio"):
      shutil.copy2(os.path.join(out, "release", program), self.programs)

  def build_go(self):
    """By Debian's compiler, from Go's own library alone, without the network."""
    if not os.path.exists(GO):
      raise BuildError("golang-go is not installed")
    environment = dict(os.environ, GOCACHE=os.path.join(self.programs, "go-cache"), GOPROXY="off",
                       GOFLAGS="-mod=mod", GOPATH=os.path.join(self.programs, "go"), CGO_ENABLED="0")
    for name in ("echo", "micro"):
      run_quietly([GO, "build", "-o", os.path.join(self.programs, name + "_go"), "./" + name],
                  cwd=os.path.join(self.root, "bench", "peers", "go"), env=environment)

  def command(self, peer):
    return [os.path.join(self.programs, peer.program)] + peer.arguments
