"""A run's front: read, and drawn."""

from __future__ import annotations

from pathlib import Path

from bsngraph.draw.charts.front import FrontChart, FrontPoint, render_front
from bsngraph.runs.rows.front import Front
from bsngraph.runs.run_folder import RunFolder


def front(run: str | Path) -> Front:
    """The networks of a finished search under a range of limits.

    Raises:
        InputError: there is no such search in the folder, or front.csv is damaged.
    """
    folder = RunFolder(Path(run))
    folder.read_result()
    return folder.read_front()


def draw_front(front: Front, path: Path) -> None:
    """Draw a front to an .svg or .png file, a point for each of its networks.

    Raises:
        InputError: another suffix, or the folder cannot be written to.
        NoMatplotlibError: matplotlib is not installed.
    """
    points = tuple(
        FrontPoint(
            name=Path(row.architecture).stem,
            cost=row.costs[front.cost],
            validation=row.validation[front.metric],
            test=row.test[front.metric],
        )
        for row in front.networks
        if row.architecture is not None
    )
    unit = f" ({front.unit})" if front.unit and front.unit.lower() != front.cost else ""
    limits = tuple(row.limit for row in front.rows)
    render_front(FrontChart(f"{front.cost}{unit}", front.metric, limits, points), path)
