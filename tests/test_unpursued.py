"""What a run says at its end of budgets that were not pursued, and of what its numbers
mean.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import STRIPES, fabric_of, no_pictures, recipe, settings, stripes

from bsngraph.draw.charts.curve_panels import panels_of
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.epochs import SearchRow
from bsngraph.searching import Result, search


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
    weighted.write_metrics(rows)
    assert weighted.file("metrics.jsonl").read_text() == text
    assert panels_of(weighted.read_metrics())[0].title == "weighted loss"


def test_rows_of_older_versions_are_read(weighted: RunFolder, tmp_path: Path) -> None:
    text = weighted.file("metrics.jsonl").read_text().replace("_weighted_loss", "_loss")
    (tmp_path / "metrics.jsonl").write_text(text)
    rows = RunFolder(tmp_path).read_epochs()
    assert [row.train_loss for row in rows] == [row.train_loss for row in weighted.read_epochs()]
    assert not any(row.weighted for row in rows)
    assert isinstance(rows[0], SearchRow)
