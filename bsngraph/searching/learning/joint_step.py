"""One step of a batch that is several shards, wherever these run.

    each shard: its rows, its samples, its baseline, its BatchNorm → `learn_step`
    all together: gradients are the mean over shards, costs stand one beside the other

What a shard found travels as two vectors: one of the weights' type with the gradients
of θ and the running statistics, and one of float64 with all that lives on the host. Up
to `MOST_GATHERED` bytes of gradients, those of every shard go to every process in one
message, and each adds them up in the order of shards: the same bits on any number of
processes. Beyond that the first vector is added up on its way instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import Costs
from bsngraph.searching.learning.step import LearnState, StepOutcome
from bsngraph.supernet import SuperNet
from bsngraph.training import device_of
from bsngraph.training.shards.running_statistics import RunningStatistics, flat_vector, parts_of
from bsngraph.training.shards.team import Team

#: Bytes of gradients times shards, up to which every process gets those of each shard.
MOST_GATHERED = 2**28

_ALIGNED = 8


@dataclass(frozen=True, eq=False)
class JointOutcome:
    """What moves θ, Γ and λ after a step: gradients as in `StepOutcome`, `costs`
    (budgets, drawn) of all shards' samples, and the `limits` and the `mix` of Γ's
    vectors that they stood under.
    """

    weight_gradients: tuple[Tensor | None, ...] | None
    gamma_gradient: Tensor | None
    costs: Costs
    limits: Costs
    mix: Tensor | None


def outcome_alone(outcome: StepOutcome, state: LearnState) -> JointOutcome:
    """That of a batch that is a single shard."""
    return JointOutcome(
        outcome.weight_gradients, outcome.gamma_gradient, outcome.costs, state.limits, state.logits.mix
    )


def gathers_all(weights: int, shards: int) -> bool:
    """Whether the gradients of so many weights, four bytes each, go to every process
    for every shard.
    """
    return 4 * weights * shards <= MOST_GATHERED


def rows_of_shard(shard: int, shards: int, batch: int) -> slice:
    """The rows of a batch that a shard has, as many as every other."""
    each = batch // shards
    return slice(shard * each, (shard + 1) * each)


def joint_step(
    net: SuperNet, team: Team, shards: int, step: Callable[[int], tuple[StepOutcome, LearnState]]
) -> JointOutcome:
    """Run `step` for each shard of this process, and put together what all shards of
    all processes found; the running statistics become those of the whole step.

    Raises:
        PeerLostError: another process ended.
    """
    statistics = RunningStatistics.of(net)
    before, counted = statistics.values(), statistics.counts()
    wide, exact = [], []
    for shard in team.own(shards):
        statistics.put(before, counted)
        outcome, state = step(shard)
        wide.append(_wide(net, outcome, statistics))
        exact.append(_exact(net, outcome, state, statistics))
    gather = gathers_all(sum(parameter.numel() for parameter in net.parameters()), shards)
    host, summed = _exchanged(torch.stack(wide), torch.stack(exact), team, gather)
    # outcome and state are those of the last shard: all have the same shapes
    found = _HostParts(net, outcome, state, counted).read(host)
    mean = summed / shards
    parameters = tuple(net.parameters())
    gradients, moved = mean[: len(mean) - len(before)], mean[len(mean) - len(before) :]
    statistics.put(moved, found.counts)
    given = found.present.tolist()
    parts = parts_of(gradients, parameters)
    weights = tuple(part if there else None for part, there in zip(parts, given, strict=True))
    return JointOutcome(weights if any(given) else None, found.gamma, found.costs, found.limits, found.mix)


def _wide(net: SuperNet, outcome: StepOutcome, statistics: RunningStatistics) -> Tensor:
    """Gradients of all parameters, zero where there is none, and running statistics."""
    parameters = tuple(net.parameters())
    found = outcome.weight_gradients or (None,) * len(parameters)
    gradients = tuple(
        torch.zeros_like(parameter) if gradient is None else gradient
        for parameter, gradient in zip(parameters, found, strict=True)
    )
    every = (*gradients, *statistics.moving)
    return flat_vector(every) if every else torch.empty(0, device=device_of(net))


def _exact(net: SuperNet, outcome: StepOutcome, state: LearnState, statistics: RunningStatistics) -> Tensor:
    """All that is float64 or counted, on the host, as `_HostParts` reads it."""
    found = outcome.weight_gradients or (None,) * sum(1 for _ in net.parameters())
    pieces = [
        torch.tensor([gradient is not None for gradient in found], dtype=torch.float64),
        statistics.counts().cpu().double(),
        torch.from_numpy(np.array(outcome.costs)).reshape(-1),
        torch.from_numpy(np.array(state.limits)).reshape(-1),
        *(part.reshape(-1) for part in (outcome.gamma_gradient, state.logits.mix) if part is not None),
    ]
    return torch.cat(pieces)


def _exchanged(wide: Tensor, exact: Tensor, team: Team, gather: bool) -> tuple[Tensor, Tensor]:
    """The float64 vectors of all shards (shards, …), and the sum of the wide ones, in
    the order of shards.
    """
    if not gather:
        return team.gathered(exact.to(wide.device)).cpu(), team.summed(_added(wide))
    bytes_of = [_bytes(exact.to(wide.device)), _bytes(wide)]
    every = team.gathered(torch.cat(bytes_of, dim=1))
    first, second = (
        part.contiguous().view(kind)
        for part, kind in zip(
            torch.split(every, [part.shape[1] for part in bytes_of], dim=1),
            (exact.dtype, wide.dtype),
            strict=True,
        )
    )
    return first.cpu(), _added(second[:, : wide.shape[1]])


def _bytes(rows: Tensor) -> Tensor:
    """Rows (shards, …) as bytes, filled up so that another row can stand behind."""
    found = rows.contiguous().view(torch.uint8)
    return torch.nn.functional.pad(found, (0, -found.shape[1] % _ALIGNED))


def _added(rows: Tensor) -> Tensor:
    """The sum of rows, the first ones first."""
    total = rows[0].clone()
    for row in rows[1:]:
        total += row
    return total


@dataclass(frozen=True, eq=False)
class _HostFound:
    present: Tensor
    counts: Tensor
    gamma: Tensor | None
    costs: Costs
    limits: Costs
    mix: Tensor | None


@dataclass(frozen=True, eq=False)
class _HostParts:
    """How the float64 vector of a shard is read: with the shapes of this process's own,
    as all shards have the same.
    """

    net: SuperNet
    outcome: StepOutcome
    state: LearnState
    counted: Tensor

    def read(self, rows: Tensor) -> _HostFound:
        """Put together the vectors of all shards (shards, …)."""
        gamma, mix, limits = self.outcome.gamma_gradient, self.state.logits.mix, self.state.limits
        sizes = [
            sum(1 for _ in self.net.parameters()),
            len(self.counted),
            self.outcome.costs.size,
            limits.size,
            0 if gamma is None else gamma.numel(),
            0 if mix is None else mix.numel(),
        ]
        present, counts, costs, limit, gradient, mixed = torch.split(rows, sizes, dim=1)
        return _HostFound(
            present=present.bool().any(dim=0),
            counts=counts.max(dim=0).values.to(self.counted),
            gamma=None if gamma is None else (_added(gradient) / len(rows)).view(gamma.shape),
            costs=_beside(costs, self.outcome.costs.shape),
            limits=limits if limits.shape[1] == 1 else _beside(limit, limits.shape),
            mix=None if mix is None else mixed.reshape(-1, mix.shape[1]),
        )


def _beside(rows: Tensor, shape: Sequence[int]) -> Costs:
    """Flat (budgets, rows) of each shard → (budgets, rows of all)."""
    every: Costs = np.concatenate([row.reshape(shape) for row in rows.numpy()], axis=1)
    return every
