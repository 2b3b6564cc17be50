"""Drawings: what is drawn for what, that no name can break one, and what happens
without Graphviz.
"""

from __future__ import annotations

import itertools
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import pytest

from bsngraph.draw import NoGraphvizError, fabric_drawing, find_graphviz, graphviz, render_dot
from bsngraph.draw.palette import BLOCK, CONV_1, CONV_3, CONV_WIDE, SKIP, family_of, short_label
from bsngraph.draw.parts.label_text import escaped
from bsngraph.draw.parts.text_width import text_width
from bsngraph.errors import BsngraphError, InputError
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.fabric.reading.dot_to_raw import dot_to_raw
from bsngraph.fabric.writing.dot_text import quoted
from bsngraph.wording import percent, quantity, shortened

SHAPES = ((1, 8, 8), (16, 8, 8), (16, 8, 8), (32, 4, 4), (10,))
COSTS = (9_000.0, 147_000.0, 0.0, 36_000.0, 8_000.0, 320.0)
KEPT = (0, 1, 4, 5)
ODD_NAMES = (
    'say "hi"',
    "a:b:c",
    "<b>&",
    "é ✓ 名前",
    "&lt;amp&amp;",
    "<<table>>",
    "-> [x=1];",
    "cluster_0",
    "node",
    "N" * 200,
    "x//y#z",
)


def small_fabric() -> Fabric:
    nodes = (
        Node("image", input=(1, 8, 8)),
        Node("a0"),
        Node("a1", merge="mean"),
        Node("b0", activation="relu"),
        Node("scores"),
    )
    edges = (
        Edge("image", "a0", "0", "conv", {"channels": 16, "kernel": 3}, fixed=True),
        Edge("a0", "a1", "0", "conv", {"channels": 16}),
        Edge("a0", "a1", "1", "identity"),
        Edge("a1", "b0", "0", "conv", {"channels": 32, "kernel": 5, "stride": 2}),
        Edge("a1", "b0", "1", "conv", {"channels": 32, "kernel": 1, "stride": 2}),
        Edge("b0", "scores", "0", "classifier", {"classes": 10}, fixed=True),
    )
    return Fabric("small", nodes, edges, ("image",), ("scores",))


def odd_fabric() -> Fabric:
    """A chain through every odd name; keys, operations and arguments are odd as
    well.
    """
    nodes = tuple(Node(name) for name in ODD_NAMES)
    ends = itertools.pairwise(ODD_NAMES)
    edges = tuple(
        Edge(source, target, f'<<{source}"', f"op {target}", {"word": f"\\N & {source} \\"})
        for source, target in ends
    )
    return Fabric('odd "& <graph>', nodes, edges, ODD_NAMES[:1], ODD_NAMES[-1:])


def drawn_edges(source: str) -> dict[str, dict[str, str]]:
    """Edge name → the attributes that the DOT text gives it."""
    return {
        edge.name: {name: str(value) for name, value in edge.own.items()}
        for edge in dot_to_raw(source, "drawing").edges
    }


def styles(fabric: Fabric, **known: object) -> list[dict[str, str]]:
    drawn = drawn_edges(fabric_drawing(fabric, **known))  # type: ignore[arg-type]
    assert sorted(drawn) == sorted(edge.name for edge in fabric.edges)
    return [drawn[edge.name] for edge in fabric.edges]


def test_kept_edges_are_solid_and_coloured_and_removed_ones_dashed_and_unlabelled() -> None:
    drawn = styles(small_fabric(), kept=KEPT, shapes=SHAPES, edge_costs=COSTS)
    assert [style["style"] for style in drawn] == ["solid", "solid", "dashed", "dashed", "solid", "solid"]
    assert [("label" in style) for style in drawn] == [index in KEPT for index in range(6)]
    assert drawn[1]["color"] == CONV_3.colour
    assert drawn[4]["color"] == CONV_1.colour
    assert drawn[2]["color"] == drawn[3]["color"] not in {CONV_3.colour, CONV_WIDE.colour, SKIP.colour}


def test_without_an_architecture_every_edge_is_solid() -> None:
    assert {style["style"] for style in styles(small_fabric())} == {"solid"}


def test_widths_grow_with_cost_and_removed_edges_are_thinnest() -> None:
    drawn = styles(small_fabric(), kept=KEPT, shapes=SHAPES, edge_costs=COSTS)
    by_cost = [float(drawn[index]["penwidth"]) for index in sorted(KEPT, key=lambda index: COSTS[index])]
    assert by_cost == sorted(by_cost)
    assert by_cost[0] < by_cost[-1]
    assert max(float(drawn[index]["penwidth"]) for index in (2, 3)) < by_cost[0]


