"""Edges by a score: how much each adds in a trained network, and what is left when the
smallest go first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

import bsngraph
from bsngraph.costs import AdditiveCost, Budget, Budgets, Costs, Scheduled
from bsngraph.data import Dataset
from bsngraph.fabric import Architecture, Booleans, Fabric, live_edges
from bsngraph.profile import FabricProfile
from bsngraph.supernet import SuperNet
from bsngraph.training import evaluate_net


def output_magnitudes(net: SuperNet, dataset: Dataset) -> dict[str, float]:
    """The mean absolute value of what each edge gives to its node, over the validation
    split: edge name → magnitude.
    """
    sums = [0.0] * len(net.operations)

    def counting(edge: int) -> object:
        def count(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            sums[edge] += float(output.abs().flatten(1).mean(dim=1).sum())

        return net.operations[edge].register_forward_hook(count)

    hooks = [counting(edge) for edge in range(len(sums))]
    evaluate_net(net, dataset, dataset.validation, np.ones(len(sums), dtype=np.bool_))
    for hook in hooks:
        hook.remove()  # type: ignore[attr-defined]
    return {
        edge.name: total / len(dataset.validation) for edge, total in zip(net.fabric.edges, sums, strict=True)
    }


def without_smallest(profile: FabricProfile, budget: Budget, scores: Sequence[float]) -> Architecture:
    """What is left when searchable edges go, the smallest of `scores` (edges,) first,
    until the rest is inside the budget.

    An edge stays where without it no path inside the budget would be left. At the end
    what went comes back, the largest first, where the budget has room for what it
    costs; what costs nothing does not.

    Raises:
        BsngraphError: no path is inside the budget.
    """
    fabric, sweep = profile.fabric, profile.fabric.sweep
    weights, budgets = _path_weights(budget), Budgets((budget,))
    kept = np.ones(len(fabric.edges), dtype=np.bool_)
    gone = []
    for edge in sorted(fabric.searchable, key=lambda edge: (scores[edge], edge)):
        if budgets.met_by(live_edges(sweep, kept[None])[0]):
            break
        kept[edge] = False
        if not budget.met(cheapest_path(fabric, kept, weights)):
            kept[edge] = True
        else:
            gone.append(edge)
    for edge in reversed(gone):
        kept[edge] = weights[edge] > 0
        kept[edge] &= budgets.met_by(live_edges(sweep, kept[None])[0])
    return bsngraph.architecture_of(fabric, kept)


def cheapest_path(fabric: Fabric, kept: Booleans, weights: Costs) -> float:
    """The least sum of `weights` (edges,) on a path of kept edges to the target;
    infinite where there is none.
    """
    (target,) = fabric.target_indices
    least = [0.0 if node in fabric.source_indices else np.inf for node in range(len(fabric.nodes))]
    for node, incoming in enumerate(fabric.incoming):
        ways = [least[fabric.endpoints[edge][0]] + float(weights[edge]) for edge in incoming if kept[edge]]
        least[node] = min([least[node], *ways])
    return least[target]


def _path_weights(budget: Budget) -> Costs:
    """What edges cost on a path by themselves: (edges,)."""
    cost = budget.cost
    if isinstance(cost, AdditiveCost):
        return cost.per_edge
    assert isinstance(cost, Scheduled), f"what a path costs in {cost.name} is not known"
    return cost.durations


def by_index(fabric: Fabric, named: dict[str, float]) -> list[float]:
    """Scores by edge name in the order of a fabric's edges."""
    return [named[edge.name] for edge in fabric.edges]
