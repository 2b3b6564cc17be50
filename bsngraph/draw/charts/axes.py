"""What all charts share: the error without matplotlib (extra `draw`), their style, and
how a figure becomes a file, the same bytes each time.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsngraph.draw.charts.chart_texts import fitted_chart
from bsngraph.errors import BsngraphError, InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHART_SUFFIXES = (".svg", ".png")
CHART_DPI = 110
FONT_POINTS = 7.0
CHART_STYLE: Any = {
    "svg.hashsalt": "bsngraph",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": FONT_POINTS + 1,
}


class NoMatplotlibError(BsngraphError):
    """A chart needs matplotlib, and it is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "drawing a chart needs matplotlib, and it is not there: `pip install 'bsngraph[draw]'`"
        )


def form_of(path: Path, what: str) -> str:
    """`svg` or `png`, by the suffix.

    Raises:
        InputError: another suffix; `what` begins the sentence about it.
    """
    suffix = path.suffix.lower()
    if suffix not in CHART_SUFFIXES:
        raise InputError(f"{path}: {what} as {' or '.join(CHART_SUFFIXES)}: give it one of these endings")
    return suffix.removeprefix(".")


def figure_bytes(figure: Figure, form: str) -> bytes:
    """The picture as `form` (svg or png), without the date when it was made."""
    into = io.BytesIO()
    figure.savefig(into, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
    return fitted_chart(into.getvalue()) if form == "svg" else into.getvalue()
