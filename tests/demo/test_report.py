# SPDX-License-Identifier: MIT
"""The report of bench/run and its pictures, from results made up here. Exit status 0: they are right."""

import json
import os
import re
import sys
import tempfile
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "driver"))

import losses
import picture
import report

SVG = "{http://www.w3.org/2000/svg}"
RESULTS = {
  "run": {"rounds": 3, "seconds": 1, "quick": False},
  "machine": [("date", "today")], "skipped": {"go": "golang-go is not installed"}, "failed": {},
  "echo": {(64, 64, 1): {"epoll": [{"server_cpu_ns": 100, "requests_per_second": 5e5, "p50_us": 1,
                                    "p99_us": 2, "p999_us": 3, "other_cores": 0}]}},
  "echo_two": {}, "memory": {}, "instructions": {}, "system_calls": {},
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
  assert name == "growth.svg" and f"]({name})" in text
  assert set(labels_of(svg)[0]) == {"weft ct", "tokio ct"}
  assert "| 1 | 11 | 11 |" in text and "| 10 | - | 20 |" in text, text  # medians, a line that ends
  assert "yield, tokio ct ends at 1" in text
  assert "without go: golang-go is not installed" in text
  assert "| weft-epoll 2 | 50 | 700 | 1 / 2 / 3 | 4 / 5 / 6 |" in text, text
  assert "| yield_2 | 30 | 15 | 0.50 tokio ct |" in text, text
  # Ratios of rounds that both have; a single cause; who wins is not listed.
  assert "In 1 of 2 comparisons" in text, text
  assert ("| stuck_wake | weft ct | 35 (30–40) | go 1 20 (20–20) | 1.75 (1.50–2.00) | it is stuck |" in text), text
  assert "cause not known" in report.render(RESULTS, [])


def test_again():
  kept = json.loads(json.dumps(report.with_plain_keys(RESULTS)))
  assert report.render(report.with_counts_as_keys(kept), []) == report.render(RESULTS, [])


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
test_again()
test_causes()
