"""A run, or any architecture over its fabric → the picture as HTML; its script and its
style as text.

A page includes `picture_script()` and `picture_style()` once, and as many pictures as
it likes. The script starts by itself. Without it the picture is there and stands still.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from importlib import resources

from jinja2 import Template
from markupsafe import Markup

from bsngraph.draw.parts.legend import LegendEntry, family_entries
from bsngraph.fabric import Fabric
from bsngraph.reporting.picture.colours import colour_class, colour_rules
from bsngraph.reporting.picture.island import island
from bsngraph.reporting.picture.subject import PictureSubject, subject_of_run
from bsngraph.reporting.picture.svg import GONE, picture_svg
from bsngraph.runs import RunFolder
from bsngraph.wording import printable

_ASSETS = resources.files(__package__) / "assets"


def architecture_picture(
    run: RunFolder, architecture: Fabric | None = None, *, name: str = "architecture"
) -> Markup:
    """The picture of what a run found over its fabric, or of another `architecture` of
    that fabric, such as a point of its front.

    `name` is the element's id: a page with several pictures gives each its own.

    Raises:
        FabricError, InputError: a file of the run is missing or damaged.
        NoGraphvizError: no Graphviz is installed.
    """
    return picture_of(subject_of_run(run, architecture), name=name)


def picture_of(subject: PictureSubject, *, name: str = "architecture") -> Markup:
    """The picture of a subject: a `<figure>` with one `<svg>`, and its data.

    Raises:
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, or took too long.
    """
    template = Template(_asset("picture.html"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    # The XML library escaped the texts of the SVG, and `island` those of its data.
    svg = Markup(ElementTree.tostring(picture_svg(subject), encoding="unicode"))  # noqa: S704
    data = Markup(island(subject))  # noqa: S704
    removed = len(subject.fabric.edges) - len(subject.shown)
    html = template.render(name=name, svg=svg, data=data, removed=removed, legend=_legend(subject))
    return Markup(html)  # noqa: S704


def picture_script() -> str:
    """The JavaScript of all pictures of a page."""
    return _asset("picture.js")


def picture_style() -> str:
    """The CSS of all pictures of a page."""
    return _asset("picture.css") + colour_rules()


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _legend(subject: PictureSubject) -> list[dict[str, object]]:
    """What colours, widths and dashes mean."""
    entries = family_entries({subject.families[index] for index in subject.shown})
    if subject.kept is None and subject.probabilities is not None:
        entries.append(LegendEntry("#444444", "width: Γ", 2))
    elif subject.main_cost is not None:
        entries.append(LegendEntry("#444444", f"width: share of {subject.main_cost}", 2))
    if len(subject.shown) < len(subject.fabric.edges):
        entries.append(LegendEntry(GONE, "removed", 1, dashed=True))
    return [
        {
            "colour": entry.colour,
            "kind": "arch-removed" if entry.dashed else colour_class(entry.colour),
            "text": printable(entry.text),
            "width": entry.thickness,
            "dashed": entry.dashed,
        }
        for entry in entries
    ]
