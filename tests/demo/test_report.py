# SPDX-License-Identifier: MIT
"""The report of bench/run and its pictures, from results made up here. Exit status 0: they are right."""

import importlib.util
import json
import os
import re
import sys
import tempfile
import xml.etree.ElementTree

sys.dont_write_bytecode = True
DRIVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "driver")
sys.path.insert(0, DRIVER)

import losses
import picture
import report

def served(*cpu_ns):
  """The rounds of an echo server that differ only in CPU time."""
  return [{"server_cpu_ns": value, "requests_per_second": 5e5, "p50_us": 1, "p99_us": 2, "p999_us": 3,
           "other_cores": 0} for value in cpu_ns]


SVG = "{http://www.w3.org/2000/svg}"
RESULTS = {
  "run": {"rounds": 3, "echo_rounds": 6, "seconds": 1, "quick": False},
  "machine": [("date", "today")], "skipped": {"go": "golang-go is not installed"}, "failed": {},
  "echo": {(64, 64, 1): {"epoll": served(100, 100, 100), "libuv": served(105, 105, 105), "go": served(150, 150, 150),
                         "weft-epoll": served(104, 102, 108), "weft-uring": served(110, 107, 120)}},
  "echo_two": {}, "memory": {}, "system_calls": {},
  "instructions": {(64, 64, 1): {"epoll": [100], "libuv": [312], "weft-epoll": [300]}},
  "micro": {"yield_2": {"weft ct": [{"yield_2": 15.0}], "tokio ct": [{"yield_2": 30.0}]},
            "stuck": {"weft ct": [{"stuck_wake": 30.0}, None, {"stuck_wake": 40.0}],
                      "weft mt2": [{"stuck_wake": 9.0}] * 3,  # has two CPUs, and nobody to compare with
                      "go 1": [{"stuck_wake": 20.0}] * 3, "asio": [{"stuck_wake": 50.0}] * 3}},
  "uneven": {"--skew": {"weft-epoll 2": [{"requests_per_second": 5e4, "server_cpu_ns": 700, "p50_us": 1,
                                          "p99_us": 2, "p999_us": 3, "cold_p50_us": 4, "cold_p99_us": 5,
                                          "cold_p999_us": 6}]}},
  "growth": {"yield": {"weft ct": {1: [10.0, 12.0, 11.0], 10: [20.0]}, "tokio ct": {1: [11.0]}}},
  "growth_ends": {"yield, tokio ct": "ends at 1, which took 21 s"},
}


def labels_of(svg):
  """{name: y} of the labels right of the plot."""
  root = xml.etree.ElementTree.fromstring(svg)
  return {element.text: float(element.get("y")) for element in root.iter(SVG + "text")
          if float(element.get("x")) > picture.WIDTH - picture.RIGHT}, root


def test_picture():
  lines = {f"peer {i}": [(1, 100), (1000, 200 + i)] for i in range(12)}
  lines["weft <&>"] = [(1, 0.5), (10_000_000, 3)]
  labels, root = labels_of(picture.line_plot("Title", "x", "y", lines))
  assert set(labels) == set(lines), labels
  places = sorted(labels.values())
  assert all(after - before >= picture.LABEL_HEIGHT - 0.1 for before, after in zip(places, places[1:]))
  assert 0 < places[0] and places[-1] < picture.HEIGHT
  for circle in root.iter(SVG + "circle"):
    assert picture.LEFT <= float(circle.get("cx")) <= picture.WIDTH - picture.RIGHT
    assert picture.TOP <= float(circle.get("cy")) <= picture.HEIGHT - picture.BOTTOM
  assert picture.line_plot("nothing", "x", "y", {"weft": []}) is None


