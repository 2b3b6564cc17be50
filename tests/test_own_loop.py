"""A training loop of one's own, and AdamW beside SGD."""

from __future__ import annotations

import copy
import importlib.util
import io
import json
import pickle
import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tiny import DIGITS, STRIPES, STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes, written
from torch.nn.functional import cross_entropy

import bsngraph
from bsngraph.cli.main import cli
from bsngraph.errors import InfeasibleBudgetError, InputError, RunFailedError
from bsngraph.fabric import live_edges
from bsngraph.searching.learning.penalty.limits import limits_at
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.settings import Recipe, SearchSettings, resolve_settings
from bsngraph.supernet import SuperNet
from bsngraph.tasks import task_of
from bsngraph.training import Silent, make_optimizer

ROOT = Path(__file__).parents[1]

ADAMW = {"optimizer": "adamw", "learning_rate": 0.01}
HOW = {"device": "cpu", "threads": 1, "seed": 1}


class Interrupted(Silent):
    """Ends the run after so many epochs."""

    def __init__(self, after: int) -> None:
        self.left = after

    def epoch(self, row: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


# --- AdamW


def network_of(run: Path) -> tuple[bytes, list[dict[str, Any]]]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in rows]
    return (run / "model.safetensors").read_bytes(), rows


def test_adamw_trains_and_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    how = {
        "recipe": recipe(epochs=6, **ADAMW),
        "settings": settings(finetune_epochs=2, finetune_rate=0.002),
        **HOW,
    }
    bsngraph.search(fabric, stripes(), "price=5", out=tmp_path / "whole", **how)
    rows = network_of(tmp_path / "whole")[1]
    assert rows[5]["train_loss"] < rows[0]["train_loss"]
    alone = bsngraph.train(fabric, stripes(), out=tmp_path / "alone", recipe=recipe(epochs=9, **ADAMW), **HOW)
    assert alone.test_accuracy > 0.8
    with pytest.raises(KeyboardInterrupt):
        bsngraph.search(fabric, stripes(), "price=5", out=tmp_path / "cut", progress=Interrupted(3), **how)
    bsngraph.search(fabric, stripes(), "price=5", out=tmp_path / "cut", mode="resume", **how)
    assert network_of(tmp_path / "cut") == network_of(tmp_path / "whole")
    other = {**how, "recipe": recipe(epochs=6)}
    with pytest.raises(InputError, match="optimizer"):
        bsngraph.search(fabric, stripes(), "price=5", out=tmp_path / "cut", mode="resume", **other)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_decay_leaves_alone_what_no_example_ran(tmp_path: Path, optimizer: str) -> None:
    net = bsngraph.compile_fabric(fabric_of(STRIPES_NORM, tmp_path), seed=0)
    how = Recipe(optimizer=optimizer, learning_rate=0.01, weight_decay=0.5)
    moved = make_optimizer(net, how)
    before = {name: value.clone() for name, value in net.named_parameters()}
    wide = next(number for number, edge in enumerate(net.fabric.edges) if edge.key == "wide")
    kept = torch.ones(len(net.fabric.edges), dtype=torch.bool)
    kept[wide] = False
    for _ in range(2):
        moved.zero_grad()
        net(stripes().train.inputs[:8], kept).square().mean().backward()
        moved.step()
    for name, value in net.named_parameters():
        assert torch.equal(value, before[name]) == name.startswith(f"operations.{wide}."), name
    # what has a gradient of zero is decayed, by both in the same measure
    (group,) = moved.param_groups
    assert len(group["params"]) == len(before)
    weight = group["params"][0]
    start = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    make_optimizer(net, how).step()
    assert torch.allclose(weight, start * (1 - 0.01 * 0.5 * (1 if optimizer == "adamw" else 1.9)), atol=1e-6)


def test_rates_that_are_not_given_suit_adamw() -> None:
    how, more = resolve_settings(None, recipe={"optimizer": "adamw"})
    assert (how.learning_rate, more.finetune_rate) == pytest.approx((0.001, 0.0002))
    how, more = resolve_settings(None, warm=True, recipe={"optimizer": "adamw"})
    assert how.learning_rate == pytest.approx(0.0005)
    how, more = resolve_settings(None, recipe=ADAMW, settings={"finetune_rate": 0.004})
    assert (how.learning_rate, more.finetune_rate) == (0.01, 0.004)


