"""What every writer of a format gets: the network, what it is for, and what its run
says of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bsngraph.data import Dataset
from bsngraph.delivered import Delivered, ModelFacts, load_delivered
from bsngraph.delivered.named_data import named_data
from bsngraph.delivered.network_files import file_hash
from bsngraph.delivered.prepare import prepared_data
from bsngraph.delivered.run_data import Notes
from bsngraph.errors import InputError
from bsngraph.exporting.raw_network import (
    RawInput,
    RawNetwork,
    RawType,
    deployed_network,
    raw_inputs,
    reference_network,
)
from bsngraph.measure import find_hardware
from bsngraph.profile import FabricProfile
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import Certificate
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.rows.result import RunResult


@dataclass(frozen=True)
class ExportPackage:
    """A finished run's network, ready to be written.

    `network` is what is exported: plain torch, folded, raw input in. `reference` is the
    same around the run's own network. `name` is the fabric's, or the run folder's.
    `certificate` and its file's hash are None if the run has none any more.

    `dataset` has the run's splits, classes and normalisation, and its values are raw;
    `notes` say how the data differ from those of the run. It is None only where a
    written export is loaded on a machine without the data.
    """

    run: RunFolder
    name: str
    delivered: Delivered
    network: RawNetwork
    reference: RawNetwork
    config: AnyConfig
    result: RunResult
    certificate: Certificate | None
    certificate_hash: str | None
    dataset: Dataset | None = None
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> ModelFacts:
        """Task, classes, normalisation."""
        return self.delivered.facts

    @property
    def profile(self) -> FabricProfile:
        """The delivered fabric with its shapes and counts."""
        return self.delivered.net.profile

    def metadata(self) -> dict[str, str]:
        """What a file of the network says of it: texts, and JSON for all but names."""
        said: dict[str, object] = {
            "classes": self.facts.classes,
            "inputs": {
                each.name: {"shape": each.shape, "dtype": each.dtype, "layout": each.layout}
                | ({} if each.high is None else {"range": [each.low, each.high]})
                for each in self.network.inputs
            },
            "outputs": {each.name: each.shape for each in self.network.outputs},
            "mean": self.facts.mean,
            "std": self.facts.std,
            "costs": {name: cost.value for name, cost in self.result.costs.items()},
            "budgets": [budget.text for budget in self.config.budgets],
            "versions": self.config.versions,
        }
        texts = {"name": self.name, "task": self.facts.task, "certificate": self.certificate_hash or ""}
        return texts | {name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}


def pack(path: Path, *, data: str | Dataset | None = None, logits: bool = False) -> ExportPackage:
    """Load a run with its data, for export, on the CPU. `data` is the run's own data
    set by another name.

    Raises:
        InputError: `path` holds no finished run, its files do not fit each other or its
            certificate, or its data are not here.
    """
    run = RunFolder(path)
    result, delivered = run.read_result(), load_delivered(run)
    dataset, notes = _data_of(run, delivered, data)
    inputs = raw_inputs(delivered, dataset.test.inputs.dtype)
    return replace(_package(run, result, delivered, inputs, logits), dataset=dataset, notes=notes)


def with_data(package: ExportPackage, data: str | Dataset | None = None) -> ExportPackage:
    """A package that was loaded without its data, with them.

    Raises:
        InputError: they are not here, or have changed.
    """
    dataset, notes = _data_of(package.run, package.delivered, data)
    return replace(package, dataset=dataset, notes=notes)


def _data_of(run: RunFolder, delivered: Delivered, data: str | Dataset | None) -> tuple[Dataset, Notes]:
    return prepared_data(run, delivered, data or named_data(run), find_hardware("cpu"), as_new_test=False)


def pack_without_data(path: Path, dtype: RawType, *, logits: bool) -> ExportPackage:
    """The same without its data, of which the number type is known.

    Raises:
        InputError: `path` holds no finished run, or its files do not fit each other or
            its certificate.
    """
    run = RunFolder(path)
    delivered = load_delivered(run)
    inputs = raw_inputs(delivered, getattr(torch, dtype))
    return _package(run, run.read_result(), delivered, inputs, logits)


def _package(
    run: RunFolder, result: RunResult, delivered: Delivered, inputs: tuple[RawInput, ...], logits: bool
) -> ExportPackage:
    config, certified = run.read_config(), run.file("certificate.json").exists()
    for budget in config.budgets:
        if budget.cost not in result.costs:
            raise InputError(
                f"{run.file('result.json')}: says nothing of {budget.cost}, on which config.json has a "
                "budget: they are not of one run"
            )
    return ExportPackage(
        run=run,
        name=delivered.net.fabric.name or run.path.resolve().name,
        delivered=delivered,
        network=deployed_network(delivered, inputs, logits=logits),
        reference=reference_network(delivered, inputs, logits=logits),
        config=config,
        result=result,
        certificate=run.read_certificate() if certified else None,
        certificate_hash=file_hash(run.file("certificate.json")) if certified else None,
    )
