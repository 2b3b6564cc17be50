"""The page of a run and the pictures in a real browser: nothing fails, nothing is
fetched, edges tell their facts to pointer, keys and touch, and every text stays in its
box whatever the font.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, sync_playwright
from tiny import STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes

import bsngraph
from bsngraph.cli.main import cli
from bsngraph.draw import fabric_drawing, render_dot
from bsngraph.draw.difference_drawing import difference_drawing
from bsngraph.fabric import Fabric
from bsngraph.fabric.model import Edge, Node
from bsngraph.reporting.picture import (
    architecture_picture,
    picture_of,
    picture_script,
    picture_style,
    subject_of,
)
from bsngraph.runs import RunFolder

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURE = ".arch-view > svg"
NAMES = (
    "image",
    "<script>window.broken = 1</script>",
    "日本語の長い名前のノード",
    "العربية اسم طويل جدا",
    "say \"hi\" & 'bye' [/x]",
    "W" * 80,
    "</svg>]]>-->",
    "\\N\\G {{7*7}} 🚀🚀",
    "scores",
)


@dataclass
class Opened:
    """A page in the browser, what it asked for, and what it complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def facts(self) -> str:
        return self.page.inner_text(".arch-facts")

    @property
    def focused(self) -> str:
        said = self.page.evaluate("document.activeElement.getAttribute('aria-label')")
        return said or ""

    @property
    def box(self) -> list[float]:
        return [float(part) for part in (self.page.get_attribute(PICTURE, "viewBox") or "").split()]

    def middle(self, name: str) -> tuple[float, float]:
        """A point on an edge: the centre of a curve's box need not be on it."""
        self.page.locator(f"{edge(name)} .arch-line").scroll_into_view_if_needed()
        x, y = self.page.evaluate(
            """group => {
                const line = document.querySelector(group + ' .arch-line');
                const point = line.getPointAtLength(line.getTotalLength() / 2);
                const seen = point.matrixTransform(line.getScreenCTM());
                return [seen.x, seen.y];
            }""",
            edge(name),
        )
        return x, y

    def point_at(self, name: str) -> None:
        self.page.mouse.move(*self.middle(name))


def edge(name: str) -> str:
    return f'.arch-edge[aria-label^="{name},"]'


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium is installed: .ci/run installs it", pytrace=False)
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    contexts = []

    def opened(path: Path, **context: Any) -> Opened:
        contexts.append(browser.new_context(**{"viewport": {"width": 1000, "height": 800}} | context))
        one = Opened(contexts[-1].new_page())
        one.page.on("request", lambda request: one.requests.append(request.url))
        one.page.on("console", lambda said: one.complaints.append(said.text))
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on("dialog", lambda dialog: one.complaints.append(dialog.message))
        one.page.goto(path.as_uri())
        return one

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny search of the stripes; not to be changed."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        bsngraph.search(
            fabric_of(STRIPES_NORM, folder),
            stripes(),
            ["price=5", "steps:2=3"],
            out=folder / "run",
            recipe=recipe(),
            settings=settings(finetune_epochs=1),
            device="cpu",
            threads=1,
        )
    return folder / "run"


