"""The pictures of a run: its architecture over its fabric, and its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bsngraph.costs import spending
from bsngraph.draw import fabric_drawing, render_dot
from bsngraph.draw.charts.curves import render_curves
from bsngraph.errors import BsngraphError
from bsngraph.fabric import Architecture
from bsngraph.runs import Json, RunFolder
from bsngraph.searching.prepare import Job
from bsngraph.tasks import TASKS
from bsngraph.training import Progress
from bsngraph.whole_files import write_whole
from bsngraph.wording import quantity


def draw_architecture(
    job: Job, run: RunFolder, architecture: Architecture, lines: Sequence[str], progress: Progress
) -> None:
    """Write overlay.dot, and its pictures where there is a Graphviz."""
    cost = job.budgets[0].cost if job.budgets else job.costs[0]
    source = fabric_drawing(
        job.fabric,
        kept=architecture.live,
        shapes=job.profile.node_shapes,
        edge_costs=spending(job.fabric, cost, architecture).tolist(),
        cost_name=cost.name,
        caption=lines,
    )
    write_whole(run.file("overlay.dot"), source)
    try:
        for name in ("architecture.svg", "architecture.png"):
            render_dot(source, run.file(name))
    # no Graphviz, or one that fails: the picture's source is there, and the result
    # matters more
    except BsngraphError as error:
        progress.note(str(error))


def draw_curves(run: RunFolder, progress: Progress) -> None:
    """Draw metrics.jsonl, where it has rows and there is a matplotlib."""
    rows = run.read_metrics()
    try:
        for name in ("curves.svg", "curves.png") if rows else ():
            render_curves(rows, run.file(name))
    except BsngraphError as error:  # as above
        progress.note(str(error))


def caption(job: Job, summary: Json, multipliers: Mapping[str, float]) -> list[str]:
    """The lines under the picture: what was kept, and each budget."""
    edges = summary["edges"]
    name = job.fabric.name or "fabric"
    headline = TASKS[summary["task"]].headline
    score = headline.shown(summary["metrics"]["test"][headline.name], 1)
    lines = [f"{name}: {edges['kept']} of {edges['searchable']} searchable edges kept, test {score}"]
    for budget in job.budgets:
        value = summary["costs"][budget.cost.name]["value"]
        share = f" ({100 * value / budget.cost.total:.1f} %)" if budget.cost.total else ""
        line = (
            f"{budget.cost.name}: {quantity(value)} of the fabric's "
            f"{quantity(budget.cost.total)}{share}, budget {budget.text}"
        )
        multiplier = multipliers.get(budget.cost.name)
        lines.append(line if multiplier is None else f"{line}, λ {multiplier:.3g}")
    return lines
