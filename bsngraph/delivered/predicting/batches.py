"""The examples of a data set with what a network gives for them, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bsngraph.data import Dataset
from bsngraph.delivered.answering import Answering
from bsngraph.errors import InputError
from bsngraph.tasks import first


@dataclass(frozen=True)
class Prediction:
    """How many examples were predicted, for which task, and the files that say what.

    `notes` say how the data differ from those of the run, `skipped` what was left out
    as unusable, and why.
    """

    task: str
    count: int
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Some examples: their names, inputs as the network gets them, its outputs, and the
    labels where they are known.
    """

    names: Sequence[str]
    inputs: Tensor
    outputs: Tensor
    labels: Tensor | None


@torch.no_grad()
def batches_of(
    answering: Answering, dataset: Dataset, names: Sequence[str], *, labelled: bool
) -> Iterator[Batch]:
    """The first test examples, one for each of `names`, with the outputs for them, on
    the CPU; with their labels if they are known.
    """
    done, left = 0, len(names)
    for raw, labels in dataset.test.batches(torch.split(torch.arange(len(dataset.test)), 256)):
        raw, labels = raw[: left - done], labels[: left - done]
        outputs = first(answering(raw))
        here = names[done : done + len(raw)]
        inputs = dataset.normalised(raw)
        yield Batch(here, inputs.cpu(), outputs.cpu(), labels.cpu() if labelled else None)
        done += len(raw)
        if done == left:
            return


def make_folder(folder: Path) -> None:
    """Make a folder, and those it lies in.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}): give another --out") from None
