"""DOT text → a picture in a file, by calling Graphviz.

In: DOT text and a path. Out: the file, written whole or not at all. Its suffix says
what it holds: .svg, .png, or .dot for the text itself, which needs no Graphviz.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import msgspec

from bsngraph.draw.svg_texts import fitted_svg
from bsngraph.errors import BsngraphError, InputError
from bsngraph.whole_files import write_whole

DRAWING_SUFFIXES = (".svg", ".png", ".dot")
PNG_DPI = 110
GRAPHVIZ_TIMEOUT_S = 120.0
_SVG_END = b"</svg>"


class NoGraphvizError(BsngraphError):
    """Neither Graphviz nor its port graphviz-pure is installed."""

    def __init__(self) -> None:
        super().__init__(
            "drawing needs Graphviz, and there is none: `pip install 'bsngraph[draw]'`, or install "
            "graphviz from the system's packages"
        )


def find_graphviz() -> str | None:
    """The program that draws DOT: `dot` on the PATH, or else `graphviz-pure` on the
    PATH or beside this Python. None if neither is installed.
    """
    beside = str(Path(sys.executable).parent)
    return shutil.which("dot") or shutil.which("graphviz-pure") or shutil.which("graphviz-pure", path=beside)


def check_drawable(path: Path) -> None:
    """Check that `render_dot` can write a file of this suffix.

    Raises:
        InputError: the suffix is not .svg, .png or .dot.
        NoGraphvizError: the suffix is that of a picture, and no Graphviz is installed.
    """
    suffix = path.suffix.lower()
    if suffix not in DRAWING_SUFFIXES:
        raise InputError(
            f"{path}: a drawing is written as {', '.join(DRAWING_SUFFIXES[:-1])} or "
            f"{DRAWING_SUFFIXES[-1]}: give it one of these endings"
        )
    if suffix != ".dot" and find_graphviz() is None:
        raise NoGraphvizError


def render_dot(source: str, path: Path) -> None:
    """Draw DOT text to an .svg or .png file, or write the text itself to a .dot file.

    Raises:
        InputError: another suffix, or the folder cannot be written to.
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, with its own message, or took too long.
    """
    check_drawable(path)
    suffix = path.suffix.lower()
    if suffix == ".dot":
        write_whole(path, source)
    elif suffix == ".svg":
        write_whole(path, svg_drawing(source))
    else:
        write_whole(path, graphviz_output(source, "png"))


def svg_drawing(source: str) -> bytes:
    """DOT text as an SVG whose texts fit in any font, and which has no links.

    Raises:
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, with its own message, or took too long.
    """
    svg, end, drawing = graphviz_output(source, "svg", "json").partition(_SVG_END)
    try:
        return fitted_svg(svg + end, drawing)
    except (ElementTree.ParseError, msgspec.DecodeError) as error:
        raise BsngraphError(
            f"Graphviz gave a drawing that cannot be read ({error}): write a .dot file, and draw that"
        ) from None


def graphviz_output(source: str, *formats: str) -> bytes:
    """What Graphviz makes of DOT text, in one of its formats after the other.

    Raises:
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, with its own message, or took too long.
    """
    program = find_graphviz()
    if program is None:
        raise NoGraphvizError
    command = [program, *(f"-T{one}" for one in formats), *([f"-Gdpi={PNG_DPI}"] if "png" in formats else [])]
    try:
        # The program is Graphviz from the user's own PATH; the text is its input.
        content = source.encode("utf-8")
        done = subprocess.run(  # noqa: S603
            command, input=content, capture_output=True, timeout=GRAPHVIZ_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise BsngraphError(
            f"Graphviz did not finish within {GRAPHVIZ_TIMEOUT_S:.0f} s: write a .dot file and lay it "
            "out by other means"
        ) from None
    except OSError as error:
        raise BsngraphError(f"{program} cannot be run ({error.strerror}): reinstall Graphviz") from None
    if done.returncode != 0 or not done.stdout:
        said = " ".join(done.stderr.decode("utf-8", "replace").split()) or f"exit code {done.returncode}"
        raise BsngraphError(f"Graphviz could not draw this: {said}")
    return done.stdout
