"""The task's metric of an export on raw examples."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bsngraph.data import Split
from bsngraph.delivered import ModelFacts
from bsngraph.exporting.engine import Engine, batch_of_examples
from bsngraph.exporting.raw_network import LOGITS, RawNetwork
from bsngraph.tasks import Task
from bsngraph.tasks.metrics import Measured

_BATCH = 256


def metrics_of(engine: Engine, network: RawNetwork, facts: ModelFacts, split: Split) -> Measured:
    """The metrics of a split of raw examples, as the first target answers."""
    task, target = facts.bound_task(torch.device("cpu")), network.outputs[0].target
    meter = task.meter()
    for inputs, labels in split.batches(torch.split(torch.arange(len(split)), _BATCH)):
        answer = engine.run(batch_of_examples(network.inputs, inputs.cpu()))
        meter.update(target_outputs(answer_tensors(answer), network, task, target), labels.cpu())
    return meter.measured()


def answer_tensors(answer: Mapping[str, object]) -> dict[str, Tensor]:
    """What an engine gave as tensors."""
    return {name: torch.as_tensor(values) for name, values in answer.items()}


def target_outputs(answer: Mapping[str, Tensor], network: RawNetwork, task: Task, target: str) -> Tensor:
    """The outputs of a target, as metrics and losses take them, from an answer in
    probabilities, amounts or logits.
    """
    said = {each.holds: answer[each.name] for each in network.outputs if each.target == target}
    return said[LOGITS] if network.logits else task.row.form.outputs(said, task.facts)
