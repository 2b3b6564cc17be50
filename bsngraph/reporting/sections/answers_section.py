"""What the network answered on test data: confusions, values a class, samples, amounts.

All of it was recorded when the run read its test data; nothing is computed anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bsngraph.draw.pixel_overlays import palette
from bsngraph.reporting.sections.scales import Scale, Tick, scale_over, upward
from bsngraph.runs.rows.answers import (
    AnyAnswers,
    ClassAnswers,
    ClassScore,
    DecisionAnswers,
    OutputAnswers,
    PixelAnswers,
    PixelSample,
)
from bsngraph.wording import quantity, shortened

_MOST_IN_MATRIX, _MOST_CLASSES, _MOST_PAIRS = 20, 40, 10
_DARKEST = 9


@dataclass(frozen=True)
class MatrixCell:
    """How often the row's class was taken for the column's. `level` is 0 to 9, by its
    share of the row.
    """

    count: int
    level: int
    right: bool


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix, a row for each true class."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[MatrixCell, ...]], ...]


@dataclass(frozen=True)
class ClassLine:
    """A class: counts, then measures with the length of their bars in percent."""

    name: str
    labelled: str
    predicted: str
    measures: tuple[tuple[str, float], ...]
    colour: str


@dataclass(frozen=True)
class ClassTable:
    """Values of the classes, the worst first; `more` of them are left out."""

    measures: tuple[str, ...]
    lines: tuple[ClassLine, ...]
    more: int


@dataclass(frozen=True)
class AmountChart:
    """True amounts along x and predicted ones along y, places in percent from the left
    and the top.
    """

    name: str
    errors: str
    points: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]
    upward: tuple[Tick, ...]
    quantiles: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AnswersSection:
    """What was answered. What a task does not have is None or empty."""

    counted: str
    matrix: Matrix | None = None
    pairs: tuple[str, ...] = ()
    classes: ClassTable | None = None
    samples: tuple[PixelSample, ...] = ()
    amounts: tuple[AmountChart, ...] = ()


def answers_of(answers: AnyAnswers | None) -> AnswersSection | None:
    """What a run's network answered; None where the run has no record of it."""
    if answers is None:
        return None
    counted = f"{answers.examples:,} test examples"
    if isinstance(answers, ClassAnswers):
        return AnswersSection(
            counted, _matrix(answers), _pairs(answers), _class_table(answers.classes, ("recall", "precision"))
        )
    if isinstance(answers, PixelAnswers):
        table = _class_table(answers.classes, ("iou", "recall", "precision"), coloured=True)
        counted = f"{sum(one.labelled for one in answers.classes):,} pixels of {counted}"
        return AnswersSection(counted, None, _pairs(answers), table, answers.samples)
    if isinstance(answers, DecisionAnswers):
        counted = f"{counted}, {answers.wholly_right:,} without a wrong decision"
        return AnswersSection(counted, classes=_class_table(answers.classes, ("f1", "recall", "precision")))
    return AnswersSection(counted, amounts=tuple(map(_amounts, answers.outputs)))


def _matrix(answers: ClassAnswers) -> Matrix | None:
    """The whole matrix, where it is small enough to be read and all of it is known."""
    names = tuple(shortened(one.name) for one in answers.classes)
    if len(names) > _MOST_IN_MATRIX or answers.unlisted:
        return None
    rows = []
    for number, (name, counts) in enumerate(zip(names, answers.matrix(), strict=True)):
        whole = sum(counts) or 1
        cells = tuple(
            MatrixCell(count, -(-_DARKEST * count // whole), column == number)
            for column, count in enumerate(counts)
        )
        rows.append((name, cells))
    return Matrix(names, tuple(rows))


def _pairs(answers: ClassAnswers | PixelAnswers) -> tuple[str, ...]:
    """The most frequent confusions."""
    names = [shortened(one.name) for one in answers.classes]
    return tuple(
        f"{names[pair.true]} taken for {names[pair.predicted]}: {pair.count:,}"
        for pair in answers.pairs[:_MOST_PAIRS]
    )


def _class_table(
    classes: Iterable[ClassScore], measures: tuple[str, ...], *, coloured: bool = False
) -> ClassTable:
    """By the first measure from the worst on; classes without it come last."""
    every = list(classes)
    colours = palette([one.name for one in every]) if coloured else None
    order = sorted(range(len(every)), key=lambda index: (_value(every[index], measures[0], 2.0), index))
    lines = [
        ClassLine(
            name=shortened(every[index].name),
            labelled=f"{every[index].labelled:,}",
            predicted=f"{every[index].predicted:,}",
            measures=tuple(_measure(every[index], measure) for measure in measures),
            colour="" if colours is None else "#" + "".join(f"{part:02x}" for part in colours[index]),
        )
        for index in order[:_MOST_CLASSES]
    ]
    titles = tuple({"iou": "IoU", "f1": "F1"}.get(measure, measure) for measure in measures)
    return ClassTable(titles, tuple(lines), more=max(len(every) - _MOST_CLASSES, 0))


def _value(score: ClassScore, measure: str, otherwise: float) -> float:
    value: float | None = getattr(score, measure)
    return otherwise if value is None else value


def _measure(score: ClassScore, measure: str) -> tuple[str, float]:
    value: float | None = getattr(score, measure)
    return ("", 0.0) if value is None else (f"{100 * value:.1f} %", round(100 * value, 2))


def _amounts(output: OutputAnswers) -> AmountChart:
    values = [value for point in output.points for value in (point.true, point.predicted)]
    scale = scale_over(values) if values else Scale(0.0, 1.0)
    return AmountChart(
        name=shortened(output.name),
        errors=f"RMSE {output.rmse:.4g}, MAE {output.mae:.4g}",
        points=tuple((scale.at(point.true), scale.from_top(point.predicted)) for point in output.points),
        ticks=scale.ticks(),
        upward=upward(scale.ticks()),
        quantiles=tuple((f"{100 * one.share:.4g} %", quantity(one.residual)) for one in output.residuals),
    )
