"""answers.json: what the delivered network answered on test data, in more than a
number: confusions, values a class, samples, residuals.

It is recorded once, as test data are read for result.json, and it is read without
torch. Its size is bounded, however many classes or examples there are. `kind` says
which of four structs it is; a task's row names its recorder.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from bsngraph.typed_files import Amount, Count, Finite, Number, Row

MOST_PAIRS = 10_000
"""Pairs of classes that are listed: all of up to 100 classes."""

MOST_POINTS = 500
MOST_SAMPLES = 4
LONGEST_SIDE = 96
"""Pixels of a sample's longer side; larger images are made smaller."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Png = Annotated[str, msgspec.Meta(pattern="^iVBORw0KGgo[A-Za-z0-9+/]*={0,2}$", max_length=200_000)]
"""A PNG file in base64."""


class ClassScore(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A class: how many examples (or pixels) are labelled so, how many are predicted
    so, and how many are both.

    `precision` is right / predicted, `recall` is right / labelled; `iou`, of pixels, is
    right / (labelled + predicted - right). Each is None where it would be 0 / 0.
    """

    name: str
    labelled: Count
    predicted: Count
    right: Count
    precision: Share | None
    recall: Share | None
    iou: Share | None = None

    def __post_init__(self) -> None:
        if self.right > min(self.labelled, self.predicted):
            raise ValueError("more of a class are right than there are")


class ConfusedPair(Row, frozen=True, kw_only=True):
    """How often the class numbered `true` was taken for the class numbered
    `predicted`.
    """

    true: Count
    predicted: Count
    count: Number


class _Confusions(Row, frozen=True, kw_only=True):
    """A confusion matrix: its diagonal stands in `classes`, all else in `pairs`, the
    most frequent first.

    `unlisted` counts what was taken for another class in pairs that are not listed.
    """

    classes: Annotated[tuple[ClassScore, ...], msgspec.Meta(min_length=1)]
    pairs: Annotated[tuple[ConfusedPair, ...], msgspec.Meta(max_length=MOST_PAIRS)]
    unlisted: Count

    def __post_init__(self) -> None:
        last = len(self.classes)
        if any(pair.true >= last or pair.predicted >= last for pair in self.pairs):
            raise ValueError("a pair names a class that there is not")
        if any(pair.true == pair.predicted for pair in self.pairs):
            raise ValueError("a pair names one class twice")
        if len({(pair.true, pair.predicted) for pair in self.pairs}) < len(self.pairs):
            raise ValueError("a pair stands there twice")
        wrong = sum(one.labelled - one.right for one in self.classes)
        if wrong != sum(pair.count for pair in self.pairs) + self.unlisted:
            raise ValueError("pairs and classes do not add up")

    def matrix(self) -> list[list[int]]:
        """How often each class (row) was predicted as each (column). What is
        `unlisted` is missing in it.
        """
        rows = [[0] * len(self.classes) for _ in self.classes]
        for number, one in enumerate(self.classes):
            rows[number][number] = one.right
        for pair in self.pairs:
            rows[pair.true][pair.predicted] = pair.count
        return rows


class ClassAnswers(_Confusions, frozen=True, kw_only=True, tag_field="kind", tag="classes"):
    """One class for each of so many examples."""

    examples: Number


class PixelSample(Row, frozen=True, kw_only=True):
    """A test example by its number in the split: the image, the true classes and the
    predicted ones as PNG files of one size.

    Class maps have the colours of `predict`'s; a palette image's values are class
    numbers.
    """

    example: Count
    image: Png
    truth: Png
    predicted: Png


class PixelAnswers(_Confusions, frozen=True, kw_only=True, tag_field="kind", tag="pixels"):
    """A class for each pixel of so many examples; ignored pixels are not counted."""

    examples: Number
    samples: Annotated[tuple[PixelSample, ...], msgspec.Meta(max_length=MOST_SAMPLES)] = ()


class ResidualQuantile(Row, frozen=True, kw_only=True):
    """The residual (predicted - true) that a `share` of the examples do not exceed."""

    share: Share
    residual: Finite


class AmountPoint(Row, frozen=True, kw_only=True):
    """The true and the predicted amount of a test example."""

    true: Finite
    predicted: Finite


class OutputAnswers(Row, frozen=True, kw_only=True):
    """An output of a regression, in its own unit: errors, quantiles of the residuals,
    and examples evenly spread over the split.
    """

    name: str
    rmse: Amount
    mae: Amount
    residuals: tuple[ResidualQuantile, ...]
    points: Annotated[tuple[AmountPoint, ...], msgspec.Meta(max_length=MOST_POINTS)]


class AmountAnswers(Row, frozen=True, kw_only=True, tag_field="kind", tag="amounts"):
    """Amounts for each of so many examples."""

    examples: Number
    outputs: Annotated[tuple[OutputAnswers, ...], msgspec.Meta(min_length=1)]


class DecisionScore(ClassScore, frozen=True, kw_only=True, omit_defaults=True):
    """A class that may apply beside others; `f1` is the harmonic mean of precision and
    recall, None where the class neither applies nor is predicted.
    """

    f1: Share | None = None


class DecisionAnswers(Row, frozen=True, kw_only=True, tag_field="kind", tag="decisions"):
    """For each of so many examples which classes apply; `wholly_right` are those with
    no wrong decision.
    """

    examples: Number
    wholly_right: Count
    classes: Annotated[tuple[DecisionScore, ...], msgspec.Meta(min_length=1)]


AnyAnswers = ClassAnswers | PixelAnswers | AmountAnswers | DecisionAnswers
