"""`--time`: a search whose epochs fit the time, by what a few epochs take here; the
numbers that are found are recorded, so the search is as reproducible as any.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import DIGITS, STRIPES, fabric_of, job_of, no_pictures, recipe, written

from bsngraph.cli.asked.time_option import parse_time
from bsngraph.cli.main import cli
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.searching.fit_time import LEAST, EpochTimes, epochs_take, measure_epochs, scaled_to
from bsngraph.settings import Recipe, SearchSettings

USUAL = Recipe(), SearchSettings()


@settings(deadline=None)
@given(
    st.floats(0.01, 10),
    st.floats(0.01, 10),
    st.floats(1, 100_000),
    st.integers(1, 9),
    st.sets(st.sampled_from(sorted(LEAST))),
)
def test_the_epochs_fit_the_time_or_the_least_are_too_many(
    learning: float, network: float, seconds: float, networks: int, fixed: set[str]
) -> None:
    each = EpochTimes(learning, network)
    try:
        found = scaled_to(*USUAL, each, seconds, networks, fixed)
    except InputError:
        least = {name: value for name, value in LEAST.items() if name not in fixed}
        epochs = least.pop("epochs", USUAL[0].epochs)
        shortest = replace(USUAL[0], epochs=epochs), replace(USUAL[1], **least)
        assert epochs_take(*shortest, each, networks) > 0.9 * seconds
        return
    assert found.seconds == epochs_take(found.recipe, found.settings, each, networks)
    assert found.seconds <= seconds
    values = {"epochs": (found.recipe.epochs, USUAL[0].epochs)} | {
        name: (getattr(found.settings, name), getattr(USUAL[1], name)) for name in LEAST if name != "epochs"
    }
    for name, (value, usual) in values.items():
        assert value == usual if name in fixed else value >= LEAST[name]


@given(st.floats(0.01, 10), st.floats(0.01, 10), st.floats(20, 1000), st.floats(1, 3))
def test_more_time_is_never_a_shorter_search(
    learning: float, network: float, seconds: float, more: float
) -> None:
    each = EpochTimes(learning, network)
    try:
        short = scaled_to(*USUAL, each, seconds, 1)
    except InputError:
        return
    assert scaled_to(*USUAL, each, more * seconds, 1).seconds >= short.seconds


def test_the_usual_time_gives_about_the_usual_search() -> None:
    each = EpochTimes(2.0, 1.0)
    usual = epochs_take(*USUAL, each, 1)
    found = scaled_to(*USUAL, each, usual / 0.9, 1)
    assert usual * 0.85 <= found.seconds <= usual
    assert 50 <= found.recipe.epochs <= 60


def test_a_search_without_finalists_stays_without() -> None:
    found = scaled_to(Recipe(), SearchSettings(finalists=0, finetune_epochs=0), EpochTimes(1.0, 1.0), 600, 1)
    assert (found.settings.finalists, found.settings.finetune_epochs) == (0, 0)
    assert found.recipe.epochs == 540


def test_epochs_of_both_kinds_are_measured(tmp_path: Path) -> None:
    job = job_of(fabric_of(STRIPES, tmp_path), tmp_path, "price=6", recipe=recipe(epochs=2))
    each = measure_epochs(job, None)
    assert 0 < each.learning < 10
    assert 0 < each.network < 10
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("2H", 7200), ("1m30s", 90)],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0", "0.5s", "ten", "10 m 5", "-3m", "1e9h", "99999999h", "5m2h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time of a second or more"):
        parse_time(text)


def invoke(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_what_was_fitted_is_recorded_and_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)
    monkeypatch.setattr("bsngraph.searching.fit_time.measure_epochs", lambda job, known: EpochTimes(2.0, 1.0))
    words: tuple[Any, ...] = (
        "search", written(DIGITS, tmp_path), "--data", "digits", "--budget", "energy=8", "--threads", 1,
        "--batch-size", 512, "--candidates", 2, "--finalists", 0, "--time", "20s",
    )  # fmt: skip
    result = invoke(*words, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert (
        "an epoch of learning takes 2 s here, one of a single network 1 s; for 0:20 in all" in result.stderr
    )
    config = RunFolder(tmp_path / "run").read_config()
    assert (config.recipe.epochs, config.settings.finalists, config.settings.finetune_epochs) == (5, 0, 8)
    assert "had ended already" in invoke("search", "--resume", tmp_path / "run").stderr
    assert invoke("search", "--config", tmp_path / "run", "--out", tmp_path / "again").exit_code == 0
    model = (tmp_path / "run/model.safetensors").read_bytes()
    assert (tmp_path / "again/model.safetensors").read_bytes() == model, "measuring leaves no trace"
    refused = invoke(*words, "--out", tmp_path / "run", "--resume")
    assert refused.exit_code == 2
    assert "--time and --resume exclude each other" in refused.stderr
    short = invoke(*words[:-1], "5s", "--out", tmp_path / "other")
    assert short.exit_code == 2
    assert "the shortest search takes about 12 s here, more than the 5 s of --time" in short.stderr
    assert not (tmp_path / "other").exists()
    fixed = invoke(*words[:-1], "9s", "--epochs", 2, "--out", tmp_path / "other")
    assert fixed.exit_code == 0, fixed.output
    assert RunFolder(tmp_path / "other").read_config().recipe.epochs == 2
