"""What a run says at its end of budgets that were not pursued, and of what its numbers
mean.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from tiny import STRIPES, fabric_of, job_of, no_pictures, recipe, settings, stripes

from bsngraph.cli.commands.runs.search import command
from bsngraph.cli.tables.result_table import show_result
from bsngraph.draw.charts.curve_panels import panels_of
from bsngraph.measure import LatencyTable
from bsngraph.measure.latency_table import conditions_here
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.epochs import SearchRow
from bsngraph.runs.rows.latencies import Calibration
from bsngraph.runs.run_folder import metrics_line
from bsngraph.searching import Result, search
from bsngraph.searching.delivering.remarks import remarks
from bsngraph.searching.prepare import Job


@pytest.fixture(scope="module", autouse=True)
def _no_pictures() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        yield


def searched(folder: Path, *budgets: str, **more: Any) -> Result:
    method = {"recipe": recipe(epochs=2), "settings": settings(finetune_epochs=1)} | more
    return search(fabric_of(STRIPES, folder), stripes(), budgets, out=folder / "run", threads=1, **method)


# --- class weights


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("weighted")
    return searched(folder, "price=4", recipe=recipe(epochs=2, class_weights=(1.0, 5.0))).run


def test_losses_with_class_weights_have_a_name_of_their_own(weighted: RunFolder) -> None:
    lines = [json.loads(line) for line in weighted.file("metrics.jsonl").read_text().splitlines()]
    for line in lines:
        assert {"train_weighted_loss", "validation_weighted_loss"} <= set(line)
        assert not {"train_loss", "validation_loss", "weighted"} & set(line)
    incumbents = [line["incumbent"] for line in lines if line.get("incumbent")]
    assert incumbents
    assert all("validation_weighted_loss" in one and "validation_loss" not in one for one in incumbents)
    scores = json.loads(weighted.file("result.json").read_text())["metrics"]
    assert all("loss" in scores[split] for split in ("validation", "test"))  # the plain one


def test_weighted_losses_are_read_back_and_drawn_as_such(weighted: RunFolder) -> None:
    rows = weighted.read_epochs()
    assert all(row.weighted and np.isfinite(row.train_loss) for row in rows)
    text = weighted.file("metrics.jsonl").read_text()
    weighted.write_metrics(map(metrics_line, rows))
    assert weighted.file("metrics.jsonl").read_text() == text
    assert panels_of(weighted.read_metrics())[0].title == "weighted loss"


def test_rows_of_older_versions_are_read(weighted: RunFolder, tmp_path: Path) -> None:
    text = weighted.file("metrics.jsonl").read_text().replace("_weighted_loss", "_loss")
    (tmp_path / "metrics.jsonl").write_text(text)
    rows = RunFolder(tmp_path).read_epochs()
    assert [row.train_loss for row in rows] == [row.train_loss for row in weighted.read_epochs()]
    assert not any(row.weighted for row in rows)
    assert isinstance(rows[0], SearchRow)


# --- budgets


def notes_of(result: Result) -> list[str]:
    written = json.loads(result.run.file("result.json").read_text())["notes"]
    assert written == list(result.summary["notes"])
    return written


def test_a_search_too_short_to_reach_its_budget_says_so(tmp_path: Path) -> None:
    [note] = notes_of(searched(tmp_path, "price=4", settings=settings(adapt_penalty=True, penalty=1.0)))
    assert note.startswith(
        "Γ did not come down to price=4: at the end of the search its samples cost 2.1 budgets"
    )
    assert "and Γ > ½ was still the whole fabric. The network" in note
    assert note.endswith(
        "it had about 4 steps to learn in; give it more by --epochs 4 or a smaller --batch-size, or raise "
        "--edge-learning-rate"
    )


@pytest.mark.parametrize(
    ("more", "cure"),
    [
        (
            {"adapt_penalty": False, "penalty": 1e-7},
            "λ stayed at 1e-07; raise --penalty, or adapt it by --penalty auto",
        ),
        ({"burn_in": 1.0, "settle": 1.0}, "burn-in took every epoch; lower --burn-in"),
    ],
)
def test_the_cure_is_for_what_kept_gamma_up(tmp_path: Path, more: dict[str, Any], cure: str) -> None:
    [note] = notes_of(searched(tmp_path, "price=4", settings=settings(finetune_epochs=1, **more)))
    assert note.endswith(f"The network was chosen without its help: {cure}")


def spending(job: Job, value: float) -> list[str]:
    return remarks(job, (), {"price": {"value": value}})


def test_a_network_that_spends_a_ninth_of_its_budget_says_so(tmp_path: Path) -> None:
    job = job_of(fabric_of(STRIPES, tmp_path), tmp_path, "price=6")
    [note] = spending(job, 6 / 9)
    assert note == (
        "the network spends 11.1 % of price=6: of those compared, none that spends more was judged better. "
        "To compare more of them search again with more --finalists; or ask for a smaller budget"
    )
    assert spending(job, 2.5) == []


def test_one_budget_that_is_spent_is_enough_and_a_slack_one_says_nothing(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES, tmp_path)
    costs = {"price": {"value": 5.9}, "params": {"value": 1.0}}
    assert remarks(job_of(fabric, tmp_path, "price=6", "params=90%"), (), costs) == []
    assert spending(job_of(fabric, tmp_path, "price=100"), 1.0) == []


@pytest.mark.parametrize(("error", "told"), [(0.39, True), (0.05, False), (None, False)])
def test_a_latency_model_that_misses_says_by_how_much(
    tmp_path: Path, error: float | None, told: bool
) -> None:
    job = job_of(fabric_of(STRIPES, tmp_path), tmp_path)
    names = tuple(edge.name for edge in job.fabric.edges)
    ones = (1.0,) * len(names)
    table = LatencyTable(
        conditions_here(threads=1), names, ones, ones, Calibration(1.0, 0.0, 8, error, error)
    )
    notes = remarks(replace(job, latencies=table), (), {})
    assert bool(notes) is told
    if told:
        assert notes[0].startswith("the sum of edges' latencies misses whole networks by 39 % on average")
    assert remarks(replace(job, latencies=replace(table, spread=0.4)), (), {}) == []


def test_results_of_older_versions_have_no_notes(weighted: RunFolder) -> None:
    result = json.loads(weighted.file("result.json").read_text())
    del result["notes"]
    weighted.file("result.json").write_text(json.dumps(result))
    assert weighted.read_result().notes == ()


def test_every_option_that_a_note_names_is_one(tmp_path: Path) -> None:
    source = Path(remarks.__code__.co_filename).read_text(encoding="utf-8")
    known = {name for option in command.params for name in option.opts}
    assert set(re.findall(r"--[a-z-]+", source)) <= known


def test_notes_are_printed_after_the_table_and_stand_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = searched(tmp_path, "price=4", settings=settings(finetune_epochs=0, burn_in=1.0, settle=1.0))
    with click.Context(command):
        show_result(result, "text")
    assert "\nnote: Γ did not come down to price=4" in capsys.readouterr().out
    show_result(result, "json")
    assert json.loads(capsys.readouterr().out)["notes"] == notes_of(result)
