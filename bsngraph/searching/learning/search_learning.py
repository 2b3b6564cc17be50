"""Learning weights θ and edge probabilities Γ together, epoch by epoch.

One step, for a batch of examples x with labels y:

    H ~ Γ, a row for each example     live = the live edges of H
    loss = Δ(f_θ(x, H), y)             objective = loss + penalty(costs of live)
    θ ← SGD on mean(loss)              Γ ← Adam, or SGD, on the policy gradient of
                                           mean(objective), after burn-in

A share of the rows is fair: every decision open, whatever Γ is. They teach θ alone, so
that networks that Γ has turned from can still be judged by the shared weights; Γ, costs
and metrics know of the others only.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import Budget, Cost
from bsngraph.data import Dataset
from bsngraph.fabric import Architecture, Booleans, connected, live_edges
from bsngraph.runs import Json
from bsngraph.searching.learning.gamma import EdgeDistribution
from bsngraph.searching.learning.incumbent import Incumbent, challengers
from bsngraph.searching.learning.limits import budget_costs, excess, limits_at
from bsngraph.searching.learning.multipliers import Multipliers, Values
from bsngraph.searching.learning.warm_start import WarmStart
from bsngraph.settings import EdgeOptimizer, Recipe, SearchSettings
from bsngraph.supernet import SuperNet, load_named_weights
from bsngraph.tasks import Meter, first, task_of
from bsngraph.training import (
    Progress,
    check_finite,
    device_of,
    evaluate_net,
    generator_for,
    global_generator,
    make_optimizer,
    prefixed,
    set_rate,
    step_weights,
    training_outputs,
)
from bsngraph.training.layout import lay_out

# How many samples of Γ tell the expected cost that a warm start begins with.
_SAMPLES_TO_START = 1024
_EDGE_OPTIMIZERS: dict[EdgeOptimizer, type[torch.optim.Adam] | type[torch.optim.SGD]] = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}


@dataclass
class _Totals:
    """What an epoch adds up over its batches."""

    meter: Meter
    loss: Tensor  # () float64, where the net is
    disconnected: int = 0
    live: list[Booleans] = field(default_factory=list)
    budget_costs: list[Values] = field(default_factory=list)


class Learning:
    """The search on its way: super-network, Γ, their optimizers. `epoch` of the
    recipe's epochs are done.

    `known`: an architecture inside the budgets, where one is known.
    """

    def __init__(
        self,
        net: SuperNet,
        dataset: Dataset,
        budgets: tuple[Budget, ...],
        costs: tuple[Cost, ...],
        recipe: Recipe,
        settings: SearchSettings,
        seed: int,
        known: Architecture | None = None,
    ) -> None:
        self.net, self.dataset, self.budgets, self.costs = net, dataset, budgets, costs
        self.recipe, self.settings, self.seed = recipe, settings, seed
        self.task = task_of(dataset, recipe.class_weights, device_of(net))
        self.distribution = EdgeDistribution(net.fabric, settings.initial_probability)
        self.multipliers = Multipliers(budgets, settings)
        self.incumbent = Incumbent(net, dataset, budgets, known, self.task)
        lay_out(net)
        self.optimizer = make_optimizer(net, recipe)
        self.edge_optimizer = _EDGE_OPTIMIZERS[settings.edge_optimizer](
            [self.distribution.logits], lr=settings.edge_learning_rate
        )
        self.starts: tuple[float, ...] | None = None
        self.epoch = 0

    def start_from(self, before: WarmStart) -> None:
        """Take over weights and Γ, dropped edges reopened as the settings say, before
        the first epoch.

        Limits are then lowered, or raised, from what samples of that Γ cost.

        Raises:
            InputError: the weights do not fit.
        """
        load_named_weights(self.net, before.weights)
        self.distribution.logits.copy_(
            torch.tensor([before.logits[edge.name] for edge in self.net.fabric.edges], dtype=torch.float64)
        )
        self.distribution.reopen(self.settings.reopen)
        kept = self.distribution.sample(_SAMPLES_TO_START, generator_for(self.seed, "warm start"))
        costs = budget_costs(self.budgets, live_edges(self.net.sweep, kept))
        self.starts = tuple(costs.mean(axis=1).tolist())

    def state(self) -> Json:
        """Everything needed to go on exactly."""
        return {
            "epoch": self.epoch,
            "net": self.net.state_dict(),
            "logits": self.distribution.logits,
            "optimizer": self.optimizer.state_dict(),
            "edge_optimizer": self.edge_optimizer.state_dict(),
            "multipliers": self.multipliers.state(),
            "incumbent": list(self.incumbent.architecture.live) if self.incumbent.architecture else None,
        }

    def load(self, state: Json) -> None:
        """Go on from `state`."""
        self.net.load_state_dict(state["net"])
        self.distribution.logits.copy_(state["logits"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.edge_optimizer.load_state_dict(state["edge_optimizer"])
        self.multipliers.load(state["multipliers"])
        live = state["incumbent"]
        self.incumbent.architecture = (
            None if live is None else Architecture(len(self.net.fabric.edges), tuple(live))
        )
        self.epoch = int(state["epoch"])

    def run(self, progress: Progress, after_epoch: Callable[[Json], None]) -> None:
        """Learn to the end of the recipe, calling `after_epoch` with each epoch's
        metrics.

        Raises:
            RunFailedError: the loss is not finite any more.
        """
        progress.stage("search", self.recipe.epochs, self.epoch)
        while self.epoch < self.recipe.epochs:
            with global_generator(self.seed, "search", "global", self.epoch):
                row = self._epoch()
            self.epoch += 1
            after_epoch(row)
            progress.epoch(row)

    def _epoch(self) -> Json:
        start = time.perf_counter()
        set_rate(self.optimizer, self.recipe.rate(self.epoch))
        limits = limits_at(self.epoch, self.budgets, self.recipe, self.settings, self.starts)
        batches = self.dataset.training_batches(
            self.recipe.batch_size,
            generator_for(self.seed, "batches", self.epoch),
            augment=self.recipe.augment,
        )
        sampler = generator_for(self.seed, "samples", self.epoch)
        burning_in = self.epoch < self.settings.burn_in * self.recipe.epochs
        totals = _Totals(self.task.meter(), torch.zeros((), dtype=torch.float64, device=device_of(self.net)))
        self.net.train()
        for inputs, labels in batches:
            # Γ needs two rows to compare
            fair = min(int(self.settings.fair_share * len(labels)), max(len(labels) - 2, 0))
            own = len(labels) - fair
            kept = self.distribution.sample(own, sampler)
            open_to_all = self.distribution.sample(fair, sampler, temperature=math.inf)
            losses, live = self._weights_step(
                inputs, labels, np.concatenate([kept, open_to_all]), own, totals
            )
            costs = budget_costs(self.budgets, live)
            totals.budget_costs.append(costs)
            if not burning_in:
                # the one place where a step waits for a GPU: Γ draws the next sample
                self._edges_step(kept, losses.cpu(), costs, limits)
        return self._row(totals, limits, start, burning_in)

    def _weights_step(
        self, inputs: Tensor, labels: Tensor, kept: Booleans, own: int, totals: _Totals
    ) -> tuple[Tensor, Booleans]:
        """One step of θ; gives the loss of each of the `own` first examples (own,) and
        its live edges (own, edges).
        """
        route = self.net.route(kept, device_of(self.net))
        outputs = training_outputs(self.net, inputs, route, self.recipe)
        losses = self.task.example_losses(outputs, labels)
        if losses.requires_grad:  # not so when no example of the batch reached the target
            step_weights(self.net, self.optimizer, losses.mean(), self.recipe)
        losses, live = losses.detach()[:own], route.live[:own]
        totals.loss += losses.sum()
        totals.meter.update(first(outputs).detach()[:own], labels[:own])
        totals.disconnected += int((~connected(self.net.fabric, live).all(axis=1)).sum())
        totals.live.append(live)
        return losses, live

    def _edges_step(self, kept: Booleans, losses: Tensor, costs: Values, limits: tuple[float, ...]) -> None:
        objective = losses.to(torch.float64) + torch.from_numpy(self.multipliers.penalty(costs, limits))
        gradient = self.distribution.policy_gradient(
            kept, objective * self.multipliers.scale, self.settings.baseline
        )
        self.distribution.logits.grad = gradient
        self.edge_optimizer.step()
        self.distribution.restrain()
        self.multipliers.adapt(costs, limits)

    def _row(
        self, totals: _Totals, limits: tuple[float, ...], start: float, burning_in: bool
    ) -> dict[str, Any]:
        live, costs = np.concatenate(totals.live), np.concatenate(totals.budget_costs, axis=1)
        check_finite(float(totals.loss), "search", self.epoch)
        threshold = live_edges(self.net.sweep, self.distribution.thresholded()[None])
        validation = evaluate_net(
            self.net, self.dataset, self.dataset.validation, self.distribution.thresholded(), self.task
        )
        check_finite(validation.loss, "search", self.epoch)
        self.incumbent.challenge(challengers(self.distribution, self.net, self.budgets, live, threshold))
        return {
            "stage": "search",
            "epoch": self.epoch + 1,
            "train_loss": float(totals.loss) / len(live),
            **prefixed("train", totals.meter.measured().metrics),
            "validation_loss": validation.loss,
            **prefixed("validation", validation.metrics),
            "costs": {
                cost.name: {
                    "sampled": float(cost.of(live).mean()),
                    "thresholded": float(cost.of(threshold)[0]),
                }
                for cost in self.costs
            },
            "limits": {budget.cost.name: limit for budget, limit in zip(self.budgets, limits, strict=True)},
            "excess": {
                budget.cost.name: excess(paid, budget)
                for budget, paid in zip(self.budgets, costs, strict=True)
            },
            "penalty": self.multipliers.by_name(),
            "entropy": self.distribution.entropy(),
            "incumbent": self._incumbent_row(),
            "disconnected": totals.disconnected,
            "learning_rate": self.recipe.rate(self.epoch),
            "burn_in": burning_in,
            "seconds": time.perf_counter() - start,
        }

    def _incumbent_row(self) -> Json | None:
        """What metrics.jsonl says of the best architecture inside the budgets so far;
        None where there is none yet.
        """
        known = self.incumbent.architecture
        if known is None:
            return None
        costs = {budget.cost.name: float(budget.cost.of(known.mask[None])[0]) for budget in self.budgets}
        return {
            "kept": len(set(known.live) & set(self.net.fabric.searchable)),
            "validation_loss": self.incumbent.loss,
            "costs": costs,
        }
