# SPDX-License-Identifier: MIT
"""Turns the results into Markdown."""

import json
import re
from statistics import median

import growth
import losses
import picture

BASE = "epoll"  # what the ratios of the echo tables refer to
# Small benchmarks that belong together: a heading, and how their names begin.
TOPICS = {
  "Spawning and joining": "spawn|chained|join_set|remote",
  "Turns and calls": "yield|ping_pong|nested",
  "Channels": "channel|oneshot|broadcast|watch|pipe",
  "Locks and notify": "mutex|semaphore|rwlock|notify",
  "Many futures in one task": "join_all|set_|select",
  "Timers": "timer_create|sleepers",
  "Tails: how late, or how long a delay": "timer_late|busy|stuck",
  "Memory": "memory",
}


def shape_name(shape):
  """A shape of results.json is its name."""
  return shape if isinstance(shape, str) else ":".join(str(part) for part in shape)


def number(value):
  return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values, show=number):
  """The median, and the range if there was more than one round."""
  known = [value for value in values if value is not None]
  if not known:
    return "failed"
  text = show(median(known))
  return f"{text} ({show(min(known))}–{show(max(known))})" if len(known) > 1 else text


def ratios(values, base):
  """Round by round."""
  return [value / other for value, other in zip(values, base) if value and other]


def ratio_text(values):
  return spread(values, lambda value: f"{value:.2f}") if values else "-"


def table(head, rows):
  lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
  lines += ["| " + " | ".join(row) + " |" for row in rows]
  return "\n".join(lines) + "\n"


def column(results, key):
  """One figure of each round."""
  return [result and result[key] for result in results]


def peer_names(rows):
  return list(dict.fromkeys(name for row in rows.values() for name in sorted(row, key=peer_order)))


def peer_order(name):
  order = ["epoll", "libuv", "tokio", "tokio-shared", "go", "asio", "threads", "epoll 2", "tokio 2",
           "threads, 1 core",
           "tokio ct", "tokio mt2", "go 1", "go 2", "weft-epoll", "weft-uring", "weft-epoll 2", "weft-uring 2", "weft ct", "weft mt1",
           "weft mt2"]
  return order.index(name) if name in order else len(order)


def echo_table(echo, cell, base, without=None):
  names = sorted((name for name in peer_names(echo) if name != without), key=peer_order)
  rows = [[shape_name(shape)] + [cell(row[name], row.get(base, [])) if name in row else "-"
                                 for name in names] for shape, row in echo.items()]
  return table(["connections : bytes : depth"] + names, rows)


def figure(key, scale=1.0):
  return lambda results, _: spread([value and value * scale for value in column(results, key)])


def figure_ratio(key):
  return lambda results, base: ratio_text(ratios(column(results, key), column(base, key)))


def quantiles(results, _):
  keys = ("p50_us", "p99_us", "p999_us")
  known = [result for result in results if result]
  if not known:
    return "failed"
  return " / ".join(number(median(column(known, key))) for key in keys)


def other_cores(echo):
  """What disturbed the measurements; above 0.1 or so, do not trust them."""
  busy = [result["other_cores"] for row in echo.values() for results in row.values()
          for result in results if result]
  return f"{median(busy):.2f}, at most {max(busy):.2f}" if busy else "unknown"


def echo_tables(echo, base):
  return "".join([
    "\n### Server CPU per request, ns\n\n", echo_table(echo, figure("server_cpu_ns"), base),
    f"\n### Server CPU per request, as a multiple of {base}'s\n\n",
    echo_table(echo, figure_ratio("server_cpu_ns"), base, without=base),
    "\n### Thousand requests per second\n\n",
    echo_table(echo, figure("requests_per_second", 1e-3), base),
    "\n### Latency, p50 / p99 / p99.9, us\n\n", echo_table(echo, quantiles, base),
    f"\n### p99 as a multiple of {base}'s\n\n",
    echo_table(echo, figure_ratio("p99_us"), base, without=base),
  ])


def echo_section(echo):
  return ("## Echo and HTTP-shaped servers\n\n"
          "The server is pinned to one CPU, the generator to another. Medians of the rounds, with the\n"
          "range; ratios are taken inside a round. One of connections, bytes and depth differs from\n"
          "64:64:1, except in 64:16384:16. `http` has requests of some headers and answers with a body\n"
          f"of 1 KiB. Cores busy with anything else meanwhile: {other_cores(echo)}.\n" +
          echo_tables(echo, BASE))