def test_labels_give_the_share_of_what_is_kept() -> None:
    drawn = styles(small_fabric(), kept=KEPT, edge_costs=COSTS)
    assert drawn[1]["label"].strip() == "conv 3×3 · 89 %"
    assert drawn[5]["label"].strip() == "classifier 10 · <1 %"
    assert styles(small_fabric(), kept=(0, 2, 4, 5), edge_costs=COSTS)[2]["label"].strip() == "skip"


def test_widths_and_opacity_follow_the_probabilities() -> None:
    drawn = styles(small_fabric(), probabilities=(1.0, 0.9, 0.1, 0.5, 0.0, 0.3))
    searchable = sorted((0.9, 0.1, 0.5, 0.0))
    edge_of = {0.9: 1, 0.1: 2, 0.5: 3, 0.0: 4}
    widths = [float(drawn[edge_of[probability]]["penwidth"]) for probability in searchable]
    alphas = [int(drawn[edge_of[probability]]["color"][7:], 16) for probability in searchable]
    assert widths == sorted(set(widths))
    assert alphas == sorted(set(alphas))
    assert drawn[5]["color"].endswith("FF"), "a fixed edge is always kept"


def test_costs_and_shapes_fall_back_on_what_the_file_carries() -> None:
    nodes = (Node("x", input=(3, 4, 4)), Node("m", tensor=(8, 4, 4)), Node("y"))
    edges = (
        Edge("x", "m", "0", "conv", {"channels": 8}, computed={"macs": 3000.0}),
        Edge("m", "y", "0", "mine", costs={"energy": 2.0}),
    )
    fabric = Fabric("f", nodes, edges, ("x",), ("y",))
    assert "macs 3 k (100 %)" in styles(fabric, kept=(0, 1))[0]["tooltip"]
    assert "energy 2 (100 %)" in styles(fabric, kept=(0, 1), cost_name="energy")[1]["tooltip"]
    text = fabric_drawing(fabric)
    assert "8x4x4" in text
    assert 'subgraph "cluster_0"' in text


def test_nodes_of_one_resolution_share_a_band() -> None:
    text = fabric_drawing(small_fabric(), shapes=SHAPES)
    bands = text.split('subgraph "cluster_')[1:]
    inside = [
        {name for name in ("image", "a0", "a1", "b0", "scores") if f'    "{name}";' in band.split("}")[0]}
        for band in bands
    ]
    assert inside == [{"a0", "a1"}, {"b0"}]
    assert "cluster" not in fabric_drawing(small_fabric(), shapes=[None] * 5)


def test_many_edges_are_drawn_without_labels() -> None:
    edges = tuple(Edge("x", "y", str(key), "identity") for key in range(90))
    fabric = Fabric("wide", (Node("x", input=(1,)), Node("y")), edges, ("x",), ("y",))
    assert all("label" not in style for style in styles(fabric))
    assert sum("label" in style for style in styles(fabric, kept=range(3))) == 3


def test_same_input_gives_the_same_text_whatever_the_order_of_kept() -> None:
    texts = {
        fabric_drawing(small_fabric(), kept=kept, shapes=SHAPES, edge_costs=COSTS)
        for kept in (KEPT, KEPT[::-1], set(KEPT))
    }
    assert len(texts) == 1


def test_odd_names_survive_the_text() -> None:
    raw = dot_to_raw(fabric_drawing(odd_fabric(), kept=(0, 2), caption=['<b>"&']), "drawing")
    assert {node.name for node in raw.nodes} == set(ODD_NAMES)
    assert [edge.name for edge in raw.edges] == [edge.name for edge in odd_fabric().edges]


def test_odd_names_survive_the_rendering(tmp_path: Path) -> None:
    fabric = odd_fabric()
    render_dot(fabric_drawing(fabric, caption=['<b>"& \x00 caption']), tmp_path / "odd.svg")
    tree = ElementTree.parse(tmp_path / "odd.svg")
    tooltips = [
        value for item in tree.iter() for name, value in item.attrib.items() if name.endswith("}title")
    ]
    words = [
        "".join(item.itertext()).replace("\N{NO-BREAK SPACE}", " ")
        for item in tree.iter()
        if item.tag.endswith("}text")
    ]
    for node in fabric.nodes:
        assert any(tooltip.startswith(f"{node.name}\n") for tooltip in tooltips), node.name
        assert shortened(node.name) in words, node.name
    for edge in fabric.edges:
        assert any(
            f"{edge.name}\n{edge.op} word={edge.arguments['word']}" == tooltip for tooltip in tooltips
        ), edge.name
    assert '<b>"& \N{REPLACEMENT CHARACTER} caption' in words


