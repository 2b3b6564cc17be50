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

from bsngraph.data import Dataset
from bsngraph.delivered.run_data import check_not_seen
from bsngraph.errors import InputError
from bsngraph.fabric import Edge, Fabric, read_fabric
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.checkpoint import check_tensors, load_checkpoint, restore_weights
from bsngraph.runs.rows.config import SearchConfig
from bsngraph.searching.learning.gamma.budget_gamma import HATS
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.searching.request import Destination
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


def read_warm_start(
    profile: FabricProfile, dataset: Dataset, path: Path | None, into: Destination
) -> WarmStart | None:
    """What the search in a run folder has learned so far; of a range Γ at its upper
    end. None without such a folder.

    Raises:
        InputError: the folder holds no search, or one that learned nothing or is of
            another fabric (the text names the edges that differ), or is the folder that
            the new run writes to; or that search trained on what `dataset` chooses or
            tests with.
    """
    if path is None:
        return None
    into.refuse(path, "run that is started from")
    run = RunFolder(path)
    config = run.read_config()
    if not isinstance(config, SearchConfig):
        raise InputError(f"{path} holds a {config.command} run: a warm start is from a search")
    if not config.recipe.epochs:
        raise InputError(f"{path} learned nothing (epochs=0): choose another run for --warm-start")
    theirs = read_fabric(run.file("fabric.dot"))
    _check_same(theirs, profile.fabric, path)
    check_not_seen(run, dataset)
    saved, file = load_checkpoint(run).search, run.file("checkpoint.pt")
    if saved is None:
        raise InputError(f"{file}: no epoch of a search ended there: choose another run for --warm-start")
    learned = LearningState.from_checkpoint(saved, file)
    net = compile_fabric(profile_fabric(theirs), seed=0)
    restore_weights(net, learned.net, file)
    vectors = [HATS] if any(budget.least is not None for budget in config.budgets) else []
    expected = torch.zeros(*vectors, len(theirs.edges), dtype=torch.float64)
    check_tensors({"logits": expected}, {"logits": learned.logits}, file)
    logits = learned.logits[-1] if vectors else learned.logits
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
