"""The network that magnitudes leave: of the whole fabric under the shared weights, what
adds least goes first.

An edge's magnitude is the mean absolute value of what it gives to its node, over the
validation split. Pruning by it is an old and simple way (Han et al. 2015, there by
weights). It needs no Γ, and it knows something else than validation losses do: which
edges the weights have come to rely on.
"""

from __future__ import annotations

import bisect
import copy
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from bsngraph.costs import Budgets, inside_budgets
from bsngraph.data import Dataset
from bsngraph.fabric import Architecture, Booleans, Fabric, connected, live_edges
from bsngraph.searching.choosing.predicting.network_facts import Floats
from bsngraph.searching.choosing.predicting.pool import fill
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training import evaluate_net, recompute_batch_norm


def edge_magnitudes(net: SuperNet, dataset: Dataset, task: Task) -> Floats:
    """The mean absolute value of what each edge gives, with every edge kept: (edges,).

    BatchNorm has the statistics of the whole fabric; those of `net` stay.
    """
    whole = copy.deepcopy(net)
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    recompute_batch_norm(whole, dataset, everything)
    sums = np.zeros(len(everything))
    with ExitStack() as hooks:
        for edge, operation in enumerate(whole.operations):
            hook = operation.register_forward_hook(_counting(sums, edge))
            hooks.callback(hook.remove)
        evaluate_net(whole, dataset, dataset.validation, everything, task)
    return sums / len(dataset.validation)


def largest_inside(fabric: Fabric, budgets: Budgets, magnitudes: Floats) -> Architecture | None:
    """What is left of a fabric when its smallest decisions go, one after another, until
    the rest is inside the hard budgets. What went comes back, the largest first, where
    there is room.

    `magnitudes` (edges,); a decision has the mean of its edges. Of a choice the largest
    option is on. A decision without which a target would be out of reach stays. If what
    stays is outside, it is the network inside whose decisions are largest in sum. None
    where none is found.
    """
    decisions = fabric.decisions
    sizes = np.array([magnitudes[list(edges)].mean() for edges in decisions.edges_of])
    on = np.ones(len(sizes), dtype=np.bool_)
    for choice in decisions.choices:
        on[list(choice)] = np.arange(len(choice)) == sizes[list(choice)].argmax()
    free = np.array(decisions.free, dtype=np.intp)
    going = _not_needed(fabric, on, free[np.argsort(sizes[free], kind="stable")])

    def outside(count: int) -> bool:
        live = _live_without(fabric, on, going[:count])
        return not (budgets.inside(live[None])[0] and connected(fabric, live[None]).all())

    if outside(len(going)):
        weights = np.zeros(len(fabric.edges))
        weights[decisions.first_edges] = -sizes
        return inside_budgets(fabric, budgets, kept_weight=weights).architecture
    gone = going[: bisect.bisect_left(range(len(going)), True, key=lambda count: not outside(count))]
    kept = on.copy()
    kept[gone] = False
    kept = fill(fabric, kept[None], budgets, gone[::-1])[0]
    return Architecture.of_mask(live_edges(fabric.sweep, decisions.kept(kept[None]))[0])


def _not_needed(fabric: Fabric, on: Booleans, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The decisions of `order` that can go one after another, without those that would
    take the last path to a target with them.
    """

    def cuts(count: int) -> bool:
        return not connected(fabric, _live_without(fabric, on, order[:count])[None]).all()

    passed = 0
    while passed < len(order) and cuts(len(order)):
        passed += bisect.bisect_left(range(passed + 1, len(order)), True, key=cuts)
        order = np.delete(order, passed)
    return order


def _live_without(fabric: Fabric, on: Booleans, gone: NDArray[np.intp]) -> Booleans:
    """The live edges (edges,) when of the decisions that are on some are gone."""
    kept = on.copy()
    kept[gone] = False
    live: Booleans = live_edges(fabric.sweep, fabric.decisions.kept(kept[None]))[0]
    return live


def _counting(sums: Floats, edge: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    """A hook that adds up what an edge gives, a mean for each example."""

    def count(_operation: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        sums[edge] += float(output.detach().abs().flatten(1).mean(dim=1).double().sum())

    return count
