"""The interactive picture without a browser: where things are placed, what its data
say, and that every name of a file comes out as text.
"""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from tiny import fabric_of

from bsngraph.draw.layout import BoxSize, Link, PictureLayout, Rectangle, place_boxes
from bsngraph.draw.palette import OPERATION_COLOURS
from bsngraph.draw.parts.text_width import PADDING, padded, text_width
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric
from bsngraph.fabric.model import Edge, Node
from bsngraph.reporting.picture import picture_of, picture_script, picture_style, subject_of
from bsngraph.reporting.picture.colours import colour_class, on_dark
from bsngraph.reporting.picture.island import island
from bsngraph.reporting.picture.svg import picture_svg
from bsngraph.wording import printable

PRICED = """\
digraph priced {
  graph [source=image, target=scores];
  image [input="1x8x8", tensor="1x8x8"]; a [tensor="4x8x8"];
  b [merge=mean, tensor="4x8x8"]; scores [tensor="10"];
  edge [op=conv, channels=4];
  image -> a [fixed=true, computed_macs=100, computed_params=10];
  a -> b [key=wide, computed_macs=300, computed_params=30, cost_energy=2];
  a -> b [key=skip, op=identity, computed_macs=0, computed_params=0, cost_energy=1];
  b -> scores [op=classifier, classes=10, fixed=true, computed_macs=100, computed_params=20];
}
"""
NAMES = (
    "image",
    "<script>alert(1)</script>",
    "</script><!--",
    "\"'&amp;[/x]",
    "\\N\\G",
    "日本語\u202e\u200f名前",
    "javascript:alert(1)",
    "{{7*7}}",
    "scores",
)


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Fabric:
    return fabric_of(PRICED, tmp_path_factory.mktemp("fabric"))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Fabric:
    """The network without the skip."""
    lines = [line for line in PRICED.splitlines() if "skip" not in line]
    return fabric_of("\n".join(lines), tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Fabric:
    text = PRICED.replace("key=wide,", "key=wide, probability=0.9,").replace(
        "key=skip,", "key=skip, probability=0.2,"
    )
    return fabric_of(text, tmp_path_factory.mktemp("learned"))


def hostile_fabric() -> Fabric:
    nodes = tuple(Node(name, style={"URL": "javascript:alert(1)", "image": "/etc/passwd"}) for name in NAMES)
    edges = tuple(
        Edge(one, other, "<b>", f"op {other}", {"word": one}, style={"href": "javascript:alert(1)"})
        for one, other in pairwise(NAMES)
    )
    return Fabric("</title><script>", nodes, edges, NAMES[:1], NAMES[-1:])


class Read(HTMLParser):
    """The elements of a picture with their attributes, its texts, its data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.data = ""
        self.inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.data += data
        else:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


# --- the layout


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def placed() -> tuple[list[BoxSize], list[Link], PictureLayout]:
    boxes = [BoxSize(60, 30), BoxSize(90, 40), BoxSize(200, 30), BoxSize(60, 30)]
    links = [Link(0, 1, BoxSize(80, 14)), Link(0, 2), Link(0, 1), Link(1, 3, BoxSize(300, 14)), Link(2, 3)]
    return boxes, links, place_boxes(boxes, links, [[1, 2]], BoxSize(60, 14))


def test_boxes_have_their_sizes_and_do_not_overlap() -> None:
    boxes, _, layout = placed()
    for box, place in zip(boxes, layout.boxes, strict=True):
        assert (place.width, place.height) == pytest.approx((box.width, box.height), abs=0.1)
        assert place.x >= 0
        assert place.x + place.width <= layout.width + 0.1
        assert place.y + place.height <= layout.height + 0.1
    assert not any(overlap(one, other) for one, other in combinations(layout.boxes, 2))


def test_routes_lead_downwards_from_box_to_box_in_the_order_given() -> None:
    _, links, layout = placed()
    for link, route in zip(links, layout.routes, strict=True):
        source, target = layout.boxes[link.source], layout.boxes[link.target]
        (x, y), (tip_x, tip_y) = route.points[0], route.tip
        assert source.x - 1 <= x <= source.x + source.width + 1
        assert source.y - 1 <= y <= source.y + source.height + 1
        assert target.x - 1 <= tip_x <= target.x + target.width + 1
        assert target.y - 1 <= tip_y <= target.y + target.height + 1
        assert len(route.points) % 3 == 1
        assert (route.label is None) == (link.label is None)


def test_band_holds_its_boxes_and_room_for_its_head() -> None:
    _, _, layout = placed()
    (band,) = layout.bands
    for box in layout.boxes[1:3]:
        assert band.x <= box.x
        assert box.x + box.width <= band.x + band.width
        assert band.y + 14 <= box.y
        assert box.y + box.height <= band.y + band.height


# --- what the picture says


def test_every_edge_is_drawn_once_and_removed_ones_are_dashed(fabric: Fabric, network: Fabric) -> None:
    read = Read(picture_of(subject_of(fabric, network)))
    groups = [one for one in read.of("g") if "data-edge" in one]
    assert [one["data-edge"] for one in groups] == ["0", "1", "2", "3"]
    gone = fabric.edge_index["a->b#skip"]
    assert ["arch-removed" in str(one["class"]) for one in groups] == [index == gone for index in range(4)]
    lines = [one for one in read.of("path") if one["class"] == "arch-line"]
    assert ["stroke-dasharray" in one for one in lines] == [index == gone for index in range(4)]
    assert "removed edges (1)" in "".join(read.texts)


def test_data_give_operation_arguments_shapes_probability_and_costs(
    fabric: Fabric, network: Fabric, learned: Fabric
) -> None:
    said = json.loads(island(subject_of(fabric, network, learned)))
    rows = said["edges"]
    wide, skip = (rows[fabric.edge_index[f"a->b#{key}"]] for key in ("wide", "skip"))

    def facts(row: dict[str, list[str]]) -> dict[str, str]:
        return {label: text for label, text in zip(said["facts"], row["facts"], strict=True) if text}

    assert facts(wide) == {
        "operation": "conv 3×3",
        "arguments": "channels=4",
        "shapes": "4x8x8 → 4x8x8",
        "Γ": "0.900",
        "state": "kept",
    }
    assert said["costs"] == ["macs", "params", "energy"]
    assert wide["costs"] == [["300", "60 %", "60 %"], ["30", "50 %", "50 %"], ["2", "100 %", "67 %"]]
    assert facts(skip)["state"] == "removed"
    assert skip["costs"][2] == ["1", "–", "33 %"]
    assert [row["kept"] for row in rows] == [row is not skip for row in rows]
    assert facts(rows[0])["state"] == "fixed"
    assert "Γ" not in facts(rows[0])


def test_fabric_alone_is_drawn_without_anything_removed(fabric: Fabric) -> None:
    read = Read(picture_of(subject_of(fabric), name="of-its-own"))
    assert read.of("figure")[0]["id"] == "of-its-own"
    assert not read.of("input")
    assert "arch-removed" not in str(read.elements)


def test_widths_grow_with_the_share_of_the_first_cost(fabric: Fabric, network: Fabric) -> None:
    lines = [
        one
        for one in picture_svg(subject_of(fabric, network)).iter("path")
        if one.get("class") == "arch-line"
    ]
    widths = [float(one.attrib["stroke-width"]) for one in lines]
    assert max(widths) == widths[fabric.edge_index["a->b#wide"]]
    assert min(widths) == widths[fabric.edge_index["a->b#skip"]]


def test_architecture_of_another_fabric_is_an_error(fabric: Fabric) -> None:
    with pytest.raises(InputError, match=r" is not one of the fabric's: draw an architecture over"):
        subject_of(fabric, hostile_fabric())


def test_same_subject_gives_the_same_picture(fabric: Fabric, network: Fabric) -> None:
    assert picture_of(subject_of(fabric, network)) == picture_of(subject_of(fabric, network))


# --- names are text


def test_names_of_a_file_are_text_alone() -> None:
    read = Read(picture_of(subject_of(hostile_fabric()), name='"><script>'))
    assert read.of("script") == [{"type": "application/json"}]
    assert read.of("figure")[0]["id"] == '"><script>'
    for tag, attributes in read.elements:
        assert tag not in ("a", "image", "img", "foreignobject", "style", "use", "iframe")
        assert not any(
            name.startswith("on") or name.endswith("href") or name == "style" for name in attributes
        )
    for name in NAMES:
        assert printable(name) in read.texts
    rows = json.loads(read.data)["edges"]
    assert [row["name"] for row in rows] == [printable(edge.name) for edge in hostile_fabric().edges]


def test_data_cannot_end_their_element() -> None:
    text = island(subject_of(hostile_fabric()))
    assert not {"<", ">", "&"} & set(text)
    assert text.isascii()


# --- colours and widths


def test_every_colour_has_a_rule_and_is_seen_on_a_dark_page() -> None:
    style = picture_style()
    for colour in OPERATION_COLOURS:
        assert f".{colour_class(colour)} {{ --arch-edge: light-dark({colour}, {on_dark(colour)}); }}" in style
    assert on_dark("#56B4E9") == "#56B4E9", "light enough as it is"
    assert on_dark("#332288") != "#332288"


def test_script_and_style_ask_for_nothing() -> None:
    for text in (picture_script(), picture_style()):
        assert not any(
            word in text for word in ("http", "url(", "@import", "eval(", "innerHTML", "Function(")
        )


def test_width_of_a_text_is_that_of_its_letters() -> None:
    assert text_width("", 10) == 0
    assert text_width("Wi", 10) == pytest.approx(9.44 + 2.22)
    assert text_width("Wi", 10, bold=True) == pytest.approx(9.44 + 2.78)
    assert text_width("é", 10) == text_width("e", 10)
    assert text_width("e\u0301", 10) == text_width("e", 10)
    assert text_width("日本", 10) == 20


def test_text_is_padded_where_graphviz_knows_no_width() -> None:
    for plain in ("plain, é, Привет", "conv 3×3 · 37 %", "a" * 20 + "…", "conv 3×3 → proj 1×1", "λ 33.6"):
        assert padded(plain) == plain
    assert padded("日本語日本語").strip(PADDING) == "日本語日本語"
    assert padded("日本語日本語").startswith(PADDING)
    assert padded("日本語日本語", centred=False).startswith("日")


def test_picture_needs_no_torch(tmp_path: Path) -> None:
    path = tmp_path / "priced.dot"
    path.write_text(PRICED, encoding="utf-8")
    code = (
        "import sys; from bsngraph.fabric import read_fabric; from bsngraph.reporting.picture import *; "
        "picture_of(subject_of(read_fabric(sys.argv[1]))); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
