"""What a data set is to the rest: examples, split once, with what a network needs to
know about them.

Values are kept as they come (uint8 for images) and normalised batch by batch: `(x −
mean) / std`, in the units of the values. Small sets are tensors in memory; larger ones
are read while they are used (streaming.py), behind the same names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from bsngraph.data.augmentation import Augmentation, cut_out, draw_moves, mixed_up, moved
from bsngraph.data.splits import SplitRows
from bsngraph.errors import InputError

TaskKind = Literal["classification", "segmentation", "regression", "multi-label"]


@dataclass(frozen=True)
class Split:
    """Examples: inputs (n, …) and labels.

    Labels by task: classification (n,) int64; segmentation (n, height, width), a class
    a pixel, uint8 or int64; regression (n, outputs) float32; multi-label (n, classes)
    float32, 1 where the class applies.
    """

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return self.inputs.shape[0]

    def to(self, device: torch.device) -> Split:
        """The same examples on another device."""
        return Split(self.inputs.to(device), self.labels.to(device))

    def batches(self, rows: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Raw inputs and labels for each of several vectors of row numbers, one after
        the other.
        """
        for some in rows:
            there = some.to(self.inputs.device)
            yield self.inputs[there], self.labels[there]

    def label_counts(self, classes: int) -> Tensor:
        """How often each class 0 … classes - 1 is a label, pixels counted for
        segmentation: (classes,) int64, on the CPU.
        """
        labels = self.labels.flatten()
        return torch.bincount(labels[labels < classes].long(), minlength=classes).cpu()

    def digest(self) -> Iterator[bytes]:
        """What tells these examples from others."""
        for tensor in (self.inputs, self.labels):
            yield f"{tensor.dtype} {tuple(tensor.shape)}".encode()
            yield tensor.cpu().contiguous().numpy().tobytes()


@dataclass(frozen=True)
class Dataset:
    """A data set. `mean` and `std` are per channel, of the training split, in the
    values' own units.

    `class_names` are the classes, for regression the outputs. Pixels labelled
    `ignore_label` count nowhere. `rows`: which of the source's examples each split
    holds. `skipped`: what was left out as unusable, and why.
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
    rows: SplitRows | None = None
    skipped: tuple[str, ...] = ()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example: channels first for images, (length, features) for
        sequences, (features,) for vectors.
        """
        return tuple(self.train.inputs.shape[1:])

    def to(self, device: torch.device) -> Dataset:
        """The same data on another device."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )

    def fingerprint(self) -> str:
        """A hash of all examples and labels, by which a resumed run knows its data
        again.
        """
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            for part in split.digest():
                digest.update(part)
        return digest.hexdigest()[:16]

    def splits_record(self) -> dict[str, Any]:
        """What splits.json says: the numbers of each split's examples in the source."""
        if self.rows is not None:
            return self.rows.as_dict()
        sizes = {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}
        return {
            "numbering": "each split's own order, as it was given",
            **{part: list(range(size)) for part, size in sizes.items()},
        }

    def with_augmentation(self, augmentation: Augmentation) -> Dataset:
        """The same data, augmented otherwise in training.

        Raises:
            InputError: the augmentation has no meaning for this data.
        """
        pixels = augmentation.moves or augmentation.cutout
        if pixels and len(self.input_shape) != 3:
            raise InputError(
                f"augmentation {augmentation} is for images, but {self.name} has "
                f"{'x'.join(map(str, self.input_shape))}"
            )
        if augmentation.mixup and self.task != "classification":
            raise InputError(
                f"augmentation mixup={augmentation.mixup} is for classification, but {self.name} is for "
                f"{self.task}"
            )
        return replace(self, augmentation=augmentation)

    def normalised(self, inputs: Tensor) -> Tensor:
        """Raw inputs (batch, …) as the network gets them: float32, zero mean and unit
        deviation a channel on the training split.

        The channels of a sequence (batch, length, features) are its features.
        """
        shape = (1, 1, -1) if inputs.dim() == 3 else (1, -1, *[1] * (inputs.dim() - 2))
        mean = torch.tensor(self.mean, device=inputs.device).view(shape)
        std = torch.tensor(self.std, device=inputs.device).view(shape)
        return (inputs.float() - mean) / std

    def training_batches(
        self, batch_size: int, generator: torch.Generator, *, augment: bool
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch in random order: (inputs, labels) of `batch_size`; a smaller rest
        is left out unless it is all there is.

        Label maps move with their images; what comes in from outside is `ignore_label`,
        or class 0 (the background) where there is none. Labels under a cut-out stay.
        With mixup the labels are soft: (batch, classes) float32, as cross-entropy takes
        them.
        """
        order = torch.randperm(len(self.train), generator=generator)
        count = max(len(order) // batch_size, 1)
        how = self.augmentation if augment else Augmentation()
        for raw, labels in self.train.batches(torch.split(order[: count * batch_size], batch_size)):
            if how.moves:
                raw, labels = self._moved(raw, labels, how, generator)
            inputs = self.normalised(raw)
            if how.cutout:
                inputs = cut_out(inputs, how.cutout, generator)
            if how.mixup:
                inputs, labels = mixed_up(inputs, labels, len(self.class_names), how.mixup, generator)
            yield inputs, _wide(labels)

    def _moved(
        self, images: Tensor, labels: Tensor, how: Augmentation, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        moves = draw_moves(len(images), images.shape[2], images.shape[3], how, generator)
        if self.task == "segmentation":
            labels = moved(labels[:, None], moves, fill=self.ignore_label or 0)[:, 0]
        return moved(images, moves), labels

    def evaluation_batches(self, split: Split, batch_size: int = 512) -> Iterator[tuple[Tensor, Tensor]]:
        """A split in its own order, without augmentation."""
        for inputs, labels in split.batches(torch.split(torch.arange(len(split)), batch_size)):
            yield self.normalised(inputs), _wide(labels)


def _wide(labels: Tensor) -> Tensor:
    """Labels as losses take them: class numbers are int64."""
    return labels if labels.is_floating_point() else labels.long()
