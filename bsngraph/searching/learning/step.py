"""One step of a search, as a function of what it reads.

For a batch of examples x with labels y, and samples H with live edges:

    loss = Δ(f_θ(x, H), y)          objective = loss + penalty(costs of live)
    θ: the gradient of mean(loss)   Γ: the policy gradient of mean(objective)

`learn_step` finds both gradients and changes nothing but what any training pass of
torch changes: BatchNorm's running statistics. Whoever calls it applies the gradients.
So several processes can each find those of some samples, and one sum of them moves all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import Budgets, Costs
from bsngraph.fabric import Booleans
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.policy_gradient import policy_gradient
from bsngraph.searching.learning.penalty.multipliers import Penalty
from bsngraph.settings import Baseline, Recipe, SearchSettings
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task, first
from bsngraph.training import device_of, training_outputs


@dataclass(frozen=True)
class Samples:
    """The samples of a batch: `kept` (batch, edges) Boolean.

    The first `drawn` rows are drawn from Γ. The others are uniform: every decision is
    open, whatever Γ is. They teach θ alone; Γ, costs and metrics know of the drawn ones
    only.
    """

    kept: Booleans
    drawn: int


def draw_samples(logits: EdgeLogits, batch: int, uniform_share: float, generator: torch.Generator) -> Samples:
    """Samples for a batch, a share of them uniform; at least two are drawn from Γ,
    which needs two rows to compare.
    """
    count = drawn_rows(batch, uniform_share)
    uniform = batch - count
    drawn = logits.sample(count, generator)
    others = logits.open().sample(uniform, generator)
    # The values of an edge lie together, as they were drawn: in another order the sums
    # of the policy gradient would round otherwise.
    kept = np.concatenate([drawn.T, others.T], axis=1).T
    return Samples(kept, count)


def drawn_rows(batch: int, uniform_share: float) -> int:
    """How many rows of a batch are drawn from Γ."""
    return batch - min(int(uniform_share * batch), max(batch - 2, 0))


@dataclass(frozen=True, eq=False)
class LearnState:
    """What a step reads. `limits` (budgets, rows) are those in force; Γ learns only
    where `gamma_learns`.
    """

    net: SuperNet
    logits: EdgeLogits
    task: Task
    budgets: Budgets
    limits: Costs
    penalty: Penalty
    recipe: Recipe
    settings: SearchSettings
    gamma_learns: bool


@dataclass(frozen=True, eq=False)
class StepOutcome:
    """What a step found, for the rows drawn from Γ: `losses` (drawn,), `outputs` of the
    first target, `live` edges (drawn, edges), `costs` (budgets, drawn).

    `weight_gradients` are in the order of the net's parameters, None for those that no
    live edge has; None as a whole where no example reached a target. `gamma_gradient`
    has the shape of Γ's logits, and is None where Γ does not learn.
    """

    losses: Tensor
    outputs: Tensor
    live: Booleans
    costs: Costs
    weight_gradients: tuple[Tensor | None, ...] | None
    gamma_gradient: Tensor | None


def learn_step(state: LearnState, inputs: Tensor, labels: Tensor, samples: Samples) -> StepOutcome:
    """Both gradients for a batch of inputs (batch, …) and labels (batch, …), a sample
    for each example.
    """
    net, drawn = state.net, samples.drawn
    route = net.route(samples.kept, device_of(net))
    outputs = training_outputs(net, inputs, route, state.recipe)
    losses = state.task.example_losses(outputs, labels)
    weight_gradients = None
    if losses.requires_grad:  # not so when no example of the batch reached the target
        weight_gradients = torch.autograd.grad(losses.mean(), tuple(net.parameters()), allow_unused=True)
    losses, live = losses.detach()[:drawn], route.live[:drawn]
    costs = state.budgets.costs(live)
    moved = None
    if state.gamma_learns:
        baseline = state.settings.baseline
        moved = gamma_gradient(state.logits, samples, losses, costs, state.limits, state.penalty, baseline)
    return StepOutcome(losses, first(outputs).detach()[:drawn], live, costs, weight_gradients, moved)


def gamma_gradient(
    logits: EdgeLogits,
    samples: Samples,
    losses: Tensor,
    costs: Costs,
    limits: Costs,
    penalty: Penalty,
    baseline: Baseline,
) -> Tensor:
    """The policy gradient of Γ, of its logits' shape, from the `losses` (drawn,) and
    `costs` (budgets, drawn) of the rows drawn from `logits`, under `limits` (budgets,
    rows).

    The one place where a step waits for a GPU: Γ lives on the host, and the next sample
    needs it.
    """
    over = torch.from_numpy(penalty.of(costs, limits))
    objective = (losses.cpu().to(torch.float64) + over) * torch.from_numpy(np.asarray(penalty.scale))
    return policy_gradient(logits, samples.kept[: samples.drawn], objective, baseline)
