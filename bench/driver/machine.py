# SPDX-License-Identifier: MIT
"""Where and with what the figures were made."""

import os
import platform
import re
import subprocess
import time


def first_line(command):
  try:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
  except OSError:
    return "missing"
  lines = done.stdout.splitlines()
  return lines[0].strip() if done.returncode == 0 and lines else "missing"


def search_file(path, pattern, otherwise="unknown"):
  try:
    with open(path, encoding="utf-8") as file:
      found = re.search(pattern, file.read(), re.MULTILINE)
  except OSError:
    return otherwise
  return found.group(1) if found else otherwise


def asio_version():
  path = "/usr/include/boost/version.hpp"
  boost = search_file(path, r'^#define BOOST_LIB_VERSION "([^"]*)"', "missing")
  return f"Boost {boost.replace('_', '.')}, {first_line(['g++', '--version'])}"


def commit(root):
  name = first_line(["git", "-C", root, "rev-parse", "--short", "HEAD"])
  changed = first_line(["git", "-C", root, "status", "--porcelain", "-uno"])
  return name + ("" if changed == "missing" else ", with changes")


def load_average():
  return " ".join(f"{load:.2f}" for load in os.getloadavg())


def describe(builder, load_before):
  """Pairs of a caption and a text. To be called when everything is built."""
  cache = os.path.join(builder.build_dir, "CMakeCache.txt")
  build_type = search_file(cache, r"^CMAKE_BUILD_TYPE:\w+=(.*)$")
  flags = search_file(cache, rf"^CMAKE_C_FLAGS_{build_type.upper()}:\w+=(.*)$")
  compiler = search_file(cache, r"^CMAKE_C_COMPILER:\w+=(.*)$", "cc")
  lock = os.path.join(builder.root, "bench", "peers", "tokio", "Cargo.lock")
  cpu = search_file("/proc/cpuinfo", r"^model name.*: (.*)$")
  distribution = search_file("/etc/os-release", r'^PRETTY_NAME="([^"]*)"')
  memory_kib = int(search_file("/proc/meminfo", r"^MemTotal:\s+(\d+)", "0"))
  return [
    ("date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
    ("commit", commit(builder.root)),
    ("processors", f"{os.cpu_count()} x {cpu}"),
    ("memory", f"{memory_kib / 1048576:.0f} GiB"),
    ("system", f"{distribution}, Linux {platform.release()}"),
    ("load average before", load_before),
    ("C compiler", f"{first_line([compiler, '--version'])}, {build_type}, {flags}"),
    ("Rust compiler", first_line(["/usr/bin/rustc", "--version"])),
    ("Tokio", search_file(lock, r'name = "tokio"\nversion = "([^"]*)"', "not built")),
    ("Go", first_line(["/usr/bin/go", "version"])),
    ("Boost.Asio", asio_version()),
    ("libuv", first_line(["pkg-config", "--modversion", "libuv"])),
  ]
