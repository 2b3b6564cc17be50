"""A front → HTML: a row for each limit of the range."""

from __future__ import annotations

from bsngraph.notebook.html_table import html_table
from bsngraph.reporting.facts.metric_words import metric_title, metric_value
from bsngraph.runs.rows.front import Front, FrontRow
from bsngraph.wording import printable, quantity


def front_html(front: Front) -> str:
    """Each limit with the network that answers for it."""
    cost, metric = printable(front.cost), printable(metric_title(front.metric))
    headings = (f"limit on {cost}", cost, f"validation {metric}", f"test {metric}", "weights", "architecture")
    return html_table(headings, [_row(front, row) for row in front.rows])


def _row(front: Front, row: FrontRow) -> tuple[str, ...]:
    limit = quantity(row.limit)
    if row.architecture is None:
        return limit, "none inside", "", "", "", ""
    validation, test = (
        metric_value(front.metric, split[front.metric]) for split in (row.validation, row.test)
    )
    return limit, quantity(row.costs[front.cost]), validation, test, row.weights or "", row.architecture