def test_report():
  causes = [(re.compile("^stuck_wake, weft ct$"), "it is stuck")]
  text = report.render(RESULTS, causes)
  (name, svg), = report.pictures(RESULTS)
  assert name == "growth.svg" and f"](report/{name})" in text
  assert set(labels_of(svg)[0]) == {"weft ct", "tokio ct"}
  assert "| 1 | 11 | 11 |" in text and "| 10 | - | 20 |" in text, text  # medians, a line that ends
  assert "yield, tokio ct ends at 1" in text
  assert "without go: golang-go is not installed" in text
  assert "| weft-epoll 2 | 50 | 700 | 1 / 2 / 3 | 4 / 5 / 6 |" in text, text
  assert "| yield_2 | 30 | 15 | 0.50 tokio ct |" in text, text
  # Ratios of rounds that both have; a single cause; who wins is not listed.
  assert "There are 7 comparisons" in text and "In 2 of them" in text and "in 0 by the median" in text, text
  assert ("| stuck_wake | weft ct | 35 (30–40) | go 1 20 (20–20) | 1.75 (1.50–2.00) | it is stuck |" in text), text
  assert "cause not known" in report.render(RESULTS, [])


def test_limit():
  """The bare loop is no peer, but all are held beside it; what noise may be is no loss."""
  text = report.render(RESULTS, [(re.compile("^echo 64:64:1, CPU ns, weft-uring$"), "two more calls")])
  assert ("| echo 64:64:1 | weft-epoll | 1.04 (1.02–1.08) | 0.99 (0.97–1.03) libuv | 1.00 (1.00–1.00) | "
          "1.00 (1.00–1.00) libuv | 300, 100, 312 |") in text, text
  assert "| echo 64:64:1 | weft-uring | **1.10 (1.07–1.20)** | 1.05 (1.02–1.14) libuv |" in text, text
  assert "- echo 64:64:1, CPU ns, weft-uring: 1.10 (1.07–1.20): two more calls\n" in text, text
  assert "| echo 64:64:1, CPU ns | weft-uring | 110 (107–120) | libuv 105 (105–105) |" in text, text
  noisy = report.with_counts_as_keys(json.loads(report.to_json(RESULTS)))
  noisy["echo"]["64:64:1"]["weft-uring"] = served(110, 104, 120)
  text = report.render(noisy, [])
  assert "in 1 by the median" in text and "- echo 64:64:1, CPU ns: weft-uring 1.05 (0.99–1.14) of libuv\n" in text, text


def test_again():
  kept = json.loads(json.dumps(report.with_plain_keys(RESULTS)))
  assert report.render(report.with_counts_as_keys(kept), []) == report.render(RESULTS, [])


def test_whole():
  """Only a whole run takes the place of the report that the project keeps."""
  spec = importlib.util.spec_from_file_location("bench_run", os.path.join(DRIVER, "__main__.py"))
  run = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(run)
  for words, whole in (("", True), ("--rounds 5", True), ("--again", True), ("--quick", False), ("--rounds 1", False),
                       ("--seconds 0.2", False), ("--rows yield", False), ("--peers libuv", False),
                       ("--only echo,micro", False), ("--only " + ",".join(run.PARTS), True)):
    bench = run.Bench(run.parse_arguments(words.split()))
    there = os.path.relpath(bench.directory(), bench.builder.root)
    assert there == ("bench" if whole else "build/bench"), (words, there)


def test_json():
  text = report.to_json(RESULTS)
  assert json.loads(text) == json.loads(json.dumps(report.with_plain_keys(RESULTS))), text
  assert '\n"64:64:1":{\n"epoll":[{"server_cpu_ns":100,' in text, text  # a line for each peer
  assert report.with_plain_keys({"a": [123456.7, 0.123456, 2.0, None]}) == {"a": [123500, 0.1235, 2, None]}


def test_causes():
  with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
    file.write("# a comment\n\n^a|b | one | two\n")
    file.flush()
    (pattern, cause), = losses.read_causes(file.name)
  assert pattern.pattern == "^a|b" and cause == "one | two", (pattern, cause)
  assert losses.read_causes("/nowhere/causes.txt") == []
  here = os.path.dirname(os.path.abspath(__file__))
  losses.read_causes(os.path.join(here, "..", "..", "bench", "causes.txt"))  # all patterns are valid


test_picture()
test_report()
test_limit()
test_whole()
test_json()
test_again()
test_causes()
