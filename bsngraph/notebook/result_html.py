"""A finished run → HTML: what was found, each cost against its budget, the picture."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from bsngraph.errors import InputError
from bsngraph.notebook.html_parts import html_image, html_table
from bsngraph.reporting.facts.metric_words import metric_title, metric_value
from bsngraph.runs import Json, RunFolder
from bsngraph.whole_files import read_bounded
from bsngraph.wording import printable, quantity

_MOST_BYTES = 64 * 2**20


def result_html(run: RunFolder, summary: Json) -> str:
    """What stands in result.json, and architecture.svg if the run has one."""
    edges = summary["edges"]
    scores = " · ".join(f"{split} {_score(summary['metrics'][split])}" for split in ("test", "validation"))
    kept = f"{edges['kept']} of {edges['searchable']} searchable edges kept in {summary['seconds']:.0f} s"
    budgets = {budget["cost"]: budget for budget in summary["budgets"]}
    rows = [_row(name, cost, budgets.get(name)) for name, cost in summary["costs"].items()]
    table = html_table(("cost", "this network", "whole fabric", "share", "budget", ""), rows)
    head = f"<p><strong>{escape(scores)}</strong>; {escape(kept)}<br>{escape(printable(str(run.path)))}</p>"
    notes = "".join(f"<p>note: {escape(printable(note))}</p>" for note in summary["notes"])
    return f"<div>{head}{table}{notes}{_picture(run)}</div>"


def _score(scores: Mapping[str, Any]) -> str:
    """The headline of a split, the first one that is a number."""
    name, value = next((name, value) for name, value in scores.items() if not isinstance(value, Mapping))
    return f"{metric_title(name)} {metric_value(name, value)}"


def _row(name: str, cost: Mapping[str, Any], budget: Mapping[str, Any] | None) -> tuple[str, ...]:
    share = f"{100 * cost['value'] / cost['fabric']:.1f} %" if cost["fabric"] else ""
    limit = quantity(budget["limit"]) if budget else ""
    verdict = "" if budget is None else "met" if budget["met"] else "NOT met"
    return printable(name), quantity(cost["value"]), quantity(cost["fabric"]), share, limit, verdict


def _picture(run: RunFolder) -> str:
    """The run's picture, or why there is none."""
    try:
        content = read_bounded(run.file("architecture.svg"), _MOST_BYTES, "which no picture of a run is")
    except InputError:
        return "<p>There is no architecture.svg in the run: it was drawn without Graphviz, or moved.</p>"
    return html_image(content, "the architecture over its fabric")
