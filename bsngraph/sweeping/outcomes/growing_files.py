"""A sweep's fronts as panels of a picture, and the files that grow with the sweep."""

from __future__ import annotations

from pathlib import Path

from bsngraph.draw.charts.sweep_front import PanelPoint, SweepPanel, sweep_front_drawing
from bsngraph.sweeping.outcomes.fronts import SweepFront, SweepPoint, fronts_of
from bsngraph.sweeping.outcomes.sweep_tables import front_table_text, sweep_text
from bsngraph.sweeping.outcomes.swept_runs import Sweep, read_sweep
from bsngraph.sweeping.record import FRONT_PICTURES, FRONT_TABLE, SWEEP_TABLE, ShownMetric, changing
from bsngraph.whole_files import write_whole


def write_outcomes(folder: Path) -> Sweep:
    """Write sweep.csv and front.csv as the runs stand now.

    Raises:
        InputError: the folder holds no sweep, or cannot be written to.
    """
    with changing(folder):
        sweep = read_sweep(folder)
        write_whole(folder / SWEEP_TABLE, sweep_text(sweep))
        write_whole(folder / FRONT_TABLE, front_table_text(sweep, fronts_of(sweep)))
    return sweep


def draw_fronts(sweep: Sweep) -> None:
    """Draw the fronts of a sweep, front.svg and front.png.

    Raises:
        InputError: the folder cannot be written to.
        NoMatplotlibError: matplotlib is not installed.
    """
    panels = [_panel(front, sweep.record.metric) for front in fronts_of(sweep)]
    for name in FRONT_PICTURES:
        write_whole(sweep.folder / name, sweep_front_drawing(panels, name.rpartition(".")[2]))


def _panel(front: SweepFront, metric: ShownMetric) -> SweepPanel:
    on_front = set(map(id, front.front))
    return SweepPanel(
        cost=front.cost if not front.unit or front.unit == front.cost else f"{front.cost} ({front.unit})",
        metric=metric.title,
        percent=metric.percent,
        higher_is_better=metric.higher_is_better,
        points=tuple(_panel_point(point, on_front=id(point) in on_front) for point in front.points),
        infeasible=front.infeasible,
    )


def _panel_point(point: SweepPoint, *, on_front: bool) -> PanelPoint:
    label = ", ".join(
        f"{name.removeprefix('budget_').removeprefix('set_')} {text}" for name, text in point.values.items()
    )
    return PanelPoint(
        cost=point.cost.mean,
        cost_deviation=point.cost.deviation or 0.0,
        metric=point.validation.mean,
        metric_deviation=point.validation.deviation or 0.0,
        on_front=on_front,
        label=label,
    )
