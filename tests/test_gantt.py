"""Gantt charts: what stands in them, that no name breaks one, the same bytes each time,
and what happens without matplotlib.
"""

from __future__ import annotations

import builtins
import itertools
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tiny import DIGITS, fabric_of, written

from bsngraph.cli.main import cli
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps, schedule_of
from bsngraph.costs.schedules.scheduled_edge import ScheduledEdge
from bsngraph.draw.charts.gantt import (
    MOST_BARS,
    Chart,
    NoMatplotlibError,
    check_bars,
    gantt_drawing,
    render_gantt,
)
from bsngraph.draw.charts.gantt_labels import without_room
from bsngraph.draw.palette import CONV_1, CONV_3, HEAD
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric, write_fabric
from bsngraph.fabric.model import Edge, Node
from bsngraph.profile import profile_fabric

SVG = "{http://www.w3.org/2000/svg}"


def chain(*names: str) -> Fabric:
    edges = tuple(Edge(one, other, "0", "conv", {"channels": 1}) for one, other in itertools.pairwise(names))
    return Fabric("chain", tuple(map(Node, names)), edges, names[:1], names[-1:])


def chart_of(cost: Steps | Makespan) -> Chart:
    return Chart(
        cost.name,
        cost.unit,
        cost.cores,
        schedule_of(cost, np.ones(len(cost.fabric.edges), dtype=np.bool_)),
        cost.total,
    )


def texts(picture: bytes) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_a_chart_names_cores_edges_operations_the_unit_and_the_cost(tmp_path):
    fabric = fabric_of(DIGITS, tmp_path)
    picture = gantt_drawing(fabric, [chart_of(Steps(fabric, profile_fabric(fabric).macs, 2))], "svg")
    said = texts(picture)
    for expected in (
        "core 1",
        "core 2",
        "steps",
        "steps:2 = 3 steps, 2 cores 67 % busy",
        "image->a#0",
        "a->b#2",
        "conv 3×3",
        "conv 1×1",
    ):
        assert expected in said, said
    assert "a->b#1" not in said, "an identity takes no step"
    for family in (CONV_1, CONV_3, HEAD):
        assert family.colour.lower() in picture.decode().lower()


def test_the_same_schedule_gives_the_same_bytes_without_a_date(tmp_path):
    fabric = fabric_of(DIGITS, tmp_path)
    charts = [chart_of(Steps(fabric, profile_fabric(fabric).macs, cores)) for cores in (1, 2)]
    for form in ("svg", "png"):
        assert gantt_drawing(fabric, charts, form) == gantt_drawing(fabric, charts, form)
    assert b"dc:date" not in gantt_drawing(fabric, charts, "svg")


def test_a_bar_without_room_bears_a_number_and_its_name_stands_below():
    fabric = chain("start", "middle", "end")
    jobs = (ScheduledEdge(0, 0, 0.0, 1000.0), ScheduledEdge(1, 0, 1000.0, 1001.0))
    said = texts(gantt_drawing(fabric, [Chart("makespan:1", "ms", 1, jobs, 1001.0)], "svg"))
    assert "start->middle#0" in said
    assert "1" in said
    assert "1\N{NO-BREAK SPACE}middle->end#0" in said


def test_charts_of_several_numbers_of_cores_stand_below_each_other_on_one_axis(tmp_path):
    fabric = fabric_of(DIGITS, tmp_path)
    macs = profile_fabric(fabric).macs
    said = texts(gantt_drawing(fabric, [chart_of(Steps(fabric, macs, cores)) for cores in (1, 2, 4)], "svg"))
    assert [text for text in said if "busy" in text] == [
        "steps:1 = 4 steps, 1 core 100 % busy",
        "steps:2 = 3 steps, 2 cores 67 % busy",
        "steps:4 = 3 steps, 4 cores 33 % busy",
    ]
    assert said.count("4") == 3, "every time axis goes to the longest schedule"


