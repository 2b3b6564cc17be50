"""The best architecture inside the budgets so far, while a search goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from bsngraph.costs import Budgets
from bsngraph.fabric import Architecture, Booleans, connected
from bsngraph.runs import Json
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.supernet import SuperNet


class Incumbent:
    """Holds `architecture` and its validation loss under the weights of the last look.

    The architecture is None as long as none inside the budgets is known. `loss_of`
    gives a validation loss under the weights as they are. A challenger takes its place
    only where it has the smaller loss under the same weights.
    """

    def __init__(
        self,
        net: SuperNet,
        budgets: Budgets,
        first: Architecture | None,
        loss_of: Callable[[Architecture], float],
    ) -> None:
        self.net, self.budgets, self.loss_of = net, budgets, loss_of
        self.architecture = first
        self.loss: float | None = None

    def challenge(
        self, challengers: Iterable[Architecture], measured: Mapping[Architecture, float] | None = None
    ) -> None:
        """Compare with architectures that are inside the budgets. `measured` are
        validation losses that are known already, under the weights as they are.
        """
        known = [] if self.architecture is None else [self.architecture]
        there = measured or {}
        losses = {
            architecture: there[architecture] if architecture in there else self.loss_of(architecture)
            for architecture in dict.fromkeys([*known, *challengers])
        }
        if losses:
            self.architecture = min(losses, key=losses.__getitem__)
            self.loss = losses[self.architecture]

    def row(self) -> Json | None:
        """What metrics.jsonl says of it; None as long as there is none."""
        known = self.architecture
        if known is None:
            return None
        costs = self.budgets.costs(known.mask[None])[:, 0].tolist()
        return {
            "kept": len(set(known.live) & set(self.net.fabric.searchable)),
            "validation_loss": self.loss,
            "costs": {budget.cost.name: value for budget, value in zip(self.budgets, costs, strict=True)},
        }


def challengers(
    logits: EdgeLogits, net: SuperNet, budgets: Budgets, sampled: Booleans, thresholded: Booleans
) -> list[Architecture]:
    """The thresholded Γ if it is inside the budgets, else the likeliest sample that is.

    `sampled` (samples, edges) and `thresholded` (1, edges) are live edges.
    """
    for rows in (thresholded, sampled):
        fits = np.asarray(connected(net.fabric, rows).all(axis=1))
        fits[fits] = budgets.inside(rows[fits])
        if fits.any():
            chance = np.where(fits, logits.log_probability(rows), -np.inf)
            return [Architecture.of_mask(rows[int(chance.argmax())])]
    return []
