"""The curves of a run: what is drawn of its rows, what is marked, the same bytes each
time, and what happens without matplotlib.
"""

from __future__ import annotations

import builtins
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny import STRIPES, fabric_of, no_pictures, recipe, settings, stripes

from bsngraph.cli.main import cli
from bsngraph.draw.charts.axes import NoMatplotlibError
from bsngraph.draw.charts.curve_panels import Curve, marks_of, panels_of
from bsngraph.draw.charts.curves import curves_drawing, render_curves
from bsngraph.errors import InputError
from bsngraph.searching import search, train
from bsngraph.tasks import TASKS, Task, task_of
from bsngraph.training import Silent

SVG = "{http://www.w3.org/2000/svg}"


def searched(epoch: int, *, rate: float = 0.1, burn_in: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "stage": "search",
        "epoch": epoch,
        "train_loss": 1.0 / epoch,
        "train_accuracy": 0.5,
        "validation_loss": 2.0 / epoch,
        "validation_accuracy": 0.4,
        "costs": {
            name: {"sampled": 100.0 - epoch, "thresholded": 90.0 - epoch} for name in ("macs", "params")
        },
        "limits": {"params": 80.0 - epoch},
        "penalty": {"params": 10.0**epoch},
        "entropy": 0.9 / epoch,
        "learning_rate": rate,
        "burn_in": burn_in,
    } | more


def tuned(epoch: int, rate: float = 0.02) -> dict[str, Any]:
    kept = (
        "stage",
        "epoch",
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "learning_rate",
    )
    return {key: value for key, value in searched(epoch, rate=rate, stage="finetune").items() if key in kept}


ROWS = [
    searched(1, burn_in=True),
    searched(2, burn_in=True),
    searched(3),
    searched(4, rate=0.01),
    tuned(1),
    tuned(2, 0.002),
]


def texts(picture: bytes) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def curve(title: str, label: str) -> Curve:
    (panel,) = (panel for panel in panels_of(ROWS) if panel.title == title)
    (found,) = (curve for curve in panel.curves if curve.label == label)
    return found


def test_a_search_has_panels_of_loss_metric_budgets_multipliers_and_entropy() -> None:
    assert [panel.title for panel in panels_of(ROWS)] == ["loss", "accuracy", "params", "λ", "entropy of Γ"]


def test_curves_hold_what_the_rows_say_by_epoch_counted_over_all_stages() -> None:
    assert curve("loss", "training").points == ((1, 1.0), (2, 0.5), (3, 1 / 3), (4, 0.25), (5, 1.0), (6, 0.5))
    assert curve("accuracy", "validation").points == tuple((epoch, 0.4) for epoch in range(1, 7))
    assert curve("params", "expected").points == ((1, 99.0), (2, 98.0), (3, 97.0), (4, 96.0))
    assert curve("params", "Γ > ½").points == ((1, 89.0), (2, 88.0), (3, 87.0), (4, 86.0))
    assert curve("params", "limit in force").points == ((1, 79.0), (2, 78.0), (3, 77.0), (4, 76.0))
    assert curve("λ", "params").points == ((1, 10.0), (2, 100.0), (3, 1000.0), (4, 10000.0))
    assert curve("entropy of Γ", "mean over decisions").points[0] == (1, 0.9)


def test_marks_are_burn_in_drops_of_the_rate_within_a_stage_and_stages() -> None:
    marks = marks_of(ROWS)
    assert marks.burn_in == (1, 2)
    assert marks.drops == (4, 6), (
        "from 0.01 to the fine-tuning's 0.02 is no drop, nor is a stage that starts lower"
    )
    assert marks.stages == ((1, "search"), (5, "finetune"))


def test_a_search_without_budgets_draws_macs_and_no_multiplier() -> None:
    rows = [searched(1, limits={}, penalty={})]
    assert [panel.title for panel in panels_of(rows)] == ["loss", "accuracy", "macs", "entropy of Γ"]
    assert [curve.label for curve in panels_of(rows)[2].curves] == ["expected", "Γ > ½"]


def test_a_training_draws_loss_and_metric() -> None:
    assert [panel.title for panel in panels_of([tuned(1), tuned(2)])] == ["loss", "accuracy"]


