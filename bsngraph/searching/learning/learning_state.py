"""The state of a search between two epochs: typed, as checkpoint.pt holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, connected, live_edges
from bsngraph.runs.checkpoint import OptimizerState, decode_state
from bsngraph.typed_files import CURE, Amount, Count, Finite


@dataclass(frozen=True, eq=False)
class LearningState:
    """Everything needed to go on exactly.

    `logits` (edges,) or (vectors, edges) float64; `multipliers` are λ and its smoothed
    miss by cost; `incumbent` are the live edges of the best architecture so far.
    """

    epoch: Count
    net: dict[str, Tensor]
    logits: Tensor
    optimizer: OptimizerState
    edge_optimizer: OptimizerState
    multipliers: dict[str, tuple[Amount | tuple[Amount, ...], Finite | tuple[Finite, ...]]]
    incumbent: tuple[Count, ...] | None

    def to_checkpoint(self) -> dict[str, Any]:
        """Tensors and plain values only."""
        return {
            "epoch": self.epoch,
            "net": self.net,
            "logits": self.logits,
            "optimizer": self.optimizer.plain(),
            "edge_optimizer": self.edge_optimizer.plain(),
            "multipliers": {name: list(pair) for name, pair in self.multipliers.items()},
            "incumbent": None if self.incumbent is None else list(self.incumbent),
        }

    @staticmethod
    def from_checkpoint(value: object, file: Path) -> LearningState:
        """What `to_checkpoint` gave.

        Raises:
            InputError: it is something else; the text names `file` and the place.
        """
        return decode_state(value, LearningState, file)


def architecture_in(fabric: Fabric, live: tuple[int, ...], file: Path) -> Architecture:
    """The architecture of live edges that a checkpoint names.

    Raises:
        InputError: they are not the live edges of any choice that the fabric has.
    """
    named = Architecture(len(fabric.edges), live)
    known = all(edge < len(fabric.edges) for edge in live) and list(live) == sorted(set(live))
    if not (known and _is_live_part(fabric, named)):
        raise InputError(f"{file}: the edges {list(live)} are not those of an architecture: {CURE}")
    return named


def _is_live_part(fabric: Fabric, architecture: Architecture) -> bool:
    """Whether edges of the fabric connect every target, all of them live, and the
    gates and choices allow them.
    """
    mask = architecture.mask[None]
    whole = bool(connected(fabric, mask).all())
    alive = np.array_equal(live_edges(fabric.sweep, mask | fabric.fixed), mask)
    return whole and alive and fabric.decisions.completed(architecture.mask) is not None
