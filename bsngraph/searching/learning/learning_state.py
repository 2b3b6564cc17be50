"""The state of a search between two epochs: typed, as checkpoint.pt holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric
from bsngraph.runs.checkpoint import OptimizerState, decode_state
from bsngraph.typed_files import CURE, Count


@dataclass(frozen=True, eq=False)
class LearningState:
    """Everything needed to go on exactly.

    `logits` (edges,) float64; `multipliers` are λ and its smoothed miss by cost;
    `incumbent` are the live edges of the best architecture so far.
    """

    epoch: Count
    net: dict[str, Tensor]
    logits: Tensor
    optimizer: OptimizerState
    edge_optimizer: OptimizerState
    multipliers: dict[str, tuple[float, float]]
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
        InputError: the fabric has no such edges.
    """
    if any(edge >= len(fabric.edges) for edge in live) or list(live) != sorted(set(live)):
        raise InputError(f"{file}: the edges {list(live)} are not those of an architecture: {CURE}")
    return Architecture(len(fabric.edges), live)