def test_rates_that_do_not_suit_adamw_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"learning-rate=0.1 is too high for AdamW: at most 0.01, usually 0"):
        Recipe(optimizer="adamw")
    with pytest.raises(InputError, match="learning-rate=high must be a number"):
        Recipe(optimizer="adamw", learning_rate="high")
    with pytest.raises(InputError, match=r"momentum=1.5 must be below 1 for AdamW"):
        Recipe(momentum=1.5, **ADAMW)
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    given = {"recipe": Recipe(**ADAMW), "settings": SearchSettings()}
    with pytest.raises(InputError, match=r"finetune-rate=0.02 is too high for AdamW: at most 0.01"):
        bsngraph.search(fabric, stripes(), "price=5", out=tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_the_command_line_takes_adamw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)
    line = (
        f"search {written(DIGITS, tmp_path)} --data digits --out {tmp_path / 'run'} --optimizer adamw --quiet"
    )
    short = "--epochs 1 --batch-size 512 --finalists 0 --candidates 2 --finetune-epochs 1 --threads 1"
    result = CliRunner().invoke(cli, [*line.split(), *short.split()])
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["recipe"]["optimizer"] == "adamw"
    assert config["recipe"]["learning_rate"] == pytest.approx(0.001)
    assert config["settings"]["finetune_rate"] == pytest.approx(0.0002)
    line = f"train {tmp_path / 'run' / 'architecture.dot'} --data digits --optimizer adamw --out {tmp_path}/t"
    result = CliRunner().invoke(cli, [*line.split(), "--epochs", "1", "--batch-size", "512", "--quiet"])
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "t" / "config.json").read_text())
    assert config["recipe"]["learning_rate"] == pytest.approx(0.001)
    result = CliRunner().invoke(cli, [*line.split(), "--learning-rate", "0.1", "--overwrite"])
    assert result.exit_code == 2
    assert "learning-rate=0.1 is too high for AdamW" in result.output


# --- a super-network is a module like others


def same_outputs(one: SuperNet, other: SuperNet) -> bool:
    inputs, kept = (
        stripes().train.inputs[:8],
        np.random.default_rng(0).random((8, len(one.fabric.edges))) < 0.8,
    )
    return torch.equal(one.eval()(inputs, kept), other.eval()(inputs, kept))


def test_a_super_network_is_copied_pickled_and_restored_by_its_state(tmp_path: Path) -> None:
    net = bsngraph.compile_fabric(fabric_of(STRIPES_NORM, tmp_path), seed=3)
    net(stripes().train.inputs[:8]).sum().backward()
    assert same_outputs(net, copy.deepcopy(net))
    assert same_outputs(net, pickle.loads(pickle.dumps(net)))
    fresh = bsngraph.compile_fabric(net.fabric, seed=4)
    assert not same_outputs(net, fresh)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert same_outputs(net, fresh)


# --- a loop of one's own


class Loop:
    """A search of the stripes by hand."""

    def __init__(self, net: SuperNet, steps: int = 80, budgets: str = "price=4") -> None:
        self.net = net
        self.edges = bsngraph.EdgeSearch(net, budgets, steps=steps, settings=settings(aim=1.0), seed=5)
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=0.02)
        self.data = stripes().train

    def run(self, steps: range) -> None:
        for step in steps:
            rows = torch.arange(16) + 16 * (step % 4)
            kept = self.edges.draw(16)
            losses = cross_entropy(
                self.net(self.data.inputs[rows], kept), self.data.labels[rows], reduction="none"
            )
            self.optimizer.zero_grad()
            losses.mean().backward()
            self.optimizer.step()
            self.edges.learn(losses)


def test_a_loop_of_one_s_own_learns_and_every_candidate_is_inside(tmp_path: Path) -> None:
    net = bsngraph.compile_fabric(fabric_of(STRIPES, tmp_path), seed=1)
    loop = Loop(net)
    before = loop.edges.probabilities()
    loop.run(range(80))
    after = loop.edges.probabilities()
    assert after["g->scores#0"] == before["g->scores#0"] == 1
    assert after != before
    drawn = live_edges(net.sweep, loop.edges.draw(256))
    assert loop.edges.budgets.costs(drawn).mean() < 6  # of the whole fabric's 9
    candidates = loop.edges.candidates(6)
    assert len(candidates) > 1
    assert all(loop.edges.budgets.met_by(one.mask) for one in candidates)
    pruned = bsngraph.prune_net(net, candidates[0])
    inputs = loop.data.inputs[:4]
    assert torch.allclose(pruned(inputs), net(inputs, candidates[0].mask), atol=1e-6)


