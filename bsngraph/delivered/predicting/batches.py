"""The examples of a data set with what a network gives for them, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bsngraph.data import Dataset
from bsngraph.errors import InputError
from bsngraph.supernet import SuperNet
from bsngraph.tasks import first
from bsngraph.training import RouteCache
from bsngraph.training.forward import run_net


@dataclass(frozen=True)
class Prediction:
    """How many examples were predicted, for which task, and the files that say what.

    `notes` say how the data differ from those of the run.
    """

    task: str
    count: int
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


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
    net: SuperNet, dataset: Dataset, names: Sequence[str] | None, limit: int | None
) -> Iterator[Batch]:
    """The test examples with the network's outputs, on the CPU; `names` where their
    labels are not known.
    """
    routes = RouteCache(net, np.ones(len(net.fabric.edges), dtype=np.bool_))
    done, left = 0, len(dataset.test) if limit is None else limit
    for inputs, labels in dataset.evaluation_batches(dataset.test, 256):
        inputs, labels = inputs[: left - done], labels[: left - done]
        outputs = first(run_net(net, inputs, routes(len(inputs))))
        here = range(done, done + len(inputs))
        said = [names[number] for number in here] if names else list(map(str, here))
        yield Batch(said, inputs.cpu(), outputs.cpu(), None if names else labels.cpu())
        done += len(inputs)
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