def echo_two_section(echo):
  return ("## The same with two workers\n\nBoth CPUs are theirs, and the generator has one of them, too.\n" +
          echo_tables(echo, BASE + " 2"))


def memory_section(memory):
  names = sorted(memory, key=peer_order)
  return ("## Bytes of resident memory per idle connection\n\n"
          "10,000 connections that were served once, beside 64 active ones; without the kernel's "
          "share.\n\n" + table(names, [[spread(memory[name]) for name in names]]))


def call_text(calls):
  """The total and the names that matter, such as "2.02 (recvfrom 1, sendto 1)"."""
  if not calls:
    return "failed"
  names = sorted((name for name in calls if name != "total" and calls[name] >= 0.005),
                 key=lambda name: -calls[name])
  parts = ", ".join(f"{name} {calls[name]:.2f}" for name in names)
  return f"{calls['total']:.2f} ({parts})"


def counts_section(instructions, system_calls):
  def rows(counts, show):
    names = sorted(peer_names(counts), key=peer_order)
    return table(["connections : bytes : depth"] + names, [
      [shape_name(shape)] + [show(row[name][0]) if name in row else "-" for name in names]
      for shape, row in counts.items()])
  return ("## Per request, counted\n\nUnder callgrind and strace the server is slower than the "
          "generator, so many connections are\nready at a time.\n"
          "\n### Instructions in user space\n\n" +
          rows(instructions, lambda value: "failed" if value is None else number(value)) +
          "\n### System calls\n\n" + rows(system_calls, call_text))


def best_ratio(row, mine):
  """Weft's value over the best peer's of as many CPUs, in the same round; and who that is."""
  peer = losses.best_peer(row, mine) if mine in row else None
  values = losses.ratios_to(row, mine, peer) if peer else []
  return f"{ratio_text(values)} {peer}" if values else "-"


def micro_rows(micro):
  """{line: {peer: values}}; a benchmark may print several lines."""
  rows = {}
  for runs in micro.values():
    for peer, results in runs.items():
      for line in dict.fromkeys(key for result in results if result for key in result):
        rows.setdefault(line, {})[peer] = [result and result.get(line) for result in results]
  return rows


def micro_table(rows):
  names = sorted(peer_names(rows), key=peer_order)
  ours = [name for name in names if losses.is_weft(name) and name != "weft mt1"]
  head = ["ns, or bytes"] + names + [f"{name} / best peer" for name in ours]
  return table(head, [[line] + [spread(row[name]) if name in row else "-" for name in names] +
                      [best_ratio(row, name) for name in ours] for line, row in rows.items()])


def micro_section(micro):
  rows = micro_rows(micro)
  parts = ["## Small benchmarks\n\nWhat the names stand for is in bench/README.md. ct: current-thread, "
           "mt1: one worker, both pinned\nto one CPU; mt2: two workers. The ratio is to the best peer of as "
           "many CPUs, in the same round.\n"]
  for topic, begins in list(TOPICS.items()) + [("Others", "")]:
    chosen = {line: rows.pop(line) for line in list(rows) if re.match(begins, line)}
    if chosen:
      parts.append(f"\n### {topic}\n\n" + micro_table(chosen))
    if "timer_late" in chosen:
      parts.append("\n![How late timers are](report/timer-late.svg)\n")
  parts.append("\n### Fork-join\n\nNot here yet: these rows wait for the pool of threads for parallel work.\n")
  return "".join(parts)


def losses_section(results, causes):
  found = losses.Losses(results, shape_name, micro_rows, causes)
  if not found.with_peer:
    return ""
  lost, unclear = len(found.lost), len(found.unclear)
  noise = " A single round cannot tell a loss from noise." if results["run"]["echo_rounds"] == 1 else ""
  parts = [f"## Where Weft is behind\n\nThere are {len(found.with_peer)} comparisons with the best peer of as many "
           f"CPUs. In {lost} of them Weft is behind in every\nround, by over 2 % in the median; in {unclear} by the "
           "median, but not in every round; else it is level or ahead.\nRatios are taken inside a round. The bare "
           f"epoll loop is no peer, since it has no tasks: it comes after.{noise}\n"]
  if found.lost:
    parts += ["\n", table(["row", "who", "has", "the best peer", "ratio", "cause"],
                          [loss_row(found, contest) for contest in found.lost])]
  if found.unclear:
    parts += ["\n### Not behind in every round\n\n", unclear_list(found.unclear)]
  return "".join(parts + limit_section(found, results))


