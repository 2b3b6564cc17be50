"""The best architecture inside the budgets so far, while a search goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bsngraph.costs import Budget, inside
from bsngraph.data import Dataset
from bsngraph.fabric import Architecture, Booleans, connected
from bsngraph.searching.learning.gamma import EdgeDistribution
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training import evaluate_net


class Incumbent:
    """Holds `architecture`, None as long as none inside the budgets is known, and its
    validation loss under the weights of the last look.

    A challenger takes its place only where it has the smaller validation loss under the
    same weights.
    """

    def __init__(
        self,
        net: SuperNet,
        dataset: Dataset,
        budgets: Sequence[Budget],
        first: Architecture | None,
        task: Task | None = None,
    ) -> None:
        self.net, self.dataset, self.budgets, self.task = net, dataset, budgets, task
        self.architecture = first
        self.loss: float | None = None

    def challenge(self, challengers: Iterable[Architecture]) -> None:
        """Compare with architectures that are inside the budgets."""
        best, best_loss = None, np.inf
        for architecture in dict.fromkeys(
            [*([self.architecture] if self.architecture else []), *challengers]
        ):
            loss = evaluate_net(
                self.net, self.dataset, self.dataset.validation, architecture.mask, self.task
            ).loss
            if best is None or loss < best_loss:
                best, best_loss = architecture, loss
        if best is not None:
            self.architecture, self.loss = best, float(best_loss)


def challengers(
    distribution: EdgeDistribution,
    net: SuperNet,
    budgets: Sequence[Budget],
    sampled: Booleans,
    thresholded: Booleans,
) -> list[Architecture]:
    """The thresholded Γ where it is inside the budgets, else the likeliest of the
    samples: live edges (1, edges) and (samples, edges).
    """
    for rows in (thresholded, sampled):
        fits = np.asarray(connected(net.fabric, rows).all(axis=1))
        fits[fits] = inside(rows[fits], budgets)
        if fits.any():
            chance = np.where(fits, distribution.log_probability(rows), -np.inf)
            return [Architecture(rows.shape[1], tuple(np.flatnonzero(rows[int(chance.argmax())]).tolist()))]
    return []
