"""JSON text → Python values, within the bounds of a file.

An object that says something twice is not reduced to its last word, as `json` does: it
becomes a `Twice`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading import bounds

EXAMPLE = (
    'a fabric reads {"directed": true, "multigraph": true, "graph": {…}, "nodes": [{"id": …}], '
    '"edges": [{"source": …, "target": …}]}'
)
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_MOST_DIGITS = 1000


class Twice(dict[str, Any]):
    """An object that says something twice; `name` is what."""

    name = ""


def parse_node_link(text: str, origin: str) -> Any:
    """Parse a text.

    Raises:
        FabricError: it is not JSON, nests too deep, or says more words than a file may.
    """
    if text.count(",") + text.count("[") + text.count("{") > bounds.MAX_WORDS:
        raise bounds.too_many_words(origin, bounds.MAX_WORDS, "the whole file", "write fewer edges")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        problem = Problem(f"not JSON ({error.msg})", f"line {error.lineno}, column {error.colno}", EXAMPLE)
    except RecursionError:
        what = f"brackets nest deeper than {bounds.MAX_DEPTH}"
        problem = Problem(what, _too_deep(text), "a node-link graph has three levels")
    raise FabricError(origin, [problem])


def _integer(text: str) -> int | float:
    """An int. One of more digits than Python reads becomes infinity, which no fabric
    takes.
    """
    return int(text) if len(text) < _MOST_DIGITS else math.inf


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = Twice(found)
    twice.name = Counter(name for name, _ in pairs).most_common(1)[0][0]
    return twice


def _too_deep(text: str) -> str:
    """The place where brackets nest too deep."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > bounds.MAX_DEPTH:
            line = text.count("\n", 0, found.start()) + 1
            return f"line {line}, column {found.start() - text.rfind(chr(10), 0, found.start())}"
    return "the whole file"
