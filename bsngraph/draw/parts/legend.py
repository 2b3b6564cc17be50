"""The foot of a drawing: the caption, and under it what colours, dashes and widths
mean.

In: caption lines and legend entries. Out: one HTML label for the graph. As the graph's
label it stays below the picture, whatever the layout does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bsngraph.draw.palette import Family
from bsngraph.draw.parts.label_text import html_escaped
from bsngraph.fabric.writing.dot_text import Html

CAPTION_POINTS = 18
LEGEND_POINTS = 12
MOST_A_ROW = 5

_GAP = '<td fixedsize="true" width="6" height="1"></td>'


@dataclass(frozen=True)
class LegendEntry:
    """A line of a colour, `thickness` points high, and what it means."""

    colour: str
    text: str
    thickness: int = 5
    dashed: bool = False


def family_entries(families: Iterable[Family]) -> list[LegendEntry]:
    """One entry a family, in the palette's order."""
    return [
        LegendEntry(family.colour, family.name)
        for family in sorted(set(families), key=lambda family: (family.rank, family.name))
    ]


def foot(
    caption: Sequence[str], colours: Sequence[LegendEntry], strokes: Sequence[LegendEntry]
) -> Html | None:
    """The graph's label, or None if there are no lines and no entries."""
    entries = [*colours, *strokes]
    count = -(-len(entries) // MOST_A_ROW) or 1
    columns = -(-len(entries) // count) or 1
    rows = [_caption_row(line, columns) for line in caption]
    rows += [_entry_row(entries[start : start + columns]) for start in range(0, len(entries), columns)]
    table = '<table border="0" cellborder="0" cellspacing="3" cellpadding="1">'
    return Html(f"{table}{''.join(rows)}</table>") if rows else None


def _caption_row(line: str, columns: int) -> str:
    text = f'<font point-size="{CAPTION_POINTS}">{html_escaped(line) or " "}</font>'
    return f'<tr><td colspan="{3 * columns}">{text}</td></tr>'


def _entry_row(entries: Iterable[LegendEntry]) -> str:
    return f"<tr>{''.join(_sample(entry) + _meaning(entry) for entry in entries)}</tr>"


def _sample(entry: LegendEntry) -> str:
    bars = (
        [(_GAP if part % 2 else _bar(entry, 5)) for part in range(5)] if entry.dashed else [_bar(entry, 27)]
    )
    inner = '<table align="right" border="0" cellborder="0" cellspacing="0" cellpadding="0">'
    return f'<td align="right">{inner}<tr>{"".join(bars)}</tr></table></td>'


def _bar(entry: LegendEntry, width: int) -> str:
    return f'<td fixedsize="true" width="{width}" height="{entry.thickness}" bgcolor="{entry.colour}"></td>'


def _meaning(entry: LegendEntry) -> str:
    meaning = html_escaped(entry.text, centred=False)
    text = f'<font point-size="{LEGEND_POINTS}" color="#333333">{meaning}</font>'
    return f'<td align="left">{text}</td><td width="8"></td>'