@pytest.fixture(scope="module")
def report(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bsngraph.report(run, tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def picture(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report's picture alone."""
    return bare_page(
        architecture_picture(RunFolder(run)), tmp_path_factory.mktemp("picture") / "picture.html"
    )


@pytest.fixture(scope="module")
def kept(run: Path) -> set[str]:
    return {one.name for one in bsngraph.read_fabric(run / "architecture.dot").edges}


@pytest.fixture(scope="module")
def removed(run: Path, kept: set[str]) -> str:
    """The name of an edge that the search dropped."""
    return next(one.name for one in bsngraph.read_fabric(run / "fabric.dot").edges if one.name not in kept)


def odd_fabric() -> Fabric:
    """A chain through every odd name, with skips beside, and odd operations."""
    nodes = tuple(Node(name, tensor=(16, 8, 8)) for name in NAMES)
    chain = [
        Edge(one, other, "0", "操作 <b>&" if number % 2 else "conv", {} if number % 2 else {"channels": 4})
        for number, (one, other) in enumerate(pairwise(NAMES))
    ]
    skips = [Edge(one, other, "0", "identity") for one, other in zip(NAMES, NAMES[2:], strict=False)]
    return Fabric("odd </title><script>", nodes, tuple(chain + skips), NAMES[:1], NAMES[-1:])


def bare_page(picture: str, path: Path) -> Path:
    """A picture in a page of its own, which opens sooner than a report."""
    html = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>picture</title>"
        f"<style>{picture_style()}</style></head><body>{picture}"
        f"<script>{picture_script()}</script></body></html>"
    )
    path.write_text(html, encoding="utf-8")
    return path


# --- the page


def test_page_has_no_error_and_asks_for_itself_alone(report: Path, open_page: Open) -> None:
    opened = open_page(report)
    assert opened.requests == [report.as_uri()]
    assert opened.complaints == []
    assert opened.page.locator(".arch-alive").count() == 1


def test_page_is_no_wider_than_the_window(report: Path, open_page: Open) -> None:
    page = open_page(report).page
    page.locator(".arch-edge").first.evaluate("edge => edge.focus()")
    for width in (360, 800, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.locator(".arch-facts").evaluate("panel => panel.scrollWidth - panel.clientWidth") <= 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(PICTURE).bounding_box()["width"] <= width  # type: ignore[index]


def test_picture_is_there_without_script(report: Path, open_page: Open) -> None:
    still = open_page(report, java_script_enabled=False).page
    assert still.locator(".arch-line").first.is_visible()
    assert not still.locator(".arch-bar").is_visible()


def test_picture_is_there_on_paper_and_in_the_dark(report: Path, open_page: Open) -> None:
    page = open_page(report, color_scheme="light").page
    ink = "getComputedStyle(document.querySelector('.arch-node text')).fill"
    by_day = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ink) != by_day
    page.emulate_media(media="print")
    assert page.locator(PICTURE).is_visible()
    assert not page.locator(".arch-bar, .arch-facts").first.is_visible()
    assert page.evaluate(ink) == by_day


# --- facts of an edge


def test_pointing_at_an_edge_shows_its_facts_and_its_paths(
    report: Path, kept: set[str], open_page: Open
) -> None:
    opened = open_page(report)
    name = next(iter(sorted(name for name in kept if name.startswith("image->h"))))
    rest = opened.facts
    opened.point_at(name)
    for expected in (
        name,
        "operation",
        "arguments",
        "shapes",
        "1x4x4 → 6x4x4",
        "Γ",
        "price",
        "macs",
        "paths",
    ):
        assert expected in opened.facts, opened.facts
    lit = opened.page.locator(".arch-edge.arch-lit").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert {said.split(",")[0] for said in lit} <= kept
    assert any(said.startswith("g->scores") for said in lit)
    opened.page.mouse.move(1, 1)
    assert opened.facts == rest
    assert opened.page.locator(".arch-lit").count() == 0


def test_removed_edge_lights_the_paths_of_the_fabric(picture: Path, removed: str, open_page: Open) -> None:
    opened = open_page(picture)
    opened.point_at(removed)
    assert "removed" in opened.facts
    assert "through it, of the fabric" in opened.facts
    lit = opened.page.locator(".arch-edge.arch-lit").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert any(said.startswith(f"{removed},") for said in lit)
    assert any(said.startswith("g->scores") for said in lit)


def test_click_keeps_an_edge_until_the_next_click_or_escape(
    picture: Path, removed: str, open_page: Open
) -> None:
    opened = open_page(picture)
    opened.page.mouse.click(*opened.middle(removed))
    opened.page.mouse.move(1, 1)
    assert removed in opened.facts
    assert opened.page.get_attribute(edge(removed), "aria-pressed") == "true"
    opened.page.keyboard.press("Escape")
    assert removed not in opened.facts


def test_keys_walk_along_the_graph(picture: Path, open_page: Open) -> None:
    opened = open_page(picture)
    opened.page.focus(".arch-bar input")
    opened.page.keyboard.press("Tab")
    assert opened.focused.startswith("image->h#")
    for key, start in (
        ("ArrowDown", "h->g#"),
        ("ArrowDown", "g->scores#"),
        ("ArrowUp", "h->g#"),
        ("Home", "image->h#"),
    ):
        opened.page.keyboard.press(key)
        assert opened.focused.startswith(start), key
        assert opened.focused.split(",")[0] in opened.facts
    before = opened.focused
    opened.page.keyboard.press("ArrowRight")
    assert opened.focused != before
    assert opened.focused.startswith("image->h#"), "an edge beside the other"
    opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("Escape")
    opened.page.keyboard.press("Escape")
    assert opened.focused == ""
    assert opened.page.locator(".arch-lit").count() == 0


def test_touch_shows_the_facts(picture: Path, removed: str, open_page: Open) -> None:
    opened = open_page(picture, has_touch=True, viewport={"width": 400, "height": 800})
    opened.page.touchscreen.tap(*opened.middle(removed))
    assert removed in opened.facts


def test_two_fingers_zoom(picture: Path, open_page: Open) -> None:
    opened = open_page(picture, has_touch=True)
    whole = opened.box
    opened.page.locator(PICTURE).evaluate(
        """svg => {
            const place = svg.getBoundingClientRect();
            const finger = (type, pointerId, x) => svg.dispatchEvent(new PointerEvent(type, {
                pointerId, pointerType: 'touch', bubbles: true,
                clientX: place.left + x, clientY: place.top + 50,
            }));
            finger('pointerdown', 11, 40); finger('pointerdown', 12, 60);
            finger('pointermove', 12, 80);
            finger('pointerup', 11, 40); finger('pointerup', 12, 80);
        }"""
    )
    assert opened.box[2] == pytest.approx(whole[2] / 2)


def test_removed_edges_can_be_hidden(picture: Path, removed: str, open_page: Open) -> None:
    opened = open_page(picture)
    opened.page.uncheck(".arch-bar input")
    assert not opened.page.locator(edge(removed)).is_visible()
    opened.page.keyboard.press("Tab")
    for _ in range(4):
        opened.page.keyboard.press("ArrowRight")
        assert "removed" not in opened.focused
    opened.page.check(".arch-bar input")
    assert opened.page.locator(edge(removed)).is_visible()


# --- zoom


def test_picture_is_zoomed_and_moved_by_buttons_keys_wheel_and_drag(picture: Path, open_page: Open) -> None:
    opened = open_page(picture)
    whole = opened.box
    opened.page.click("button[value=in]")
    zoomed = opened.box
    assert zoomed[2] < whole[2]
    opened.page.locator(PICTURE).scroll_into_view_if_needed()
    place = opened.page.locator(PICTURE).bounding_box()
    assert place is not None
    x, y = place["x"] + 5, place["y"] + 60
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x + 30, y - 50, steps=4)
    opened.page.mouse.up()
    moved = opened.box
    assert moved[1] > zoomed[1]
    assert moved[2:] == zoomed[2:]
    opened.page.mouse.wheel(0, -100)
    assert opened.box[2] < moved[2]
    opened.page.click("button[value=whole]")
    assert opened.box == whole
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("+")
    assert opened.box[2] < whole[2]
    opened.page.keyboard.press("Shift+ArrowDown")
    assert opened.box[1] > whole[1]
    opened.page.keyboard.press("0")
    assert opened.box == whole


def test_wheel_scrolls_the_page_until_the_picture_is_meant(picture: Path, open_page: Open) -> None:
    opened = open_page(picture)
    whole = opened.box
    place = opened.page.locator(PICTURE).bounding_box()
    assert place is not None
    opened.page.mouse.move(place["x"] + 5, max(place["y"], 0) + 5)
    opened.page.mouse.wheel(0, -50)
    assert opened.box == whole
    opened.page.keyboard.down("Control")
    opened.page.mouse.wheel(0, -50)
    opened.page.keyboard.up("Control")
    opened.page.wait_for_function(
        f"document.querySelector('{PICTURE}').viewBox.baseVal.width < {whole[2] - 1}"
    )


# --- texts

OUTSIDE = """([box, shape]) => [...document.querySelectorAll(box)].flatMap(group => {
    const within = group.querySelector(shape).getBBox();
    return [...group.querySelectorAll('text')].filter(text => {
        const own = text.getBBox();
        return own.x < within.x || own.x + own.width > within.x + within.width
            || own.y < within.y || own.y + own.height > within.y + within.height;
    }).map(text => text.textContent);
})"""

CUT = """picture => {
    const all = document.querySelector(picture), within = all.getBoundingClientRect();
    return [...all.querySelectorAll('text')].filter(text => {
        const own = text.getBoundingClientRect();
        return own.left < within.left - 1 || own.right > within.right + 1
            || own.top < within.top - 1 || own.bottom > within.bottom + 1;
    }).map(text => text.textContent);
}"""

FONTS = ("sans-serif", "serif", "monospace")


def in_font(page: Page, font: str) -> None:
    """Show all texts in a font that nothing was measured in."""
    page.evaluate(
        "font => document.querySelectorAll('text').forEach(text => text.style.fontFamily = font)", font
    )


def test_texts_of_the_picture_stay_in_their_boxes_in_any_font(tmp_path: Path, open_page: Open) -> None:
    page = open_page(bare_page(picture_of(subject_of(odd_fabric())), tmp_path / "odd.html")).page
    for font in FONTS:
        in_font(page, font)
        assert page.evaluate(OUTSIDE, [".arch-node", "rect"]) == []
        assert page.evaluate(OUTSIDE, [".arch-band", "rect"]) == []
        assert page.evaluate(CUT, PICTURE) == []


@pytest.mark.parametrize("kind", ["overlay", "fabric", "difference"])
def test_texts_of_a_drawing_stay_in_their_boxes_in_any_font(
    tmp_path: Path, open_page: Open, kind: str
) -> None:
    fabric = odd_fabric()
    caption = ["A title of many words, λ 33.6, which is as long as the titles of runs are", "題名は長い"]
    other = Fabric("b", fabric.nodes, fabric.edges[:-1], fabric.sources, fabric.targets)
    source = {
        "overlay": lambda: fabric_drawing(fabric, kept=range(8), edge_costs=[5.0] * 15, caption=caption),
        "fabric": lambda: fabric_drawing(fabric, caption=caption),
        "difference": lambda: difference_drawing(fabric, other, caption=caption),
    }[kind]()
    render_dot(source, tmp_path / "drawing.svg")
    opened = open_page(tmp_path / "drawing.svg")
    assert opened.requests == [(tmp_path / "drawing.svg").as_uri()]
    for font in FONTS:
        in_font(opened.page, font)
        assert opened.page.evaluate(OUTSIDE, [".node", "path"]) == []
        assert opened.page.evaluate(CUT, "svg") == []
    assert opened.complaints == []


def test_texts_of_a_schedule_are_not_cut(run: Path, tmp_path: Path, open_page: Open) -> None:
    path = tmp_path / "schedule.svg"
    done = CliRunner().invoke(cli, ["render", str(run), "--cores", "2", "-o", str(path)])
    assert done.exit_code == 0, done.output
    page = open_page(path).page
    for font in FONTS:
        in_font(page, font)
        assert page.evaluate(CUT, "svg") == []


def test_names_of_a_file_stay_text(tmp_path: Path, open_page: Open) -> None:
    opened = open_page(bare_page(picture_of(subject_of(odd_fabric())), tmp_path / "odd.html"))
    assert opened.complaints == []
    assert opened.page.evaluate("window.broken === undefined")
    assert opened.page.locator("script").count() == 2, "the data and our own"
    texts = opened.page.locator(".arch-node text").evaluate_all("all => all.map(one => one.textContent)")
    assert set(NAMES) - {"W" * 80} <= set(texts)
    opened.point_at(f"{NAMES[0]}->{NAMES[1]}#0")
    assert NAMES[1] in opened.facts
    assert opened.page.evaluate("window.broken === undefined")
