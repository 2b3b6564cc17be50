"""Weights from a file of safetensors, by edge name, for the edges of any fabric.

In: the profile of a fabric and a file with the names that model.safetensors has. Out:
`GivenWeights`, which every network that a run trains takes before its first step: the
super-network, and each finalist. What the file does not have stays fresh, and that is
said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bsngraph.delivered.network_files import file_hash, read_weights
from bsngraph.errors import InputError
from bsngraph.profile import FabricProfile
from bsngraph.supernet import SuperNet, compile_fabric, load_known_weights, named_weights
from bsngraph.training import Progress
from bsngraph.wording import printable, shape_text

_NAMES_SHOWN = 5


@dataclass(frozen=True)
class GivenWeights:
    """Weights by `edge name/tensor name`, and the SHA-256 of their file."""

    sha256: str
    weights: Mapping[str, Tensor]


def read_given_weights(profile: FabricProfile, path: Path | None, progress: Progress) -> GivenWeights | None:
    """The weights of a file that edges of the fabric have. A note says what they are,
    which edges stay fresh, and what in the file is of no edge. None without a file.

    Raises:
        InputError: the file cannot be read; none of its weights is of an edge of the
            fabric; or an edge finds some of its weights only, or of another shape, or
            not finite.
    """
    if path is None:
        return None
    found, mine = read_weights(path), named_weights(compile_fabric(profile, seed=0))
    known = {name: tensor for name, tensor in found.items() if name in mine}
    if not known:
        raise InputError(
            f"{path}: none of its weights is of an edge of this fabric: it has "
            f"{_some(found)}, and the fabric {_some(mine)}: names must agree"
        )
    problems = [*_misfits(known, mine), *_gaps(known, mine)]
    if problems:
        raise InputError(
            "\n".join([f"{path}: weights that do not fit", *(f"  - {each}" for each in problems)])
        )
    taken, every, there = (_edges_of(names) for names in (known, mine, found))
    fresh, unknown = (
        [name for name in every if name not in taken],
        [name for name in there if name not in every],
    )
    said = f"{path}: weights of {len(taken)} of {len(every)} edges with weights are taken"
    said += f"; fresh: {_some(fresh)}" if fresh else "; none is fresh"
    progress.note(said + (f"; not in this fabric: {_some(unknown)}" if unknown else ""))
    return GivenWeights(file_hash(path), known)


def check_weights_of_search(given: GivenWeights | None, recorded: str | None, search: Path) -> None:
    """Make sure that finalists begin as those of the search did; `recorded` is the hash
    of the file that it began with, None if it began fresh.

    Raises:
        InputError: they do not.
    """
    if recorded is None and given is not None:
        raise InputError(f"{search}: the search began with fresh weights, so its finalists do: no --weights")
    if recorded is not None and given is None:
        raise InputError(
            f"{search}: the search began with weights from a file, so its finalists do: give --weights FILE, "
            "or leave --finalists out"
        )
    if recorded is not None and given is not None and given.sha256 != recorded:
        raise InputError(f"{search}: --weights is not the file that the search began with: give that one")


def _misfits(known: Mapping[str, Tensor], mine: Mapping[str, Tensor]) -> Iterable[str]:
    """Weights of another shape, or that are no numbers."""
    for name, tensor in known.items():
        if tensor.shape != mine[name].shape:
            there, here = (shape_text(tuple(one.shape)) or "a number" for one in (tensor, mine[name]))
            yield f"{name} is {there}, the fabric has {here}: give the fabric the file's sizes, e.g. by --set"
        elif not torch.isfinite(tensor).all():
            yield f"{name} is not finite: give a file of weights that are"


def _gaps(known: Collection[str], mine: Collection[str]) -> Iterable[str]:
    """What is missing of edges that find some of their weights."""
    taken = _edges_of(known)
    for name in mine:
        if name not in known and _edge_of(name) in taken:
            yield f"{name} is missing, and other weights of that edge are there: give all of them or none"


def _edges_of(names: Iterable[str]) -> list[str]:
    """The edges that weights are of, each once."""
    return list(dict.fromkeys(map(_edge_of, names)))


def _edge_of(name: str) -> str:
    return name.rpartition("/")[0]


def _some(names: Iterable[str]) -> str:
    """The first names of many, as a line says them."""
    shown = list(names)
    more = f" and {len(shown) - _NAMES_SHOWN} more" if len(shown) > _NAMES_SHOWN else ""
    return printable(", ".join(shown[:_NAMES_SHOWN])) + more if shown else "none"


def take_weights(net: SuperNet, given: GivenWeights | None) -> None:
    """Let a net begin with the weights that are given for its edges."""
    if given is not None:
        load_known_weights(net, given.weights)
