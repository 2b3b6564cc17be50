"""A delivered network measured again on test data, from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsngraph.costs import complete_costs
from bsngraph.data import Dataset
from bsngraph.delivered.load import load_delivered
from bsngraph.delivered.prepare import prepared_data
from bsngraph.measure import find_hardware
from bsngraph.runs import RunFolder
from bsngraph.training import Score, evaluate_net


@dataclass(frozen=True)
class Evaluation:
    """A delivered network measured again: its test score and costs."""

    dataset: str
    score: Score
    costs: Mapping[str, float]


def evaluate_run(
    path: str | Path, *, data: str | Dataset | None = None, device: str = "auto", threads: int | None = None
) -> Evaluation:
    """Measure a run's delivered network (architecture.dot with model.safetensors) on
    the test split, from its files alone.

    Raises:
        InputError: `path` holds no finished run, its files do not fit each other or
            its certificate, or the data is not here.
    """
    run = RunFolder(Path(path))
    name, delivered = run.read_config().data.name, load_delivered(run)
    net, facts = delivered.net, delivered.facts
    hardware = find_hardware(device, threads)
    dataset = prepared_data(net.profile, data or name, facts, hardware)
    with hardware.in_use():
        net.to(hardware.device)
        task = facts.bound_task(hardware.device)
        score = evaluate_net(net, dataset, dataset.test, np.ones(len(net.fabric.edges), dtype=np.bool_), task)
    return Evaluation(dataset.name, score, {cost.name: cost.total for cost in complete_costs(net.profile)})
