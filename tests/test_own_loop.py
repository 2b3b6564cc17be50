"""A training loop of one's own, and AdamW beside SGD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from tiny import DIGITS, STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes, written

import bsngraph
from bsngraph.cli.main import cli
from bsngraph.errors import InputError
from bsngraph.settings import Recipe, SearchSettings, resolve_settings
from bsngraph.training import Silent, make_optimizer

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
    result = CliRunner().invoke(cli, line.split())
    assert result.exit_code == 2
    assert "learning-rate=0.1 is too high for AdamW" in result.output