def test_a_loop_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    whole, cut, rest = (Loop(bsngraph.compile_fabric(fabric, seed=1), steps=20) for _ in range(3))
    whole.run(range(20))
    cut.run(range(11))
    file = io.BytesIO()
    torch.save([one.state_dict() for one in (cut.net, cut.optimizer, cut.edges)], file)
    file.seek(0)
    for one, state in zip(
        (rest.net, rest.optimizer, rest.edges), torch.load(file, weights_only=True), strict=True
    ):
        one.load_state_dict(state)
    rest.run(range(11, 20))
    assert rest.edges.probabilities() == whole.edges.probabilities()
    assert same_outputs(rest.net, whole.net)


@pytest.mark.parametrize("budget", ["price=4", "price=3..6"])
def test_a_step_of_one_s_own_moves_gamma_as_a_search_s_step_does(tmp_path: Path, budget: str) -> None:
    net = bsngraph.compile_fabric(fabric_of(STRIPES, tmp_path), seed=1)
    what = settings(burn_in=0.0, penalty=2.0)
    edges = bsngraph.EdgeSearch(net, budget, steps=8, settings=what, seed=5)
    inputs, labels = stripes().train.inputs[:16], stripes().train.labels[:16]
    kept = edges.draw(16)
    # the same by the parts of a search
    again = bsngraph.EdgeSearch(net, budget, steps=8, settings=what, seed=5)
    assert np.array_equal(again.draw(16), kept)
    held = again._draw
    assert held is not None
    multipliers = Multipliers(edges.budgets, what, edges.gamma.vectors)
    state = bsngraph.LearnState(
        net=net,
        logits=held.logits,
        task=task_of(stripes()),
        budgets=edges.budgets,
        limits=limits_at(0, edges.budgets, recipe(epochs=8), what, asked=held.asked),
        penalty=multipliers.penalty_of(held.logits.mix),
        recipe=recipe(epochs=8),
        settings=what,
        gamma_learns=True,
    )
    outcome = bsngraph.learn_step(state, inputs, labels, held.samples)
    assert outcome.gamma_gradient is not None
    again.gamma.step(outcome.gamma_gradient)
    edges.learn(cross_entropy(net(inputs, kept), labels, reduction="none"))
    assert edges.probabilities() == again.probabilities()


def test_what_is_wrong_with_a_loop_is_said(tmp_path: Path) -> None:
    net = bsngraph.compile_fabric(fabric_of(STRIPES, tmp_path), seed=1)
    edges = bsngraph.EdgeSearch(net, ["price=4", "macs=90%"], steps=5)
    with pytest.raises(InputError, match="learn is called without a draw before it"):
        edges.learn(torch.zeros(4))
    edges.draw(4)
    with pytest.raises(InputError, match=r"losses are \(\): give one for each of the 4 examples"):
        edges.learn(torch.zeros(()))
    edges.draw(4)
    with pytest.raises(RunFailedError, match="a loss of step 1 is not finite: try a smaller learning rate"):
        edges.learn(torch.tensor([1.0, 2.0, float("nan"), 0.0]))
    with pytest.raises(InfeasibleBudgetError, match="no sub-network meets price=0"):
        bsngraph.EdgeSearch(net, "price=0.5", steps=5)
    with pytest.raises(InputError, match="steps=0 must be a whole number, at least 1"):
        bsngraph.EdgeSearch(net, "price=4", steps=0)
    with pytest.raises(InputError, match="net is Linear: give what compile_fabric gives"):
        bsngraph.EdgeSearch(torch.nn.Linear(1, 1), "price=4", steps=5)
    with pytest.raises(InputError, match="settings are int: give SearchSettings"):
        bsngraph.EdgeSearch(net, "price=4", steps=5, settings=3)
    with pytest.raises(InputError, match="batch=1 must be at least 2: Γ learns by comparing examples"):
        edges.draw(1)
    with pytest.raises(InputError, match="latency"):
        bsngraph.EdgeSearch(net, "latency=5ms", steps=5)


# --- the examples


def test_the_example_of_a_loop_ends_inside_its_budget(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["own_loop.py", "2"])
    runpy.run_path("examples/own_loop.py")
    said = capsys.readouterr().out.split()
    assert said[1:5] == ["%", "of", "the", "MACs,"]
    assert 0 < float(said[0]) <= 25


@pytest.mark.skipif(importlib.util.find_spec("lightning") is None, reason="lightning is not installed")
def test_the_example_of_lightning_ends_in_a_network(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["lightning_loop.py", "1"])
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's own
        runpy.run_path("examples/lightning_loop.py")
    assert "validation accuracy" in capsys.readouterr().out
    (saved,) = tmp_path.rglob("*.ckpt")
    assert torch.load(saved, weights_only=True)["edges"]["step"] == 22
