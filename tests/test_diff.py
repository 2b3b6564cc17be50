"""What changed between two fabrics: what is found, printed and drawn."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from random_fabrics import every_sample, small_fabrics

from bsngraph.cli.main import cli
from bsngraph.draw import find_graphviz
from bsngraph.draw.difference_drawing import ADDED, CHANGED, GONE, SAME, difference_drawing
from bsngraph.errors import BsngraphError
from bsngraph.fabric import Fabric, architecture_of, prune_fabric, read_fabric, write_fabric
from bsngraph.fabric.difference import Change, difference
from bsngraph.fabric.reading.dot_to_raw import dot_to_raw

A = """digraph a {
  graph [source=x, target=y]; x [input="4x8x8"]; h [merge=mean]; edge [op=conv, channels=4];
  x -> h [key=wide, kernel=5, cost_energy=2];
  x -> h [key=skip, op=identity, probability=0.5];
  x -> h [key=old, kernel=1];
  h -> g [op=identity];
  g -> y [op=classifier, classes=3, fixed=true];
}"""
B = """digraph b {
  graph [source=x, target=y]; x [input="4x8x8"]; h [merge=max, activation=relu]; edge [op=conv, channels=4];
  x -> h [key=wide, kernel=3, cost_energy=1, norm=none];
  x -> h [key=skip, op=max_pool, channels="", window=3, stride=1, fixed=true];
  x -> h [key=new, op=separable_conv];
  h -> f [op=identity];
  f -> y [op=classifier, classes=3, fixed=true];
}"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for name, text in (("a.dot", A), ("b.dot", B)):
        (tmp_path / name).write_text(text)
    return tmp_path / "a.dot", tmp_path / "b.dot"


def test_what_changed_is_found(files: tuple[Path, Path]) -> None:
    found = difference(*map(read_fabric, files))
    assert [edge.name for edge in found.only_a] == ["x->h#old", "h->g#0", "g->y#0"]
    assert [edge.name for edge in found.only_b] == ["x->h#new", "h->f#0", "f->y#0"]
    assert {one.name: one.changes for one in found.changed} == {
        "x->h#wide": (Change("kernel", 5, 3), Change("cost_energy", 2.0, 1.0), Change("norm", None, "none")),
        "x->h#skip": (
            Change("op", "identity", "max_pool"),
            Change("fixed", False, True),
            Change("probability", 0.5, None),
            Change("stride", None, 1),
            Change("window", None, 3),
        ),
    }
    assert [one.decided for one in found.changed] == [False, False]
    assert [node.name for node in found.nodes_only_a] == ["g"]
    assert [node.name for node in found.nodes_only_b] == ["f"]
    assert [(one.name, one.changes) for one in found.nodes_changed] == [
        ("h", (Change("merge", "mean", "max"), Change("activation", "none", "relu")))
    ]
    assert found.sources == (("x",), ("x",))
    assert not found.empty


@given(small_fabrics(costs=True, max_sources=2), small_fabrics(costs=True, max_sources=2))
def test_a_difference_is_empty_between_equals_only_and_turns_round(a: Fabric, b: Fabric) -> None:
    assert difference(a, a).empty
    assert difference(a, replace(a, name="other", style={"label": "x"})).empty
    there, back = difference(a, b), difference(b, a)
    assert there.empty == (a == b)
    assert (there.only_a, there.only_b, there.nodes_only_a) == (back.only_b, back.only_a, back.nodes_only_b)
    turned = {
        one.name: {(change.what, change.after, change.before) for change in one.changes}
        for one in back.changed
    }
    assert {
        one.name: {(change.what, change.before, change.after) for change in one.changes}
        for one in there.changed
    } == turned


@given(small_fabrics(norm="none"), st.data())
def test_between_a_fabric_and_its_architecture_is_what_was_removed_and_what_was_decided(
    fabric: Fabric, data: st.DataObject
) -> None:
    samples = every_sample(fabric)
    kept = samples[data.draw(st.integers(0, len(samples) - 1))]
    try:
        architecture = architecture_of(fabric, kept)
    except BsngraphError:
        architecture = architecture_of(fabric, samples[-1])
    found = difference(fabric, prune_fabric(fabric, architecture, [(4, 4, 4)] * len(fabric.edges)))
    assert not found.only_b
    assert not found.nodes_only_b
    assert len(found.only_a) == len(fabric.edges) - len(architecture.live)
    assert all(
        one.decided or {change.what for change in one.changes} == {"concat_offset"} for one in found.changed
    )


# --- the command


def diff(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["diff", *map(str, arguments)], catch_exceptions=False)


