"""Opening a run: its folder, and the files that say what it works on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bsngraph._version import __version__
from bsngraph.delivered.network_files import file_hash
from bsngraph.errors import InputError
from bsngraph.fabric import write_fabric
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.runs import RunFolder, open_run
from bsngraph.runs.rows.config import (
    AskedBudget,
    AskedCosts,
    DataFacts,
    PruneConfig,
    SearchConfig,
    SplitSizes,
    TrainConfig,
    WarmStartRecord,
)
from bsngraph.searching.learning.warm_start import WarmStart
from bsngraph.searching.prepare import Job
from bsngraph.searching.request import Destination


@contextmanager
def open_search(job: Job, into: Destination, before: WarmStart | None) -> Iterator[RunFolder]:
    """The folder of a search, held until the run ends.

    `before` is the search that it starts from, if any.

    Raises:
        InputError: the folder cannot be opened, or holds a run of something else.
    """
    record = None if before is None else WarmStartRecord(path=before.path, sha256=before.sha256)
    method = job.method
    config = SearchConfig(**_common(job), preset=method.preset, warm_start=record, oracle=method.oracle)
    with open_run(into.folder, config, into.mode) as run:
        yield _opened(job, run)


@contextmanager
def open_pruning(job: Job, into: Destination, source: SearchConfig) -> Iterator[RunFolder]:
    """The folder of a choice from the search of `source`, held until the run ends.

    Raises:
        InputError: the folder cannot be opened, or holds a run of something else.
    """
    config = PruneConfig(**_common(job), chosen_from=source)
    with open_run(into.folder, config, into.mode) as run:
        yield _opened(job, run)


@contextmanager
def open_training(job: Job, into: Destination) -> Iterator[RunFolder]:
    """The folder of a training, held until the run ends.

    Raises:
        InputError: the folder cannot be opened, or holds a run of something else.
    """
    with open_run(into.folder, TrainConfig(**_common(job)), into.mode) as run:
        yield _opened(job, run)


def _opened(job: Job, run: RunFolder) -> RunFolder:
    """Write fabric.dot, splits.json, and latencies.json if there are any.

    Raises:
        InputError: the run that goes on has another fabric.
    """
    if job.latencies is not None:
        run.write_json("latencies.json", job.latencies.row())
    annotated = job.profile.annotated()
    path, text = run.file("fabric.dot"), fabric_to_dot(annotated)
    if path.exists() and path.read_bytes() != text.encode("utf-8"):
        raise InputError(
            f"{path} is not the fabric given: resume with the run's own fabric and --set, or start "
            "another run in a new --out"
        )
    write_fabric(annotated, path)
    run.write_json("splits.json", job.dataset.splits_record())
    return run


def _common(job: Job) -> dict[str, Any]:
    """What config.json says of every run."""
    dataset, costs = job.dataset, job.cost_options
    return {
        "fabric": job.fabric.name,
        "data": DataFacts(
            name=dataset.name,
            task=dataset.task,
            ignore_label=dataset.ignore_label,
            classes=dataset.class_names,
            mean=dataset.mean,
            std=dataset.std,
            fingerprint=dataset.fingerprint(),
            examples=SplitSizes(
                train=len(dataset.train), validation=len(dataset.validation), test=len(dataset.test)
            ),
            features=dataset.feature_names,
        ),
        "budgets": tuple(
            AskedBudget(
                text=budget.text,
                cost=budget.cost.name,
                relation=budget.relation,
                limit=budget.limit,
                least=budget.least,
            )
            for budget in job.budgets
        ),
        "costs": AskedCosts(
            own=costs.own,
            timeout_s=costs.timeout_s,
            latency_batch=costs.latency_batch,
            latencies=file_hash(Path(costs.latencies)) if isinstance(costs.latencies, str | Path) else None,
        ),
        "weights": None if job.given_weights is None else job.given_weights.sha256,
        "recipe": job.recipe,
        "settings": job.settings,
        "seed": job.seed,
        "device": str(job.device),
        "threads": job.hardware.threads,
        "versions": versions_here(),
    }


def versions_here() -> dict[str, str]:
    """What the results depend on."""
    packages = {name: version(name) for name in ("torch", "numpy", "scipy", "scikit-learn")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    return {"bsngraph": __version__, "python": platform.python_version(), "machine": machine, **packages}
