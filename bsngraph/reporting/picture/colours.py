"""The colours of operations on a light and on a dark page, as CSS."""

from __future__ import annotations

from bsngraph.draw.palette import OPERATION_COLOURS

_DARK_PAPER = "#14181D"
_LEAST_CONTRAST = 4.5  # against the dark paper, as WCAG 2 asks of text


def colour_class(colour: str) -> str:
    """The class of what has one of the palette's colours: `arch-0072b2`."""
    return f"arch-{colour.removeprefix('#').lower()}"


def colour_rules() -> str:
    """A rule for each colour of the palette. On a dark page it is lightened until it
    can be seen.
    """
    rules = [
        f".{colour_class(colour)} {{ --arch-edge: light-dark({colour}, {on_dark(colour)}); }}"
        for colour in OPERATION_COLOURS
    ]
    return "\n".join(["@supports (color: light-dark(#000, #fff)) {", *rules, "}", ""])


def on_dark(colour: str) -> str:
    """The colour mixed with as much white as contrast on dark paper needs."""
    mixed = (_mixed(colour, white / 20) for white in range(21))
    return next(one for one in mixed if _contrast(one, _DARK_PAPER) >= _LEAST_CONTRAST)


def _mixed(colour: str, white: float) -> str:
    channels = [round(channel + (255 - channel) * white) for channel in _channels(colour)]
    return "#" + "".join(f"{channel:02X}" for channel in channels)


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _contrast(light: str, dark: str) -> float:
    return (_luminance(light) + 0.05) / (_luminance(dark) + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance, as in WCAG 2."""
    values = [channel / 255 for channel in _channels(colour)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
