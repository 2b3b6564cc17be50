"""A search that starts from another's weights and Γ: what it takes over, what it
records, what it refuses.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_gamma import every_sample
from test_objective import budget, limit_at
from tiny import (
    DIGITS,
    NO_LIMITS,
    STRIPES_DROPOUT,
    STRIPES_NORM,
    fabric_of,
    no_pictures,
    recipe,
    settings,
    stripes,
    written,
)

from bsngraph.cli.main import cli
from bsngraph.costs import Budgets, parse_budget, resolve_budgets
from bsngraph.data import Dataset
from bsngraph.errors import InputError
from bsngraph.fabric import live_edges
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.searching import search, train
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.learning.warm_start import WarmStart, read_warm_start
from bsngraph.searching.request import Destination
from bsngraph.settings import SearchSettings, resolve_settings
from bsngraph.supernet import compile_fabric, named_weights
from bsngraph.training import Silent

DATA = stripes()


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        yield run(tmp_path_factory.mktemp("runs") / "first", ["price=5"])


def run(out: Path, budgets: list[str], text: str = STRIPES_DROPOUT, **more: Any) -> Path:
    given = {"recipe": recipe(), "settings": settings(), "threads": 1, "device": "cpu"} | more
    search(fabric_of(text, out.parent), DATA, budgets, out=out, **given)
    return out


def checkpoint(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(folder / "checkpoint.pt", weights_only=True)
    return state


def config(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return said


def start_of(profile: FabricProfile, first: Path) -> WarmStart:
    """What a second run, in a folder beside the first's, starts from."""
    found = read_warm_start(profile, DATA, first, Destination(first.parent / "second"))
    assert found is not None
    return found


def test_a_second_budget_has_the_firsts_weights_and_probabilities_at_epoch_0(
    first: Path, tmp_path: Path
) -> None:
    profile = profile_fabric(fabric_of(STRIPES_DROPOUT, tmp_path))
    net = compile_fabric(profile, seed=77)
    learning = Learning(net, DATA, Budgets(), (), recipe(), settings(), 1)
    learning.start_from(start_of(profile, first))
    before = checkpoint(first)["search"]
    assert learning.epoch == 0
    assert torch.equal(learning.gamma.logits, before["logits"])
    cold = Learning(net, DATA, Budgets(), (), recipe(), settings(), 1)
    assert not torch.equal(learning.gamma.logits, cold.gamma.logits)
    assert net.state_dict().keys() == before["net"].keys()
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before["net"][name]), name


def test_weights_are_found_by_edge_name_where_the_file_stands_in_another_order(
    first: Path, tmp_path: Path
) -> None:
    lines = STRIPES_DROPOUT.splitlines(keepends=True)
    inner = [line for line in lines if "->" in line]
    turned = "".join([line for line in lines[:-1] if "->" not in line] + inner[::-1] + lines[-1:])
    profile = profile_fabric(fabric_of(turned, tmp_path))
    before = start_of(profile, first)
    assert set(before.weights) == set(named_weights(compile_fabric(profile, seed=0)))
    assert set(before.logits) == {edge.name for edge in profile.fabric.edges}


def test_nothing_is_learned_from_the_start_but_what_it_had_when_the_rates_are_zero(
    first: Path, tmp_path: Path
) -> None:
    still = recipe(epochs=1, learning_rate=0.0, weight_decay=0.0)
    out = run(
        tmp_path / "second",
        ["price=4"],
        recipe=still,
        settings=settings(edge_learning_rate=0.0, burn_in=0.0),
        warm_start=first,
        seed=9,
    )
    assert torch.equal(checkpoint(out)["search"]["logits"], checkpoint(first)["search"]["logits"])
    weights = {
        name: tensor for name, tensor in checkpoint(out)["search"]["net"].items() if name.endswith("weight")
    }
    assert weights
    assert all(
        torch.equal(tensor, checkpoint(first)["search"]["net"][name]) for name, tensor in weights.items()
    )


def test_config_records_the_run_started_from_by_path_and_hash(first: Path, tmp_path: Path) -> None:
    out = run(tmp_path / "second", ["price=4"], warm_start=first)
    sha256 = hashlib.sha256((first / "checkpoint.pt").read_bytes()).hexdigest()
    assert config(out)["warm_start"] == {"path": str(first), "sha256": sha256}
    assert config(first)["warm_start"] is None


def test_a_warm_start_is_usually_shorter_and_has_no_burn_in(first: Path, tmp_path: Path) -> None:
    how, what = resolve_settings(None, warm=True)
    assert how.epochs < resolve_settings(None)[0].epochs
    assert what.burn_in == 0
    assert resolve_settings(None, warm=True, recipe={"epochs": 7}, settings={"burn_in": 0.1})[0].epochs == 7
    out = run(
        tmp_path / "second",
        ["price=4"],
        warm_start=first,
        recipe=None,
        settings=settings(burn_in=0.0, finetune_epochs=0),
    )
    assert config(out)["recipe"]["epochs"] == how.epochs
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == how.epochs
    assert not any(row["burn_in"] for row in rows)


