"""A front → HTML: a row for each limit of the range, and the metric over the cost."""

from __future__ import annotations

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from bsngraph.errors import BsngraphError
from bsngraph.notebook.html_parts import html_image, html_table
from bsngraph.reporting.facts.metric_words import metric_title, metric_value
from bsngraph.runs.fronts import draw_front
from bsngraph.runs.rows.front import Front, FrontRow
from bsngraph.wording import printable, quantity


def front_html(front: Front) -> str:
    """Each limit with the network that answers for it, and the chart of these."""
    cost, metric = printable(front.cost), printable(metric_title(front.metric))
    headings = (f"limit on {cost}", cost, f"validation {metric}", f"test {metric}", "weights", "architecture")
    table = html_table(headings, [_row(front, row) for row in front.rows])
    return f"<div>{table}{_chart(front) if front.networks else ''}</div>"


def _row(front: Front, row: FrontRow) -> tuple[str, ...]:
    limit = quantity(row.limit)
    if row.architecture is None:
        return limit, "none inside", "", "", "", ""
    validation, test = (
        metric_value(front.metric, split[front.metric]) for split in (row.validation, row.test)
    )
    return limit, quantity(row.costs[front.cost]), validation, test, row.weights or "", row.architecture


def _chart(front: Front) -> str:
    """The networks as points, or why they cannot be drawn."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "front.svg"
        try:
            draw_front(front, file)
        except BsngraphError as error:
            return f"<p>{escape(str(error))}</p>"
        return html_image(file.read_bytes(), "the metric of each network over its cost")
