"""Gates and choices: sampling, log-probabilities, the integer program and neighbours
honour them, against enumeration.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from random_fabrics import small_fabrics
from tiny import NO_LIMITS

from bsngraph.costs import cheapest, inside_budgets, parse_budget, price, resolve_budgets
from bsngraph.errors import FabricError, InfeasibleBudgetError
from bsngraph.fabric import (
    Booleans,
    Decisions,
    Fabric,
    connected,
    live_edges,
    read_fabric,
    write_fabric,
)
from bsngraph.profile import profile_fabric
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.choosing.rank import neighbours
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.gamma.policy_gradient import policy_gradient
from bsngraph.supernet import compile_fabric

TIED = """
digraph tied {
  graph [source=x, target=y];
  x [input="4x4x4"];
  edge [op=conv, channels=4, kernel=1, norm=none];
  x -> a [gate=left]; x -> a [op=identity, choice=first, gate=skip]; x -> a [kernel=3, choice=first];
  a -> b [gate=left]; a -> b [op=identity, choice=second]; a -> b [kernel=3, choice=second];
  a -> b [choice=second, op=avg_pool, window=3, stride=1];
  b -> c [op=identity, choice=first, gate=skip]; b -> c;
  c -> y [op=classifier, classes=2, fixed=true];
}
"""


@pytest.fixture
def tied(tmp_path) -> Fabric:
    path = tmp_path / "tied.dot"
    path.write_text(TIED)
    return read_fabric(path)


def legitimate(fabric: Fabric) -> list[Booleans]:
    """Every choice of edges that honours fixed edges, gates and choices, by trying all
    2^E.
    """
    rows = []
    for bits in itertools.product((False, True), repeat=len(fabric.edges)):
        gates: dict[str, set[bool]] = {}
        options: dict[str, dict[str, bool]] = {}
        for edge, kept in zip(fabric.edges, bits, strict=True):
            if edge.gate:
                gates.setdefault(edge.gate, set()).add(kept)
            if edge.choice:
                options.setdefault(edge.choice, {})[edge.gate or edge.name] = kept
        fixed = all(kept for edge, kept in zip(fabric.edges, bits, strict=True) if edge.fixed)
        if (
            fixed
            and all(len(seen) == 1 for seen in gates.values())
            and all(sum(seen.values()) == 1 for seen in options.values())
        ):
            rows.append(np.array(bits))
    return rows


@st.composite
def tied_fabrics(draw: st.DrawFn) -> Fabric:
    """A random fabric in which some edges are tied at random."""
    fabric = draw(small_fabrics(max_edges=8, max_inner=4, operations="identity", norm="none", costs=True))
    edges = []
    gate_choice: dict[str, str | None] = {}
    for edge in fabric.edges:
        gate = None if edge.fixed else draw(st.sampled_from([None, None, "g", "h"]))
        choice = None if edge.fixed else draw(st.sampled_from([None, None, "c"]))
        if gate is not None:
            choice = gate_choice.setdefault(gate, choice)
        edges.append(replace(edge, gate=gate, choice=choice))
    assume(len({edge.gate or edge.name for edge in edges if edge.choice}) != 1)
    return replace(fabric, edges=tuple(edges))


def test_variables_are_edges_and_gates_and_a_choice_groups_them(tied: Fabric) -> None:
    decisions = tied.decisions
    names = [
        {tied.edges[edge].gate or tied.edges[edge].name for edge in edges} for edges in decisions.edges_of
    ]
    assert all(len(name) == 1 for name in names)
    assert sorted(len(choice) for choice in decisions.choices) == [2, 3]


@given(fabric=tied_fabrics(), data=st.data())
def test_a_completed_choice_is_legitimate_and_holds_the_edges_asked_for(
    fabric: Fabric, data: st.DataObject
) -> None:
    wanted = np.array([data.draw(st.booleans()) for _ in fabric.edges]) & ~np.array(
        [edge.fixed for edge in fabric.edges]
    )
    kept = fabric.decisions.completed(wanted)
    holding = [row for row in legitimate(fabric) if (row[wanted]).all()]
    assert (kept is None) == (not holding)
    assert kept is None or any(np.array_equal(kept, row) for row in holding)


@given(fabric=tied_fabrics())
def test_kept_and_values_are_inverse_and_reach_every_legitimate_choice(fabric: Fabric) -> None:
    decisions = fabric.decisions
    rows = np.stack(legitimate(fabric))
    assert np.array_equal(decisions.kept(decisions.values(rows)), rows)
    assert len(np.unique(rows, axis=0)) == 2 ** len(decisions.free) * int(
        np.prod([len(choice) for choice in decisions.choices])
    )


def tilted(fabric: Fabric, probability: float) -> EdgeLogits:
    """A Γ in which every edge has another logit."""
    gamma = Gamma(fabric, probability)
    gamma.logits += torch.linspace(-1, 1, len(fabric.edges), dtype=torch.float64)
    return gamma.at(NO_LIMITS)


def test_samples_honour_gates_and_choices_with_the_stated_frequencies(tied: Fabric) -> None:
    logits = tilted(tied, 0.7)
    samples = logits.sample(20_000, torch.Generator().manual_seed(0))
    known = {row.tobytes() for row in legitimate(tied)}
    assert {row.tobytes() for row in samples} <= known
    chances = logits.probabilities.numpy()
    error = 4 * np.sqrt(chances * (1 - chances) / len(samples)) + 1e-12
    assert (np.abs(samples.mean(axis=0) - chances) <= error).all()
    for choice in ("first", "second"):
        assert sum(
            chances[e]
            for e in {
                edge.gate or edge.name: i for i, edge in enumerate(tied.edges) if edge.choice == choice
            }.values()
        ) == pytest.approx(1)


def probability(decisions: Decisions, logits: torch.Tensor, row: Booleans) -> torch.Tensor:
    """The chance of a sample, decision by decision, differentiable in the logits."""
    first = decisions.first_edges
    chance = torch.ones((), dtype=torch.float64)
    for variable in decisions.free:
        p = torch.sigmoid(logits[first[variable]])
        chance = chance * (p if row[first[variable]] else 1 - p)
    for choice in decisions.choices:
        share = torch.softmax(logits[first[list(choice)]], 0)
        chance = chance * share[int(np.flatnonzero(row[first[list(choice)]])[0])]
    return chance


def test_the_policy_gradient_is_exact_in_expectation_under_gates_and_choices(tied: Fabric) -> None:
    given = tilted(tied, 0.6)
    rows = legitimate(tied)
    value = torch.from_numpy(np.random.default_rng(0).normal(size=len(rows)))
    logits = given.logits.clone().requires_grad_(True)
    chances = torch.stack([probability(given.index.decisions, logits, row) for row in rows])
    assert float(chances.detach().sum()) == pytest.approx(1)
    (exact,) = torch.autograd.grad(chances @ value, logits)
    mean = torch.zeros_like(exact)
    chances = chances.detach()
    for (i, here), (j, there) in itertools.product(enumerate(rows), repeat=2):
        estimate = policy_gradient(given, np.stack([here, there]), value[[i, j]], "leave-one-out")
        mean += chances[i] * chances[j] * estimate
    assert torch.allclose(mean, exact, atol=1e-12)


@given(fabric=tied_fabrics())
def test_the_cheapest_tied_sub_network_is_the_enumerated_one(fabric: Fabric) -> None:
    cost = price(profile_fabric(fabric), "energy")
    live = live_edges(fabric.sweep, np.stack(legitimate(fabric)))
    whole = connected(fabric, live).all(axis=1)
    if not whole.any():
        with pytest.raises(InfeasibleBudgetError, match="gates and choices"):
            cheapest(fabric, cost)
        return
    found = cheapest(fabric, cost)
    assert found.proved
    assert found.value == pytest.approx(float(cost.of(live[whole]).min()), abs=1e-9)


def test_proposals_and_neighbours_are_live_parts_of_legitimate_choices(tied: Fabric) -> None:
    net = compile_fabric(tied, seed=0)
    budgets = resolve_budgets(net.profile, [parse_budget("macs=60%")])
    reachable = {tuple(np.flatnonzero(row)) for row in live_edges(net.sweep, np.stack(legitimate(tied)))}
    generator = torch.Generator().manual_seed(0)
    proposals = propose(Gamma(tied, 0.5).at(budgets.limits[:, None]), net, budgets, 16, generator)
    assert proposals
    for architecture in proposals:
        assert architecture.live in reachable
        for near in neighbours(net, architecture, budgets):
            assert near.live in reachable
    assert inside_budgets(tied, budgets).architecture is not None


def test_gates_and_choices_survive_writing_and_end_with_pruning(tied: Fabric, tmp_path) -> None:
    write_fabric(tied, tmp_path / "again.dot")
    assert read_fabric(tmp_path / "again.dot") == tied
    from bsngraph.supernet import prune

    least = cheapest(tied, price(profile_fabric(tied), "macs")).architecture
    assert all(edge.gate is None and edge.choice is None for edge in prune(tied, least).edges)


@pytest.mark.parametrize(
    ("edges", "text"),
    [
        ("x -> y [gate=g, fixed=true]; x -> y", "a fixed edge has no gate"),
        ("x -> y [choice=c, fixed=true]; x -> y", "a fixed edge has no choice"),
        ("x -> y [choice=c]; x -> y", "choice c has a single option"),
        (
            "x -> y [gate=g, choice=c]; x -> y [gate=g]; x -> y [choice=c]",
            "gate g has edges of different choice",
        ),
        (
            "x -> y [gate=g, probability=0.1]; x -> y [gate=g, probability=0.2]",
            "gate g has edges of different probability",
        ),
    ],
)
def test_ties_that_contradict_themselves_are_errors(edges: str, text: str, tmp_path) -> None:
    path = tmp_path / "bad.dot"
    path.write_text(
        f'digraph {{ graph [source=x, target=y]; x [input="1x4x4"]; edge [op=identity]; {edges} }}'
    )
    with pytest.raises(FabricError, match=text):
        read_fabric(path)