def test_limits_go_from_where_gamma_stands_to_the_budget_up_or_down() -> None:
    what, how = settings(burn_in=0.0, settle=0.5), recipe(epochs=8)
    down = [limit_at(epoch, budget(2.0), how, what, (6.0,)) for epoch in range(8)]
    assert down == pytest.approx([5, 4, 3, 2, 2, 2, 2, 2])
    up = [limit_at(epoch, budget(2.0), how, what, (1.0,)) for epoch in range(8)]
    assert up == pytest.approx([1.25, 1.5, 1.75, 2, 2, 2, 2, 2])


def test_the_first_limit_after_a_warm_start_is_near_what_its_samples_cost(
    first: Path, tmp_path: Path
) -> None:
    fabric = fabric_of(STRIPES_DROPOUT, tmp_path)
    profile = profile_fabric(fabric)
    budgets = resolve_budgets(profile, [parse_budget("price=4")])
    learning = Learning(
        compile_fabric(profile, seed=0), DATA, budgets, (), recipe(), SearchSettings(burn_in=0.0), 0
    )
    learning.start_from(start_of(profile, first))
    samples = every_sample(fabric)  # (2^searchable, edges)
    gamma = learning.gamma.at(budgets.limits[:, None]).probabilities.numpy()
    chances = [float((gamma * row + (1 - gamma) * ~row).prod()) for row in samples]
    exact = sum(
        chance * cost
        for chance, cost in zip(
            chances, budgets[0].cost.of(live_edges(learning.net.sweep, samples)), strict=True
        )
    )
    assert learning.starts is not None
    assert learning.starts[0] == pytest.approx(exact, abs=0.3)


def test_a_reopened_start_gives_what_was_dropped_another_chance_and_leaves_the_rest(
    first: Path, tmp_path: Path
) -> None:
    text = STRIPES_DROPOUT.replace("key=wide", "key=wide, choice=size").replace(
        "key=narrow", "key=narrow, choice=size"
    )
    fabric = fabric_of(text, tmp_path)
    gamma = Gamma(fabric, 0.5)
    free = gamma.index.decisions.first_edges.tolist()
    learned = dict.fromkeys((edge.name for edge in fabric.edges), 0.0)
    for edge, logit in zip(free, [9.0, -9.0, -30.0, 1.0, -0.5, 4.0], strict=False):
        learned[fabric.edges[edge].name] = logit
    gamma.start_from(learned, 0.0)
    assert gamma.logits.tolist() == list(learned.values())
    before = gamma.at(NO_LIMITS).probabilities
    gamma.start_from(learned, 0.4)
    after = gamma.at(NO_LIMITS).probabilities[free]
    alone = torch.tensor([fabric.edges[edge].choice is None for edge in free])
    assert (before[free][alone] < 0.4).any()
    torch.testing.assert_close(after[alone], before[free][alone].clamp(min=0.4))
    options = after[~alone]
    assert float(options.sum()) == pytest.approx(1)
    assert float(options.min() / options.max()) == pytest.approx(0.4)
    assert int(options.argmax()) == int(before[free][~alone].argmax())


