"""The network that magnitudes leave, against one decision after another by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_fabrics import live_by_paths, small_fabrics
from tiny import STRIPES, fabric_of, stripes

from bsngraph.costs import Budget, Budgets, cheapest, parse_budget, resolve_budgets
from bsngraph.fabric import Architecture, Fabric, connected, live_edges
from bsngraph.profile import profile_fabric
from bsngraph.searching.choosing.magnitudes import edge_magnitudes, largest_inside
from bsngraph.supernet import compile_fabric
from bsngraph.tasks import task_of

CHOICES = """\
digraph choices {
  graph [source=x, target=y, channels=2];
  edge  [op=conv, channels="$channels"];
  x [input="1x4x4"];
  x -> a [choice=first, cost_price=3]; x -> a [choice=first, kernel=1, cost_price=1];
  a -> b [gate=pair, cost_price=2]; a -> b [op=identity, cost_price=0];
  b -> y [gate=pair, cost_price=2]; b -> y [kernel=1, cost_price=1];
}
"""


def largest_by_hand(fabric: Fabric, budgets: Budgets, magnitudes: list[float]) -> Architecture | None:
    """Without gates and choices: one edge after another goes, the smallest first, while
    the rest is outside and every target stays within reach; then they come back.
    """
    kept = np.ones(len(fabric.edges), dtype=np.bool_)
    targets = len(fabric.target_indices)

    def reached(mask: np.ndarray) -> bool:
        live = live_by_paths(fabric, mask)
        return len({fabric.endpoints[edge][1] for edge in live} & {*fabric.target_indices}) == targets

    def inside(mask: np.ndarray) -> bool:
        live = np.isin(np.arange(len(mask)), [*live_by_paths(fabric, mask)])
        return bool(budgets.inside(live[None])[0])

    gone = []
    for edge in sorted(fabric.searchable, key=lambda edge: magnitudes[edge]):
        if inside(kept):
            break
        kept[edge] = False
        if reached(kept):
            gone.append(edge)
        else:
            kept[edge] = True
    if not inside(kept):
        return None
    for edge in reversed(gone):
        kept[edge] = True
        kept[edge] = inside(kept)
    return Architecture.of_mask(live_edges(fabric.sweep, kept[None])[0])


@given(small_fabrics(), st.floats(0.05, 1.0), st.integers(0, 99))
def test_the_largest_stay_and_targets_stay_within_reach(fabric: Fabric, share: float, seed: int) -> None:
    profile = profile_fabric(fabric)
    (budget,) = resolve_budgets(profile, [parse_budget("params=1")])
    limit = share * float(profile.params.sum())  # 0 where nothing has parameters
    budgets = Budgets((Budget(budget.cost, limit, "some"),))
    magnitudes = np.random.default_rng(seed).permutation(len(fabric.edges)).astype(np.float64)
    found, by_hand = (
        largest_inside(fabric, budgets, magnitudes),
        largest_by_hand(fabric, budgets, magnitudes.tolist()),
    )
    if by_hand is not None:
        assert found == by_hand
    elif found is None:
        assert cheapest(fabric, budget.cost).value > limit
    else:
        assert budgets.inside(found.mask[None])[0]
        assert connected(fabric, found.mask[None]).all()


@pytest.mark.parametrize(
    ("limit", "magnitudes", "live"),
    [
        (9, [1, 2, 3, 3, 3, 3], (1, 2, 3, 4, 5)),  # the larger option, and everything else
        (9, [2, 1, 3, 3, 3, 3], (0, 2, 3, 4, 5)),
        (5, [1, 2, 9, 8, 9, 7], (1, 2, 3, 4)),  # the gate is largest; what is free comes back
        (5, [1, 2, 1, 8, 9, 7], (1, 3, 5)),  # its mean is 5 now
        (2, [2, 1, 9, 9, 9, 9], (1, 3, 5)),  # the larger option is outside
        (1, [2, 1, 9, 9, 9, 9], None),
    ],
)
def test_gates_go_as_one_and_of_a_choice_one_option_stays(
    tmp_path: Path, limit: int, magnitudes: list[float], live: tuple[int, ...] | None
) -> None:
    profile = profile_fabric(fabric_of(CHOICES, tmp_path))
    budgets = resolve_budgets(profile, [parse_budget(f"price={limit}")])
    found = largest_inside(profile.fabric, Budgets(tuple(budgets)), np.array(magnitudes, dtype=np.float64))
    assert (None if found is None else found.live) == live


def test_a_magnitude_is_the_mean_size_of_what_an_edge_gives(tmp_path: Path) -> None:
    data = stripes()
    net = compile_fabric(profile_fabric(fabric_of(STRIPES, tmp_path)), seed=1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = edge_magnitudes(net, data, task_of(data))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    values = {net.fabric.source_indices[0]: data.normalised(data.validation.inputs)}
    checked = 0
    for edge, (tail, _) in enumerate(net.fabric.endpoints):
        if tail in values and not any(
            isinstance(module, torch.nn.BatchNorm2d) for module in net.operations[edge].modules()
        ):
            with torch.no_grad():
                size = net.operations[edge](values[tail]).abs().mean()
            assert found[edge] == pytest.approx(float(size), rel=1e-4)
            checked += 1
    assert checked
