"""What stands on the bars of a Gantt chart, as far as there is room for it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from bsngraph.costs.schedules.scheduled_edge import ScheduledEdge
from bsngraph.draw.charts.axes import FONT_POINTS
from bsngraph.draw.palette import short_label
from bsngraph.fabric.model import Edge, Fabric
from bsngraph.wording import printable, shortened

ROW_IN = 0.72
BAR_HEIGHT = 0.86  # of a row
CHARACTER_POINTS = 0.72 * FONT_POINTS  # of the wide ones of DejaVu Sans
_BOX_POINTS = 1.15 * FONT_POINTS  # of what that font does not have, such as Chinese
_ENTRY_POINTS = 5 * FONT_POINTS  # of a legend: the patch and the space around it
_FIRST_WIDE = 0x0700


def points_of(line: str) -> float:
    """The length that a line of text may have, in points."""
    wide = sum(ord(character) >= _FIRST_WIDE for character in line)
    return wide * _BOX_POINTS + (len(line) - wide) * CHARACTER_POINTS


def bar_label(edge: Edge, job: ScheduledEdge, inches_per_unit: float) -> tuple[str, str]:
    """Direction and text of a bar's label: name over operation, the name in one line or
    two, or upwards. The text is empty if none of them fits.
    """
    name, operation = printable(shortened(edge.name)), printable(short_label(edge))
    along = 72 * (job.end - job.start) * inches_per_unit - 2
    across = 72 * ROW_IN * BAR_HEIGHT - 2
    for text in (f"{name}\n{operation}", name, name.replace("->", "->\n", 1)):
        lines = text.split("\n")
        length, thickness = max(map(points_of, lines)), len(lines) * FONT_POINTS * 1.3
        if length <= along and thickness <= across:
            return "horizontal", text
        if length <= across and thickness <= along:
            return "vertical", text
    return "horizontal", ""


def without_room(fabric: Fabric, jobs: Sequence[ScheduledEdge], inches_per_unit: float) -> list[int]:
    """The edges whose names do not fit their bars, in the order of the bars. Their bars
    bear numbers from 1 on.
    """
    return [job.edge for job in jobs if not bar_label(fabric.edges[job.edge], job, inches_per_unit)[1]]


def numbered_names(fabric: Fabric, edges: Sequence[int], width_in: float) -> list[str]:
    """The names of the numbered bars, in lines at most `width_in` inches wide."""
    names = [
        f"{number}\N{NO-BREAK SPACE}{printable(shortened(fabric.edges[edge].name))}"
        for number, edge in enumerate(edges, start=1)
    ]
    return wrapped("   ".join(names), width_in)


def wrapped(text: str, width_in: float) -> list[str]:
    """Text in lines at most `width_in` inches wide."""
    widest = max(map(points_of, text), default=CHARACTER_POINTS)
    characters = max(1, int(72 * width_in / widest))
    return textwrap.wrap(text, characters, break_long_words=False, break_on_hyphens=False)


def legend_columns(names: Sequence[str], width_in: float) -> int:
    """How many entries of a legend stand side by side: all if there is room."""
    entries = [points_of(name) + _ENTRY_POINTS for name in names]
    if sum(entries) <= 72 * width_in:
        return max(1, len(names))
    return max(1, int(72 * width_in / max(entries)))


def ink_on(colour: str) -> str:
    """White or black, whichever is read more easily on a colour (relative luminance as
    in WCAG 2).
    """
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if luminance < 0.179 else "black"