def test_the_command_says_what_changed(files: tuple[Path, Path]) -> None:
    result = diff(*files)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "- node g",
        "+ node f",
        "- edge x->h#old: conv channels=4 kernel=1",
        "- edge h->g#0: identity",
        "- edge g->y#0: classifier classes=3",
        "+ edge x->h#new: separable_conv channels=4",
        "+ edge h->f#0: identity",
        "+ edge f->y#0: classifier classes=3",
        "~ node h: merge mean → max, activation none → relu",
        "~ edge x->h#skip: op identity → max_pool, fixed false → true, probability 0.5 → unset, stride "
        "unset → 1, window unset → 3",
        "~ edge x->h#wide: kernel 5 → 3, cost_energy 2 → 1, norm unset → none",
        "edges: 3 added, 3 removed, 2 changed",
        "macs: 26.6 k → 12.6 k (47.1 %)",
        "params: 447 → 231 (51.7 %)",
    ]


def test_the_command_prints_facts_as_json(files: tuple[Path, Path]) -> None:
    facts = json.loads(diff(*files, "--format", "json").output)
    assert not facts["same"]
    assert facts["edges"]["only_b"][0] == {
        "name": "x->h#new",
        "op": "separable_conv",
        "arguments": {"channels": 4},
        "fixed": False,
    }
    assert facts["edges"]["changed"][1]["changes"][0] == {"what": "kernel", "before": 5, "after": 3}
    assert facts["nodes"]["only_a"] == [{"name": "g", "merge": "sum", "activation": "none"}]
    assert set(facts["costs"]) == {"macs", "params"}
    assert json.loads(diff(files[0], files[0], "--format", "json", "--no-costs").output)["same"]


def test_no_difference_is_said_and_is_no_failure(files: tuple[Path, Path], tmp_path: Path) -> None:
    write_fabric(read_fabric(files[0]), tmp_path / "a.graphml")
    result = diff(files[0], tmp_path / "a.graphml")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "no difference"


def test_a_run_folder_stands_for_its_architecture(files: tuple[Path, Path], tmp_path: Path) -> None:
    fabric = read_fabric(files[0])
    kept = every_sample(fabric)[-1].copy()
    kept[0] = False
    (tmp_path / "run").mkdir()
    write_fabric(
        prune_fabric(fabric, architecture_of(fabric, kept), [(4, 8, 8)] * 5),
        tmp_path / "run" / "architecture.dot",
    )
    lines = diff(files[0], tmp_path / "run", "--no-costs").output.splitlines()
    assert lines[1:] == [
        "~ 3 edges searchable in A and fixed in B, else the same",
        "edges: 0 added, 1 removed, 0 changed",
    ]
    (tmp_path / "empty").mkdir()
    result = diff(files[0], tmp_path / "empty")
    assert result.exit_code == 2
    assert "there is no architecture in it yet" in result.output


def test_mistakes_end_with_their_code(files: tuple[Path, Path], tmp_path: Path) -> None:
    assert diff(files[0], tmp_path / "none.dot").exit_code == 2
    assert diff(*files, "-o", tmp_path / "d.gif").exit_code == 2
    (tmp_path / "bad.dot").write_text("digraph { a -- b }")
    assert "bad.dot" in diff(files[0], tmp_path / "bad.dot").output


def test_without_costs_torch_is_not_loaded(files: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = ["diff", *map(str, files), "--no-costs", "-o", str(tmp_path / "d.dot")]
    code = (
        f"import sys; from bsngraph.cli.main import cli; cli({arguments!r}, standalone_mode=False); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


# --- the picture


def test_the_picture_shows_what_was_added_removed_and_changed(files: tuple[Path, Path]) -> None:
    source = difference_drawing(*map(read_fabric, files), caption=["from a to b"])
    raw = dot_to_raw(source, "drawing")
    drawn = {
        edge.name: (edge.own["color"], edge.own["style"], edge.own["label"].strip()) for edge in raw.edges
    }  # type: ignore[union-attr]
    assert drawn["x->h#old"] == (GONE, "dashed", "proj 1×1")
    assert drawn["x->h#new"] == (ADDED, "solid", "sep 3×3")
    assert drawn["x->h#wide"] == (CHANGED, "solid", "conv 5×5 → conv 3×3")
    assert len(drawn) == 8
    nodes = {node.name: node.own["color"] for node in raw.nodes}
    assert nodes == {"x": SAME, "h": CHANGED, "g": GONE, "f": ADDED, "y": SAME}
    assert all(f">{word}<" in source for word in ("added", "removed", "changed", "the same"))
    assert ">from a to b<" in source


@given(small_fabrics(), small_fabrics())
def test_any_two_fabrics_can_be_drawn_over_each_other(a: Fabric, b: Fabric) -> None:
    raw = dot_to_raw(difference_drawing(a, b), "drawing")
    assert {edge.name for edge in raw.edges} == {edge.name for edge in (*a.edges, *b.edges)}
    same = dot_to_raw(difference_drawing(a, a), "drawing")
    assert {edge.own["color"] for edge in same.edges} == {SAME}


@pytest.mark.skipif(find_graphviz() is None, reason="no Graphviz: pip install graphviz-pure")
def test_the_command_draws(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = diff(*files, "-o", tmp_path / "d.svg")
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == str(tmp_path / "d.svg")
    assert "from a.dot to b.dot" in (tmp_path / "d.svg").read_text()
