"""Learning weights θ and edge probabilities Γ together, epoch by epoch.

Each step draws samples, finds both gradients (`step.py`), and applies them: θ by SGD,
Γ after burn-in by Adam or SGD, and λ. An epoch ends with a row of metrics and a look at
the best architecture inside the budgets so far.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bsngraph.costs import Budgets, Cost
from bsngraph.data import Dataset
from bsngraph.fabric import Architecture, live_edges
from bsngraph.runs import Json
from bsngraph.runs.checkpoint import OptimizerState, check_tensors, restore_optimizer, restore_weights
from bsngraph.searching.learning.epoch_totals import EpochTotals
from bsngraph.searching.learning.gamma.budget_gamma import gamma_for
from bsngraph.searching.learning.incumbent import Incumbent, challengers
from bsngraph.searching.learning.joint_step import JointOutcome, joint_step, outcome_alone, rows_of_shard
from bsngraph.searching.learning.learning_state import LearningState, architecture_in
from bsngraph.searching.learning.penalty.limits import draw_limits, limits_at
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.searching.learning.step import LearnState, StepOutcome, draw_samples, drawn_rows, learn_step
from bsngraph.searching.learning.warm_start import WarmStart
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import SuperNet, load_named_weights
from bsngraph.tasks import task_of
from bsngraph.training import (
    Progress,
    apply_gradients,
    check_finite,
    derived_seed,
    device_of,
    generator_for,
    global_generator,
    lay_out,
    make_optimizer,
    prefixed,
    set_rate,
)
from bsngraph.training.shards.shared_validation import SharedValidation
from bsngraph.training.shards.team import ALONE, Team

# How many samples of Γ tell the expected cost that a warm start begins with.
_SAMPLES_TO_START = 1024


@dataclass(frozen=True)
class _Shard:
    """A shard in an epoch: its random streams, for augmentation, for samples and for
    limits, and what it adds up.
    """

    number: int
    augmenting: torch.Generator
    sampler: torch.Generator
    drawing: torch.Generator
    totals: EpochTotals


class Learning:
    """The search on its way: super-network, Γ, λ and their optimizers.

    `epoch` of the recipe's epochs are done. `known` is an architecture inside the
    budgets, where one is known. The processes of `team` share each batch's shards.
    """

    def __init__(
        self,
        net: SuperNet,
        dataset: Dataset,
        budgets: Budgets,
        costs: tuple[Cost, ...],
        recipe: Recipe,
        settings: SearchSettings,
        seed: int,
        known: Architecture | None = None,
        team: Team = ALONE,
    ) -> None:
        self.team = team
        self.net, self.dataset, self.budgets, self.costs = net, dataset, budgets, costs
        self.recipe, self.settings, self.seed = recipe, settings, seed
        self.task = task_of(dataset, recipe.class_weights, device_of(net))
        self.gamma = gamma_for(net.fabric, budgets, settings)
        self.multipliers = Multipliers(budgets, settings, self.gamma.vectors)
        self.validation = SharedValidation(net, dataset, self.task, team, settings.shards)
        self.incumbent = Incumbent(net, budgets, known, lambda one: self.validation.score(one.mask).loss)
        lay_out(net)
        self.optimizer = make_optimizer(net, recipe)
        self.starts: tuple[float, ...] | None = None
        self.epoch = 0

    def start_from(self, before: WarmStart) -> None:
        """Take over weights and Γ before the first epoch, dropped edges reopened as the
        settings say. Limits then begin at what samples of that Γ cost.

        Raises:
            InputError: the weights do not fit.
        """
        load_named_weights(self.net, before.weights)
        self.gamma.start_from(before.logits, self.settings.reopen)
        logits = self.gamma.at(self.budgets.limits[:, None])
        kept = logits.sample(_SAMPLES_TO_START, generator_for(self.seed, "warm start"))
        costs = self.budgets.costs(live_edges(self.net.sweep, kept))
        self.starts = tuple(costs.mean(axis=1).tolist())

    def state(self) -> LearningState:
        """Everything needed to go on exactly."""
        incumbent = self.incumbent.architecture
        return LearningState(
            epoch=self.epoch,
            net=self.net.state_dict(),
            logits=self.gamma.logits,
            optimizer=OptimizerState(**self.optimizer.state_dict()),
            edge_optimizer=OptimizerState(**self.gamma.optimizer.state_dict()),
            multipliers=self.multipliers.state(),
            incumbent=None if incumbent is None else incumbent.live,
        )

    def load(self, state: LearningState, file: Path) -> None:
        """Go on from the state that `file` held.

        Raises:
            InputError: it is not of this search.
        """
        check_tensors({"logits": self.gamma.logits}, {"logits": state.logits}, file)
        restore_weights(self.net, state.net, file)
        self.gamma.logits.copy_(state.logits)
        restore_optimizer(self.optimizer, state.optimizer, file)
        restore_optimizer(self.gamma.optimizer, state.edge_optimizer, file)
        self.multipliers.load(state.multipliers)
        known = state.incumbent
        self.incumbent.architecture = None if known is None else architecture_in(self.net.fabric, known, file)
        self.epoch = state.epoch

    def run(self, progress: Progress, after_epoch: Callable[[Json], None]) -> None:
        """Learn to the end of the recipe, calling `after_epoch` with each epoch's
        metrics in the first process; the others validate along with it.

        Raises:
            RunFailedError: the loss is not finite any more, or another process ended.
        """
        progress.stage("search", self.recipe.epochs, self.epoch)
        while self.epoch < self.recipe.epochs:
            with global_generator(self.seed, "search", "global", self.epoch):
                row = self._epoch()
            self.epoch += 1
            if row is not None:
                after_epoch(row)
                progress.epoch(row)
                self.team.from_first()
            else:
                self.validation.follow()

    def _epoch(self) -> Json | None:
        """Learn for one epoch: its metrics, in the first process."""
        start = time.perf_counter()
        set_rate(self.optimizer, self.recipe.rate(self.epoch))
        rows = self.dataset.training_rows(
            self.recipe.batch_size, order := generator_for(self.seed, "batches", self.epoch)
        )
        shards = [self._shard(shard, order) for shard in self.team.own(self.settings.shards)]
        batches = self._batches(rows, shards)
        self.net.train()
        for number in range(len(rows)):
            self._apply(self._step(number, batches, shards))
        found = self.team.to_first([shard.totals for shard in shards])
        if not found:
            return None
        totals = EpochTotals.joined(found)
        check_finite(float(totals.loss), "search", self.epoch)
        return {
            "stage": "search",
            "epoch": self.epoch + 1,
            **self._measures(totals),
            "learning_rate": self.recipe.rate(self.epoch),
            "burn_in": self._burning_in,
            "seconds": time.perf_counter() - start,
        }

    @property
    def _burning_in(self) -> bool:
        return self.epoch < self.settings.burn_in * self.recipe.epochs

    def _batches(self, rows: Sequence[Tensor], shards: Sequence[_Shard]) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and labels of this process's shards, step by step."""
        count = self.settings.shards
        parts = [batch[rows_of_shard(shard.number, count, len(batch))] for batch in rows for shard in shards]
        augmenting = itertools.cycle([shard.augmenting for shard in shards])
        return self.dataset.made_batches(parts, augmenting, augment=self.recipe.augment)

    def _shard(self, number: int, order: torch.Generator) -> _Shard:
        """A shard before the first step of an epoch, whose batches are drawn from
        `order`. One that is the whole batch has the random streams of the epoch.
        """
        own = ("shard", number) if self.settings.shards > 1 else ()
        return _Shard(
            number,
            generator_for(self.seed, "batches", self.epoch, *own) if own else order,
            generator_for(self.seed, "samples", self.epoch, *own),
            generator_for(self.seed, "limits", self.epoch, *own),
            EpochTotals.empty(self.net.fabric, self.task.meter(), device_of(self.net)),
        )

    def _step(
        self, number: int, batches: Iterator[tuple[Tensor, Tensor]], shards: Sequence[_Shard]
    ) -> JointOutcome:
        """Step `number` of the epoch; `shards` of the batch are this process's, and
        their rows come next in `batches`.
        """
        count = self.settings.shards
        if count == 1:
            return outcome_alone(*self._shard_step(*next(batches), shards[0]))

        def step(shard: int) -> tuple[StepOutcome, LearnState]:
            purpose = "search", "global", self.epoch, number, "shard", shard
            torch.manual_seed(derived_seed(self.seed, *purpose))
            return self._shard_step(*next(batches), shards[shard - shards[0].number])

        return joint_step(self.net, self.team, count, step)

    def _shard_step(self, inputs: Tensor, labels: Tensor, shard: _Shard) -> tuple[StepOutcome, LearnState]:
        """What a shard's rows give."""
        rows = drawn_rows(len(labels), self.settings.fair_share)
        asked = draw_limits(self.budgets, rows, shard.drawing)
        limits = limits_at(self.epoch, self.budgets, self.recipe, self.settings, self.starts, asked)
        logits = self.gamma.at(asked)
        samples = draw_samples(logits, len(labels), self.settings.fair_share, shard.sampler)
        state = LearnState(
            net=self.net,
            logits=logits,
            task=self.task,
            budgets=self.budgets,
            limits=limits,
            penalty=self.multipliers.penalty_of(logits.mix),
            recipe=self.recipe,
            settings=self.settings,
            gamma_learns=not self._burning_in,
        )
        outcome = learn_step(state, inputs, labels, samples)
        shard.totals.add(outcome, labels[: samples.drawn], asked)
        return outcome, state

    def _apply(self, outcome: JointOutcome) -> None:
        """Move θ, Γ and λ by what a step found."""
        if outcome.weight_gradients is not None:
            apply_gradients(self.optimizer, outcome.weight_gradients, self.recipe)
        if outcome.gamma_gradient is not None:
            self.gamma.step(outcome.gamma_gradient)
            self.multipliers.adapt(outcome.costs, outcome.limits, outcome.mix)

    def _measures(self, totals: EpochTotals) -> Json:
        """What the epoch's samples gave, and a look at Γ > ½ and at the incumbent; of a
        range under its largest limit.
        """
        limits = limits_at(self.epoch, self.budgets, self.recipe, self.settings, self.starts)
        logits = self.gamma.at(self.budgets.limits[:, None])
        thresholded = live_edges(self.net.sweep, logits.thresholded()[None])
        validation = self.validation.score(thresholded[0])
        check_finite(validation.loss, "search", self.epoch)
        measured = {Architecture.of_mask(thresholded[0]): validation.loss}
        others = challengers(logits, self.net, self.budgets, totals.all_live, thresholded)
        self.incumbent.challenge(others, measured)
        names = (budget.cost.name for budget in self.budgets)
        return {
            **totals.training_row(),
            "validation_loss": validation.loss,
            **prefixed("validation", validation.metrics),
            "costs": totals.costs_row(self.costs, thresholded),
            "limits": dict(zip(names, limits[:, 0].tolist(), strict=True)),
            "excess": totals.excess_row(self.budgets),
            "penalty": self.multipliers.by_name(),
            "entropy": logits.entropy(),
            "incumbent": self.incumbent.row(),
            "disconnected": totals.disconnected,
        }
