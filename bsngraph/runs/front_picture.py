"""A run's front as a picture."""

from __future__ import annotations

from pathlib import Path

from bsngraph.draw.charts.front import FrontChart, FrontPoint, render_front
from bsngraph.runs.rows.front import Front


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
