"""How labels look: four forms. Every task takes one of them.

A form says the shape, type and values of labels. Loaders ask it what an array can be
for, and a `Dataset` asks it whether its labels are right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bsngraph.ops import Shape

Layout = Literal["class", "map", "columns"]
Array = NDArray[np.generic]

LARGEST_AMOUNT = float(np.finfo(np.float32).max)
"""Amounts are float32 in a network's outputs: nothing larger can be learned."""


@dataclass(frozen=True)
class LabelForm:
    """Shape, type and values of labels.

    `layout` is `class`, one class number for each example (n,); `map`, one for each
    pixel (n, height, width); or `columns`, a number for each class or output (n,
    columns). `dtype` is how labels are stored.

    `holds(labels, inputs)`: arrays of this shape and type can be such labels.
    `looks_so(labels, inputs)`: they are such labels if nothing else is said.
    `allowed(labels, classes, ignore_label)`: which labels have a value that the form
    takes, element by element, for NumPy arrays and tensors alike.
    `values(classes, ignore_label)` says these values in words.
    """

    layout: Layout
    dtype: torch.dtype
    holds: Callable[[Array, Array], bool]
    looks_so: Callable[[Array, Array], bool]
    allowed: Callable[[Any, int, int | None], Any]
    values: Callable[[int, int | None], str]

    def shape(self, classes: int, input_shape: Shape) -> Shape:
        """The shape of one example's label."""
        shapes: dict[Layout, Shape] = {"class": (), "map": input_shape[1:], "columns": (classes,)}
        return shapes[self.layout]

    def blank(self, count: int, classes: int, input_shape: Shape) -> torch.Tensor:
        """Labels (count, …) that say nothing, for examples whose labels are unknown."""
        return torch.zeros(count, *self.shape(classes, input_shape), dtype=self.dtype)


def _are_whole(labels: Array) -> bool:
    return labels.dtype.kind in "iub"


def _hold_classes(labels: Array, _inputs: Array) -> bool:
    return _are_whole(labels) and labels.ndim == 1


def _hold_maps(labels: Array, inputs: Array) -> bool:
    return _are_whole(labels) and labels.ndim == 3 and inputs.ndim == 4


def _are_classes(labels: Any, classes: int, ignore_label: int | None) -> Any:
    known = (labels >= 0) & (labels < classes)
    return known if ignore_label is None else known | (labels == ignore_label)


def _class_values(classes: int, ignore_label: int | None) -> str:
    ignored = "" if ignore_label is None else f", or {ignore_label} for ignored pixels"
    return f"labels are 0 to {classes - 1}{ignored}"


CLASS = LabelForm(
    layout="class",
    dtype=torch.int64,
    holds=_hold_classes,
    looks_so=_hold_classes,
    allowed=_are_classes,
    values=_class_values,
)

CLASS_MAP = LabelForm(
    layout="map",
    dtype=torch.uint8,
    holds=_hold_maps,
    looks_so=_hold_maps,
    allowed=_are_classes,
    values=_class_values,
)

AMOUNTS = LabelForm(
    layout="columns",
    dtype=torch.float32,
    holds=lambda labels, inputs: labels.ndim in (1, 2),
    looks_so=lambda labels, inputs: labels.dtype.kind == "f" and labels.ndim in (1, 2),
    allowed=lambda labels, classes, ignore_label: abs(labels) <= LARGEST_AMOUNT,
    values=lambda classes, ignore_label: "labels are finite numbers",
)

DECISIONS = LabelForm(
    layout="columns",
    dtype=torch.float32,
    holds=lambda labels, inputs: labels.ndim == 2,
    looks_so=lambda labels, inputs: (
        _are_whole(labels) and labels.ndim == 2 and bool(np.isin(labels, (0, 1)).all())
    ),
    allowed=lambda labels, classes, ignore_label: (labels == 0) | (labels == 1),
    values=lambda classes, ignore_label: "labels are 0 or 1",
)
