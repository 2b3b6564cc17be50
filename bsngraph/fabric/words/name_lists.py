"""Several names in one text, as `source` and `target` of a graph hold them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable


def join_names(names: Iterable[str], known: Collection[str] = ()) -> str:
    """Names as one text, commas between. A comma inside a name, and a space at its
    start or end, has a backslash before it.

    The text differs from every name in `known`, unless it is that name alone.
    """
    names = list(names)
    if len(names) < 2:
        return "".join(names)
    text = ",".join(re.sub(r",|^ | $", r"\\\g<0>", name) for name in names)
    while text in known:
        text += ","
    return text


def split_names(text: str, known: Collection[str]) -> list[str]:
    """The names in a text. A text that is itself a known name is that one name."""
    if text in known:
        return [text]
    parts = re.findall(r"(?:\\.|[^,\\])+", text, re.DOTALL)
    names = (re.sub(r"\\(.)", r"\1", re.sub(r"^ +|(?<!\\) +$", "", part)) for part in parts)
    return [name for name in names if name]
