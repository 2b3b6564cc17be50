"""The network as an exported folder holds it: what the user's files hold goes in, the
task's answer comes out.

    raw input → normalisation → the network → the answer of each target
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from bsngraph.data.reading.channels import channel_shape
from bsngraph.delivered import Delivered
from bsngraph.errors import InputError
from bsngraph.ops import Shape
from bsngraph.supernet import deploy
from bsngraph.supernet.supernet import Inputs
from bsngraph.tasks import TASKS, LabelFacts, Task

LOGITS = "logits"

RawType = Literal["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
"""The number types of raw examples, as numpy calls them."""


@dataclass(frozen=True)
class RawInput:
    """An input: a source of the fabric, the shape of one example, its number type,
    which dimension of a batch is what, and the least and the largest value where they
    are known.
    """

    name: str
    shape: Shape
    dtype: RawType
    layout: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class RawOutput:
    """An output: its name, the target that it is of, what it holds (`probabilities`,
    `class`, `amounts`, `decisions` or `logits`), the shape of one example, and its
    number type as numpy calls it.
    """

    name: str
    target: str
    holds: str
    shape: Shape
    dtype: str


class RawNetwork(nn.Module):
    """Raw input in, normalisation inside, the network, the task's answer.

    Called with (batch, …), or with a mapping from source names where there are several.
    Gives a mapping from the names of `outputs`: what the task answers, or with `logits`
    what the network itself gives. With several targets, or where a source is called so,
    a name is `TARGET.WHAT`.

    `network` is in evaluation mode and takes and gives what a SuperNet does.
    """

    mean: Tensor
    std: Tensor
    label_mean: Tensor
    label_std: Tensor

    def __init__(
        self,
        network: nn.Module,
        delivered: Delivered,
        inputs: tuple[RawInput, ...],
        *,
        logits: bool = False,
    ) -> None:
        super().__init__()
        facts = delivered.facts
        self.network = network
        self.inputs = inputs
        self.outputs = raw_outputs(delivered, logits=logits)
        self.logits = logits
        self.task, self.classes = facts.task, facts.classes
        kind = torch.float64 if inputs[0].dtype == "float64" else torch.float32
        shape = channel_shape(len(inputs[0].shape) + 1)
        self.register_buffer("mean", torch.tensor(facts.mean, dtype=kind).view(shape))
        self.register_buffer("std", torch.tensor(facts.std, dtype=kind).view(shape))
        if TASKS[facts.task].standardised and not logits:
            self.register_buffer("label_mean", torch.tensor(facts.label_mean))
            self.register_buffer("label_std", torch.tensor(facts.label_std))

    def forward(self, inputs: Inputs) -> dict[str, Tensor]:
        """Run a batch."""
        values = (
            self.normalised(inputs)
            if isinstance(inputs, Tensor)
            else {name: self.normalised(value) for name, value in inputs.items()}
        )
        given = self.network(values)
        of_target = given if isinstance(given, Mapping) else {self.outputs[0].target: given}
        return {output.name: self._answer(of_target[output.target], output.holds) for output in self.outputs}

    def normalised(self, inputs: Tensor) -> Tensor:
        """Raw inputs (batch, …) as the network takes them: float32."""
        return ((inputs.to(self.mean.dtype) - self.mean) / self.std).float()

    def _answer(self, outputs: Tensor, holds: str) -> Tensor:
        facts = LabelFacts(self.classes)
        if not self.logits and TASKS[self.task].standardised:
            facts = LabelFacts(self.classes, mean=self.label_mean, std=self.label_std)
        return _answer(Task(self.task, facts), outputs, holds)


def deployed_network(
    delivered: Delivered, inputs: tuple[RawInput, ...], *, logits: bool = False
) -> RawNetwork:
    """The delivered network as it is exported: plain torch, each BatchNorm folded into
    the convolution before it.
    """
    return RawNetwork(deploy(delivered.net), delivered, inputs, logits=logits).eval()


def reference_network(
    delivered: Delivered, inputs: tuple[RawInput, ...], *, logits: bool = False
) -> RawNetwork:
    """The same around the network as the run has it, to compare with."""
    return RawNetwork(delivered.net, delivered, inputs, logits=logits).eval()


def raw_inputs(delivered: Delivered, dtype: torch.dtype) -> tuple[RawInput, ...]:
    """The inputs of a delivered network, whose raw examples have this number type.

    Raises:
        InputError: the network's facts normalise another number of channels, or no
            format knows the number type.
    """
    facts, profile = delivered.facts, delivered.net.profile
    number = number_type(dtype)
    if number not in get_args(RawType):
        raise InputError(f"examples of type {number} cannot be exported: store them as float32")
    found = []
    for name, node in zip(profile.fabric.sources, profile.fabric.source_indices, strict=True):
        shape = profile.node_shapes[node]
        channels = shape[-1] if len(shape) == 2 else shape[0]
        if len(facts.mean) != channels:
            raise InputError(
                f"model.safetensors normalises {len(facts.mean)} channels, but source {name} has "
                f"{channels}: it is of another run"
            )
        high = 255.0 if number == "uint8" and facts.white is None else facts.white
        low = None if high is None else 0.0
        found.append(RawInput(name, shape, cast(RawType, number), layout_of(shape), low, high))
    return tuple(found)


def raw_outputs(delivered: Delivered, *, logits: bool) -> tuple[RawOutput, ...]:
    """The outputs of an exported network, in their order."""
    task, profile = delivered.facts.bound_task(torch.device("cpu")), delivered.net.profile
    fabric = profile.fabric
    found = []
    for target, node in zip(fabric.targets, fabric.target_indices, strict=True):
        for holds in (LOGITS,) if logits else task.row.form.names:
            one = _answer(task, torch.zeros(1, *profile.node_shapes[node]), holds)
            name = holds if len(fabric.targets) == 1 else f"{target}.{holds}"
            while name in fabric.sources:
                name = f"{target}.{name}"
            found.append(RawOutput(name, target, holds, tuple(one.shape[1:]), number_type(one.dtype)))
    return tuple(found)


def _answer(task: Task, outputs: Tensor, holds: str) -> Tensor:
    """A part of the answer to the outputs of a target."""
    if holds == LOGITS:
        return outputs
    if holds == task.row.form.prediction:
        return task.row.predictions(outputs, task.facts)
    assert task.row.form.probabilities is not None, "a form without them does not name them"
    return task.row.form.probabilities(outputs)


def number_type(dtype: torch.dtype) -> str:
    """A number type of torch as numpy calls it."""
    return str(dtype).removeprefix("torch.")


def layout_of(shape: Shape) -> str:
    """Which dimension of a batch is what: N examples, C channels or features, L places
    of a sequence, D, H and W those of a volume or an image.
    """
    return {1: "NC", 2: "NLC"}.get(len(shape)) or "NC" + "DHW"[-(len(shape) - 1) :]
