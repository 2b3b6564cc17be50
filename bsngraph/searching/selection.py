"""The choice of the architecture: candidates inside every budget, compared on validation data with the shared weights.

The guarantee stands here and not in a penalty: nothing outside a budget is ever a candidate, and there is always one,
since the most probable choice inside the budgets is found by integer programming.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import Budget, inside_budgets, meets
from bsngraph.data import Dataset
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, Booleans, Decisions, Fabric, connected, decisions_of, live_edges
from bsngraph.searching.edge_distribution import EdgeDistribution
from bsngraph.searching.evaluation import Score, evaluate_net, recompute_batch_norm
from bsngraph.searching.task import Task
from bsngraph.supernet import SuperNet

# How strongly the cost may tilt Γ when too few of its samples are inside the budgets.
_TILTS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_ROUNDS_OF_NEIGHBOURS = 4


@dataclass(frozen=True)
class Candidate:
    """An architecture with its score on validation data under the shared weights."""

    architecture: Architecture
    score: Score


def propose(
    distribution: EdgeDistribution, net: SuperNet, budgets: Sequence[Budget], count: int, generator: torch.Generator
) -> list[Architecture]:
    """Distinct architectures inside the budgets: the thresholded Γ, samples of Γ, and the most probable choice that is inside.

    Where fewer than `count` of the samples are inside, Γ is tilted by the cost, logit_e − τ·Σ_k c_ke/B_k with growing τ, so
    that a budget far under the one searched for still gets candidates.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
    """
    found: dict[Architecture, None] = {}
    found |= dict.fromkeys(_inside(net, distribution.thresholded()[None], budgets))
    weight = _budget_weights(distribution, budgets)
    for tilt in _TILTS if budgets else _TILTS[:1]:
        if len(found) >= count:
            break
        kept = distribution.sample(2 * count, generator, shift=-tilt * weight)
        found |= dict.fromkeys(_inside(net, kept, budgets))
    likeliest = inside_budgets(net.fabric, budgets, kept_weight=-(distribution.logits * distribution.leading).numpy())
    if likeliest is None:
        raise InfeasibleBudgetError(f"no sub-network meets {' and '.join(budget.text for budget in budgets)}")
    return list(dict.fromkeys([likeliest, *list(found)[: count + 1]]))


def choose(
    net: SuperNet, dataset: Dataset, proposals: Iterable[Architecture], budgets: Sequence[Budget], task: Task | None = None
) -> list[Candidate]:
    """The proposals and what lies near the best of them, best first by validation loss.

    Samples of Γ settle under their budget; so the best is compared with its neighbours inside the budgets, one edge more, one
    less or one for another, as long as that gains. `task` is the data's own where none is given.
    """
    scores: dict[Architecture, Candidate] = {}

    def score(architecture: Architecture) -> Candidate:
        if architecture not in scores:
            recompute_batch_norm(net, dataset, architecture.mask, batches=4)
            scores[architecture] = Candidate(architecture, evaluate_net(net, dataset, dataset.validation, architecture.mask, task))
        return scores[architecture]

    best = min((score(architecture) for architecture in proposals), key=_order)
    for _ in range(_ROUNDS_OF_NEIGHBOURS):
        near = [score(architecture) for architecture in neighbours(net, best.architecture, budgets)]
        better = min([best, *near], key=_order)
        if better is best:
            break
        best = better
    return sorted(scores.values(), key=_order)


def neighbours(net: SuperNet, architecture: Architecture, budgets: Sequence[Budget]) -> list[Architecture]:
    """Architectures inside the budgets that decide one thing otherwise: one edge or gate more or less, or another for it."""
    decisions = decisions_of(net.fabric)
    kept = decisions.completed(architecture.mask)
    assert kept is not None, "an architecture is the live part of a legitimate choice"
    base = decisions.values(kept)
    changed = [
        _switched(base, on=(), off=(variable,)) if base[variable] else _switched(base, on=(variable,), off=())
        for variable in decisions.free
    ]
    for choice in decisions.choices:
        changed += [_switched(base, on=(option,), off=choice) for option in choice if not base[option]]
    for here, there in _parallel(net.fabric, decisions):
        if base[here] and not base[there]:
            changed.append(_switched(base, on=(there,), off=(here,)))
    inside = _inside(net, decisions.kept(np.stack(changed)), budgets) if changed else []
    return [near for near in dict.fromkeys(inside) if near != architecture]


def _parallel(fabric: Fabric, decisions: Decisions) -> Iterable[tuple[int, int]]:
    """Pairs of free variables that are single edges between the same two nodes."""
    between: dict[tuple[int, int], list[int]] = {}
    for variable in decisions.free:
        if len(decisions.edges_of[variable]) == 1:
            between.setdefault(fabric.endpoints[decisions.edges_of[variable][0]], []).append(variable)
    return (pair for group in between.values() for pair in permutations(group, 2))


def _budget_weights(distribution: EdgeDistribution, budgets: Sequence[Budget]) -> Tensor:
    """What keeping each decision costs in shares of the budgets, on its leading edge: (edges,)."""
    decisions = distribution.decisions
    weights = torch.zeros(len(distribution.logits), dtype=torch.float64)
    for budget in budgets:
        for first, edges in zip(decisions.first_edges, decisions.edges_of, strict=True):
            weights[first] += float(budget.cost.per_edge[list(edges)].sum()) / budget.limit
    return weights


def _order(candidate: Candidate) -> tuple[float, tuple[int, ...]]:
    return candidate.score.loss, candidate.architecture.live


def _switched(values: Booleans, *, on: Sequence[int], off: Sequence[int]) -> Booleans:
    changed = values.copy()
    changed[list(off)] = False
    changed[list(on)] = True
    return changed


def _inside(net: SuperNet, kept: Booleans, budgets: Sequence[Budget]) -> list[Architecture]:
    """The architectures among samples (count, edges) that connect every target inside every budget, in order."""
    fixed = np.array([edge.fixed for edge in net.fabric.edges])
    live = live_edges(net.sweep, kept | fixed)
    whole = connected(net.fabric, live).all(axis=1)
    return [Architecture(len(row), tuple(int(edge) for edge in np.flatnonzero(row))) for row in live[whole] if meets(row, budgets)]
