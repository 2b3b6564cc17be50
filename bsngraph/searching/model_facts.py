"""What model.safetensors says beside its weights: all that is needed to use the network without its training data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open

from bsngraph.data import Dataset
from bsngraph.data.dataset import TaskKind
from bsngraph.errors import InputError
from bsngraph.searching.task import TASKS, LabelFacts, Task, task_of


@dataclass(frozen=True)
class ModelFacts:
    """What a delivered network is for, the classes or outputs it gives, and how its inputs are normalised, a channel each.

    For regression the network gives standardised outputs: `label_mean` and `label_std` turn them into amounts.
    """

    task: TaskKind
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    ignore_label: int | None = None
    label_mean: tuple[float, ...] | None = None
    label_std: tuple[float, ...] | None = None

    def metadata(self) -> dict[str, str]:
        """As safetensors holds it: the task by name, everything else as JSON."""
        said: dict[str, object] = {"classes": self.classes, "mean": self.mean, "std": self.std}
        optional = {"ignore_label": self.ignore_label, "label_mean": self.label_mean, "label_std": self.label_std}
        said |= {name: value for name, value in optional.items() if value is not None}
        return {"format": "bsngraph 1", "task": self.task} | {name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}

    def bound_task(self, device: torch.device) -> Task:
        """The task with these facts, for losses without class weights, metrics and predictions."""
        facts = LabelFacts(self.classes, self.ignore_label)
        if self.label_mean is not None and self.label_std is not None:
            mean, std = torch.tensor(self.label_mean, device=device), torch.tensor(self.label_std, device=device)
            facts = LabelFacts(self.classes, mean=mean, std=std)
        return Task(self.task, facts)


def facts_of(dataset: Dataset) -> ModelFacts:
    """What a network trained on `dataset` must remember of it."""
    facts = ModelFacts(dataset.task, dataset.class_names, dataset.mean, dataset.std, dataset.ignore_label)
    if dataset.task != "regression":
        return facts
    labels = task_of(dataset).facts
    return ModelFacts(
        dataset.task,
        dataset.class_names,
        dataset.mean,
        dataset.std,
        label_mean=tuple(labels.mean.tolist()),
        label_std=tuple(labels.std.tolist()),
    )


def read_facts(path: Path) -> ModelFacts:
    """The facts in a model.safetensors.

    Raises:
        InputError: it cannot be read, or does not hold them.
    """
    try:
        with safe_open(path, framework="pt") as model:
            said = model.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from None
    try:
        task = said["task"]
        if task not in TASKS:
            raise ValueError(f"there is no task {task!r}")
        numbers = {name: tuple(map(float, json.loads(said[name]))) for name in ("mean", "std", "label_mean", "label_std") if name in said}
        classes = tuple(map(str, json.loads(said["classes"])))
        ignored = json.loads(said["ignore_label"]) if "ignore_label" in said else None
        return ModelFacts(cast(TaskKind, task), classes, ignore_label=ignored, **numbers)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is damaged, or was written by another version of bsngraph ({error})") from None