@pytest.mark.parametrize("kind", TASKS)
def test_the_metric_that_is_drawn_is_the_headline_of_its_task(kind: Any) -> None:
    import torch

    names, outputs = ("x", "y"), torch.zeros(2, 2, 1, 1) if kind == "segmentation" else torch.zeros(2, 2)
    labels = {"classification": torch.zeros(2).long(), "segmentation": torch.zeros(2, 1, 1).long()}.get(
        kind, torch.ones(2, 2)
    )
    facts = Task(kind, task_of(stripes()).facts.__class__(names, mean=torch.zeros(2), std=torch.ones(2)))
    meter = facts.meter()
    meter.update(outputs, labels)
    row = {"stage": "training", "train_loss": 1.0, "validation_loss": 1.0, "learning_rate": 0.1}
    row |= {f"validation_{name}": value for name, value in meter.measured().metrics.items()}
    assert panels_of([row])[1].title == TASKS[kind].headline.name.replace("_", " ")


def test_the_picture_names_panels_curves_and_marks() -> None:
    said = texts(curves_drawing(ROWS, "svg"))
    for expected in (
        "loss",
        "accuracy",
        "params",
        "λ",
        "entropy of Γ",
        "epoch",
        "burn-in: only the weights learn",
        "next stage: finetune",
    ):
        assert expected in said, said
    assert "the learning rate drops" in said
    assert any("limit in force" in text for text in said)


def test_the_same_rows_give_the_same_bytes_without_a_date() -> None:
    for form in ("svg", "png"):
        assert curves_drawing(ROWS, form) == curves_drawing(ROWS, form)
    assert b"dc:date" not in curves_drawing(ROWS, "svg")


def test_one_epoch_and_names_that_mean_something_elsewhere_break_nothing() -> None:
    odd = "$x^$ <b>&\x00" + "n" * 200
    rows = [
        searched(1, limits={odd: 0.0}, penalty={odd: 0.0}, costs={odd: {"sampled": 0.0, "thresholded": 0.0}})
    ]
    assert any(text.startswith("$x^$ <b>&") for text in texts(curves_drawing(rows, "svg")))


def test_a_finished_run_has_its_curves_and_render_draws_them_again(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(fabric_of(STRIPES, tmp_path), stripes(), out=run, recipe=recipe(epochs=2), threads=1, device="cpu")
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "accuracy" in texts((run / "curves.svg").read_bytes())
    result = CliRunner().invoke(cli, ["render", str(run), "--curves", "-o", str(tmp_path / "again.svg")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "again.svg").read_bytes() == (run / "curves.svg").read_bytes()


def without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def importing(name: str, *arguments: Any, **more: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", importing)


def test_without_matplotlib_a_run_ends_well_and_one_note_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = []

    class Notes(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    no_pictures(monkeypatch)
    monkeypatch.setattr("bsngraph.searching.delivering.pictures.render_curves", render_curves)
    without_matplotlib(monkeypatch)
    result = search(
        fabric_of(STRIPES, tmp_path),
        stripes(),
        out=tmp_path / "run",
        recipe=recipe(),
        settings=settings(),
        threads=1,
        progress=Notes(),
    )
    assert result.run.finished
    assert not list((tmp_path / "run").glob("curves.*"))
    assert [note for note in notes if "matplotlib" in note] == [
        "drawing a chart needs matplotlib, and it is not there: `pip install 'bsngraph[draw]'`"
    ]


def test_without_matplotlib_rendering_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_matplotlib(monkeypatch)
    with pytest.raises(NoMatplotlibError):
        render_curves(ROWS, tmp_path / "curves.svg")


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"curves\.pdf: curves are drawn as \.svg or \.png: give it one of these endings"
    ):
        render_curves(ROWS, tmp_path / "curves.pdf")


@pytest.mark.parametrize(
    ("lines", "more", "said"),
    [
        ([], [], "there are no epochs in it yet (metrics.jsonl): is it a run folder?"),
        (["{"], [], "metrics.jsonl, line 1: "),
        (["3"], [], "metrics.jsonl, line 1: "),
        ([json.dumps({"stage": "search"})], [], "metrics.jsonl, line 1: "),
        ([json.dumps(searched(1, entropy="much"))], [], "metrics.jsonl, line 1: "),
        ([json.dumps(searched(1))], ["--cores", "2"], "--curves and --cores exclude each other"),
    ],
)
def test_render_says_what_is_wrong_with_a_runs_rows(
    tmp_path: Path, lines: list[str], more: list[str], said: str
) -> None:
    if lines:
        (tmp_path / "metrics.jsonl").write_text("\n".join(lines), encoding="utf-8")
    result = CliRunner().invoke(
        cli, ["render", str(tmp_path), "--curves", "-o", str(tmp_path / "x.svg"), *more]
    )
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert not (tmp_path / "x.svg").exists()
