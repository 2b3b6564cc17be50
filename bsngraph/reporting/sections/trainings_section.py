"""The short trainings of finalists, and what the predictor had expected of each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bsngraph.reporting.facts.metric_words import headline_of, metric_title, metric_value
from bsngraph.reporting.facts.run_facts import RunFacts
from bsngraph.reporting.facts.trainings_file import FinalistRow
from bsngraph.reporting.sections.scales import Tick, logarithmic_over
from bsngraph.wording import quantity, ranges

# A deviation of the log loss beyond this says only that nothing is known.
_WIDEST = 3.0


@dataclass(frozen=True)
class TrainingLine:
    """A training. Places are in percent along the axis of losses: of the result, of
    what was predicted and one deviation to its sides, of what is expected of another
    training. `inside` says that the result was within one deviation, `delivered` that
    it is the run's network.
    """

    number: str
    chosen_by: str
    predicted: str
    loss: str
    score: str
    result_at: float
    predicted_at: float | None
    low_at: float
    width: float
    expected_at: float
    inside: bool | None
    delivered: bool


@dataclass(frozen=True)
class TrainingsSection:
    """`within` of `predictions` results were within one deviation of the prediction."""

    metric: str
    lines: tuple[TrainingLine, ...]
    ticks: tuple[Tick, ...]
    within: int
    predictions: int


def trainings_of(facts: RunFacts) -> TrainingsSection | None:
    """The trainings of a run, None where it had none."""
    rows = facts.trainings
    if not rows:
        return None
    ends = [end for row in rows for end in _ends(row)]
    losses = [max(row.loss, 1e-12) for row in rows] + [math.exp(row.expected) for row in rows]
    scale = logarithmic_over([*ends, *losses])
    metric = headline_of(dict(rows[0].metrics))
    delivered = ranges(facts.architecture.live) if facts.architecture else None
    lines = []
    for row in rows:
        low, high = _ends(row) or (scale.low, scale.low)
        inside = low <= row.loss <= high if row.predicted else None
        lines.append(
            TrainingLine(
                number=row.number,
                chosen_by=row.chosen_by,
                predicted=_predicted(row),
                loss=f"{row.loss:.3g}",
                score=metric_value(metric, row.metrics[metric]) if metric in row.metrics else "",
                result_at=scale.at(row.loss),
                predicted_at=scale.at(math.exp(row.predicted[0])) if row.predicted else None,
                low_at=scale.at(low),
                width=round(scale.at(high) - scale.at(low), 2),
                expected_at=scale.at(math.exp(row.expected)),
                inside=inside,
                delivered=row.architecture == delivered,
            )
        )
    return TrainingsSection(
        metric=metric_title(metric),
        lines=tuple(lines),
        ticks=scale.ticks(4),
        within=sum(line.inside is True for line in lines),
        predictions=sum(line.inside is not None for line in lines),
    )


def _ends(row: FinalistRow) -> tuple[float, float] | tuple[()]:
    """One deviation below and above the prediction, as losses."""
    if row.predicted is None:
        return ()
    mean, deviation = row.predicted
    width = min(deviation, _WIDEST)
    return math.exp(mean - width), math.exp(mean + width)


def _predicted(row: FinalistRow) -> str:
    ends = _ends(row)
    if row.predicted is None or not ends:
        return ""
    return f"{quantity(math.exp(row.predicted[0]))} ({quantity(ends[0])} to {quantity(ends[1])})"
