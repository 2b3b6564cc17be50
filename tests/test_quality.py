"""What is compared in benchmarks/accuracy/quality is what it says: networks inside
their budgets, a relaxation that is the fabric, rows run once.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_fabrics import every_sample
from scipy import stats
from tiny import STRIPES_NORM, no_pictures, recipe, settings, stripes, written

import bsngraph
from benchmarks.accuracy.quality import fronts, networks, report, rows, runner, scores
from benchmarks.accuracy.quality.methods import Means, choose
from benchmarks.accuracy.quality.mixture import Mixture, halves
from benchmarks.accuracy.quality.problems import METHODS, PROBLEMS, Problem, Series
from benchmarks.accuracy.quality.rows import Key
from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.errors import RunFailedError
from bsngraph.fabric import architecture_of, connected, live_edges
from bsngraph.fabric.families import cnf_fabric
from bsngraph.profile import profile_fabric
from bsngraph.supernet import compile_fabric, prune_net
from bsngraph.training import evaluate_net

SMALL = profile_fabric(cnf_fabric(input_shape=(1, 4, 4), classes=3, layers=2, channels=8, merge="mean"))


@pytest.fixture
def problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problem:
    """The stripes, one epoch each."""
    no_pictures(monkeypatch)
    path = written(STRIPES_NORM, tmp_path)
    short = recipe(epochs=1)
    made = Problem(
        "stripes",
        str(path),
        "stripes",
        (Series("macs=60%", (0, 1)),),
        short,
        short,
        settings(finetune_epochs=0, finalists=3, finalist_epochs=1),
        brief=1,
        range="macs=30%..60%",
    )
    made.__dict__["dataset"] = stripes()
    return made


# --- networks


@pytest.mark.parametrize("share", [7, 30, 55, 99.9, 100])
def test_the_narrowed_fabric_is_the_largest_one_inside_the_budget(share):
    (budget,) = resolve_budgets(SMALL, [parse_budget(f"macs={share}%")])
    text = networks.narrowed_inside(SMALL, budget)
    assert text is not None
    found = networks.cost_of(networks.build(SMALL, text), budget)
    every = [
        networks.cost_of(networks.narrowed(SMALL.fabric, Fraction(step, 80)), budget) for step in range(1, 81)
    ]
    assert found == max(cost for cost in every if cost <= budget.limit)
    assert len(networks.build(SMALL, text).edges) == len(SMALL.fabric.edges)


def test_a_narrowed_fabric_keeps_its_classes_and_at_full_width_everything():
    assert networks.narrowed(SMALL.fabric, Fraction(1)) == SMALL.fabric
    assert profile_fabric(networks.narrowed(SMALL.fabric, Fraction(1, 100))).node_shapes[-1] == (3,)


def test_the_plain_resnet_is_the_widest_one_inside_the_budget():
    (budget,) = resolve_budgets(SMALL, [parse_budget("macs=100k")])
    text = networks.resnet_inside(SMALL, budget, 8)
    assert text is not None
    channels = int(text.partition("=")[2])
    assert networks.cost_of(networks.build(SMALL, text), budget) <= budget.limit
    assert networks.cost_of(networks.plain_resnet(SMALL, 8, channels + 1), budget) > budget.limit
    (none,) = resolve_budgets(SMALL, [parse_budget("macs=10")])
    assert networks.resnet_inside(SMALL, none, 8) is None
    assert networks.narrowed_inside(SMALL, none) is None


def test_random_networks_are_distinct_and_spend_most_of_the_budget():
    (budget,) = resolve_budgets(SMALL, [parse_budget("macs=60%")])
    drawn = networks.random_inside(SMALL, budget, 0, 10)
    assert len(set(drawn)) == 10
    assert drawn == networks.random_inside(SMALL, budget, 0, 10)
    assert drawn != networks.random_inside(SMALL, budget, 1, 10)
    for text in drawn:
        assert 0.8 * budget.limit <= networks.cost_of(networks.build(SMALL, text), budget) <= budget.limit


@given(st.sets(st.integers(0, 60)))
def test_ranges_read_back_as_the_numbers(numbers):
    assert networks.read_ranges(networks.ranges(sorted(numbers))) == tuple(sorted(numbers))


# --- scores


@given(
    st.permutations(range(7)),
    st.sampled_from(["macs=20%", "macs=35%", "macs=60%", "steps:2=2", "steps:2=3", "macs=100%"]),
)
def test_what_is_left_without_the_smallest_is_what_trying_every_choice_leaves(tmp_path_factory, order, text):
    fabric = bsngraph.read_fabric(written(STRIPES_NORM, tmp_path_factory.mktemp("stripes")))
    profile = profile_fabric(fabric)
    (budget,) = resolve_budgets(profile, [parse_budget(text)])
    sweep, every = fabric.sweep, every_sample(fabric)
    live = live_edges(sweep, every)
    possible = every[connected(fabric, live).all(axis=1) & (budget.cost.of(live) <= budget.limit)]

    def cost(kept):
        return budget.cost.of(live_edges(sweep, kept[None]))[0]

    kept, gone = np.ones(len(fabric.edges), dtype=bool), []
    for edge in sorted(fabric.searchable, key=lambda edge: order[edge]):
        if cost(kept) > budget.limit:
            less = kept.copy()
            less[edge] = False
            if (possible <= less).all(axis=1).any():
                kept = less
                gone.append(edge)
    for edge in gone[::-1]:
        more = kept.copy()
        more[edge] = True
        if fabric.edges[edge].op not in ("identity", "shortcut") and cost(more) <= budget.limit:
            kept = more
    found = scores.without_smallest(profile, budget, order)
    assert found == architecture_of(fabric, kept)
    assert budget.met(budget.cost.of(found.mask[None])[0])


def test_the_magnitude_of_an_edge_is_the_mean_absolute_value_of_its_output(tmp_path):
    data = stripes()
    net = compile_fabric(bsngraph.read_fabric(written(STRIPES_NORM, tmp_path)), seed=0).eval()
    found = scores.output_magnitudes(net, data)
    first = net.fabric.edge_index["image->h#wide"]
    with torch.no_grad():
        expected = net.operations[first](data.normalised(data.validation.inputs)).abs().mean()
    assert found["image->h#wide"] == pytest.approx(float(expected), rel=1e-5)
    assert found["h->g#skip"] > 0
    assert list(found) == [edge.name for edge in net.fabric.edges]


# --- the softmax relaxation


@pytest.mark.parametrize("merge", ["mean", "sum"])
def test_a_mixture_that_selects_one_edge_for_each_node_is_the_pruned_network(merge):
    net = compile_fabric(
        cnf_fabric(input_shape=(1, 4, 4), classes=3, layers=3, channels=4, merge=merge), seed=0
    ).eval()
    fabric, random = net.fabric, np.random.default_rng(3)
    selected = [int(random.choice(incoming)) for incoming in fabric.incoming if incoming]
    alphas = torch.full((len(fabric.edges),), -100.0)
    alphas[selected] = 100.0
    kept = np.zeros(len(fabric.edges), dtype=bool)
    kept[selected] = True
    inputs = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    pruned = prune_net(net, architecture_of(fabric, kept))
    with torch.no_grad():
        assert torch.allclose(Mixture(net, alphas)(inputs), pruned(inputs), rtol=1e-4, atol=1e-5)


def test_a_mixture_without_preference_is_the_whole_fabric_of_means():
    net = compile_fabric(SMALL, seed=0).eval()
    inputs = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    mixture = Mixture(net, torch.zeros(len(SMALL.fabric.edges)))
    with torch.no_grad():
        assert torch.allclose(mixture(inputs), net(inputs), rtol=1e-4, atol=1e-5)
    assert mixture.scores() == pytest.approx([1.0] * len(SMALL.fabric.edges))


def test_the_two_halves_are_the_training_split():
    data = stripes()
    parts = [part.train for part in halves(data, 0)]
    assert [len(part) for part in parts] == [32, 32]
    whole = sorted(map(tuple, torch.cat([part.inputs for part in parts]).flatten(1).tolist()))
    assert whole == sorted(map(tuple, data.train.inputs.flatten(1).tolist()))


# --- methods and rows


@pytest.mark.parametrize("method", [method for method in METHODS if "random" not in method])
def test_every_method_chooses_inside_the_budget_and_keeps_what_took_long(problem, method, tmp_path):
    key, means = Key("stripes", "macs=60%", method, 0), Means(tmp_path / "rows.jsonl", tmp_path)
    choice = choose(problem, key, means)
    budget = problem.resolved("macs=60%")
    if method == "resnet-20":
        assert choice.network is None  # one channel of it costs more than that
        return
    if choice.network is not None:
        assert networks.cost_of(networks.build(problem.profile, choice.network), budget) <= budget.limit
    assert choose(problem, key, means) == choice
    assert len(list((tmp_path / "stripes").glob("*.json"))) == (
        method in ("magnitude", "darts") or "se" in method
    )


def test_rows_are_run_once_and_only_appended(problem, tmp_path, monkeypatch):
    path, means = tmp_path / "rows.jsonl", Means(tmp_path / "rows.jsonl", tmp_path / "kept")
    keys = runner.planned([problem], ("narrowed", "magnitude"))
    assert [(key.method, key.seed) for key in keys] == [
        ("narrowed", 0),
        ("magnitude", 0),
        ("narrowed", 1),
        ("magnitude", 1),
    ]
    assert runner.run(keys, means, 1, [problem]) == 1
    before = path.read_text()
    assert runner.run(keys[:2], means, None, [problem]) == 1
    after = path.read_text()
    assert after.startswith(before)
    monkeypatch.setattr(runner, "choose", lambda *_: pytest.fail("a row that is there is run again"))
    assert runner.run(keys[:2], means, None, [problem]) == 0
    assert path.read_text() == after
    found = rows.read_rows(path)
    assert list(found) == keys[:2]
    for row in found.values():
        rebuilt = profile_fabric(networks.build(problem.profile, row["network"]))
        assert (rebuilt.macs.sum(), rebuilt.params.sum()) == (row["macs"], row["params"])
        assert 0 < row["budget_share"] <= 1
    rows.append_row(path, keys[0], {})  # as another process would that was a moment later
    assert path.read_text() == after


def test_the_best_of_random_networks_is_known_when_all_are_trained_and_then_trained_again(
    problem, tmp_path, capsys
):
    means, best = Means(tmp_path / "rows.jsonl", tmp_path), Key("stripes", "macs=60%", "best of 10 random", 0)
    network = networks.narrowed_inside(problem.profile, problem.resolved("macs=60%"))
    for number in range(10):
        assert runner.run([best], means, None, [problem]) == 0
        assert (
            f"{best}: the random networks that it is the best of are not all trained yet"
            in capsys.readouterr().out
        )
        row = {
            "validation_loss": (number - 4) ** 2,
            "network": network if number == 4 else "another",
            "train_cpu_seconds": 2.5,
        }
        rows.append_row(means.rows, best._replace(method="random", number=number), row)
    assert runner.run([best], means, None, [problem]) == 1
    found = rows.read_rows(means.rows)[best]
    assert (found["network"], found["choose_cpu_seconds"]) == (network, 25.0)
    first, again = (
        bsngraph.train(
            networks.build(problem.profile, network),
            stripes(),
            out=tmp_path / str(seed),
            seed=seed,
            recipe=problem.recipe,
        )
        for seed in (0, 1000)
    )
    validation = again.summary["metrics"]["validation"]["loss"]
    assert found["validation_loss"] == pytest.approx(validation, abs=1e-5)
    assert validation != first.summary["metrics"]["validation"]["loss"]


@given(st.integers(1, 7), st.integers(1, 7))
def test_the_chances_to_be_the_best_of_some_are_those_of_every_drawing(total, count):
    count = min(count, total)
    drawings = list(itertools.combinations(range(total), count))
    expected = [sum(min(drawn) == rank for drawn in drawings) / len(drawings) for rank in range(total)]
    assert report.best_of_chances(total, count) == pytest.approx(expected)


def test_as_many_random_networks_are_compared_as_the_search_has_time_for():
    key = Key("stripes", "macs=60%", "search", 0)
    row = {"budget_share": 0.5, "macs": 10.0, "choose_cpu_seconds": 6.2, "validation_loss": 0.0}
    found = {key: row | {"test_accuracy": 0.9, "train_cpu_seconds": 2.0}}
    for number in range(10):
        more = {"test_accuracy": number / 10, "validation_loss": -number, "train_cpu_seconds": 2.0}
        found[key._replace(method="random", number=number)] = row | more
    outcome = report.outcomes(found, "stripes", "macs=60%")["best of 3 random, in its time"]
    best = [max(drawn) / 10 for drawn in itertools.combinations(range(10), 3)]
    assert outcome.by_seed == {0: pytest.approx(100 * sum(best) / len(best))}
    assert outcome.seconds == 6.0


def test_what_fails_is_told_and_the_rest_goes_on(problem, tmp_path, monkeypatch, capsys):
    keys = runner.planned([problem], ("narrowed",))
    real = runner.choose

    def failing(problem, key, means):
        if key.seed == 0:
            raise RunFailedError("the loss is nan")
        return real(problem, key, means)

    monkeypatch.setattr(runner, "choose", failing)
    assert runner.run(keys, Means(tmp_path / "rows.jsonl", tmp_path), None, [problem]) == 1
    assert list(rows.read_rows(tmp_path / "rows.jsonl")) == keys[1:]
    assert f"{keys[0]}: the loss is nan" in capsys.readouterr().out


def test_a_row_is_the_training_of_its_network(problem, tmp_path):
    (key,) = runner.planned([problem], ("narrowed",), (1,))
    means = Means(tmp_path / "rows.jsonl", tmp_path)
    choice = choose(problem, key, means)
    assert choice.network is not None
    row = runner.trained(problem, key, choice, choice.network, means)
    fabric = networks.build(problem.profile, choice.network)
    result = bsngraph.train(
        fabric, problem.dataset, out=tmp_path / "run", seed=1, recipe=problem.recipe, threads=1
    )
    everything = np.ones(len(fabric.edges), dtype=bool)
    assert row["test_accuracy"] == pytest.approx(result.test_accuracy, abs=1e-4)
    validation = evaluate_net(result.net, problem.dataset, problem.dataset.validation, everything)
    assert row["validation_loss"] == pytest.approx(validation.loss, abs=1e-5)


def test_parts_share_out_every_row_and_what_one_training_serves_stays_together():
    keys = runner.planned(problem for problem in PROBLEMS.values() if problem.usual)
    assert len(set(keys)) == len(keys)
    parts = [runner.part_of(keys, part, 3) for part in range(3)]
    assert sorted(key for part in parts for key in part) == sorted(keys)
    groups = [{(key.problem, key.method, key.seed) for key in part} for part in parts]
    assert not any(groups[a] & groups[b] for a, b in [(0, 1), (0, 2), (1, 2)])


# --- the report


def test_the_interval_of_paired_differences_is_that_of_a_paired_t_test():
    first, second = {0: 91.0, 1: 92.5, 2: 90.0, 3: 95.0, 7: 1.0}, {3: 93.0, 2: 91.0, 1: 90.5, 0: 90.0, 8: 2.0}
    found = report.paired(first, second)
    assert found is not None
    interval = stats.ttest_rel([91.0, 92.5, 90.0, 95.0], [90.0, 90.5, 91.0, 93.0]).confidence_interval(0.95)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((interval.low, interval.high))
    assert found.pairs == 4
    assert str(report.paired({0: 2.0}, {0: 1.0})) == "+1.00"
    assert report.paired({0: 2.0}, {1: 1.0}) is None


def test_the_best_of_several_is_the_one_of_the_smallest_validation_loss():
    def row(accuracy: float, loss: float) -> dict[str, float]:
        same = {"budget_share": 0.9, "macs": 100, "choose_cpu_seconds": 0, "train_cpu_seconds": 5}
        return {"test_accuracy": accuracy, "validation_loss": loss, **same}

    key = Key("digits", "macs=10%", "random", 0)
    random = {
        key._replace(seed=seed, number=number): row(0.9 + number / 1000 + seed / 100, (number - 1) ** 2)
        for seed in (0, 1, 2)
        for number in range(10 if seed < 2 else 9)  # the third seed is not through yet
    }
    found = report.outcomes({**random, key._replace(method="search"): row(0.95, 0)}, "digits", "macs=10%")
    assert found["random, mean of 10"].by_seed == pytest.approx({0: 90.45, 1: 91.45})
    assert found["best of 10 random, by that training"].by_seed == pytest.approx({0: 90.1, 1: 91.1})
    assert found["best of 10 random, by that training"].seconds == pytest.approx(50)
    text = report.table(found)
    assert "| search | 95.00 % |  | 1 | 1 | 90 % | 0 |  |" in text
    assert "| best of 10 random, by that training | 90.60 % | 0.71 | 2 | 2 | 90 % | 50 | +4.90 |" in text


def test_over_all_budgets_each_counts_once_whatever_its_seeds():
    same = {"budget_share": 0.9, "macs": 100, "train_cpu_seconds": 5, "validation_loss": 0.0}
    known = {}
    for budget, lead, seeds in (("macs=10%", 0.02, 3), ("macs=25%", 0.01, 1), ("macs=50%", -0.003, 2)):
        for seed in range(seeds):
            key = Key("digits", budget, "search", seed)
            known[key] = {**same, "test_accuracy": 0.9 + lead, "choose_cpu_seconds": 10.0}
            known[key._replace(method="darts")] = {**same, "test_accuracy": 0.9, "choose_cpu_seconds": 20.0}
            known[key._replace(method="narrowed")] = {**same, "test_accuracy": 0.9, "choose_cpu_seconds": 0.0}
    lines = [[cell.strip() for cell in line.split("|")] for line in report.overall(known).splitlines()[4:]]
    by_name = {cells[1]: cells[2:-1] for cells in lines}
    interval = stats.ttest_1samp([2.0, 1.0, -0.3], 0).confidence_interval(0.95)
    assert by_name["darts"] == ["3", f"+0.90 ± {(interval.high - interval.low) / 2:.2f}", "2", "1", "2.00"]
    assert by_name["narrowed"][-1] == "0"
    assert report.overall({}) == ""


# --- fronts


@given(st.dictionaries(st.integers(1, 99), st.integers(0, 100), min_size=1, max_size=5))
def test_the_hypervolume_is_the_mean_of_the_best_inside_limits_drawn_evenly_in_their_logarithm(front):
    least = min(front) / 100
    limits = np.geomspace(least, 1.0, 20_001)[:-1]
    costs, scores_ = np.array([*front]) / 100, np.array([*front.values()])
    best = np.where(costs <= limits[:, None] * (1 + 1e-12), scores_, -1).max(axis=1)
    shares = {share / 100: score for share, score in front.items()}
    assert fronts.hypervolume(shares) == pytest.approx(best.mean(), abs=0.05)


def test_the_table_of_fronts_holds_methods_that_have_every_budget(monkeypatch):
    problem = PROBLEMS["digits"]
    monkeypatch.setattr(fronts, "PROBLEMS", {"digits": problem})
    kept = [
        {
            **Key("digits", f"macs={share}%", method, seed)._asdict(),
            "test_accuracy": share / 100 + lead,
            "budget_share": 1.0,
            "macs": share,
            "choose_cpu_seconds": 10.0,
            "train_cpu_seconds": 1.0,
            "validation_loss": 1.0,
        }
        for method, lead in (("search", 0.0), ("search of a range", 0.1), ("darts", 0.2))
        for share in (10, 25, 50)
        for seed in (0, 1)
        if (method, share) != ("darts", 25)
    ]
    lines = fronts.report(kept).splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:]] == ["search of a range", "search"]
    assert lines[3].split("|")[-2].strip() == "+10.00 ± 0.00"
    assert lines[3].split("|")[5].strip() == "30"
