"""The predictor: facts of networks against hand counts and enumeration of paths, the
process against its posterior by hand, what it would train next against brute force.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_fabrics import every_sample, small_fabrics
from scipy.integrate import quad
from scipy.stats import norm
from test_feasible import budgeted
from tiny import STRIPES, fabric_of, job_of
from tiny import settings as search_settings

from bsngraph.costs import CLOSE, Budget, Budgets, parse_budget, resolve_budgets
from bsngraph.fabric import Architecture, Fabric, connected, fabric_from_networkx, live_edges
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.searching.choosing.candidate import Candidate
from bsngraph.searching.choosing.choose import choose
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState, Trained
from bsngraph.searching.choosing.finalists.first_finalists import first_finalists
from bsngraph.searching.choosing.finalists.trainings_table import trainings_text
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.searching.choosing.predicting import pool as pools
from bsngraph.searching.choosing.predicting.network_facts import FactSheet, path_facts
from bsngraph.searching.choosing.predicting.pool import draw_pool
from bsngraph.searching.choosing.predicting.predictor import Forecast, Places, fit_predictor
from bsngraph.searching.choosing.predicting.structure import structure_of
from bsngraph.searching.choosing.propose import decision_prices
from bsngraph.searching.choosing.shortlist import contenders_inside, first_count
from bsngraph.settings import SearchSettings
from bsngraph.supernet import compile_fabric
from bsngraph.tasks import Metric
from bsngraph.training import Score, Silent

DIAMOND = """\
digraph diamond {
  graph [format=1, source=image, target=scores];
  image [input="2x4x4"];
  image -> a  [op=conv, channels=3, kernel=1, norm=none, fixed=true];
  a -> b      [op=conv, channels=3, kernel=3, norm=none, stride=2];
  a -> b      [op=max_pool, key=pool];
  b -> c      [op=identity];
  b -> d      [op=conv, channels=3, kernel=1, norm=none];
  c -> d      [op=identity];
  d -> scores [op=classifier, classes=2, fixed=true];
}
"""


# --- facts


def test_facts_of_a_small_fabric_by_hand(tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(DIAMOND, tmp_path))
    sheet = FactSheet(profile)
    names = [edge.name for edge in profile.fabric.edges]
    assert names == ["image->a#0", "a->b#0", "a->b#pool", "b->c#0", "b->d#0", "c->d#0", "d->scores#0"]
    live = np.ones((2, 7), dtype=bool)
    live[1, [1, 3, 5]] = False  # image -> a -> b by the pool -> d -> scores
    stem, down, one, head = 4 * 4 * 2 * 3, 2 * 2 * 3 * 3 * 9, 2 * 2 * 3 * 3, 3 * 2
    everything = dict(zip(sheet.names, sheet.facts(live)[0], strict=True))
    little = dict(zip(sheet.names, sheet.facts(live)[1], strict=True))
    macs = stem + down + one + head
    assert everything == pytest.approx(
        {
            "edges": 5,
            "log_params": np.log1p(profile.params.sum()),
            "log_macs": np.log1p(macs),
            "longest_path": 5,
            "shortest_path": 4,
            "log_paths": np.log1p(4),
            "macs_share@4x4": stem / macs,
            "macs_share@2x2": (down + one) / macs,
            "nodes@4x4": 1,
            "nodes@2x2": 3,
            "edges_conv": 1,
            "edges_conv_down": 1,
            "edges_identity": 2,
            "edges_max_pool_down": 1,
        }
    )
    assert [little[name] for name in ("edges", "longest_path", "shortest_path")] == [2, 4, 4]
    assert little["log_paths"] == pytest.approx(np.log(2))
    assert [little[f"edges_{kind}"] for kind in ("conv", "conv_down", "identity", "max_pool_down")] == [
        1, 0, 0, 1,
    ]  # fmt: skip
    assert [little["nodes@4x4"], little["nodes@2x2"]] == [1, 2]


def test_vectors_are_told_apart_by_depth_and_facts_need_no_macs() -> None:
    graph = nx.MultiDiGraph(format=1, source="x", target="y")
    graph.add_node("x", input="4")
    for tail, head in (("x", "a"), ("a", "b"), ("b", "c"), ("c", "y")):
        graph.add_edge(tail, head, op="identity")
        graph.add_edge(tail, head, op="identity")
    profile = profile_fabric(fabric_from_networkx(graph))
    sheet = FactSheet(profile)
    facts = dict(zip(sheet.names, sheet.facts(np.ones((1, 8), dtype=bool))[0], strict=True))
    assert [name for name in facts if name.startswith("nodes@")] == [
        f"nodes@depth{band}" for band in range(4)
    ]
    assert facts["log_paths"] == pytest.approx(np.log(17))
    assert all(facts[name] == 0 for name in facts if name.startswith(("macs_share", "log_macs", "log_par")))


@settings(max_examples=25)
@given(small_fabrics(max_edges=7, operations="identity"))
def test_paths_are_those_that_enumeration_finds(fabric: Fabric) -> None:
    profile = profile_fabric(fabric)
    live = live_edges(fabric.sweep, every_sample(fabric))
    live = live[connected(fabric, live).any(axis=1)]
    assume(len(live))
    longest, shortest, log_paths = path_facts(profile, live)
    for row, mask in enumerate(live):
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(range(len(fabric.nodes)))
        graph.add_edges_from((*fabric.endpoints[edge], str(edge)) for edge in np.flatnonzero(mask))
        lengths = [
            len(path)
            for source in fabric.source_indices
            for target in fabric.target_indices
            if source != target
            for path in nx.all_simple_edge_paths(graph, source, target)
        ]
        assert (longest[row], shortest[row]) == (max(lengths), min(lengths))
        assert log_paths[row] == pytest.approx(np.log1p(len(lengths)))


# --- networks that are the same


WAYS = """\
digraph ways {
  graph [format=1, source=image, target=scores];
  image [input="2x4x4"];
  node [activation=relu];
  edge [op=conv, channels=3, kernel=1, norm=none];
  image -> a [key=s];
  a -> b [key=p]; a -> b [op=identity, key=q];
  b -> c [key=t]; b -> c [op=identity, key=u];
  c -> d [key=v]; c -> d [op=identity, key=x]; a -> d [op=identity, key=w];
  d -> scores [op=classifier, classes=2, key=z];
}
"""


def keys_of(text: str, folder: Path, *choices: str) -> list[bytes]:
    """The keys of what is left of a fabric when edges are dropped, by their keys."""
    profile = profile_fabric(fabric_of(text, folder))
    found = []
    for dropped in choices:
        kept = np.array([edge.key not in dropped for edge in profile.fabric.edges])
        found.append(structure_of(profile, live_edges(profile.fabric.sweep, kept[None])[0]))
    return found


def test_a_convolution_among_identities_is_the_same_wherever_it_is(tmp_path: Path) -> None:
    first, second, third, two, skip = keys_of(WAYS, tmp_path, "qtvw", "puvw", "ptxw", "quvw", "qtv")
    assert first == second == third
    assert len({first, two, skip}) == 3


def test_two_nodes_that_are_alike_are_not_one_that_is_used_twice() -> None:
    def made(shared: bool) -> tuple[FabricProfile, np.ndarray]:
        graph = nx.MultiDiGraph(format=1, source="x", target="y")
        graph.add_node("x", input="2x4x4")
        conv = {"op": "conv", "channels": 3, "kernel": 1, "norm": "none"}
        pool = {"op": "max_pool", "stride": 2}
        graph.add_edge("x", "a", **conv)
        graph.add_edge("a", "y", key="1", **pool)
        if not shared:
            graph.add_edge("x", "b", **conv)
        graph.add_edge("a" if shared else "b", "y", key="2", **pool)
        profile = profile_fabric(fabric_from_networkx(graph))
        return profile, np.ones(len(profile.fabric.edges), dtype=bool)

    assert structure_of(*made(True)) != structure_of(*made(False))


@settings(max_examples=25, deadline=None)
@given(small_fabrics(max_edges=7, operations="identity"))
def test_networks_without_weights_that_share_a_key_compute_the_same(fabric: Fabric) -> None:
    profile = profile_fabric(fabric)
    net = compile_fabric(profile, seed=0).double().eval()
    live = np.unique(live_edges(fabric.sweep, every_sample(fabric)), axis=0)
    live = live[connected(fabric, live).all(axis=1)]
    generator = torch.Generator().manual_seed(0)
    inputs = {
        name: torch.randn(1, *profile.node_shapes[node], dtype=torch.float64, generator=generator)
        for name, node in zip(fabric.sources, fabric.source_indices, strict=True)
    }
    found: dict[bytes, list[torch.Tensor]] = {}
    for row in live:
        with torch.no_grad():
            answer = net(inputs if len(inputs) > 1 else next(iter(inputs.values())), row[None])
        answers = list(answer.values()) if isinstance(answer, dict) else [answer]
        before = found.setdefault(structure_of(profile, row), answers)
        assert all(torch.allclose(a, b) for a, b in zip(before, answers, strict=True))


# --- the process


def test_the_posterior_is_that_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    seen, new = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    results = np.sin(seen[:, 0]) + 0.1 * rng.normal(size=6)
    predictor = fit_predictor(seen, results)
    prediction = predictor.predict(new)
    kernel = predictor.process.kernel_
    amplitude, length, noise = kernel.k1.k1.constant_value, kernel.k1.k2.length_scale, kernel.k2.noise_level

    def covariance(a: Any, b: Any) -> Any:
        squares = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
        return amplitude * np.exp(-squares / (2 * length**2))

    mean, spread = results.mean(), results.std()
    inverse = np.linalg.inv(covariance(seen, seen) + noise * np.eye(6))
    between = covariance(new, seen)
    np.testing.assert_allclose(
        prediction.mean, mean + spread * between @ inverse @ ((results - mean) / spread)
    )
    variance = amplitude - np.einsum("ij,jk,ik->i", between, inverse, between)
    np.testing.assert_allclose(prediction.deviation, spread * np.sqrt(variance), rtol=1e-5)


def test_the_gain_is_the_mean_of_what_lies_above_the_best() -> None:
    prediction = Forecast(np.array([0.0, -1.0, 2.0, 1.5]), np.array([1.0, 0.5, 0.3, 0.0]))

    def above(mean: float, deviation: float) -> float:
        return float(quad(lambda x: max(0.0, x - 0.7) * norm.pdf(x, mean, deviation), -9, 9, points=[0.7])[0])

    expected = [above(0.0, 1.0), above(-1.0, 0.5), above(2.0, 0.3)]
    np.testing.assert_allclose(prediction.gain(0.7), [*expected, 0.8], atol=1e-7)


def test_facts_and_edges_weigh_the_same_and_what_is_the_same_for_all_weighs_nothing(tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(DIAMOND, tmp_path))
    live = np.stack([each.mask for each in every_architecture(profile.fabric)])
    sheet = FactSheet(profile)
    places = Places.among(sheet, live).of(live)
    facts, edges = places[:, : len(sheet.names)], places[:, len(sheet.names) :]
    assert (facts**2).sum(axis=1).mean() == pytest.approx((edges**2).sum(axis=1).mean())
    assert not edges[:, [0, 6]].any(), "fixed edges are always there"
    assert np.isfinite(places).all()


def test_without_networks_to_stand_among_all_are_in_one_place(tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(DIAMOND, tmp_path))
    places = Places.among(FactSheet(profile), np.zeros((0, 7), dtype=bool))
    live = np.stack([each.mask for each in every_architecture(profile.fabric)])
    assert not places.of(live).any()


def test_one_result_and_equal_results_are_no_trouble() -> None:
    place = np.zeros((1, 2))
    assert fit_predictor(place, np.array([3.0])).predict(place).mean == pytest.approx([3.0])
    both = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert fit_predictor(both, np.array([2.0, 2.0])).predict(both).mean == pytest.approx([2.0, 2.0])


# --- the pool


@pytest.mark.parametrize("tried", [2**12, 1], ids=["all", "drawn"])
@settings(max_examples=20)
@given(budgeted(), st.integers(0, 2**20))
def test_a_pool_is_distinct_inside_every_budget_and_the_same_again(tried: int, case: Any, seed: int) -> None:
    profile, budgets, live = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "MOST_TRIED", tried)
        patch.setattr(pools, "DRAWN", 64)
        found, again = (
            draw_pool(
                FactSheet(profile),
                budgets,
                decision_prices(profile.fabric, budgets),
                40,
                np.random.default_rng(seed),
            )
            for _ in range(2)
        )
    assert np.array_equal(found, again)
    assert len(np.unique(found, axis=0)) == len(found)
    inside = live[budgets.inside(live)]
    inside = np.unique(inside[connected(profile.fabric, inside).all(axis=1)], axis=0)
    known = {row.tobytes() for row in inside}
    assert all(row.tobytes() in known for row in found)
    if tried > 1:
        assert len(found) == len(known)


# --- what is trained next


def contenders_of(tmp_path: Path, budget: str = "price=6") -> tuple[FabricProfile, Contenders]:
    profile = profile_fabric(fabric_of(STRIPES, tmp_path))
    job = job_of(profile, tmp_path, budget, settings=search_settings(finalists=6))
    return profile, contenders_inside(job, job.budgets)


def state_of(contenders: Contenders, losses: list[float]) -> FinalistsState:
    finalists = [Finalist(Architecture.of_mask(row).live, "random") for row in contenders.live[: len(losses)]]
    return FinalistsState(tuple(finalists), tuple(Trained(loss, {"accuracy": 0.5}) for loss in losses))


def test_the_most_promising_is_the_largest_gain_of_all_that_is_not_trained(tmp_path: Path) -> None:
    _, contenders = contenders_of(tmp_path)
    state = state_of(contenders, [0.9, 0.5, 0.7])
    places = contenders.places.of(contenders.live)
    prediction = fit_predictor(places[:3], -np.log([0.9, 0.5, 0.7])).predict(places)
    gain = prediction.gain(prediction.mean.max())
    gain[:3] = -1
    every = contenders.most_promising(state, 99)
    assert len(contenders.live) > 4, "there is something to choose from"
    profile, edges = contenders.places.sheet.profile, contenders.live.shape[1]
    keys = [structure_of(profile, row) for row in contenders.live]
    offered = [structure_of(profile, Architecture(edges, each.live).mask) for each in every]
    assert sorted(offered) == sorted({*keys} - {*keys[:3]}), "each network that is another, once"
    gain[[key in keys[:3] for key in keys]] = -1
    best = int(gain.argmax())
    assert every[0].live == Architecture.of_mask(contenders.live[best]).live
    assert every[0].predicted == pytest.approx((-prediction.mean[best], prediction.deviation[best]))


def test_only_what_is_close_to_soft_budgets_is_promising(tmp_path: Path) -> None:
    profile, contenders = contenders_of(tmp_path, "price=1000")
    (budget,) = resolve_budgets(profile, [parse_budget("price=5")])
    soft = Contenders(
        contenders.live, contenders.places, Budgets((Budget(budget.cost, budget.limit, "price~=5", "~="),))
    )
    masks = [each.mask for each in every_architecture(profile.fabric)]
    near = soft.as_near_as(masks)
    assert 0 < len(near.live) < len(soft.live)
    assert (soft.budgets.miss(near.live) <= CLOSE).all()
    state = state_of(near, [0.9])
    offered = near.most_promising(state, 99)
    assert all(budget.cost.of(Architecture(len(masks[0]), each.live).mask[None])[0] == 5 for each in offered)


def test_the_choice_goes_by_the_mean_and_not_by_the_luckiest_figure(tmp_path: Path) -> None:
    profile, contenders = contenders_of(tmp_path)
    job = job_of(profile, tmp_path, "price=6", settings=search_settings(finalists=6))
    state = state_of(contenders, [0.9, 0.5, 0.7])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Contenders, "believed", lambda self, state: Forecast(np.array([0.1, 0.2, 0.3]), np.zeros(3))
        )
        chosen = choose(job, contenders, state, Silent())
    assert chosen.architecture.live == state.finalists[2].live


def candidate(number: int) -> Candidate:
    return Candidate(Architecture(9, (number,)), Score(float(number), {}, Metric("accuracy", "accuracy")))


def test_the_first_finalists_are_diverse() -> None:
    graph = nx.MultiDiGraph(format=1, source="x", target="y")
    graph.add_node("x", input="1x4x4")
    for kernel in (*range(1, 16, 2), 15):  # the last two are the same
        graph.add_edge("x", "y", op="conv", channels=2, kernel=kernel, norm="none")
    profile = profile_fabric(fabric_from_networkx(graph))
    ranked, likeliest = [candidate(number) for number in range(3)], Architecture(9, (5,))
    pool = np.eye(9, dtype=bool)[[7, 0, 8, 6]]
    largest = [Architecture(9, (4,))]
    found = first_finalists(profile, ranked, largest, likeliest, pool, 4)
    assert [(each.live[0], each.chosen_by) for each in found.values()] == [
        (0, "shared weights"), (7, "random"), (4, "magnitudes"), (5, "gamma"), (6, "random"),
        (1, "shared weights"), (2, "shared weights"),
    ]  # fmt: skip
    alone = first_finalists(profile, ranked, largest, likeliest, pool, 1)
    assert [each.live[0] for each in alone.values()] == [0, 1, 2]


@pytest.mark.parametrize(("finalists", "first"), [(0, 1), (1, 1), (2, 2), (3, 2), (9, 3), (12, 4), (30, 10)])
def test_a_third_of_the_finalists_is_decided_on_before_any_is_trained(finalists: int, first: int) -> None:
    assert first_count(SearchSettings(finalists=finalists)) == first


def test_trainings_csv_says_what_was_trained_expected_and_found(tmp_path: Path) -> None:
    profile, contenders = contenders_of(tmp_path)
    state = state_of(contenders, [0.9, 0.5])
    state = state.with_next(contenders.most_promising(state, 1)[0])
    rows = list(csv.DictReader(io.StringIO(trainings_text(contenders, state))))
    assert [row["number"] for row in rows] == ["1", "2"], "the third has not been trained yet"
    state = FinalistsState(state.finalists, (*state.results, Trained(0.6, {"accuracy": 0.25})))
    rows = list(csv.DictReader(io.StringIO(trainings_text(contenders, state))))
    assert [row["chosen_by"] for row in rows] == ["random", "random", "prediction"]
    assert [row["predicted_log_loss"] != "" for row in rows] == [False, False, True]
    assert [float(row["loss"]) for row in rows] == [0.9, 0.5, 0.6]
    assert [float(row["validation_accuracy"]) for row in rows] == [0.5, 0.5, 0.25]
    (price,) = resolve_budgets(profile, [parse_budget("price=6")])
    for row, finalist in zip(rows, state.finalists, strict=True):
        mask = Architecture(len(profile.fabric.edges), finalist.live).mask[None]
        assert float(row["cost_price"]) == price.cost.of(mask)[0]
        facts = FactSheet(profile).facts(mask)[0]
        assert [float(row[name]) for name in FactSheet(profile).names] == pytest.approx(facts.tolist())
    expected = -contenders.believed(state).mean
    assert [float(row["expected_log_loss"]) for row in rows] == pytest.approx(expected.tolist())
