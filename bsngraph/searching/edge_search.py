"""The part of a search that is not about weights, for a training loop of the user's
own: which edges each example runs, and what Γ learns of the losses that come of it.

    draw (batch, edges) → the user's forward pass, loss, backward pass → learn (batch,)
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bsngraph.costs import Costs, check_budgets, parse_budget, resolve_budgets
from bsngraph.errors import InputError, RunFailedError
from bsngraph.fabric import Architecture, Booleans, live_edges
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.learning.gamma.budget_gamma import gamma_for
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.penalty.limits import draw_limits, limits_at
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.searching.learning.step import Samples, draw_samples, drawn_rows, gamma_gradient
from bsngraph.searching.request import asked_budgets
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import SuperNet
from bsngraph.training import generator_for


@dataclass(frozen=True, eq=False)
class _Draw:
    """The samples of a batch, the distributions that they are from, and the limits that
    their rows are asked to be inside: (budgets, rows).
    """

    samples: Samples
    logits: EdgeLogits
    asked: Costs


class EdgeSearch:
    """Γ, budgets and λ of a super-network in a training loop of your own.

        edges = EdgeSearch(net, "macs=50%", steps=epochs * len(loader))
        for inputs, labels in loader:
            kept = edges.draw(len(inputs))  # (batch, edges) Boolean
            losses = cross_entropy(net(inputs, kept), labels, reduction="none")
            losses.mean().backward()  # then the optimizer's step
            edges.learn(losses)  # (batch,)
        best = prune_net(net, edges.candidates()[0])

    Every example of a batch runs a sub-network of its own. Γ and λ move as in a search:
    first the weights learn alone (`burn_in` of the `steps`), then limits come down to
    the budgets until `settle`; see `SearchSettings`. Loss, optimizer and schedule of
    the weights are yours.

    Args:
        net: the compiled fabric, on any device.
        budgets: one text or several, `"macs=50%"`.
        steps: how often `learn` will be called.
        settings: how Γ learns; the defaults of a search if they are not given.
        seed: what samples follow from.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
        InputError: a budget that cannot be read or priced, or `steps` below 1.
    """

    def __init__(
        self,
        net: SuperNet,
        budgets: str | Sequence[str],
        *,
        steps: int,
        settings: SearchSettings | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(net, SuperNet):
            raise InputError(f"net is {type(net).__name__}: give what compile_fabric gives")
        if not isinstance(settings, SearchSettings | None):
            raise InputError(f"settings are {type(settings).__name__}: give SearchSettings(…)")
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise InputError(f"steps={steps!r} must be a whole number, at least 1: epochs * len(loader)")
        self.net, self.settings, self.seed = net, settings or SearchSettings(), seed
        self.budgets = resolve_budgets(net.profile, [parse_budget(text) for text in asked_budgets(budgets)])
        self.known = check_budgets(net.fabric, self.budgets)
        self.gamma = gamma_for(net.fabric, self.budgets, self.settings)
        self.multipliers = Multipliers(self.budgets, self.settings, self.gamma.vectors)
        self.steps, self.step = steps, 0
        self.sampler = generator_for(seed, "edges of a loop")
        self._draw: _Draw | None = None

    def draw(self, batch: int) -> Booleans:
        """The edges that each example of a batch runs: (batch, edges) Boolean, what
        `net(inputs, kept)` takes.

        A share of the rows is uniform, and teaches the weights alone.

        Raises:
            InputError: `batch` is below 2.
        """
        if batch < 2:
            raise InputError(
                f"batch={batch} must be at least 2: Γ learns by comparing examples; give the loader "
                "drop_last=True"
            )
        asked = draw_limits(self.budgets, drawn_rows(batch, self.settings.fair_share), self.sampler)
        logits = self.gamma.at(asked)
        samples = draw_samples(logits, batch, self.settings.fair_share, self.sampler)
        self._draw = _Draw(samples, logits, asked)
        return samples.kept

    def learn(self, losses: Tensor) -> None:
        """Move Γ and λ by the loss of each example (batch,) of the last draw.

        Raises:
            InputError: nothing was drawn, or there is not one loss for each example.
            RunFailedError: a loss is not finite.
        """
        drawn, self._draw = self._draw, None
        if drawn is None:
            raise InputError("learn is called without a draw before it: draw edges for each batch first")
        kept, count = drawn.samples.kept, drawn.samples.drawn
        if losses.shape != (len(kept),):
            raise InputError(
                f"losses are {tuple(losses.shape)}: give one for each of the {len(kept)} examples that edges "
                "were drawn for, e.g. reduction='none' of torch's losses, the mean over pixels"
            )
        if not bool(losses.isfinite().all()):
            raise RunFailedError(f"a loss of step {self.step + 1} is not finite: try a smaller learning rate")
        if self.step >= self.settings.burn_in * self.steps:
            schedule = Recipe(epochs=self.steps)  # here limits come down over steps
            limits = limits_at(self.step, self.budgets, schedule, self.settings, asked=drawn.asked)
            costs = self.budgets.costs(live_edges(self.net.sweep, kept[:count]))
            penalty = self.multipliers.penalty_of(drawn.logits.mix)
            rows, baseline = losses.detach()[:count], self.settings.baseline
            gradient = gamma_gradient(drawn.logits, drawn.samples, rows, costs, limits, penalty, baseline)
            self.gamma.step(gradient)
            self.multipliers.adapt(costs, limits, drawn.logits.mix)
        self.step += 1

    def probabilities(self) -> dict[str, float]:
        """Γ by edge name, of a range at its upper end."""
        names = (edge.name for edge in self.net.fabric.edges)
        return dict(zip(names, self._logits().probabilities.tolist(), strict=True))

    def candidates(self, count: int = 8) -> list[Architecture]:
        """About `count` distinct architectures inside every budget, of a range at its
        upper end: the most probable one first, then samples of Γ.

        Compare them on validation data, `net(inputs, architecture.mask)`, and prune to
        the best. `net.eval()` first: running statistics of BatchNorm are those of many
        sub-networks, and training what was pruned further mends them.
        """
        generator = generator_for(self.seed, "candidates of a loop")
        return propose(self._logits(), self.net, self.budgets, count, generator, self.known)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly, beside the net's own state and its
        optimizer's: tensors and plain values, for `weights_only=True`.
        """
        return {
            "step": self.step,
            "logits": self.gamma.logits.clone(),
            "optimizer": copy.deepcopy(self.gamma.optimizer.state_dict()),
            "multipliers": {name: list(pair) for name, pair in self.multipliers.state().items()},
            "sampler": self.sampler.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` of the same search gave."""
        self.step = state["step"]
        self.gamma.logits.copy_(state["logits"])
        self.gamma.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.multipliers.load({name: (pair[0], pair[1]) for name, pair in state["multipliers"].items()})
        self.sampler.set_state(state["sampler"])
        self._draw = None

    def _logits(self) -> EdgeLogits:
        return self.gamma.at(self.budgets.limits[:, None])
