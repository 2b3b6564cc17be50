"""matplotlib's SVG → the same with every text as wide as matplotlib took it to be, in
whatever font it is shown.
"""

from __future__ import annotations

import html
import re
import warnings

_TEXT = re.compile(r'<text style="(?P<style>[^"]*)"(?P<place>[^>]*)>(?P<words>[^<]+)</text>')
_SIZE = re.compile(r"(?P<points>[0-9.]+)px")
_FONT, _FONTS = "'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif"


def fitted_chart(svg: bytes) -> bytes:
    """Say of each text how wide it is."""
    return _TEXT.sub(_fitted, svg.decode("utf-8")).encode("utf-8")


def _fitted(found: re.Match[str]) -> str:
    size = _SIZE.search(found["style"])
    if size is None:
        return found[0]
    width = _width(html.unescape(found["words"]), float(size["points"]))
    style = found["style"].replace(_FONT, _FONTS)
    fit = f'textLength="{width:.2f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text style="{style}" {fit}{found["place"]}>{found["words"]}</text>'


def _width(text: str, points: float) -> float:
    """The width of one line of text in the font of charts, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with warnings.catch_warnings():
        # It takes a box for what the font does not have, and that is the room it keeps.
        warnings.filterwarnings("ignore", message="Glyph ")
        font = FontProperties(family="DejaVu Sans", size=points)
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)
