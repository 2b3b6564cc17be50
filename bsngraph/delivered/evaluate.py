"""A delivered network measured again on test data, from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsngraph.costs import complete_costs
from bsngraph.data import Dataset
from bsngraph.delivered.model_facts import read_facts
from bsngraph.delivered.network_files import load_network
from bsngraph.delivered.prepare import prepared_data
from bsngraph.measure import find_hardware
from bsngraph.runs import RunFolder, reading
from bsngraph.supernet import SuperNet
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
        InputError: `path` holds no finished run, its files do not fit each other, or
            the data is not here.
    """
    run = RunFolder(Path(path))
    config = run.read_json("config.json")
    with reading(run, "config.json"):
        name = str(config["data"]["name"])
    net, facts = load_net(run), read_facts(run.file("model.safetensors"))
    hardware = find_hardware(device, threads)
    dataset = prepared_data(net.profile, data or name, facts, hardware)
    with hardware.in_use():
        net.to(hardware.device)
        task = facts.bound_task(hardware.device)
        score = evaluate_net(net, dataset, dataset.test, np.ones(len(net.fabric.edges), dtype=np.bool_), task)
    return Evaluation(dataset.name, score, {cost.name: cost.total for cost in complete_costs(net.profile)})


def load_net(run: RunFolder | str | Path) -> SuperNet:
    """A run's delivered network with its weights, on the CPU, in evaluation mode.

    Raises:
        InputError: its files are missing or do not fit each other.
    """
    return load_network(run.path if isinstance(run, RunFolder) else Path(run))
