"""What a data set is to the rest: examples, split once, with what a network needs to
know about them.

Values are kept as they come (uint8 for images) and normalised batch by batch: `(x −
mean) / std`, in the units of the values. Small sets are tensors in memory. Larger ones
are read while they are used (streaming.py), behind the same names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.data.augmentation import Augmentation, cut_out, draw_moves, handed_over, mixed_up, moved
from bsngraph.data.dataset_problems import dataset_problems, refuse_problems, split_problems
from bsngraph.data.own.from_python import FromPython
from bsngraph.data.reading.channels import channel_shape
from bsngraph.data.reading.dataset_text import dataset_text, split_text
from bsngraph.data.reading.digests import input_digests, joint_digests, label_digests, texts_of
from bsngraph.data.splits import OWN_ORDER, Part, SplitRows
from bsngraph.errors import InputError
from bsngraph.tasks.task_table import TASKS
from bsngraph.wording import shape_text


@dataclass(frozen=True)
class Split:
    """Examples: inputs (n, …) and labels.

    Labels by task: classification (n,) int64; segmentation (n, height, width), a class
    a pixel, uint8 or int64; regression (n, outputs) float32; multi-label (n, classes)
    float32, 1 where the class applies.

    Raises:
        InputError: inputs and labels do not have a row for every example; all that is
            wrong is told at once.
    """

    inputs: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        refuse_problems("a Split", split_problems(self))

    __repr__ = split_text

    def __len__(self) -> int:
        return self.inputs.shape[0]

    def to(self, device: torch.device) -> Split:
        """The same examples on another device."""
        if self.inputs.device == device == self.labels.device:
            return self
        return Split(self.inputs.to(device), self.labels.to(device))

    def only(self, rows: NDArray[np.int64]) -> Split:
        """The examples of these numbers, in this order."""
        return Split(self.inputs[torch.from_numpy(rows)], self.labels[torch.from_numpy(rows)])

    def with_more(self, others: Sequence[Split]) -> Split:
        """These examples, then those of the others."""
        every = (self, *others)
        return Split(torch.cat([one.inputs for one in every]), torch.cat([one.labels for one in every]))

    def labelled(self, labels: Tensor) -> Split:
        """The same inputs with other labels."""
        return Split(self.inputs, labels)

    def example_digests(self) -> tuple[str, ...]:
        """A hash of each example, by which it is found again whatever its number: 16
        hexadecimal digits for its inputs and its label.
        """
        inputs, labels = self.inputs.cpu().numpy(), self.labels.cpu().numpy()
        return joint_digests(input_digests(inputs), label_digests(labels))

    def content_digests(self) -> tuple[str, ...]:
        """A hash of each example's inputs, whatever its label."""
        return texts_of(input_digests(self.inputs.cpu().numpy()))

    def batches(self, rows: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Raw inputs and labels for each of several vectors of row numbers, one after
        the other.
        """
        for some in rows:
            there = handed_over(some, self.inputs.device)
            yield self.inputs[there], self.labels[there]

    def label_counts(self, classes: int) -> Tensor:
        """How often each class 0 … classes - 1 is a label, pixels counted for
        segmentation, or applies: (classes,) int64, on the CPU.
        """
        if self.labels.is_floating_point():
            return self.labels.sum(dim=0).long().cpu()
        labels = self.labels.flatten()
        return torch.bincount(labels[labels < classes].long(), minlength=classes).cpu()

    def wrong_label(self, task: str, classes: int, ignore_label: int | None) -> str | None:
        """The first label with a value that the task does not take; None if all are
        right.

        Labels are looked at once for each question: what a `Dataset` asks on every
        `replace` costs nothing after the first time.
        """
        asked = (task, classes, ignore_label)
        if asked not in self._answers:
            self._answers[asked] = self._find_wrong_label(*asked)
        return self._answers[asked]

    @cached_property
    def _answers(self) -> dict[tuple[str, int, int | None], str | None]:
        return {}

    def _find_wrong_label(self, task: str, classes: int, ignore_label: int | None) -> str | None:
        allowed = TASKS[task].labels.allowed(self.labels, classes, ignore_label)
        if bool(allowed.all()):
            return None
        place = tuple(torch.nonzero(~allowed)[0].tolist())
        return f"has the label {self.labels[place].item()} for example {place[0]}"

    def digest(self) -> Iterator[bytes]:
        """What tells these examples from others."""
        for tensor in (self.inputs, self.labels):
            yield f"{tensor.dtype} {tuple(tensor.shape)}".encode()
            yield tensor.cpu().contiguous().numpy().tobytes()


@dataclass(frozen=True)
class Dataset(FromPython):
    """A data set. `mean` and `std` are per channel, of the training split, in the
    values' own units.

    `class_names` are the classes, for regression the outputs. `task` is a row of
    `bsngraph.tasks.TASKS`. Losses and metrics ignore pixels labelled `ignore_label`.
    `rows` says which of the source's examples each split holds, `skipped` what was left
    out as unusable, and why. `feature_names` are the columns of vectors, if they have
    names. `unused` are the source's examples that the name's `train=…` leaves out.

    Raises:
        InputError: the parts do not fit each other or the task; all that is wrong is
            told at once, each with its field and the cure.
    """

    name: str
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train: Split
    validation: Split
    test: Split
    augmentation: Augmentation
    task: str = "classification"
    ignore_label: int | None = None
    rows: SplitRows | None = None
    skipped: tuple[str, ...] = ()
    feature_names: tuple[str, ...] | None = None
    unused: Split | None = None

    def __post_init__(self) -> None:
        refuse_problems(self.name, dataset_problems(self))

    __repr__ = dataset_text

    def splits(self) -> dict[Part, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example: channels first for images, (length, features) for
        sequences, (features,) for vectors.
        """
        return tuple(self.train.inputs.shape[1:])

    def to(self, device: torch.device) -> Dataset:
        """The same data on another device."""
        train, validation, test = (split.to(device) for split in self.splits().values())
        return replace(self, train=train, validation=validation, test=test)

    def fingerprint(self) -> str:
        """A hash of all examples and labels, by which a resumed run knows its data
        again.
        """
        digest = hashlib.sha256()
        for split in self.splits().values():
            for content in split.digest():
                digest.update(content)
        return digest.hexdigest()[:16]

    def numbered_rows(self) -> SplitRows:
        """`rows`, or the examples of each split numbered in its own order."""
        if self.rows is not None:
            return self.rows
        train, validation, test = (np.arange(len(split)) for split in self.splits().values())
        return SplitRows(train, validation, test, OWN_ORDER)

    def splits_record(self) -> dict[str, Any]:
        """What splits.json says: the numbers of each split's examples in the source, a
        hash of each, and a hash of its inputs.
        """
        splits = self.splits().items()
        return self.numbered_rows().as_dict() | {
            "digests": {part: split.example_digests() for part, split in splits},
            "contents": {part: split.content_digests() for part, split in splits},
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
                f"{shape_text(self.input_shape)}"
            )
        if augmentation.mixup and not TASKS[self.task].takes_soft_labels:
            takers = " and ".join(kind for kind, row in TASKS.items() if row.takes_soft_labels)
            raise InputError(
                f"augmentation mixup={augmentation.mixup} is for {takers}, but {self.name} is for {self.task}"
            )
        return replace(self, augmentation=augmentation)

    def normalised(self, inputs: Tensor) -> Tensor:
        """Raw inputs (batch, …) as the network gets them: float32, zero mean and unit
        deviation a channel on the training split.

        Inputs in float64 are normalised in float64.
        """
        shape = channel_shape(inputs.dim())
        kind = torch.float64 if inputs.dtype == torch.float64 else torch.float32
        mean, std = (
            handed_over(torch.tensor(values, dtype=kind), inputs.device).view(shape)
            for values in (self.mean, self.std)
        )
        return ((inputs.to(kind) - mean) / std).float()

    def training_batches(
        self, batch_size: int, generator: torch.Generator, *, augment: bool
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch in random order, in batches of `training_rows`."""
        rows = self.training_rows(batch_size, generator)
        return self.made_batches(rows, repeat(generator), augment=augment)

    def training_rows(self, batch_size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The examples of an epoch's batches; a smaller rest only if it is all."""
        order = torch.randperm(len(self.train), generator=generator)
        count = max(len(order) // batch_size, 1)
        return torch.split(order[: count * batch_size], batch_size)

    def made_batches(
        self, rows: Sequence[Tensor], generators: Iterable[torch.Generator], *, augment: bool
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """(inputs, labels) of batches of training examples, a generator for each.

        Label maps move with their images; what comes in is `ignore_label` or class 0.
        With mixup labels are soft: (batch, classes) float32.
        """
        how = self.augmentation if augment else Augmentation()
        for (raw, labels), generator in zip(self.train.batches(rows), generators, strict=False):
            if how.moves:
                raw, labels = self._moved(raw, labels, how, generator)
            inputs = self.normalised(raw)
            if how.cutout:
                inputs = cut_out(inputs, how.cutout, generator)
            if how.mixup:
                inputs, labels = mixed_up(inputs, _wide(labels), len(self.class_names), how.mixup, generator)
            yield inputs, _wide(labels)

    def _moved(
        self, images: Tensor, labels: Tensor, how: Augmentation, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        moves = draw_moves(len(images), images.shape[2], images.shape[3], how, generator)
        if TASKS[self.task].labels.layout == "map":
            labels = moved(labels[:, None], moves, fill=self.ignore_label or 0)[:, 0]
        return moved(images, moves), labels

    def evaluation_batches(self, split: Split, batch_size: int = 512) -> Iterator[tuple[Tensor, Tensor]]:
        """A split in its own order, without augmentation."""
        for inputs, labels in split.batches(torch.split(torch.arange(len(split)), batch_size)):
            yield self.normalised(inputs), _wide(labels)


def _wide(labels: Tensor) -> Tensor:
    """Labels as losses take them: class numbers are int64."""
    return labels if labels.is_floating_point() else labels.long()