def svg_of(source: str, path: Path) -> ElementTree.Element:
    render_dot(source, path)
    return ElementTree.parse(path).getroot()


def own_texts(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [item for item in root.iter() if item.tag.endswith("}text")]


def test_every_text_has_the_width_that_graphviz_gave_it(tmp_path: Path) -> None:
    source = fabric_drawing(small_fabric(), kept=KEPT, shapes=SHAPES, edge_costs=COSTS, caption=["a title"])
    texts = own_texts(svg_of(source, tmp_path / "x.svg"))
    assert "a title" in {text.text for text in texts}
    for text in texts:
        assert text.get("text-anchor") == "middle"
        assert text.get("lengthAdjust") == "spacingAndGlyphs"
        points, bold = float(text.attrib["font-size"]), text.get("font-weight") == "bold"
        natural = text_width(text.text or "", points, bold=bold)
        assert 0.9 * natural <= float(text.attrib["textLength"]) <= 1.3 * natural


def test_texts_of_other_scripts_lie_inside_their_nodes(tmp_path: Path) -> None:
    root = svg_of(fabric_drawing(odd_fabric()), tmp_path / "x.svg")
    nodes = [item for item in root.iter() if item.get("class") == "node"]
    assert len(nodes) == len(ODD_NAMES)
    for node in nodes:
        (outline,) = (item.attrib["d"] for item in node.iter() if item.tag.endswith("}path"))
        across = [float(number) for number in re.findall(r"(-?[0-9.]+),-?[0-9.]+", outline)]
        for text in own_texts(node):
            x, half = float(text.attrib["x"]), float(text.attrib["textLength"]) / 2
            assert min(across) < x - half
            assert x + half < max(across)


def test_drawing_of_a_stranger_holds_no_link_image_style_or_script(tmp_path: Path) -> None:
    source = r"""digraph "x" {
      graph [stylesheet="http://example.org/x.css", URL="javascript:alert(1)", class="c\"><script>"];
      a [URL="javascript:alert(1)", target="_top", tooltip="<script>", image="/etc/hostname"];
      b [label=<<table href="http://example.org"><tr><td title="&lt;b&gt;">b</td></tr></table>>];
      a -> b [edgeURL="http://example.org", headhref="http://example.org", label="<script>"];
    }"""
    root = svg_of(source, tmp_path / "x.svg")
    for item in root.iter():
        assert item.tag.rpartition("}")[2] in {
            "svg",
            "g",
            "a",
            "title",
            "text",
            "polygon",
            "polyline",
            "path",
            "ellipse",
        }
        assert not [name for name in item.attrib if name.endswith("href") or name.startswith("on")]
    content = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "<?xml-stylesheet" not in content
    assert "<script" not in content
    assert "<script>" in {text.text for text in own_texts(root)}


@pytest.mark.parametrize("said", [b"<svg></svg> {", b"<svg><g></svg>{}", b""])
def test_drawing_that_cannot_be_read_back_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(graphviz, "graphviz_output", lambda source, *formats: said)
    with pytest.raises(BsngraphError, match=r"cannot be read .* write a \.dot file"):
        render_dot("digraph {}", tmp_path / "x.svg")
    assert not list(tmp_path.iterdir())


def test_backslashes_of_a_name_are_not_resolved(tmp_path: Path) -> None:
    nodes = (Node("\\N\\G", input=(1,)), Node("y"))
    fabric = Fabric("graph", nodes, (Edge("\\N\\G", "y", "0", "\\E\\T"),), ("\\N\\G",), ("y",))
    words = {text.text for text in own_texts(svg_of(fabric_drawing(fabric), tmp_path / "x.svg"))}
    assert "\\N\\G" in words
    assert "\\E\\T" in {(word or "").strip() for word in words}


def test_svg_and_png_are_what_their_names_say(tmp_path: Path) -> None:
    source = fabric_drawing(small_fabric(), kept=KEPT, shapes=SHAPES, edge_costs=COSTS, caption=["small"])
    for name in ("x.svg", "x.png", "x.DOT"):
        render_dot(source, tmp_path / name)
    assert ElementTree.parse(tmp_path / "x.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    png = (tmp_path / "x.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) > (200, 300)
    assert (tmp_path / "x.DOT").read_text(encoding="utf-8") == source
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.DOT", "x.png", "x.svg"]


def test_an_unknown_suffix_is_an_input_error_that_names_the_three(tmp_path: Path) -> None:
    for name in ("x.pdf", "x"):
        with pytest.raises(InputError, match=r"\.svg, \.png or \.dot"):
            render_dot("digraph {}", tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_without_graphviz_the_error_says_in_one_line_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert find_graphviz() is None
    with pytest.raises(NoGraphvizError) as caught:
        render_dot("digraph {}", tmp_path / "x.svg")
    assert "pip install 'bsngraph[draw]'" in str(caught.value)
    assert "\n" not in str(caught.value)
    render_dot("digraph {}", tmp_path / "x.dot")
    assert [path.name for path in tmp_path.iterdir()] == ["x.dot"]


def test_the_ports_own_folder_is_searched_after_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(folder: str, name: str) -> str:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return str(path)

    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    beside = program("venv", "graphviz-pure")
    assert find_graphviz() == beside
    assert find_graphviz() != program("bin", "something")
    port = program("bin", "graphviz-pure")
    assert find_graphviz() == port
    dot = program("bin", "dot")
    assert find_graphviz() == dot


def test_graphvizs_own_message_is_passed_on_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(BsngraphError, match=r"(?s)Graphviz could not draw this: .*syntax error"):
        render_dot("digraph { a -> ", tmp_path / "x.svg")
    assert not list(tmp_path.iterdir())


def test_a_graphviz_that_hangs_is_stopped_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(
        graphviz, "subprocess", SimpleNamespace(run=hang, TimeoutExpired=subprocess.TimeoutExpired)
    )
    with pytest.raises(BsngraphError, match=r"did not finish within .* write a \.dot file"):
        render_dot("digraph {}", tmp_path / "x.svg")


def test_drawing_never_imports_torch() -> None:
    code = "import sys, bsngraph.draw; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_drawing_a_dot_file_never_imports_pydot(tmp_path: Path) -> None:
    code = (
        "import sys, bsngraph; bsngraph.render(*sys.argv[1:]); sys.exit('pydot' in sys.modules or "
        "'torch' in sys.modules)"
    )
    file = Path(__file__).parents[1] / "fabrics" / "digits.dot"
    subprocess.run([sys.executable, "-c", code, str(file), str(tmp_path / "digits.dot")], check=True)


@pytest.mark.parametrize(
    ("op", "arguments", "label"),
    [
        ("conv", {"channels": 8, "kernel": 3, "stride": 2}, "conv 3×3 /2"),
        ("conv", {"channels": 8}, "conv 3×3"),
        ("conv", {"channels": 8, "kernel": 1}, "proj 1×1"),
        ("conv", {"channels": 8, "kernel": 5, "groups": 4, "dilation": 2}, "conv 5×5 dil 2 g4"),
        ("separable_conv", {"channels": 8}, "sep 3×3"),
        ("basic_block", {"channels": 8, "stride": 2}, "block /2"),
        ("identity", {}, "skip"),
        ("shortcut", {"channels": 8, "stride": 2}, "skip /2"),
        ("max_pool", {"window": 3}, "max pool 3 /2"),
        ("avg_pool", {"window": 3, "stride": 1}, "avg pool 3"),
        ("upsample", {}, "up ×2"),
        ("upsample", {"height": 7, "width": 9}, "up to 7×9"),
        ("dropout", {"rate": 0.25}, "dropout 0.25"),
        ("linear", {"features": 64}, "linear 64"),
        ("classifier", {"classes": 10}, "classifier 10"),
        ("my_op", {"depth": 3}, "my_op"),
    ],
)
def test_a_short_label_says_what_the_operation_does(
    op: str, arguments: dict[str, int | float], label: str
) -> None:
    assert short_label(Edge("a", "b", "0", op, arguments)) == label


def test_a_users_operation_has_a_colour_of_its_own_that_stays() -> None:
    family = family_of("my_op", {})
    assert family == family_of("my_op", {"depth": 3})
    assert family.name == "my_op"
    assert family.colour not in {CONV_1.colour, CONV_3.colour, CONV_WIDE.colour, BLOCK.colour, SKIP.colour}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (320, "320"),
        (999.6, "1 k"),
        (412_345, "412 k"),
        (1_706_000, "1.71 M"),
        (2.5e16, "25 P"),
        (0.0341, "0.0341"),
    ],
)
def test_a_quantity_is_three_digits_and_a_prefix(value: float, text: str) -> None:
    assert quantity(value) == text


def test_small_texts() -> None:
    assert [percent(share) for share in (0.0, 0.001, 0.336, 1.0)] == ["0 %", "<1 %", "34 %", "100 %"]
    assert shortened("x" * 36) == "x" * 36
    assert (
        shortened("head" + "x" * 60 + "tail")[:4] + shortened("head" + "x" * 60 + "tail")[-4:] == "headtail"
    )
    assert len(shortened("x" * 99)) == 36
    assert quoted("<b>") == '"<b>"'
    assert escaped("\\N & <b>\n") == "\\\\N &amp; <b>\\n"