def test_nothing_that_a_file_says_breaks_a_chart():
    odd = ('say "hi"', "$x^$", "<b>&", "é ✓ 名前", "\\frac{1}", "a\x00b\ud800", "N" * 200, "")
    fabric = chain(*odd)
    jobs = tuple(ScheduledEdge(edge, 0, float(edge), edge + 1.0) for edge in range(len(fabric.edges)))
    for form in ("svg", "png"):
        assert gantt_drawing(fabric, [Chart("$\\frac", "ms", 1, jobs, float(len(jobs)))], form)
    assert "$x^$-><b>&#0" in texts(
        gantt_drawing(fabric, [Chart("t", "ms", 1, jobs, float(len(jobs)))], "svg")
    )


def test_a_schedule_of_nothing_is_an_empty_chart():
    assert "steps:2 = 0 steps, 2 cores 0 % busy" in texts(
        gantt_drawing(chain("x", "y"), [Chart("steps:2", "steps", 2, (), 0.0)], "svg")
    )


def test_without_matplotlib_the_error_names_the_extra(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        NoMatplotlibError, match=r"needs matplotlib, and it is not there: `pip install 'bsngraph\[draw\]'`"
    ):
        render_gantt(chain("x", "y"), [], tmp_path / "chart.svg")
    assert not (tmp_path / "chart.svg").exists()


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"chart\.dot: a schedule is drawn as \.svg or \.png: give it one of these endings"
    ):
        render_gantt(chain("x", "y"), [], tmp_path / "chart.dot")


# --- bsngraph render --cores


def test_render_draws_the_schedule_of_a_hand_written_fabric_and_of_one_that_carries_its_counts(tmp_path):
    hand = written(DIGITS, tmp_path)
    profile = profile_fabric(fabric_of(DIGITS, tmp_path))
    write_fabric(profile.annotated(), tmp_path / "annotated.dot")
    for source, picture in ((hand, "hand.svg"), (tmp_path / "annotated.dot", "annotated.svg")):
        result = CliRunner().invoke(
            cli, ["render", str(source), "--cores", "2", "-o", str(tmp_path / picture)]
        )
        assert result.exit_code == 0, result.output
        assert "tiny_digits: steps:2 = 3 steps, 2 cores 67 % busy" in texts((tmp_path / picture).read_bytes())


def test_render_draws_the_schedule_of_a_runs_architecture(tmp_path):
    write_fabric(profile_fabric(fabric_of(DIGITS, tmp_path)).annotated(), tmp_path / "architecture.dot")
    result = CliRunner().invoke(
        cli, ["render", str(tmp_path), "--cores", "1", "-o", str(tmp_path / "chart.png")]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cores", "0", "-o", "x.svg"], "0 is not in the range x>=1"),
        (["--cores", "2", "-o", "x.dot"], "a schedule is drawn as .svg or .png"),
        (["--cores", "2", "-o", "x.svg"], "there is no architecture in it yet (architecture.dot)"),
    ],
)
def test_render_says_what_is_wrong_with_cores(tmp_path, arguments, said):
    where = written(DIGITS, tmp_path) if arguments[-1] == "x.dot" else tmp_path
    result = CliRunner().invoke(cli, ["render", str(where), *arguments])
    assert result.exit_code == 2
    assert said in result.output


