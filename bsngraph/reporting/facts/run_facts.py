"""A run folder → everything of it that the page tells, read once and checked.

A run need not be finished: what is not there yet is None or empty. A file that is there
and damaged is an error, because a page must not leave out what it could not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, architecture_of, read_fabric
from bsngraph.reporting.facts.file_hashes import changed_files, sha256_of
from bsngraph.reporting.facts.trainings_file import FinalistRow, read_trainings
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.answers import AnyAnswers
from bsngraph.runs.rows.certificate import Certificate
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.rows.epochs import EpochRow
from bsngraph.runs.rows.front import Front
from bsngraph.runs.rows.latencies import LatenciesRow
from bsngraph.runs.rows.result import RunResult
from bsngraph.runs.rows.splits import SplitsRow
from bsngraph.typed_files import CURE


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a run's files say. `prefix` begins the ids of what the page says of it.

    `fabric` is as searched, `network` the delivered one as a fabric of its own.
    `changed` are the files that are not those of the certificate; `split_hash` is the
    SHA-256 of splits.json, and `splits` what it says.
    """

    run: RunFolder
    name: str
    prefix: str
    config: AnyConfig
    fabric: Fabric | None
    network: Fabric | None
    learned: Fabric | None
    epochs: tuple[EpochRow, ...]
    trainings: tuple[FinalistRow, ...]
    latencies: LatenciesRow | None
    front: Front | None
    answers: AnyAnswers | None
    result: RunResult | None
    certificate: Certificate | None
    changed: tuple[str, ...]
    split_hash: str | None
    splits: SplitsRow | None

    @cached_property
    def architecture(self) -> Architecture | None:
        """The delivered network's edges among those of the fabric.

        Raises:
            InputError: it is no sub-network of the fabric.
        """
        if self.fabric is None or self.network is None:
            return None
        return architecture_over(self.fabric, self.network, self.run.file("architecture.dot"))

    @cached_property
    def probabilities(self) -> dict[str, float]:
        """The learned probability of each searchable edge, by name; empty where none
        was learned.
        """
        edges = self.learned.edges if self.learned else ()
        return {edge.name: edge.probability for edge in edges if edge.probability is not None}


def gather(path: Path, prefix: str) -> RunFacts:
    """Read a run folder.

    Raises:
        InputError: it holds no run, or a file of it is damaged.
    """
    if not path.is_dir():
        raise InputError(f"{path} is no run folder: name the folder that a search wrote (--out)")
    run = RunFolder(path)
    config = run.read_config()
    certificate = run.read_certificate() if _there(run, "certificate.json") else None
    return RunFacts(
        run=run,
        name=path.resolve().name or str(path),
        prefix=prefix,
        config=config,
        fabric=_fabric(run, "fabric.dot"),
        network=_fabric(run, "architecture.dot"),
        learned=_fabric(run, "probabilities.dot"),
        epochs=tuple(run.read_epochs()),
        trainings=read_trainings(run),
        latencies=run.read_latencies() if _there(run, "latencies.json") else None,
        front=run.read_front() if (path / "front.csv").exists() else None,
        answers=run.read_answers(),
        result=run.read_result() if run.finished else None,
        certificate=certificate,
        changed=changed_files(path, certificate) if certificate else (),
        split_hash=sha256_of(run.file("splits.json")) if _there(run, "splits.json") else None,
        splits=run.read_splits() if _there(run, "splits.json") else None,
    )


def architecture_over(fabric: Fabric, network: Fabric, file: Path) -> Architecture:
    """The edges of a fabric that a pruned network of it has; `file` is the network's.

    Raises:
        InputError: the network has an edge that the fabric lacks, or leaves a target
            without a path.
    """
    names = {edge.name for edge in network.edges}
    foreign = sorted(names - fabric.edge_index.keys())
    if foreign:
        raise InputError(f"{file}: has the edge {foreign[0]!r}, which fabric.dot lacks: {CURE}")
    kept = [edge.name in names for edge in fabric.edges]
    return architecture_of(fabric, np.array(kept, dtype=np.bool_))


def _there(run: RunFolder, name: str) -> bool:
    return run.file(name).exists()


def _fabric(run: RunFolder, name: str) -> Fabric | None:
    return read_fabric(run.file(name)) if _there(run, name) else None