def loss_row(found, contest):
  return [contest.name, contest.mine, spread(contest.values), f"{contest.peer} {spread(contest.peer_values)}",
          ratio_text(contest.ratios), found.cause(contest)]


def unclear_list(contests):
  """A line for each row."""
  lines = {}
  for contest in contests:
    lines.setdefault(contest.name, []).append(
      f"{contest.mine} {ratio_text(contest.ratios)} of {contest.peer}")
  return "".join(f"- {name}: {'; '.join(whose)}\n" for name, whose in lines.items())


def limit_section(found, results):
  """Every echo row beside the bare loop and beside the best peer."""
  rows, beyond = {}, []
  for contest in found.all:
    row, _, figure_name = contest.name.rpartition(", ")
    if not contest.limit_ratios or figure_name.split()[0] not in ("CPU", "p99"):
      continue
    mark = "**" if contest.is_beyond_aim() else ""
    beyond += [contest] if mark else []
    peer = f"{ratio_text(contest.ratios)} {contest.peer}" if contest.ratios else "-"
    rows.setdefault((row, contest.mine), []).extend([mark + ratio_text(contest.limit_ratios) + mark, peer])
  if not rows:
    return []
  body = [[row, mine] + cells + [instruction_text(results, row, mine)] for (row, mine), cells in rows.items()]
  parts = [f"\n### Beside the bare epoll loop\n\nThe aim is {losses.AIM} of it at most; **bold** is above that, and "
           "above the loop in every round. Most of the CPU\ntime is the kernel's, the same for all: what a runtime "
           "adds are instructions in user space, counted by callgrind.\n\n",
           table(["row", "who", "CPU / bare loop", "CPU / best peer", "p99 / bare loop", "p99 / best peer",
                  "user instructions: it, bare loop, libuv"], body)]
  parts += ["\n"] if beyond else []
  return parts + [f"- {contest.name}, {contest.mine}: {ratio_text(contest.limit_ratios)}: {found.cause(contest)}\n"
                  for contest in beyond]


def instruction_text(results, row, mine):
  counts = next((row_counts for shape, row_counts in results["instructions"].items()
                 if row == "echo " + shape_name(shape)), {})
  known = [counts.get(name, [None])[0] for name in (mine, BASE, "libuv")]
  return ", ".join("-" if value is None else number(value) for value in known) if any(known) else "-"


UNEVEN = {
  "--skew": "A tenth of 100 connections carries nine tenths of the load, with 16 requests in flight each",
  "--firehose": "One of 100 connections is a firehose of 1,024 requests in flight",
}


def uneven_row(results):
  """Medians of the rounds of one peer."""
  known = [result for result in results if result]
  if not known:
    return ["failed"] * 4
  middle = {key: median(column(known, key)) for key in known[0]}
  return [number(middle["requests_per_second"] / 1e3), number(middle["server_cpu_ns"])] + [
    " / ".join(number(middle[f"{prefix}{key}"]) for key in ("p50_us", "p99_us", "p999_us"))
    for prefix in ("", "cold_")]


def uneven_section(uneven):
  parts = ["## Uneven load\n\nThe cold connections have one request in flight at most. \"2\" are two workers, "
           "on the CPUs that the\ngenerator needs, too; else the server has one.\n"]
  for how, row in uneven.items():
    body = [[name] + uneven_row(row[name]) for name in sorted(row, key=peer_order)]
    parts += [f"\n### {UNEVEN[how]}\n\n",
              table(["", "thousand requests per second", "server CPU, ns", "all: p50 / p99 / p99.9, us",
                     "cold ones: p50 / p99 / p99.9, us"], body)]
  return "".join(parts)


def late_lines(results):
  """{peer: [(n, how late in us one sleep in n is, or later), ...]} of timer_late."""
  shares = {"timer_late_p50": 2, "timer_late_p90": 10, "timer_late": 100, "timer_late_p999": 1000}
  rows, lines = micro_rows(results["micro"]), {}
  for line, share in shares.items():
    for peer, values in sorted(rows.get(line, {}).items(), key=lambda item: peer_order(item[0])):
      known = [value for value in values if value]
      if known:
        lines.setdefault(peer, []).append((share, median(known) / 1e3))
  return lines


