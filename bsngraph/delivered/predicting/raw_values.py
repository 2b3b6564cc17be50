"""Examples as a user has them → the raw values that a network's normalisation takes.

Pictures are read as those of a folder are: turned, converted, resized as the training
data were. Arrays hold what the training data held. Tables are matched by column.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from bsngraph.data.own.frames import columns_of, feature_values
from bsngraph.data.own.given_values import array_of
from bsngraph.data.reading.images.image_file import Pixels, image_pixels, read_image
from bsngraph.data.reading.precision import check_finite_values
from bsngraph.data.request import silent
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.examples import facts_of_pixels
from bsngraph.delivered.predicting.table_lines import unlabelled_lines
from bsngraph.errors import InputError
from bsngraph.ops import Shape
from bsngraph.tasks.label_forms import Array
from bsngraph.wording import shape_text

_WHAT = "the examples"

# White in training data that are counted in whole steps; what lies between 0 and 1
# there is of other units.
_COUNTS = 16


@dataclass(frozen=True)
class RawReader:
    """What reads examples for a network that takes `shape`. `resize` is what the run's
    data set does with the size of its pictures, None if nothing says.
    """

    shape: Shape
    facts: ModelFacts
    resize: Callable[[Pixels], Pixels] | None

    def read(self, examples: Any) -> tuple[Tensor, ModelFacts]:
        """Raw values (n, …) of one or many examples, and the facts that normalise them.

        Raises:
            InputError: they are none that the network takes.
        """
        several = isinstance(examples, list | tuple)
        first = examples[0] if several and len(examples) else examples
        if isinstance(first, str | os.PathLike | Image.Image) and len(self.shape) == 3:
            pictures = [self._picture(one) for one in (examples if several else [examples])]
            return torch.from_numpy(np.stack(pictures)), facts_of_pixels(self.facts)
        if isinstance(examples, str | os.PathLike):
            return self._file(Path(examples)), self.facts
        if isinstance(first, Mapping):
            return self._records(examples if several else [examples]), self.facts
        if hasattr(examples, "columns"):
            return torch.from_numpy(self._table(examples)), self.facts
        return torch.from_numpy(self._array(array_of(_WHAT, examples))), self.facts

    def _picture(self, given: Any) -> Pixels:
        """A picture or the name of its file as (channels, height, width) bytes."""
        if self.shape[0] not in (1, 3) or self.facts.white is None:
            raise InputError(f"{_WHAT} are pictures, which the network does not take: give {self._wanted}")
        if not isinstance(given, str | os.PathLike | Image.Image):
            raise InputError(f"{_WHAT}: {type(given).__name__} stands among pictures: give pictures alone")
        called = "a picture" if isinstance(given, Image.Image) else os.fspath(given)
        try:
            if isinstance(given, Image.Image):
                pixels = image_pixels(ImageOps.exif_transpose(given), self.shape[0])
            else:
                pixels = read_image(Path(given), channels=self.shape[0])
        except InputError as error:
            raise InputError(f"{called}: {error}") from None
        pixels = pixels if self.resize is None else self.resize(pixels)
        if pixels.shape != self.shape:
            has, takes = shape_text(pixels.shape[1:]), shape_text(self.shape[1:])
            raise InputError(
                f"{called}: has {has} pixels (height x width), but the network takes {takes}: resize it"
            )
        return pixels

    @property
    def _wanted(self) -> str:
        """Arrays that the network takes, in words."""
        return f"arrays of raw values, (n, {', '.join(map(str, self.shape))})"

    def _file(self, path: Path) -> Tensor:
        found = unlabelled_lines(f"csv:{path}", self.facts, silent)
        if found is None:
            names = self.facts.features
            takes = f"a table with the columns {', '.join(names)} and no label" if names else self._wanted
            raise InputError(f"{path}: does not hold what the network takes: give {takes}")
        return found.dataset.test.inputs

    def _records(self, records: Sequence[Any]) -> Tensor:
        names = self._features()
        for number, one in enumerate(records):
            if not isinstance(one, Mapping) or set(one) != set(names):
                raise InputError(f"{_WHAT}: example {number} must hold {', '.join(names)}, and nothing else")
        rows = {name: array_of(_WHAT, [one[name] for one in records]) for name in names}
        return torch.from_numpy(feature_values(_WHAT, _Columns(rows), names))

    def _table(self, frame: Any) -> NDArray[np.float64]:
        names, columns = self._features(), columns_of(_WHAT, frame)
        if set(columns) != set(names):
            wrong = sorted(set(names) - set(columns)) or sorted(set(columns) - set(names))
            missing = wrong[0] in names
            cure = "add it" if missing else "leave it out"
            raise InputError(
                f"{_WHAT}: the column {wrong[0]!r} is {'missing' if missing else 'unknown'}: {cure}; the "
                f"network's features are {', '.join(names)}"
            )
        return feature_values(_WHAT, frame, names)

    def _features(self) -> tuple[str, ...]:
        if self.facts.features is None:
            raise InputError(f"the network knows its inputs by no names: give {self._wanted}")
        return self.facts.features

    def _array(self, values: Array) -> Array:
        """Values of one example or of many, as (n, …)."""
        if values.dtype.kind not in "iufb":
            raise InputError(f"{_WHAT} have values of type {values.dtype}: they must be numbers")
        inner, shape = values.shape[1:], self.shape
        if shape in (values.shape, inner):
            found = values if inner == shape else values[None]
        elif len(shape) == 3 and (*shape[1:], shape[0]) in (values.shape, inner):
            found = np.moveaxis(values if values.ndim == 4 else values[None], 3, 1)
        elif len(shape) == 3 and shape[0] == 1 and shape[1:] in (values.shape, inner):
            found = values.reshape(-1, *shape)
        else:
            raise InputError(f"{_WHAT} are {values.shape}: give one of {shape}, or {self._wanted}")
        if not len(found):
            raise InputError(f"{_WHAT}: there are no examples in it")
        check_finite_values(_WHAT, found)
        self._check_units(found)
        kept = (np.uint8, np.float32)
        found = (
            found if found.dtype in kept else found.astype(np.uint8 if found.dtype == bool else np.float64)
        )
        return found.reshape(-1).reshape(found.shape)  # strides of one channel say nothing else then

    def _check_units(self, values: Array) -> None:
        """Refuse bytes where the training data held less, and shares of 1 where it held
        bytes or counts.
        """
        white, largest = self.facts.white, float(values.max())
        if white is None:
            return
        too_light = values.dtype == np.uint8 and largest > 2 * white
        broken = values.dtype.kind == "f" and bool((np.mod(values.astype(np.float64), 1) > 0).any())
        shares = broken and 0 < largest <= 1
        if too_light or (shares and white >= _COUNTS and white.is_integer()):
            raise InputError(
                f"{_WHAT} hold at most {largest:.3g}, but the training data held 0 to {white:g}: give values "
                "as those had them, or pictures, which are scaled"
            )


@dataclass(frozen=True)
class _Columns:
    """Arrays by name, as a table."""

    arrays: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, name: str) -> _Column:
        return _Column(self.arrays[name])


@dataclass(frozen=True)
class _Column:
    values: Array

    def to_numpy(self) -> Array:
        return self.values
