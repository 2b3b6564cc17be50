"""The oracle: every sub-network there is, judged as each is by itself, and what a
choice misses.
"""

from __future__ import annotations

import copy
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from random_fabrics import every_sample, live_by_paths, small_fabrics
from tiny import DIGITS, STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes, written

from bsngraph.cli.main import cli
from bsngraph.costs import Budgets, parse_budget, resolve_budgets
from bsngraph.errors import InfeasibleBudgetError, InputError
from bsngraph.fabric import Architecture, Fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching import Oracle, ask_oracle, search
from bsngraph.searching.choosing.oracle import MOST_CHOICES, every_architecture
from bsngraph.searching.choosing.rank import rank
from bsngraph.supernet import SuperNet, compile_fabric, prune_net
from bsngraph.training import evaluate_net, recompute_batch_norm

DATA = stripes()


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


@pytest.fixture
def net(tmp_path: Path) -> SuperNet:
    return compile_fabric(fabric_of(STRIPES_NORM, tmp_path), seed=4)


def budgets_of(net: SuperNet, *texts: str) -> Budgets:
    return resolve_budgets(net.profile, [parse_budget(text) for text in texts])


@given(fabric=small_fabrics(max_targets=2))
def test_every_architecture_is_each_distinct_set_of_edges_on_paths_once(fabric: Fabric) -> None:
    expected = set()
    for kept in every_sample(fabric):
        live = live_by_paths(fabric, kept)
        if all(any(fabric.edges[edge].target == target for edge in live) for target in fabric.targets):
            expected.add(Architecture(len(fabric.edges), tuple(sorted(live))))
    found = every_architecture(fabric)
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_each_is_judged_as_its_own_network_with_its_own_statistics_would_be(net: SuperNet) -> None:
    oracle = ask_oracle(net, DATA, budgets_of(net, "price=4"))
    for row in oracle.rows:
        alone = prune_net(net, row.architecture)
        everything = np.ones(len(alone.fabric.edges), dtype=np.bool_)
        recompute_batch_norm(alone, DATA, everything, batches=4)
        score = evaluate_net(alone, DATA, DATA.validation, everything)
        assert row.score.loss == pytest.approx(score.loss, rel=1e-5)
        assert row.score.accuracy == score.accuracy
        assert row.costs["price"] == sum(
            net.fabric.edges[edge].costs["price"] for edge in row.architecture.live
        )
        assert row.inside == (row.costs["price"] <= 4)


def test_rows_are_best_first_and_regret_counts_from_the_best_inside(net: SuperNet) -> None:
    oracle = ask_oracle(net, DATA, budgets_of(net, "price=4"))
    losses = [row.score.loss for row in oracle.rows]
    assert losses == sorted(losses)
    inside = [row for row in oracle.rows if row.inside]
    assert 1 < len(inside) < len(oracle.rows)
    assert oracle.best == inside[0]
    assert oracle.regret(inside[0].architecture) == 0
    assert oracle.regret(inside[-1].architecture) == pytest.approx(
        inside[-1].score.loss - inside[0].score.loss
    )
    summary = oracle.summary(inside[2].architecture)
    assert (summary["inside"], summary["sub_networks"], summary["chosen"]["rank"]) == (
        len(inside),
        len(oracle.rows),
        3,
    )
    assert summary["regret"]["accuracy"] == pytest.approx(inside[0].score.accuracy - inside[2].score.accuracy)
    assert summary["best_of_all"]["validation"]["loss"] == losses[0]


def test_choosing_among_all_that_is_inside_has_no_regret(net: SuperNet) -> None:
    budgets = budgets_of(net, "price=4")
    oracle = ask_oracle(net, DATA, budgets)
    every = [row.architecture for row in oracle.rows if row.inside]
    assert oracle.regret(rank(copy.deepcopy(net), DATA, every, budgets)[0].architecture) == 0


def test_asking_leaves_the_net_as_it_was(net: SuperNet) -> None:
    before = copy.deepcopy(net.state_dict())
    net.train()
    ask_oracle(net, DATA, Budgets())
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_without_any_inside_there_is_no_best(net: SuperNet) -> None:
    with pytest.raises(InfeasibleBudgetError, match="no sub-network of the fabric is inside the budgets"):
        _ = ask_oracle(net, DATA, budgets_of(net, "price=0.5")).best


