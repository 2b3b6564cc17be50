"""What a data set is to the rest: tensors in memory, split once, with what a network needs to know about them.

Values are kept as they come (uint8 for images) and normalised batch by batch: `(x − mean) / std`, in the units of the
values. Augmentation works on whole batches, on the device they are on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

TaskKind = Literal["classification", "segmentation", "regression", "multi-label"]


@dataclass(frozen=True)
class Split:
    """Examples: inputs (n, …) and labels.

    Labels by task: classification (n,) int64; segmentation (n, height, width), a class a pixel; regression (n, outputs) float32;
    multi-label (n, classes), 1 where the class applies.
    """

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return self.inputs.shape[0]

    def to(self, device: torch.device) -> Split:
        """The same examples on another device."""
        return Split(self.inputs.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Augmentation:
    """Random shifts by up to `shift` pixels (zeros come in), and left-right flips where `flip`."""

    shift: int = 0
    flip: bool = False


@dataclass(frozen=True)
class Dataset:
    """A data set. `mean` and `std` are per channel, of the training split, in the values' own units.

    `class_names` are the classes, for regression the outputs. Pixels labelled `ignore_label` count nowhere.
    """

    name: str
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train: Split
    validation: Split
    test: Split
    augmentation: Augmentation
    task: TaskKind = "classification"
    ignore_label: int | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example, channels first."""
        return tuple(self.train.inputs.shape[1:])

    def to(self, device: torch.device) -> Dataset:
        """The same data on another device."""
        return replace(self, train=self.train.to(device), validation=self.validation.to(device), test=self.test.to(device))

    def fingerprint(self) -> str:
        """A hash of all examples and labels, by which a resumed run knows its data again."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            for tensor in (split.inputs, split.labels):
                digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def normalised(self, inputs: Tensor) -> Tensor:
        """Raw inputs (batch, …) as the network gets them: float32, zero mean and unit deviation a channel on the training split."""
        shape = (1, -1, *[1] * (inputs.dim() - 2))
        mean = torch.tensor(self.mean, device=inputs.device).view(shape)
        std = torch.tensor(self.std, device=inputs.device).view(shape)
        return (inputs.float() - mean) / std

    def training_batches(self, batch_size: int, generator: torch.Generator, *, augment: bool) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch in random order: (inputs, labels) of `batch_size`; a smaller rest is left out unless it is all there is."""
        order = torch.randperm(len(self.train), generator=generator)
        count = max(len(order) // batch_size, 1)
        for rows in torch.split(order[: count * batch_size], batch_size):
            rows = rows.to(self.train.inputs.device)
            inputs = self.train.inputs[rows]
            if augment and self.augmentation != Augmentation():
                inputs = augmented(inputs, self.augmentation, generator)
            yield self.normalised(inputs), self.train.labels[rows]

    def evaluation_batches(self, split: Split, batch_size: int = 512) -> Iterator[tuple[Tensor, Tensor]]:
        """A split in its own order, without augmentation."""
        for start in range(0, len(split), batch_size):
            yield self.normalised(split.inputs[start : start + batch_size]), split.labels[start : start + batch_size]


def augmented(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Images (batch, channels, height, width), each shifted and flipped on its own."""
    batch, _, height, width = images.shape
    device = images.device
    rows = torch.arange(height).expand(batch, -1)
    columns = torch.arange(width).expand(batch, -1)
    if augmentation.flip:
        flip = torch.rand(batch, 1, generator=generator) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
    if augmentation.shift:
        offsets = torch.randint(2 * augmentation.shift + 1, (2, batch, 1), generator=generator)
        rows, columns = rows + offsets[0], columns + offsets[1]
        images = functional.pad(images, [augmentation.shift] * 4)
    which = torch.arange(batch, device=device)[:, None, None]
    picked = images.permute(0, 2, 3, 1)[which, rows.to(device)[:, :, None], columns.to(device)[:, None, :]]
    return picked.permute(0, 3, 1, 2)
