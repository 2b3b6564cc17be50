"""A data set and its splits in a line each, as Python shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsngraph.wording import printable, shape_text, shortened

if TYPE_CHECKING:
    from bsngraph.data.dataset import Dataset, Split


def split_text(split: Split) -> str:
    """`Split(360 examples of 1x8x8)`."""
    return f"Split({len(split):,} examples of {shape_text(tuple(split.inputs.shape[1:]))})"


def dataset_text(dataset: Dataset) -> str:
    """`Dataset('digits': classification of 1x8x8 (0, 1, 2); 1,150 train, …)`."""
    sizes = ", ".join(f"{len(split):,} {part}" for part, split in dataset.splits().items())
    names = shortened(printable(", ".join(dataset.class_names)))
    of = f"{dataset.task} of {shape_text(dataset.input_shape)} ({names})"
    return f"Dataset({shortened(printable(dataset.name))!r}: {of}; {sizes})"
