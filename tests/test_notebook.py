"""What a notebook shows of fabrics, architectures, results and fronts, and the tour in
examples/tour.ipynb, whose cells are executed.
"""

from __future__ import annotations

import ast
import json
import pickle
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tiny import DIGITS, STRIPES, fabric_of, no_pictures, recipe, settings, stripes

import bsngraph
from bsngraph.displayed import Displayed
from bsngraph.fabric import Architecture, Fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.front import Front, FrontRow

TOUR = Path(__file__).parents[1] / "examples" / "tour.ipynb"
HOSTILE = "<script>alert(1)</script>[/x]&amp;\"'\u202eb"


class Texts(HTMLParser):
    """The tags and the texts of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def texts_of_svg(svg: str) -> set[str]:
    return {(element.text or "").strip() for element in ElementTree.fromstring(svg).iter()}


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Fabric:
    return bsngraph.profile_fabric(fabric_of(DIGITS, tmp_path_factory.mktemp("shown"))).annotated()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> bsngraph.Result:
    """A search as small as can be, under two budgets."""
    folder = tmp_path_factory.mktemp("shown_result")
    return bsngraph.search(
        fabric_of(STRIPES, folder),
        stripes(),
        ["price=4", "macs=90%"],
        out=folder / "run",
        recipe=recipe(epochs=1),
        settings=settings(finetune_epochs=0),
        threads=1,
    )


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsngraph.draw.graphviz.find_graphviz", lambda: None)
    monkeypatch.setattr("bsngraph.notebook.cell_output.find_graphviz", lambda: None)


def test_a_fabric_is_a_picture_with_its_names(fabric: Fabric) -> None:
    svg = fabric._repr_svg_()
    assert svg is not None
    assert {"image", "a", "b", "scores"} <= texts_of_svg(svg)
    assert "tiny_digits: 5 edges, 3 of them searchable" in texts_of_svg(svg)
    assert fabric._repr_html_() is None, "one form is enough"


def test_an_architecture_is_drawn_over_its_fabric(fabric: Fabric) -> None:
    kept = np.array([False, True, False, False, False])
    architecture = bsngraph.architecture_of(fabric, kept)
    svg = architecture._repr_svg_()
    assert svg is not None
    assert "tiny_digits: 1 of 3 searchable edges live" in texts_of_svg(svg)
    assert "macs: 120 of 696 (17.2 %)" in texts_of_svg(svg)
    assert "removed" in texts_of_svg(svg)
    bare = Architecture(5, architecture.live)
    assert bare == architecture
    assert hash(bare) == hash(architecture)
    assert bare._repr_svg_() is None
    assert "over(fabric)" in (bare._repr_html_() or "")
    assert bare.over(fabric)._repr_svg_() == svg
    assert pickle.loads(pickle.dumps(architecture)) == architecture


def test_without_graphviz_there_is_a_text_and_a_hint(fabric: Fabric, no_graphviz: None) -> None:
    every = bsngraph.architecture_of(fabric, np.ones(5, dtype=np.bool_))
    for noun in (fabric, every):
        assert noun._repr_svg_() is None
        html = Texts(noun._repr_html_() or "")
        assert repr(noun) in html.texts
        assert "pip install 'bsngraph[draw]'" in " ".join(html.texts)


def test_a_graphviz_that_fails_leaves_the_text(fabric: Fabric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsngraph.draw.graphviz.find_graphviz", lambda: "/bin/false")
    assert fabric._repr_svg_() is None


def test_a_result_is_a_table_and_its_picture(result: bsngraph.Result) -> None:
    html = Texts(result._repr_html_() or "")
    words = " ".join(html.texts)
    assert f"test accuracy {100 * result.test_accuracy:.2f} %" in words
    for budget in result.summary["budgets"]:
        assert budget["cost"] in html.texts
    assert html.texts.count("met") == 2
    (source,) = html.sources
    form, _, data = source.partition(",")
    assert form == "data:image/svg+xml;base64"
    assert b64decode(data) == result.run.file("architecture.svg").read_bytes()
    assert result.architecture._repr_svg_() is not None
    assert result._repr_svg_() is None
    gone = replace(result, run=RunFolder(Path("/nowhere")))
    assert "There is no architecture.svg" in (gone._repr_html_() or "")


def test_a_front_is_a_table_and_a_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    scores: dict[str, Any] = {"validation": {"accuracy": 0.9, "loss": 0.1}, "test": {"accuracy": 0.8}}
    one = FrontRow(
        limit=2000.0, architecture="front/1.dot", weights="trained", costs={HOSTILE: 1500.0}, **scores
    )
    front = Front(cost=HOSTILE, unit="", metric="accuracy", rows=(FrontRow(limit=1000.0), one))
    html = Texts(front._repr_html_() or "")
    assert html.tags.count("tr") == 3
    assert "script" not in html.tags
    assert html.texts[-6:] == ["2 k", "1.5 k", "90.00 %", "80.00 %", "trained", "front/1.dot"]
    assert "none inside" in html.texts
    assert front._repr_svg_() is None
    (source,) = html.sources
    assert source.startswith("data:image/svg+xml;base64,")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "drawing a chart needs matplotlib" in (front._repr_html_() or "")
    empty = Front(cost="macs", unit="", metric="accuracy", rows=(FrontRow(limit=1000.0),))
    assert "img" not in Texts(empty._repr_html_() or "").tags


def test_hostile_names_are_text(fabric: Fabric, result: bsngraph.Result) -> None:
    named = {node.name: HOSTILE if node.name == "a" else node.name for node in fabric.nodes}
    hostile = replace(
        fabric,
        name=HOSTILE,
        nodes=tuple(replace(node, name=named[node.name]) for node in fabric.nodes),
        edges=tuple(
            replace(edge, source=named[edge.source], target=named[edge.target], key=f"{HOSTILE}{number}")
            for number, edge in enumerate(fabric.edges)
        ),
    )
    svg = hostile._repr_svg_()
    assert svg is not None
    assert not [tag for tag in ElementTree.fromstring(svg).iter() if "script" in tag.tag]
    assert "\u202e" not in repr(hostile)
    summary = json.loads(json.dumps(result.summary).replace('"price"', json.dumps(HOSTILE)))
    shown = Texts(replace(result, summary=summary | {"notes": [HOSTILE]})._repr_html_() or "")
    assert "script" not in shown.tags
    assert any("<script>alert(1)</script>[/x]&amp;" in text for text in shown.texts)
    assert "\u202e" not in repr(replace(result, summary=summary))


def test_texts_of_nouns_fit_a_line(fabric: Fabric, result: bsngraph.Result) -> None:
    data = stripes()
    assert repr(fabric) == "Fabric('tiny_digits': 4 nodes, 5 edges, 3 searchable; image -> scores)"
    assert repr(Architecture(5, (0, 1, 2, 4))) == "Architecture(4 of 5 edges: 0-2 4)"
    assert repr(data) == (
        "Dataset('stripes': classification of 1x4x4 (rows, columns); 64 train, 64 validation, 64 test)"
    )
    assert repr(data.train) == "Split(64 examples of 1x4x4)"
    assert repr(result).startswith(f"Result({result.run.path}: test accuracy ")
    assert "price of 4" in repr(result)
    many = Architecture(5000, tuple(range(0, 5000, 2)))
    long = replace(data, name="x" * 5000, class_names=("y" * 5000, "z" * 5000))
    assert max(len(repr(many)), len(repr(long))) < 200


def test_a_display_imports_no_torch(fabric: Fabric, tmp_path: Path) -> None:
    bsngraph.write_fabric(fabric, tmp_path / "fabric.dot")
    code = (
        "import sys, bsngraph\nfabric = bsngraph.read_fabric(sys.argv[1])\n"
        "assert fabric._repr_svg_() and fabric._repr_html_() is None\n"
        "assert not {'torch', 'sklearn', 'jinja2'}.intersection(sys.modules)\n"
    )
    line = [sys.executable, "-c", code, str(tmp_path / "fabric.dot")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- the tour


def code_cells() -> Iterator[str]:
    tour = json.loads(TOUR.read_text(encoding="utf-8"))
    for cell in tour["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            yield "".join(cell["source"])


def execute(cell: str, names: dict[str, Any]) -> Any:
    """Run a cell as Jupyter does; what its last line gives, if it is an expression."""
    lines = ast.parse(cell)
    last = lines.body.pop() if isinstance(lines.body[-1], ast.Expr) else None
    exec(compile(lines, "a cell", "exec"), names)
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), "a cell", "eval"), names)


def test_the_tour_runs_and_shows_what_it_speaks_of(
    fabric: Fabric, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a fabric of five edges in place of the one that it reads, and one epoch."""
    few = {"epochs": 1, "batch_size": 512}
    fewer = {"finalists": 1, "finalist_epochs": 1, "finetune_epochs": 1, "candidates": 2, "pool": 32}
    whole_recipe, whole_settings, read = bsngraph.Recipe, bsngraph.SearchSettings, bsngraph.read_fabric

    def small_fabric(path: str, parameters: dict[str, Any]) -> Fabric:
        assert read(path, parameters).name == "digits"
        return fabric

    monkeypatch.setattr(bsngraph, "read_fabric", small_fabric)
    monkeypatch.setattr(bsngraph, "Recipe", lambda **said: whole_recipe(**{**said, **few}))
    monkeypatch.setattr(bsngraph, "SearchSettings", lambda **said: whole_settings(**{**said, **fewer}))
    no_pictures(monkeypatch)
    monkeypatch.chdir(TOUR.parent)
    names: dict[str, Any] = {}
    shown = [execute(cell, names) for cell in code_cells()]
    kinds = [type(noun).__name__ for noun in shown if isinstance(noun, Displayed)]
    assert kinds == ["Fabric", "Fabric", "Architecture", "Result", "Result", "Front"]
    for noun in shown:
        if isinstance(noun, Displayed):
            assert noun._repr_svg_() or noun._repr_html_()
    printed = capsys.readouterr().out
    assert f"{fabric}\n696 MACs" in printed
    assert "import torch" in printed, "the exported model.py"
    assert (names["out"] / "report.html").exists()
    assert len(json.loads(TOUR.read_text(encoding="utf-8"))["cells"]) == 15