def big(tmp_path: Path) -> Fabric:
    edges = "".join(f"  a -> b [key=k{number}, op=identity];\n" for number in range(15))
    return fabric_of(DIGITS.replace("  b -> scores", f"{edges}  b -> scores"), tmp_path)


def test_a_larger_fabric_is_refused_before_anything_is_trained_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabric = big(tmp_path)
    monkeypatch.setattr(
        "bsngraph.searching.learning.search_epochs.Learning.run", lambda *_: pytest.fail("trained")
    )
    with pytest.raises(
        InputError,
        match=rf"more than {MOST_CHOICES} choices \(18 searchable edges\): leave out --oracle, or set "
        r"fixed=true",
    ):
        search(fabric, "digits", ["macs=90%"], out=tmp_path / "run", oracle=True)
    assert not (tmp_path / "run").exists()


def test_a_search_writes_what_the_oracle_says_and_its_result_as_ever(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    given_ = {
        "recipe": recipe(),
        "settings": settings(candidates=0, neighbour_rounds=0),
        "threads": 1,
        "device": "cpu",
    }
    result = search(fabric, DATA, ["price=5"], out=tmp_path / "run", oracle=True, **given_)
    plain = search(fabric, DATA, ["price=5"], out=tmp_path / "plain", **given_)
    assert {key: value for key, value in result.summary.items() if key != "seconds"} == {
        key: value for key, value in plain.summary.items() if key != "seconds"
    }
    assert (tmp_path / "run/model.safetensors").read_bytes() == (
        tmp_path / "plain/model.safetensors"
    ).read_bytes()
    said = json.loads((tmp_path / "run/oracle.json").read_text(encoding="utf-8"))
    names = [fabric.edges[edge].name for edge in result.architecture.live]
    assert said["chosen"]["edges"] == names
    assert said["chosen"]["inside"]
    assert said["regret"]["loss"] >= 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "run/oracle.csv").read_text(encoding="utf-8"))))
    assert len(rows) == said["sub_networks"] == len(every_architecture(fabric))
    assert sum(row["inside"] == "1" for row in rows) == said["inside"]
    chosen, best = (
        next(row for row in rows if json.loads(row["edges"]) == said[which]["edges"])
        for which in ("chosen", "best")
    )
    assert float(chosen["loss"]) - float(best["loss"]) == pytest.approx(said["regret"]["loss"])
    assert float(chosen["price"]) == said["chosen"]["costs"]["price"] <= 5
    assert not (tmp_path / "plain/oracle.csv").exists()


def test_the_oracle_judges_the_searchs_own_weights(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    search(
        fabric,
        DATA,
        ["price=5"],
        out=tmp_path / "run",
        oracle=True,
        recipe=recipe(),
        settings=settings(),
        threads=1,
        device="cpu",
    )
    net = compile_fabric(profile_fabric(fabric), seed=0)
    net.load_state_dict(torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)["search"]["net"])
    again: Oracle = ask_oracle(net, DATA, budgets_of(net, "price=5"))
    said = json.loads((tmp_path / "run/oracle.json").read_text(encoding="utf-8"))
    assert said["best"]["edges"] == [fabric.edges[edge].name for edge in again.best.architecture.live]
    assert said["best"]["validation"]["loss"] == pytest.approx(again.best.score.loss, rel=1e-6)


def test_the_command_line_asks_the_oracle(tmp_path: Path) -> None:
    arguments = [
        "search",
        str(written(DIGITS, tmp_path)),
        "--data",
        "digits",
        "--budget",
        "macs=70%",
        "--out",
        str(tmp_path / "run"),
    ]
    more = ["--oracle", "--epochs", "1", "--batch-size", "256", "--finetune-epochs", "0", "--candidates", "2"]
    result = CliRunner().invoke(cli, [*arguments, *more])
    assert result.exit_code == 0, result.output
    assert "sub-networks" in result.stderr
    assert "with the shared weights the choice is number" in " ".join(result.stderr.split())
    assert json.loads((tmp_path / "run/oracle.json").read_text(encoding="utf-8"))["sub_networks"] == 7
