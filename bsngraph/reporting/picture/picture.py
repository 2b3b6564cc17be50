"""A run, or any architecture over its fabric → the picture as HTML; its script and its
style as text.

A page includes `picture_script()` and `picture_style()` once, and as many pictures as
it likes. The script starts by itself. Without it the picture is there and stands still.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from importlib import resources

from markupsafe import Markup

from bsngraph.fabric import Fabric
from bsngraph.reporting.picture.island import island
from bsngraph.reporting.picture.subject import PictureSubject, subject_of_run
from bsngraph.reporting.picture.svg import drawn
from bsngraph.runs import RunFolder

_ASSETS = resources.files(__package__) / "assets"
_FIGURE = Markup(
    '<figure class="arch" id="{name}" data-architecture="">'
    '<div class="arch-stage">{svg}</div>'
    '<script type="application/json">{data}</script>'
    "</figure>"
)


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
    """The picture of a subject: a `<figure>` with one `<svg>` and its data.

    Raises:
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, or took too long.
    """
    # The XML library escaped the texts of the SVG, and `island` those of its data.
    svg = Markup(ElementTree.tostring(drawn(subject), encoding="unicode"))  # noqa: S704
    data = Markup(island(subject))  # noqa: S704
    return _FIGURE.format(name=name, svg=svg, data=data)


def picture_script() -> str:
    """The JavaScript of all pictures of a page."""
    return (_ASSETS / "picture.js").read_text(encoding="utf-8")


def picture_style() -> str:
    """The CSS of all pictures of a page."""
    return (_ASSETS / "picture.css").read_text(encoding="utf-8")
