"""What model.safetensors says beside its weights: all that is needed to use the network
without its training data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from bsngraph.data import Dataset
from bsngraph.data.data_sources import picture_resizer
from bsngraph.errors import InputError
from bsngraph.tasks import TASKS, LabelFacts, Task, task_of
from bsngraph.typed_files import Finite, Positive, Row, decode_value, parse_json
from bsngraph.whole_files import check_regular
from bsngraph.wording import printable, shortened


@dataclass(frozen=True)
class ModelFacts:
    """What a delivered network is for, the classes or outputs it gives, and how its
    inputs are normalised, a channel each.

    `white` is the value that a white pixel of an image file has in the training data,
    None where examples are no images. For regression the network gives standardised
    outputs: `label_mean` and `label_std` turn them into amounts. `features` are the
    columns that it takes, in their order, if they have names.
    """

    task: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    ignore_label: int | None = None
    white: float | None = None
    label_mean: tuple[float, ...] | None = None
    label_std: tuple[float, ...] | None = None
    features: tuple[str, ...] | None = None

    def metadata(self) -> dict[str, str]:
        """As safetensors holds it: the task by name, everything else as JSON."""
        said: dict[str, object] = {"classes": self.classes, "mean": self.mean, "std": self.std}
        optional = {
            "ignore_label": self.ignore_label,
            "white": self.white,
            "label_mean": self.label_mean,
            "label_std": self.label_std,
            "features": self.features,
        }
        said |= {name: value for name, value in optional.items() if value is not None}
        return {"format": "bsngraph 1", "task": self.task} | {
            name: json.dumps(value, ensure_ascii=False) for name, value in said.items()
        }

    def normalising(self, dataset: Dataset) -> Dataset:
        """`dataset`, its inputs normalised as the network was trained.

        Raises:
            InputError: it has another number of channels.
        """
        if not len(self.mean) == len(self.std) == len(dataset.mean):
            raise InputError(
                f"the network normalises {len(self.mean)} channels, but {dataset.name} has "
                f"{len(dataset.mean)}"
            )
        return replace(dataset, mean=self.mean, std=self.std)

    def pixels(self, inputs: Tensor) -> NDArray[np.uint8]:
        """Normalised images (batch, channels, height, width) as bytes of pictures that
        can be shown: 1 or 3 channels, the first one of any other number.
        """
        shape = (1, -1, 1, 1)
        values = inputs * torch.tensor(self.std).view(shape) + torch.tensor(self.mean).view(shape)
        shown = values if values.shape[1] in (1, 3) else values[:, :1]
        pixels: NDArray[np.uint8] = (
            (shown * (255 / (self.white or 255))).round().clamp(0, 255).to(torch.uint8).numpy()
        )
        return pixels

    def bound_task(self, device: torch.device) -> Task:
        """The task with these facts, for losses without class weights, metrics and
        predictions.
        """
        facts = LabelFacts(self.classes, self.ignore_label)
        if self.label_mean is not None and self.label_std is not None:
            mean, std = (
                torch.tensor(self.label_mean, device=device),
                torch.tensor(self.label_std, device=device),
            )
            facts = LabelFacts(self.classes, mean=mean, std=std)
        return Task(self.task, facts)


def facts_of(dataset: Dataset) -> ModelFacts:
    """What a network trained on `dataset` must remember of it."""
    facts = ModelFacts(
        dataset.task,
        dataset.class_names,
        dataset.mean,
        dataset.std,
        dataset.ignore_label,
        white_of(dataset),
        features=dataset.feature_names,
    )
    if not TASKS[dataset.task].standardised:
        return facts
    labels = task_of(dataset).facts
    return replace(facts, label_mean=tuple(labels.mean.tolist()), label_std=tuple(labels.std.tolist()))


def white_of(dataset: Dataset) -> float | None:
    """The value of a white pixel: 255, or the largest in training where values are no
    bytes or use less than half of their range.

    None for examples that are no images, and where values are negative or all the same,
    so that nothing says how dark black is.
    """
    if len(dataset.input_shape) != 3:
        return None
    inputs = dataset.train.inputs
    if inputs.is_meta or (inputs.dtype == torch.uint8 and picture_resizer(dataset.name) is not None):
        return 255.0  # its values are those of image files, however dark
    least, most = float(inputs.min()), float(inputs.max())
    if inputs.dtype == torch.uint8 and most > 127:
        return 255.0
    return most if 0 <= least < most else None


class _Said(Row, frozen=True, kw_only=True):
    """The metadata that is ours, each value decoded from its JSON text."""

    task: str
    classes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    mean: Annotated[tuple[Finite, ...], msgspec.Meta(min_length=1)]
    std: tuple[Positive, ...]
    ignore_label: int | None = None
    white: Positive | None = None
    label_mean: tuple[Finite, ...] | None = None
    label_std: tuple[Positive, ...] | None = None
    features: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"there is no task {shortened(printable(self.task))!r}")
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std are of different numbers of channels")
        if self.features is not None and len(self.features) != len(self.mean):
            raise ValueError("features are not a name for each channel")
        expected = len(self.classes) if TASKS[self.task].standardised else None
        for labels in (self.label_mean, self.label_std):
            if (None if labels is None else len(labels)) != expected:
                raise ValueError("label_mean and label_std are a number for each standardised output")


def read_facts(path: Path) -> ModelFacts:
    """The facts in a model.safetensors. Metadata that other tools added are passed
    over.

    Raises:
        InputError: it cannot be read, or does not hold them.
    """
    check_regular(path)
    try:
        with safe_open(path, framework="pt") as model:
            metadata = model.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from None
    names = [name for name in _Said.__struct_fields__ if name in metadata]
    values: dict[str, object] = {
        name: parse_json(metadata[name].encode(), f"{path}, $.{name}") for name in names if name != "task"
    }
    values |= {name: metadata[name] for name in names if name == "task"}
    said = decode_value(values, _Said, str(path))
    return ModelFacts(**msgspec.structs.asdict(said))
