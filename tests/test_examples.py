"""The examples run as they stand; what they leave to defaults is kept short."""

from __future__ import annotations

import runpy
import sys
from functools import partial
from pathlib import Path

import pytest

import bsngraph
from bsngraph.ops import OPERATIONS

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _short_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"finalists": 2, "finalist_epochs": 1, "candidates": 4, "neighbour_rounds": 1}
    monkeypatch.setattr(bsngraph, "SearchSettings", partial(bsngraph.SearchSettings, **few))
    monkeypatch.setattr(bsngraph, "Recipe", partial(bsngraph.Recipe, batch_size=256))


def test_quickstart_reads_compiles_searches_prunes_and_draws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["quickstart.py", "2"])
    runpy.run_path("examples/quickstart.py")
    said = capsys.readouterr().out
    assert "digits: 33 edges, 31 searchable" in said
    assert "scores of four samples: (4, 10)" in said
    assert "% of the MACs at most" in said
    assert Path(said.rsplit("picture in ", 1)[1].strip()).read_text().startswith("<?xml")


def test_custom_fabric_writes_a_fabric_and_its_cheapest_sub_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["custom_fabric.py", str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / "custom_fabric.py"))
    towers, least = (
        bsngraph.read_fabric(tmp_path / "towers.dot"),
        bsngraph.read_fabric(tmp_path / "cheapest.dot"),
    )
    assert {edge.gate for edge in towers.edges} == {None, "second layers"}
    assert all(edge.fixed for edge in least.edges)
    assert bsngraph.profile_fabric(least).node_shapes[-1] == (10,)
    assert (tmp_path / "towers.svg").exists()


def test_segmentation_searches_measures_and_paints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["segmentation.py", "1"])
    runpy.run_path("examples/segmentation.py")
    said = capsys.readouterr().out
    assert "mean IoU " in said
    assert "background " in said
    assert "8 pictures" in said
    assert Path(said.rsplit("first of them ", 1)[1].strip()).read_bytes().startswith(b"\x89PNG")


def test_own_folder_writes_images_reads_and_searches_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    monkeypatch.setattr("sys.argv", ["own_folder.py", "2"])
    runpy.run_path(str(ROOT / "examples" / "own_folder.py"))
    said = capsys.readouterr().out
    assert "115 images to train on, 29 to choose with, 36 to test" in said
    assert "1x16x16, classes: 0, 1, 7" in said
    assert "% of the MACs; run in " in said


def test_custom_operation_counts_operations_of_its_own_and_searches_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["custom_operation.py", "1"])
    monkeypatch.syspath_prepend(ROOT / "examples")  # where Python finds what stands beside a script
    known = dict(OPERATIONS)
    try:
        runpy.run_path(str(ROOT / "examples" / "custom_operation.py"))
    finally:
        OPERATIONS.clear()
        OPERATIONS.update(known)
        sys.modules.pop("scale_operation", None)
    lines = capsys.readouterr().out.splitlines()
    # 64 pixels, 8 channels in, 16 out, 9 weights; and one bias for each outgoing
    # channel
    assert any(
        line.split() == ["a->b#0", "gated_conv", "73728", "MACs", "1168", "parameters"] for line in lines
    )
    assert lines[-1].startswith("test accuracy")
