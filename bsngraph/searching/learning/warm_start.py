"""Starting from what another search of the same fabric learned: its weights and Γ, by
edge name, for another budget.

In: a run folder and the fabric to search. Out: a `WarmStart`, which
`Learning.start_from` takes. The checkpoint is read with `weights_only`, so that a
stranger's run executes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.fabric import Edge, Fabric, read_fabric
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import Json, RunFolder, reading
from bsngraph.runs.checkpoint import read_checkpoint
from bsngraph.supernet import compile_fabric, named_weights

_SHOWN = 5


@dataclass(frozen=True)
class WarmStart:
    """Weights by `edge name/tensor name` and logits by edge name; where they are from,
    and the SHA-256 of that checkpoint.
    """

    path: str
    sha256: str
    weights: Mapping[str, Tensor]
    logits: Mapping[str, float]

    def record(self) -> Json:
        """For config.json."""
        return {"path": self.path, "sha256": self.sha256}


def read_warm_start(path: str | Path, profile: FabricProfile) -> WarmStart:
    """What the search in a run folder has learned so far.

    Raises:
        InputError: the folder holds no search, or one of another fabric; the text names
            the edges that differ.
    """
    run = RunFolder(Path(path))
    command = run.read_json("config.json").get("command")
    if command != "search":
        raise InputError(f"{path} holds a {command} run: a warm start is from a search")
    theirs = read_fabric(run.file("fabric.dot"))
    _check_same(theirs, profile.fabric, path)
    state = read_checkpoint(run)
    with reading(run, "checkpoint.pt"):
        learned = state["search"]
        net = compile_fabric(profile_fabric(theirs), seed=0)
        net.load_state_dict(learned["net"])
        logits = torch.as_tensor(learned["logits"], dtype=torch.float64)
        if logits.shape != (len(theirs.edges),) or not bool(logits.isfinite().all()):
            raise ValueError("its logits are no finite number for each edge")
    return WarmStart(
        str(path),
        hashlib.sha256(run.file("checkpoint.pt").read_bytes()).hexdigest(),
        named_weights(net),
        dict(zip((edge.name for edge in theirs.edges), logits.tolist(), strict=True)),
    )


def _check_same(theirs: Fabric, mine: Fabric, path: str | Path) -> None:
    """Raise where the fabrics have not the same edges with the same operations to
    decide on in the same way.
    """
    there, here = ({edge.name: edge for edge in fabric.edges} for fabric in (theirs, mine))
    differing = [f"{name} is only in {path}" for name in there if name not in here]
    differing += [f"{name} is only in this one" for name in here if name not in there]
    differing += [
        f"{name} is another edge"
        for name in here
        if name in there and _said(there[name]) != _said(here[name])
    ]
    if differing:
        shown = "; ".join(differing[:_SHOWN]) + (
            f"; and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        )
        raise InputError(
            f"{path} searched another fabric: {shown}: start from a run of this fabric, or leave out "
            "--warm-start"
        )


def _said(edge: Edge) -> tuple[object, ...]:
    """What must be the same of an edge, so that its weights and logit mean the same;
    its costs may differ.
    """
    return edge.op, dict(edge.arguments), edge.fixed, edge.gate, edge.choice
