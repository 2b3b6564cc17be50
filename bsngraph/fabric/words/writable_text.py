"""Which texts every format can write. DOT and XML both have texts they cannot say."""

from __future__ import annotations

import re

# Brackets nest at most four deep, as in dot.lark.
HTML = re.compile(r"<(?:[^<>]++|<(?:[^<>]++|<(?:[^<>]++|<[^<>]*+>)*+>)*+>)*+>")

_NO_XML = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_LOST_BACKSLASH = re.compile(r'(?<!\\)(?:\\\\)*\\(?=["\n]|\r\n|\Z)')


def cannot_be_written(text: str) -> str | None:
    """What in a text some format cannot write, or None if all formats can write it.

    XML has no control characters. DOT has no single backslash before a quote, a new
    line or the end of the text.
    """
    if _NO_XML.search(text):
        return "a control character that GraphML cannot write"
    if HTML.fullmatch(text) or not _LOST_BACKSLASH.search(text):
        return None
    return "a backslash that DOT cannot write"
