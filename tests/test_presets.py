"""Presets: what `paper` means, that options given by hand go before it, and what a run
records.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from tiny import DIGITS, STRIPES, fabric_of, no_pictures, stripes, written

from bsngraph.cli.main import cli
from bsngraph.costs import Budgets
from bsngraph.errors import InputError
from bsngraph.searching import search
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.settings import (
    PRESETS,
    RANGE,
    SEARCH,
    Recipe,
    SearchSettings,
    as_dict,
    resolve_recipe,
    resolve_settings,
    setting_rows,
)
from bsngraph.settings.parsing import parse_penalty
from bsngraph.settings.presets import Preset
from bsngraph.supernet import compile_fabric
from bsngraph.training import make_optimizer


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


def test_without_a_preset_the_settings_are_the_defaults_but_learning_is_brief() -> None:
    assert resolve_settings(None) == (Recipe(epochs=20), SearchSettings())
    assert resolve_settings(None, recipe={"epochs": 7})[0] == Recipe(epochs=7)
    assert resolve_recipe({}) == Recipe(), "a training has its own"
    (shown,) = (row.says.shown for row in setting_rows(Recipe) if row.name == "epochs")
    found = SEARCH.recipe["epochs"], RANGE.recipe["epochs"], Recipe.epochs
    assert shown == "{} of a search, {} of one for a range, {} of a training".format(*found)


def test_paper_is_the_published_algorithm() -> None:
    recipe, settings = resolve_settings("paper")
    assert (recipe.epochs, recipe.batch_size, recipe.momentum, recipe.nesterov, recipe.weight_decay) == (
        300,
        64,
        0.9,
        False,
        1e-4,
    )
    assert [recipe.rate(epoch) for epoch in (0, 149, 150, 225)] == pytest.approx([0.1, 0.1, 0.01, 0.001])
    assert (settings.penalty_form, settings.adapt_penalty, settings.baseline, settings.edge_optimizer) == (
        "absolute",
        False,
        "batch-mean",
        "sgd",
    )
    assert settings.burn_in == settings.settle > 0, "the limit is not lowered"
    assert settings.aim == 1
    assert settings.initial_probability == pytest.approx(1 / (1 + math.exp(-3)), abs=1e-4)


def test_what_is_set_by_hand_goes_before_the_preset() -> None:
    recipe, settings = resolve_settings(
        "paper", recipe={"epochs": 10}, settings={"penalty": 2e-6, "candidates": 8}
    )
    assert (recipe.epochs, recipe.batch_size) == (10, 64)
    assert (settings.penalty, settings.candidates, settings.baseline) == (2e-6, 8, "batch-mean")


def test_a_burn_in_set_by_hand_does_not_make_the_preset_lower_its_limit() -> None:
    assert resolve_settings("paper", settings={"burn_in": 0.4})[1].settle == 0.4
    assert resolve_settings("paper", settings={"burn_in": 0.1, "settle": 0.5})[1].settle == 0.5
    assert resolve_settings(None, settings={"burn_in": 0.1})[1].settle == SearchSettings().settle


def test_an_unknown_preset_is_refused_and_the_nearest_named() -> None:
    with pytest.raises(InputError, match="there is no preset 'papers': did you mean 'paper'"):
        resolve_settings("papers")


@pytest.mark.parametrize("name", PRESETS)
def test_every_field_of_a_preset_is_one_of_its_settings(name: str) -> None:
    recipe, settings = resolve_settings(name)
    said: dict[str, Any] = {**PRESETS[name].recipe, **PRESETS[name].settings}
    assert {**vars(recipe), **vars(settings)} | said == {**vars(recipe), **vars(settings)}


def test_paper_moves_probabilities_by_plain_sgd_and_weights_by_plain_momentum(tmp_path: Path) -> None:
    net = compile_fabric(fabric_of(STRIPES, tmp_path), seed=0)
    recipe, settings = resolve_settings("paper")
    gamma = Learning(net, stripes(), Budgets(), (), recipe, settings, 0).gamma
    before = gamma.logits.clone()
    for _ in range(2):
        gamma.step(torch.ones_like(before))
    torch.testing.assert_close(gamma.logits, before - 2 * 0.064)
    assert make_optimizer(net, recipe).param_groups[0]["nesterov"] is False
    assert make_optimizer(net, Recipe()).param_groups[0]["nesterov"] is True


def test_a_run_records_its_preset_and_the_settings_that_came_of_it(tmp_path: Path) -> None:
    result = search(
        fabric_of(STRIPES, tmp_path),
        stripes(),
        ["price=5"],
        out=tmp_path / "run",
        preset="paper",
        recipe=Recipe(epochs=3),
        threads=1,
    )
    config = json.loads((tmp_path / "run/config.json").read_text(encoding="utf-8"))
    assert config["preset"] == "paper"
    assert config["settings"] == as_dict(resolve_settings("paper")[1])
    assert result.summary["budgets"][0]["met"]
    rows = [
        json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [row["stage"] for row in rows] == ["search"] * 3, "the network is not trained further"
    assert {row["penalty"]["price"] for row in rows} == {1e-7}
    assert rows[-1]["limits"] == {"price": 5.0}


def test_the_command_line_takes_a_preset_and_options_over_it(tmp_path: Path) -> None:
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
    more = ["--preset", "paper", "--epochs", "1", "--batch-size", "256", "--penalty", "1e-5", "--quiet"]
    result = CliRunner().invoke(cli, [*arguments, *more])
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "run/config.json").read_text(encoding="utf-8"))
    assert (config["preset"], config["recipe"]["epochs"], config["recipe"]["momentum"]) == ("paper", 1, 0.9)
    assert (
        config["settings"]["penalty"],
        config["settings"]["adapt_penalty"],
        config["settings"]["candidates"],
    ) == (1e-5, False, 0)


def test_auto_penalty_by_hand_adapts_under_the_preset_where_the_form_is_relative() -> None:
    relative = parse_penalty("auto") | {"penalty_form": "relative"}
    settings = resolve_settings("paper", settings=relative)[1]
    assert (settings.adapt_penalty, settings.penalty) == (True, 1.0)
    with pytest.raises(InputError, match="give a penalty, a number"):
        resolve_settings("paper", settings=parse_penalty("auto"))


def test_a_preset_is_one_row_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Preset(
        meaning="a look at whether anything learns",
        recipe={"epochs": 2, "batch_size": 256},
        settings={"finalists": 0, "finetune_epochs": 1},
    )
    monkeypatch.setitem(PRESETS, "short", row)  # type: ignore[misc]
    # a command reads the table when it is imported, which is when it is called first
    monkeypatch.delitem(sys.modules, "bsngraph.cli.commands.runs.search", raising=False)
    arguments = ["search", str(written(DIGITS, tmp_path)), "--data", "digits", "--budget", "macs=70%"]
    more = ["--preset", "short", "--epochs", "1", "--candidates", "2", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(cli, [*arguments, *more, "--quiet"])
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "run/config.json").read_text(encoding="utf-8"))
    assert (config["preset"], config["recipe"]["epochs"], config["recipe"]["batch_size"]) == ("short", 1, 256)
    rows = (tmp_path / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["stage"] for line in rows] == ["search", "finetune"]
