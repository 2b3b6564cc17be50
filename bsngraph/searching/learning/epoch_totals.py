"""What an epoch of a search adds up over its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import Budgets, Cost, Costs
from bsngraph.fabric import Booleans, Fabric, connected
from bsngraph.runs import Json
from bsngraph.searching.learning.penalty.limits import excess
from bsngraph.searching.learning.step import StepOutcome
from bsngraph.tasks import Meter
from bsngraph.training import prefixed


@dataclass
class EpochTotals:
    """Sums over the rows drawn from Γ. `loss` () stays where the net is, so that a step
    does not wait for it.
    """

    fabric: Fabric
    meter: Meter
    loss: Tensor
    disconnected: int = 0
    live: list[Booleans] = field(default_factory=list)
    costs: list[Costs] = field(default_factory=list)
    limits: list[Costs] = field(default_factory=list)

    @staticmethod
    def empty(fabric: Fabric, meter: Meter, device: torch.device) -> EpochTotals:
        """Before the first step."""
        return EpochTotals(fabric, meter, torch.zeros((), dtype=torch.float64, device=device))

    @staticmethod
    def joined(parts: Sequence[EpochTotals]) -> EpochTotals:
        """The totals of shards as those of one epoch, in their order. The first part
        takes up the others.
        """
        whole, *others = parts
        for other in others:
            whole.loss += other.loss
            whole.meter.join(other.meter)
            whole.disconnected += other.disconnected
            whole.live += other.live
            whole.costs += other.costs
            whole.limits += other.limits
        return whole

    def add(self, outcome: StepOutcome, labels: Tensor, asked: Costs) -> None:
        """Take a step, with the labels of its drawn rows and the limits (budgets, rows)
        that these were asked to be inside.
        """
        self.loss += outcome.losses.sum()
        self.meter.update(outcome.outputs, labels)
        self.disconnected += int((~connected(self.fabric, outcome.live).all(axis=1)).sum())
        self.live.append(outcome.live)
        self.costs.append(outcome.costs)
        self.limits.append(np.broadcast_to(asked, outcome.costs.shape))

    @property
    def all_live(self) -> Booleans:
        """The live edges of all samples: (samples, edges)."""
        return np.concatenate(self.live)

    def training_row(self) -> Json:
        """The mean loss and the metrics of the epoch's samples."""
        count = sum(len(rows) for rows in self.live)
        return {"train_loss": float(self.loss) / count, **prefixed("train", self.meter.measured().metrics)}

    def costs_row(self, costs: tuple[Cost, ...], thresholded: Booleans) -> Json:
        """Of each cost: its mean over the samples, and its value for the live edges of
        Γ > ½, (1, edges).
        """
        live = self.all_live
        return {
            cost.name: {"sampled": float(cost.of(live).mean()), "thresholded": float(cost.of(thresholded)[0])}
            for cost in costs
        }

    def excess_row(self, budgets: Budgets) -> Json:
        """By how much samples are over each budget, in shares of it; of a range over
        the limits that they were drawn for.
        """
        costs, limits = np.concatenate(self.costs, axis=1), np.concatenate(self.limits, axis=1)
        names = (budget.cost.name for budget in budgets)
        return {name: excess(paid, asked) for name, paid, asked in zip(names, costs, limits, strict=True)}