class Killed(Silent):
    def __init__(self, after: int) -> None:
        self.left = after

    def epoch(self, row: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_warm_search_killed_and_resumed_gives_the_same_bits(
    first: Path, tmp_path: Path, epochs: int
) -> None:
    whole = run(tmp_path / "whole", ["price=4"], warm_start=first)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", ["price=4"], warm_start=first, progress=Killed(epochs))
    run(tmp_path / "killed", ["price=4"], warm_start=first, mode="resume")
    for name in ("model.safetensors", "probabilities.dot", "architecture.dot"):
        assert (tmp_path / "killed" / name).read_bytes() == (whole / name).read_bytes()


def test_resuming_from_another_start_is_refused(first: Path, tmp_path: Path) -> None:
    run(tmp_path / "second", ["price=4"], warm_start=first)
    with pytest.raises(InputError, match=r"cannot resume with other settings .*warm_start"):
        run(tmp_path / "second", ["price=4"], mode="resume")


def test_another_fabric_is_refused_and_the_edges_that_differ_are_named(first: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"searched another fabric: h->g#drop is only in .*first: start from a run of this fabric",
    ):
        run(tmp_path / "second", ["price=4"], STRIPES_NORM, warm_start=first)
    wider = STRIPES_DROPOUT.replace("key=narrow, kernel=1", "key=narrow, kernel=3").replace(
        "key=mix", "key=blend"
    )
    with pytest.raises(InputError) as refused:
        run(tmp_path / "second", ["price=4"], wider, warm_start=first)
    for said in ("h->g#mix is only in", "h->g#blend is only in this one", "image->h#narrow is another edge"):
        assert said in str(refused.value)
    assert not (tmp_path / "second").exists(), "nothing is written"


def test_other_costs_of_the_same_edges_are_the_same_fabric(first: Path, tmp_path: Path) -> None:
    dearer = STRIPES_DROPOUT.replace("cost_price=1", "cost_price=2")
    assert run(tmp_path / "second", ["price=6"], dearer, warm_start=first).exists()


def test_a_run_that_is_no_search_is_refused(first: Path, tmp_path: Path) -> None:
    train(
        fabric_of(STRIPES_DROPOUT, tmp_path),
        DATA,
        out=tmp_path / "trained",
        recipe=recipe(epochs=1),
        threads=1,
    )
    with pytest.raises(InputError, match="trained holds a train run: a warm start is from a search"):
        run(tmp_path / "second", ["price=4"], warm_start=tmp_path / "trained")
    with pytest.raises(InputError, match="first is the run that is started from: give another --out"):
        search(
            fabric_of(STRIPES_DROPOUT, tmp_path),
            DATA,
            ["price=4"],
            out=first,
            warm_start=first,
            mode="overwrite",
        )
    with pytest.raises(InputError, match=r"is .* a run folder"):
        run(tmp_path / "second", ["price=4"], warm_start=tmp_path / "nowhere")


def moved(data: Dataset, source: str, into: str, count: int) -> Dataset:
    """`data` with the first examples of one split among those of another one too."""
    splits = data.splits()
    other = dict(splits)
    some = splits[source].only(np.arange(count))  # type: ignore[index]
    other[into] = splits[into].with_more([some])  # type: ignore[index]
    other[source] = splits[source].only(np.arange(count, len(splits[source])))  # type: ignore[index]
    return replace(data, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "into", "said"),
    [
        ("train", "test", "trained or chose on 5 of the 69 test examples, so"),
        ("train", "validation", "trained or chose on 5 of the 69 validation examples, so"),
        ("validation", "test", "trained or chose on 5 of the 69 test examples, so"),
    ],
)
def test_a_start_that_was_trained_on_what_is_tested_is_refused(
    first: Path, tmp_path: Path, source: str, into: str, said: str
) -> None:
    profile, into_second = (
        profile_fabric(fabric_of(STRIPES_DROPOUT, tmp_path)),
        Destination(tmp_path / "second"),
    )
    data = moved(DATA, source, into, 5)
    with pytest.raises(InputError, match=said) as refused:
        read_warm_start(profile, data, first, into_second)
    assert "start from a run with the splits of these data, or leave out --warm-start" in str(refused.value)
    relabelled = replace(data, **{into: data.splits()[into].labelled(1 - data.splits()[into].labels)})  # type: ignore[index, arg-type]
    with pytest.raises(InputError, match=said):
        read_warm_start(profile, relabelled, first, into_second)


def test_a_start_on_other_data_or_on_more_of_the_same_is_taken(first: Path, tmp_path: Path) -> None:
    profile, into = profile_fabric(fabric_of(STRIPES_DROPOUT, tmp_path)), Destination(tmp_path / "second")
    new = stripes(noise=0.1)
    for data in (
        new,
        moved(DATA, "test", "train", 9),
        replace(DATA, train=DATA.train.with_more([new.train])),
    ):
        assert data.fingerprint() != DATA.fingerprint()
        assert read_warm_start(profile, data, first, into) is not None
    # what the new run trains on itself is no news to it
    twice = replace(DATA, test=DATA.test.with_more([DATA.train.only(np.arange(3))]))
    assert read_warm_start(profile, twice, first, into) is not None


def test_a_start_without_hashes_is_taken_on_the_same_data_alone(first: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(first, tmp_path / "copy"))
    record = json.loads((copy / "splits.json").read_text())
    (copy / "splits.json").write_text(
        json.dumps({key: record[key] for key in ("numbering", "train", "validation", "test")})
    )
    profile, into = profile_fabric(fabric_of(STRIPES_DROPOUT, tmp_path)), Destination(tmp_path / "second")
    assert read_warm_start(profile, DATA, copy, into) is not None
    with pytest.raises(InputError, match="nothing tells whether it trained on test data"):
        read_warm_start(profile, stripes(noise=0.1), copy, into)


def test_a_damaged_checkpoint_is_an_input_error(first: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(first, tmp_path / "copy"))
    state = checkpoint(copy)
    state["search"]["logits"] = state["search"]["logits"][:2]
    torch.save(state, copy / "checkpoint.pt")
    with pytest.raises(
        InputError,
        match=r"checkpoint\.pt: the weights do not fit the network: logits is of shape \(2,\), not \(7,\)",
    ):
        run(tmp_path / "second", ["price=4"], warm_start=copy)


def test_the_command_line_starts_warm(tmp_path: Path) -> None:
    common = [
        "search",
        str(written(DIGITS, tmp_path)),
        "--data",
        "digits",
        "--batch-size",
        "256",
        "--candidates",
        "2",
    ]
    common += ["--finetune-epochs", "0", "--quiet", "--epochs", "1"]
    for more in (
        ["--budget", "macs=90%", "--out", "a"],
        ["--budget", "macs=50%", "--warm-start", str(tmp_path / "a"), "--out", "b"],
    ):
        result = CliRunner().invoke(cli, [*common, *more[:-1], str(tmp_path / more[-1])])
        assert result.exit_code == 0, result.output
    assert config(tmp_path / "b")["settings"]["burn_in"] == 0
    assert config(tmp_path / "b")["warm_start"]["path"] == str(tmp_path / "a")
