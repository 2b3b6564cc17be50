"""Graphviz's SVG → the SVG that is written: each text is as wide as its box was made
for, whatever font it is shown in, and there is nothing but shapes and texts.

In: an SVG, and the same drawing as Graphviz's JSON, which says how wide each text was
taken to be. Out: an SVG without links, images, style sheets and scripts, whatever the
DOT text asked for.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bsngraph.draw.parts.text_width import FONT_FAMILY, PADDING, text_width

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ELEMENTS = frozenset({"svg", "g", "a", "title", "text", "polygon", "polyline", "path", "ellipse"})
_TITLE = f"{{{_XLINK}}}title"
_LOOKS = "fill stroke fill-opacity stroke-opacity stroke-width stroke-dasharray"
_PLACES = "width height viewBox transform points d cx cy rx ry x y"
_LETTERS = "text-anchor font-family font-weight font-style font-size"
_ATTRIBUTES = frozenset(f"id class {_LOOKS} {_PLACES} {_LETTERS}".split())
_NARROWEST, _WIDEST = 0.9, 1.3  # of the estimate, that fonts of one kind differ by

_Spans = Mapping[str, list[tuple[float, float, float]]]


def fitted_svg(svg: bytes, drawing: bytes) -> bytes:
    """The SVG with its texts fitted, and bare of all that is no shape and no text.

    `drawing` is what Graphviz gives as `json` for the same DOT text.
    """
    # Graphviz wrote it just now: it declares no entities.
    root = ElementTree.fromstring(svg)  # noqa: S314
    spans = _spans(msgspec.json.decode(drawing))
    _strip(root)
    for text in root.iter("text"):
        if (text.text or "").strip():
            _fit(text, spans)
    root.attrib |= {"xmlns": _SVG, "xmlns:xlink": _XLINK, "font-family": FONT_FAMILY}
    head = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    return (head + ElementTree.tostring(root, encoding="unicode") + "\n").encode("utf-8")


def _strip(element: ElementTree.Element) -> None:
    """Keep what is known to be harmless, under names without namespaces."""
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    kept = {name: value for name, value in element.attrib.items() if name in _ATTRIBUTES}
    if _TITLE in element.attrib:
        kept["xlink:title"] = element.attrib[_TITLE]
    element.attrib.clear()
    element.attrib.update(kept)
    for child in list(element):
        if child.tag.removeprefix(f"{{{_SVG}}}") in _ELEMENTS:
            _strip(child)
        else:
            element.remove(child)


def _fit(text: ElementTree.Element, spans: _Spans) -> None:
    """Centre a text where Graphviz has it, without the spaces around it, and say how
    wide it is.

    The width is Graphviz's unless it is far from the estimate, as it is for scripts
    that Graphviz has no font for.
    """
    given = text.text or ""
    words = given.strip(PADDING + " ")
    whole, length, before = (_estimate(text, part) for part in (given, words, given[: given.find(words)]))
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    near = spans.get(_plain(given), [])
    drawn = min(near, key=lambda span: abs(span[0] - x) + abs(span[1] + y))[2] if near else whole
    scale = drawn / whole if whole else 1.0
    left = x - drawn / 2 if text.attrib["text-anchor"] == "middle" else x
    text.text = words
    text.attrib |= {
        "text-anchor": "middle",
        "x": f"{left + scale * (before + length / 2):.2f}",
        "textLength": f"{length * scale if _NARROWEST <= scale <= _WIDEST else length:.2f}",
        "lengthAdjust": "spacingAndGlyphs",
        "xml:space": "preserve",
    }
    if text.get("font-family", "").startswith("Helvetica"):
        del text.attrib["font-family"]


def _estimate(text: ElementTree.Element, words: str) -> float:
    """The width of words in the size of a text, in points."""
    return text_width(words, float(text.attrib["font-size"]), bold=text.get("font-weight") == "bold")


def _spans(drawing: Any) -> _Spans:
    """Text → where it stands and how wide it is, each time that it is drawn."""
    found = defaultdict(list)
    for step in _steps(drawing):
        if step["op"] == "T":
            found[_plain(step["text"])].append((*step["pt"], step["width"]))
    return found


def _steps(drawing: Any) -> Iterator[Any]:
    """What is drawn for the graph, its bands, nodes and edges."""
    for item in (drawing, *drawing.get("objects", ()), *drawing.get("edges", ())):
        for name in ("_draw_", "_ldraw_"):
            yield from item.get(name, ())


def _plain(words: str) -> str:
    return words.replace("\N{NO-BREAK SPACE}", " ")