def test_drawing_a_schedule_from_counts_in_the_file_imports_no_torch(tmp_path):
    write_fabric(profile_fabric(fabric_of(DIGITS, tmp_path)).annotated(), tmp_path / "annotated.dot")
    arguments = ["render", str(tmp_path / "annotated.dot"), "--cores", "2", "-o", str(tmp_path / "chart.svg")]
    code = (
        f"import sys; from bsngraph.cli.main import cli; cli({arguments!r}, standalone_mode=False); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout.split()[-1] == "False"


def test_a_schedule_by_numbers_of_the_file_says_so_and_shapes_counts_them_anew(tmp_path):
    profile = profile_fabric(fabric_of(DIGITS, tmp_path))
    wrong = [replace(edge, computed={"macs": 0, "params": 0}) for edge in profile.fabric.edges]
    write_fabric(replace(profile.annotated(), edges=tuple(wrong)), tmp_path / "wrong.dot")
    chart = tmp_path / "chart.svg"
    arguments = ["render", str(tmp_path / "wrong.dot"), "--cores", "2", "-o", str(chart)]
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 0, told.output
    assert "by the MACs that wrong.dot says: --shapes counts them anew" in told.stderr
    assert "by the MACs that wrong.dot says: --shapes counts them anew" in texts(chart.read_bytes())
    counted = CliRunner().invoke(cli, [*arguments, "--shapes"])
    assert counted.exit_code == 0, counted.output
    assert counted.stderr == ""
    assert "tiny_digits: steps:2 = 3 steps, 2 cores 67 % busy" in texts(chart.read_bytes())


def test_cores_beyond_reason_are_refused_before_the_file_is_read_and_idle_ones_not_all_drawn(tmp_path):
    missing = CliRunner().invoke(cli, ["render", "no.dot", "--cores", "1000000000", "-o", "x.svg"])
    assert missing.exit_code == 2
    assert "1000000000 is no number of cores from 1 to 1,024" in missing.stderr
    chart = Chart("many", "steps", 1024, (), 0.0)
    assert chart.rows == 64


def test_a_schedule_of_too_many_edges_is_refused(tmp_path):
    with pytest.raises(InputError, match="a schedule of 2,001 edges that take time is not drawn"):
        check_bars(MOST_BARS + 1)


def inside(picture: bytes) -> bool:
    """Whether every text that begins at its place ends inside the picture."""
    root = ElementTree.fromstring(picture)
    width = float(root.attrib["viewBox"].split()[2])
    starts = [text for text in root.iter(f"{SVG}text") if "text-anchor: start" in text.attrib["style"]]
    starts += [text for text in root.iter(f"{SVG}text") if "text-anchor" not in text.attrib["style"]]
    return all(_left(text) + float(text.attrib["textLength"]) <= width for text in starts)


def _left(text: ElementTree.Element) -> float:
    return float(text.get("x") or text.attrib["transform"].removeprefix("translate(").split()[0])


def test_every_text_says_how_wide_it_is(tmp_path):
    fabric = fabric_of(DIGITS, tmp_path)
    picture = gantt_drawing(fabric, [chart_of(Steps(fabric, profile_fabric(fabric).macs, 2))], "svg")
    lengths = {
        "".join(text.itertext()): float(text.attrib["textLength"])
        for text in ElementTree.fromstring(picture).iter(f"{SVG}text")
    }
    assert 20 < lengths["core 1"] < 30
    assert lengths["image->a#0"] > lengths["a->b#2"]


def test_long_note_and_many_operations_are_not_cut():
    ops = (
        "identity",
        "max_pool",
        "attention",
        "mlp",
        "upsample",
        "dropout",
        "x" * 60,
        "操作" * 20,
        "операция",
    )
    names = [f"n{number}" for number in range(len(ops) + 1)]
    edges = tuple(
        Edge(one, other, "0", op) for (one, other), op in zip(itertools.pairwise(names), ops, strict=True)
    )
    fabric = Fabric("many", tuple(map(Node, names)), edges, (names[0],), (names[-1],))
    jobs = tuple(ScheduledEdge(edge=number, core=0, start=0.0, end=1.0) for number in range(len(ops)))
    note = "words of a long note " * 20 + "日本語 " * 40
    picture = gantt_drawing(fabric, [Chart("steps:1", "steps", 1, jobs, 1.0, note)], "svg")
    said = texts(picture)
    assert not any(note in text for text in said), "it is broken into lines"
    assert " ".join(note.split()) in " ".join(" ".join(said).split())
    assert inside(picture)


def test_name_in_another_script_gets_a_number_where_it_would_leave_its_bar():
    narrow, wide = chain("a" * 12, "b"), chain("日本語の長い名前のノー", "b")
    jobs = (ScheduledEdge(edge=0, core=0, start=0.0, end=1.0),)
    assert without_room(narrow, jobs, 1.3) == []
    assert without_room(wide, jobs, 1.3) == [0]
