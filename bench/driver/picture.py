# SPDX-License-Identifier: MIT
"""Draws lines on logarithmic axes, as SVG.

Written here, because a plotting package is 30 to 100 MB for two hundred lines,
and because each line is to be named at its end, which those do not do.
"""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 76, 150, 52, 56
LABEL_HEIGHT = 17
# Weft in one strong colour, the peers in others that stay apart for the colour-blind, too.
WEFT_COLOURS = ["#c2185b", "#e66a9a", "#7a0f39"]
PEER_COLOURS = ["#3b6ea5", "#d98300", "#4b8b3b", "#7b5ea7", "#8c6d4a", "#2a9d9d", "#777777", "#b5a000"]
DASHES = ["", "6 3", "2 3"]


class Axis:
  """From a value to a place; whole powers of ten at both ends."""

  def __init__(self, values, start, end):
    self.low = math.floor(math.log10(min(values)) + 1e-9)
    self.high = max(math.ceil(math.log10(max(values)) - 1e-9), self.low + 1)
    self.start, self.end = start, end

  def place(self, value):
    share = (math.log10(value) - self.low) / (self.high - self.low)
    return self.start + share * (self.end - self.start)

  def ticks(self):
    return [10.0 ** power for power in range(self.low, self.high + 1)]


def short(value):
  for unit, text in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
    if value >= unit:
      return f"{value / unit:g}{text}"
  return f"{value:g}"


def text(x, y, content, **attributes):
  names = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
  return f'<text x="{x:.1f}" y="{y:.1f}"{names}>{escape(content)}</text>'


def grid(axis_x, axis_y):
  lines = []
  for value in axis_x.ticks():
    x = axis_x.place(value)
    lines.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#e4e4e4"/>')
    lines.append(text(x, HEIGHT - BOTTOM + 18, short(value), text_anchor="middle"))
  for value in axis_y.ticks():
    y = axis_y.place(value)
    lines.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e4e4e4"/>')
    lines.append(text(LEFT - 8, y + 4, short(value), text_anchor="end"))
  return lines


def styles(names):
  """{name: (colour, dash, width)}"""
  chosen, weft, peers = {}, 0, 0
  for name in names:
    if name.startswith("weft"):
      chosen[name] = (WEFT_COLOURS[weft % 3], "", 3)
      weft += 1
    else:
      chosen[name] = (PEER_COLOURS[peers % 8], DASHES[peers // 8 % 3], 1.6)
      peers += 1
  return chosen


def spread_labels(wanted):
  """{name: y}: as near as may be to what is wanted, none upon another, all inside."""
  placed, lowest = {}, TOP
  for name, y in sorted(wanted.items(), key=lambda item: item[1]):
    placed[name] = max(y, lowest)
    lowest = placed[name] + LABEL_HEIGHT
  limit = HEIGHT - BOTTOM
  for name in sorted(placed, key=placed.get, reverse=True):
    placed[name] = min(placed[name], limit)
    limit = placed[name] - LABEL_HEIGHT
  return placed


def line_plot(title, x_caption, y_caption, lines):
  """lines: {name: [(x, y), ...]}, all above 0. Returns the SVG, or None if there is nothing to draw."""
  lines = {name: points for name, points in lines.items() if points}
  points = [point for line in lines.values() for point in line]
  if not points:
    return None
  axis_x = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
  axis_y = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
  style = styles(lines)
  out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
         f'height="{HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">',
         f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
         text(LEFT, 28, title, font_size=16, font_weight="bold")]
  out += grid(axis_x, axis_y)
  out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_caption, text_anchor="middle"))
  middle = (TOP + HEIGHT - BOTTOM) / 2
  out.append(text(18, middle, y_caption, text_anchor="middle", transform=f"rotate(-90 18 {middle:.0f})"))
  labels = spread_labels({name: axis_y.place(line[-1][1]) for name, line in lines.items()})
  # The thick lines of Weft come last, above the others.
  for name in sorted(lines, key=lambda name: name.startswith("weft")):
    colour, dash, width = style[name]
    places = [(axis_x.place(x), axis_y.place(y)) for x, y in lines[name]]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')
    out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width + 0.8:.1f}" fill="{colour}"/>' for x, y in places]
    x, y = places[-1]
    label_x = WIDTH - RIGHT + 14
    out.append(f'<line x1="{x + 4:.1f}" y1="{y:.1f}" x2="{label_x - 4}" y2="{labels[name]:.1f}" '
               f'stroke="{colour}" stroke-width="0.6"/>')
    out.append(text(label_x, labels[name] + 4, name, fill=colour,
                    font_weight="bold" if name.startswith("weft") else "normal"))
  out.append("</svg>")
  return "\n".join(out) + "\n"


def sheet(pictures):
  """Several pictures as one, two side by side. None if there is nothing to draw."""
  if not pictures:
    return None
  height = HEIGHT * -(-len(pictures) // 2)
  placed = [picture.replace("<svg ", f'<svg x="{WIDTH * (i % 2)}" y="{HEIGHT * (i // 2)}" ', 1)
            for i, picture in enumerate(pictures)]
  return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {height}" '
          f'width="{2 * WIDTH}" height="{height}">\n' + "".join(placed) + "</svg>\n")