def growth_lines(results, row):
  """{peer: [(count, median), ...]}"""
  return {peer: [(count, median(values)) for count, values in sorted(points.items())]
          for peer, points in sorted(results["growth"].get(row, {}).items(),
                                     key=lambda item: peer_order(item[0]))}


def growth_captions():
  return {**{row: captions[:3] for row, captions in growth.ROWS.items()},
          "connections": growth.CONNECTIONS}


def pictures(results):
  """(file name, SVG): all growth in one, and how late timers are."""
  plots = [picture.line_plot(*captions, growth_lines(results, row))
           for row, captions in growth_captions().items()]
  drawn = [("growth.svg", picture.sheet([plot for plot in plots if plot]))]
  drawn.append(("timer-late.svg", picture.line_plot(
    "How late timers are", "one sleep in so many ...", "... is so many us late, or later",
    late_lines(results))))
  return [(name, svg) for name, svg in drawn if svg]


def growth_section(results):
  parts = ["## As the load grows\n\nThe same operation, with ten times more of its kind at once from one "
           "point to the next.\n\n![What each operation costs as the load grows](report/growth.svg)\n"]
  for row, (title, what, unit) in growth_captions().items():
    lines = growth_lines(results, row)
    counts = sorted({count for line in lines.values() for count, _ in line})
    if not counts:
      continue
    body = [[f"{count:,}"] + [number(dict(line)[count]) if count in dict(line) else "-"
                              for line in lines.values()] for count in counts]
    parts += [f"\n### {title}\n\n",
              f"In {unit}.\n\n", table([what] + list(lines), body)]
  ends = results["growth_ends"]
  parts += ["\nLines that end early:\n\n"] if ends else []
  parts += [f"- {line} {end}\n" for line, end in ends.items()]
  return "".join(parts)


def notes_section(results):
  lines = [f"- without {name}: {reason}\n" for name, reason in results["skipped"].items()]
  lines += [f"- failed: {what}: {reason}\n" for what, reason in results["failed"].items()]
  return "## Skipped and failed\n\n" + "".join(lines) if lines else ""


def render(results, causes):
  run = results["run"]
  machine = table(["", ""], [list(pair) for pair in results["machine"]])
  rounds = f"{run['rounds']} round(s), {run['echo_rounds']} of servers, {run['seconds']:g} s each"
  sections = ["# Benchmarks\n\n" + rounds + ("; a smoke test" if run["quick"] else "") +
              ". Compare only inside this report.\n\n" + machine]
  sections.append(losses_section(results, causes))
  if results["echo"]:
    sections.append(echo_section(results["echo"]))
  if results["echo_two"]:
    sections.append(echo_two_section(results["echo_two"]))
  if results["memory"]:
    sections.append(memory_section(results["memory"]))
  if results["instructions"]:
    sections.append(counts_section(results["instructions"], results["system_calls"]))
  if results["micro"]:
    sections.append(micro_section(results["micro"]))
  if results["uneven"]:
    sections.append(uneven_section(results["uneven"]))
  if results["growth"]:
    sections.append(growth_section(results))
  sections.append(notes_section(results))
  return "\n".join(section for section in sections if section)


def with_plain_keys(value):
  """The same for JSON, which knows only strings as keys; a number has four digits."""
  if isinstance(value, dict):
    return {shape_name(key) if isinstance(key, tuple) else key: with_plain_keys(item)
            for key, item in value.items()}
  if isinstance(value, float):
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() else short
  return [with_plain_keys(item) for item in value] if isinstance(value, (list, tuple)) else value


def to_json(results):
  """As text with a line for each row of a table, so that two runs can be told apart by it."""
  def lines(value, depth):
    if not isinstance(value, dict) or not value or depth == 0:
      return json.dumps(value, separators=(",", ":"))
    pairs = (f"{json.dumps(key)}:{lines(item, depth - 1)}" for key, item in value.items())
    return "{\n" + ",\n".join(pairs) + "\n}"
  return lines(with_plain_keys(results), 3) + "\n"


def with_counts_as_keys(results):
  """What with_plain_keys has made of the growth's counts, undone."""
  results["growth"] = {row: {peer: {int(count): values for count, values in points.items()}
                             for peer, points in line.items()} for row, line in results["growth"].items()}
  return results
